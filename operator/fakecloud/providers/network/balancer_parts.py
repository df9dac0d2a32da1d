"""The parts of a load balancer: named entries of its lists, which refer to one another by ids. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from fakecloud.arm.errors import bad_request
from fakecloud.providers.network.base import PROVIDER, check_name, etag, missing_reference, reference
from fakecloud.store import Body

TYPE: Final = f"{PROVIDER}/loadBalancers"
LISTS: Final = (
    "frontendIPConfigurations",
    "backendAddressPools",
    "loadBalancingRules",
    "probes",
    "inboundNatRules",
    "outboundRules",
    "inboundNatPools",
)
"""Always there, even empty."""
PORTS: Final = range(1, 65536)
IDLE: Final = range(4, 101)
"""Minutes."""
PROTOCOLS: Final = ("Tcp", "Udp", "All")
EVERY: Final = 0
"""The port that stands for all of them."""
TIES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "loadBalancingRules": (
        ("frontendIPConfiguration", "frontendIPConfigurations"),
        ("backendAddressPool", "backendAddressPools"),
        ("probe", "probes"),
    ),
    "inboundNatRules": (
        ("frontendIPConfiguration", "frontendIPConfigurations"),
        ("backendAddressPool", "backendAddressPools"),
    ),
    "outboundRules": (
        ("frontendIPConfigurations", "frontendIPConfigurations"),
        ("backendAddressPool", "backendAddressPools"),
    ),
}
"""By list: its entries' references, and the list of the same balancer that each leads to."""


class Claims:
    """Who takes which port of which place. `code` and `what` are for the refusal of a port taken twice."""

    def __init__(self, code: str, what: str) -> None:
        self._code = code
        self._what = what
        self._ports: dict[tuple[str, str, int], str] = {}
        self._any: dict[tuple[str, str], str] = {}

    def claim(self, rule: str, place: str, protocol: str, ports: Iterable[int]) -> None:
        """`rule` takes ports of a place, or EVERY one of them; raises ArmError (400) when another has one."""
        place = place.lower()
        for transport in ("Tcp", "Udp") if protocol == "All" else (protocol,):
            every = self._ports.get((place, transport, EVERY))
            for port in ports:
                other = every or (
                    self._any.get((place, transport)) if port == EVERY else self._ports.get((place, transport, port))
                )
                if other is not None:
                    raise bad_request(
                        self._code, f"Rules {rule} and {other} use the same {self._what} of {place}.", details=[]
                    )
            self._ports |= {(place, transport, port): rule for port in ports}
            self._any[place, transport] = rule


def entry(balancer: str, list_: str, given: Body) -> Body:
    """A part in GET shape, made of what a PUT gives; raises ArmError (400) for its name."""
    name = given.get("name", "")
    check_name(name)
    kept: Body = {
        "name": name,
        "id": f"{balancer}/{list_}/{name}",
        "etag": etag(),
        "type": f"{TYPE}/{list_}",
        "properties": dict(given.get("properties") or {}),
    }
    if "zones" in given:
        kept["zones"] = given["zones"]
    return kept


def tied(parts: Body, rule: Body, field: str, list_: str) -> Iterator[Body]:
    """The parts that a rule refers to by `field`; raises ArmError for one that is not there."""
    given = rule["properties"].get(field)
    for wanted in filter(None, map(reference, given if isinstance(given, list) else [given])):
        found: Body | None = next((part for part in parts[list_] if part["id"].lower() == wanted.lower()), None)
        if found is None:
            raise missing_reference(wanted, rule["id"])
        yield found


def tie(parts: Body) -> None:
    """Write, into frontends, pools and probes, which rules use them: back-references are Azure's to write."""
    for users, ties in TIES.items():
        for _, list_ in ties:
            for part in parts[list_]:
                part["properties"].pop(users, None)
        for rule in parts[users]:
            for field, list_ in ties:
                for part in tied(parts, rule, field, list_):
                    part["properties"].setdefault(users, []).append({"id": rule["id"]})


def users_of(part: Body) -> list[str]:
    """The ids of the rules that use a part."""
    return [rule["id"] for users in TIES for rule in part["properties"].get(users) or ()]


def addresses(pool: Body) -> list[str]:
    """The backend addresses of an IP-based pool."""
    entries = pool["properties"].get("loadBalancerBackendAddresses") or []
    return [str((entry.get("properties") or {}).get("ipAddress")) for entry in entries]
