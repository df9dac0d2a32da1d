"""The shop's life on kind: from `kubectl apply` to a page through the load balancer, and back to nothing.

The tests are one story and run in their order.
"""

import json

import pytest

from tests.e2e.conftest import SHOP
from tests.e2e.kind import NAMESPACE, TIMED_OUT, Site, on_node, resolve, until, visit

PAGE = "http://www.shop.example/"
INSIDE, OUTSIDE = "198.51.100.10", "192.0.2.10"
"""The visitor's addresses: one within the example's allowedSources, one not."""
WORKERS = 3
pytestmark = pytest.mark.timeout(420)


def served(source: str) -> bool | None:
    """True as soon as the page comes to `source`, None while it does not."""
    code, page = visit(PAGE, source)
    return True if code == 0 and "The shop is open" in page else None


def dropped(source: str) -> bool | None:
    """True as soon as a request from `source` is left without an answer."""
    return True if visit(PAGE, source)[0] == TIMED_OUT else None


def test_the_page_comes_by_its_name(shop: Site) -> None:
    assert until("the page", lambda: served(INSIDE))
    status = shop.kubectl.get("serviceexposure/web")["status"]
    assert status["url"] == PAGE
    assert resolve("www.shop.example") == status["addresses"]


def test_a_source_that_is_not_allowed_is_dropped(shop: Site) -> None:
    assert visit(PAGE, OUTSIDE)[0] == TIMED_OUT
    assert served(INSIDE), "and the other is still served"


def test_pods_of_the_cluster_find_the_name_too(shop: Site) -> None:
    code = "import socket; print(socket.gethostbyname('www.shop.example'))"

    def found() -> list[str] | None:
        ended = shop.kubectl.try_("exec", "deployment/web", "--", "python3", "-c", code)
        return ended.stdout.split() if ended.returncode == 0 else None

    # in a new cluster: the kubelet brings a changed Corefile within a minute, and CoreDNS looks each half minute
    addresses = until("the cluster's DNS asks the fake's", found, 100)
    assert addresses == shop.kubectl.get("serviceexposure/web")["status"]["addresses"]


def test_pods_land_on_their_pools_nodes(shop: Site) -> None:
    until("both pods are ready", lambda: True if len(shop.pods()) == 2 else None)
    assert set(shop.pods().values()) == set(shop.pools()["ssd"])
    labels = shop.kubectl.get(f"node/{shop.pools()['ssd'][0]}")["metadata"]["labels"]
    assert labels["disk"] == "ssd"


def test_kubectl_shows_how_things_stand(shop: Site) -> None:
    lines = shop.kubectl("get", "aks", "-A", "--no-headers").splitlines()
    assert len(lines) == 6
    shown = shop.kubectl("get", "npool/ssd", "--no-headers").split()
    assert {"ssd", "shop", "User", "True", "Succeeded", "1/1"} <= set(shown), shown


def test_a_node_joins_when_the_pool_is_scaled_up(shop: Site) -> None:
    shop.kubectl("scale", "npool/ssd", "--replicas=2")
    until("two nodes", lambda: True if len(shop.pools().get("ssd", ())) == 2 else None)
    shop.kubectl.wait("jsonpath={.status.nodes.ready}=2", "npool/ssd")
    shop.kubectl.wait("jsonpath={.status.backends.total}=3", "serviceexposure/web")
    assert served(INSIDE)


def test_more_nodes_than_there_are_is_azures_quota_error(shop: Site) -> None:
    shop.kubectl("scale", "npool/ssd", "--replicas=9")
    ready = until(
        "a refusal", lambda: r if (r := shop.kubectl.ready("npool/ssd")).get("reason") == "QuotaExceeded" else None
    )
    assert ready["status"] == "False"
    assert len(shop.pools()["ssd"]) == 2, "what is there stays"
    shop.kubectl("scale", "npool/ssd", "--replicas=2")
    shop.kubectl.wait("condition=Ready", "npool/ssd")


