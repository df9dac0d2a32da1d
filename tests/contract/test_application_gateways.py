"""applicationGateways: one document whose parts refer to one another, started and stopped."""

import base64
import datetime
from typing import Any

import pytest
from azure.mgmt.network import models
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs7, pkcs12

from tests.contract.bodies import (
    ADDRESSES,
    APPLICATION_GATEWAYS,
    BALANCERS,
    CLUSTERS,
    LOCATION,
    NETWORKS,
    Body,
    address,
    application_gateway,
    cluster,
    named,
    network,
    profile,
    subnet,
)
from tests.contract.cloud import Arm, Clients, Group
from tests.contract.conftest import new_group


@pytest.fixture
def gateway(group: Group) -> str:
    """The id of a gateway to be."""
    return group.path(APPLICATION_GATEWAYS, "gw")


@pytest.fixture
def body(group: Group, arm: Arm, gateway: str) -> Body:
    """The smallest gateway."""
    return smallest(group, arm, gateway)


def smallest(group: Group, arm: Arm, gateway: str) -> Body:
    """A gateway with one listener, one rule, one pool, behind a public address."""
    net = arm.make(group.path(NETWORKS, "net"), network(subnet("gateways", "10.0.0.0/24"), subnet("b", "10.0.1.0/24")))
    ip = arm.make(group.path(ADDRESSES, "ip"), address())["id"]

    return application_gateway(gateway, subnet_id=f"{net['id']}/subnets/gateways", address_id=ip)


def changed(body: Body, list_: str, **properties: Any) -> Body:
    """The gateway with other properties of the first part of a list."""
    first, *rest = body["properties"][list_]
    entry = {**first, "properties": {**first["properties"], **properties}}
    return {**body, "properties": {**body["properties"], list_: [entry, *rest]}}


def with_parts(body: Body, **parts: Any) -> Body:
    """The gateway with other properties."""
    return {**body, "properties": {**body["properties"], **parts}}


