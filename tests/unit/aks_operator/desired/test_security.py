"""Who denies what our rules allow."""

from typing import Any

import pytest

from aks_operator.desired.exposure import Port
from aks_operator.desired.security import RulesShare, security_rules, shadows
from aks_operator.keys import Key
from aks_operator.marks import Marks

OWNER = Key("ServiceExposure", "ns", "web")


def ours(**more: Any) -> dict[str, Any]:
    properties = {
        "priority": 1000,
        "access": "Allow",
        "direction": "Inbound",
        "protocol": "Tcp",
        "sourceAddressPrefixes": ["198.51.100.0/24", "10.1.0.0/16"],
        "sourcePortRange": "*",
        "destinationAddressPrefix": "VirtualNetwork",
        "destinationPortRanges": ["30080", "30443"],
    }
    return {"name": "ours", "properties": {**properties, **more}}


def foreign(name: str = "deny", priority: int = 200, **more: Any) -> dict[str, Any]:
    properties = {
        "priority": priority,
        "access": "Deny",
        "direction": "Inbound",
        "protocol": "*",
        "sourceAddressPrefix": "*",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": "*",
    }
    return {"name": name, "properties": {**properties, **more}}


ALLOW = foreign("allow", 150, access="Allow")


@pytest.mark.parametrize(
    ("rules", "names"),
    [
        pytest.param([foreign()], ["deny"], id="all is denied before us"),
        pytest.param([foreign(priority=2000)], [], id="it comes after us"),
        pytest.param([foreign(direction="Outbound")], [], id="outbound"),
        pytest.param([foreign(access="Allow")], [], id="it allows"),
        pytest.param([foreign(protocol="TCP")], ["deny"], id="our protocol"),
        pytest.param([foreign(protocol="Udp")], [], id="another protocol"),
        pytest.param([foreign(sourceAddressPrefix="198.51.0.0/16")], ["deny"], id="one of our sources"),
        pytest.param([foreign(sourceAddressPrefix="198.51.100.66/32")], [], id="a hole in one of our sources"),
        pytest.param([foreign(sourceAddressPrefix="192.0.2.0/24")], [], id="another source"),
        pytest.param(
            [foreign(sourceAddressPrefix="Internet")], ["deny"], id="the Internet, and we have a public source"
        ),
        pytest.param([foreign(sourceAddressPrefix="VirtualNetwork")], [], id="a tag that may be anything"),
        pytest.param([foreign(destinationPortRange="30000-30100")], ["deny"], id="one of our ports"),
        pytest.param([foreign(destinationPortRange="22")], [], id="another port"),
        pytest.param(
            [foreign(destinationPortRange=None, destinationPortRanges=["22", "30443"])],
            ["deny"],
            id="among several ports",
        ),
        pytest.param([foreign(destinationAddressPrefix="10.224.0.4/32")], [], id="some of our nodes"),
        pytest.param([foreign(sourcePortRange="1024-2048")], [], id="some source ports"),
        pytest.param([foreign(), ALLOW], [], id="who is allowed before it is denied"),
        pytest.param(
            [
                foreign("b", 300, sourceAddressPrefix="10.1.0.0/16"),
                foreign("a", 200, sourceAddressPrefix="198.51.100.0/24"),
            ],
            ["a", "b"],
            id="by priority",
        ),
    ],
)
def test_a_rule_that_denies_one_of_our_sources_altogether_shadows_us(rules: list[Any], names: list[str]) -> None:
    assert shadows(ours(), rules) == names


def test_a_tag_of_ours_is_denied_by_the_same_tag_or_by_all() -> None:
    internet = ours(sourceAddressPrefixes=[], sourceAddressPrefix="Internet")
    assert shadows(internet, [foreign(sourceAddressPrefix="Internet")]) == ["deny"]
    assert shadows(internet, [foreign(sourceAddressPrefix="198.51.100.0/24")]) == []


def test_rules_go_to_named_nodes_alone_where_there_are_any() -> None:
    share = RulesShare("m", ("198.51.100.0/24",), (Port("", "UDP", 53, 53, 30053),), ("10.224.0.4", "10.224.0.5"))
    (rule,) = security_rules(OWNER, share, Marks("m"))
    properties = rule["properties"]
    assert properties["destinationAddressPrefixes"] == ["10.224.0.4", "10.224.0.5"]
    assert "destinationAddressPrefix" not in properties
    assert (properties["protocol"], properties["destinationPortRanges"]) == ("Udp", ["30053"])
