"""Shared documents: everybody's entries come about, foreign ones are not touched, the older wins, what nobody wants goes."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_operator.desired.address import AddressShare
from aks_operator.desired.balancer import BalancerShare
from aks_operator.desired.exposure import BALANCERS, PUBLIC_IPS, Port
from aks_operator.desired.security import PRIORITIES, RulesShare
from aks_operator.desired.zone import RecordShare
from aks_operator.documents.addresses import address
from aks_operator.documents.balancers import LISTS, balancer
from aks_operator.documents.keeping import KEEP_TAG
from aks_operator.documents.planning import Document
from aks_operator.documents.records import addresses as record
from aks_operator.documents.records import name as name_record
from aks_operator.documents.rules import rules
from aks_operator.documents.shares import DROP, ORPHAN, Share
from aks_operator.keys import Key
from aks_operator.marks import OWNER_TAG, Marks, owner_hash
from aks_operator.port import Terminal

MARKS = Marks("installation-1")
OTHERS = Marks("installation-2")
NETWORK = "/subscriptions/s/resourceGroups/shop/providers/Microsoft.Network"
BALANCER = f"{NETWORK}/loadBalancers/shop-public"
GROUP = f"{NETWORK}/networkSecurityGroups/aks-nsg"
ADDRESSES = [f"{NETWORK}/publicIPAddresses/{name}" for name in ("one", "two")]
RECORD = f"{NETWORK}/dnsZones/shop.example/A/www"
CLUSTER_MARK = MARKS.value(Key("ManagedCluster", "ns", "shop"))
ZONE_MARK = MARKS.value(Key("DNSZone", "ns", "zone"))
OWNERS = [Key("ServiceExposure", "ns", name) for name in ("a", "b", "c", "d")]
A, B, C, _ = OWNERS


def ports(*numbers: int, protocol: str = "TCP") -> tuple[Port, ...]:
    return tuple(Port(f"p{n}", protocol, n, 8000 + n, 30000 + n) for n in numbers)


def balancer_share(
    *numbers: int, frontend: str = ADDRESSES[0], nodes: tuple[str, ...] = ("10.0.0.4",)
) -> BalancerShare:
    network = f"{NETWORK}/virtualNetworks/aks-vnet"
    return BalancerShare("westeurope", CLUSTER_MARK, frontend, network, ports(*numbers), nodes, ("TCP", "/", 5, 2))


def rules_share(*numbers: int, sources: tuple[str, ...] = ("Internet",), protocol: str = "TCP") -> RulesShare:
    return RulesShare("m/ns/x", sources, ports(*numbers, protocol=protocol))


# --- load balancers ---------------------------------------------------------------------------------------------------


def put_balancer(body: dict[str, Any]) -> dict[str, Any]:
    """What ARM shows after a PUT: ids, etags and states of all entries, lists in an order of its own."""
    after = deepcopy(body)
    after |= {"id": BALANCER, "name": "shop-public", "type": BALANCERS, "etag": 'W/"2"'}
    after["properties"]["provisioningState"] = "Succeeded"
    for name in LISTS:
        entries = after["properties"].get(name) or []
        for entry in entries:
            entry |= {"id": f"{BALANCER}/{name}/{entry['name']}", "etag": 'W/"2"', "type": f"{BALANCERS}/{name}"}
            entry["properties"]["provisioningState"] = "Succeeded"
        after["properties"][name] = entries[::-1]
    return after


def foreign_balancer() -> dict[str, Any]:
    """Somebody else's frontend, pool, probe and rule in our balancer, and an outbound rule."""

    def ref(list_: str) -> dict[str, str]:
        return {"id": f"{BALANCER}/{list_}/theirs"}

    properties = {
        "frontendIPConfigurations": [{"name": "theirs", "properties": {"publicIPAddress": {"id": f"{NETWORK}/x"}}}],
        "backendAddressPools": [{"name": "theirs", "properties": {"loadBalancerBackendAddresses": []}}],
        "probes": [{"name": "theirs", "properties": {"protocol": "Tcp", "port": 1}}],
        "loadBalancingRules": [
            {
                "name": "theirs",
                "properties": {
                    "frontendIPConfiguration": ref("frontendIPConfigurations"),
                    "backendAddressPool": ref("backendAddressPools"),
                    "protocol": "Tcp",
                    "frontendPort": 9,
                },
            }
        ],
        "outboundRules": [{"name": "out", "properties": {"backendAddressPool": ref("backendAddressPools")}}],
    }
    return put_balancer(
        {"location": "westeurope", "tags": {OWNER_TAG: CLUSTER_MARK, "theirs": "1"}, "properties": properties}
    )


