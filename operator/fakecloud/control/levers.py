"""The test's levers below /_fakecloud/, only with `--levers`: faults, clock, reset, snapshots."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from fakecloud.arm.activity import Activity
from fakecloud.arm.operations import Operations
from fakecloud.arm.quotas import Quotas
from fakecloud.arm.throttling import Throttle
from fakecloud.clock import Clock
from fakecloud.compute.port import Compute
from fakecloud.control.faults import Faults, Rule
from fakecloud.control.journal import Journal
from fakecloud.control.routes import Control, refuse
from fakecloud.identity.assertions import Federated
from fakecloud.identity.routes import CLIENT
from fakecloud.store import Checkpoint, Store

PATIENCE: Final = 30.0
"""Real seconds that an operation may take at its end before a jump of the clock goes on without it."""
KEPT: Final = frozenset({"account", "client", "identity", "subscription"})
"""Kinds of documents that a reset leaves: who the cloud is, and who may ask it."""
MACHINES_OF: Final = "microsoft.containerservice/managedclusters"


class Move(BaseModel):
    """How the clock is to move."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    stopped: bool | None = None
    """Whether it stands still but for jumps."""
    advance: Annotated[float, Field(ge=0)] | None = None
    """Seconds of the cloud's time to jump ahead."""
    idle: bool = False
    """Whether to jump until no operation is under way."""


