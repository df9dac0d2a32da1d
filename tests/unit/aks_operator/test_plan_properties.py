"""What holds for every plan: nothing left to do, nothing of others lost, nothing unmarked touched."""

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest
from azure.mgmt.containerservice import models as aks
from azure.mgmt.dns import models as dns
from azure.mgmt.network import models as network
from azure.mgmt.resource.resources import models as resources
from hypothesis import given
from hypothesis import strategies as st

from aks_operator.marks import OWNER_TAG, tags_of
from aks_operator.plan import Resource, Whole, differing, overlay, plan, plan_deletion, strip

TYPE = "Microsoft.Network/publicIPAddresses"
ID = f"/subscriptions/s/resourceGroups/g/providers/{TYPE}/p"
MARK, FOREIGN = "m/ns/p", "other/ns/p"
ARM_ID = "/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/virtualNetworks/V"

SCALARS = st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "B", ARM_ID])
NAMED = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("ABcd"), "x": SCALARS}), max_size=3, unique_by=lambda e: e["name"]
)
VALUES = st.recursive(
    SCALARS | NAMED | st.lists(st.sampled_from("abcD"), max_size=3, unique=True),
    lambda inner: st.dictionaries(st.sampled_from("pqr"), inner, max_size=3),
    max_leaves=8,
)
OWNED_WHOLE = st.dictionaries(st.sampled_from("kl"), st.sampled_from("12"), max_size=2).map(Whole)
TAGS = st.dictionaries(st.sampled_from(["team", "Cost", "env"]), st.sampled_from("12"), max_size=3)
BODIES = st.fixed_dictionaries(
    {
        "location": st.sampled_from(["westeurope", "northeurope"]),
        "properties": st.dictionaries(st.sampled_from("abc"), VALUES | OWNED_WHOLE | st.none(), max_size=3),
    }
)
DESIRED = st.builds(lambda body, tags: Resource(ID, TYPE, body, MARK, tags=tags), BODIES, TAGS)
STATES = st.sampled_from(["Succeeded", "Failed", "Canceled"])


@st.composite
def observations(draw: st.DrawFn) -> dict[str, Any]:
    """A resource of ours as ARM shows it, with what others and ARM itself put there."""
    body: dict[str, Any] = {**draw(BODIES), "id": ID, "name": "p", "type": TYPE, "etag": "e1", "zones": ["1"]}
    given_properties = {k: v for k, v in body["properties"].items() if v is not None}
    body["properties"] = {**given_properties, "provisioningState": draw(STATES), "ipConfiguration": {"id": ARM_ID}}
    body["tags"] = {**draw(TAGS), OWNER_TAG: MARK, "theirs": "x"}
    return body