def after_balancer(document: Document, observed: dict[str, Any] | None) -> dict[str, Any] | None:
    (step,) = document.steps
    match step.action:
        case "create" | "update":
            return put_balancer(dict(step.body or {}))
        case "delete":
            return None
    return observed


def names(observed: dict[str, Any] | None, list_: str) -> set[str]:
    return {entry["name"] for entry in (observed or {"properties": {}})["properties"].get(list_, ())}


def served(observed: dict[str, Any] | None, owner: Key) -> set[str]:
    """The names of an owner's entries in all lists."""
    return {name for list_ in LISTS for name in names(observed, list_) if MARKS.serves(name, owner)}


BALANCER_SHARES = st.builds(
    lambda numbers, frontend, nodes: balancer_share(*numbers, frontend=frontend, nodes=tuple(nodes)),
    st.lists(st.sampled_from([80, 443, 8080]), min_size=1, max_size=3, unique=True),
    st.sampled_from(ADDRESSES),
    st.lists(st.sampled_from(["10.0.0.4", "10.0.0.5"]), max_size=2, unique=True),
)


@st.composite
def asked(draw: st.DrawFn, wishes: st.SearchStrategy[Share]) -> dict[Key, Share]:
    """What some of the owners say, in the order of their age; the others are silent."""
    speaking = draw(st.lists(st.sampled_from(OWNERS), unique=True))
    return {owner: draw(wishes | st.just(DROP)) for owner in speaking}


def silent(said: dict[Key, Share]) -> list[Key]:
    return [owner for owner in OWNERS if owner not in said]


@given(before=asked(BALANCER_SHARES), now=asked(BALANCER_SHARES), start=st.sampled_from([None, foreign_balancer()]))
def test_a_balancer_gets_what_is_asked_keeps_what_is_not_ours_and_then_rests(
    before: dict[Key, Share], now: dict[Key, Share], start: dict[str, Any] | None
) -> None:
    observed = after_balancer(balancer(BALANCER, start, before, silent(before), MARKS), start)
    document = balancer(BALANCER, observed, now, silent(now), MARKS)
    after = after_balancer(document, observed)

    (again,) = balancer(BALANCER, after, now, silent(now), MARKS).steps
    assert again.action == "none", again.why
    for owner in OWNERS:
        share: Share = now.get(owner)
        if owner in silent(now):
            assert served(after, owner) == served(observed, owner), "who has not spoken keeps what there is"
        elif share is DROP or owner in document.conflicts:
            assert served(after, owner) == set()
        else:
            assert len({n for n in names(after, "loadBalancingRules") if MARKS.serves(n, owner)}) == len(share.ports)
    for list_ in LISTS:
        theirs = list((start or {"properties": {}})["properties"].get(list_, ()))
        sent = [e for step in document.steps for e in ((step.body or {}).get("properties") or {}).get(list_, theirs)]
        assert [e for e in sent if e["name"] == "theirs"] == theirs * bool(sent), (
            "foreign entries go back to the letter"
        )


@given(said=asked(BALANCER_SHARES))
def test_a_balancer_without_frontends_goes(said: dict[Key, Share]) -> None:
    observed = after_balancer(balancer(BALANCER, None, said, (), MARKS), None)
    after = after_balancer(balancer(BALANCER, observed, dict.fromkeys(said, DROP), (), MARKS), observed)
    assert after is None


@given(said=asked(BALANCER_SHARES))
def test_of_two_who_want_one_port_of_an_address_the_older_has_it(said: dict[Key, Share]) -> None:
    document = balancer(BALANCER, None, said, (), MARKS)
    taken: dict[tuple[str, int], Key] = {}
    for owner, share in said.items():
        slots = [] if share is DROP else [(share.frontend, port.port) for port in share.ports]
        clash = next((taken[slot] for slot in slots if slot in taken), None)
        assert (owner in document.conflicts) == (clash is not None)
        if clash is None:
            taken |= dict.fromkeys(slots, owner)
        else:
            assert f"{clash.namespace}/{clash.name}" in document.conflicts[owner]


def test_every_reference_in_a_balancer_leads_to_an_entry() -> None:
    said = {A: balancer_share(80, 443), B: balancer_share(8080, frontend=ADDRESSES[1])}
    after = after_balancer(balancer(BALANCER, None, said, (), MARKS), None)
    assert after is not None
    ids = {f"{BALANCER}/{list_}/{name}" for list_ in LISTS for name in names(after, list_)}
    for rule in after["properties"]["loadBalancingRules"]:
        for field in ("frontendIPConfiguration", "backendAddressPool", "probe"):
            assert rule["properties"][field]["id"] in ids
        assert rule["properties"]["disableOutboundSnat"] is True


