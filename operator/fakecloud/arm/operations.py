"""Long-running operations: kept in the store, so that a restart goes on with them."""

import asyncio
import hashlib
import logging
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
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
Change = tuple[str, str, dict[str, Any] | None]
"""A document's kind, its key, and what it becomes (None: removed)."""
Finish = Callable[[dict[str, Any]], Awaitable[Sequence[Change] | None]]
"""Does what an operation does at its end. May raise ArmError: then it failed. What it returns is written with the end."""
Failed = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass
class Doom:
    """How operations begun under it will fail: an error as ARM shows it. `struck` collects their ids."""

    error: dict[str, Any]
    struck: list[str] = field(default_factory=list)


DOOM: ContextVar[Doom | None] = ContextVar("doom", default=None)
"""What the operations begun in this context are to fail with; None: nothing."""


class Operations:
    """Running and finished operations. `finishers` by operation name do the work that a restart has to be able to repeat."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._finishers: dict[str, Finish] = {}
        self._failures: dict[str, Failed] = {}
        self.ended: list[Callable[[dict[str, Any]], None]] = []
        """Who is told of every operation that ended, however it did."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._running: dict[str, dict[str, Any]] = {}
        self._kept: deque[tuple[float, str]] = deque()
        self._load()

    def _load(self) -> None:
        known = list(self._store.all(KIND).values())
        self._running = {o["id"]: o for o in known if o["status"] == "InProgress"}
        self._kept = deque(sorted((o["ends"], o["id"]) for o in known if o["status"] != "InProgress"))

    def register(self, name: str, finish: Finish, failed: Failed | None = None) -> None:
        """`finish` ends operations of that name; `failed` is told, by status, of those that Failed or were Canceled."""
        self._finishers[name] = finish
        if failed is not None:
            self._failures[name] = failed

    def document(
        self, name: str, *, resource: str, provider: str, location: str, subscription: str, seconds: float, **data: Any
    ) -> dict[str, Any]:
        """A new operation's document, to be written together with the change that it is part of."""
        now, id_, doom = self._clock.now(), str(uuid.uuid4()), DOOM.get()
        if doom is not None:
            doom.struck.append(id_)
        return {
            "id": id_,
            "name": name,
            "resource": resource,
            "provider": provider,
            "location": location,
            "subscription": subscription,
            "status": "InProgress",
            "startTime": rfc3339(now),
            "ends": now + self._clock.lasts(seconds),
            "data": data,
            **({} if doom is None else {"doom": doom.error}),
        }

    def start(self, operation: dict[str, Any]) -> None:
        """Begin to run an operation that was written."""
        self._running[operation["id"]] = operation
        id_ = operation["id"]
        task = self._tasks[id_] = asyncio.ensure_future(self._run(operation))
        task.add_done_callback(lambda _: self._tasks.pop(id_, None))

    def resume(self) -> None:
        """Go on with what was under way when the process ended."""
        for operation in list(self._running.values()):
            self.start(operation)

    async def reload(self, shift: float = 0.0) -> None:
        """The store holds another state: go on with what is under way there, `shift` seconds later than it says."""
        await self.stop()
        self._load()
        if shift:
            self._running = {id_: {**o, "ends": o["ends"] + shift} for id_, o in self._running.items()}
            self._store.write([(KIND, id_, operation) for id_, operation in self._running.items()])
        self.resume()

    async def advance(self, seconds: float | None, patience: float) -> list[str]:
        """Let the clock jump: operations end in order, each at its own time. None: until nothing is under way.

        Returns the ids of those that had not ended `patience` real seconds after their time: a machine may be waited for.
        """
        until = None if seconds is None else self._clock.now() + seconds
        late: list[str] = []
        while True:
            waiting = [o for id_, o in self._running.items() if id_ in self._tasks and id_ not in late]
            if until is not None:
                waiting = [o for o in waiting if o["ends"] <= until]
            if not waiting:
                break
            first = min(waiting, key=lambda o: float(o["ends"]))
            self._clock.jump(first["ends"])
            _, pending = await asyncio.wait({self._tasks[first["id"]]}, timeout=patience)
            if pending:
                late.append(first["id"])
        if until is not None:
            self._clock.jump(until)
        return late

    @property
    def running(self) -> list[dict[str, Any]]:
        """The operations under way, the one that ends first at the head."""
        return sorted(self._running.values(), key=lambda o: float(o["ends"]))

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

    async def end_of(self, id_: str) -> dict[str, Any]:
        """An operation, as soon as it is over; raises KeyError for an id never issued."""
        while (task := self._tasks.get(id_)) is not None:
            await asyncio.wait({task})
        operation = self.get(id_)
        if operation is None:
            raise KeyError(id_)
        return operation

    async def stop(self) -> None:
        """End the tasks; the operations themselves go on after a restart."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, operation: dict[str, Any]) -> None:
        await self._clock.until(operation["ends"])
        name = operation["name"]
        ended = dict(operation)
        changes: Sequence[Change] = ()
        try:
            changes = await self._finish(operation) or ()
            ended["status"] = "Succeeded"
        except ArmError as error:
            ended |= {"status": "Failed", "error": error.inner()}
        except Exception:
            log.exception("operation %s failed", name)
            ended |= {"status": "Failed", "error": {"code": "InternalServerError", "message": "The operation failed."}}
        await self._end(ended, changes)

    async def cancel(self, id_: str) -> None:
        """End an operation that is still under way as Canceled. What it was doing stays as far as it came."""
        task = self._tasks.get(id_)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        operation = self._running.get(id_)
        if operation is not None:
            await self._end({**operation, "status": "Canceled"})

    async def _end(self, ended: dict[str, Any], changes: Sequence[Change] = ()) -> None:
        """Keep how an operation ended, and tell those who have to know that it did not succeed."""
        if ended["status"] != "Succeeded" and ended["name"] in self._failures:
            await self._failures[ended["name"]](ended)
        ended["endTime"] = rfc3339(self._clock.now())
        self._forget_old()
        self._store.write([*changes, (KIND, ended["id"], ended)])
        self._kept.append((self._clock.now(), ended["id"]))
        del self._running[ended["id"]]
        for told in self.ended:
            told(ended)

    async def _finish(self, operation: dict[str, Any]) -> Sequence[Change] | None:
        """Do what the operation does at its end, and return what is left to be written; raises ArmError."""
        doom = operation.get("doom")
        if doom is not None:
            raise ArmError(409, doom["code"], doom["message"], details=doom.get("details"))
        return await self._finishers[operation["name"]](operation)

    def _forget_old(self) -> None:
        """Ended operations can be asked for during a day; then they are gone, so that state does not grow for ever."""
        while self._kept and self._kept[0][0] < self._clock.now() - RETENTION:
            self._store.delete(KIND, self._kept.popleft()[1])


def url(base: str, operation: dict[str, Any], kind: str, api_version: str) -> str:
    """The absolute URL of an operation, as long as ARM's signed ones. `kind` is operations or operationresults."""
    scope, id_ = f"/subscriptions/{operation['subscription']}", operation["id"]
    path = f"{scope}/providers/{operation['provider']}/locations/{operation['location']}/{kind}/{id_}"
    if operation["name"] == "deploy":
        path = f"{operation['resource']}/operationStatuses/{id_}"
    elif operation["provider"] == "Microsoft.Resources":
        path = f"{scope}/operationresults/{id_}"
    elif dialect := operation["data"].get("words"):  # Azure DNS keeps its own, below the zone's group
        group = operation["resource"].split("/")[4]
        word = dialect + {"operations": "OperationStatuses", "operationresults": "OperationResults"}[kind]
        path = f"{scope}/resourceGroups/{group}/providers/{operation['provider']}/{word}/{id_}"
    signature = hashlib.sha256(id_.encode()).hexdigest()
    certificate = signature * (CERTIFICATE // len(signature))
    return f"{base}{path}?api-version={api_version}&t={operation['startTime']}&c={certificate}&s={signature * 5}&h={signature[:20]}"
