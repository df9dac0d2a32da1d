"""One account at work: observe, plan, apply. The thin, awaiting part between pure plans and the cloud."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from aks_operator.armid import group_of
from aks_operator.fence import Fence
from aks_operator.observer import Observer
from aks_operator.plan import Resource, Step, plan, plan_deletion, settled
from aks_operator.port import (
    ATTEMPT,
    PRIORITY,
    AuthorizationFailed,
    Body,
    Cloud,
    CloudError,
    NotFound,
    OperationState,
    Priority,
    Terminal,
)

log = logging.getLogger(__name__)
REFUSAL_HOLDS: Final = 3600.0
"""Seconds for which a body that was refused for good is not sent again."""

_UNASKABLE: Final = (NotFound, Terminal, AuthorizationFailed)
"""How a poll is refused whose signed URL has run out: the resource's own state tells then."""

SHORTEST_POLL: Final = 0.5
"""Seconds between two looks at one operation, whatever its Retry-After says."""


@dataclass(frozen=True)
class Operation:
    """A long-running operation of ours. `url` goes into status only: never into logs or events."""

    resource: str
    kind: str
    started_at: str
    url: str = field(repr=False)


@dataclass(frozen=True)
class Converged:
    """Where one resource stands after a turn. `again_after` in seconds, None when nothing is under way."""

    body: Body | None
    step: Step
    again_after: float | None = None
    operation: str | None = None
    """What is under way: "create", "update" or "delete"; None when nothing is."""
    looked: bool = True
    """Whether `body` is what the cloud has, None included; False while something is under way: nobody looks then."""

    @property
    def done(self) -> bool:
        """Whether the resource is as it should be."""
        return self.step.action == "none"


