"""Exposures of every type beside the shop's own, on kind: reached as they should be, and gone afterwards."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.e2e.kind import CLUSTER, TIMED_OUT, Site, on_node, resolve, until, visit

FOLDER = "examples/exposures"
INSIDE, OUTSIDE = "198.51.100.10", "192.0.2.10"
"""The visitor's addresses: one within the examples' allowedSources, one not."""
VISITOR = f"{CLUSTER}-visitor"
PAGE = "The shop is open"
pytestmark = pytest.mark.timeout(420)


@pytest.fixture(scope="module")
def exposures(shop: Site) -> Iterator[Site]:
    """The examples beside the shop, all Ready."""
    shop.kubectl("apply", "-f", FOLDER)
    names = ("shop-inner", "shop-nodes", "shop-internal", "db")
    shop.kubectl.wait("condition=Ready", *(f"serviceexposure/{name}" for name in names), seconds=180)
    yield shop
    shop.kubectl("delete", "-f", FOLDER, "--ignore-not-found", "--timeout=180s")


def status(site: Site, name: str) -> dict[str, Any]:
    return dict(site.kubectl.get(f"serviceexposure/{name}")["status"])


def asked_by_a_pod(site: Site, url: str) -> str:
    """The page as a pod of the cluster gets it, or why it does not."""
    code = f"import urllib.request; print(urllib.request.urlopen({url!r}, timeout=5).read().decode())"
    asked = site.kubectl.try_("exec", "deployment/web", "--", "python3", "-c", code)
    return asked.stdout + asked.stderr


def test_a_cluster_ip_is_reached_by_pods(exposures: Site) -> None:
    url = status(exposures, "shop-inner")["url"]
    # a Service is there before kube-proxy has told the pod's node of it: until then the connection is refused
    until("the page", lambda: True if PAGE in asked_by_a_pod(exposures, url) else None)


@pytest.fixture
def on_the_way_to_nodes(exposures: Site) -> Iterator[str]:
    """The URL of the node port; the visitor, and the node, find the way to each other as long as the test lasts."""
    found = status(exposures, "shop-nodes")
    (address,) = found["addresses"]
    (node,) = exposures.pools()["ssd"]
    place = next(a["address"] for a in _addresses(exposures, node) if a["type"] == "InternalIP")
    back = next(a for a in on_node(VISITOR, "hostname", "-i").split() if ":" not in a)  # IPv6 may come first
    on_node(VISITOR, "ip", "route", "replace", address, "via", place)
    for source in (INSIDE, OUTSIDE):
        on_node(node, "ip", "route", "replace", source, "via", back)
    yield f"http://{address}:{found['ports'][0]['nodePort']}/"
    on_node(VISITOR, "ip", "route", "del", address)
    for source in (INSIDE, OUTSIDE):
        on_node(node, "ip", "route", "del", source)


def _addresses(site: Site, node: str) -> list[dict[str, str]]:
    return list(site.kubectl.get(f"node/{node}")["status"]["addresses"])


def test_a_node_port_is_reached_at_the_node_by_allowed_sources_alone(on_the_way_to_nodes: str) -> None:
    def served() -> bool | None:
        code, page = visit(on_the_way_to_nodes, INSIDE)
        return True if code == 0 and PAGE in page else None

    until("the page", served)
    assert visit(on_the_way_to_nodes, OUTSIDE)[0] == TIMED_OUT


def test_an_external_name_leads_elsewhere(exposures: Site) -> None:
    exposures.kubectl("patch", "expose/db", "--type=merge", "-p", '{"spec": {"externalName": "www.shop.example"}}')
    shop = resolve("www.shop.example")
    assert shop
    until("the name leads to the shop", lambda: True if resolve("db.shop.example") == shop else None)


def test_an_internal_address_is_of_the_nodes_network_and_not_reached_from_outside(exposures: Site) -> None:
    (address,) = status(exposures, "shop-internal")["addresses"]
    assert resolve("internal.shop.example") == [address]
    balancers = {b["name"]: b["properties"] for b in exposures.resources("Microsoft.Network/loadBalancers")}
    (frontend,) = balancers["shop-internal"]["frontendIPConfigurations"]
    assert frontend["properties"]["privateIPAddress"] == address
    assert visit(f"http://{address}/", INSIDE)[0] != 0


def test_only_nodes_with_a_pod_are_healthy_where_traffic_is_local(exposures: Site) -> None:
    nodes = set(exposures.pods().values())
    wanted = f"{len(nodes)}/2"
    until(
        f"{wanted} backends",
        lambda: True if status(exposures, "shop-internal")["backends"]["summary"] == wanted else None,
        90,
    )


def test_deleted_they_leave_the_shop_alone(exposures: Site) -> None:
    exposures.kubectl("delete", "-f", FOLDER, "--timeout=180s")
    names = {b["name"] for b in exposures.resources("Microsoft.Network/loadBalancers")}
    assert names == {"shop-public"}
    assert resolve("internal.shop.example") == []
    left = yaml.safe_load(exposures.kubectl("get", "services", "-l", "aks-operator.io/exposure-name", "-o", "yaml"))
    assert [s["metadata"]["labels"]["aks-operator.io/exposure-name"] for s in left["items"]] == ["web"]
