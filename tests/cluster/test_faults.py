"""A fault at every ARM call of a shop's life, one life each: all converge, nothing is doubled, nothing foreign touched.

A representative part runs with the other tests; AKS_OPERATOR_TEST_FAULTS=all (`make crash`) runs every pair of call and fault.
"""

import itertools
import os
import queue
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests import levers
from tests.cluster.api import Api
from tests.cluster.lives import TOKEN, Board, Call, Case, Plot, Shop, Verdict
from tests.cluster.operators import Operator
from tests.contract.cloud import Arm, Cloud
from tests.levers import Levers

SHOPS = 10
"""Shops side by side. Each has a namespace and a subscription of its own: being throttled is one's own affair."""
SPEED = "480"
"""A cluster takes half a second."""
EVERYTHING = os.environ.get("AKS_OPERATOR_TEST_FAULTS") == "all"
STALE_SECONDS = 6.0
BALANCER = "/{group}/providers/microsoft.network/loadbalancers/shop-public"

REFUSALS: Mapping[str, Mapping[str, Any]] = {
    "429": levers.answer(429, "TooManyRequests", retry_after=1),
    "500": levers.answer(500, "InternalServerError"),
    "503": levers.answer(503, "ServiceUnavailable"),
    "reset": levers.drop(),
}
"""What any call may meet."""
LOST = levers.lose()
STALE_ETAG = levers.answer(412, "PreconditionFailed")
FAILED = levers.fail("InternalServerError")
AKS_BUSY = levers.answer(
    409, "OperationNotAllowed", "Operation is not allowed: Another operation (Updating) is in progress.", flat=True
)
BUSY = levers.answer(409, "AnotherOperationInProgress", "Another operation on this resource is in progress.")


def cases(calls: Sequence[Call]) -> Iterator[Case]:
    """Every call with every fault that it may meet."""
    for call in calls:
        for name, fault in REFUSALS.items():
            yield Case(call, name, fault)
        if call.lists:
            yield Case(call, "stale", levers.stale(STALE_SECONDS))
        if call.writes:
            yield Case(call, "lost", LOST)
            yield Case(call, "busy", AKS_BUSY if "containerservice" in call.path else BUSY)
            yield Case(call, "412", STALE_ETAG)
            if call.begins:
                yield Case(call, "failed", FAILED)


