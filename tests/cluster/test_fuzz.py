"""Whatever is applied: it is refused, or it says in a condition how it stands; nothing of it is in Azure unless it says so.

Hundreds of objects side by side, made out of the CRDs' own schemas by hypothesis, the same at every run. Most are good, many
want what Azure refuses, some what nobody takes.
"""

import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import pytest

from aks_operator.keys import Key
from aks_operator.marks import owner_hash
from tests.cluster.api import PLURALS, Api, Json, Reply, condition, path_of
from tests.cluster.desk import Desk
from tests.cluster.office import Office
from tests.cluster.shapes import Shape, drawn
from tests.contract.cloud import Arm, Cloud, until

COUNT: Final = int(os.environ.get("AKS_OPERATOR_TEST_FUZZ", "400"))
"""How many objects; `make crash` takes 2,200."""
THREADS: Final = 6
SETTLED_SECONDS: Final = 70.0 + COUNT / 5
"""Rules of one NSG are made one after the other, as are the pools of one cluster: the more, the longer."""
pytestmark = pytest.mark.timeout(max(400, COUNT))
REASON: Final = re.compile(r"[A-Z][A-Za-z0-9_]*")
NO_REASON: Final = frozenset({"Unknown", "Internal", "InternalError", "InternalServerError", "Error", "Failed"})
"""Words that say nothing: ARM's or ours, they would come of a bug."""
UNDER_WAY: Final = frozenset({"Creating", "Updating", "Upgrading", "Scaling", "Throttled", "CloudUnreachable"})
"""Reasons that have to pass in a cloud where everything is done at once."""


@dataclass(frozen=True)
class Case:
    """One object, and what the API server said to it."""

    shape: Shape
    body: Json
    reply: Reply

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])

    @property
    def taken(self) -> bool:
        return self.reply.status == 201

    def __str__(self) -> str:
        return f"{self.shape.kind} {json.dumps(self.body['spec'])}"


