"""What is in the cloud: seen by lists that all objects share, or by a GET where a list will not do."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aks_operator.armid import RESOURCE_GROUP, group_of, parent_of, parse, subscription_id
from aks_operator.port import PRIORITY, Body, Cloud, NotFound, Priority


@dataclass(frozen=True)
class _Listing:
    began: float
    bodies: Mapping[str, Body]


class Observer:
    """Observations of one account. `max_age` is how old a list may be, in seconds of `clock`.

    An observation whose request began before our last write to that id ended is void.
    """

    def __init__(self, cloud: Cloud, clock: Callable[[], float], max_age: float) -> None:
        self._cloud = cloud
        self._clock = clock
        self._max_age = max_age
        self._listings: dict[tuple[str, str], _Listing] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        self._gets: dict[str, tuple[float, Body | None]] = {}
        self._written: dict[str, float] = {}

    async def one(self, id_: str, *, fresh: bool = False) -> Body | None:
        """The resource, None when it (or its parent, or its group) is not there. `fresh`: by a GET of its own."""
        key = id_.casefold()
        if not fresh:
            got = self._gets.get(key)
            if got is not None and got[0] >= self._void_before(key) and self._clock() - got[0] < self._max_age:
                return got[1]
            listing = await self._listing(parse(id_).type, scope_of(id_))
            if listing.began >= self._void_before(key):
                return listing.bodies.get(key)
        began, body = await self._get(id_)
        if began < self._void_before(key):  # something was written while we asked
            _, body = await self._get(id_)
        return body

    def _void_before(self, key: str) -> float:
        """When our last write ended, asked for anew after each wait: one may have ended meanwhile."""
        return self._written.get(key, float("-inf"))

    async def all(self, type_: str, scope: str, *, fresh: bool = False) -> list[Body]:
        """All resources of `type_` directly in `scope` (a group or a parent resource); none when the scope is not there."""
        return list((await self._listing(type_, scope, fresh=fresh)).bodies.values())

    def wrote(self, id_: str) -> None:
        """A write to `id_` ended just now: what was seen of it before is void, of its parent's list too."""
        now = self._clock()
        self._written[id_.casefold()] = now
        self._gets.pop(id_.casefold(), None)
        if parse(id_).type.count("/") > 1:  # a child is part of its parent's body
            self._written[parent_of(id_).casefold()] = now
            self._gets.pop(parent_of(id_).casefold(), None)

    def stale(self, type_: str, scope: str) -> None:
        """The next look at this list asks the cloud."""
        self._listings.pop((type_.casefold(), scope.casefold()), None)

    async def _get(self, id_: str) -> tuple[float, Body | None]:
        began = self._clock()
        try:
            body: Body | None = await self._cloud.get(id_)
        except NotFound:
            body = None
        self._gets[id_.casefold()] = (began, body)
        return began, body

    async def _listing(self, type_: str, scope: str, *, fresh: bool = False) -> _Listing:
        key = (type_.casefold(), scope.casefold())
        asked = self._clock()
        async with self._locks.setdefault(key, asyncio.Lock()):
            known = self._listings.get(key)
            if known is not None and (known.began >= asked if fresh else self._clock() - known.began < self._max_age):
                return known
            began = self._clock()
            token = PRIORITY.set(Priority.DRIFT if known is not None and not fresh else PRIORITY.get())
            try:
                bodies = {str(body["id"]).casefold(): body for body in await self._cloud.list(type_, scope)}
            except NotFound:
                bodies = {}
            finally:
                PRIORITY.reset(token)
            listing = self._listings[key] = _Listing(began, bodies)
            return listing


def scope_of(id_: str) -> str:
    """Where `id_` is listed: its parent resource, its group, or (a group) its subscription."""
    parsed = parse(id_)
    if parsed.type == RESOURCE_GROUP:
        return subscription_id(parsed.subscription)
    return group_of(id_) if len(parsed.names) == 1 else parent_of(id_)