def representative(every: Sequence[Case]) -> list[Case]:
    """Each write with its answer lost and with one other fault, in turn; each second list stale; each second read refused."""
    by_call: dict[Call, dict[str, Case]] = {}
    for case in every:
        by_call.setdefault(case.call, {})[case.name] = case
    chosen: list[Case] = []
    turns = {"write": itertools.count(), "list": itertools.count(), "read": itertools.count()}
    seen = set[tuple[str, str]]()
    for call, known in by_call.items():
        names = [name for name in ("failed", *REFUSALS, "busy", "412") if name in known]
        first = (call.method, call.path) not in seen
        seen.add((call.method, call.path))
        if call.writes:
            chosen += [known["lost"], known[names[next(turns["write"]) % len(names)]]]
            continue
        if not first:
            continue
        if call.lists and next(turns["list"]) % 2 == 0:
            chosen.append(known["stale"])
        elif (turn := next(turns["read"])) % 2 == 0:
            chosen.append(known[names[turn // 2 % len(names)]])
    return chosen


class Street:
    """Shops side by side, over one operator and one cloud."""

    def __init__(self, api: Api, kubeconfig: str, cloud: Cloud, operator: Operator, names: Sequence[str]) -> None:
        self._own = Levers(cloud)
        self._board = Board(api)
        plots = [Arm[Cloud](Plot(cloud, subscription)) for subscription in subscriptions()]
        self.shops = [Shop(api, self._board, arm, self._own, name) for arm, name in zip(plots, names, strict=True)]
        self._arms = plots

    def close(self) -> None:
        """Let go of everything."""
        self._board.close()
        for shop in self.shops:
            shop.abandon()
        for arm in self._arms:
            arm.close()
        self._own.close()

    def run(self, wanted: Sequence[Case | None], report: Callable[[Verdict], None] = lambda _: None) -> list[Verdict]:
        """The verdicts over a life for each case (None: nothing happens), as many at a time as there are shops."""
        waiting: queue.SimpleQueue[Case | None] = queue.SimpleQueue()
        for case in wanted:
            waiting.put(case)
        verdicts: list[Verdict] = []

        def work(shop: Shop) -> None:
            while True:
                try:
                    case = waiting.get_nowait()
                except queue.Empty:
                    return
                verdict = shop.live(case)
                verdicts.append(verdict)
                report(verdict)

        threads = [threading.Thread(target=work, args=(shop,)) for shop in self.shops]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return verdicts


def subscriptions() -> list[str]:
    """A subscription for each shop."""
    return [f"00000000-0000-0000-0000-0000000001{n:02}" for n in range(SHOPS)]


@pytest.fixture(scope="module")
def street(api: Api, kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    folder = tmp_path_factory.mktemp("street")
    named = [option for subscription in subscriptions() for option in ("--subscription", subscription)]
    cloud = Cloud(folder / "cloud", SPEED, "--levers", "--kubeconfig", kubeconfig, *named)
    home = f"f{uuid.uuid4().hex[:6]}"
    names = [f"{home}-{n}" for n in range(SHOPS)]
    meta = {"name": home}
    api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
    operator = Operator(
        kubeconfig, folder, home, names, cloud.endpoint, drift_interval_seconds=4, lease_seconds=15
    ).start()
    made = Street(api, kubeconfig, cloud, operator, names)
    yield made
    errors = operator.errors()
    operator.stop()
    made.close()
    api.delete(f"/api/v1/namespaces/{home}")
    cloud.stop()
    assert errors == []


@pytest.mark.timeout(3600 if EVERYTHING else 600)
def test_every_call_may_meet_every_fault(street: Street, capsys: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    plain = street.run([None] * 3)
    assert not (complaints := [v.why for v in plain if v.why]), "\n".join(complaints)
    usual = plain[0].writes
    assert not any(difference(usual, v.writes) for v in plain), "a life without faults writes the same each time"
    always = set(plain[0].calls).intersection(*(v.calls for v in plain[1:]))  # timing adds a few
    calls = [call for call in sorted(plain[0].calls, key=lambda c: not c.writes) if call in always]
    every = [*cases(calls), *(Case(TOKEN, name, fault) for name, fault in REFUSALS.items())]
    wanted = every if EVERYTHING else representative(every)
    lines: list[str] = []

    def report(verdict: Verdict) -> None:
        """Tell at once what went wrong: the whole takes a while."""
        why = verdict.why
        if not why and (wrong := difference(usual + expected(verdict.case), verdict.writes)):
            why = f"writes {wrong}"
        if why or not verdict.struck:
            lines.append(f"{verdict.case}: {why or 'not reached'}")
            sys.stdout.write(f"\n{lines[-1]}")

    with capsys.disabled():
        verdicts = street.run(wanted, report)
    doubled = [v for v in verdicts if not v.why and difference(usual + expected(v.case), v.writes)]
    bad = [v for v in verdicts if v.why]
    runs = [v for v in verdicts if v.struck]
    good = [v for v in runs if v not in bad and v not in doubled]
    with capsys.disabled():
        summary = f"{len(runs)} runs, {len(good)} converged ({time.monotonic() - began:.0f} s)"
        sys.stdout.write(f"\n{summary}\n")
    assert not bad, "\n".join(lines)
    assert not doubled, "\n".join(lines)
    assert len(verdicts) == len(wanted)
    unstruck = [v.case for v in verdicts if not v.struck and v.case is not None and v.case.call.writes]
    assert unstruck == []


def expected(case: Case | None) -> Counter[str]:
    """Writes more than usual: an operation that failed is begun again."""
    return (
        Counter([f"{case.call.method} {case.call.path}"]) if case is not None and case.name == "failed" else Counter()
    )


def difference(usual: Counter[str], found: Counter[str]) -> str:
    """What was written more often or less often than usual, "" for nothing. A balancer may follow its machines in two steps."""
    more, less = found - usual, usual - found
    more.subtract({path: 1 for path in more if path.startswith("PUT ") and path.endswith(BALANCER)})
    more = +more
    return f"more {dict(more)}, less {dict(less)}" if more or less else ""
