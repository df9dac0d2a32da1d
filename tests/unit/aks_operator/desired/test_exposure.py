"""Names and Services of exposures. (Balancer entries and rules: documents/test_planning.)"""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_operator.desired.address import public_ip_name
from aks_operator.desired.exposure import node_service, service_name
from aks_operator.desired.security import is_cidr
from aks_operator.keys import Key
from aks_operator.objects import parse

NAMES = st.from_regex(r"\A[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?\Z")
KEYS = st.builds(Key, st.just("ServiceExposure"), NAMES, NAMES)
SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
ADDRESS_NAME = re.compile(r"[a-zA-Z0-9]([-\w.]{0,78}\w)?", re.ASCII)


@given(one=KEYS, other=KEYS)
def test_our_service_has_a_name_that_services_may_have_and_no_other_exposure_has(one: Key, other: Key) -> None:
    name = service_name(one)
    assert SERVICE_NAME.fullmatch(name)
    assert len(name) <= 63
    assert (name == service_name(other)) is (one == other)
    assert name != one.name


@given(cluster=NAMES, one=KEYS, other=KEYS)
def test_an_address_has_a_name_that_azure_takes(cluster: str, one: Key, other: Key) -> None:
    name = public_ip_name(cluster, one)
    assert ADDRESS_NAME.fullmatch(name)
    assert (name == public_ip_name(cluster, other)) is (one == other)


def test_our_service_carries_what_the_spec_says() -> None:
    ports = [{"name": "http", "port": 80, "targetPort": 8080}, {"name": "dns", "port": 53, "protocol": "UDP"}]
    raw: dict[str, Any] = {
        "clusterRef": {"name": "shop"},
        "type": "LoadBalancer",
        "backend": {"namespace": "web"},
        "ports": ports,
        "externalTrafficPolicy": "Local",
        "sessionAffinity": "ClientIP",
    }
    spec = parse("ServiceExposure", {"metadata": {"name": "x"}, "spec": raw}).spec
    made = node_service("x-1", spec, {"l": "1"}, {"app": "web"})
    assert made["metadata"] == {"name": "x-1", "namespace": "web", "labels": {"l": "1"}}
    assert made["spec"] == {
        "type": "NodePort",
        "selector": {"app": "web"},
        "externalTrafficPolicy": "Local",
        "sessionAffinity": "ClientIP",
        "ports": [
            {"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080},
            {"name": "dns", "protocol": "UDP", "port": 53, "targetPort": 53},
        ],
    }


@pytest.mark.parametrize(
    ("source", "cidr"),
    [
        ("198.51.100.0/24", True),
        ("198.51.100.7/24", True),
        ("192.0.2.7", True),
        ("2001:db8::/32", True),
        ("Internet", False),
        ("Storage.westeurope", False),
        ("300.0.0.1", False),
        ("10.0.0.0/33", False),
    ],
)
def test_what_is_no_address_is_a_service_tag(source: str, cidr: bool) -> None:
    assert is_cidr(source) is cidr
