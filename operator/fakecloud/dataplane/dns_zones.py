"""What the store's DNS zones say about a name: pure look-up, as RFC 1034 section 4.3.2 and RFC 4592 have it.

Private zones are seen only from the networks that they are linked to, and there before all others.
"""

import ipaddress
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import dns.exception
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdatatype import RdataType

Body = Mapping[str, Any]
MAX_CHAIN: Final = 16
"""CNAMEs followed for one question; RFC 1034 leaves the bound to the server."""
_PUBLIC: Final = "/providers/microsoft.network/dnszones/"
_PRIVATE: Final = "/providers/microsoft.network/privatednszones/"
_LINKS: Final = "virtualnetworklinks"
_NETWORKS: Final = "microsoft.network/virtualnetworks"
_MACHINES: Final = "microsoft.containerservice/managedclusters/agentpools/machines"


@dataclass(frozen=True)
class Outcome:
    """What goes into an answer."""

    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    authoritative: bool = True
    answer: Sequence[dns.rrset.RRset] = ()
    authority: Sequence[dns.rrset.RRset] = ()
    additional: Sequence[dns.rrset.RRset] = ()


@dataclass
class Zone:
    """One zone's record sets: by owner ("www.example.com", lower case, no dot at the end), then by type."""

    origin: str
    nodes: dict[str, dict[RdataType, Body]] = field(default_factory=dict)

    def add(self, owner: str, kind: RdataType, body: Body) -> None:
        """Take in a record set. The names between it and the apex exist too, without records (RFC 4592, 2.2.2)."""
        self.nodes.setdefault(owner, {})[kind] = body
        while owner != self.origin:
            owner = owner.partition(".")[2]
            self.nodes.setdefault(owner, {})

    def cut(self, name: str) -> str | None:
        """The delegation that `name` is at or below, None when it is in this zone itself."""
        found = None
        for owner in _ancestors(name):
            if owner == self.origin:
                break
            if RdataType.NS in self.nodes.get(owner, {}):
                found = owner  # the highest cut counts: what is below it is no longer ours
        return found

    def node(self, name: str) -> tuple[str, Mapping[RdataType, Body]] | None:
        """The owner that answers for `name` and its record sets: its own or a wildcard's; None when no such name exists."""
        if name in self.nodes:
            return name, self.nodes[name]
        for encloser in _ancestors(name):
            if encloser in self.nodes:
                wildcard = f"*.{encloser}"
                return (wildcard, self.nodes[wildcard]) if wildcard in self.nodes else None
        return None


