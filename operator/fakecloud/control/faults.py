"""Faults on demand: rules that say which request meets what. Kept in memory: a new process has none."""

import fnmatch
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from fakecloud.arm.ids import parse
from fakecloud.clock import Clock


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(_Strict):
    """The request is refused, and nothing is done. `flat`: in the shape of the AKS resource provider."""

    kind: Literal["answer"]
    status: Annotated[int, Field(ge=400, le=599)]
    code: str
    message: str = "A fault that was asked for."
    details: list[dict[str, Any]] | None = None
    headers: dict[str, str] = {}
    flat: bool = False


class Delay(_Strict):
    """The request waits before it is looked at, in real seconds: clients measure by their own clocks."""

    kind: Literal["delay"]
    seconds: Annotated[float, Field(ge=0, le=600)]


class Drop(_Strict):
    """The connection is reset before anything is done."""

    kind: Literal["drop"]


class Lose(_Strict):
    """What is asked is done, and the connection reset instead of an answer."""

    kind: Literal["lose"]


class Fail(_Strict):
    """The request is taken, and the operation that it begins ends as Failed, its work undone."""

    kind: Literal["fail"]
    code: str
    message: str = "A fault that was asked for."
    details: list[dict[str, Any]] | None = None


class Stale(_Strict):
    """The answer stands for `seconds` of the cloud's time: the same GET or list gets it again, whatever happens meanwhile."""

    kind: Literal["stale"]
    seconds: Annotated[float, Field(gt=0)]


Fault = Annotated[Answer | Delay | Drop | Lose | Fail | Stale, Field(discriminator="kind")]


class Rule(_Strict):
    """Which requests meet a fault. Patterns have `*` and `?`, without regard to case."""

    method: str = "*"
    """An HTTP method, LIST for the GET of a collection, or *."""
    type: str = "*"
    """An ARM type such as Microsoft.Network/loadBalancers; a POST's action follows it, as do /operations; or `token`."""
    name: str = "*"
    """A resource's own name; with a slash in it, the whole path."""
    agent: str = "*"
    """The User-Agent header, so that a test is not struck by its own rules."""
    nth: Annotated[int, Field(ge=1)] = 1
    """The first of the matching requests that is struck."""
    count: Annotated[int, Field(ge=1)] | None = 1
    """How many are struck from then on; None: all."""
    fault: Fault


@dataclass(frozen=True)
class Asked:
    """A request as rules see it."""

    method: str
    type: str
    name: str
    path: str
    agent: str

    @classmethod
    def of(cls, method: str, raw_path: str, agent: str) -> "Asked":
        """Out of a request line and the User-Agent."""
        target = parse(raw_path)
        if target is None:
            last = raw_path.rpartition("/")[2]
            return cls(method, last, last, raw_path, agent)
        type_ = target.type or ("subscriptions" if target.group is None else "resourceGroups")
        if "/" not in type_ and type_ in {"subscriptions", "resourceGroups"}:
            type_ = f"Microsoft.Resources/{type_}"
        listing = method == "GET" and target.collection
        return cls("LIST" if listing else method, type_, target.name, raw_path, agent)


@dataclass
class Standing:
    """A rule at work: how many requests it `seen`, and how many of them it `struck`."""

    id: int
    rule: Rule
    seen: int = 0
    struck: int = 0
    _patterns: dict[str, re.Pattern[str]] = field(default_factory=dict)

    def strikes(self, asked: Asked) -> bool:
        """Whether it strikes this request; one that matches is counted."""
        rule = self.rule
        name = asked.path if "/" in rule.name else asked.name
        pairs = (
            (rule.method, asked.method),
            (rule.type, asked.type),
            (rule.name, name),
            (rule.agent, asked.agent),
        )
        if not all(self._fits(pattern, value) for pattern, value in pairs):
            return False
        self.seen += 1
        if self.seen < rule.nth or (rule.count is not None and self.seen >= rule.nth + rule.count):
            return False
        self.struck += 1
        return True

    def shown(self) -> dict[str, Any]:
        """As it goes out."""
        return {"id": self.id, "seen": self.seen, "struck": self.struck, "rule": self.rule.model_dump(mode="json")}

    def _fits(self, pattern: str, value: str) -> bool:
        compiled = self._patterns.get(pattern)
        if compiled is None:
            compiled = self._patterns[pattern] = re.compile(
                fnmatch.translate(pattern.replace("[", "[[]")), re.IGNORECASE
            )
        return compiled.fullmatch(value) is not None


@dataclass(frozen=True)
class _Frozen:
    """An answer that stands until `until`, of the cloud's time."""

    until: float
    status: int
    body: bytes
    content_type: str


class Faults:
    """The rules that stand, in the order in which they were given, and the answers that they made stand."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._frozen: dict[str, _Frozen] = {}
        self._numbers = itertools.count(1)
        self._standing: dict[int, Standing] = {}

    def add(self, rule: Rule) -> Standing:
        """A rule stands from now on."""
        number = next(self._numbers)
        made = self._standing[number] = Standing(number, rule)
        return made

    def all(self) -> Iterable[Standing]:
        """The rules that stand."""
        return self._standing.values()

    def remove(self, number: int) -> bool:
        """Whether there was such a rule; there is none now."""
        return self._standing.pop(number, None) is not None

    def clear(self) -> None:
        """No rule and no answer stands any more."""
        self._standing.clear()
        self.thaw()

    def thaw(self) -> None:
        """No answer stands any more."""
        self._frozen.clear()

    def freeze(self, key: str, answer: web.Response, seconds: float) -> None:
        """The answer to the request `key` stands for `seconds`, if it was 200."""
        if answer.status == 200 and isinstance(answer.body, bytes):
            until = self._clock.now() + seconds
            self._frozen[key] = _Frozen(until, answer.status, answer.body, answer.content_type)

    def frozen(self, key: str) -> web.Response | None:
        """The answer that stands for the request `key`, None when none does."""
        kept = self._frozen.get(key)
        if kept is None:
            return None
        if kept.until <= self._clock.now():
            del self._frozen[key]
            return None
        return web.Response(status=kept.status, body=kept.body, content_type=kept.content_type)

    def striking(self, request: web.Request) -> list[Standing]:
        """The rules that strike a request. All that match count it."""
        asked = Asked.of(request.method, request.rel_url.raw_path, request.headers.get("User-Agent", ""))
        return [standing for standing in self._standing.values() if standing.strikes(asked)]
