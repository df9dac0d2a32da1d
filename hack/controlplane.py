#!/usr/bin/env python3
"""A real API server without Docker: etcd, kube-apiserver and, if asked for, the controller manager as plain processes.

    controlplane.py up NAME [--kcm]    prints the path of the kubeconfig; an older one of that name is ended first
    controlplane.py down NAME

All of it listens on 127.0.0.1 and keeps its state in a temporary folder of this user. Processes are ended by their
recorded number, after a look whether the number is still theirs. The programs come from `hack/kubernetes-build`, or
from the folder in KUBEBUILDER_ASSETS. Needs the project's Python packages: `uv run hack/controlplane.py …`.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CONTEXT = "aks-operator-test"
HOST = "127.0.0.1"
START_SECONDS = 90.0
STOP_SECONDS = 10.0
_children: dict[int, subprocess.Popen[bytes]] = {}
"""Processes of this process' own, by number: one that nobody holds warns that it still runs."""
ADMIN, CONTROLLERS = "admin", "system:kube-controller-manager"


class StartFailedError(Exception):
    """A process of the control plane ended, or was not ready in time; the message holds the end of its log."""


@contextlib.contextmanager
def running(name: str, *, controllers: bool = False) -> Iterator[Path]:
    """The kubeconfig of a control plane that lives as long as the context."""
    try:
        yield up(name, controllers=controllers)
    finally:
        down(name)


def up(name: str, *, controllers: bool = False) -> Path:
    """The kubeconfig of a new, empty control plane; its only context is `aks-operator-test`.

    With `controllers` the controller manager runs too, and the ServiceAccount default/default exists on return;
    without it, pods need no ServiceAccount. Raises StartFailedError.
    """
    programs = _programs()
    down(name)
    state = _state(name)
    state.mkdir(mode=0o700)
    plane = _Plane(state, programs)
    try:
        plane.start_etcd()
        plane.start_api_server(service_accounts=controllers)
        if controllers:
            plane.start_controllers()
    except BaseException:
        down(name)
        raise
    return plane.kubeconfig(ADMIN)


def down(name: str) -> None:
    """End the processes of a control plane, the last started first, and remove its state. None there is no error."""
    state = _state(name)
    for record in sorted(state.glob("*.pid"), key=lambda path: path.stat().st_mtime_ns, reverse=True):
        _end(int(record.read_text()), state)
    shutil.rmtree(state, ignore_errors=True)


