"""ARM ids: parsed by shape, compared without case."""

import pytest

from aks_operator.armid import ArmId, group_id, group_of, parent_of, parse, resource_id, same

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
