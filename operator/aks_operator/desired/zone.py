"""A DNSZone and its records as ARM bodies. Pure."""

from collections.abc import Iterable
from typing import Any, Final

from aks_operator.marks import OWNER_TAG
from aks_operator.plan import Resource

ZONES: Final = "Microsoft.Network/dnsZones"


def zone(id_: str, spec: Any, mark: str) -> Resource:
    """The public zone."""
    return Resource(id_, ZONES, {"location": "global"}, mark, tags=dict(spec.tags or {}))


def address_record(id_: str, addresses: Iterable[str], ttl: int, mark: str) -> Resource:
    """An A record set. Its mark lies in its metadata: record sets have no tags."""
    body = {
        "properties": {
            "TTL": ttl,
            "ARecords": [{"ipv4Address": address} for address in sorted(addresses)],
            "metadata": {OWNER_TAG: mark},
        }
    }
    return Resource(id_, f"{ZONES}/A", body, mark)
