"""Who has which address: configurations in subnets, public addresses and those that hold them."""

import ipaddress
from collections.abc import Container, Iterator, Mapping
from typing import Final

from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.types import RESOURCE, Change, Context
from fakecloud.providers.network.base import PROVIDER, missing_reference, reference, referenced
from fakecloud.providers.network.notation import read_address
from fakecloud.store import Body, Store

BALANCERS: Final = f"{PROVIDER}/loadBalancers"
ADDRESSES: Final = f"{PROVIDER}/publicIPAddresses"
NETWORKS: Final = f"{PROVIDER}/virtualNetworks"
MACHINES: Final = "Microsoft.ContainerService/managedClusters/agentPools/machines"
POOLS: Final = "Microsoft.ContainerService/managedClusters/agentPools"
"""Whose nodes have interfaces in subnets."""
CONFIGURED: Final[Mapping[str, tuple[str, ...]]] = {
    BALANCERS: ("frontendIPConfigurations",),
    f"{PROVIDER}/virtualNetworkGateways": ("ipConfigurations",),
    f"{PROVIDER}/applicationGateways": ("gatewayIPConfigurations", "frontendIPConfigurations"),
}
"""The types that have addresses, and the lists in their properties whose entries have them: each with `subnet`,
`publicIPAddress`, or both."""
RESERVED: Final = 3
"""Addresses at the beginning of a subnet that Azure keeps for itself."""


def configurations(body: Body) -> Iterator[Body]:
    """The entries of a resource that have addresses."""
    for list_ in CONFIGURED.get(body["type"], ()):
        yield from body["properties"].get(list_) or ()


def configured(store: Store) -> Iterator[Body]:
    """All entries that have addresses."""
    for type_ in CONFIGURED:
        for body in store.resources(type_):
            yield from configurations(body)


def subnet_of(configuration: Body) -> str:
    """The id of the subnet that an entry is in, in lower case; "" for none."""
    return (reference(configuration["properties"].get("subnet")) or "").lower()


def users_of(store: Store, subnet: str) -> list[str]:
    """The ids of what has an address in a subnet: pools, and entries of balancers and gateways."""
    wanted = subnet.lower()
    pools = [pool["id"] for pool in store.resources(POOLS) if str(pool.get("_subnet") or "").lower() == wanted]
    return pools + [entry["id"] for entry in configured(store) if subnet_of(entry) == wanted]


def taken_in(store: Store, subnet: str) -> dict[str, str]:
    """The private addresses that are taken in a subnet, and by what: machines by their row's id, entries by their own."""
    wanted = subnet.lower()
    taken = {
        str(address["ip"]): str(row["id"])
        for row in store.resources(MACHINES)
        if str(row["_subnet"]).lower() == wanted
        for address in row["properties"]["network"]["ipAddresses"]
    }
    for entry in configured(store):
        if subnet_of(entry) == wanted and (address := entry["properties"].get("privateIPAddress")):
            taken[str(address)] = str(entry["id"])
    return taken


def free_in(prefix: str, taken: Container[str]) -> str | None:
    """The first address of a subnet that nobody has; Azure keeps the first three for itself. None when it is full."""
    hosts = enumerate(ipaddress.ip_network(prefix).hosts(), start=1)
    return next((str(address) for number, address in hosts if number > RESERVED and str(address) not in taken), None)


def subnet(context: Context, wanted: str, by: str, location: str | None) -> Body:
    """The subnet that `by` refers to; raises ArmError when it is not there, not at rest, or in another region."""
    network = referenced(context, wanted.partition("/subnets/")[0], by)
    found = find_subnet(context, wanted)
    if found is None or network["location"] != location:
        raise missing_reference(wanted, by)
    return found


def find_subnet(context: Context, id_: str) -> Body | None:
    """A subnet out of its network's body; None when it is not there."""
    network = context.resource(id_.partition("/subnets/")[0]) or {}
    entries = network.get("properties", {}).get("subnets") or ()
    return next((entry for entry in entries if entry["id"].lower() == id_.lower()), None)


