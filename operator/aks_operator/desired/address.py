"""The public address of exposures as an ARM body. Pure."""

from dataclasses import dataclass
from typing import Any

from aks_operator.keys import Key
from aks_operator.marks import owner_hash


@dataclass(frozen=True)
class AddressShare:
    """What one exposure asks of a public IP address."""

    location: str
    mark: str
    dns_label: str | None = None
    idle_timeout_minutes: int = 4
    tags: tuple[tuple[str, str], ...] = ()
    applied_tags: tuple[str, ...] = ()
    """Tag keys that were set before (no setting: it is nothing to disagree on)."""
    keep: bool = False
    """Whether the address is to stay when nobody needs it any more (likewise: one who says so suffices)."""


def public_ip_name(cluster: str, key: Key) -> str:
    """The name of an address that the user did not name: at most 80 characters."""
    return f"{cluster[:34]}-{key.name[:34]}-{owner_hash(key)}"


def public_ip(share: AddressShare) -> dict[str, Any]:
    """The address' body, without its tags."""
    properties: dict[str, Any] = {
        "publicIPAllocationMethod": "Static",
        "publicIPAddressVersion": "IPv4",
        "idleTimeoutInMinutes": share.idle_timeout_minutes,
    }
    if share.dns_label:
        properties["dnsSettings"] = {"domainNameLabel": share.dns_label}
    return {"location": share.location, "sku": {"name": "Standard"}, "properties": properties}
