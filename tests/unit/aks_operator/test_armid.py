"""ARM ids: parsed by shape, compared without case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_operator.armid import ArmId, group_id, group_of, looks_like_id, parent_of, parse, resource_id, same

RULE = "/subscriptions/S/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n/securityRules/r"


def test_the_parts_of_a_child_resource() -> None:
    assert parse(RULE) == ArmId("S", "g", "Microsoft.Network/networkSecurityGroups/securityRules", ("n", "r"))
    assert parse(RULE).name == "r"
    assert parent_of(RULE) == RULE.rsplit("/", 2)[0]
    assert group_of(RULE) == group_id("S", "g")


def test_making_and_parsing_are_inverse() -> None:
    assert resource_id(group_id("S", "g"), "Microsoft.Network/networkSecurityGroups/securityRules", "n", "r") == RULE


def test_a_group_and_a_subscription_are_ids_too() -> None:
    assert parse("/subscriptions/S/resourcegroups/g").type == "Microsoft.Resources/resourceGroups"
    assert parse("/subscriptions/S").type == "Microsoft.Resources/subscriptions"


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "/",
        "/subscriptions",
        "/tenants/x",
        "/subscriptions/S/providers/x",
        "/subscriptions/S/resourceGroups/g/providers/Microsoft.X",
    ],
)
def test_what_is_no_id_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="ARM"):
        parse(bad)


def test_case_means_nothing() -> None:
    assert same(RULE, RULE.upper())


def test_as_many_names_as_segments() -> None:
    with pytest.raises(ValueError, match="takes 1 names"):
        resource_id("/subscriptions/S/resourceGroups/g", "Microsoft.Network/loadBalancers", "a", "b")


NAMES = st.text("abcXYZ019-_.", min_size=1, max_size=8)


@given(group=NAMES, types=st.lists(NAMES, min_size=1, max_size=3), data=st.data())
def test_any_id_comes_apart_as_it_was_put_together(group: str, types: list[str], data: st.DataObject) -> None:
    names = tuple(data.draw(NAMES) for _ in types)
    made = resource_id(group_id("S", group), "/".join(["Microsoft.X", *types]), *names)
    parsed = parse(made)
    assert (parsed.subscription, parsed.resource_group, parsed.names) == ("S", group, names)
    assert parsed.type == "/".join(["Microsoft.X", *types])
    assert parent_of(made) == (group_id("S", group) if len(types) == 1 else made.rsplit("/", 2)[0])
    assert looks_like_id(made.swapcase())
    assert same(made, made.swapcase())


@given(
    st.text(max_size=40)
    | st.lists(st.sampled_from(["/", "subscriptions", "S", "resourceGroups", "providers", "..", ""])).map("".join)
)
def test_garbage_is_refused_by_one_error_alone(text: str) -> None:
    try:
        parsed = parse(text)
    except ValueError:
        return
    assert parsed.subscription
