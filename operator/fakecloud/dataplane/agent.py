"""The agent: reads the wanted world, keeps its node to it, probes, and reports. Outlived by what it made."""

import asyncio
import contextlib
import logging
import signal
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
from pydantic import ValidationError

from fakecloud.dataplane import netns
from fakecloud.dataplane import world as worlds
from fakecloud.dataplane.node import Node
from fakecloud.dataplane.probes import Prober
from fakecloud.dataplane.world import EMPTY, World

log = logging.getLogger(__name__)
RETRY: Final = 2.0
REPORT_EVERY: Final = 10.0


@dataclass(frozen=True)
class AgentOptions:
    """What `fakecloud agent` was told."""

    server: str
    ca_file: Path
    token_file: Path
    node: str


class Agent:
    """The data plane on one node."""

    def __init__(self, options: AgentOptions) -> None:
        self._options = options
        self._node = Node(options.node)
        self._say = asyncio.Event()
        self._prober = Prober(self._say.set)
        self._world: World = EMPTY
        self._version = 0
        self._applied = 0
        self._complaints: list[str] = []
        self._error: str | None = None

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT. What was made on the node stays."""
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        tasks = [asyncio.ensure_future(work()) for work in (self._follow, self._keep_reporting, stop.wait)]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()

    async def _follow(self) -> None:
        while True:
            try:
                await self._fetch()
            except (aiohttp.ClientError, TimeoutError, OSError, ValidationError) as error:
                log.warning("the cloud does not say what it wants, the node stays as it is: %s", error)
                await asyncio.sleep(RETRY)
                continue
            if not await self._apply():
                await asyncio.sleep(RETRY)

    async def _fetch(self) -> None:
        """Wait for a world other than the one applied."""
        async with self._session() as session, session.get("world", params={"after": str(self._applied)}) as answer:
            answer.raise_for_status()
            document = await answer.json()
        self._world, self._version = worlds.decode(document["world"]), int(document["version"])

    async def _apply(self) -> bool:
        if self._version == self._applied:
            return True
        try:
            self._complaints, self._error = await self._node.apply(self._world), None
        except (netns.CommandError, OSError) as error:
            self._error = str(error)
            log.exception("the node could not be brought to version %d", self._version)
            self._say.set()
            return False
        self._applied = self._version
        self._prober.want(self._world.probes(self._options.node))
        for complaint in self._complaints:
            log.warning("%s", complaint)
        log.info("version %d applied: %d frontends, %d machines", self._version, len(self._world.frontends), len(self._world.machines))  # fmt: skip
        self._say.set()
        return True

    async def _keep_reporting(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._say.wait(), REPORT_EVERY)
            self._say.clear()
            if not self._prober.complete:
                continue
            try:
                await self._report()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                log.warning("not reported: %s", error)
                await asyncio.sleep(RETRY)

    async def _report(self) -> None:
        body = {
            "version": self._applied,
            "complaints": self._complaints,
            "error": self._error,
            "up": [worlds.probe_document(probe) for probe in self._prober.up()],
        }
        async with self._session() as session, session.post(f"nodes/{self._options.node}", json=body) as answer:
            answer.raise_for_status()

    def _session(self) -> aiohttp.ClientSession:
        """A session of its own for each request: token and CA may be replaced at any time."""
        token = self._options.token_file.read_text().strip()
        tls = ssl.create_default_context(cafile=str(self._options.ca_file))
        return aiohttp.ClientSession(
            f"{self._options.server.rstrip('/')}/_fakecloud/dataplane/",
            connector=aiohttp.TCPConnector(ssl=tls),
            headers={"Authorization": f"Bearer {token}"},
            timeout=aiohttp.ClientTimeout(total=40.0),
        )
