"""Network namespaces: work done inside one, by a thread that enters it and comes back."""

import asyncio
import ctypes
import json
import os
import socket
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

RUN: Final = Path("/run/netns")
CLONE_NEWNET: Final = 0x40000000
T = TypeVar("T")
_libc = ctypes.CDLL(None, use_errno=True)


class CommandError(Exception):
    """A tool refused; the message holds what it said."""


async def inside(name: str | None, work: Callable[[], T]) -> T:
    """What `work` returns when it is done inside the namespace `name` (None: our own). Raises what it raises, OSError."""
    return await asyncio.to_thread(enter, name, work)


def enter(name: str | None, work: Callable[[], T]) -> T:
    """What `work` returns inside the namespace: only for work that does not wait, where a loop runs in the thread."""
    if name is None:
        return work()
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        there = os.open(RUN / name, os.O_RDONLY)
        try:
            _setns(there)
        finally:
            os.close(there)
        try:
            return work()
        finally:
            _setns(own)
    finally:
        os.close(own)


def _setns(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


def call(*argv: str, stdin: str | None = None) -> str:
    """What a tool prints; raises CommandError when it fails."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603  # ip and nft, with arguments of ours
    if done.returncode != 0:
        raise CommandError(f"{' '.join(argv)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def ip_json(*argv: str) -> list[dict[str, Any]]:
    """What `ip -json` prints."""
    return json.loads(call("ip", "-json", *argv) or "[]")  # type: ignore[no-any-return]  # a JSON list of objects, by ip's documentation


def exists(name: str) -> bool:
    """Whether there is a namespace of that name."""
    return (RUN / name).exists()


def stream_socket() -> socket.socket:
    """A TCP socket of the namespace in which the calling thread is; it stays there wherever it is used."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setblocking(False)
    return made


def script(lines: Sequence[str]) -> None:
    """Do `ip -batch` with these lines; nothing when there are none. Raises CommandError."""
    if lines:
        call("ip", "-batch", "-", stdin="\n".join(lines) + "\n")
