"""The operator as a real process, with the settings that a chart would give it."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import urllib3

from tests.contract.cloud import until

START_SECONDS = 40.0
"""A process that loads the Azure SDK while the machine is busy."""
METRIC = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


class Operator:
    """One `aks-operator run`: start, kill, start again. `watch` are the namespaces it looks at."""

    def __init__(
        self, kubeconfig: str, folder: Path, namespace: str, watch: Sequence[str], endpoint: str, **settings: object
    ) -> None:
        self.namespace = namespace
        self._log = folder / "operator.log"
        self._settings = {
            "NAMESPACE": namespace,
            "WATCH_NAMESPACES": ",".join([namespace, *watch]),
            "KUBECONFIG": kubeconfig,
            "ALLOWED_ENDPOINTS": endpoint,
            "DRIFT_INTERVAL_SECONDS": "2",
            "POLL_INTERVAL_SECONDS": "0.5",
            "LEASE_SECONDS": "10",
            "READS_PER_SECOND": "500",
            "WRITES_PER_SECOND": "200",
            **{name.upper(): str(value) for name, value in settings.items()},
        }
        self.environment: dict[str, str] = {}
        """More of the process' environment."""
        self._pool = urllib3.PoolManager(retries=False, timeout=5.0)
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._read_from = 0

    @classmethod
    def beside(cls, other: "Operator", **settings: object) -> "Operator":
        """Another process of the same installation: same settings but for those given, and a log of its own."""
        made = cls.__new__(cls)
        made.__dict__.update(other.__dict__)
        made._log = other._log.with_name(f"operator-{len(list(other._log.parent.iterdir()))}.log")
        made._settings = {**other._settings, **{name.upper(): str(value) for name, value in settings.items()}}
        made._process = None
        return made

    def start(self, *, leading: bool = True) -> "Operator":
        """Start it; returns when it answers and, with `leading`, when it works."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self._port = taken.getsockname()[1]
        named = {f"AKS_OPERATOR_{name}": value for name, value in self._settings.items()}
        environment = {
            "PATH": os.environ["PATH"],
            **self.environment,
            **named,
            "AKS_OPERATOR_HTTP_PORT": str(self._port),
        }
        self._read_from = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            program = Path(sys.executable).with_name("aks-operator")
            self._process = subprocess.Popen([program, "run"], env=environment, stdout=log, stderr=log)
        until("the operator answers", lambda: self.get("/readyz") or None, START_SECONDS)
        if leading:
            until("the operator works", lambda: "working" in self.messages() or None, START_SECONDS)
        return self

    def kill(self) -> None:
        """kill -9: nothing is finished, nobody is told."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        self._process = None

    def stop(self) -> int:
        """End it as a kubelet would; its exit code, 0 when it did not run."""
        if self._process is None:
            return 0
        self._process.terminate()
        code = self._process.wait(30)
        self._process = None
        return code

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def get(self, path: str) -> str:
        """What its HTTP server answers with 200, "" for anything else."""
        assert self.running, f"the operator ended:\n{self.log()[-3000:]}"
        try:
            answer = self._pool.request("GET", f"http://127.0.0.1:{self._port}{path}")
        except urllib3.exceptions.HTTPError:
            return ""
        return answer.data.decode() if answer.status == 200 else ""

    def metrics(self, name: str) -> dict[str, float]:
        """The samples of one metric, by their labels."""
        lines = (METRIC.match(line) for line in self.get("/metrics").splitlines())
        return {m[2] or "": float(m[3]) for m in lines if m is not None and m[1] == name}

    def count(self, name: str) -> float:
        """The sum of one metric's samples."""
        return sum(self.metrics(name).values())

    def log(self) -> str:
        """Everything that it, and those before it, wrote."""
        return self._log.read_text()

    def lines(self) -> list[Mapping[str, Any]]:
        """What the present process logged."""
        text = self._log.read_bytes()[self._read_from :].decode()
        return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]

    def messages(self) -> list[str]:
        """The messages that the present process logged."""
        return [str(line["message"]) for line in self.lines()]

    def errors(self) -> list[str]:
        """Unexpected errors of the present process: a test of anything expects none."""
        return [str(line.get("exception", line["message"])) for line in self.lines() if line["severity"] == "ERROR"]