def test_a_udp_port_is_judged_by_a_tcp_port_of_the_same_exposure() -> None:
    share = replace(balancer_share(80), ports=(*ports(53, protocol="UDP"), *ports(80)))
    after = after_balancer(balancer(BALANCER, None, {A: share}, (), MARKS), None)
    assert after is not None
    probes = {rule["properties"]["probe"]["id"] for rule in after["properties"]["loadBalancingRules"]}
    assert probes == {f"{BALANCER}/probes/{MARKS.entry(A, 'TCP', 80)}"}


def test_exposures_of_one_address_share_its_frontend_which_goes_with_the_last() -> None:
    said: dict[Key, Share] = {
        A: balancer_share(80),
        B: balancer_share(443),
        C: balancer_share(1, frontend=ADDRESSES[1]),
    }
    all_three = after_balancer(balancer(BALANCER, None, said, (), MARKS), None)
    assert len(names(all_three, "frontendIPConfigurations")) == 2
    without_a = after_balancer(balancer(BALANCER, all_three, {**said, A: DROP}, (), MARKS), all_three)
    assert len(names(without_a, "frontendIPConfigurations")) == 2
    only_c = after_balancer(balancer(BALANCER, without_a, {**said, A: DROP, B: DROP}, (), MARKS), without_a)
    assert len(names(only_c, "frontendIPConfigurations")) == 1


@pytest.mark.parametrize("list_", ["loadBalancingRules", "outboundRules", "inboundNatRules"])
def test_what_a_foreign_rule_needs_stays(list_: str) -> None:
    observed = after_balancer(balancer(BALANCER, None, {A: balancer_share(80)}, (), MARKS), None)
    assert observed is not None
    (frontend,) = names(observed, "frontendIPConfigurations")
    (pool,) = names(observed, "backendAddressPools")
    reference = {"id": f"{BALANCER}/frontendIPConfigurations/{frontend}".upper()}
    backends = {"id": f"{BALANCER}/backendAddressPools/{pool}"}
    user = {"name": "theirs", "properties": {"frontendIPConfigurations": [reference], "backendAddressPool": backends}}
    observed["properties"].setdefault(list_, []).append(user)
    after = after_balancer(balancer(BALANCER, observed, {A: DROP}, (), MARKS), observed)
    assert names(after, "frontendIPConfigurations") == {frontend}
    assert names(after, "backendAddressPools") == {pool}
    assert names(after, "loadBalancingRules") - {"theirs"} == set()
    assert names(after, "probes") == set()


@pytest.mark.parametrize("internal", [False, True])
def test_what_an_exposure_left_as_it_is_stays_when_others_come_and_go(internal: bool) -> None:
    """Nobody remembers it: only its entries tell."""
    theirs = replace(balancer_share(80), internal=internal)
    both = after_balancer(balancer(BALANCER, None, {A: theirs, B: balancer_share(81)}, (), MARKS), None)
    assert both is not None
    without_b = after_balancer(balancer(BALANCER, both, {B: DROP}, (), MARKS), both)
    assert without_b is not None
    assert served(without_b, A) == served(both, A)
    assert served(without_b, B) == set()
    assert len(names(without_b, "frontendIPConfigurations")) == 1
    (step,) = balancer(BALANCER, without_b, {B: balancer_share(81)}, (), MARKS).steps
    with_b = put_balancer(dict(step.body or {}))
    assert served(with_b, A) == served(both, A)
    assert after_balancer(balancer(BALANCER, without_b, {A: DROP}, (), MARKS), without_b) is None, (
        "A came back and left"
    )


@pytest.mark.parametrize("name", ["theirs", MARKS.entry(A, "tcp", 80)])
def test_a_port_that_a_rule_has_which_nobody_asks_for_is_a_conflict_and_disturbs_nobody(name: str) -> None:
    observed = after_balancer(balancer(BALANCER, None, {A: balancer_share(80)}, (), MARKS), None)
    assert observed is not None
    observed["properties"]["loadBalancingRules"][0]["name"] = name
    document = balancer(BALANCER, observed, {B: balancer_share(80), C: balancer_share(81)}, (), MARKS)
    assert set(document.conflicts) == {B}
    assert name in document.conflicts[B]
    after = after_balancer(document, observed)
    assert (served(after, B), bool(served(after, C))) == (set(), True)
    assert name in names(after, "loadBalancingRules")


