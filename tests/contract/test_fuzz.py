"""Whatever is sent: an answer of ARM, never a 500."""

import json
from typing import Any, Final
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract import bodies
from tests.contract.cloud import Arm, Reply

CASES: Final = settings(
    max_examples=1300,  # of four tests
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NAMES: Final = st.sampled_from(["x", "X", "default", "front", "c", "demo.example", "@", "www", "*"]) | st.text(
    min_size=1, max_size=12
)
WORDS: Final = st.sampled_from(
    [
        *("Microsoft.ContainerService", "Microsoft.Network", "Microsoft.Resources", "Microsoft.Nothing"),
        *("managedClusters", "agentPools", "machines", "upgradeProfiles", "locations", "kubernetesVersions"),
        *("virtualNetworks", "subnets", "networkSecurityGroups", "securityRules", "defaultSecurityRules"),
        *("publicIPAddresses", "loadBalancers", "backendAddressPools", "loadBalancingRules", "probes", "health"),
        *("inboundNatRules", "outboundRules", "routeTables", "routes", "natGateways", "virtualNetworkGateways"),
        *("localNetworkGateways", "connections", "sharedkey", "applicationGateways", "privateDnsZones"),
        *(
            "virtualNetworkLinks",
            "dnsZones",
            "A",
            "CNAME",
            "TXT",
            "SOA",
            "NS",
            "recordsets",
            "operations",
            "operationresults",
        ),
        *(
            "Microsoft.Authorization",
            "locks",
            "listClusterAdminCredential",
            "stop",
            "resourceGroups",
            "resources",
            "providers",
            "subscriptions",
        ),
    ]
)
SCALARS: Final = (
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["westeurope", "global", "System", "Tcp", "Inbound", "Allow", "10.0.0.0/8", "1.36", "Standard"])
)
KEYS: Final = st.sampled_from(
    [
        *("properties", "location", "tags", "sku", "name", "id", "identity", "type", "count", "mode", "vmSize"),
        *("agentPoolProfiles", "kubernetesVersion", "dnsPrefix", "networkProfile", "nodeLabels", "nodeTaints"),
        *("securityRules", "priority", "protocol", "access", "direction", "sourceAddressPrefix", "addressSpace"),
        *("addressPrefixes", "subnets", "addressPrefix", "frontendIPConfigurations", "publicIPAddress", "probes"),
        *("inboundNatRules", "outboundRules", "routes", "nextHopType", "ipConfigurations", "gatewayType", "subnet"),
        *("backendAddressPools", "loadBalancerBackendAddresses", "loadBalancingRules", "TTL", "ARecords", "ipAddress"),
        *("powerState", "code", "targetResource", "command"),
    ]
) | st.text(max_size=6)
JSON: Final = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=12
)
METHODS: Final = st.sampled_from(["GET", "PUT", "PUT", "PUT", "PATCH", "POST", "DELETE", "HEAD"])
GROUP: Final = "@group"
"""In a body, the id of the group."""
HERE: Final = f"{GROUP}/providers/Microsoft.Network"


def lb_part(list_: str, name: str, balancer: str = "fuzz") -> dict[str, str]:
    """A reference to a part of a balancer."""
    return {"id": f"{HERE}/loadBalancers/{balancer}/{list_}/{name}"}


OUTBOUND: Final = {
    "frontendIPConfigurations": [lb_part("frontendIPConfigurations", "front")],
    "backendAddressPool": lb_part("backendAddressPools", "pool"),
    "protocol": "All",
}


def nat_rule(name: str, balancer: str) -> dict[str, Any]:
    """An inbound NAT rule over a range of ports."""
    return bodies.named(
        name,
        frontendIPConfiguration=lb_part("frontendIPConfigurations", "front", balancer),
        backendAddressPool=lb_part("backendAddressPools", "pool", balancer),
        protocol="Tcp",
        frontendPortRangeStart=500,
        frontendPortRangeEnd=509,
        backendPort=22,
    )