def pfx(password: str = "p") -> str:
    """A certificate with its key, in base64."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().issuer_name(name).subject_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    made = builder.sign(key, hashes.SHA256())
    hidden = BestAvailableEncryption(password.encode())
    return base64.b64encode(pkcs12.serialize_key_and_certificates(b"web", key, made, None, hidden)).decode()


def test_the_sdk_makes_a_gateway_stops_and_starts_it_and_removes_it(sdk: Clients, group: Group, body: Body) -> None:
    gateways = sdk.network.application_gateways
    made = gateways.begin_create_or_update(group.name, "gw", models.ApplicationGateway(body)).result()
    assert (made.provisioning_state, made.operational_state) == ("Succeeded", "Running")
    assert made.sku is not None
    assert (made.sku.name, made.sku.tier, made.sku.capacity) == ("Standard_v2", "Standard_v2", 1)
    gateways.begin_stop(group.name, "gw").result()
    assert gateways.get(group.name, "gw").operational_state == "Stopped"
    gateways.begin_start(group.name, "gw").result()
    assert gateways.get(group.name, "gw").operational_state == "Running"
    gateways.begin_delete(group.name, "gw").result()
    assert list(gateways.list(group.name)) == []


def test_a_gateway_is_starting_and_stopping_while_that_takes_time(brisk: Arm) -> None:
    group = new_group(brisk)
    gateway = group.path(APPLICATION_GATEWAYS, "gw")
    body = smallest(group, brisk, gateway)
    reply = brisk.put(gateway, body)
    assert (reply.status, reply.state, reply.body["properties"]["operationalState"]) == (201, "Updating", "Starting")
    assert brisk.post(f"{gateway}/stop").code == "RetryableError"
    brisk.ended(reply)
    reply = brisk.post(f"{gateway}/stop")
    assert reply.status == 202
    assert brisk.get(gateway).body["properties"]["operationalState"] == "Stopping"
    brisk.ended(reply)
    assert brisk.get(gateway).body["properties"]["operationalState"] == "Stopped"


def test_ids_of_parts_are_known_before_the_gateway_is_and_every_list_is_there(
    arm: Arm, gateway: str, body: Body
) -> None:
    made = arm.make(gateway, body)["properties"]
    [rule] = made["requestRoutingRules"]
    assert rule["id"] == f"{gateway}/requestRoutingRules/rule"
    assert rule["properties"]["httpListener"] == {"id": made["httpListeners"][0]["id"]}
    for list_ in ("sslCertificates", "probes", "urlPathMaps", "redirectConfigurations", "rewriteRuleSets"):
        assert made[list_] == []


def test_what_was_read_can_be_written_back(arm: Arm, gateway: str, body: Body) -> None:
    made = arm.make(gateway, body)
    again = arm.make(gateway, made)
    assert again["properties"].keys() == made["properties"].keys()
    assert again["properties"]["operationalState"] == "Running"


@pytest.mark.parametrize(
    ("list_", "field", "target"),
    [
        ("requestRoutingRules", "httpListener", "httpListeners/none"),
        ("requestRoutingRules", "backendAddressPool", "backendHttpSettingsCollection/plain"),
        ("httpListeners", "frontendPort", "frontendPorts/none"),
        ("httpListeners", "frontendIPConfiguration", "frontendIPConfigurations/none"),
        ("backendHttpSettingsCollection", "probe", "probes/none"),
    ],
)
def test_parts_refer_only_to_parts_of_the_right_kind(
    arm: Arm, gateway: str, body: Body, list_: str, field: str, target: str
) -> None:
    reply = arm.put(gateway, changed(body, list_, **{field: {"id": f"{gateway}/{target}"}}))
    assert (reply.status, reply.code) == (400, "InvalidResourceReference")


def test_parts_of_another_gateway_are_no_parts(arm: Arm, gateway: str, body: Body) -> None:
    foreign = {"id": f"{gateway}-other/httpListeners/web"}
    reply = arm.put(gateway, changed(body, "requestRoutingRules", httpListener=foreign))
    assert (reply.status, reply.code) == (400, "InvalidResourceReference")


def test_paths_lead_to_pools_by_rules_of_their_own(arm: Arm, gateway: str, body: Body) -> None:
    led = {
        "backendAddressPool": {"id": f"{gateway}/backendAddressPools/pool"},
        "backendHttpSettings": {"id": f"{gateway}/backendHttpSettingsCollection/plain"},
    }
    paths = named(
        "paths",
        defaultBackendAddressPool=led["backendAddressPool"],
        defaultBackendHttpSettings=led["backendHttpSettings"],
        pathRules=[named("images", paths=["/images/*"], **led)],
    )
    ruled = changed(
        body, "requestRoutingRules", ruleType="PathBasedRouting", urlPathMap={"id": f"{gateway}/urlPathMaps/paths"}
    )
    made = arm.make(gateway, with_parts(ruled, urlPathMaps=[paths]))["properties"]
    [path_rule] = made["urlPathMaps"][0]["properties"]["pathRules"]
    assert path_rule["id"] == f"{gateway}/urlPathMaps/paths/pathRules/images"
    assert arm.put(gateway, ruled).code == "InvalidResourceReference", "without the map"


@pytest.mark.parametrize(
    "parts",
    [
        {"sku": {"name": "Standard_Small", "capacity": 1}},
        {"sku": {"name": "Standard_v2"}},
        {"sku": {"name": "Standard_v2", "capacity": 126}},
        {"sku": {"name": "Standard_v2", "capacity": 1}, "autoscaleConfiguration": {"minCapacity": 1}},
        {"sku": {"name": "Standard_v2"}, "autoscaleConfiguration": {"minCapacity": 3, "maxCapacity": 2}},
        {"httpListeners": []},
        {"frontendPorts": [named("http", port=0)]},
    ],
    ids=str,
)
def test_what_a_gateway_cannot_be(arm: Arm, gateway: str, body: Body, parts: Body) -> None:
    reply = arm.put(gateway, with_parts(body, **parts))
    assert (reply.status, reply.code) == (400, "ApplicationGatewayInvalid")


def test_a_gateway_may_scale_by_itself_from_nothing(arm: Arm, gateway: str, body: Body) -> None:
    scale = {"minCapacity": 0, "maxCapacity": 10}
    made = arm.make(gateway, with_parts(body, sku={"name": "Standard_v2"}, autoscaleConfiguration=scale))
    assert made["properties"]["autoscaleConfiguration"] == scale


def test_a_rule_has_a_priority_since_2021(arm: Arm, gateway: str, body: Body) -> None:
    without = changed(body, "requestRoutingRules", priority=None)
    reply = arm.put(f"{gateway}?api-version=2024-05-01", without)
    assert (reply.status, reply.code) == (400, "ApplicationGatewayRequestRoutingRulePriorityCannotBeEmpty")
    assert arm.put(f"{gateway}?api-version=2020-11-01", without).status == 201


def test_two_listeners_cannot_share_port_and_host(arm: Arm, gateway: str, body: Body) -> None:
    [web] = body["properties"]["httpListeners"]
    reply = arm.put(gateway, with_parts(body, httpListeners=[web, {**web, "name": "twin"}]))
    assert (reply.status, reply.code) == (
        400,
        "ApplicationGatewayHttpListenersUsingSameFrontendPortAndFrontendIpConfig",
    )
    other = {"name": "twin", "properties": {**web["properties"], "hostName": "a.example"}}
    assert arm.put(gateway, with_parts(body, httpListeners=[web, other])).status == 201


def test_https_needs_a_certificate(arm: Arm, gateway: str, body: Body) -> None:
    reply = arm.put(gateway, changed(body, "httpListeners", protocol="Https"))
    assert (reply.status, reply.code) == (400, "ApplicationGatewayInvalid")


def https(body: Body, gateway: str, **certificate: Any) -> Body:
    """The gateway with a certificate at its listener."""
    secured = changed(body, "httpListeners", protocol="Https", sslCertificate={"id": f"{gateway}/sslCertificates/web"})
    return with_parts(secured, sslCertificates=[named("web", **certificate)])


def test_of_a_certificate_only_the_public_part_is_shown_and_kept(arm: Arm, gateway: str, body: Body) -> None:
    arm.make(gateway, https(body, gateway, data=pfx(), password="p"))
    made = arm.get(gateway).body
    [certificate] = made["properties"]["sslCertificates"]
    assert certificate["properties"].keys() == {"provisioningState", "publicCertData"}
    public = base64.b64decode(certificate["properties"]["publicCertData"])
    assert len(pkcs7.load_der_pkcs7_certificates(public)) == 1
    again = arm.make(gateway, made)
    assert again["properties"]["sslCertificates"][0]["properties"] == certificate["properties"]


def test_a_certificate_that_cannot_be_read_is_refused(arm: Arm, gateway: str, body: Body) -> None:
    for given, code in (
        ({"data": pfx(), "password": "wrong"}, "ApplicationGatewaySslCertificateInvalidData"),
        ({"data": "bm9uc2Vuc2U=", "password": "p"}, "ApplicationGatewaySslCertificateInvalidData"),
        ({"data": "%%%"}, "ApplicationGatewaySslCertificateInvalidData"),
        ({}, "ApplicationGatewaySslCertificateDataMustBeSpecified"),
    ):
        reply = arm.put(gateway, https(body, gateway, **given))
        assert (reply.status, reply.code) == (400, code), code


def test_address_and_subnet_know_the_gateway_and_stay(group: Group, arm: Arm, gateway: str, body: Body) -> None:
    arm.make(gateway, body)
    ip, net = group.path(ADDRESSES, "ip"), group.path(NETWORKS, "net")
    assert arm.get(ip).body["properties"]["ipConfiguration"] == {"id": f"{gateway}/frontendIPConfigurations/front"}
    told = arm.get(f"{net}/subnets/gateways").body["properties"]
    assert told["applicationGatewayIPConfigurations"] == [{"id": f"{gateway}/gatewayIPConfigurations/where"}]
    assert arm.delete(ip).code == "PublicIPAddressCannotBeDeleted"
    assert arm.delete(f"{net}/subnets/gateways").code == "InUseSubnetCannotBeDeleted"
    arm.remove(gateway)
    arm.remove(ip)
    arm.remove(net)


def test_its_subnet_and_address_exist_and_are_nobody_elses(group: Group, arm: Arm, gateway: str, body: Body) -> None:
    net = group.path(NETWORKS, "net")
    none = {"id": f"{net}/subnets/none"}
    assert arm.put(gateway, changed(body, "gatewayIPConfigurations", subnet=none)).code == "InvalidResourceReference"
    missing = {"id": group.path(ADDRESSES, "none")}
    reply = arm.put(gateway, changed(body, "frontendIPConfigurations", publicIPAddress=missing))
    assert reply.code == "InvalidResourceReference"
    arm.make(gateway, body)
    other = f"{gateway}2"
    stolen = {**body, "properties": _moved(body["properties"], gateway, other)}
    assert arm.put(other, stolen).code == "PublicIPAddressInUse"


def _moved(value: Any, gateway: str, other: str) -> Any:
    """The same parts, of another gateway."""
    if isinstance(value, dict):
        return {key: _moved(entry, gateway, other) for key, entry in value.items()}
    if isinstance(value, list):
        return [_moved(entry, gateway, other) for entry in value]
    return value.replace(f"{gateway}/", f"{other}/") if isinstance(value, str) else value


def test_a_subnet_in_which_others_are_takes_no_gateway(group: Group, arm: Arm, gateway: str, body: Body) -> None:
    where = f"{group.path(NETWORKS, 'net')}/subnets/gateways"
    arm.make(group.path(CLUSTERS, "c"), cluster(profile(vnetSubnetID=where)))
    reply = arm.put(gateway, body)
    assert (reply.status, reply.code) == (400, "ApplicationGatewaySubnetCannotBeUsedByOthers")


def test_a_private_frontend_has_an_address_that_nobody_else_has(
    group: Group, arm: Arm, gateway: str, body: Body
) -> None:
    where = {"id": f"{group.path(NETWORKS, 'net')}/subnets/b"}
    front = {"name": "f", "properties": {"subnet": where}}
    parts = {"location": LOCATION, "sku": {"name": "Standard"}, "properties": {"frontendIPConfigurations": [front]}}
    arm.make(group.path(BALANCERS, "lb"), parts)
    fronts = [*body["properties"]["frontendIPConfigurations"], named("inside", subnet=where)]
    made = arm.make(gateway, with_parts(body, frontendIPConfigurations=fronts))["properties"]
    assert made["frontendIPConfigurations"][1]["properties"]["privateIPAddress"] == "10.0.1.5"


def test_what_nothing_here_would_do_for_a_gateway_is_501(arm: Arm, gateway: str, body: Body) -> None:
    reply = arm.put(gateway, with_parts(body, privateLinkConfigurations=[named("p")]))
    assert (reply.status, reply.code) == (501, "NotImplemented")
    arm.make(gateway, body)
    reply = arm.post(f"{gateway}/backendhealth")
    assert (reply.status, reply.code) == (501, "NotImplemented")
