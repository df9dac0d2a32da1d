"""Public addresses that exposures are given to use: read, and never written."""

from typing import Any

from aks_operator.conditions import Condition
from aks_operator.kinds.base import Cluster
from aks_operator.kinds.exposures.places import Places
from aks_operator.port import Body


async def read(cluster: Cluster, places: Places) -> tuple[Condition | None, str | None]:
    """How the address that the user brought stands, and the address itself once it can be used; (None, None) without one."""
    if places.brought is None:
        return None, None
    body = await cluster.account.session.observer.one(places.brought)
    problem = complaint(body, cluster.obj.spec.location, places.balancer or "")
    if problem is not None:
        return problem, None
    return Condition("AddressReady", "True", "Succeeded"), str((body or {})["properties"]["ipAddress"])


def complaint(body: Body | None, location: str, balancer: str) -> Condition | None:
    """Why an address cannot stand before our balancer, None when it can: all who share the balancer would fail with it."""
    if body is None:
        return _not_ready(
            "NotFound", "there is no public IP of that resourceID: make it, or correct publicIP.resourceID"
        )
    properties: dict[str, Any] = body.get("properties") or {}
    user = str((properties.get("ipConfiguration") or {}).get("id") or "")
    if user and not user.casefold().startswith(f"{balancer}/".casefold()):
        return _not_ready("Conflict", f"the address is used by {user}: name another one")
    if str((body.get("sku") or {}).get("name")) != "Standard":
        return _not_ready("Invalid", "the address has no sku Standard: name one that has")
    if str(body.get("location")).replace(" ", "").casefold() != location.replace(" ", "").casefold():
        return _not_ready(
            "Invalid", f"the address is in {body.get('location')}, the cluster in {location}: name one there"
        )
    if properties.get("publicIPAddressVersion") == "IPv6":
        return _not_ready("Invalid", "the address is IPv6: name an IPv4 address")
    if not properties.get("ipAddress"):
        return _not_ready("Creating", "the address has no value yet")
    return None


def _not_ready(reason: str, message: str) -> Condition:
    return Condition("AddressReady", "False", reason, message)
