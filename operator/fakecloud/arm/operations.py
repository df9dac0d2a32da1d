"""Long-running operations: kept in the store, so that a restart goes on with them."""

import asyncio
import hashlib
import logging
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fakecloud.arm.errors import ArmError
from fakecloud.clock import Clock, rfc3339
from fakecloud.store import Store

log = logging.getLogger(__name__)
KIND = "operation"
CERTIFICATE: Final = 2048
"""Characters of the certificate in a signed URL: the whole header is about 3 kB."""
RETENTION: Final = 86400.0
"""Seconds that an ended operation can still be asked for."""
Finish = Callable[[dict[str, Any]], Awaitable[None]]
"""Does what an operation does at its end. May raise ArmError: then it failed."""


class Operations:
    """Running and finished operations. `finishers` by operation name do the work that a restart has to be able to repeat."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._finishers: dict[str, Finish] = {}
        self._failures: dict[str, Finish] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = {o["id"]: o for o in store.all(KIND).values() if o["status"] == "InProgress"}
        ended = [(o["ends"], o["id"]) for o in store.all(KIND).values() if o["status"] != "InProgress"]
        self._kept = deque(sorted(ended))

    def register(self, name: str, finish: Finish, failed: Finish | None = None) -> None:
        """`finish` ends operations of that name; `failed` is told when it raised."""
        self._finishers[name] = finish
        if failed is not None:
            self._failures[name] = failed

    def document(
        self, name: str, *, resource: str, provider: str, location: str, subscription: str, seconds: float, **data: Any
    ) -> dict[str, Any]:
        """A new operation's document, to be written together with the change that it is part of."""
        now = self._clock.now()
        return {
            "id": str(uuid.uuid4()),
            "name": name,
            "resource": resource,
            "provider": provider,
            "location": location,
            "subscription": subscription,
            "status": "InProgress",
            "startTime": rfc3339(now),
            "ends": now + self._clock.lasts(seconds),
            "data": data,
        }

    def start(self, operation: dict[str, Any]) -> None:
        """Begin to run an operation that was written."""
        self._running[operation["id"]] = operation
        task = asyncio.ensure_future(self._run(operation))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def resume(self) -> None:
        """Go on with what was under way when the process ended."""
        for operation in list(self._running.values()):
            self.start(operation)

    def get(self, id_: str) -> dict[str, Any] | None:
        """The operation, None for an id never issued."""
        return self._store.get(KIND, id_)

    def running_on(self, resource: str) -> dict[str, Any] | None:
        """The operation under way on a resource."""
        wanted = resource.lower()
        return next((o for o in self._running.values() if o["resource"].lower() == wanted), None)

    def running_within(self, resource: str) -> dict[str, Any] | None:
        """The operation under way on a resource or on anything below it."""
        wanted = resource.lower()
        return next((o for o in self._running.values() if f"{o['resource'].lower()}/".startswith(f"{wanted}/")), None)

    async def stop(self) -> None:
        """End the tasks; the operations themselves go on after a restart."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, operation: dict[str, Any]) -> None:
        await asyncio.sleep(max(0.0, operation["ends"] - self._clock.now()))
        name = operation["name"]
        ended = dict(operation)
        try:
            await self._finishers[name](operation)
            ended["status"] = "Succeeded"
        except ArmError as error:
            ended |= {"status": "Failed", "error": error.inner()}
        except Exception:
            log.exception("operation %s failed", name)
            ended |= {"status": "Failed", "error": {"code": "InternalServerError", "message": "The operation failed."}}
        if ended["status"] == "Failed" and name in self._failures:
            await self._failures[name](operation)
        ended["endTime"] = rfc3339(self._clock.now())
        self._forget_old()
        self._store.put(KIND, operation["id"], ended)
        self._kept.append((self._clock.now(), operation["id"]))
        del self._running[operation["id"]]

    def _forget_old(self) -> None:
        """Ended operations can be asked for during a day; then they are gone, so that state does not grow for ever."""
        while self._kept and self._kept[0][0] < self._clock.now() - RETENTION:
            self._store.delete(KIND, self._kept.popleft()[1])


def url(base: str, operation: dict[str, Any], kind: str, api_version: str) -> str:
    """The absolute URL of an operation, as long as ARM's signed ones. `kind` is operations or operationresults."""
    scope, id_ = f"/subscriptions/{operation['subscription']}", operation["id"]
    path = f"{scope}/providers/{operation['provider']}/locations/{operation['location']}/{kind}/{id_}"
    if operation["provider"] == "Microsoft.Resources":
        path = f"{scope}/operationresults/{id_}"
    elif operation["name"] == "deleteZone":  # Azure DNS keeps its own, below the zone's group
        group = operation["resource"].split("/")[4]
        word = {"operations": "dnsOperationStatuses", "operationresults": "dnsOperationResults"}[kind]
        path = f"{scope}/resourceGroups/{group}/providers/{operation['provider']}/{word}/{id_}"
    signature = hashlib.sha256(id_.encode()).hexdigest()
    certificate = signature * (CERTIFICATE // len(signature))
    return f"{base}{path}?api-version={api_version}&t={operation['startTime']}&c={certificate}&s={signature * 5}&h={signature[:20]}"
