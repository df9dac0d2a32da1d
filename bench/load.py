"""Load from one machine to itself: wrk where it can be had, else a slower generator of our own. Loopback only."""

import asyncio
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp

CONNECTIONS = 8
PLACE = "%d"
"""In a path: the number of the request, counted from 0 up to the number of places and again."""
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True)
class Load:
    """What came of it: requests a second, the 99th percentile of their latency in ms, answers that were no success."""

    rate: float
    p99: float
    refused: int
    by: str


@dataclass(frozen=True)
class Target:
    """What is asked, again and again, over 8 connections that stay open. `places`: how many paths there are."""

    url: str
    token: str
    ca: str
    method: str = "GET"
    body: str = ""
    places: int = 1


def run(target: Target, seconds: int) -> Load:
    """Ask for some seconds."""
    assert target.url.startswith(("https://localhost:", "https://127.0.0.1:")), "load goes to this machine only"
    program = wrk()
    return _by_wrk(program, target, seconds) if program else asyncio.run(_by_ourselves(target, seconds))


def wrk() -> str | None:
    """The path of wrk, installed from the distribution where that is possible."""
    if shutil.which("wrk") is None and shutil.which("apt-get") and os.geteuid() == 0:
        command = ["apt-get", "install", "-y", "--no-install-recommends", "wrk"]
        subprocess.run(
            command, capture_output=True, check=False, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        )
    return shutil.which("wrk")


def _by_wrk(program: str, target: Target, seconds: int) -> Load:
    """One thread is enough, and leaves the server its core."""
    script = f"""
local n = 0
local headers = {{ ["Authorization"] = "Bearer {target.token}", ["Content-Type"] = "application/json" }}
request = function()
  local path = string.gsub([[{target.url.split("/", 3)[3]}]], "%%d", tostring(n % {target.places}))
  local body = string.gsub([[{target.body}]], "%%d", tostring(n))
  n = n + 1
  return wrk.format("{target.method}", "/" .. path, headers, body ~= "" and body or nil)
end
"""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "load.lua"
        path.write_text(script)
        path.chmod(0o600)
        command = [
            program,
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{seconds}s",
            "--timeout",
            "10s",
            "--latency",
            "-s",
            str(path),
            target.url,
        ]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", said)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    assert rate, said
    assert p99, said
    return Load(float(rate[1]), float(p99[1]) * UNITS[p99[2]], int(refused[1]) if refused else 0, "wrk")


async def _by_ourselves(target: Target, seconds: int) -> Load:
    latencies: list[float] = []
    refused = number = 0
    end = time.monotonic() + seconds
    context = ssl.create_default_context(cafile=target.ca)
    headers = {"Authorization": f"Bearer {target.token}", "Content-Type": "application/json"}

    async def connection(session: aiohttp.ClientSession) -> None:
        nonlocal refused, number
        while time.monotonic() < end:
            url = target.url.replace(PLACE, str(number % target.places))
            body = target.body.replace(PLACE, str(number)) or None
            number += 1
            began = time.monotonic()
            async with session.request(target.method, url, data=body) as answer:
                await answer.read()
                refused += answer.status >= 300
            latencies.append((time.monotonic() - began) * 1000)

    connector = aiohttp.TCPConnector(ssl=context, limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        await asyncio.gather(*(connection(session) for _ in range(CONNECTIONS)))
    latencies.sort()
    return Load(len(latencies) / seconds, latencies[int(len(latencies) * 0.99)], refused, "asyncio")


async def put_all(bodies: dict[str, str], token: str, ca: str) -> None:
    """PUT every body to its URL, over 8 connections; fails at the first that is refused."""
    waiting = iter(bodies.items())
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    async def connection(session: aiohttp.ClientSession) -> None:
        for url, body in waiting:
            async with session.put(url, data=body) as answer:
                assert answer.status < 300, await answer.text()

    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=ca), limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        await asyncio.gather(*(connection(session) for _ in range(CONNECTIONS)))
