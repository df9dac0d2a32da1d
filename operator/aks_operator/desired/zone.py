"""A DNSZone and its records as ARM bodies. Pure."""

from collections.abc import Iterable
from typing import Any, Final

from aks_operator.plan import Resource

ZONES: Final = "Microsoft.Network/dnsZones"


def zone(id_: str, spec: Any, mark: str) -> Resource:
    """The public zone."""
    return Resource(id_, ZONES, {"location": "global"}, mark, tags=dict(spec.tags or {}))


def address_record(id_: str, addresses: Iterable[str], ttl: int, mark: str) -> Resource:
    """An A record set. Its mark lies in its metadata (see marks)."""
    body = {
        "properties": {
            "TTL": ttl,
            "ARecords": [{"ipv4Address": address} for address in sorted(addresses)],
        }
    }
    return Resource(id_, f"{ZONES}/A", body, mark)
