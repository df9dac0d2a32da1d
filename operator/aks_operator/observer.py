"""What is in the cloud: seen by lists that all objects share, or by a GET where a list will not do."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NamedTuple

from aks_operator.armid import RESOURCE_GROUP, group_of, parent_of, parse, subscription_id
from aks_operator.keys import Key
from aks_operator.port import (
    PRIORITY,
    Body,
    Cloud,
    CloudError,
    NotFound,
    NotLeading,
    Page,
    Priority,
    Throttled,
)


class _Place(NamedTuple):
    """What one list shows: a type (lower case) in a scope (likewise)."""

    type: str
    scope: str


class _Look(NamedTuple):
    """What was known of a resource: `body`, at a time of the observer's clock."""

    at: float
    body: Body | None


@dataclass(frozen=True)
class _Listing:
    began: float
    bodies: Mapping[str, Body]
    pages: Sequence[Page]


class Looks:
    """What one turn of an object looked at. `keep` makes it the object's rest: it is woken when any of it changes."""

    def __init__(self) -> None:
        self._looks: dict[Observer, dict[str, _Look]] = {}

    def saw(self, observer: "Observer", id_: str, look: _Look) -> None:
        """A resource (its id in lower case) was looked at, or written."""
        self._looks.setdefault(observer, {})[id_] = look

    def keep(self, key: Key) -> bool:
        """Watch over all that was seen; False where nothing was, or something else is known of it already."""
        kept = [observer.watch(key, looks) for observer, looks in self._looks.items()]
        if kept and all(kept):
            return True
        self.leave(key)
        return False

    def leave(self, key: Key) -> None:
        """Watch over it no more."""
        for observer, looks in self._looks.items():
            observer.unwatch(key, looks)


LOOKS: ContextVar[Looks | None] = ContextVar("looks", default=None)
"""What the turn at hand looks at, where somebody wants to know."""