def lied_about(value: Any, key: str = "") -> Any:
    """The same thing as ARM may tell it: other case of ids, other spelling of locations, other order of lists."""
    if isinstance(value, Mapping):
        return {k: lied_about(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [lied_about(v) for v in reversed(value)]
    if value == ARM_ID:
        return ARM_ID.lower()
    return (
        {"westeurope": "West Europe", "northeurope": "North Europe"}.get(value, value) if key == "location" else value
    )


def put(body: Mapping[str, Any]) -> dict[str, Any]:
    """What ARM shows after a PUT of `body`: it replaces all, and ARM adds its own."""
    after = lied_about(deepcopy(dict(body)))
    after |= {"id": ID.lower(), "name": "p", "type": TYPE.lower(), "etag": "e2"}
    after["properties"] = {**after["properties"], "provisioningState": "Succeeded", "ipConfiguration": {"id": ARM_ID}}
    return dict(after)


@given(desired=DESIRED, observed=st.none() | observations(), applied=st.sets(st.sampled_from(["team", "Cost", "env"])))
def test_applying_a_plan_leaves_nothing_to_do(
    desired: Resource, observed: dict[str, Any] | None, applied: set[str]
) -> None:
    step = plan(desired, observed, applied_tags=sorted(applied))
    after = observed if step.action == "none" else put(step.body or {})
    assert plan(desired, after, applied_tags=sorted(applied)).action == "none"


@given(desired=DESIRED, observed=observations())
def test_the_known_lies_are_no_drift(desired: Resource, observed: dict[str, Any]) -> None:
    told = {**lied_about(observed), "tags": observed["tags"]}
    assert plan(desired, told).action == plan(desired, observed).action


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every path that ends in no map, and what is there."""
    if isinstance(value, Mapping) and value:
        for key, below in value.items():
            yield from leaves(below, (*path, key))
    else:
        yield path, value


def said(want: Any, path: tuple[str, ...]) -> bool:
    """Whether `want` speaks of the path: by a value on the way there, by a map owned whole, or by anything under it."""
    for key in path:
        if want is None:
            return False
        if not isinstance(want, Mapping) or isinstance(want, Whole):
            return True
        if key not in want:
            return False
        want = want[key]
    return any(value is not None for _, value in leaves(want)) and want != {}


@given(desired=DESIRED, observed=observations())
def test_what_others_set_stays(desired: Resource, observed: dict[str, Any]) -> None:
    step = plan(desired, observed)
    if step.action == "none":
        return
    assert step.action == "update"
    sent = dict(leaves(step.body))
    server = {"provisioningState", "ipConfiguration"}
    for path, value in leaves({"zones": observed["zones"], "properties": observed["properties"]}):
        if path[0] == "properties" and path[1] in server:
            continue
        if not said(desired.body, path) and not said(dict(desired.body), path[:-1]):
            assert sent.get(path) == value, path


@given(desired=DESIRED, observed=observations())
def test_maps_and_lists_owned_whole_hold_nothing_else_afterwards(desired: Resource, observed: dict[str, Any]) -> None:
    step = plan(desired, observed)
    after = observed if step.action == "none" else step.body or {}
    for key, value in desired.body["properties"].items():
        if isinstance(value, Whole):
            assert (after["properties"].get(key) or {}) == value
        if isinstance(value, list):
            assert len(after["properties"].get(key) or []) == len(value)


@given(desired=DESIRED, observed=observations(), applied=st.sets(st.sampled_from(["team", "Cost", "env", "gone"])))
def test_tags_that_others_set_stay_and_ours_go_only_when_we_set_them(
    desired: Resource, observed: dict[str, Any], applied: set[str]
) -> None:
    step = plan(desired, observed, applied_tags=sorted(applied))
    after = tags_of(observed if step.action == "none" else step.body or {}, TYPE)
    expected = {k: v for k, v in observed["tags"].items() if k not in applied - desired.tags.keys()}
    assert after == {**expected, **desired.tags}


@given(desired=DESIRED, observed=observations(), mark=st.none() | st.just(FOREIGN))
def test_what_is_not_marked_is_neither_changed_nor_deleted(
    desired: Resource, observed: dict[str, Any], mark: str | None
) -> None:
    foreign = {**observed, "tags": {"theirs": "x"} | ({OWNER_TAG: mark} if mark else {})}
    assert plan(desired, foreign).action == "refuse"
    assert plan_deletion(ID, TYPE, foreign, MARK).action == "none"
    assert plan_deletion(ID, TYPE, observed, MARK).action == "delete"


@given(want=VALUES, have=VALUES)
def test_nothing_differs_after_an_overlay_and_a_difference_is_named_before_it(want: Any, have: Any) -> None:
    before, owned = {"v": have}, {"v": want}
    assert list(differing(owned, overlay(before, owned))) == []
    if overlay(before, owned) == before:
        assert list(differing(owned, before)) == []


def read_only(model: Any, prefix: tuple[str, ...] = (), seen: tuple[Any, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths that an SDK model calls read-only; "[]" stands for a list's entries, "*" for a map's keys."""
    if model in seen:
        return
    model({})  # the SDK finds a model's fields when it is first made
    hints: dict[str, tuple[str, Any]] = {}
    for base in reversed(model.__mro__):
        for name, hint in inspect.get_annotations(base).items():
            hints[name] = (repr(hint), sys.modules[base.__module__])
    for attribute, rest in model._attr_to_rest_field.items():
        path = (*prefix, rest._rest_name)
        if rest._visibility == ["read"]:
            yield path
            continue
        text, module = hints.get(attribute, ("", None))
        found = re.search(r"_models\.(\w+)", text)
        below = getattr(module, found[1], None) if found else None
        if below is None or below.__name__ in {"NatGateway", "PublicIPAddress", "PublicIPPrefix"}:
            continue  # another resource: ARM shows its id only
        inner = (
            ("[]",)
            if re.search(r"list\[", text, re.IGNORECASE)
            else ("*",)
            if re.search(r"dict\[", text, re.IGNORECASE)
            else ()
        )
        yield from read_only(below, (*path, *inner), (*seen, model))


def old_read_only(model: Any) -> list[tuple[str, ...]]:
    """Likewise for models of the older generator."""
    attributes = model._attribute_map
    return [
        tuple(attributes[name]["key"].split(".")) for name, rule in model._validation.items() if rule.get("readonly")
    ]


def body_with(path: tuple[str, ...], value: Any) -> Any:
    """A body that has `value` at `path`, and something to keep beside it at every level."""
    made = value
    for part in reversed(path):
        made = [made] if part == "[]" else {"any" if part == "*" else part: made, "beside": 1}
    return made


CASES = [
    ("Microsoft.ContainerService/managedClusters", list(read_only(aks.ManagedCluster))),
    ("Microsoft.ContainerService/managedClusters/agentPools", list(read_only(aks.AgentPool))),
    ("Microsoft.Network/publicIPAddresses", list(read_only(network.PublicIPAddress))),
    ("Microsoft.Resources/resourceGroups", list(read_only(resources.ResourceGroup))),
    ("Microsoft.Network/dnsZones", old_read_only(dns.Zone)),
    ("Microsoft.Network/dnsZones/A", old_read_only(dns.RecordSet)),
    ("Microsoft.Network/dnsZones/CNAME", old_read_only(dns.RecordSet)),
]


@pytest.mark.parametrize(("type_", "path"), [(type_, path) for type_, paths in CASES for path in paths])
def test_what_the_sdk_calls_read_only_is_never_sent_back(type_: str, path: tuple[str, ...]) -> None:
    never = frozenset({"agentPoolProfiles"})
    sent = strip(body_with(path, "read-only"), type_, never)
    assert "read-only" not in str(sent)
    assert sent["beside"] == 1


def test_the_sdk_knows_read_only_keys_at_all() -> None:
    assert [len(paths) > 3 for _, paths in CASES] == [True] * len(CASES)
