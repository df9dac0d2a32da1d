"""docs/az.md is true: its commands are run as they stand there, its Go is that of the program which is."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.az.conftest import ROOT
from tests.contract.cloud import Cloud

PAGE = (ROOT / "docs" / "az.md").read_text()
SERVE = "uv run fakecloud serve"


def blocks(language: str) -> list[str]:
    """The page's blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def commands() -> list[str]:
    """What follows a prompt on the page, lines that go on included."""
    return re.findall(r"^\$ ((?:.*\\\n)*.*)$", "".join(blocks("console")), re.MULTILINE)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Cloud]:
    """A cloud as the page starts it, but for the port, and beside it the folder that one works in."""
    cloud = Cloud(tmp_path / "cloud", "60")
    yield cloud
    cloud.stop()


@pytest.mark.timeout(600)
def test_every_command_of_the_page_works(desk: Cloud, program: Path) -> None:
    first, *others = commands()
    assert first == f"{SERVE} --state cloud --speed 60"
    script = "\n".join(["set -euxo pipefail", *others])
    folder = desk.state.parent
    environment = {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
    }
    ran = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert ran.returncode == 0, ran.stderr[-4000:].replace(desk.secret, "…")
    assert "(OperationNotAllowed)" in ran.stderr, "what the page says is refused is"
    assert "There has to be at least one System pool." in ran.stdout


def test_the_pages_go_is_that_of_the_program() -> None:
    source = (ROOT / "tests" / "az" / "go" / "main.go").read_text()
    shown = [line.strip() for block in blocks("go") for line in block.splitlines()]
    assert shown
    assert "\n".join(shown) in "\n".join(line.strip() for line in source.splitlines())