@pytest.mark.parametrize("mark", [None, OTHERS.value(A)])
def test_a_balancer_that_is_not_ours_is_neither_changed_nor_deleted(mark: str | None) -> None:
    observed = foreign_balancer()
    observed["tags"] = {OWNER_TAG: mark} if mark else {}
    empty = {**observed, "properties": {"provisioningState": "Succeeded"}}
    for there in (observed, empty):
        assert [s.action for s in balancer(BALANCER, there, {A: DROP}, (), MARKS).steps] == ["none"]
        assert [s.action for s in balancer(BALANCER, there, {A: balancer_share(80)}, (), MARKS).steps] == ["refuse"]


@pytest.mark.parametrize(
    ("state", "action"),
    [("Updating", "wait"), ("Creating", "wait"), ("Deleting", "wait"), ("Failed", "update"), ("Succeeded", "none")],
)
def test_a_balancers_state_decides_whether_it_is_put(state: str, action: str) -> None:
    said: dict[Key, Share] = {A: balancer_share(80)}
    observed = after_balancer(balancer(BALANCER, None, said, (), MARKS), None)
    assert observed is not None
    observed["properties"]["provisioningState"] = state
    (step,) = balancer(BALANCER, observed, said, (), MARKS).steps
    assert step.action == action
    assert step.if_match == ('W/"2"' if action == "update" else None)


# --- rules of a network security group ------------------------------------------------------------------------------


def foreign_rule(name: str, priority: int, direction: str = "Inbound") -> dict[str, Any]:
    return {"name": name, "properties": {"priority": priority, "direction": direction, "access": "Deny"}}


def after_rules(document: Document, observed: dict[str, Any]) -> dict[str, Any]:
    """What ARM shows after the child PUTs and DELETEs; it refuses two rules of one priority and direction."""
    kept = {rule["name"].casefold(): rule for rule in observed["properties"]["securityRules"]}
    for step in document.steps:
        name = step.id.rpartition("/")[2]
        if step.action == "delete":
            del kept[name.casefold()]
        elif step.action in {"create", "update"}:
            shown = {**deepcopy(dict((step.body or {})["properties"])), "provisioningState": "Succeeded"}
            kept[name.casefold()] = {"name": name, "properties": shown}
            slots = [(r["properties"]["direction"], r["properties"]["priority"]) for r in kept.values()]
            assert len(set(slots)) == len(slots), "SecurityRuleConflict"
    return {"properties": {**observed["properties"], "securityRules": list(kept.values())}}


def by_name(observed: dict[str, Any]) -> dict[str, Any]:
    return {rule["name"]: rule for rule in observed["properties"]["securityRules"]}


RULES_SHARES = st.builds(
    lambda numbers, sources, protocol: rules_share(*numbers, sources=tuple(sources), protocol=protocol),
    st.lists(st.sampled_from([80, 443, 8080]), min_size=1, max_size=3, unique=True),
    st.lists(
        st.sampled_from(["Internet", "Storage", "198.51.100.0/24", "192.0.2.7", "2001:db8::/32"]),
        min_size=1,
        max_size=4,
        unique=True,
    ),
    st.sampled_from(["TCP", "UDP"]),
)
FOREIGN_RULES = st.lists(
    st.builds(foreign_rule, st.sampled_from(["x", "y", "z"]), st.sampled_from([100, 1000, 1001, 1002, 4000])),
    max_size=3,
    unique_by=(lambda r: r["name"], lambda r: r["properties"]["priority"]),
)


@given(before=asked(RULES_SHARES), now=asked(RULES_SHARES), theirs=FOREIGN_RULES)
def test_rules_come_and_go_with_those_who_ask_and_priorities_are_kept_once_chosen(
    before: dict[Key, Share], now: dict[Key, Share], theirs: list[dict[str, Any]]
) -> None:
    start = {"properties": {"securityRules": theirs, "provisioningState": "Succeeded"}}
    observed = after_rules(rules(GROUP, start, before, silent(before), MARKS), start)
    after = after_rules(rules(GROUP, observed, now, silent(now), MARKS), observed)

    assert [step.action for step in rules(GROUP, after, now, silent(now), MARKS).steps] == ["none"]
    had, has = by_name(observed), by_name(after)
    assert [rule for rule in has.values() if not MARKS.is_ours(rule["name"])] == theirs, "to the letter"
    for name in has.keys() & had.keys():
        assert has[name]["properties"]["priority"] == had[name]["properties"]["priority"]
    for owner in OWNERS:
        mine = {name: rule["properties"] for name, rule in has.items() if MARKS.serves(name, owner)}
        if owner in silent(now):
            assert mine.keys() == {name for name in had if MARKS.serves(name, owner)}
            continue
        share = now[owner]
        admitted = {
            (source, port)
            for rule in mine.values()
            for source in [*rule.get("sourceAddressPrefixes", ()), rule.get("sourceAddressPrefix")]
            if source is not None
            for port in rule["destinationPortRanges"]
        }
        wanted = set() if share is DROP else {(s, str(p.node_port)) for s in share.sources for p in share.ports}
        assert admitted == wanted
        assert all(rule["priority"] in PRIORITIES and rule["access"] == "Allow" for rule in mine.values())