class Observer:
    """Observations of one account. `max_age` is how old a list may be, in seconds of `clock`; `wake` is told of news.

    An observation whose request began before our last write to that id ended is void.
    """

    def __init__(
        self,
        cloud: Cloud,
        clock: Callable[[], float],
        max_age: float,
        wake: Callable[[Key], None] = lambda key: None,
    ) -> None:
        self._cloud = cloud
        self._clock = clock
        self._max_age = max_age
        self._wake = wake
        self._listings: dict[_Place, _Listing] = {}
        self._spelt: dict[_Place, tuple[str, str]] = {}
        self._locks: dict[_Place, asyncio.Lock] = {}
        self._gets: dict[_Place, dict[str, _Look]] = {}
        self._written: dict[str, float] = {}
        self._watched: dict[_Place, dict[str, dict[Key, _Look]]] = {}

    async def one(self, id_: str, *, fresh: bool = False) -> Body | None:
        """The resource, None when it (or its parent, or its group) is not there. `fresh`: by a GET of its own."""
        look = await self._one(id_, fresh=fresh)
        if (looks := LOOKS.get()) is not None:
            looks.saw(self, id_.casefold(), look)
        return look.body

    async def _one(self, id_: str, *, fresh: bool) -> _Look:
        key = id_.casefold()
        if not fresh:
            got = self._gets.get(_place_of(id_), {}).get(key)
            if got is not None and got.at >= self._void_before(key) and self._clock() - got.at < self._max_age:
                return got
            listing = await self._listing(parse(id_).type, scope_of(id_), self._max_age)
            if listing.began >= self._void_before(key):
                return _Look(listing.began, listing.bodies.get(key))
        look = await self._get(id_)
        if look.at < self._void_before(key):  # something was written while we asked
            look = await self._get(id_)
        return look

    async def glance(self, id_: str) -> Body | None:
        """Likewise, for what no write of ours changes: a list does, however much we wrote to the resource since.

        What a list lacks is asked for by itself: the list may be older than the resource. Nobody is woken when it changes.
        """
        key, type_, scope = id_.casefold(), parse(id_).type, scope_of(id_)
        if (found := (await self._listing(type_, scope, self._max_age)).bodies.get(key)) is not None:
            return found
        got = self._gets.get(_place_of(id_), {}).get(key)
        if got is None or self._clock() - got.at >= self._max_age:
            got = await self._get(id_)
        if got.body is not None:
            self.stale(type_, scope)
        return got.body

    def _void_before(self, key: str) -> float:
        """When our last write ended, asked for anew after each wait: one may have ended meanwhile."""
        return self._written.get(key, float("-inf"))

    async def all(self, type_: str, scope: str, *, fresh: bool = False) -> list[Body]:
        """All resources of `type_` directly in `scope` (a group or a parent resource); none when the scope is not there."""
        listing = await self._listing(type_, scope, 0.0 if fresh else self._max_age)
        return list(listing.bodies.values())

    def wrote(self, id_: str) -> None:
        """A write to `id_` ended just now: what was seen of it before is void, of its parent's list too."""
        now = self._clock()
        self._void(id_, now)
        if parse(id_).type.count("/") > 1:  # a child is part of its parent's body
            self._void(parent_of(id_), now)

    def answered(self, id_: str, body: Body | None) -> None:
        """Our last write to `id_` left it so, as its own answer tells."""
        if (looks := LOOKS.get()) is not None:
            looks.saw(self, id_.casefold(), _Look(self._void_before(id_.casefold()), body))

    def _void(self, id_: str, now: float) -> None:
        self._written[id_.casefold()] = now
        self._gets.get(_place_of(id_), {}).pop(id_.casefold(), None)

    def stale(self, type_: str, scope: str) -> None:
        """The next look at this list asks the cloud."""
        self._listings.pop(_Place(type_.casefold(), scope.casefold()), None)

    def watch(self, key: Key, looks: Mapping[str, _Look]) -> bool:
        """Wake `key` when a list shows any of these resources otherwise; False if it is known to be otherwise now."""
        if any(self._overtaken(id_, look) for id_, look in looks.items()):
            return False
        for id_, look in looks.items():
            self._watched.setdefault(_place_of(id_), {}).setdefault(id_, {})[key] = look
        return True

    def unwatch(self, key: Key, looks: Mapping[str, _Look]) -> None:
        """`key` comes by itself."""
        for id_ in looks:
            place = _place_of(id_)
            keys = self._watched.get(place, {}).get(id_, {})
            keys.pop(key, None)
            if not keys and place in self._watched:
                self._watched[place].pop(id_, None)
                if not self._watched[place]:
                    del self._watched[place]

    def _overtaken(self, id_: str, look: _Look) -> bool:
        """Whether what is known by now differs from what was seen then."""
        if self._void_before(id_) > look.at:
            return True
        place = _place_of(id_)
        got, listing = self._gets.get(place, {}).get(id_), self._listings.get(place)
        later = [got] if got is not None and got.at > look.at else []
        if listing is not None and listing.began > look.at:
            later.append(_Look(listing.began, listing.bodies.get(id_)))
        return any(known.body != look.body for known in later)

    async def round(self) -> None:
        """Look at every list that somebody rests on, and wake those for whom it has news.

        A list that cannot be had is news for all who rest on it; while the cloud wants to be left alone nothing is asked.
        """
        for place in list(self._watched):
            try:
                listing = await self._listing(*self._spelt.get(place, place), self._max_age / 2)
            except (Throttled, NotLeading):
                return
            except CloudError:
                woken = {key for keys in self._watched.get(place, {}).values() for key in keys}
            else:
                woken = self._compare(place, listing)
            for key in woken:
                self._wake(key)

    def _compare(self, place: _Place, listing: _Listing) -> set[Key]:
        """Those who have seen something else; the others' looks are of this list from now on: bodies are kept once."""
        woken = set()
        for id_, keys in self._watched.get(place, {}).items():
            look = _Look(listing.began, listing.bodies.get(id_))
            for key, seen in keys.items():
                if seen.at > look.at or seen.body is look.body:
                    continue
                if self._void_before(id_) <= look.at and seen.body == look.body:
                    keys[key] = look
                else:
                    woken.add(key)
        return woken

    async def _get(self, id_: str) -> _Look:
        began = self._clock()
        try:
            body: Body | None = await self._cloud.get(id_)
        except NotFound:
            body = None
        look = self._gets.setdefault(_place_of(id_), {})[id_.casefold()] = _Look(began, body)
        return look

    async def _listing(self, type_: str, scope: str, max_age: float) -> _Listing:
        """The list, begun no more than `max_age` seconds ago (0: after we asked for it)."""
        place = _Place(type_.casefold(), scope.casefold())
        asked = self._clock()
        async with self._locks.setdefault(place, asyncio.Lock()):
            known = self._listings.get(place)
            if known is not None and (known.began >= asked or self._clock() - known.began < max_age):
                return known
            self._spelt.setdefault(place, (type_, scope))
            began = self._clock()
            token = PRIORITY.set(Priority.DRIFT if known is not None and max_age else PRIORITY.get())
            try:
                pages = await self._cloud.list(type_, scope, known.pages if known is not None else ())
            except NotFound:
                pages = ()
            finally:
                PRIORITY.reset(token)
            self._listings[place] = listing = _listing_of(began, pages, known)
            gets = self._gets.get(place, {})
            for id_ in [id_ for id_, look in gets.items() if look.at < began]:
                del gets[id_]
            return listing


def _listing_of(began: float, pages: Sequence[Page], known: _Listing | None) -> _Listing:
    if known is not None and len(pages) == len(known.pages) and all(map(_is, pages, known.pages)):
        return _Listing(began, known.bodies, known.pages)
    return _Listing(began, {str(body["id"]).casefold(): body for page in pages for body in page.bodies}, pages)


def _is(one: Page, other: Page) -> bool:
    return one is other


def _place_of(id_: str) -> _Place:
    """The list that shows a resource."""
    return _Place(parse(id_).type.casefold(), scope_of(id_).casefold())


def scope_of(id_: str) -> str:
    """Where `id_` is listed: its parent resource, its group, or (a group) its subscription."""
    parsed = parse(id_)
    if parsed.type == RESOURCE_GROUP:
        return subscription_id(parsed.subscription)
    return group_of(id_) if len(parsed.names) == 1 else parent_of(id_)
