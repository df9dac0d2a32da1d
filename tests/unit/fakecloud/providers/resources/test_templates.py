"""Templates: their parameters, the order of their resources, their outputs, and what is refused."""

from typing import Any

import pytest

from fakecloud.arm.errors import ArmError
from fakecloud.providers.resources.templates import Scope, Template

GROUP = "/subscriptions/s/resourceGroups/shop"
SCOPE = Scope("s", {"id": GROUP, "name": "shop", "location": "westeurope"})


def resource(name: str, *after: str, type_: str = "Microsoft.Network/publicIPAddresses", **more: Any) -> dict[str, Any]:
    """A resource of a template that is made after others."""
    return {"type": type_, "name": name, "apiVersion": "2024-05-01", "dependsOn": list(after), **more}


def template(*resources: Any, given: Any = None, **more: Any) -> Template:
    """A template, with `given` as values of its parameters."""
    values = {name: {"value": value} for name, value in (given or {}).items()}
    return Template({"resources": list(resources), **more}, values, SCOPE)


def nothing(id_: str) -> dict[str, Any]:
    """A world in which nothing is there."""
    raise KeyError(id_)


def refusal(*resources: Any, **more: Any) -> tuple[int, str]:
    """How a template is refused."""
    with pytest.raises(ArmError) as refused:
        template(*resources, **more)
    return refused.value.status, refused.value.code


def test_resources_come_after_those_that_they_depend_on() -> None:
    by_name, by_type = "b", "microsoft.network/publicipaddresses/c"
    by_id = f"{GROUP}/providers/Microsoft.Network/publicIPAddresses/d"
    found = template(resource("a", by_name, by_type, by_id), resource("b", "c"), resource("c", "d"), resource("d"))
    assert [r.name for r in found.resources] == ["d", "c", "b", "a"]


def test_a_name_of_two_types_means_the_type_that_is_named_with_it() -> None:
    balancer = resource("web", "Microsoft.Network/publicIpAddresses/web", type_="Microsoft.Network/loadBalancers")
    made = [r.id.split("/")[-2] for r in template(balancer, resource("web")).resources]
    assert made == ["publicIPAddresses", "loadBalancers"]


def test_a_child_has_its_parents_name_before_its_own() -> None:
    [made] = template(resource("net/a", type_="Microsoft.Network/virtualNetworks/subnets")).resources
    assert made.id == f"{GROUP}/providers/Microsoft.Network/virtualNetworks/net/subnets/a"


def test_parameters_and_variables_stand_in_bodies_and_names() -> None:
    found = template(
        resource("[parameters('name')]", location="[resourceGroup().location]", tags={"a": "[variables('tag')]"}),
        given={"NAME": "web"},
        parameters={"name": {"type": "string"}, "stage": {"type": "String", "defaultValue": "[concat('n', 'ew')]"}},
        variables={"tag": "[toUpper(parameters('stage'))]"},
    )
    [made] = found.resources
    assert (made.name, found.body(made, nothing)) == ("web", {"location": "westeurope", "tags": {"a": "NEW"}})
    assert found.parameters()["stage"] == {"type": "String", "value": "new"}


def test_a_secret_is_never_shown() -> None:
    found = template(
        given={"password": "hunter2"},
        parameters={"password": {"type": "secureString"}},
        outputs={"again": {"type": "securestring", "value": "[parameters('password')]"}},
    )
    assert found.parameters() == {"password": {"type": "Securestring"}}
    assert found.outputs(nothing) == {}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("[reference('web').ip]", "203.0.113.1"),
        ("[reference(resourceId('Microsoft.Network/publicIPAddresses', 'web'), '2024-05-01').ip]", "203.0.113.1"),
        ("[reference('web', '2024-05-01', 'Full').location]", "westeurope"),
        ("[resourceId('Microsoft.Network/virtualNetworks/subnets', 'n', 's')]", f"{GROUP}/providers/Microsoft.Network/virtualNetworks/n/subnets/s"),
        ("[resourceId('other', 'A.B/c', 'x')]", "/subscriptions/s/resourceGroups/other/providers/A.B/c/x"),
        ("[resourceId('t', 'other', 'A.B/c', 'x')]", "/subscriptions/t/resourceGroups/other/providers/A.B/c/x"),
        ("[subscription().subscriptionId]", "s"),
        ("[format('{0}-{1}', 'a', 1)]", "a-1"),
        ("[concat(variables('list'), variables('list'))]", [1, 1]),
    ],
)  # fmt: skip
def test_outputs_tell_of_what_was_made(expression: str, value: Any) -> None:
    found = template(resource("web"), variables={"list": [1]}, outputs={"it": {"type": "string", "value": expression}})
    there = {found.resources[0].id: {"properties": {"ip": "203.0.113.1"}, "location": "westeurope"}}
    assert found.outputs(there.__getitem__)["it"] == {"type": "String", "value": value}


@pytest.mark.parametrize(
    "more",
    [
        {"parameters": {"name": {"type": "string"}}},
        {"parameters": {"name": {"type": "text"}}, "given": {"name": "x"}},
        {"parameters": {"name": {"type": "string"}}, "given": {"name": 1}},
        {"parameters": {"count": {"type": "int"}}, "given": {"count": True}},
        {"parameters": {"name": {"type": "string", "allowedValues": ["a"]}}, "given": {"name": "b"}},
        {"given": {"unknown": 1}},
    ],
)
def test_parameters_that_do_not_fit_are_refused(more: dict[str, Any]) -> None:
    assert refusal(**more) == (400, "InvalidTemplate")


@pytest.mark.parametrize(
    "resources",
    [
        [resource("a", "none")],
        [resource("a", "b"), resource("b", "a")],
        [resource("a"), resource("A")],
        [resource("a/b")],
        [resource("a", type_="Microsoft.Network")],
        [resource("[parameters('none')]")],
        [resource("[concat(]")],
        [{"name": "a"}],
        ["a"],
    ],
)
def test_resources_that_do_not_fit_are_refused(resources: list[Any]) -> None:
    assert refusal(*resources) == (400, "InvalidTemplate")


def test_what_is_not_built_is_501() -> None:
    assert refusal(resource("a", copy={"name": "c", "count": 2})) == (501, "NotImplemented")
    assert refusal(resource("[uniqueString('a')]")) == (501, "NotImplemented")
