"""The DNS server, asked over real sockets by dnspython's own client."""

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import dns.asyncquery
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.update
import pytest

from fakecloud.arm.types import RESOURCE
from fakecloud.compute.port import Placement
from fakecloud.dataplane.dns import PAYLOAD, Authority, DnsServer
from fakecloud.store import Store

GROUP = "/subscriptions/S/resourceGroups/rg/providers"
SOA = {
    "host": "ns1-01.azure-dns.com.",
    "email": "azuredns-hostmaster.microsoft.com",
    "serialNumber": 1,
    "refreshTime": 3600,
    "retryTime": 300,
    "expireTime": 2419200,
    "minimumTTL": 300,
}


class Cloud:
    """A store with DNS zones, and the server over it."""

    def __init__(self, store: Store, server: DnsServer) -> None:
        self.store = store
        self.server = server

    def zone(self, name: str, group: str = GROUP) -> None:
        """A zone as ARM makes it."""
        id_ = f"{group}/Microsoft.Network/dnsZones/{name}"
        self.store.put(RESOURCE, id_, {"id": id_, "name": name, "type": "", "properties": {}})
        self.record(name, "SOA", "@", {"TTL": 3600, "SOARecord": SOA}, group)
        self.record(name, "NS", "@", {"TTL": 172800, "NSRecords": [{"nsdname": "ns1-01.azure-dns.com."}]}, group)

    def record(self, zone: str, kind: str, name: str, properties: Mapping[str, Any], group: str = GROUP) -> None:
        """A record set."""
        id_ = f"{group}/Microsoft.Network/dnsZones/{zone}/{kind}/{name}"
        self.store.put(RESOURCE, id_, {"id": id_, "name": name, "type": "", "properties": dict(properties)})

    def address(self, zone: str, name: str, *addresses: str, ttl: int = 60) -> None:
        """An A record set."""
        self.record(zone, "A", name, {"TTL": ttl, "ARecords": [{"ipv4Address": a} for a in addresses]})

    def private(self, name: str, owner: str, address: str, *networks: str) -> None:
        """A private zone with one A record set, linked to networks."""
        zone = f"{GROUP}/Microsoft.Network/privateDnsZones/{name}"
        soa = {**SOA, "minimumTtl": 10}
        bodies = {
            zone: {},
            f"{zone}/SOA/@": {"ttl": 3600, "soaRecord": soa},
            f"{zone}/A/{owner}": {"ttl": 60, "aRecords": [{"ipv4Address": address}]},
            **{f"{zone}/virtualNetworkLinks/{i}": {"virtualNetwork": {"id": id_}} for i, id_ in enumerate(networks)},
        }
        for id_, properties in bodies.items():
            self.store.put(RESOURCE, id_, {"id": id_, "type": "", "properties": properties})

    def network(self, name: str, prefix: str) -> str:
        """The id of a network."""
        id_ = f"{GROUP}/Microsoft.Network/virtualNetworks/{name}"
        body = {"id": id_, "type": "Microsoft.Network/virtualNetworks"}
        self.store.put(RESOURCE, id_, {**body, "properties": {"addressSpace": {"addressPrefixes": [prefix]}}})
        return id_

    def machine(self, network: str, address: str) -> None:
        """A machine in a subnet of a network."""
        type_ = "Microsoft.ContainerService/managedClusters/agentPools/machines"
        row = {"id": f"/machines/{address}", "type": type_, "_subnet": f"{network}/subnets/nodes"}
        properties = {"network": {"ipAddresses": [{"family": "IPv4", "ip": address}]}}
        self.store.put(RESOURCE, row["id"], {**row, "properties": properties})

    async def ask(self, name: str, kind: str = "A", *, tcp: bool = False, **more: Any) -> dns.message.Message:
        """The server's answer."""
        return await self.send(dns.message.make_query(name, kind, **more), tcp=tcp)

    async def send(self, query: dns.message.Message, *, tcp: bool = False) -> dns.message.Message:
        """The server's answer to any message."""
        ask = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
        return await ask(query, "127.0.0.1", port=self.server.port, timeout=5)

    async def raw(self, wire: bytes) -> bytes:
        """The server's answer to bytes, over TCP; empty when it hangs up."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        try:
            writer.write(len(wire).to_bytes(2) + wire)
            async with asyncio.timeout(5):
                head = await reader.read(2)
                return await reader.readexactly(int.from_bytes(head)) if head else b""
        finally:
            writer.close()
            await writer.wait_closed()


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    async with _cloud(tmp_path) as made:
        made.zone("example.com")
        yield made


def _cloud(path: Path, placements: Sequence[Placement] = ()) -> AbstractAsyncContextManager[Cloud]:
    @asynccontextmanager
    async def made() -> AsyncIterator[Cloud]:
        store = Store(path)
        server = DnsServer(Authority(store, lambda: placements))
        await server.start("127.0.0.1", 0)
        try:
            yield Cloud(store, server)
        finally:
            await server.stop()
            store.close()

    return made()


def texts(sets: list[Any]) -> list[str]:
    """Record sets in presentation format, sorted."""
    return sorted(line for found in sets for line in found.to_text().splitlines())


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_an_address_is_answered_with_authority_and_its_ttl(cloud: Cloud, tcp: bool) -> None:
    cloud.address("example.com", "www", "203.0.113.1", "203.0.113.2", ttl=77)
    answer = await cloud.ask("www.example.com", tcp=tcp)
    assert texts(answer.answer) == [
        "www.example.com. 77 IN A 203.0.113.1",
        "www.example.com. 77 IN A 203.0.113.2",
    ]
    assert answer.flags & dns.flags.AA
    assert not answer.flags & dns.flags.RA


async def test_a_change_is_seen_by_the_next_query(cloud: Cloud) -> None:
    assert (await cloud.ask("www.example.com")).rcode() == dns.rcode.NXDOMAIN
    cloud.address("example.com", "www", "203.0.113.1")
    assert texts((await cloud.ask("www.example.com")).answer) == ["www.example.com. 60 IN A 203.0.113.1"]
    cloud.store.delete(RESOURCE, f"{GROUP}/Microsoft.Network/dnsZones/example.com/A/www")
    assert (await cloud.ask("www.example.com")).rcode() == dns.rcode.NXDOMAIN


async def test_case_of_a_name_does_not_matter_and_comes_back_as_asked(cloud: Cloud) -> None:
    cloud.address("example.com", "www", "203.0.113.1")
    answer = await cloud.ask("wWw.ExAmple.COM")
    assert texts(answer.answer) == ["wWw.ExAmple.COM. 60 IN A 203.0.113.1"]


RECORDS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("A", {"ARecords": [{"ipv4Address": "203.0.113.9"}]}, ["203.0.113.9"]),
    ("AAAA", {"AAAARecords": [{"ipv6Address": "2001:db8::1"}]}, ["2001:db8::1"]),
    ("CNAME", {"CNAMERecord": {"cname": "else.example.net"}}, ["else.example.net."]),
    ("MX", {"MXRecords": [{"preference": 10, "exchange": "mail.example.net."}]}, ["10 mail.example.net."]),
    ("PTR", {"PTRRecords": [{"ptrdname": "host.example.net"}]}, ["host.example.net."]),
    ("SRV", {"SRVRecords": [{"priority": 1, "weight": 2, "port": 3, "target": "a.b"}]}, ["1 2 3 a.b."]),
    ("CAA", {"caaRecords": [{"flags": 0, "tag": "issue", "value": "ca.example.net"}]}, ['0 issue "ca.example.net"']),
    ("TXT", {"TXTRecords": [{"value": ['a"b\\c', "ü"]}, {"value": ["v=1"]}]}, ['"a\\"b\\\\c" "\\195\\188"', '"v=1"']),
]


@pytest.mark.parametrize(("kind", "properties", "wanted"), RECORDS, ids=[kind for kind, _, _ in RECORDS])
async def test_every_record_type_held_is_answered(
    cloud: Cloud, kind: str, properties: dict[str, Any], wanted: list[str]
) -> None:
    cloud.record("example.com", kind, "x", {"TTL": 5, **properties})
    answer = await cloud.ask("x.example.com", kind)
    assert texts(answer.answer) == [f"x.example.com. 5 IN {kind} {value}" for value in wanted]


async def test_a_text_longer_than_a_character_string_is_split(cloud: Cloud) -> None:
    cloud.record("example.com", "TXT", "long", {"TTL": 5, "TXTRecords": [{"value": ["x" * 300]}]})
    (found,) = (await cloud.ask("long.example.com", "TXT")).answer
    assert found[0].strings == (b"x" * 255, b"x" * 45)


async def test_the_apex_has_soa_ns_and_what_is_set_there(cloud: Cloud) -> None:
    cloud.address("example.com", "@", "203.0.113.5")
    soa = await cloud.ask("example.com", "SOA")
    assert texts(soa.answer) == [
        "example.com. 3600 IN SOA ns1-01.azure-dns.com. azuredns-hostmaster.microsoft.com. 1 3600 300 2419200 300"
    ]
    assert texts((await cloud.ask("example.com", "NS")).answer) == ["example.com. 172800 IN NS ns1-01.azure-dns.com."]
    assert texts((await cloud.ask("example.com")).answer) == ["example.com. 60 IN A 203.0.113.5"]


@pytest.mark.parametrize(
    ("name", "rcode"),
    [
        ("nothing.example.com", dns.rcode.NXDOMAIN),
        ("below.www.example.com", dns.rcode.NXDOMAIN),
        ("www.example.com", dns.rcode.NOERROR),
        ("empty.example.com", dns.rcode.NOERROR),
    ],
    ids=["no name", "below a name", "another type", "empty non-terminal"],
)
async def test_absence_is_proved_by_the_soa_with_the_negative_ttl(
    cloud: Cloud, name: str, rcode: dns.rcode.Rcode
) -> None:
    cloud.address("example.com", "www", "203.0.113.1")
    cloud.address("example.com", "deep.empty", "203.0.113.1")
    answer = await cloud.ask(name, "AAAA")
    assert answer.rcode() == rcode
    assert answer.answer == []
    assert answer.flags & dns.flags.AA
    (soa,) = answer.authority
    assert (soa.name.to_text(), soa.rdtype, soa.ttl) == ("example.com.", dns.rdatatype.SOA, 300)


@pytest.mark.parametrize("name", ["example.net", "com", ".", "notexample.com"])
async def test_outside_every_zone_is_refused(cloud: Cloud, name: str) -> None:
    answer = await cloud.ask(name)
    assert answer.rcode() == dns.rcode.REFUSED
    assert not answer.flags & dns.flags.AA
    assert answer.authority == []


async def test_the_longest_zone_answers(cloud: Cloud) -> None:
    cloud.zone("dev.example.com")
    cloud.address("example.com", "www.dev", "203.0.113.1")
    cloud.address("dev.example.com", "www", "203.0.113.2")
    assert texts((await cloud.ask("www.dev.example.com")).answer) == ["www.dev.example.com. 60 IN A 203.0.113.2"]
    (soa,) = (await cloud.ask("no.dev.example.com")).authority
    assert soa.name.to_text() == "dev.example.com."


async def test_of_two_zones_of_one_name_one_answers_whole(cloud: Cloud) -> None:
    other = GROUP.replace("rg", "zz")
    cloud.zone("example.com", other)
    cloud.address("example.com", "mine", "203.0.113.1")
    cloud.record("example.com", "A", "theirs", {"TTL": 1, "ARecords": [{"ipv4Address": "203.0.113.2"}]}, other)
    assert (await cloud.ask("mine.example.com")).answer
    assert (await cloud.ask("theirs.example.com")).rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize(
    ("name", "kind", "rcode", "wanted"),
    [  # the table of RFC 4592, 2.2.1
        ("host3.example.com", "MX", 0, ["host3.example.com. 1 IN MX 10 host1.example.com."]),
        ("host3.example.com", "A", 0, []),
        ("foo.bar.example.com", "TXT", 0, ['foo.bar.example.com. 1 IN TXT "this is a wild card"']),
        ("host1.example.com", "MX", 0, []),
        ("sub.*.example.com", "MX", 0, []),
        ("_telnet._tcp.host1.example.com", "SRV", 3, []),
        ("host.subdel.example.com", "A", 0, []),
        ("ghost.*.example.com", "MX", 3, []),
        ("*.example.com", "TXT", 0, ['*.example.com. 1 IN TXT "this is a wild card"']),
    ],
)
async def test_wildcards_are_as_rfc_4592_has_them(
    cloud: Cloud, name: str, kind: str, rcode: int, wanted: list[str]
) -> None:
    ttl = {"TTL": 1}
    cloud.record("example.com", "TXT", "*", {**ttl, "TXTRecords": [{"value": ["this is a wild card"]}]})
    cloud.record("example.com", "MX", "*", {**ttl, "MXRecords": [{"preference": 10, "exchange": "host1.example.com."}]})
    cloud.record("example.com", "TXT", "sub.*", {**ttl, "TXTRecords": [{"value": ["this is not a wild card"]}]})
    cloud.address("example.com", "host1", "192.0.2.1", ttl=1)
    srv = {"SRVRecords": [{"priority": 0, "weight": 0, "port": 22, "target": "host2.example.com."}]}
    cloud.record("example.com", "SRV", "_ssh._tcp.host1", {**ttl, **srv})
    cloud.record("example.com", "NS", "subdel", {**ttl, "NSRecords": [{"nsdname": "ns.example.net."}]})
    answer = await cloud.ask(name, kind)
    assert (answer.rcode(), texts(answer.answer)) == (rcode, wanted)


async def test_a_delegation_is_referred_with_glue_and_without_authority(cloud: Cloud) -> None:
    cloud.record("example.com", "NS", "sub", {"TTL": 9, "NSRecords": [{"nsdname": "ns.sub.example.com."}]})
    cloud.address("example.com", "ns.sub", "192.0.2.53")
    answer = await cloud.ask("www.sub.example.com")
    assert not answer.flags & dns.flags.AA
    assert answer.answer == []
    assert texts(answer.authority) == ["sub.example.com. 9 IN NS ns.sub.example.com."]
    assert texts(answer.additional) == ["ns.sub.example.com. 60 IN A 192.0.2.53"]


def alias(name: str) -> dict[str, Any]:
    return {"TTL": 30, "CNAMERecord": {"cname": name}}


async def test_aliases_are_followed_inside_the_zone(cloud: Cloud) -> None:
    cloud.record("example.com", "CNAME", "a", alias("b.example.com"))
    cloud.record("example.com", "CNAME", "b", alias("c.example.com."))
    cloud.address("example.com", "c", "203.0.113.3")
    answer = await cloud.ask("a.example.com")
    assert [found.to_text() for found in answer.answer] == [
        "a.example.com. 30 IN CNAME b.example.com.",
        "b.example.com. 30 IN CNAME c.example.com.",
        "c.example.com. 60 IN A 203.0.113.3",
    ]
    assert len((await cloud.ask("a.example.com", "CNAME")).answer) == 1


async def test_an_alias_that_leaves_the_zone_ends_the_answer(cloud: Cloud) -> None:
    cloud.zone("example.org")
    cloud.address("example.org", "www", "203.0.113.3")
    for target in ("www.example.org", "www.elsewhere.test"):
        cloud.record("example.com", "CNAME", "out", alias(target))
        answer = await cloud.ask("out.example.com")
        assert (answer.rcode(), texts(answer.answer)) == (0, [f"out.example.com. 30 IN CNAME {target}."])


async def test_a_chain_ends_with_the_rcode_of_its_last_name(cloud: Cloud) -> None:
    cloud.record("example.com", "CNAME", "a", alias("gone.example.com"))
    answer = await cloud.ask("a.example.com")
    assert answer.rcode() == dns.rcode.NXDOMAIN  # RFC 6604, 3
    assert len(answer.answer) == 1
    assert answer.authority[0].rdtype == dns.rdatatype.SOA


async def test_a_circle_of_aliases_is_walked_once(cloud: Cloud) -> None:
    cloud.record("example.com", "CNAME", "a", alias("b.example.com"))
    cloud.record("example.com", "CNAME", "b", alias("a.example.com"))
    assert len((await cloud.ask("a.example.com")).answer) == 2


async def test_an_alias_record_set_follows_its_target_resource(cloud: Cloud) -> None:
    ip = f"{GROUP}/Microsoft.Network/publicIPAddresses/web"
    cloud.store.put(RESOURCE, ip, {"id": ip, "properties": {"ipAddress": "203.0.113.44"}})
    cloud.record("example.com", "A", "ip", {"TTL": 1, "ARecords": [], "targetResource": {"id": ip.upper()}})
    assert texts((await cloud.ask("ip.example.com")).answer) == ["ip.example.com. 1 IN A 203.0.113.44"]
    cloud.store.delete(RESOURCE, ip)
    gone = await cloud.ask("ip.example.com")
    assert (gone.rcode(), gone.answer, len(gone.authority)) == (0, [], 1)


async def test_what_cannot_be_sent_is_a_server_failure_and_harms_nothing_else(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.record("example.com", "CNAME", "bad", alias("two..dots"))
    cloud.address("example.com", "www", "203.0.113.1")
    assert (await cloud.ask("bad.example.com")).rcode() == dns.rcode.SERVFAIL
    assert "two..dots" in caplog.text
    assert (await cloud.ask("www.example.com")).rcode() == dns.rcode.NOERROR


@pytest.mark.parametrize(
    ("payload", "limit"), [(None, 512), (1232, 1232), (4096, PAYLOAD)], ids=["no EDNS", "1232", "more than we send"]
)
async def test_an_answer_too_long_for_udp_is_truncated_and_whole_over_tcp(
    cloud: Cloud, payload: int | None, limit: int
) -> None:
    values = [{"value": [f"{i:02d}" + "x" * 200]} for i in range(20)]
    cloud.record("example.com", "TXT", "big", {"TTL": 1, "TXTRecords": values})
    query = dns.message.make_query("big.example.com", "TXT", use_edns=payload is not None, payload=payload)
    short = await cloud.send(query)
    assert short.flags & dns.flags.TC
    assert len(short.to_wire()) <= limit
    whole = await cloud.send(query, tcp=True)
    assert not whole.flags & dns.flags.TC
    assert len(whole.answer[0]) == 20


async def test_edns_makes_room_and_is_answered_only_when_asked(cloud: Cloud) -> None:
    cloud.address("example.com", "many", *(f"203.0.113.{i}" for i in range(40)))
    assert (await cloud.ask("many.example.com")).flags & dns.flags.TC
    roomy = await cloud.ask("many.example.com", use_edns=0, payload=1232)
    assert not roomy.flags & dns.flags.TC
    assert (roomy.edns, roomy.payload, len(roomy.answer[0])) == (0, PAYLOAD, 40)
    assert (await cloud.ask("example.com")).edns == -1


async def test_an_unknown_edns_version_is_told_ours(cloud: Cloud) -> None:
    answer = await cloud.ask("example.com", use_edns=1)
    assert (answer.rcode(), answer.edns) == (dns.rcode.BADVERS, 0)


async def test_what_is_not_a_query_is_not_implemented(cloud: Cloud) -> None:
    answer = await cloud.send(dns.update.UpdateMessage("example.com"))
    assert answer.rcode() == dns.rcode.NOTIMP
    assert answer.opcode() == dns.opcode.UPDATE


@pytest.mark.parametrize("kind", ["AXFR", "IXFR"])
async def test_transfers_are_refused(cloud: Cloud, kind: str) -> None:
    wire = await cloud.raw(dns.message.make_query("example.com", kind).to_wire())
    assert dns.message.from_wire(wire).rcode() == dns.rcode.REFUSED


async def test_other_classes_are_refused(cloud: Cloud) -> None:
    assert (await cloud.ask("version.bind", "TXT", rdclass="CH")).rcode() == dns.rcode.REFUSED


QUESTION = b"\x03www\x07example\x03com\0\0\1\0\1"


@pytest.mark.parametrize(
    "wire",
    [
        struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\x3fshort",
        struct.pack("!HHHHHH", 7, 0x0100, 0, 0, 0, 0),
        struct.pack("!HHHHHH", 7, 0x0100, 2, 0, 0, 0) + QUESTION + QUESTION,
        struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + QUESTION + b"junk",
    ],
    ids=["cut name", "no question", "two questions", "junk behind"],
)
async def test_what_cannot_be_read_is_a_format_error_with_the_querys_id(cloud: Cloud, wire: bytes) -> None:
    id_, flags, *counts = struct.unpack("!HHHHHH", await cloud.raw(wire))
    assert (id_, flags & 0xF, counts) == (7, dns.rcode.FORMERR, [0, 0, 0, 0])
    assert flags & dns.flags.QR
    assert flags & dns.flags.RD


@pytest.mark.parametrize("wire", [b"", b"short", struct.pack("!HHHHHH", 7, 0x8000, 1, 0, 0, 0) + QUESTION])
async def test_no_answer_to_fragments_and_to_answers(cloud: Cloud, wire: bytes) -> None:
    assert await cloud.raw(wire) == b""


async def test_a_tcp_connection_takes_many_queries(cloud: Cloud) -> None:
    cloud.address("example.com", "www", "203.0.113.1")
    reader, writer = await asyncio.open_connection("127.0.0.1", cloud.server.port)
    for _ in range(3):
        wire = dns.message.make_query("www.example.com", "A").to_wire()
        writer.write(len(wire).to_bytes(2) + wire)
        answer = dns.message.from_wire(await reader.readexactly(int.from_bytes(await reader.readexactly(2))))
        assert len(answer.answer) == 1
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("kind", ["A", "ANY"])
async def test_any_shows_all_that_is_there(cloud: Cloud, kind: str) -> None:
    cloud.address("example.com", "www", "203.0.113.1")
    cloud.record("example.com", "TXT", "www", {"TTL": 1, "TXTRecords": [{"value": ["t"]}]})
    assert len((await cloud.ask("www.example.com", kind)).answer) == (2 if kind == "ANY" else 1)


async def test_a_private_zone_answers_only_in_the_networks_that_it_is_linked_to(tmp_path: Path) -> None:
    async with _cloud(tmp_path) as cloud:
        near, far = cloud.network("near", "127.0.0.0/8"), cloud.network("far", "10.9.0.0/16")
        cloud.private("corp.example", "db", "10.0.0.9", far)
        assert (await cloud.ask("db.corp.example")).rcode() == dns.rcode.REFUSED
        cloud.private("lab.example", "db", "10.0.0.8", near, far)
        for tcp in (False, True):
            answer = await cloud.ask("db.lab.example", tcp=tcp)
            assert texts(answer.answer) == ["db.lab.example. 60 IN A 10.0.0.8"]
        assert (await cloud.ask("none.lab.example")).rcode() == dns.rcode.NXDOMAIN


async def test_in_a_linked_network_a_private_zone_hides_a_public_one(tmp_path: Path) -> None:
    async with _cloud(tmp_path) as cloud:
        cloud.zone("www.example.com")
        cloud.address("www.example.com", "@", "203.0.113.1")
        assert texts((await cloud.ask("www.example.com")).answer) == ["www.example.com. 60 IN A 203.0.113.1"]
        cloud.private("example.com", "www", "10.0.0.9", cloud.network("near", "127.0.0.0/8"))
        assert texts((await cloud.ask("www.example.com")).answer) == ["www.example.com. 60 IN A 10.0.0.9"]


async def test_a_node_asks_as_the_machine_that_it_is(tmp_path: Path) -> None:
    placed = Placement(node="worker", node_address="127.0.0.1", machine="aks-0", address="10.9.0.4", cluster="c")
    async with _cloud(tmp_path, [placed]) as cloud:
        home, twin = cloud.network("home", "10.9.0.0/16"), cloud.network("twin", "10.9.0.0/16")
        cloud.machine(home, "10.9.0.4")
        cloud.private("corp.example", "db", "10.0.0.9", home)
        cloud.private("lab.example", "db", "10.0.0.8", twin)
        assert texts((await cloud.ask("db.corp.example")).answer) == ["db.corp.example. 60 IN A 10.0.0.9"]
        assert (await cloud.ask("db.lab.example")).rcode() == dns.rcode.REFUSED
