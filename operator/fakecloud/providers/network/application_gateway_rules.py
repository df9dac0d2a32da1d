"""What an application gateway's parts may be, and which part leads to which. Pure: everything is told by its own body."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, pkcs7, pkcs12

from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.providers.network.base import PROVIDER, check_name, check_unique, etag, missing_reference
from fakecloud.providers.network.shapes import MODELS
from fakecloud.store import Body

TYPE: Final = f"{PROVIDER}/applicationGateways"


def _named(shape: Any) -> bool:
    return isinstance(shape, list) and isinstance(shape[0], Mapping) and {"name", "properties"} <= set(shape[0])


LISTS: Final = tuple(str(name) for name, shape in MODELS["ApplicationGatewayPropertiesFormat"].items() if _named(shape))
"""Lists of parts: always there, even empty."""
NEEDED: Final = (
    *("gatewayIPConfigurations", "frontendIPConfigurations", "frontendPorts", "httpListeners"),
    *("backendAddressPools", "backendHttpSettingsCollection", "requestRoutingRules"),
)
"""Lists that have at least one part each."""
LEADS: Final[Mapping[str, str]] = {
    "frontendIPConfiguration": "frontendIPConfigurations",
    "frontendPort": "frontendPorts",
    "sslCertificate": "sslCertificates",
    "sslProfile": "sslProfiles",
    "httpListener": "httpListeners",
    "targetListener": "httpListeners",
    "listener": "listeners",
    "backendAddressPool": "backendAddressPools",
    "defaultBackendAddressPool": "backendAddressPools",
    "backendHttpSettings": "backendHttpSettingsCollection",
    "defaultBackendHttpSettings": "backendHttpSettingsCollection",
    "backendSettings": "backendSettingsCollection",
    "probe": "probes",
    "urlPathMap": "urlPathMaps",
    "redirectConfiguration": "redirectConfigurations",
    "defaultRedirectConfiguration": "redirectConfigurations",
    "rewriteRuleSet": "rewriteRuleSets",
    "defaultRewriteRuleSet": "rewriteRuleSets",
    "authenticationCertificates": "authenticationCertificates",
    "trustedRootCertificates": "trustedRootCertificates",
    "trustedClientCertificates": "trustedClientCertificates",
}
"""By property, the list of the same gateway that it leads to."""
CAPACITY: Final = range(1, 126)
PRIORITIES: Final = range(1, 20_001)
PRIORITIES_SINCE: Final = "2021-08-01"
"""From this api-version on every rule has a priority."""


def parts_of(gateway: str, given: Body) -> Body:
    """All lists in GET shape; raises ArmError (400) for names, and for lists that have no part and need one."""
    kept: Body = {}
    for list_ in LISTS:
        entries = given.get(list_) or []
        kept[list_] = [_part(gateway, list_, entry) for entry in entries]
        check_unique(list_, (entry["name"] for entry in kept[list_]))
        if list_ in NEEDED and not entries:
            raise _invalid(gateway, f"needs {list_}")
    return kept


def _part(owner: str, list_: str, given: Body) -> Body:
    name = str(given.get("name") or "")
    check_name(name)
    id_ = f"{owner}/{list_}/{name}"
    properties: Body = {"provisioningState": "Succeeded", **(given.get("properties") or {})}
    if "pathRules" in properties and list_ == "urlPathMaps":
        properties["pathRules"] = [_part(id_, "pathRules", rule) for rule in properties["pathRules"]]
        check_unique("pathRules", (rule["name"] for rule in properties["pathRules"]))
    return {"id": id_, "name": name, "etag": etag(), "type": f"{TYPE}/{list_}", "properties": properties}


def references(value: Any, by: str, field: str = "") -> Iterator[tuple[str, str, str]]:
    """(id, the id of the part that refers to it, the property that does) for every reference in `value`."""
    if isinstance(value, list):
        for entry in value:
            yield from references(entry, by, field)
    elif isinstance(value, dict):
        if set(value) == {"id"}:
            yield str(value["id"]), by, field
            return
        owner = str(value["id"]) if "properties" in value and "id" in value else by
        for name, entry in value.items():
            yield from references(entry, owner, name)


def check_ties(gateway: str, parts: Body) -> list[tuple[str, str]]:
    """Raises ArmError (400) for a reference to a part that is not there, or is of another kind.

    Returns the others, which lead out of the gateway: (id, the id of the part that refers to it).
    """
    known = {entry["id"].lower() for list_ in LISTS for entry in parts[list_]}
    outside: list[tuple[str, str]] = []
    for wanted, by, field in references(parts, gateway):
        list_ = LEADS.get(field)
        if list_ is None and not wanted.lower().startswith(f"{gateway}/".lower()):
            outside.append((wanted, by))
        elif wanted.lower() not in known or (
            list_ is not None and not wanted.lower().startswith(f"{gateway}/{list_}/".lower())
        ):
            raise missing_reference(wanted, by)
    return outside


def check_sku(gateway: str, given: Body, autoscale: Body | None) -> Body:
    """The sku as it is kept; raises ArmError (400)."""
    name = given.get("name")
    if name not in {"Standard_v2", "WAF_v2", "Basic"}:
        raise _invalid(gateway, f"has sku {name}: Standard_v2, WAF_v2 and Basic are left, v1 is retired")
    if given.get("tier", name) != name:
        raise _invalid(gateway, f"has sku {name}, whose tier is of the same name")
    capacity = given.get("capacity")
    if (capacity is None) == (autoscale is None):
        raise _invalid(gateway, "needs either a capacity or an autoscaleConfiguration")
    low = capacity if autoscale is None else autoscale.get("minCapacity")
    high = low if autoscale is None else autoscale.get("maxCapacity", CAPACITY[-1])
    if low is None or not (low == 0 or low in CAPACITY) or high not in CAPACITY or low > high:
        raise _invalid(gateway, f"has a capacity out of the range of {CAPACITY[0]} to {CAPACITY[-1]}")
    return {"family": "Generation_1", **given, "tier": name}


def check_listeners(gateway: str, parts: Body) -> None:
    """Raises ArmError (400) for listeners that cannot be told apart, or whose protocol and certificate do not go together."""
    seen: dict[tuple[str, str, str], str] = {}
    for port in parts["frontendPorts"]:
        if port["properties"].get("port") not in range(1, 65536):
            raise _invalid(gateway, f"has frontendPort {port['name']} without a port of 1 to 65535")
    for listener in parts["httpListeners"]:
        properties, name = listener["properties"], listener["name"]
        if not properties.get("frontendIPConfiguration") or not properties.get("frontendPort"):
            raise _invalid(gateway, f"has listener {name}, which needs frontendIPConfiguration and frontendPort")
        if properties.get("protocol") not in {"Http", "Https"}:
            raise _invalid(gateway, f"has listener {name}, which needs protocol Http or Https")
        if (properties["protocol"] == "Https") != bool(properties.get("sslCertificate")):
            raise _invalid(gateway, f"has listener {name}: sslCertificate is for Https, which needs it")
        properties.setdefault("requireServerNameIndication", False)
        hosts = properties.get("hostNames") or [properties.get("hostName") or ""]
        for host in hosts:
            place = (
                properties["frontendIPConfiguration"]["id"].lower(),
                properties["frontendPort"]["id"].lower(),
                host,
            )
            if place in seen:
                raise bad_request(
                    "ApplicationGatewayHttpListenersUsingSameFrontendPortAndFrontendIpConfig",
                    f"Two Http Listeners of Application Gateway {seen[place]} and {listener['id']} are using the same Frontend Port and Frontend IP Config.",
                    details=[],
                )
            seen[place] = listener["id"]


def check_rules(gateway: str, parts: Body, api_version: str) -> None:
    """Raises ArmError (400) for routing rules that lead nowhere, or share a listener or a priority."""
    listeners: dict[str, str] = {}
    priorities: dict[int, str] = {}
    for rule in parts["requestRoutingRules"]:
        properties, name = rule["properties"], rule["name"]
        _check_target(gateway, rule)
        listener = properties["httpListener"]["id"].lower()
        if listener in listeners:
            raise _invalid(gateway, f"has rules {listeners[listener]} and {name} for one listener")
        listeners[listener] = name
        priority = properties.get("priority")
        if priority is None:
            if api_version >= PRIORITIES_SINCE:
                raise bad_request(
                    "ApplicationGatewayRequestRoutingRulePriorityCannotBeEmpty",
                    f"Priority for the request routing rule {rule['id']} cannot be empty. All the request routing rules should have a priority defined starting from api-version {PRIORITIES_SINCE}",
                    details=[],
                )
            continue
        if priority not in PRIORITIES or priority in priorities:
            raise _invalid(gateway, f"has rule {name}, whose priority {priority} is another's or not 1 to 20000")
        priorities[priority] = name


def _check_target(gateway: str, rule: Body) -> None:
    properties, name = rule["properties"], rule["name"]
    kind = properties.get("ruleType")
    to_pool = bool(properties.get("backendAddressPool") and properties.get("backendHttpSettings"))
    if kind == "Basic" and to_pool == bool(properties.get("redirectConfiguration")):
        raise _invalid(
            gateway,
            f"has rule {name}: Basic needs backendAddressPool and backendHttpSettings, or redirectConfiguration",
        )
    if kind == "PathBasedRouting" and not properties.get("urlPathMap"):
        raise _invalid(gateway, f"has rule {name}: PathBasedRouting needs urlPathMap")
    if kind is None or not properties.get("httpListener"):
        raise _invalid(gateway, f"has rule {name}, which needs ruleType and httpListener")


def complete(parts: Body) -> None:
    """Fill in what Azure fills in."""
    for settings in parts["backendHttpSettingsCollection"]:
        defaults = {"cookieBasedAffinity": "Disabled", "pickHostNameFromBackendAddress": False, "requestTimeout": 20}
        settings["properties"] = {**defaults, **settings["properties"]}
    for pool in parts["backendAddressPools"]:
        pool["properties"].setdefault("backendAddresses", [])
    for redirect in parts["redirectConfigurations"]:
        redirect["properties"].pop("provisioningState")  # it has none


def hide_certificates(parts: Body, before: Body) -> None:
    """Keep of certificates what everybody may see; of those given without data, what was there `before`."""
    had = {entry["name"].lower(): entry["properties"] for entry in before.get("sslCertificates") or ()}
    for certificate in parts["sslCertificates"]:
        properties, id_ = certificate["properties"], certificate["id"]
        data, password = properties.pop("data", None), properties.pop("password", None)
        if data is not None:
            properties["publicCertData"] = _public(id_, data, password)
        elif "keyVaultSecretId" not in properties:
            known = had.get(certificate["name"].lower(), {}).get("publicCertData")
            if known is None:
                raise bad_request(
                    "ApplicationGatewaySslCertificateDataMustBeSpecified",
                    f"Data or KeyVaultSecretId must be specified for certificate {id_}.",
                    details=[],
                )
            properties["publicCertData"] = known


def _public(id_: str, data: str, password: str | None) -> str:
    """The certificates of a PFX as PKCS #7, in base64; raises ArmError (400)."""
    try:
        found = pkcs12.load_pkcs12(base64.b64decode(data, validate=True), (password or "").encode() or None)
    except ValueError as error:
        raise bad_request(
            "ApplicationGatewaySslCertificateInvalidData",
            f"Data for certificate {id_} is invalid, or its password is wrong.",
            details=[],
        ) from error
    certificates = [entry.certificate for entry in (found.cert, *found.additional_certs) if entry is not None]
    if found.key is None or not certificates:
        raise _invalid(id_, "needs a certificate with its private key")
    return base64.b64encode(pkcs7.serialize_certificates(certificates, Encoding.DER)).decode()


def _invalid(id_: str, wrong: str) -> ArmError:
    return bad_request("ApplicationGatewayInvalid", f"Application gateway {id_} {wrong}.", details=[])