def place(context: Context, entry: Body, before: Body | None, location: str | None, given_away: dict[str, str]) -> None:
    """Give an entry its private address: the one that it names, that it had, or a free one. Raises ArmError.

    `before` is the entry as it was; `given_away` are addresses, and their entries' ids, that the same PUT took already.
    """
    properties, id_ = entry["properties"], entry["id"]
    wanted = reference(properties["subnet"]) or ""
    prefix = prefixes_of(subnet(context, wanted, id_, location))[0]
    taken = {**taken_in(context.store, wanted), **given_away}
    others = {address: holder for address, holder in taken.items() if holder.lower() != id_.lower()}
    had = (before or {}).get("properties", {}).get("privateIPAddress")
    same = before is not None and subnet_of(before) == wanted.lower()
    address: str | None
    if properties.setdefault("privateIPAllocationMethod", "Dynamic") == "Static":
        address = _named(entry, prefix, others)
    else:
        address = had if same and had else free_in(prefix, others)
    if address is None:
        raise bad_request("SubnetIsFull", f"Subnet {wanted} is full and cannot give an address to {id_}.")
    given_away[address] = id_
    properties["privateIPAddress"] = address


def prefixes_of(subnet: Body) -> list[str]:
    """The addresses of a subnet, in either of its spellings."""
    properties = subnet["properties"]
    return properties.get("addressPrefixes") or [properties["addressPrefix"]]


def _named(entry: Body, prefix: str, others: Container[str]) -> str:
    """The address that an entry names; raises ArmError (400) for one that it cannot have."""
    given, id_ = str(entry["properties"].get("privateIPAddress") or ""), entry["id"]
    address = read_address(given, id_)
    network = ipaddress.ip_network(prefix)
    if address not in network:
        raise bad_request(
            "PrivateIPAddressNotInSubnet",
            f"Private static IP address {given} does not belong to the range of subnet prefix {prefix}.",
        )
    if int(address) - int(network.network_address) <= RESERVED or address == network.broadcast_address:
        raise bad_request(
            "PrivateIPAddressInReservedRange",
            f"Private static IP address {given} falls within reserved IP range of subnet prefix {prefix}.",
        )
    if given in others:
        raise bad_request(
            "PrivateIPAddressIsAllocated",
            f"IP configuration {id_} is using the private IP address {given} which is already allocated to another resource.",
        )
    return given


def check_public(context: Context, wanted: str, by: str, location: str | None) -> None:
    """Raises ArmError when a public address is not there, not at rest, in another region, or another's than `by`."""
    found = referenced(context, wanted, by)
    if found["type"] != ADDRESSES or found["location"] != location:
        raise missing_reference(wanted, by)
    holder = holder_of(found)
    if holder and holder.lower() != by.lower():
        raise bad_request(
            "PublicIPAddressInUse",
            f"Resource {by} is referencing public IP address {wanted} that is already allocated to resource {holder}.",
            details=[],
        )


def holder_of(address: Body) -> str | None:
    """The id of what has a public address: an entry, or a NAT gateway."""
    properties = address["properties"]
    return reference(properties.get("ipConfiguration")) or reference(properties.get("natGateway"))


def held(context: Context, before: Body | None, after: Body | None) -> list[Change]:
    """What changes in public addresses when a resource with entries becomes another: each tells who has it."""
    return point(context, "ipConfiguration", _public(before), _public(after))


def _public(body: Body | None) -> dict[str, str]:
    """The public addresses of a resource's entries, in lower case, and whose each is."""
    entries = configurations(body) if body is not None else ()
    found = ((reference(entry["properties"].get("publicIPAddress")), entry["id"]) for entry in entries)
    return {address.lower(): id_ for address, id_ in found if address}


def point(context: Context, word: str, before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """What changes in other resources when those named in `before` are let go of, and those in `after` taken.

    Both say who takes what: id in lower case → the id that the resource tells in its property `word`.
    """
    changes: list[Change] = []
    for id_ in {**before, **after}:
        body, wanted = context.resource(id_), after.get(id_)
        if body is None or (reference(body["properties"].get(word)) or None) == wanted:
            continue
        properties = {key: value for key, value in body["properties"].items() if key != word}
        if wanted is not None:
            properties[word] = {"id": wanted}
        changes.append((RESOURCE, body["id"], {**body, "properties": properties}))
    return changes


def in_use(code: str, kind: str, id_: str, users: list[str]) -> ArmError | None:
    """The refusal to remove what has users; None when it has none."""
    if not users:
        return None
    return bad_request(
        code,
        f"{kind} {id_} cannot be deleted because it is in use by the following resources: {', '.join(users[:10])}.",
        details=[],
    )
