"""nftables scripts out of the world; that the kernel does what they say is tested in tests/e2e."""

from fakecloud.dataplane import nftables
from fakecloud.dataplane.world import EMPTY, World, compute
from tests.unit.fakecloud.dataplane.worlds import PLACEMENTS, balancer, group, on_every_port, resources, rule

NODES = ("10.9.0.1", "10.9.0.2", "10.9.0.9")
"""Those of both machines, and one without a machine."""


def world(*, probe: bool = False, distribution: str = "Default") -> World:
    web = rule("web", 1000, ["198.51.100.0/24"], ["30080"])
    made = resources(balancer(probe=probe, distribution=distribution), group(web))
    return compute(made, PLACEMENTS, "203.0.113.0/24", [], NODES)


def test_connections_are_spread_by_source_address_and_port() -> None:
    line = "dnat to jhash ip saddr . tcp sport mod 2 map { 0 : 10.224.0.4 . 30080, 1 : 10.224.0.5 . 30080 }"
    assert line in nftables.fabric(world())


def test_a_client_stays_with_its_backend_when_asked() -> None:
    assert "dnat to jhash ip saddr mod 2 map" in nftables.fabric(world(distribution="SourceIP"))


def test_ha_ports_leave_a_connection_its_port() -> None:
    world = compute(resources(on_every_port(), group()), PLACEMENTS, "203.0.113.0/24", [])
    text = nftables.fabric(world)
    for protocol in ("tcp", "udp"):
        spread = f"dnat to jhash ip saddr . {protocol} sport mod 2 map {{ 0 : 10.224.0.4, 1 : 10.224.0.5 }}"
        assert f"ip daddr 203.0.113.10 meta l4proto {protocol} ct mark set 0x1 {spread}" in text


def test_a_frontend_without_a_healthy_backend_is_closed() -> None:
    text = nftables.fabric(world(probe=True))
    assert "dnat" not in text
    assert "ip daddr { 203.0.113.0/24 } counter drop" in text


def test_rules_come_in_the_order_of_their_priority_and_end_with_azures_own() -> None:
    text = nftables.fabric(world())
    comments = [line.partition("comment ")[2] for line in text.splitlines() if "comment" in line]
    assert comments == [
        '"1000 web"',
        '"65000 AllowVnetInBound"',
        '"65001 AllowAzureLoadBalancerInBound"',
        '"65500 DenyAllInBound"',
    ]


def test_a_node_judges_only_what_reaches_its_own_machines_from_outside() -> None:
    text = nftables.node(world(), "worker1", "eth0")
    assert "ip daddr 10.224.0.4 jump nsg0" in text
    assert "10.224.0.5 jump" not in text
    assert 'iifname != "eth0" return' in text


def test_a_node_spares_what_any_other_node_forwards() -> None:
    """Its fabric has judged it, by the client's own source, which is gone by now."""
    assert "ip saddr { 10.9.0.1, 10.9.0.2, 10.9.0.9 } return" in nftables.node(world(), "worker1", "eth0")


def test_an_empty_world_carries_nothing() -> None:
    text = nftables.fabric(EMPTY)
    assert "dnat" not in text
    assert "nsg" not in text
