"""The levers of a fake cloud, over the wire: faults, the clock, its state, and its journal."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import urllib3

Json = dict[str, Any]
DEADLINE = 60.0


class Target(Protocol):
    """What is needed of a cloud: where it is, whom to trust, and its account.json."""

    @property
    def endpoint(self) -> str:
        """Scheme, host and port."""

    @property
    def ca(self) -> str:
        """Path of the authority to trust."""

    def account(self) -> Json:
        """account.json."""


def answer(
    status: int,
    code: str,
    message: str = "A fault that was asked for.",
    *,
    flat: bool = False,
    retry_after: int | None = None,
    details: list[Json] | None = None,
) -> Json:
    """The request is refused, and nothing is done. `flat`: in AKS' shape, without the outer `error`."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    fault: Json = {"kind": "answer", "status": status, "code": code, "message": message, "flat": flat}
    return {**fault, "headers": headers, "details": details}


def delay(seconds: float) -> Json:
    """The request waits before it is looked at, in real seconds."""
    return {"kind": "delay", "seconds": seconds}


def drop() -> Json:
    """The connection is reset before anything is done."""
    return {"kind": "drop"}


def lose() -> Json:
    """What is asked is done, and the connection reset instead of an answer."""
    return {"kind": "lose"}


def fail(code: str, message: str = "A fault that was asked for.") -> Json:
    """The operation that the request begins ends as Failed."""
    return {"kind": "fail", "code": code, "message": message}


def stale(seconds: float) -> Json:
    """The answer stands for `seconds` of the cloud's time, whatever happens meanwhile."""
    return {"kind": "stale", "seconds": seconds}


@dataclass(frozen=True)
class Standing:
    """A rule at work: how many requests it saw, and how many of them it struck."""

    id: int
    seen: int
    struck: int


@dataclass(frozen=True)
class Time:
    """The cloud's clock, and the operations under way, the one that ends first at the head."""

    now: float
    stopped: bool
    running: list[Json]


class Levers:
    """The levers of one cloud that was started with `--levers`."""

    def __init__(self, cloud: Target) -> None:
        self._endpoint = cloud.endpoint
        self._headers = {"Authorization": f"Bearer {cloud.account()['controlToken']}"}
        self._pool = urllib3.PoolManager(ca_certs=cloud.ca, retries=False, timeout=DEADLINE, maxsize=32)

    def close(self) -> None:
        """Close every connection."""
        self._pool.clear()

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request below /_fakecloud: its status and its JSON, None for an empty body."""
        sent = None if body is None else json.dumps(body).encode()
        reply = self._pool.request(method, f"{self._endpoint}/_fakecloud{path}", body=sent, headers=self._headers)
        return reply.status, json.loads(reply.data) if reply.data else None

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        status, found = self.send(method, path, body)
        assert status < 300, f"{method} {path}: {status} {found}"
        return found

    # faults

    def fault(
        self,
        fault: Mapping[str, Any],
        *,
        method: str = "*",
        type_: str = "*",
        name: str = "*",
        agent: str = "*",
        nth: int = 1,
        count: int | None = 1,
    ) -> int:
        """The number of a rule that stands from now on: the `nth` request that matches, and `count` in all (None: all).

        `method` is an HTTP method or LIST; `name` a resource's own name, or the whole path when it holds a slash.
        """
        rule: Json = {"method": method, "type": type_, "name": name, "agent": agent, "nth": nth, "count": count}
        rule["fault"] = dict(fault)
        return int(self._ask("POST", "/faults", rule)["id"])

    def standing(self) -> dict[int, Standing]:
        """The rules that stand, by their numbers."""
        found = self._ask("GET", "/faults")["value"]
        return {s["id"]: Standing(s["id"], s["seen"], s["struck"]) for s in found}

    def lift(self, number: int | None = None) -> None:
        """Take a rule away; None: all of them."""
        self._ask("DELETE", "/faults" if number is None else f"/faults/{number}")

    # clock

    def time(self) -> Time:
        """How the clock stands."""
        return Time(**self._ask("GET", "/clock"))

    def stop(self) -> Time:
        """From now on the clock moves by `advance` and `idle` only."""
        return Time(**self._ask("POST", "/clock", {"stopped": True}))

    def run(self) -> Time:
        """The clock runs on from where it stands."""
        return Time(**self._ask("POST", "/clock", {"stopped": False}))

    def advance(self, seconds: float) -> Time:
        """The clock jumps ahead; operations end in order, each at its own time."""
        return Time(**self._ask("POST", "/clock", {"advance": seconds}))

    def idle(self) -> Time:
        """The clock jumps until no operation is under way."""
        return Time(**self._ask("POST", "/clock", {"idle": True}))

    # identity

    def client(self, **ways: Any) -> None:
        """What the client may log in with from now on: `secrets`, `certificates` (PEM), `federated`; the rest stays."""
        self._ask("POST", "/client", ways)

    # quotas

    def quotas(self, **limits: int) -> None:
        """What a subscription may have from now on, and nothing else is limited."""
        self._ask("PUT", "/quotas", limits)

    # state

    def reset(self) -> None:
        """The cloud is as it was at its first start: same account, nothing else; no rule stands."""
        self._ask("POST", "/reset")

    def snapshot(self, name: str = "default") -> None:
        """Keep the present state under a name."""
        self._ask("PUT", f"/snapshots/{name}")

    def restore(self, name: str = "default") -> None:
        """The cloud is as it was then; what was under way goes on with the time that it had left."""
        self._ask("POST", f"/snapshots/{name}/restore")

    def snapshots(self) -> list[str]:
        """The names kept."""
        return [str(s["name"]) for s in self._ask("GET", "/snapshots")["value"]]

    def forget(self, name: str) -> None:
        """Drop a snapshot."""
        self._ask("DELETE", f"/snapshots/{name}")

    # journal

    def journal(self, after: int = 0) -> list[Json]:
        """Every request numbered above `after` that the journal still has."""
        return list(self._ask("GET", f"/journal?after={after}")["entries"])

    def last(self) -> int:
        """The number of the last request."""
        return int(self._ask("GET", f"/journal?after={10**12}")["last"])