class Zones:
    """All zones of a store, as of one of its versions."""

    def __init__(self, resources: Mapping[str, Body]) -> None:
        self._resources = resources
        self._zones: dict[str, Zone] = {}
        for id_, zone in _held(resources, _PUBLIC).items():
            # A name may be held by several groups. In Azure each has its own name servers; one server has to choose.
            self._zones.setdefault(id_.partition(_PUBLIC)[2], zone)
        private = _held(resources, _PRIVATE)
        self._private: dict[str, dict[str, Zone]] = {}
        for key, body in resources.items():
            id_, _, link = key.partition(f"/{_LINKS}/")
            if link and id_ in private:
                network = str(body["properties"]["virtualNetwork"]["id"]).lower()
                self._private.setdefault(network, {})[private[id_].origin] = private[id_]

    def seen_from(self, addresses: Iterable[str]) -> frozenset[str]:
        """The networks (ids in lower case) that somebody with one of these addresses is in: a machine in its own only."""
        if not self._private:
            return frozenset()
        homes, spaces = {}, []
        for body in self._resources.values():
            type_ = str(body["type"]).lower()
            if type_ == _MACHINES:
                home = str(body["_subnet"]).lower().partition("/subnets/")[0]
                homes.update({str(entry["ip"]): home for entry in body["properties"]["network"]["ipAddresses"]})
            elif type_ == _NETWORKS:
                prefixes = body["properties"]["addressSpace"]["addressPrefixes"]
                spaces.append((str(body["id"]).lower(), [ipaddress.ip_network(prefix) for prefix in prefixes]))
        found: set[str] = set()
        for address in addresses:
            if address in homes:
                found.add(homes[address])
            else:
                ip = ipaddress.ip_address(address)
                found.update(id_ for id_, prefixes in spaces if any(ip in prefix for prefix in prefixes))
        return frozenset(found)

    def zone(self, name: str, networks: Collection[str] = ()) -> Zone | None:
        """The zone with the longest name that `name` is in: a private one of `networks`, else a public one."""
        private = {origin: zone for network in networks for origin, zone in self._private.get(network, {}).items()}
        for zones in (private, self._zones):
            found = next((zones[part] for part in _ancestors(name) if part in zones), None)
            if found is not None:
                return found
        return None

    def resolve(self, name: dns.name.Name, kind: RdataType, networks: Collection[str] = ()) -> Outcome:
        """The answer to one question of somebody in `networks`. Raises ValueError when a record set holds what cannot be sent."""
        zone = self.zone(_text(name), networks)
        if zone is None:
            return Outcome(dns.rcode.REFUSED, authoritative=False)
        answer: list[dns.rrset.RRset] = []
        asked: set[str] = set()
        while len(answer) < MAX_CHAIN and (text := _text(name)) not in asked:
            asked.add(text)
            if self.zone(text, networks) is not zone:
                break
            if (cut := zone.cut(text)) is not None:
                return self._referral(zone, cut, answer)
            node = zone.node(text)
            if node is None:
                return Outcome(dns.rcode.NXDOMAIN, answer=answer, authority=[self._negative(zone)])
            sets = self._sets(name, node[1], kind)
            if sets or RdataType.CNAME not in node[1]:
                answer += sets
                return Outcome(answer=answer, authority=[] if sets else [self._negative(zone)])
            alias = self._rrset(name, RdataType.CNAME, node[1][RdataType.CNAME])
            answer.append(alias)
            name = alias[0].target
        return Outcome(answer=answer)

    def _sets(self, name: dns.name.Name, records: Mapping[RdataType, Body], kind: RdataType) -> list[dns.rrset.RRset]:
        kinds = list(records) if kind == RdataType.ANY else [kind] if kind in records else []
        return [found for k in kinds if len(found := self._rrset(name, k, records[k]))]

    def _referral(self, zone: Zone, cut: str, answer: Sequence[dns.rrset.RRset]) -> Outcome:
        servers = self._rrset(_name(cut), RdataType.NS, zone.nodes[cut][RdataType.NS])
        glue = [
            self._rrset(server.target, kind, records[kind])
            for server in servers
            for records in [zone.nodes.get(_text(server.target), {})]
            for kind in (RdataType.A, RdataType.AAAA)
            if kind in records
        ]
        return Outcome(authoritative=bool(answer), answer=answer, authority=[servers], additional=glue)

    def _negative(self, zone: Zone) -> dns.rrset.RRset:
        """The SOA that lets a resolver remember the absence: no longer than its own TTL and `minimum` (RFC 2308, 5)."""
        if RdataType.SOA not in zone.nodes[zone.origin]:
            raise ValueError(f"zone {zone.origin} has no SOA")
        soa = self._rrset(_name(zone.origin), RdataType.SOA, zone.nodes[zone.origin][RdataType.SOA])
        soa.ttl = min(soa.ttl, soa[0].minimum)
        return soa

    def _rrset(self, owner: dns.name.Name, kind: RdataType, body: Body) -> dns.rrset.RRset:
        """A record set in wire terms; empty when it holds nothing (an alias whose target is gone)."""
        properties = _Words(body["properties"])
        texts = list(_texts(kind, properties)) or self._alias(kind, properties)
        found = dns.rrset.RRset(owner, dns.rdataclass.IN, kind)
        found.update_ttl(int(properties["ttl"]))
        for text in texts:
            try:
                found.add(dns.rdata.from_text(dns.rdataclass.IN, kind, text, relativize=False, origin=dns.name.root))
            except (dns.exception.DNSException, ValueError) as error:
                raise ValueError(f"{body['id']} holds {text!r}: {error}") from error
        return found

    def _alias(self, kind: RdataType, properties: "_Words") -> list[str]:
        """Where `targetResource` leads: a public address, or the record set of that type it names."""
        target = self._resources.get(str(_Words(properties["targetResource"] or {})["id"] or "").lower())
        if target is None or kind not in {RdataType.A, RdataType.AAAA, RdataType.CNAME}:
            return []
        held = _Words(target["properties"])
        if kind == RdataType.A and isinstance(held["ipAddress"], str):
            return [held["ipAddress"]]
        return list(_texts(kind, held))


