"""What Azure's own Go modules make of the fake cloud: azidentity, armcontainerservice, armnetwork."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.contract.cloud import Cloud

ROOT = Path(__file__).parents[2]
WAYS = ("client secret", "client secret by an ADFS-style authority", "managed identity")


@pytest.fixture(scope="session")
def program() -> Path:
    """The program in tests/az/go, built."""
    built = subprocess.run([ROOT / "hack" / "go-acceptance"], capture_output=True, text=True, check=False)
    if built.returncode != 0:
        pytest.skip(built.stderr.strip().rpartition("\n")[2])
    return Path(built.stdout.strip())


@pytest.mark.timeout(600)
def test_go_logs_in_every_way_and_its_pollers_see_a_cluster_through(program: Path, cloud: Cloud) -> None:
    """Nothing in its environment leads to it: cloud, authority and certificates are given in code."""
    ran = subprocess.run(
        [program, cloud.state],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, f"{ran.stdout}{ran.stderr}"
    said = ran.stdout.splitlines()
    assert [line.removeprefix("logged in: ") for line in said if line.startswith("logged in")] == [*WAYS]
    assert [line for line in said if line.startswith("the pool was scaled")] == [
        "the pool was scaled: 3",
        "the pool was scaled: 0",
    ]
    assert said[-1] == "the group is gone"
