"""The server's side of the data plane: the wanted world, versioned; what the agents report; who is healthy."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from fakecloud.compute.port import Compute
from fakecloud.dataplane import world as worlds
from fakecloud.dataplane.world import EMPTY, Probe, World
from fakecloud.store import Store

SILENCE: Final = 45.0
"""Seconds after which nothing an agent said counts any more."""
SETTLE: Final = 0.05
"""Seconds in which changes are gathered before the world is computed anew."""


@dataclass
class Report:
    """What an agent said last."""

    version: int
    complaints: list[str]
    error: str | None
    up: frozenset[Probe]
    at: float = field(default=0.0)


class Dataplane:
    """Keeps the world up to the store, the machines and the probes."""

    def __init__(self, store: Store, compute: Compute, public_range: str, clock: Callable[[], float]) -> None:
        self._store = store
        self._compute = compute
        self._public_range = public_range
        self._clock = clock
        self._reports: dict[str, Report] = {}
        self._changed = asyncio.Event()
        self.world: World = EMPTY
        # grows over restarts too, so that an agent that outlives the server hears of the new world
        self.version = int(time.time())
        self._waiters: set[asyncio.Future[None]] = set()

    async def run(self) -> None:
        """Follow what changes, for ever."""
        self._compute.on_change(self._changed.set)
        following = asyncio.ensure_future(self._follow_store())
        try:
            while True:
                self._update()
                try:
                    await asyncio.wait_for(self._changed.wait(), SILENCE / 3)
                except TimeoutError:
                    continue
                await asyncio.sleep(SETTLE)
                self._changed.clear()
        finally:
            following.cancel()

    async def _follow_store(self) -> None:
        version = self._store.version
        while True:
            version = await self._store.changed(version, 3600.0)
            self._changed.set()

    def _update(self) -> None:
        placements = self._compute.placements()
        if not placements:
            computed = EMPTY
        else:
            computed = worlds.compute(
                self._store.all("resource").values(),
                placements,
                self._public_range,
                self._answered(),
                self._compute.node_addresses(),
            )
        if computed != self.world:
            self.world = computed
            self.version += 1
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)
            self._waiters.clear()

    def _answered(self) -> Iterable[Probe]:
        oldest = self._clock() - SILENCE
        return [probe for report in self._reports.values() if report.at >= oldest for probe in report.up]

    async def wait(self, after: int, timeout: float) -> int:
        """The world's version as soon as it is not `after`, or when `timeout` seconds have passed."""
        if self.version == after:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await asyncio.wait_for(waiter, timeout)
            except TimeoutError:
                pass
            finally:
                self._waiters.discard(waiter)
        return self.version

    def report(self, node: str, report: Report) -> None:
        """An agent spoke."""
        report.at = self._clock()
        known = self._reports.get(node)
        self._reports[node] = report
        if known is None or known.up != report.up:
            self._changed.set()

    def reports(self) -> dict[str, Any]:
        """How far every node is: what tests wait for."""
        now = self._clock()
        return {
            "version": self.version,
            "nodes": {
                node: {
                    "version": report.version,
                    "complaints": report.complaints,
                    "error": report.error,
                    "secondsAgo": round(now - report.at, 1),
                }
                for node, report in self._reports.items()
            },
        }

    def health(self, balancer: str, rule: str) -> list[dict[str, Any]] | None:
        """What the probes say of each backend of a rule; None when there are no machines at all."""
        if not self._compute.placements():
            return None
        self._update()
        wanted = f"{balancer}/loadBalancingRules/{rule}".lower()
        for frontend in self.world.frontends:
            if frontend.rule.lower() == wanted:
                healthy = set(self.world.healthy(frontend))
                return [
                    {"ipAddress": backend.address, "state": "Up" if backend in healthy else "Down"}
                    for backend in frontend.backends
                ]
        return []