def test_one_rule_takes_addresses_of_one_family_and_one_service_tag() -> None:
    share = rules_share(80, sources=("Internet", "198.51.100.0/24", "192.0.2.7", "2001:db8::/32", "192.0.2.7"))
    made = [dict((s.body or {})["properties"]) for s in rules(GROUP, {"properties": {}}, {A: share}, (), MARKS).steps]
    assert [(rule.get("sourceAddressPrefixes"), rule.get("sourceAddressPrefix")) for rule in made] == [
        (["192.0.2.7", "198.51.100.0/24"], None),
        (["2001:db8::/32"], None),
        (None, "Internet"),
    ]


def test_an_owner_of_a_long_name_is_cut_to_what_azure_takes() -> None:
    share = RulesShare("m" * 64 + "/" + "n" * 63 + "/" + "x" * 63, ("Internet",), ports(80))
    (step,) = rules(GROUP, {"properties": {}}, {A: share}, (), MARKS).steps
    assert step.body is not None
    assert len(step.body["properties"]["description"]) == 140


@pytest.mark.parametrize("state", ["Failed", "Canceled"])
def test_a_rule_whose_operation_failed_is_put_again(state: str) -> None:
    said = {A: rules_share(80)}
    start: dict[str, Any] = {"properties": {"securityRules": []}}
    observed = after_rules(rules(GROUP, start, said, (), MARKS), start)
    (rule,) = observed["properties"]["securityRules"]
    rule["properties"]["provisioningState"] = state
    (step,) = rules(GROUP, observed, said, (), MARKS).steps
    assert (step.action, step.why) == ("update", f"it is {state}: the same PUT repairs it")
    assert step.body is not None
    assert step.body["properties"]["priority"] == rule["properties"]["priority"]


def test_a_rule_that_was_changed_or_moved_by_hand_is_put_right() -> None:
    said: dict[Key, Share] = {A: rules_share(80)}
    start = {"properties": {"securityRules": [foreign_rule("x", 1000), foreign_rule("out", 1001, "Outbound")]}}
    observed = after_rules(rules(GROUP, start, said, (), MARKS), start)
    name = next(name for name in by_name(observed) if MARKS.is_ours(name))
    assert by_name(observed)[name]["properties"]["priority"] == 1001, "outbound priorities are apart"
    by_name(observed)[name]["properties"] |= {"access": "Deny", "priority": 100}
    (step,) = rules(GROUP, observed, said, (), MARKS).steps
    assert (step.action, step.paths) == ("update", ("properties.access", "properties.priority"))
    assert by_name(after_rules(Document([step]), observed))[name]["properties"]["priority"] == 1001


def test_rules_that_an_exposure_left_as_they_are_stay() -> None:
    start: dict[str, Any] = {"properties": {"securityRules": []}}
    both = after_rules(rules(GROUP, start, {A: rules_share(80), B: rules_share(81)}, (), MARKS), start)
    after = after_rules(rules(GROUP, both, {B: DROP}, (), MARKS), both)
    assert [MARKS.serves(name, A) for name in by_name(after)] == [True]
    gone = after_rules(rules(GROUP, after, {A: DROP}, (), MARKS), after)
    assert by_name(gone) == {}, "A came back and left"


def test_no_free_priority_is_told_as_a_quota() -> None:
    full = {"properties": {"securityRules": [foreign_rule(f"r{p}", p) for p in PRIORITIES]}}
    with pytest.raises(Terminal, match="no priority is free") as refused:
        rules(GROUP, full, {A: rules_share(80)}, (), MARKS)
    assert refused.value.code == "QuotaExceeded"


