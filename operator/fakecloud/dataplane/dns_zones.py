"""What the store's DNS zones say about a name: pure look-up, as RFC 1034 section 4.3.2 and RFC 4592 have it."""

from collections.abc import Iterator, Mapping, Sequence
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
_MARK: Final = "/providers/microsoft.network/dnszones/"


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
        chosen: dict[str, str] = {}
        for key in sorted(key for key in resources if _MARK in key):
            # A name may be held by several groups. In Azure each has its own name servers; one server has to choose.
            zone, _, rest = key.partition(_MARK)[2].partition("/")
            prefix = f"{key.partition(_MARK)[0]}{_MARK}{zone}"
            if chosen.setdefault(zone, prefix) != prefix:
                continue
            held = self._zones.setdefault(zone, Zone(zone, {zone: {}}))
            if rest:
                kind, _, name = rest.partition("/")
                held.add(zone if name == "@" else f"{name}.{zone}", RdataType[kind.upper()], resources[key])

    def zone(self, name: str) -> Zone | None:
        """The zone with the longest name that `name` is in."""
        return next((self._zones[part] for part in _ancestors(name) if part in self._zones), None)

    def resolve(self, name: dns.name.Name, kind: RdataType) -> Outcome:
        """The answer to one question. Raises ValueError when a record set holds what cannot be sent."""
        zone = self.zone(_text(name))
        if zone is None:
            return Outcome(dns.rcode.REFUSED, authoritative=False)
        answer: list[dns.rrset.RRset] = []
        asked: set[str] = set()
        while len(answer) < MAX_CHAIN and (text := _text(name)) not in asked:
            asked.add(text)
            if self.zone(text) is not zone:
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