def test_a_node_leaves_when_the_pool_is_scaled_down(shop: Site) -> None:
    shop.kubectl("scale", "npool/ssd", "--replicas=1")
    until("one node", lambda: True if len(shop.pools()["ssd"]) == 1 else None)
    shop.kubectl.wait("condition=Ready", "npool/ssd")
    shop.kubectl.wait("jsonpath={.status.backends.total}=2", "serviceexposure/web")
    until("its pods are elsewhere", lambda: True if set(shop.pods().values()) == set(shop.pools()["ssd"]) else None)
    assert until("the page", lambda: served(INSIDE))


def test_a_rule_deleted_by_hand_returns(shop: Site) -> None:
    group = next(g for g in shop.resources("Microsoft.Network/networkSecurityGroups"))
    rule = next(r for r in group["properties"]["securityRules"] if r["name"].startswith("aksop-"))
    shop.arm.remove(rule["id"])
    until("the rule is back", lambda: True if shop.arm.get(rule["id"]).status == 200 else None, 90)
    again = shop.arm.get(rule["id"]).body["properties"]
    kept = ("sourceAddressPrefixes", "destinationPortRanges", "protocol", "access", "priority")
    assert {k: again[k] for k in kept} == {k: rule["properties"][k] for k in kept}
    assert until("the page", lambda: served(INSIDE))


def test_other_sources_are_let_in_when_the_spec_says_so(shop: Site) -> None:
    def allow(source: str) -> None:
        patch = json.dumps({"spec": {"allowedSources": [f"{source}/32"]}})
        shop.kubectl("patch", "serviceexposure/web", "--type=merge", "-p", patch)

    allow(OUTSIDE)
    assert until("the page from elsewhere", lambda: served(OUTSIDE))
    assert until("the first is shut out", lambda: dropped(INSIDE))
    allow(INSIDE)
    assert until("the page as before", lambda: served(INSIDE))
    assert until("the other is shut out", lambda: dropped(OUTSIDE))


def test_a_new_operator_changes_nothing(shop: Site) -> None:
    before = shop.arm.journal()["last"]
    shop.kubectl("-n", NAMESPACE, "rollout", "restart", "deployment/aks-operator")
    shop.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/aks-operator", "--timeout=120s")

    def looked() -> bool | None:
        """The new leader has compared each kind of thing with the cloud."""
        seen = {
            e["path"].rsplit("/", 1)[-1].lower() for e in shop.arm.journal(before)["entries"] if e["method"] == "GET"
        }
        wanted = {"managedclusters", "agentpools", "networksecuritygroups", "loadbalancers", "publicipaddresses"}
        return True if wanted <= seen else None

    until("the new leader looks around", looked, 90)
    assert shop.writes(before) == []
    assert served(INSIDE)


def test_deleted_it_leaves_nothing(shop: Site) -> None:
    address = shop.kubectl.get("serviceexposure/web")["status"]["addresses"][0]
    shop.kubectl("delete", "-f", SHOP, "--timeout=240s")
    assert shop.groups() == []
    for kind in ("publicIPAddresses", "loadBalancers", "networkSecurityGroups", "virtualNetworks", "dnsZones"):
        assert shop.resources(f"Microsoft.Network/{kind}") == []
    assert shop.resources("Microsoft.ContainerService/managedClusters") == []
    assert resolve("www.shop.example") == []
    assert len(shop.pools()[""]) == WORKERS, "every machine is free again"
    for node in shop.pools()[""]:
        taints = {t["key"] for t in shop.kubectl.get(f"node/{node}")["spec"].get("taints", [])}
        assert "fakecloud.aks-operator.io/free" in taints
        until(f"{node} forwards nothing", lambda node=node: None if address in rules(node) else True, 30)  # type: ignore[misc]  # a default binds the loop's variable


def rules(node: str) -> str:
    """All nftables rules of a node and of its fabric."""
    spaces = [line.split()[0] for line in on_node(node, "ip", "netns", "list").splitlines() if line]
    listed = [on_node(node, "nft", "list", "ruleset")]
    listed += [on_node(node, "ip", "netns", "exec", space, "nft", "list", "ruleset") for space in spaces]
    return "\n".join(listed)
