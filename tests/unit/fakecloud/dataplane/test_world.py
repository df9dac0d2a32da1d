"""The data plane's world out of ARM's state."""

import json

from fakecloud.dataplane.world import compute, decode, encode
from tests.unit.fakecloud.dataplane.worlds import (
    GROUP,
    MACHINES,
    PLACEMENTS,
    RULE,
    balancer,
    group,
    natted,
    on_every_port,
    resources,
    rule,
)

RANGE = "203.0.113.0/24"
WEB = rule("web", 1000, ["198.51.100.0/24"], ["30080"])


def test_a_rule_becomes_a_frontend_whose_backends_are_down_until_a_probe_was_answered() -> None:
    world = compute(resources(balancer(), group(WEB)), PLACEMENTS, RANGE, [])
    (frontend,) = world.frontends
    assert (frontend.rule, frontend.address, frontend.port) == (RULE, "203.0.113.10", 80)
    assert [b.address for b in frontend.backends] == list(MACHINES)
    assert world.healthy(frontend) == ()
    (up, _) = world.down
    answered = compute(resources(balancer(), group(WEB)), PLACEMENTS, RANGE, [up])
    assert [b.address for b in answered.healthy(frontend)] == [up.machine]


def test_a_rule_without_a_probe_takes_every_backend_for_healthy() -> None:
    world = compute(resources(balancer(probe=False), group(WEB)), PLACEMENTS, RANGE, [])
    assert len(world.healthy(world.frontends[0])) == 2


def test_an_inbound_nat_rule_leads_each_of_its_ports_to_one_machine() -> None:
    ports = {MACHINES[0]: 5001, MACHINES[1]: 5000}
    world = compute(resources(natted(ports=ports), group(WEB)), PLACEMENTS, RANGE, [])
    led = {f.port: [(b.address, b.port) for b in world.healthy(f)] for f in world.frontends}
    assert led == {5001: [(MACHINES[0], 22)], 5000: [(MACHINES[1], 22)]}


def test_ha_ports_are_every_port_of_both_protocols() -> None:
    world = compute(resources(on_every_port(), group(WEB)), PLACEMENTS, RANGE, [])
    assert [(f.protocol, f.port) for f in world.frontends] == [("Tcp", 0), ("Udp", 0)]


def test_a_group_that_denies_the_balancer_takes_its_backends_down() -> None:
    shut = rule("no-probes", 100, "AzureLoadBalancer", ["30080"], access="Deny")
    first = compute(resources(balancer(), group(WEB)), PLACEMENTS, RANGE, [])
    world = compute(resources(balancer(), group(WEB, shut)), PLACEMENTS, RANGE, first.down)
    assert world.healthy(world.frontends[0]) == ()


def test_a_machine_is_judged_by_its_subnets_group() -> None:
    world = compute(resources(balancer(), group(WEB)), PLACEMENTS, RANGE, [])
    assert {machine.groups for machine in world.machines} == {(GROUP.lower(),)}
    assert world.groups[GROUP.lower()][0].name == "web"


def test_a_machine_in_a_brought_subnet_is_judged_by_its_interfaces_group_too() -> None:
    own = f"{GROUP}-own"
    made = resources(balancer(), group(WEB), {**group(), "id": own})
    brought = [{**body, "_group": own} if "_subnet" in body else body for body in made]
    world = compute(brought, PLACEMENTS, RANGE, [])
    assert {machine.groups for machine in world.machines} == {(GROUP.lower(), own.lower())}
    assert set(world.groups) == {GROUP.lower(), own.lower()}


def test_a_backend_that_is_no_machine_of_ours_gets_nothing() -> None:
    world = compute(resources(balancer(), group(WEB)), PLACEMENTS[:1], RANGE, [])
    assert [b.address for b in world.frontends[0].backends] == [MACHINES[0]]


def test_an_agent_probes_only_what_stands_on_its_node() -> None:
    world = compute(resources(balancer(), group(WEB)), PLACEMENTS, RANGE, [])
    assert [probe.machine for probe in world.probes("worker2")] == [MACHINES[1]]


def test_the_world_goes_over_the_wire_unchanged() -> None:
    world = compute(resources(balancer(), group(WEB)), PLACEMENTS, RANGE, [])
    assert decode(json.loads(json.dumps(encode(world)))) == world