SOA: Final = {
    "host": "ns1.example.",
    "email": "a.b",
    "serialNumber": 1,
    "refreshTime": 1,
    "retryTime": 1,
    "expireTime": 1,
    "minimumTTL": 1,
}
GATEWAY_SUBNET: Final = f"{HERE}/virtualNetworks/vpn/subnets/GatewaySubnet"
GOOD: Final[dict[str, dict[str, Any]]] = {
    f"{bodies.BALANCERS}/fuzz": {
        "location": bodies.LOCATION,
        "properties": {
            **bodies.balancer("", address_id=f"{HERE}/publicIPAddresses/free")["properties"],
            "inboundNatRules": [nat_rule("nat", "fuzz")],
            "outboundRules": [bodies.named("out", **OUTBOUND)],
        },
    },
    f"{bodies.BALANCERS}/lb/inboundNatRules/fuzz": nat_rule("fuzz", "lb"),
    f"{bodies.ROUTE_TABLES}/fuzz": bodies.route_table(bodies.route()),
    f"{bodies.ROUTE_TABLES}/table/routes/fuzz": bodies.route("fuzz", "10.7.0.0/16"),
    f"{bodies.NAT_GATEWAYS}/fuzz": bodies.nat_gateway(f"{HERE}/publicIPAddresses/spare"),
    f"{bodies.VPN_GATEWAYS}/fuzz": bodies.vpn_gateway(
        *bodies.gateway_entries(GATEWAY_SUBNET, f"{HERE}/publicIPAddresses/vpn"), bgpSettings={"asn": 65001}
    ),
    f"{bodies.LOCAL_GATEWAYS}/fuzz": bodies.local_gateway(bgpSettings={"asn": 65010}),
    f"{bodies.CONNECTIONS}/fuzz": bodies.connection(
        f"{HERE}/virtualNetworkGateways/gw", f"{HERE}/localNetworkGateways/office", sharedKey="s3cret"
    ),
    f"{bodies.CONNECTIONS}/tunnel/sharedkey": {"value": "s3cret"},
    f"{bodies.APPLICATION_GATEWAYS}/fuzz": bodies.application_gateway(
        f"{HERE}/applicationGateways/fuzz",
        subnet_id=f"{HERE}/virtualNetworks/vpn/subnets/other",
        address_id=f"{HERE}/publicIPAddresses/web",
    ),
    f"{bodies.PRIVATE_ZONES}/fuzz.example": {"location": "global"},
    f"{bodies.PRIVATE_ZONES}/corp.example/virtualNetworkLinks/fuzz": bodies.link(f"{HERE}/virtualNetworks/net"),
    f"{bodies.PRIVATE_ZONES}/corp.example/A/fuzz": {
        "properties": {"ttl": 60, "aRecords": [{"ipv4Address": "10.0.0.1"}]}
    },
    f"{bodies.CLUSTERS}/fuzz": bodies.cluster(networkProfile={"networkPlugin": "azure"}),
    f"{bodies.CLUSTERS}/c/agentPools/fuzz": bodies.pool(nodeLabels={"a": "b"}, nodeTaints=["a=b:NoSchedule"]),
    f"{bodies.ADDRESSES}/fuzz": bodies.address(dnsSettings={"domainNameLabel": "fuzz-label"}),
    f"{bodies.SECURITY_GROUPS}/fuzz": bodies.security_group(bodies.rule("r")),
    f"{bodies.SECURITY_GROUPS}/nsg/securityRules/fuzz": {"properties": bodies.rule_properties()},
    f"{bodies.NETWORKS}/fuzz": bodies.network(bodies.subnet("s", "10.0.0.0/24")),
    f"{bodies.NETWORKS}/net/subnets/fuzz": {"properties": {"addressPrefix": "10.0.9.0/24"}},
    f"{bodies.ADDRESSES}/ip/providers/{bodies.LOCKS}/fuzz": bodies.lock(notes="x"),
    f"{bodies.CLUSTERS}/c/maintenanceConfigurations/default": {
        "properties": {"timeInWeek": [{"day": "Monday", "hourSlots": [1]}]}
    },
    f"{bodies.WORKSPACES}/fuzz": {"location": bodies.LOCATION, "properties": {"retentionInDays": 30}},
    f"{bodies.CLUSTERS}/c/providers/{bodies.DIAGNOSTICS}/fuzz": bodies.diagnostics(
        f"{GROUP}/providers/{bodies.WORKSPACES}/logs", "guard"
    ),
    f"{bodies.ZONES}/fuzz.example": {"location": "global"},
    f"{bodies.ZONES}/demo.example/A/fuzz": {"properties": {"TTL": 60, "ARecords": [{"ipv4Address": "10.0.0.1"}]}},
    f"{bodies.ZONES}/demo.example/CAA/fuzz": {
        "properties": {"TTL": 60, "caaRecords": [{"flags": 0, "tag": "issue", "value": "v"}]}
    },
    f"{bodies.ZONES}/demo.example/SOA/@": {"properties": {"TTL": 60, "SOARecord": SOA}},
}


