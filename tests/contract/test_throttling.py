"""Requests are throttled as Azure throttles them: by ARM for a subscription and a caller, by AKS for each operation."""

from collections.abc import Callable, Iterator

import pytest
from azure.core.exceptions import HttpResponseError

from tests.contract.bodies import CLUSTERS, cluster, pool
from tests.contract.cloud import Arm, Clients, Cloud, Group, Reply
from tests.contract.conftest import running
from tests.levers import Levers

SECOND = "00000000-0000-0000-0000-000000000002"
WRITES, READS = 200, 250
"""What a caller may send at once."""


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    """A cloud that throttles as Azure does, with two subscriptions."""
    named = ("--subscription", "00000000-0000-0000-0000-000000000001", "--subscription", SECOND)
    with running(tmp_path_factory.mktemp("throttled"), "instant", "--levers", "--throttle", "real", *named) as made:
        yield made


@pytest.fixture
def arm(clouds: Arm) -> Iterator[Arm]:
    """That cloud with full buckets and nothing in it but a group, at a time that stands still."""
    lever = Levers(clouds.cloud)
    lever.reset()
    lever.stop()
    yield clouds
    lever.run()
    lever.close()


@pytest.fixture
def group(arm: Arm) -> Group:
    made = Group("rg", arm)
    assert arm.put(made.id, {"location": "westeurope"}).status == 201
    return made


def sent(times: int, send: Callable[[], Reply]) -> Reply:
    """The answer to the last of `times` requests; none before it is throttled."""
    for _ in range(times - 1):
        assert send().status != 429
    return send()


def test_a_caller_that_has_written_200_times_at_once_is_throttled(arm: Arm) -> None:
    path = Group("rg", arm).id
    reply = sent(WRITES + 1, lambda: arm.put(path, {"location": "westeurope"}))
    assert (reply.status, reply.code) == (429, "SubscriptionRequestsThrottled")
    assert reply.headers["Retry-After"] == "1"
    assert "Please try again after '1' seconds" in reply.message
    assert reply.headers["x-ms-ratelimit-remaining-subscription-writes"] == "0"


def test_after_retry_after_a_throttled_request_is_taken(arm: Arm, lever: Levers, group: Group) -> None:
    reply = sent(WRITES, lambda: arm.put(group.id, {"location": "westeurope"}))
    lever.advance(float(reply.headers["Retry-After"]))
    taken = [arm.put(group.id, {"location": "westeurope"}).status for _ in range(11)]
    assert taken == [200] * 10 + [429], "ten tokens came back in that second"


def test_reads_writes_and_deletes_are_counted_apart(arm: Arm, group: Group) -> None:
    assert sent(READS + 1, lambda: arm.get(group.id)).status == 429
    assert arm.put(group.id, {"location": "westeurope"}).status == 200
    assert arm.delete(group.id).status == 202


def test_subscriptions_are_counted_apart_and_the_tenant_too(arm: Arm, group: Group) -> None:
    assert sent(READS + 1, lambda: arm.get(group.id)).status == 429
    assert arm.get(f"/subscriptions/{SECOND}/resourceGroups").status == 200
    assert arm.get("/subscriptions").status == 200
    tenant = sent(READS, lambda: arm.get("/subscriptions"))
    assert (tenant.status, tenant.code) == (429, "TenantRequestsThrottled")
    assert tenant.headers["x-ms-ratelimit-remaining-tenant-reads"] == "0"


def test_every_answer_tells_what_is_left_of_the_subscription_and_of_the_caller(arm: Arm, group: Group) -> None:
    for n in range(1, 4):
        headers = arm.get(group.path(CLUSTERS, "none")).headers
        assert headers["x-ms-ratelimit-remaining-subscription-reads"] == str(READS - n)
        assert headers["x-ms-ratelimit-remaining-subscription-global-reads"] == str(16_500 - n)
    assert arm.delete(group.id).headers["x-ms-ratelimit-remaining-subscription-global-deletes"] == "11999"


def test_what_is_throttled_is_not_counted_against_the_caller(arm: Arm, lever: Levers, group: Group) -> None:
    assert sent(READS + 1, lambda: arm.get(group.id)).status == 429
    for _ in range(50):
        assert arm.get(group.id).status == 429
    lever.advance(1)
    assert arm.get(group.id).status == 200


