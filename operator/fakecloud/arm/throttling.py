"""Throttling by token buckets: ARM's own by subscription and caller, and the AKS resource provider's by operation."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from fakecloud.arm.errors import ArmError
from fakecloud.arm.ids import Target

KINDS: Final = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
"""What a method counts as; all others are writes."""
AKS: Final = "microsoft.containerservice"
CLUSTERS: Final = f"{AKS}/managedclusters"
POOLS: Final = f"{CLUSTERS}/agentpools"
MANY: Final = 10_000
"""Buckets; with more, the full ones are forgotten: they say no more than those never used."""


class Limit(NamedTuple):
    """A bucket's size in tokens, and how many come back in a second."""

    size: float
    refill: float


CALLER: Final = {"reads": Limit(250, 25), "writes": Limit(200, 10), "deletes": Limit(200, 10)}
"""Of one caller, in a subscription or in the tenant. Sizes as recorded (199 writes left after one), refill as documented."""
EVERYBODY: Final = {"reads": Limit(16_500, 375), "writes": Limit(12_000, 150), "deletes": Limit(12_000, 150)}
"""Of all callers of a subscription. Sizes as recorded (16499 and 11999 left), refill 15 times a caller's, as documented."""
PUT_ONE: Final = Limit(20, 1 / 60)
GET_CLUSTER: Final = Limit(60, 1)
LIST_GROUP: Final = Limit(60, 1)
LIST_SUBSCRIPTION: Final = Limit(500, 1)
STATUS: Final = Limit(200, 2)
OTHER: Final = Limit(60, 1)


@dataclass
class Bucket:
    """Tokens at a time, in seconds."""

    limit: Limit
    tokens: float
    at: float

    def now(self, now: float) -> float:
        """The tokens there are."""
        return min(self.limit.size, self.tokens + max(0.0, now - self.at) * self.limit.refill)

    def wait(self, now: float) -> float:
        """Seconds until there is a token; 0 when there is one."""
        return max(0.0, 1.0 - self.now(now)) / self.limit.refill

    def take(self, now: float) -> None:
        """Take one."""
        self.tokens, self.at = self.now(now) - 1.0, now


class Throttle:
    """Counts requests. `factor` says how many times as much as Azure it allows; None: everything, and nothing is counted."""

    def __init__(self, clock: Callable[[], float], factor: float | None) -> None:
        self._clock = clock
        self._factor = factor
        self._buckets: dict[tuple[str, ...], Bucket] = {}

    def clear(self) -> None:
        """As if nobody had asked anything."""
        self._buckets.clear()

    def admit(self, method: str, subscription: str | None, principal: str) -> None:
        """Count a request at ARM, of the tenant when `subscription` is None.

        Raises ArmError (429, with Retry-After), and counts nothing then.
        """
        if self._factor is None:
            return
        kind = KINDS.get(method, "writes")
        wanted = list(self._arm(kind, subscription, principal))
        self._take(wanted, lambda wait: _refused(kind, subscription, principal, wait))

    def admit_at_provider(self, method: str, target: Target) -> None:
        """Count a request that ARM passed on. Raises ArmError (429, with Retry-After), and counts nothing then."""
        if self._factor is not None and (limit := aks(method, target)) is not None:
            self._take([limit], lambda wait: _refused_by_aks(target, wait))

    def left(self, method: str, subscription: str | None, principal: str) -> dict[str, str]:
        """The headers that say how many requests are left, as they are in every answer of ARM."""
        kind = KINDS.get(method, "writes")
        scopes = ("tenant",) if subscription is None else ("subscription-global", "subscription")
        now = self._clock()
        return {
            f"x-ms-ratelimit-remaining-{scope}-{kind}": str(self._left(key, limit, now))
            for scope, (key, limit) in zip(scopes, self._arm(kind, subscription, principal), strict=True)
        }

    def _left(self, key: tuple[str, ...], limit: Limit, now: float) -> int:
        if self._factor is None:
            return int(limit.size) - 1
        bucket = self._buckets.get(key)
        return int(self._scaled(limit).size if bucket is None else bucket.now(now))

    def _arm(self, kind: str, subscription: str | None, principal: str) -> Iterator[tuple[tuple[str, ...], Limit]]:
        if subscription is not None:
            yield ("everybody", kind, subscription.lower()), EVERYBODY[kind]
        yield ("caller", kind, (subscription or "").lower(), principal), CALLER[kind]

    def _take(self, wanted: list[tuple[tuple[str, ...], Limit]], refused: Callable[[int], ArmError]) -> None:
        """A token from each bucket; raises `refused` when one has none, and takes none then."""
        now = self._clock()
        if len(self._buckets) > MANY:
            self._buckets = {k: b for k, b in self._buckets.items() if b.now(now) < b.limit.size}
        buckets = [self._bucket(key, limit, now) for key, limit in wanted]
        if (wait := max(bucket.wait(now) for bucket in buckets)) > 0:
            raise refused(math.ceil(wait))
        for bucket in buckets:
            bucket.take(now)

    def _bucket(self, key: tuple[str, ...], limit: Limit, now: float) -> Bucket:
        scaled = self._scaled(limit)
        return self._buckets.setdefault(key, Bucket(scaled, scaled.size, now))

    def _scaled(self, limit: Limit) -> Limit:
        factor = self._factor or 1.0
        return Limit(max(1.0, limit.size * factor), limit.refill * factor)


def aks(method: str, target: Target) -> tuple[tuple[str, ...], Limit] | None:
    """The bucket of the AKS resource provider that a request takes from, None for those of other providers."""
    type_ = target.type.lower()
    if not type_.startswith(f"{AKS}/"):
        return None
    subscription, id_ = target.subscription.lower(), target.id.lower()
    reads = method in {"GET", "HEAD"}
    if reads and type_.startswith(f"{AKS}/locations/operation"):
        return ("status", subscription), STATUS
    if type_ == CLUSTERS and reads and target.collection:
        return ("list", id_), LIST_SUBSCRIPTION if target.group is None else LIST_GROUP
    if type_ == CLUSTERS and reads:
        return ("get", id_), GET_CLUSTER
    if type_ in {CLUSTERS, POOLS} and method == "PUT":
        return ("put", id_), PUT_ONE
    return ("other", subscription, method, type_, str(target.collection)), OTHER


def _refused(kind: str, subscription: str | None, principal: str, wait: int) -> ArmError:
    scope = "tenant" if subscription is None else f"subscription '{subscription}'"
    return ArmError(
        429,
        "TenantRequestsThrottled" if subscription is None else "SubscriptionRequestsThrottled",
        f"Number of '{kind[:-1]}' requests for {scope} actor '{principal}' exceeded. Please try again after '{wait}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for additional information.",
        headers={"Retry-After": str(wait)},
    )


def _refused_by_aks(target: Target, wait: int) -> ArmError:
    return ArmError(
        429,
        "TooManyRequests",
        f"The request limit of {target.type} has been exceeded for subscription {target.subscription}, please retry again in {wait} seconds.",
        flat=True,
        headers={"Retry-After": str(wait)},
    )