def prepared(arm: Arm) -> str:
    """The id of a group with parents for every child type; made once, then found."""
    group = f"/subscriptions/{arm.cloud.subscription}/resourceGroups/rg-fuzz"
    if arm.get(group).status == 404:
        arm.put(group, {"location": bodies.LOCATION})
        arm.make(f"{group}/providers/{bodies.CLUSTERS}/c", bodies.cluster())
        arm.make(f"{group}/providers/{bodies.SECURITY_GROUPS}/nsg", bodies.security_group())
        arm.make(f"{group}/providers/{bodies.NETWORKS}/net", bodies.network())
        arm.make(f"{group}/providers/{bodies.ZONES}/demo.example", {"location": "global"})
        ip = arm.make(f"{group}/providers/{bodies.ADDRESSES}/ip", bodies.address())["id"]
        lb = f"{group}/providers/{bodies.BALANCERS}/lb"
        arm.make(lb, bodies.balancer(lb, address_id=ip, rules=[bodies.balancing_rule(lb)]))
        arm.make(f"{group}/providers/{bodies.WORKSPACES}/logs", {"location": bodies.LOCATION, "properties": {}})
        prepare_gateways(arm, group)
    return group


def prepare_gateways(arm: Arm, group: str) -> None:
    """Parents and neighbours of the types that lead somewhere else."""
    for name in ("free", "spare", "vpn", "web", "used"):
        arm.make(f"{group}/providers/{bodies.ADDRESSES}/{name}", bodies.address())
    subnets = bodies.subnet("GatewaySubnet", "10.0.0.0/27"), bodies.subnet("other", "10.0.1.0/24")
    arm.make(f"{group}/providers/{bodies.NETWORKS}/vpn", bodies.network(*subnets))
    taken = arm.make(f"{group}/providers/{bodies.NETWORKS}/taken", bodies.network(subnets[0]))["id"]
    arm.make(f"{group}/providers/{bodies.ROUTE_TABLES}/table", bodies.route_table())
    entries = bodies.gateway_entries(f"{taken}/subnets/GatewaySubnet", f"{group}/providers/{bodies.ADDRESSES}/used")
    gateway = arm.make(f"{group}/providers/{bodies.VPN_GATEWAYS}/gw", bodies.vpn_gateway(*entries))["id"]
    office = arm.make(f"{group}/providers/{bodies.LOCAL_GATEWAYS}/office", bodies.local_gateway())["id"]
    arm.make(f"{group}/providers/{bodies.CONNECTIONS}/tunnel", bodies.connection(gateway, office))
    arm.make(f"{group}/providers/{bodies.PRIVATE_ZONES}/corp.example", {"location": "global"})


def check(reply: Reply, method: str, what: str) -> None:
    """Fails unless `reply` is an answer of ARM."""
    assert reply.status < 500 or reply.status == 501, (what, reply)
    if reply.status >= 400 and method != "HEAD":
        assert reply.code, what
        assert reply.message, what