AKS = [
    ("PUT of a cluster", "PUT", "c", 20, 60),
    ("PUT of a pool", "PUT", "c/agentPools/p", 20, 60),
    ("GET of a cluster", "GET", "c", 60, 1),
    ("list in a group", "GET", None, 60, 1),
    ("GET of a pool", "GET", "c/agentPools/p", 60, 1),
    ("list of pools", "GET", "c/agentPools", 60, 1),
    ("an action", "POST", "c/abort", 60, 1),
]


@pytest.mark.parametrize(("method", "name", "size", "wait"), [case[1:] for case in AKS], ids=[case[0] for case in AKS])
def test_aks_throttles_each_operation(
    arm: Arm, group: Group, method: str, name: str | None, size: int, wait: int
) -> None:
    path = group.path(CLUSTERS, name)
    reply = sent(size + 1, lambda: arm(method, path, {"location": "nowhere"} if method == "PUT" else None))
    assert (reply.status, reply.code) == (429, "TooManyRequests")
    assert reply.headers["Retry-After"] == str(wait)
    assert reply.body.keys() == {"code", "details", "message", "subcode"}, "it is the resource provider that refuses"


def test_aks_lets_500_lists_of_a_subscription_pass(arm: Arm, lever: Levers) -> None:
    listed = f"/providers/{CLUSTERS}"
    passed = seconds = 0
    while (reply := arm.get(listed)).status != 429 or reply.code == "SubscriptionRequestsThrottled":
        if reply.status == 200:
            passed += 1
        else:  # ARM's own bucket is smaller
            lever.advance(1)
            seconds += 1
    assert (reply.code, passed) == ("TooManyRequests", 500 + seconds), "one comes back in each second"


def test_aks_counts_clusters_and_pools_one_by_one(arm: Arm, group: Group) -> None:
    assert sent(21, lambda: arm.put(group.path(CLUSTERS, "a"), {"location": "nowhere"})).status == 429
    assert arm.put(group.path(CLUSTERS, "A"), {"location": "nowhere"}).status == 429, "ids have no case"
    assert arm.put(group.path(CLUSTERS, "b"), {"location": "nowhere"}).status == 400
    assert arm.put(group.path(CLUSTERS, "a/agentPools/p"), pool()).status == 404


def test_aks_lets_an_operation_be_asked_for_200_times(arm: Arm, group: Group) -> None:
    url = arm.put(group.path(CLUSTERS, "c"), cluster()).headers["Azure-AsyncOperation"]
    reply = sent(201, lambda: arm.get(url))
    assert (reply.status, reply.code, reply.headers["Retry-After"]) == (429, "TooManyRequests", "1")


def test_a_factor_scales_all_limits(start_cloud: Callable[..., Cloud]) -> None:
    arm = Arm(start_cloud("instant", "--levers", "--throttle", "0.1"))
    lever = Levers(arm.cloud)
    lever.stop()
    path = Group("rg", arm).id
    assert sent(WRITES // 10 + 1, lambda: arm.put(path, {"location": "westeurope"})).status == 429
    assert sent(20 // 10 + 1, lambda: arm.get(f"{path}/providers/{CLUSTERS}/c")).status == 404
    lever.close()
    arm.close()


def test_the_sdk_waits_as_long_as_it_is_told_and_succeeds(start_cloud: Callable[..., Cloud]) -> None:
    arm = Arm(start_cloud("instant", "--throttle", "0.05"))
    patient, hasty = Clients(arm.cloud, retries=10), Clients(arm.cloud)
    path = Group("rg", arm).id
    assert sent(WRITES // 20 + 1, lambda: arm.put(path, {"location": "westeurope"})).status == 429
    with pytest.raises(HttpResponseError) as refused:
        hasty.resources.resource_groups.create_or_update("rg", {"location": "westeurope"})
    assert refused.value.error is not None
    assert refused.value.error.code == "SubscriptionRequestsThrottled"
    made = patient.resources.resource_groups.create_or_update("rg", {"location": "westeurope"})
    assert made.name == "rg"
    for clients in (patient, hasty):
        clients.close()
    arm.close()