class Session:
    """One account's cloud, with what we know of it and what we have under way there."""

    def __init__(
        self,
        cloud: Cloud,
        observer: Observer,
        *,
        clock: Callable[[], float],
        now: Callable[[], str],
        poll_interval: float,
        fence: Fence | None = None,
    ) -> None:
        self.cloud = cloud
        self.observer = observer
        self.fence = fence or Fence(cloud.subscription)
        self.operations: dict[str, Operation] = {}
        """Under way, by resource id in lower case."""
        self.leaving: set[object] = set()
        """Objects that no longer need their resource group (see `groups`)."""
        self._clock = clock
        self._now = now
        self._poll_interval = poll_interval
        self._wishes: dict[str, str] = {}
        self._refused: dict[str, tuple[str, float, CloudError]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._next_poll: dict[str, float] = {}
        self._over: dict[str, str] = {}  # the operation of each resource that ended last, by its URL

    def lock(self, id_: str) -> asyncio.Lock:
        """A lock for what several objects may want to make at the same time."""
        return self._locks.setdefault(id_.casefold(), asyncio.Lock())

    def resume(self, operations: Sequence[Mapping[str, str]], own: Iterable[str]) -> None:
        """Go on with operations that an object's status remembers, on resources of its `own` (ids) and on their children.

        One with a foreign URL is dropped, and one on a foreign resource: a status can be edited, and whoever waits for that
        resource would wait for it. So is one that we have seen end: a status may be older than what we know.
        """
        mine = [id_.casefold() for id_ in own]
        for stored in operations:
            url, resource = str(stored.get("url") or ""), str(stored.get("resource") or "")
            if not any(resource.casefold() == id_ or resource.casefold().startswith(f"{id_}/") for id_ in mine):
                continue
            if self._over.get(resource.casefold()) == url:
                continue  # the status was written before its end: what it said has been said
            if self.cloud.owns_url(url) and resource.casefold() not in self.operations:
                self.operations[resource.casefold()] = Operation(
                    resource, str(stored.get("kind") or ""), str(stored.get("startedAt") or self._now()), url
                )

    async def converge(self, desired: Resource, *, applied_tags: Sequence[str] = (), pinned: bool = True) -> Converged:
        """One turn towards `desired`: at most one write. Raises CloudError.

        Without `pinned` nothing is written: it is for an object that does not yet say in its status which resource it
        stands for. So an object without an id has nothing in the cloud, wherever we were killed.
        """
        await self.check_inside(desired.id)
        for id_ in self.fence.outside([desired.body, desired.creation]):
            await self.check_inside(id_)
        waiting = await self._under_way(desired.id)
        if waiting is not None:
            return waiting
        observed = await self.observer.one(desired.id)
        step = plan(desired, observed, applied_tags=applied_tags)
        if step.action != "none":  # a list may be old: look again before acting on it
            observed = await self.observer.one(desired.id, fresh=True)
            step = plan(desired, observed, applied_tags=applied_tags)
        wish = _hash([desired.body, desired.creation, dict(desired.tags)])
        if not pinned and step.action in {"create", "update"}:
            self._check_refused(step.id, f"{wish} {ATTEMPT.get()}")
            return Converged(observed, Step("wait", step.id, f"about to {step.action} it"), 0.0, step.action)
        return await self.apply(step, observed, wish=wish)

    async def remove(self, id_: str, type_: str, mark: str) -> Converged:
        """One turn towards `id_` being gone. `done` when it is, or when it is not ours. Raises CloudError."""
        waiting = await self._under_way(id_)
        if waiting is not None:
            return waiting
        observed = await self.observer.one(id_, fresh=True)
        return await self.apply(plan_deletion(id_, type_, observed, mark), observed)

    async def check_inside(self, id_: str) -> None:
        """Raises Terminal (NotAllowed) for what the account may not touch. What AKS made for a cluster inside lies inside."""
        if self.fence.holds(id_):
            return
        if (cluster := await self._managed_by(id_)) is not None and self.fence.holds(cluster):
            return
        where = (
            f"the resource groups that begin with {self.fence.prefix!r}" if self.fence.prefix else "its subscription"
        )
        raise Terminal(f"the account touches only {where}, and {id_} lies outside: name another", code="NotAllowed")

    async def _managed_by(self, id_: str) -> str | None:
        """The cluster for which AKS made the resource group that `id_` lies in, as Azure says; None for any other."""
        try:
            group = group_of(id_)
        except ValueError:
            return None
        if not Fence(self.fence.subscription).holds(id_):
            return None
        found = await self.observer.one(group) or await self.observer.one(group, fresh=True)
        return str(found["managedBy"]) if found and found.get("managedBy") else None

    def under_way(self, id_: str) -> bool:
        """Whether an operation of ours is under way on the resource, as far as we know."""
        return id_.casefold() in self.operations

    async def settle(self, id_: str) -> float | None:
        """Seconds until something that is under way on `id_` or its children may be done; None when nothing is (any more)."""
        below = [
            op.resource
            for key, op in list(self.operations.items())
            if key == id_.casefold() or key.startswith(f"{id_.casefold()}/")
        ]
        waits = [waiting.again_after for resource in below if (waiting := await self._under_way(resource)) is not None]
        return min((wait for wait in waits if wait is not None), default=None)

    async def apply(self, step: Step, observed: Body | None, *, wish: str = "") -> Converged:
        """Do one step: at most one write. What was refused for good is not sent again while `wish` is the same."""
        if step.action == "refuse":
            refusal = Terminal(step.why, code="AlreadyExists")
            refusal.nothing_made = True
            raise refusal
        if step.action == "wait":
            return Converged(observed, step, self._poll_interval)
        if step.action == "none":
            return Converged(observed, step)
        await self.check_inside(step.id)
        wish = f"{wish or _hash([step.action, step.body])} {ATTEMPT.get()}"
        self._check_refused(step.id, wish)
        if (wait := await self._in_the_way(step.id)) is not None:
            return Converged(observed, Step("wait", step.id, wait[1]), wait[0], step.action)
        self._wishes[step.id.casefold()] = wish
        try:
            if step.action == "delete":
                answer = await self.cloud.delete(step.id, if_match=step.if_match)
            else:
                answer = await self.cloud.put(step.id, step.body or {}, if_match=step.if_match)
        except CloudError as error:
            error.of_write = True
            if isinstance(error, Terminal):
                error.nothing_made = step.action == "create"
                self._refuse(step.id, error)
            raise
        finally:  # even a lost answer may have been a write
            self.observer.wrote(step.id)
        self._refused.pop(step.id.casefold(), None)
        log.info("%s %s", step.action, step.id, extra={"why": step.why})
        if answer.operation:
            self.operations[step.id.casefold()] = Operation(step.id, step.action, self._now(), answer.operation)
            return Converged(answer.body or observed, step, self._wait(step.id, answer.retry_after), step.action)
        if step.action == "delete":
            return Converged(None, replace(step, action="none"))
        body = answer.body or observed
        if body is not None and not settled(body):
            return Converged(body, step, self._poll_interval)
        self.observer.answered(step.id, body)
        return Converged(body, replace(step, action="none"))

    async def _in_the_way(self, id_: str) -> tuple[float, str] | None:
        """Seconds until a write to `id_` makes sense, and why: ARM refuses one while a parent or a child is being written to.

        How that operation ended is for whoever began it to hear: it is looked at, and kept.
        """
        key = id_.casefold()
        for other, operation in list(self.operations.items()):
            if not (key.startswith(f"{other}/") or other.startswith(f"{key}/")):
                continue
            left = self._next_poll.get(other, 0.0) - self._clock()
            if left <= 0:
                try:
                    state = await self._poll(operation.url)
                except _UNASKABLE:
                    continue
                if state.done:
                    continue
                left = self._wait(other, state.retry_after)
            return left, f"{operation.kind} of {operation.resource} is under way"
        return None

    async def _under_way(self, id_: str) -> Converged | None:
        """Still waiting for an operation on `id_`, or None. Raises what the operation failed with."""
        operation = self.operations.get(id_.casefold())
        if operation is None:
            return None
        left = self._next_poll.get(id_.casefold(), 0.0) - self._clock()
        if left > 0:
            return _waiting(operation, left)
        try:
            state = await self._poll(operation.url)
        except _UNASKABLE:
            self._ended(id_)
            return None
        if not state.done:
            return _waiting(operation, self._wait(id_, state.retry_after))
        self._ended(id_)
        if state.error is not None:
            state.error.of_write = True
            if isinstance(state.error, Terminal):
                self._refuse(id_, state.error)
            raise state.error
        return None

    async def _poll(self, url: str) -> OperationState:
        token = PRIORITY.set(max(PRIORITY.get(), Priority.POLL))
        try:
            return await self.cloud.poll(url)
        finally:
            PRIORITY.reset(token)

    def _check_refused(self, id_: str, wish: str) -> None:
        """Raises what the cloud said when it was asked for this before, and said no for good."""
        refused = self._refused.get(id_.casefold())
        if refused is not None and refused[0] == wish and self._clock() < refused[1]:
            raise refused[2]

    def _refuse(self, id_: str, error: CloudError) -> None:
        wish = self._wishes.get(id_.casefold())
        if wish is not None:
            self._refused[id_.casefold()] = (wish, self._clock() + REFUSAL_HOLDS, error)

    def _ended(self, id_: str) -> None:
        operation = self.operations.pop(id_.casefold(), None)
        if operation is not None:
            self._over[id_.casefold()] = operation.url
        self._next_poll.pop(id_.casefold(), None)
        self.observer.wrote(id_)

    def _wait(self, id_: str, retry_after: float | None) -> float:
        seconds = max(SHORTEST_POLL, retry_after) if retry_after is not None else self._poll_interval
        self._next_poll[id_.casefold()] = self._clock() + seconds
        return seconds


def _waiting(operation: Operation, seconds: float) -> Converged:
    step = Step("wait", operation.resource, f"{operation.kind} is under way since {operation.started_at}")
    return Converged(None, step, seconds, operation.kind, looked=False)


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