def test_a_group_that_is_gone_took_our_rules_with_it() -> None:
    assert [s.action for s in rules(GROUP, None, {A: rules_share(80)}, (), MARKS).steps] == ["none"]


# --- public addresses -----------------------------------------------------------------------------------------------

ADDRESS = AddressShare("westeurope", CLUSTER_MARK)


def shown_address(mark: str | None = CLUSTER_MARK, **tags: str) -> dict[str, Any]:
    return {
        "id": ADDRESSES[0],
        "type": PUBLIC_IPS,
        "location": "westeurope",
        "sku": {"name": "Standard"},
        "tags": {**tags, **({OWNER_TAG: mark} if mark else {})},
        "properties": {
            "publicIPAllocationMethod": "Static",
            "publicIPAddressVersion": "IPv4",
            "idleTimeoutInMinutes": 4,
            "provisioningState": "Succeeded",
            "ipAddress": "203.0.113.10",
        },
    }


@pytest.mark.parametrize(
    ("said", "quiet", "mark", "action"),
    [
        pytest.param({A: ADDRESS}, [], CLUSTER_MARK, "none", id="somebody asks"),
        pytest.param({A: DROP, B: ADDRESS}, [], CLUSTER_MARK, "none", id="one of two still asks"),
        pytest.param({A: DROP}, [], CLUSTER_MARK, "delete", id="nobody asks any more"),
        pytest.param({A: DROP}, [B], CLUSTER_MARK, "none", id="one who may use it has not spoken"),
        pytest.param({A: ORPHAN}, [], CLUSTER_MARK, "update", id="the last one orphans it"),
        pytest.param({A: ORPHAN, B: DROP}, [], CLUSTER_MARK, "update", id="any one orphans it"),
        pytest.param({A: ORPHAN}, [], OTHERS.value(A), "none", id="another installation's, orphaned by us"),
        pytest.param({A: DROP}, [], OTHERS.value(A), "none", id="another installation's"),
        pytest.param({A: DROP}, [], None, "none", id="nobody's"),
        pytest.param({A: ADDRESS}, [], None, "refuse", id="nobody's, and asked for"),
    ],
)
def test_an_address_stays_while_anybody_needs_it(
    said: dict[Key, Share], quiet: list[Key], mark: str | None, action: str
) -> None:
    (step,) = address(ADDRESSES[0], shown_address(mark), said, quiet, MARKS).steps
    assert step.action == action


def test_an_address_that_somebody_left_as_it_is_says_so_and_outlives_all_others() -> None:
    (step,) = address(ADDRESSES[0], shown_address(theirs="1"), {A: ORPHAN, B: ADDRESS}, (), MARKS).steps
    assert step.body is not None
    left = step.body["tags"]
    assert left == {OWNER_TAG: CLUSTER_MARK, "theirs": "1", KEEP_TAG: owner_hash(A)}
    (step,) = address(ADDRESSES[0], shown_address(**left), {B: DROP}, (), MARKS).steps
    assert step.action == "none", "A is gone since a restart: the address itself remembers"
    (step,) = address(ADDRESSES[0], shown_address(**left), {A: DROP, B: DROP}, (), MARKS).steps
    assert step.action == "delete", "A came back, and went for good"
    (step,) = address(ADDRESSES[0], shown_address(**left), {A: ADDRESS}, (), MARKS).steps
    assert step.body is not None
    assert step.body["tags"] == {OWNER_TAG: CLUSTER_MARK, "theirs": "1"}, "A is back, and wants it kept no more"


def test_an_address_is_told_that_it_stays_though_not_all_have_spoken() -> None:
    (step,) = address(ADDRESSES[0], shown_address(), {A: ORPHAN, B: ADDRESS}, [C], MARKS).steps
    assert step.paths == (f"tags.{KEEP_TAG}",)
    (step,) = address(ADDRESSES[0], shown_address(None), {A: ORPHAN, B: ADDRESS}, [C], MARKS).steps
    assert step.action == "none", "what is not ours is told nothing"


@pytest.mark.parametrize(
    ("user", "action"),
    [
        (f"{BALANCER}/frontendIPConfigurations/{MARKS.prefix}0123456789", "wait"),
        (f"{BALANCER}/frontendIPConfigurations/theirs", "delete"),  # who that is, Azure's refusal tells
    ],
)
def test_an_address_waits_for_our_frontend_to_go_first(user: str, action: str) -> None:
    body = shown_address()
    body["properties"]["ipConfiguration"] = {"id": user}
    (step,) = address(ADDRESSES[0], body, {A: DROP}, (), MARKS).steps
    assert step.action == action


