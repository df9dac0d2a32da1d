"""The levers: what each does to a client, what it leaves undone, and that it is noted."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import urllib3
from azure.core.exceptions import HttpResponseError, ResourceExistsError

from tests import levers
from tests.contract.bodies import (
    ADDRESSES,
    BALANCERS,
    CLUSTERS,
    SECURITY_GROUPS,
    ZONES,
    address,
    cluster,
    pool,
    rule_properties,
    security_group,
)
from tests.contract.cloud import API_VERSION, Arm, Clients, Cloud, Group, until
from tests.contract.conftest import new_group, running
from tests.levers import Levers


@pytest.fixture(scope="module")
def arm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    """A cloud with levers, at Azure's own speed."""
    with running(tmp_path_factory.mktemp("levers"), "1", "--levers") as made:
        yield made


# who may


def test_a_cloud_without_levers_has_none(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path, "instant")
    plain = Levers(cloud)
    for method, path in [
        ("GET", "/faults"),
        ("POST", "/faults"),
        ("DELETE", "/faults"),
        ("GET", "/clock"),
        ("POST", "/clock"),
        ("POST", "/reset"),
        ("PUT", "/snapshots/a"),
        ("POST", "/snapshots/a/restore"),
        ("GET", "/anything"),
    ]:
        assert plain.send(method, path)[0] == 404, (method, path)
    assert plain.send("GET", "/journal?after=0")[0] == 200
    plain.close()
    cloud.stop()


def test_levers_need_the_control_token(arm: Arm, lever: Levers) -> None:
    for method, path in [("GET", "/faults"), ("POST", "/reset"), ("POST", "/clock"), ("PUT", "/snapshots/a")]:
        for token in (arm.token, "", "x"):
            reply = arm.send(method, f"/_fakecloud{path}", headers={"Authorization": f"Bearer {token}"})
            assert (reply.status, reply.code) == (401, "Unauthorized")
    assert lever.snapshots() == []


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"fault": {"kind": "explode"}},
        {"fault": {"kind": "answer", "status": 200, "code": "X"}},
        {"fault": {"kind": "drop"}, "nth": 0},
        {"fault": {"kind": "drop"}, "verb": "PUT"},
        {"fault": {"kind": "delay"}},
        [],
    ],
    ids=str,
)
def test_a_rule_that_makes_no_sense_is_refused(lever: Levers, rule: Any) -> None:
    status, body = lever.send("POST", "/faults", rule)
    assert (status, body["error"]["code"]) == (400, "BadRequest")
    assert lever.standing() == {}


# faults


@pytest.mark.parametrize("flat", [False, True])
def test_an_answer_has_the_shape_and_headers_asked_for_and_nothing_is_done(
    arm: Arm, lever: Levers, group: Group, flat: bool
) -> None:
    path = group.path(ADDRESSES, "ip")
    lever.fault(levers.answer(429, "TooManyRequests", "Slowly.", flat=flat, retry_after=7), method="PUT", name="ip")
    before = lever.last()
    reply = arm.put(path, address())
    assert (reply.status, reply.code, reply.message) == (429, "TooManyRequests", "Slowly.")
    assert reply.headers["Retry-After"] == "7"
    assert reply.headers["x-ms-request-id"]
    assert ("error" in reply.body) is not flat
    assert arm.get(path).status == 404
    assert arm.put(path, address()).status == 201, "struck once"
    first, *others = lever.journal(before)
    assert (first["status"], first["faults"][0]["kind"]) == (429, "answer")
    assert not any("faults" in entry for entry in others)


def test_the_sdk_raises_what_the_answer_says(arm: Arm, lever: Levers, group: Group) -> None:
    clients = Clients(arm.cloud)
    lever.fault(levers.answer(409, "OperationNotAllowed", "in progress", flat=True), type_=CLUSTERS)
    with pytest.raises(ResourceExistsError) as caught:
        clients.aks.managed_clusters.get(group.name, "c")
    assert caught.value.error is not None
    assert caught.value.error.code == "OperationNotAllowed"
    clients.close()


