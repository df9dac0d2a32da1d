"""One leader by a coordination.k8s.io Lease: no write after the renew deadline, loss ends the process."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

from aks_operator.kube import KubeClient, KubeError

log = logging.getLogger(__name__)
LOOK_INTERVAL: Final = 1.0
"""Seconds between two looks of a standby: how long nobody works after a leader left in order."""
GROUP: Final = "/apis/coordination.k8s.io/v1/namespaces"


class Lease:
    """A Lease held by `holder`. `seconds` is how long it holds unrenewed; it is renewed three times in that time.

    `clock` gives monotonic seconds. `heard` is told of every try: the Lease's resourceVersion as we wrote it, None when
    there was no answer.
    """

    def __init__(
        self,
        kube: KubeClient,
        namespace: str,
        name: str,
        holder: str,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        heard: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        self._kube = kube
        self._collection = f"{GROUP}/{namespace}/leases"
        self._name = name
        self._holder = holder
        self._seconds = seconds
        self._clock = clock
        self._heard = heard
        self._deadline = float("-inf")
        self._seen: tuple[str, float] = ("", 0.0)
        self._term = -1  # leaseTransitions while we lead
        self._written: dict[str, Any] | None = None  # the Lease as we wrote it last
        self._lost = False

    @property
    def held(self) -> bool:
        """Whether we may write: by the monotonic clock, which no change of the time of day moves."""
        return self._clock() < self._deadline

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Wait for the Lease, then `lead` while renewing it. Returns when `lead` does; raises LostLease."""
        while not await self._try():  # noqa: ASYNC110  # the Lease lies in the API server: there is no event to wait for
            await asyncio.sleep(min(LOOK_INTERVAL, self._seconds / 3))
        log.info("leading", extra={"lease": self._name})
        work = asyncio.ensure_future(lead())
        keep = asyncio.ensure_future(self._keep())
        try:
            await asyncio.wait({work, keep}, return_when=asyncio.FIRST_COMPLETED)
            if keep.done():
                keep.result()
            await work
        finally:
            for task in (work, keep):
                task.cancel()
            await asyncio.gather(work, keep, return_exceptions=True)
            await self.release()

    async def acquire(self, patience: float) -> bool:
        """Whether the Lease could be taken within `patience` seconds; it is not renewed."""
        end = self._clock() + patience
        while not (ours := await self._try()) and self._clock() < end:  # noqa: ASYNC110  # as in run
            await asyncio.sleep(self._seconds / 10)
        return ours

    async def _keep(self) -> None:
        """Renew until another has it. While nobody answers nothing is lost: we stop writing, and ask again."""
        while True:
            held = self.held
            await asyncio.sleep(self._seconds / 3)
            await self._try()
            if self._lost:
                raise LostLease(f"Lease {self._name} was lost: another process leads, or has led")
            if held and not self.held:
                log.warning("the Lease ran out unrenewed: nothing is written until it is renewed")

    async def _try(self) -> bool:
        """Take or renew the Lease; whether we hold it."""
        asked = self._clock()
        try:
            async with asyncio.timeout(self._seconds / 3):
                written = await self._renew() or await self._take()
        except (KubeError, TimeoutError) as error:
            log.warning("lease not renewed: %s", error or "no answer in time")
            self._written = None
            self._seen = ("", 0.0)  # its holder may have been without an answer too: it is given its time anew
            self._heard(None)
            return False
        self._written = written
        if written is None:
            return False
        self._deadline = asked + self._seconds
        self._term = int(written["spec"]["leaseTransitions"])
        self._heard(str(written["metadata"]["resourceVersion"]))
        return True

    async def _renew(self) -> dict[str, Any] | None:
        """The Lease, renewed without a look at it: a PUT of what we wrote last is taken only if nobody wrote since."""
        if self._written is None or not self.held:
            return None
        try:
            return await self._kube.request("PUT", f"{self._collection}/{self._name}", self._body(self._written))
        except KubeError as error:
            if error.status in {404, 409}:
                return None
            raise

    async def _take(self) -> dict[str, Any] | None:
        """The Lease, taken or renewed after a look at it; None when it is another's."""
        found = await self._kube.get(f"{self._collection}/{self._name}")
        if self._term >= 0 and not self._is_ours(found):
            self._lost, self._deadline = True, float("-inf")
            return None
        if found is None:
            return await self._kube.create(self._collection, self._body(None))
        if self._may_take(found, self._clock()):
            return await self._kube.request("PUT", f"{self._collection}/{self._name}", self._body(found))
        return None

    def _is_ours(self, found: dict[str, Any] | None) -> bool:
        """Whether nobody led since we began to; one deleted by hand was ours until its time is over."""
        if found is None:
            return self.held
        spec = found.get("spec") or {}
        return spec.get("holderIdentity") == self._holder and spec.get("leaseTransitions") == self._term

    def _may_take(self, found: dict[str, Any], now: float) -> bool:
        spec = found.get("spec") or {}
        if spec.get("holderIdentity") in {self._holder, "", None}:
            return True
        version = str(found["metadata"]["resourceVersion"])
        if version != self._seen[0]:  # another renewed it: its time runs from when we saw that, on our clock
            self._seen = (version, now)
        return now - self._seen[1] > float(spec.get("leaseDurationSeconds") or self._seconds)

    def _body(self, found: dict[str, Any] | None) -> dict[str, Any]:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = dict((found or {}).get("spec") or {})
        if spec.get("holderIdentity") != self._holder:
            spec |= {
                "acquireTime": stamp,
                "leaseTransitions": int(spec.get("leaseTransitions") or 0) + (found is not None),
            }
        spec |= {
            "holderIdentity": self._holder,
            "renewTime": stamp,
            "leaseDurationSeconds": math.ceil(self._seconds),
        }
        meta = found["metadata"] if found else {"name": self._name}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}

    async def release(self) -> None:
        """Let a standby take over at once."""
        self._deadline, self._term, self._written = float("-inf"), -1, None
        try:
            found = await self._kube.get(f"{self._collection}/{self._name}")
            if found is not None and (found.get("spec") or {}).get("holderIdentity") == self._holder:
                found["spec"] = {**found["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
                await self._kube.request("PUT", f"{self._collection}/{self._name}", found)
        except KubeError as error:
            log.warning("lease not released: %s", error)


class LostLease(Exception):
    """Another process leads, or has led: this one must end."""