@pytest.mark.parametrize(
    "other",
    [
        replace(ADDRESS, dns_label="shop"),
        replace(ADDRESS, idle_timeout_minutes=10),
        replace(ADDRESS, tags=(("team", "web"),)),
        replace(ADDRESS, location="northeurope"),
    ],
)
def test_where_two_disagree_on_an_address_the_older_wins_and_the_newer_is_told(other: AddressShare) -> None:
    document = address(ADDRESSES[0], None, {B: ADDRESS, A: other, C: ADDRESS}, (), MARKS)
    assert set(document.conflicts) == {A}
    assert "ns/b" in document.conflicts[A]
    (step,) = document.steps
    assert step.body is not None
    assert step.body["properties"]["idleTimeoutInMinutes"] == 4
    assert "dnsSettings" not in step.body["properties"]


def test_a_tag_that_an_exposure_dropped_leaves_its_address_and_is_no_disagreement() -> None:
    first, second = replace(ADDRESS, applied_tags=("team",)), ADDRESS
    document = address(ADDRESSES[0], shown_address(team="web", theirs="1"), {A: first, B: second}, (), MARKS)
    assert document.conflicts == {}
    (step,) = document.steps
    assert step.body is not None
    assert step.body["tags"] == {OWNER_TAG: CLUSTER_MARK, "theirs": "1"}


# --- records --------------------------------------------------------------------------------------------------------


def record_share(*addresses: str, ttl: int = 300) -> RecordShare:
    return RecordShare(addresses, ttl, ZONE_MARK)


def shown_record(*addresses: str, mark: str | None = ZONE_MARK, **metadata: str) -> dict[str, Any]:
    return {
        "id": RECORD,
        "type": "Microsoft.Network/dnszones/A",
        "etag": "e1",
        "properties": {
            "TTL": 300,
            "fqdn": "www.shop.example.",
            "ARecords": [{"ipv4Address": a} for a in addresses],
            "metadata": {**metadata, **({OWNER_TAG: mark} if mark else {})},
        },
    }


@pytest.mark.parametrize(
    ("said", "quiet", "observed", "action", "addresses"),
    [
        pytest.param(
            {A: record_share("2.2.2.2"), B: record_share("1.1.1.1")},
            [],
            None,
            "create",
            ["1.1.1.1", "2.2.2.2"],
            id="made for all who share the name",
        ),
        pytest.param({A: record_share("1.1.1.1")}, [], shown_record("1.1.1.1"), "none", None, id="as it should be"),
        pytest.param(
            {A: record_share("1.1.1.1"), B: DROP},
            [],
            shown_record("1.1.1.1", "2.2.2.2"),
            "update",
            ["1.1.1.1"],
            id="one leaves",
        ),
        pytest.param({A: DROP}, [], shown_record("1.1.1.1"), "delete", None, id="the last one leaves"),
        pytest.param({A: DROP}, [B], shown_record("1.1.1.1"), "none", None, id="one who may use it has not spoken"),
        pytest.param({A: DROP}, [], shown_record("1.1.1.1", mark=None), "none", None, id="somebody else's stays"),
        pytest.param(
            {A: DROP},
            [],
            shown_record("1.1.1.1", mark=OTHERS.value(A)),
            "none",
            None,
            id="another installation's stays",
        ),
        pytest.param(
            {A: record_share("1.1.1.1")},
            [],
            shown_record("9.9.9.9", mark=None),
            "refuse",
            None,
            id="somebody else's is not taken",
        ),
    ],
)
def test_a_record_follows_those_who_share_its_name(
    said: dict[Key, Share], quiet: list[Key], observed: dict[str, Any] | None, action: str, addresses: list[str] | None
) -> None:
    (step,) = record(RECORD, observed, said, quiet, MARKS).steps
    assert step.action == action
    if addresses is not None:
        assert step.body is not None
        assert [entry["ipv4Address"] for entry in step.body["properties"]["ARecords"]] == addresses
        assert step.body["properties"]["metadata"] == {OWNER_TAG: ZONE_MARK}
        assert "fqdn" not in step.body["properties"]
    assert step.if_match == {"create": "", "update": "e1", "delete": "e1"}.get(action), (
        "never over what appeared meanwhile"
    )