def test_nth_and_count_say_which_requests_are_struck(arm: Arm, lever: Levers, group: Group) -> None:
    number = lever.fault(levers.answer(503, "ServerBusy"), method="GET", name=group.name, nth=2, count=2)
    assert [arm.get(group.id).status for _ in range(5)] == [200, 503, 503, 200, 200]
    standing = lever.standing()[number]
    assert (standing.seen, standing.struck) == (5, 2)
    lever.lift(number)
    lever.fault(levers.answer(503, "ServerBusy"), method="GET", name=group.name, nth=3, count=None)
    assert [arm.get(group.id).status for _ in range(5)] == [200, 200, 503, 503, 503]


@pytest.mark.parametrize(
    ("rule", "struck"),
    [
        ({"method": "LIST"}, {"list"}),
        ({"method": "GET", "type_": "microsoft.network/PUBLICipaddresses"}, {"get"}),
        ({"type_": ADDRESSES}, {"get", "list"}),
        ({"type_": "Microsoft.Network/*"}, {"get", "list"}),
        ({"type_": "Microsoft.Resources/resourceGroups"}, {"group"}),
        ({"name": "I?"}, {"get"}),
        ({"agent": "python-urllib3/*"}, {"get", "list", "group"}),
        ({"agent": "azsdk-*"}, set()),
        ({"name": "*/resourcegroups/*/ip"}, {"get"}),
        ({"name": "*[i]*"}, set()),
        ({"type_": BALANCERS}, set()),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_rules_choose_by_method_type_and_name(
    arm: Arm, lever: Levers, group: Group, rule: dict[str, Any], struck: set[str]
) -> None:
    paths = {"get": group.path(ADDRESSES, "ip"), "list": group.path(ADDRESSES), "group": group.id}
    lever.fault(levers.answer(503, "ServerBusy"), count=None, **rule)
    assert {name for name, path in paths.items() if arm.get(path).status == 503} == struck


def test_polls_and_actions_have_types_too(arm: Arm, lever: Levers, group: Group) -> None:
    poll = arm.put(group.path(ADDRESSES, "ip"), address()).headers["Azure-AsyncOperation"]
    lever.fault(levers.answer(500, "InternalServerError"), type_="Microsoft.Network/locations/operations")
    assert (arm.get(poll).status, arm.get(poll).status) == (500, 200)
    lever.fault(levers.answer(500, "InternalServerError"), type_=f"{CLUSTERS}/listClusterAdminCredential")
    assert arm.post(f"{group.path(CLUSTERS, 'c')}/listClusterAdminCredential").status == 500


def test_the_token_endpoint_is_struck_and_noted_like_any_other(arm: Arm, lever: Levers) -> None:
    before = lever.last()
    lever.fault(levers.answer(503, "temporarily_unavailable"), type_="token")
    with pytest.raises(HttpResponseError):
        arm.cloud.log_in()
    assert arm.cloud.log_in()
    tokens = [e for e in lever.journal(before) if e["path"].endswith("/token")]
    assert [(e["method"], e["status"], "faults" in e) for e in tokens] == [("POST", 503, True), ("POST", 200, False)]


def test_a_delay_comes_before_the_answer(arm: Arm, lever: Levers, group: Group) -> None:
    lever.fault(levers.delay(0.4), name=group.name)
    began = time.monotonic()
    assert arm.get(group.id).status == 200
    assert 0.4 <= time.monotonic() - began < 5
    lever.fault(levers.delay(0.2), name=group.name)
    lever.fault(levers.answer(503, "ServerBusy"), name=group.name)
    began = time.monotonic()
    assert arm.get(group.id).status == 503
    assert time.monotonic() - began >= 0.2, "several rules may strike one request"


def test_a_delayed_request_is_done_though_its_client_is_gone(arm: Arm, lever: Levers, group: Group) -> None:
    path = group.path(ADDRESSES, "ip")
    lever.fault(levers.delay(0.4), method="PUT", name="ip")
    client = urllib3.PoolManager(ca_certs=arm.cloud.ca, retries=False, timeout=urllib3.Timeout(read=0.1))
    url = f"{arm.cloud.endpoint}{path}?api-version={API_VERSION}"
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        client.request("PUT", url, json=address(), headers={"Authorization": f"Bearer {arm.token}"})
    client.clear()
    assert arm.get(path).status == 404
    until("it is done", lambda: arm.get(path).status == 200 or None)


def test_a_dropped_request_is_not_done(arm: Arm, lever: Levers, group: Group) -> None:
    path = group.path(ADDRESSES, "ip")
    before = lever.last()
    lever.fault(levers.drop(), method="PUT", name="ip")
    with pytest.raises(urllib3.exceptions.ProtocolError, match="Connection aborted"):
        arm.put(path, address())
    assert arm.get(path).status == 404
    dropped = lever.journal(before)[0]
    assert (dropped["status"], dropped["faults"][0]["kind"]) == (499, "drop")
    assert arm.put(path, address()).status == 201


def test_a_lost_answer_is_to_work_that_was_done(arm: Arm, lever: Levers, group: Group) -> None:
    path = group.path(ADDRESSES, "ip")
    before = lever.last()
    lever.fault(levers.lose(), method="PUT", name="ip")
    with pytest.raises(urllib3.exceptions.ProtocolError, match="Connection aborted"):
        arm.put(path, address())
    assert arm.get(path).state == "Updating"
    lost = lever.journal(before)[0]
    assert (lost["status"], lost["faults"][0]["kind"]) == (201, "lose")


FAILING: list[tuple[str, str, Callable[[], dict[str, Any]]]] = [
    (ADDRESSES, "ip", address),
    (SECURITY_GROUPS, "nsg", security_group),
    (SECURITY_GROUPS, "nsg/securityRules/r", lambda: {"properties": rule_properties()}),
    (CLUSTERS, "c", cluster),
    (CLUSTERS, "c/agentPools/web", pool),
]


def prepare(arm: Arm, lever: Levers, group: Group, type_: str, name: str) -> None:
    """The parents of a resource are there, and nothing is under way."""
    if "/" in name:
        parent = name.split("/")[0]
        arm.put(group.path(type_, parent), cluster() if type_ == CLUSTERS else security_group())
    lever.idle()


@pytest.mark.parametrize(("type_", "name", "body"), FAILING, ids=[name for _, name, _ in FAILING])
def test_an_operation_fails_as_asked_and_the_same_put_repairs(
    arm: Arm, lever: Levers, group: Group, type_: str, name: str, body: Callable[[], dict[str, Any]]
) -> None:
    prepare(arm, lever, group, type_, name)
    path = group.path(type_, name)
    lever.fault(levers.fail("AllocationFailed", "No room."), method="PUT", name=name.rpartition("/")[2])
    reply = arm.put(path, body())
    assert reply.status == 201
    lever.idle()
    operation = arm.get(reply.headers["Azure-AsyncOperation"]).body
    assert operation["status"] == "Failed"
    assert (operation["error"]["code"], operation["error"]["message"]) == ("AllocationFailed", "No room.")
    assert arm.get(path).state == "Failed"
    assert arm.put(path, body()).status == 200
    lever.idle()
    assert arm.get(path).state == "Succeeded"


@pytest.mark.parametrize(("type_", "name", "body"), FAILING, ids=[name for _, name, _ in FAILING])
def test_a_deletion_fails_as_asked_and_may_be_tried_again(
    arm: Arm, lever: Levers, group: Group, type_: str, name: str, body: Callable[[], dict[str, Any]]
) -> None:
    prepare(arm, lever, group, type_, name)
    path = group.path(type_, name)
    arm.put(path, body())
    lever.idle()
    lever.fault(levers.fail("InternalServerError"), method="DELETE", name=name.rpartition("/")[2])
    assert arm.delete(path).status == 202
    lever.idle()
    assert arm.get(path).state == "Failed"
    assert arm.delete(path).status == 202
    lever.idle()
    assert arm.get(path).status == 404


def test_a_failing_operation_fails_after_a_kill_too(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path, "1", "--levers")
    own, arm = Levers(cloud), Arm(cloud)
    path = new_group(arm).path(ADDRESSES, "ip")
    own.fault(levers.fail("AllocationFailed"), method="PUT", name="ip")
    arm.put(path, address())
    cloud.kill()
    cloud.start()
    assert own.standing() == {}, "rules are not kept"
    own.idle()
    assert arm.get(path).state == "Failed"
    own.close()
    arm.close()
    cloud.stop()


def test_a_stale_list_stands_for_as_long_as_asked(arm: Arm, lever: Levers, group: Group) -> None:
    lever.stop()
    lever.fault(levers.stale(30), method="LIST", type_=ADDRESSES, name=f"*/{group.name}/*")
    listing = group.path(ADDRESSES)
    assert arm.get(listing).body["value"] == []
    arm.put(group.path(ADDRESSES, "ip"), address())
    lever.advance(29)
    assert arm.get(listing).body["value"] == [], "it does not show what was made meanwhile"
    assert arm.get(group.path(ADDRESSES, "ip")).state == "Succeeded"
    lever.advance(1)
    assert [ip["name"] for ip in arm.get(listing).body["value"]] == ["ip"]


def test_a_stale_list_shows_what_was_deleted(arm: Arm, lever: Levers, group: Group) -> None:
    lever.stop()
    arm.put(group.path(ZONES, "z.example"), {"location": "global"})
    lever.fault(levers.stale(30), method="LIST", type_=ZONES)
    assert len(arm.get(group.path(ZONES)).body["value"]) == 1
    arm.delete(group.path(ZONES, "z.example"))
    lever.idle()
    assert arm.get(group.path(ZONES, "z.example")).status == 404
    assert len(arm.get(group.path(ZONES)).body["value"]) == 1
    lever.lift()
    assert arm.get(group.path(ZONES)).body["value"] == [], "rules lifted, truth told"


# clock


def test_a_stopped_clock_ends_nothing_until_it_is_moved(arm: Arm, lever: Levers, group: Group) -> None:
    assert lever.stop().stopped
    arm.put(group.path(ADDRESSES, "ip"), address())
    poll = arm.put(group.path(CLUSTERS, "c"), cluster()).headers["Azure-AsyncOperation"]
    names = [o["resource"].rpartition("/")[2] for o in lever.time().running]
    assert names[-2:] == ["ip", "c"], "the one that ends first at the head"
    now = lever.time().now
    lever.advance(100)
    assert lever.time().now == pytest.approx(now + 100, abs=0.001)
    assert arm.get(group.path(ADDRESSES, "ip")).state == "Succeeded"
    assert arm.get(poll).body["status"] == "InProgress"
    assert lever.advance(140).running == []
    assert arm.get(poll).body["status"] == "Succeeded"
    assert lever.time().now == pytest.approx(now + 240, abs=0.001)


def test_operations_end_in_order_each_at_its_own_time_without_waiting(arm: Arm, lever: Levers, group: Group) -> None:
    lever.stop()
    start = lever.time().now
    polls = [
        arm.put(group.path(CLUSTERS, "c"), cluster()).headers["Azure-AsyncOperation"],
        arm.put(group.path(ADDRESSES, "ip"), address()).headers["Azure-AsyncOperation"],
    ]
    began = time.monotonic()
    assert lever.idle().running == []
    assert time.monotonic() - began < 5
    assert {arm.get(poll).body["status"] for poll in polls} == {"Succeeded"}
    body = arm.get(polls[0]).body
    taken = time_of(body["endTime"]) - time_of(body["startTime"])
    assert taken == pytest.approx(240, abs=0.01), "AKS took its four minutes"
    assert lever.time().now == pytest.approx(start + 240, abs=0.001)


def time_of(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_a_running_clock_jumps_too_and_never_goes_back(arm: Arm, lever: Levers, group: Group) -> None:
    path = group.path(CLUSTERS, "c")
    arm.put(path, cluster())
    before = lever.time().now
    assert lever.advance(240).now >= before + 240
    assert arm.get(path).state == "Succeeded"
    lever.stop()
    stopped = lever.time().now
    assert lever.run().now >= stopped
    assert not lever.time().stopped


def test_tokens_expire_by_the_clouds_clock(arm: Arm, lever: Levers, group: Group) -> None:
    assert arm.get(group.id).status == 200
    lever.advance(3601)
    reply = arm.get(group.id)
    assert (reply.status, reply.code) == (401, "ExpiredAuthenticationToken")
    arm.token = arm.cloud.log_in()
    assert arm.get(group.id).status == 200


# state


def test_reset_leaves_the_account_and_nothing_else(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path, "1", "--levers")
    own, arm = Levers(cloud), Arm(cloud)
    group = new_group(arm)
    arm.put(group.path(CLUSTERS, "c"), cluster())
    own.fault(levers.drop(), method="DELETE")
    own.stop()
    began = time.monotonic()
    own.reset()
    assert time.monotonic() - began < 1
    assert (own.standing(), own.time().running, own.time().stopped) == ({}, [], False)
    assert arm.get("/resourceGroups").body["value"] == []
    assert own.journal()[-1]["n"] > 1, "numbers go on"
    assert len(own.journal()) == 1
    assert arm.put(group.id, {"location": "westeurope"}).status == 201, "the same client, the same subscription"
    cloud.kill()
    cloud.start()
    assert arm.get(group.path(CLUSTERS, "c")).status == 404
    own.close()
    arm.close()
    cloud.stop()


def test_a_snapshot_brings_back_what_was_and_what_was_under_way(arm: Arm, lever: Levers, group: Group) -> None:
    lever.stop()
    for n in range(30):
        arm.put(group.path(ADDRESSES, f"ip{n}"), address())
    lever.idle()
    poll = arm.put(group.path(CLUSTERS, "c"), cluster()).headers["Azure-AsyncOperation"]
    lever.advance(100)
    lever.snapshot("half")
    before = {path: arm.get(group.path(*path)).body for path in ((ADDRESSES, "ip7"), (CLUSTERS, "c"))}
    lever.idle()
    assert arm.delete(group.path(ADDRESSES, "ip7")).status == 202
    lever.idle()
    arm.put(group.path(ADDRESSES, "other"), address())
    began = time.monotonic()
    lever.restore("half")
    assert time.monotonic() - began < 1
    assert {path: arm.get(group.path(*path)).body for path in before} == before
    assert arm.get(group.path(ADDRESSES, "other")).status == 404
    lever.advance(139)
    assert arm.get(poll).body["status"] == "InProgress", "it has the time left that it had"
    lever.advance(1)
    assert arm.get(poll).body["status"] == "Succeeded"
    lever.restore("half")
    assert arm.get(group.path(CLUSTERS, "c")).state == "Creating", "as often as wanted"
    assert lever.snapshots() == ["half"]
    lever.forget("half")
    assert lever.send("POST", "/snapshots/half/restore")[0] == 404


def test_what_was_restored_is_kept(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path, "instant", "--levers")
    own, arm = Levers(cloud), Arm(cloud)
    group = new_group(arm)
    own.snapshot()
    arm.make(group.path(ADDRESSES, "ip"), address())
    own.restore()
    cloud.kill()
    cloud.start()
    assert arm.get(group.path(ADDRESSES, "ip")).status == 404
    assert arm.get(group.id).status == 200
    until("it works on", lambda: arm.make(group.path(ADDRESSES, "ip"), address()))
    own.close()
    arm.close()
    cloud.stop()
