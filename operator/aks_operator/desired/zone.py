"""A DNSZone and its records as ARM bodies. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aks_operator.plan import Resource

ZONES: Final = "Microsoft.Network/dnsZones"
MOST_RECORDS: Final = 20
"""Records that Azure takes in one set."""


@dataclass(frozen=True)
class RecordShare:
    """What one exposure asks of a record set: addresses, or (a CNAME) the name that it stands for."""

    addresses: tuple[str, ...]
    ttl: int
    mark: str
    target: str = ""
    keep: bool = False
    """Whether it is to stay when its exposure is gone."""


def zone(id_: str, spec: Any, mark: str) -> Resource:
    """The public zone."""
    return Resource(id_, ZONES, {"location": "global"}, mark, tags=dict(spec.tags or {}))


def address_record(
    id_: str, addresses: Iterable[str], ttl: int, mark: str, tags: Mapping[str, str] | None = None
) -> Resource:
    """An A record set. Its mark and its `tags` lie in its metadata (see marks)."""
    body = {
        "properties": {
            "TTL": ttl,
            "ARecords": [{"ipv4Address": address} for address in sorted(addresses)],
        }
    }
    return Resource(id_, f"{ZONES}/A", body, mark, tags=tags or {})


def name_record(id_: str, target: str, ttl: int, mark: str, tags: Mapping[str, str] | None = None) -> Resource:
    """A CNAME record set: it holds one name."""
    body = {"properties": {"TTL": ttl, "CNAMERecord": {"cname": target}}}
    return Resource(id_, f"{ZONES}/CNAME", body, mark, tags=tags or {})