@CASES
@given(method=METHODS, segments=st.lists(WORDS | NAMES, max_size=9), body=JSON)
def test_any_path_gets_an_answer_of_arm(arm: Arm, method: str, segments: list[str], body: Any) -> None:
    path = "/".join(quote(segment, safe="") for segment in segments)
    url = f"/subscriptions/{arm.cloud.subscription}/{path}"
    sent = body if method in {"PUT", "PATCH", "POST"} else None
    check(arm(method, url, sent), method, f"{method} {url} {json.dumps(sent)}")


@CASES
@given(
    method=METHODS,
    type_=st.lists(WORDS | NAMES, min_size=1, max_size=5),
    provider=st.sampled_from(["Microsoft.ContainerService", "Microsoft.Network"]),
    body=JSON,
)
def test_any_resource_gets_an_answer_of_arm(arm: Arm, method: str, provider: str, type_: list[str], body: Any) -> None:
    path = "/".join(quote(segment, safe="") for segment in (provider, *type_))
    url = f"{prepared(arm)}/providers/{path}"
    sent = body if method in {"PUT", "PATCH", "POST"} else None
    check(arm(method, url, sent), method, f"{method} {url} {json.dumps(sent)}")


def placed(arm: Arm, path: str, body: Any) -> tuple[str, Any]:
    """The id and the body in the group."""
    group = prepared(arm)
    return f"{group}/providers/{path}", json.loads(json.dumps(body).replace(GROUP, group))


def test_what_will_be_spoilt_is_good(arm: Arm) -> None:
    refused: dict[str, str] = {}
    for path, good in GOOD.items():
        reply = arm.put(*placed(arm, path, good))
        refused |= {} if reply.status < 300 else {path: reply.text}
        arm.ended(reply)
    assert refused == {}


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[str, Any]:
    """A good body with something in it replaced, and the path it is for."""
    path = draw(st.sampled_from(sorted(GOOD)))
    body = json.loads(json.dumps(GOOD[path]))
    for _ in range(draw(st.integers(1, 3))):
        place: Any = body
        while isinstance(place, dict | list) and place:
            key: Any = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if not isinstance(place[key], dict | list) or not place[key] or draw(st.integers(0, 3)) == 0:
                place[key] = draw(JSON)
                break
            place = place[key]
    return path, body


@CASES
@given(case=spoilt(), etag=st.none() | st.sampled_from(["*", "x", 'W/"x"', "", "ä".encode().decode("latin-1")]))
def test_a_spoilt_body_gets_an_answer_of_arm(arm: Arm, case: tuple[str, Any], etag: str | None) -> None:
    path, body = case
    url, body = placed(arm, path, body)
    headers = {} if etag is None else {"If_Match": etag}
    check(arm.put(url, body, **headers), "PUT", f"{url} {json.dumps(body)}")
    check(arm.get(url), "GET", url)
    check(arm.patch(url, body), "PATCH", f"{url} {json.dumps(body)}")


@CASES
@given(
    balancer=st.fixed_dictionaries(
        {},
        optional={
            "frontendIPConfigurations": JSON,
            "backendAddressPools": JSON,
            "loadBalancingRules": st.lists(
                st.fixed_dictionaries({"name": NAMES}, optional={"properties": st.dictionaries(KEYS, JSON)})
            ),
            "probes": st.lists(st.fixed_dictionaries({"name": NAMES}, optional={"properties": JSON})),
        },
    )
)
def test_any_balancer_gets_an_answer_of_arm(arm: Arm, balancer: Any) -> None:
    url = f"{prepared(arm)}/providers/{bodies.BALANCERS}/fuzz"
    body = {"location": bodies.LOCATION, "properties": balancer}
    check(arm.put(url, body), "PUT", json.dumps(body))


def test_nothing_was_logged_as_an_error_while_fuzzing(arm: Arm) -> None:
    """Runs after the others of this file: an exception would have left its stack in the log."""
    prepared(arm)
    assert "Traceback" not in arm.cloud.log()