def _held(resources: Mapping[str, Body], mark: str) -> dict[str, Zone]:
    """The zones of a kind with their record sets, by id in lower case, in the order of their ids."""
    zones: dict[str, Zone] = {}
    for key in sorted(key for key in resources if mark in key):
        scope, _, path = key.partition(mark)
        name, _, rest = path.partition("/")
        held = zones.setdefault(f"{scope}{mark}{name}", Zone(name, {name: {}}))
        kind, _, owner = rest.partition("/")
        if rest and kind != _LINKS:
            held.add(name if owner == "@" else f"{owner}.{name}", RdataType[kind.upper()], resources[key])
    return zones


class _Words:
    """A JSON object whose keys are found however they are spelled, as ARM does; None for what is not there."""

    def __init__(self, body: Body) -> None:
        self._body = {key.lower(): value for key, value in body.items()}

    def __getitem__(self, key: str) -> Any:
        return self._body.get(key.lower())


_LISTS: Final[Mapping[RdataType, tuple[str, Sequence[str]]]] = {
    RdataType.A: ("ARecords", ("ipv4Address",)),
    RdataType.AAAA: ("AAAARecords", ("ipv6Address",)),
    RdataType.MX: ("MXRecords", ("preference", "exchange")),
    RdataType.NS: ("NSRecords", ("nsdname",)),
    RdataType.PTR: ("PTRRecords", ("ptrdname",)),
    RdataType.SRV: ("SRVRecords", ("priority", "weight", "port", "target")),
}
"""Where a type keeps its records, and their fields in the order of the presentation format."""
_SOA: Final = ("host", "email", "serialNumber", "refreshTime", "retryTime", "expireTime", "minimumTTL")


def _texts(kind: RdataType, properties: _Words) -> Iterator[str]:
    """The records in presentation format (RFC 1035, 5.1). Names in ARM are absolute, with or without the dot."""
    if kind == RdataType.SOA:
        record = _Words(properties["SOARecord"] or {})
        yield " ".join(str(record[key]) for key in _SOA)
    elif kind == RdataType.CNAME:
        if name := _Words(properties["CNAMERecord"] or {})["cname"]:
            yield str(name)
    elif kind == RdataType.TXT:
        for record in properties["TXTRecords"] or ():
            yield " ".join(_quoted(text) for text in _Words(record)["value"] or ())
    elif kind == RdataType.CAA:
        for record in map(_Words, properties["caaRecords"] or ()):
            yield f"{record['flags']} {record['tag']} {_quoted(str(record['value']))}"
    else:
        key, fields = _LISTS[kind]
        for record in map(_Words, properties[key] or ()):
            yield " ".join(str(record[name]) for name in fields)


def _quoted(text: str) -> str:
    """Character strings: of at most 255 bytes each, every byte escaped that could mean something."""
    raw = text.encode()
    parts = [raw[i : i + 255] for i in range(0, len(raw), 255)] or [b""]
    return " ".join('"' + "".join(f"\\{byte:03d}" for byte in part) + '"' for part in parts)


def _ancestors(name: str) -> Iterator[str]:
    """The name, its parent, and so on; without the root."""
    while name:
        yield name
        name = name.partition(".")[2]


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _name(text: str) -> dns.name.Name:
    return dns.name.from_text(text)
