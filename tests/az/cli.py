"""The unmodified Azure CLI at a test's hands: a process a command, JSON out, and a transcript of what was said."""

import json
import os
import shlex
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.cloud import Account

PATIENCE = 100.0
"""Seconds for one command; the very first of each kind compiles what it imports."""
KEPT = ("HOME", "LANG", "PATH", "TMPDIR")
"""What az gets to see of the environment: nothing that would lead it to another cloud, or make it slow."""
SHOWN = 2000
"""Characters of one answer in a transcript."""


@dataclass(frozen=True)
class Refusal:
    """How az ended, and what it wrote to stderr."""

    exit_code: int
    text: str


class Az:
    """az with a configuration folder of its own, which knows one cloud."""

    def __init__(self, program: Path, cloud: Account, folder: Path) -> None:
        self._program = program
        self._cloud = cloud
        self._said: list[str] = []
        self.environment = {name: os.environ[name] for name in KEPT if name in os.environ} | {
            "AZURE_CONFIG_DIR": str(folder),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",  # else it asks Entra ID itself whether our authority is one
            "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
            "REQUESTS_CA_BUNDLE": cloud.ca,
        }

    def register(self, name: str) -> None:
        """Tell az of the cloud, which it talks to from now on."""
        self(f"cloud register --name {name} --endpoint-resource-manager {self._cloud.endpoint}")
        self(f"cloud set --name {name}")

    def log_in(self) -> None:
        """Log in as the cloud's one client."""
        who = f"--username {self._cloud.client} --password={self._cloud.secret} --tenant {self._cloud.tenant}"
        self(f"login --service-principal {who}")

    def __call__(self, command: str) -> Any:
        """What a command answers, None for nothing; fails when it does."""
        ended = self._run(command)
        assert ended.returncode == 0, f"az {command.partition(' --password')[0]}: {ended.stderr[-SHOWN:]}"
        return json.loads(ended.stdout) if ended.stdout.strip() else None

    def text(self, command: str) -> str:
        """What a command writes for people to read; fails when it does."""
        ended = self._run(command, output=None)
        assert ended.returncode == 0, ended.stderr[-SHOWN:]
        return ended.stdout

    def refused(self, command: str) -> Refusal:
        """How a command ends that must not succeed."""
        ended = self._run(command)
        assert ended.returncode != 0, f"az {command} succeeded: {ended.stdout[-SHOWN:]}"
        return Refusal(ended.returncode, ended.stderr)

    def _run(self, command: str, *, output: str | None = "json") -> subprocess.CompletedProcess[str]:
        arguments = [*shlex.split(command), *([] if output is None else ["--output", output])]
        began = time.monotonic()
        ended = subprocess.run(
            [self._program, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        took = f"[exit code {ended.returncode} after {time.monotonic() - began:.1f} s]"
        said = f"$ az {command}\n{ended.stderr[-SHOWN:]}{ended.stdout[-SHOWN:].rstrip()}\n{took}"
        self._said.append(said.replace(self._cloud.secret, "…"))
        return ended

    def transcript(self, after: int = 0) -> str:
        """All that was said, from the command numbered `after` on."""
        return "\n\n".join(self._said[after:])

    @property
    def commands(self) -> int:
        """How many commands there were."""
        return len(self._said)