class LogIn(BaseModel):
    """What the client may log in with from now on; what is not given stays."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    secrets: list[str] | None = None
    certificates: list[str] | None = None
    """PEM."""
    federated: list[Federated] | None = None


_LIMITS: Final = TypeAdapter(dict[str, int])


@dataclass(frozen=True)
class Snapshot:
    """A state, and when it was."""

    at: float
    state: Checkpoint


class Levers:
    """What tests do to the fake itself."""

    def __init__(
        self,
        *,
        control: Control,
        store: Store,
        clock: Clock,
        operations: Operations,
        compute: Compute,
        journal: Journal,
        activity: Activity,
        quotas: Quotas,
        throttle: Throttle,
    ) -> None:
        self._control = control
        self._store = store
        self._clock = clock
        self._operations = operations
        self._compute = compute
        self._journal = journal
        self._activity = activity
        self._quotas = quotas
        self._throttle = throttle
        self.faults = Faults(clock)
        self._snapshots: dict[str, Snapshot] = {}

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        guarded = self._control.guarded
        faults, clock, snapshots = "/_fakecloud/faults", "/_fakecloud/clock", "/_fakecloud/snapshots"
        return [
            web.get(faults, guarded(self._list_faults)),
            web.post(faults, guarded(self._add_fault)),
            web.delete(faults, guarded(self._clear_faults)),
            web.delete(faults + r"/{id:\d+}", guarded(self._remove_fault)),
            web.get(clock, guarded(self._read_clock)),
            web.post(clock, guarded(self._move_clock)),
            web.post("/_fakecloud/client", guarded(self._change_client)),
            web.put("/_fakecloud/quotas", guarded(self._set_quotas)),
            web.post("/_fakecloud/reset", guarded(self._reset)),
            web.get(snapshots, guarded(self._list_snapshots)),
            web.put(snapshots + "/{name}", guarded(self._take_snapshot)),
            web.delete(snapshots + "/{name}", guarded(self._drop_snapshot)),
            web.post(snapshots + "/{name}/restore", guarded(self._restore)),
        ]

    # faults

    async def _list_faults(self, _: web.Request) -> web.Response:
        return web.json_response({"value": [standing.shown() for standing in self.faults.all()]})

    async def _add_fault(self, request: web.Request) -> web.Response:
        try:
            rule = Rule.model_validate_json(await request.read())
        except ValidationError as error:
            return _malformed(error)
        return web.json_response(self.faults.add(rule).shown(), status=201)

    async def _clear_faults(self, _: web.Request) -> web.Response:
        self.faults.clear()
        return web.Response(status=204)

    async def _remove_fault(self, request: web.Request) -> web.Response:
        known = self.faults.remove(int(request.match_info["id"]))
        return web.Response(status=204) if known else refuse(404, "NotFound", "there is no such rule")

    # clock

    async def _read_clock(self, _: web.Request) -> web.Response:
        return web.json_response(self._time())

    async def _move_clock(self, request: web.Request) -> web.Response:
        try:
            move = Move.model_validate_json(await request.read())
        except ValidationError as error:
            return _malformed(error)
        if move.stopped is not None:
            (self._clock.stop if move.stopped else self._clock.run)()
        late: list[str] = []
        if move.advance is not None:
            late = await self._operations.advance(move.advance, PATIENCE)
        if move.idle:
            late += await self._operations.advance(None, PATIENCE)
        if late:
            return refuse(504, "OperationsLate", f"these operations are still at work: {', '.join(late)}")
        return web.json_response(self._time())

    def _time(self) -> dict[str, Any]:
        running = [
            {"id": o["id"], "name": o["name"], "resource": o["resource"], "ends": o["ends"]}
            for o in self._operations.running
        ]
        return {"now": self._clock.now(), "stopped": self._clock.stopped, "running": running}

    # identity

    async def _change_client(self, request: web.Request) -> web.Response:
        try:
            change = LogIn.model_validate_json(await request.read())
        except ValidationError as error:
            return _malformed(error)
        for key, client in list(self._store.all(CLIENT).items()):
            self._store.put(CLIENT, key, {**client, **change.model_dump(exclude_none=True)})
        return web.Response(status=204)

    # quotas

    async def _set_quotas(self, request: web.Request) -> web.Response:
        try:
            self._quotas.set(_LIMITS.validate_json(await request.read()))
        except ValidationError as error:
            return _malformed(error)
        except ValueError as error:
            return refuse(400, "BadRequest", str(error))
        return web.Response(status=204)

    # state

    async def _reset(self, _: web.Request) -> web.Response:
        self.faults.clear()
        self._journal.clear()
        self._activity.clear()
        self._quotas.reset()
        self._throttle.clear()
        self._clock.run()
        await self._become(lambda: self._store.keep_only(KEPT))
        return web.Response(status=204)

    async def _list_snapshots(self, _: web.Request) -> web.Response:
        shown = [{"name": name, "at": snapshot.at} for name, snapshot in self._snapshots.items()]
        return web.json_response({"value": shown})

    async def _take_snapshot(self, request: web.Request) -> web.Response:
        self._drop(request.match_info["name"])
        self._snapshots[request.match_info["name"]] = Snapshot(self._clock.now(), self._store.checkpoint())
        return web.Response(status=201)

    async def _drop_snapshot(self, request: web.Request) -> web.Response:
        known = self._drop(request.match_info["name"])
        return web.Response(status=204) if known else refuse(404, "NotFound", "there is no such snapshot")

    def _drop(self, name: str) -> bool:
        """Whether there was a snapshot of that name; there is none now."""
        known = self._snapshots.pop(name, None)
        if known is not None:
            self._store.drop(known.state)
        return known is not None

    async def _restore(self, request: web.Request) -> web.Response:
        snapshot = self._snapshots.get(request.match_info["name"])
        if snapshot is None:
            return refuse(404, "NotFound", "there is no such snapshot")
        await self._become(lambda: self._store.restore(snapshot.state), shift=self._clock.now() - snapshot.at)
        return web.Response(status=204)

    async def _become(self, change: Callable[[], None], shift: float = 0.0) -> None:
        """Hold another state; what was under way in it goes on, `shift` seconds later than it says."""
        await self._operations.stop()
        self.faults.thaw()
        change()
        clusters = [str(body["id"]) for body in self._store.resources(MACHINES_OF)]
        await self._compute.reclaim(clusters)
        await self._operations.reload(shift)


def _malformed(error: ValidationError) -> web.Response:
    wrong = json.loads(error.json(include_url=False, include_input=False, include_context=False))
    return refuse(400, "BadRequest", "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong))