@pytest.fixture(scope="module")
def cloud(kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    """A cloud without machines where everything is done at once; every cluster in it is the one we test with."""
    made = Cloud(tmp_path_factory.mktemp("cloud"), "instant", "--kubeconfig", kubeconfig)
    arm = Arm(made)
    yield arm
    arm.close()
    made.stop()


@pytest.fixture(scope="module")
def office(api: Api, cloud: Arm, kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    pace = {
        "drift_interval_seconds": 20,
        "poll_interval_seconds": 0.2,
        "reads_per_second": 2000,
        "writes_per_second": 2000,
    }
    with Office(api, cloud, kubeconfig, tmp_path_factory.mktemp("office"), desks=1, **pace) as made:
        made.operator.start()
        yield made


@pytest.fixture(scope="module")
def desk(office: Office) -> Desk:
    """An account, a zone, a cluster for exposures and one for pools."""
    made = office.desk()
    made.cluster()
    made.pool()
    made.cluster("pools")
    made.pool("first", clusterRef={"name": "pools"}, mode="System")
    made.zone()
    made.ready("NodePool", "system")
    made.ready("NodePool", "first")
    made.ready("DNSZone", "zone")
    made.mark()
    return made


@pytest.fixture(scope="module")
def cases(desk: Desk) -> list[Case]:
    """All of them, applied."""
    shapes = drawn(COUNT)
    names = [f"x{number:04d}" for number in range(len(shapes))]
    before = ["shop", *names]

    def apply(shape: Shape, name: str, last: str) -> Case:
        body = shape.body(name, last, desk.namespace)
        return Case(shape, body, desk.api("POST", path_of(shape.kind, desk.namespace), body))

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(apply, shapes, names, before))


def found(desk: Desk) -> Mapping[str, Json]:
    """Every object that is there, by its name."""
    return {
        body["metadata"]["name"]: body for kind in PLURALS for body in desk.api.items(path_of(kind, desk.namespace))
    }


@pytest.fixture(scope="module")
def objects(desk: Desk, cases: list[Case]) -> Mapping[str, Json]:
    """Those that were taken, when each has said how it stands and none is on its way."""
    names = {case.name for case in cases if case.taken}

    def on_the_way(body: Json) -> bool:
        now = condition(body)
        return (
            now.get("observedGeneration") != body["metadata"]["generation"]
            or now["reason"] in UNDER_WAY
            or "operations" in (body.get("status") or {})
        )

    def look() -> Mapping[str, Json] | None:
        known = found(desk)
        assert names <= known.keys(), "objects went by themselves"
        return None if any(on_the_way(known[name]) for name in names) else known

    try:
        return until("all have said how they stand", look, SETTLED_SECONDS, pause=2.0)
    except AssertionError as error:
        known = found(desk)
        late = [
            (str(case), known[case.name].get("status")) for case in cases if case.taken and on_the_way(known[case.name])
        ]
        raise AssertionError(f"{error}: {len(late)}, such as {late[:3]}") from error


def test_what_is_refused_is_refused_with_a_reason(cases: list[Case]) -> None:
    refused = [case for case in cases if not case.taken]
    assert {case.reply.status for case in refused} <= {400, 422}, next(
        c for c in refused if c.reply.status not in {400, 422}
    )
    assert all(case.reply.message for case in refused)
    assert COUNT // 10 < len(refused) < COUNT * 6 // 10, "neither good nor bad ones are enough to say anything"


def test_what_is_taken_ends_in_a_condition(cases: list[Case], objects: Mapping[str, Json]) -> None:
    reasons = Counter[str]()
    for case in cases:
        if case.taken:
            ready = condition(objects[case.name])
            reasons[ready["reason"]] += 1
            assert REASON.fullmatch(ready["reason"]), case
            assert ready["reason"] not in NO_REASON, (str(case), ready)
            assert ready["status"] == "True" or ready["message"], case
    assert len(reasons) > 6, reasons
    assert reasons["Succeeded"] > COUNT // 20, reasons


def test_nothing_is_written_for_what_does_not_stand_for_a_resource(
    desk: Desk, cases: list[Case], objects: Mapping[str, Json]
) -> None:
    """Neither for what the API server refused, nor for what the operator or Azure did."""
    writes = [path for path in desk.writes() if "/providers/" in path]
    assert len(writes) > COUNT // 20
    written = set(itertools.chain.from_iterable(re.findall(r"x\d{4}|[0-9a-f]{10}", path) for path in writes))
    for case in cases:
        status = (objects[case.name].get("status") or {}) if case.taken else {}
        if not status.get("id"):
            digest = owner_hash(Key(case.shape.kind, desk.namespace, case.name))
            mine = [path for path in writes if case.name in path or digest in path]
            assert not {case.name, digest} & written, (str(case), status, mine)


def test_everything_can_be_deleted(desk: Desk, objects: Mapping[str, Json]) -> None:
    """What is protected is so no more; some are edited while they are at work."""
    for body in objects.values():
        if body["spec"].get("deletionPolicy") == "Protect":
            desk.edit(body["kind"], body["metadata"]["name"], deletionPolicy="Delete")
    for kind in PLURALS:
        reply = desk.api("DELETE", path_of(kind, desk.namespace))
        assert reply.status == 200, reply

    def look() -> bool | None:
        return None if found(desk) else True

    try:
        until("all objects are gone", look, SETTLED_SECONDS, pause=2.0)
    except AssertionError as error:
        left = {name: condition(body) for name, body in found(desk).items()}
        raise AssertionError(f"{error}: {len(left)} are left, such as {list(left.items())[:5]}") from error


def test_nothing_was_unexpected(office: Office) -> None:
    """Runs after the others of this file."""
    assert office.operator.errors() == []
    assert office.operator.count("aks_operator_reconcile_errors_total") == 0
    assert "Traceback" not in office.operator.log()