def test_where_two_disagree_on_a_records_ttl_the_older_wins_and_the_newer_is_told() -> None:
    said = {B: record_share("1.1.1.1"), A: record_share("2.2.2.2", ttl=60), C: record_share("3.3.3.3")}
    document = record(RECORD, None, said, (), MARKS)
    assert set(document.conflicts) == {A}
    assert "ns/b" in document.conflicts[A]
    assert "300 seconds" in document.conflicts[A]
    (step,) = document.steps
    assert step.body is not None
    assert step.body["properties"]["TTL"] == 300
    assert len(step.body["properties"]["ARecords"]) == 3, "how long a name is kept is no reason not to be found"


def kept_record(*addresses: str, keep: str) -> dict[str, Any]:
    return shown_record(*addresses, **{KEEP_TAG: keep})


def addresses_of(body: Any) -> list[str]:
    return [entry["ipv4Address"] for entry in body["properties"]["ARecords"]]


def test_an_address_that_an_exposure_left_as_it_is_stays_in_its_record() -> None:
    said: dict[Key, Share] = {A: replace(record_share("1.1.1.1"), keep=True), B: record_share("2.2.2.2")}
    (step,) = record(RECORD, shown_record("1.1.1.1", "2.2.2.2"), said, (), MARKS).steps
    assert step.body is not None
    keep = step.body["properties"]["metadata"][KEEP_TAG]
    assert keep == f"{owner_hash(A)}=1.1.1.1"
    before = kept_record("1.1.1.1", "2.2.2.2", keep=keep)
    (step,) = record(RECORD, before, {A: ORPHAN, B: record_share("2.2.2.2")}, (), MARKS).steps
    assert step.action == "none"
    (step,) = record(RECORD, before, {B: record_share("3.3.3.3")}, (), MARKS).steps
    assert step.body is not None
    assert addresses_of(step.body) == ["1.1.1.1", "3.3.3.3"], "what B does not mean any more goes"
    (step,) = record(RECORD, before, {B: DROP}, (), MARKS).steps
    assert step.action == "none"
    (step,) = record(RECORD, before, {A: DROP, B: DROP}, (), MARKS).steps
    assert step.action == "delete"


def test_of_one_who_left_at_once_all_that_is_there_stays() -> None:
    (step,) = record(RECORD, shown_record("1.1.1.1", "2.2.2.2"), {A: ORPHAN}, (), MARKS).steps
    assert step.body is not None
    assert step.body["properties"]["metadata"] == {OWNER_TAG: ZONE_MARK, KEEP_TAG: owner_hash(A)}
    before = kept_record("1.1.1.1", "2.2.2.2", keep=owner_hash(A))
    (step,) = record(RECORD, before, {B: record_share("3.3.3.3")}, (), MARKS).steps
    assert step.body is not None
    assert addresses_of(step.body) == ["1.1.1.1", "2.2.2.2", "3.3.3.3"]


def test_who_is_kept_fits_into_a_tag_however_many_addresses_they_have() -> None:
    many = tuple(f"203.0.113.{n}" for n in range(200, 220))
    (step,) = record(RECORD, None, {A: replace(record_share(*many), keep=True)}, (), MARKS).steps
    assert step.body is not None
    assert step.body["properties"]["metadata"][KEEP_TAG] == owner_hash(A)


CNAME = f"{NETWORK}/dnsZones/shop.example/CNAME/db"


def name_share(target: str, *, keep: bool = False) -> RecordShare:
    return RecordShare((), 300, ZONE_MARK, target, keep)


def shown_name(target: str, keep: str = "") -> dict[str, Any]:
    metadata = {OWNER_TAG: ZONE_MARK, **({KEEP_TAG: keep} if keep else {})}
    properties = {"TTL": 300, "CNAMERecord": {"cname": target}, "metadata": metadata}
    return {"id": CNAME, "type": "Microsoft.Network/dnszones/CNAME", "etag": "e1", "properties": properties}


def test_a_name_that_an_exposure_left_as_it_is_is_not_given_to_another() -> None:
    (step,) = name_record(CNAME, shown_name("a.example"), {A: name_share("a.example", keep=True)}, (), MARKS).steps
    assert step.paths == (f"properties.metadata.{KEEP_TAG}",)
    left = shown_name("a.example", owner_hash(A))
    document = name_record(CNAME, left, {B: name_share("b.example")}, (), MARKS)
    assert [s.action for s in document.steps] == ["none"]
    assert "a.example" in document.conflicts[B]
    assert name_record(CNAME, left, {B: name_share("a.example")}, (), MARKS).conflicts == {}
    assert [s.action for s in name_record(CNAME, left, {B: DROP}, (), MARKS).steps] == ["none"]
    (step,) = name_record(CNAME, left, {A: name_share("c.example")}, (), MARKS).steps
    assert step.action == "update", "A is back"