class _Plane:
    """What the parts of one control plane need to find each other."""

    def __init__(self, state: Path, programs: Path) -> None:
        self.state = state
        self.programs = programs
        self.port = _free_port()
        self.etcd = f"http://{HOST}:{_free_port()}"
        self.tokens = {ADMIN: secrets.token_urlsafe(24), CONTROLLERS: secrets.token_urlsafe(24)}
        authority = trustme.CA()
        serving = authority.issue_cert(HOST, "localhost", "kubernetes.default.svc")
        authority.cert_pem.write_to_path(state / "ca.crt")
        serving.private_key_pem.write_to_path(state / "serving.key")
        serving.cert_chain_pems[0].write_to_path(state / "serving.crt")
        signing = ec.generate_private_key(ec.SECP256R1())
        (state / "service-account.key").write_bytes(
            signing.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        )
        groups = {ADMIN: "system:masters", CONTROLLERS: "controllers"}
        lines = [f'{token},{user},{user},"{groups[user]}"' for user, token in self.tokens.items()]
        (state / "tokens.csv").write_text("\n".join(lines) + "\n")
        self._trust = ssl.create_default_context(cafile=str(state / "ca.crt"))

    def start_etcd(self) -> None:
        """Start the store. Nothing in it has to survive, so it need not wait for the disk."""
        peer = f"http://{HOST}:{_free_port()}"
        self._start(
            "etcd",
            "--data-dir", str(self.state / "etcd"),
            "--listen-client-urls", self.etcd, "--advertise-client-urls", self.etcd,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
            "--unsafe-no-fsync", "--log-level", "warn",
        )  # fmt: skip

    def start_api_server(self, *, service_accounts: bool) -> None:
        """Start the API server, and wait until it is ready."""
        key = str(self.state / "service-account.key")
        arguments = [
            "--etcd-servers", self.etcd,
            "--bind-address", HOST, "--advertise-address", HOST, "--secure-port", str(self.port),
            "--tls-cert-file", str(self.state / "serving.crt"), "--tls-private-key-file", str(self.state / "serving.key"),
            "--token-auth-file", str(self.state / "tokens.csv"),
            "--service-account-issuer", "https://kubernetes.default.svc",
            "--service-account-signing-key-file", key, "--service-account-key-file", key,
            "--service-cluster-ip-range", "10.96.0.0/16",
            "--authorization-mode", "RBAC", "--endpoint-reconciler-type", "none", "--allow-privileged=true",
        ]  # fmt: skip
        if not service_accounts:  # nobody would make the default account that every pod is given
            arguments += ["--disable-admission-plugins", "ServiceAccount"]
        process = self._start("kube-apiserver", *arguments)
        self._wait_for("/readyz", process, "kube-apiserver")

    def start_controllers(self) -> None:
        """Start the controller manager, and wait for what every namespace gets from it."""
        key = str(self.state / "service-account.key")
        process = self._start(
            "kube-controller-manager",
            "--kubeconfig", str(self.kubeconfig(CONTROLLERS)),
            "--leader-elect=false", "--bind-address", HOST, "--secure-port", str(_free_port()),
            "--service-account-private-key-file", key, "--root-ca-file", str(self.state / "ca.crt"),
            "--use-service-account-credentials=true",
            # nodes are made by hand here: nobody renews them, and they must not become not ready for that
            "--controllers", "*,-node-lifecycle-controller",
            "--kube-api-qps", "200", "--kube-api-burst", "400",
        )  # fmt: skip
        self._wait_for("/api/v1/namespaces/default/serviceaccounts/default", process, "kube-controller-manager")

    def kubeconfig(self, user: str) -> Path:
        """The path of a kubeconfig for `user`; it can be copied anywhere."""
        authority = base64.b64encode((self.state / "ca.crt").read_bytes()).decode()
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": CONTEXT,
            "clusters": [
                {
                    "name": CONTEXT,
                    "cluster": {"server": f"https://{HOST}:{self.port}", "certificate-authority-data": authority},
                }
            ],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": user}}],
        }
        path = self.state / f"{user.rpartition(':')[2]}.kubeconfig"
        path.write_text(json.dumps(document, indent=2) + "\n")  # JSON is YAML
        return path

    def _start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.state / f"{program}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(self.programs / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C is the caller's: it ends us in order
            )
        _children[process.pid] = process
        (self.state / f"{program}.pid").write_text(str(process.pid))
        return process

    def _wait_for(self, path: str, process: subprocess.Popen[bytes], program: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers(path):
            if process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            said = (self.state / f"{program}.log").read_text(errors="replace").splitlines()[-15:]
            ended = "is not ready" if process.returncode is None else f"ended with {process.returncode}"
            raise StartFailedError("\n".join([f"{program} {ended}:", *said]))

    def _answers(self, path: str) -> bool:
        connection = http.client.HTTPSConnection(HOST, self.port, timeout=2, context=self._trust)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.tokens[ADMIN]}"})
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()


def _programs() -> Path:
    """The folder of the programs; they are built when there are none, which takes minutes once."""
    if assets := os.environ.get("KUBEBUILDER_ASSETS"):
        return Path(assets)
    build = Path(__file__).parent / "kubernetes-build"
    return Path(subprocess.run([build], check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


def _state(name: str) -> Path:
    """The folder of one control plane, below one that is this user's alone: keys and tokens lie in it."""
    folder = Path(tempfile.gettempdir()) / f"aks-operator-controlplane-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else: remove it, or set TMPDIR")
    return folder / name


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _end(pid: int, state: Path) -> None:
    """End process `pid` if it is one that works on `state`; a number can have been given to another since."""
    if _alive(pid, state):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while _alive(pid, state):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
    if (child := _children.pop(pid, None)) is not None:
        child.wait(STOP_SECONDS)


def _alive(pid: int, state: Path) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return os.fsencode(state) in command  # the memory of a process that ended, and so its command line, is gone


def main(arguments: Sequence[str]) -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(prog="controlplane.py", description="A real API server as plain processes.")
    parser.add_argument("verb", choices=["up", "down"])
    parser.add_argument("name", help="several can run side by side, each under its name")
    parser.add_argument("--kcm", action="store_true", help="run the controller manager too")
    options = parser.parse_args(arguments)
    if options.verb == "down":
        down(options.name)
        return 0
    try:
        print(up(options.name, controllers=options.kcm))
    except StartFailedError as failed:
        print(failed, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
