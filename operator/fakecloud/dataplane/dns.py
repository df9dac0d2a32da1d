"""An authoritative DNS server for the zones held: UDP and TCP around one pure function from query to answer."""

import asyncio
import logging
import struct
from collections.abc import Callable, Sequence
from typing import Final, cast

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from fakecloud.arm.types import RESOURCE
from fakecloud.compute.port import Placement
from fakecloud.dataplane.dns_zones import Zones
from fakecloud.store import Store

log = logging.getLogger(__name__)
PAYLOAD: Final = 1232
"""The largest UDP answer in bytes, and what we say we take: no fragments on any usual path (DNS flag day 2020)."""
IDLE_SECONDS: Final = 30.0
_HEADER: Final = struct.Struct("!HHHHHH")
_UNSERVED: Final = frozenset({dns.rdatatype.AXFR, dns.rdatatype.IXFR, dns.rdatatype.MAILA, dns.rdatatype.MAILB})


class Authority:
    """Answers queries from the store's zones, always as they are now."""

    def __init__(self, store: Store, placements: Callable[[], Sequence[Placement]]) -> None:
        """`placements` tell which machine a node is that asks."""
        self._store = store
        self._placements = placements
        self._version = 0
        self._zones = Zones({})

    def respond(self, wire: bytes, source: str, *, udp: bool) -> bytes | None:
        """The answer in wire format to the address `source`; None where none may be given.

        Over UDP it fits what the client takes, else TC is set.
        """
        if len(wire) < _HEADER.size:
            return None
        id_, flags, *_ = _HEADER.unpack_from(wire)
        if flags & dns.flags.QR:
            return None  # an answer to an answer would make two servers talk for ever
        if dns.opcode.from_flags(flags) != dns.opcode.QUERY:
            return _bare(id_, flags, dns.rcode.NOTIMP)
        try:
            query = dns.message.from_wire(wire)
            if len(query.question) != 1:
                return _bare(id_, flags, dns.rcode.FORMERR)
            response = self._answer(query, source)
        except (dns.exception.DNSException, ValueError):
            return _bare(id_, flags, dns.rcode.FORMERR)
        limit = max(512, min(query.payload, PAYLOAD)) if udp else 65535
        return response.to_wire(max_size=limit, prefer_truncation=True)

    def _answer(self, query: dns.message.Message, source: str) -> dns.message.Message:
        response = dns.message.make_response(query, our_payload=PAYLOAD)
        question = query.question[0]
        if query.edns > 0:
            response.use_edns(0, payload=PAYLOAD)
            response.set_rcode(dns.rcode.BADVERS)
        elif question.rdclass != dns.rdataclass.IN or question.rdtype in _UNSERVED:
            response.set_rcode(dns.rcode.REFUSED)
        else:
            try:
                zones = self._current()
                machines = [placed.address for placed in self._placements() if placed.node_address == source]
                outcome = zones.resolve(question.name, question.rdtype, zones.seen_from(machines or [source]))
            except ValueError as error:
                log.warning("dns: %s", error)
                response.set_rcode(dns.rcode.SERVFAIL)
                return response
            response.set_rcode(outcome.rcode)
            response.flags |= dns.flags.AA if outcome.authoritative else 0
            response.answer.extend(outcome.answer)
            response.authority.extend(outcome.authority)
            response.additional.extend(outcome.additional)
        return response

    def _current(self) -> Zones:
        if self._store.version != self._version:
            self._zones = Zones(self._store.all(RESOURCE))
            self._version = self._store.version
        return self._zones


Respond = Callable[..., bytes | None]


class _Datagrams(asyncio.DatagramProtocol):
    """UDP: one datagram, one answer."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # Python 3.11's own is no subclass of it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if (answer := self._respond(data, addr[0], udp=True)) is not None:
            self._transport.sendto(answer, addr)


class DnsServer:
    """UDP and TCP on one port. `port` is known once started, and 0 before."""

    def __init__(self, authority: Authority) -> None:
        self._respond = authority.respond
        self._connections: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def start(self, listen: str, port: int) -> None:
        """Listen; port 0 takes a free one."""
        self._tcp = await asyncio.start_server(self._serve, listen, port)
        self.port = int(self._tcp.sockets[0].getsockname()[1])
        loop = asyncio.get_running_loop()
        try:
            self._udp, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self._respond), local_addr=(listen, self.port)
            )
        except BaseException:
            self._tcp.close()
            raise
        log.info("dns: answering on %s:%d", listen, self.port)

    async def stop(self) -> None:
        """Close the sockets."""
        if self.port == 0:
            return
        self._udp.close()
        self._tcp.close()
        for connection in list(self._connections):
            connection.close()
        await self._tcp.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """TCP: messages after a length of two bytes (RFC 1035, 4.2.2), as many as the client likes (RFC 7766)."""
        self._connections.add(writer)
        source = str(writer.get_extra_info("peername")[0])
        try:
            while True:
                async with asyncio.timeout(IDLE_SECONDS):
                    length = int.from_bytes(await reader.readexactly(2))
                    answer = self._respond(await reader.readexactly(length), source, udp=False)
                    if answer is None:
                        return
                    writer.write(len(answer).to_bytes(2) + answer)
                    await writer.drain()
        except (TimeoutError, OSError, EOFError):
            return
        finally:
            self._connections.discard(writer)
            writer.close()


def _bare(id_: int, flags: int, rcode: dns.rcode.Rcode) -> bytes:
    """An answer that is a header alone: for what cannot be read any further."""
    kept = flags & (0x7800 | dns.flags.RD)  # opcode and RD come back as they were
    return _HEADER.pack(id_, dns.flags.QR | kept | rcode, 0, 0, 0, 0)
