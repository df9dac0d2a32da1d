"""Resource providers as ARM tells of them, and which of them a subscription is registered with."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from fakecloud.arm import api_versions, surface
from fakecloud.arm.errors import ArmError
from fakecloud.arm.locations import REGIONS
from fakecloud.store import RESOURCE, Body, Store

UNREGISTERED: Final = "unregistered"
"""The kind of the documents, keyed by `subscription/namespace`, that say a subscription does without a provider."""
GLOBAL: Final = frozenset({"microsoft.network/dnszones", "microsoft.network/privatednszones"})
"""Types that are nowhere in particular, by their beginning."""
ZONED: Final = frozenset(
    {
        *("microsoft.compute/disks", "microsoft.compute/virtualmachines", "microsoft.compute/virtualmachinescalesets"),
        *("microsoft.containerservice/managedclusters", "microsoft.network/publicipaddresses"),
        *("microsoft.network/loadbalancers", "microsoft.network/natgateways", "microsoft.network/applicationgateways"),
    }
)
"""Types whose resources may be in a zone."""


class Namespaces:
    """All that is built, and all that Azure has, by namespace."""

    def __init__(self, store: Store, built: Iterable[str]) -> None:
        """`built` are the names of types."""
        self._store = store
        types: dict[str, dict[str, str]] = defaultdict(dict)
        for type_ in (*surface.SPELLED.values(), *built):
            namespace, _, path = type_.partition("/")
            types[namespace.lower()].setdefault(path.lower(), type_)
        self._types: Mapping[str, Mapping[str, str]] = types

    def all(self, subscription: str | None) -> list[Body]:
        """Every provider, for a subscription or, without a state of registration, for the tenant."""
        return [self._told(subscription, namespace) for namespace in sorted(self._types)]

    def one(self, subscription: str | None, namespace: str) -> Body:
        """One provider; raises ArmError (404)."""
        if namespace.lower() not in self._types:
            raise ArmError(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")
        return self._told(subscription, namespace.lower())

    def register(self, subscription: str, namespace: str, *, wanted: bool) -> Body:
        """The provider after the subscription was registered with it, or the contrary; raises ArmError."""
        told = self.one(subscription, namespace)
        key = f"{subscription}/{namespace}"
        if wanted:
            self._store.delete(UNREGISTERED, key)
        else:
            self._check_unused(subscription, told["namespace"])
            self._store.put(UNREGISTERED, key, {"namespace": told["namespace"]})
        return self.one(subscription, namespace)

    def check(self, subscription: str, namespace: str) -> None:
        """Raises ArmError (409) for what is written under a provider that the subscription does without."""
        left = self._store.get(UNREGISTERED, f"{subscription}/{namespace}")
        if left is None:
            return
        message = f"The subscription is not registered to use namespace '{left['namespace']}'. See https://aka.ms/rps-not-found for how to register subscriptions."
        code = "MissingSubscriptionRegistration"
        details = [{"code": code, "target": left["namespace"], "message": message}]
        raise ArmError(409, code, message, details=details)

    def _check_unused(self, subscription: str, namespace: str) -> None:
        used = [
            body["id"]
            for _, body in self._store.under(RESOURCE, f"/subscriptions/{subscription}/")
            if str(body["type"]).lower().startswith(f"{namespace.lower()}/")
        ]
        if used:
            raise ArmError(
                409,
                "CannotUnregisterResourceProvider",
                f"The resource provider '{namespace}' cannot be unregistered while the subscription has resources of it: '{used[0]}'.",
            )

    def _told(self, subscription: str | None, namespace: str) -> Body:
        types = self._types[namespace]
        spelled = next(iter(types.values())).partition("/")[0]
        body: Body = {} if subscription is None else {"id": f"/subscriptions/{subscription}/providers/{spelled}"}
        body |= {"namespace": spelled, "resourceTypes": [_type(type_) for _, type_ in sorted(types.items())]}
        if subscription is not None:
            left = self._store.get(UNREGISTERED, f"{subscription}/{namespace}")
            body["registrationState"] = "Unregistered" if left else "Registered"
            body["registrationPolicy"] = "RegistrationRequired"
        return body


def _type(type_: str) -> dict[str, Any]:
    path = type_.partition("/")[2]
    everywhere = any(type_.lower().startswith(beginning) for beginning in GLOBAL)
    verbs = surface.AZURE.get(type_.lower(), frozenset())
    tracked = "/" not in path and {"GET", "PUT", "LIST"} <= verbs
    told: dict[str, Any] = {
        "resourceType": path,
        "locations": ["global"] if everywhere else [region.display for region in REGIONS],
        "apiVersions": list(api_versions.of(type_)),
        "capabilities": "SupportsTags, SupportsLocation" if tracked else "None",
    }
    if type_.lower() in ZONED:
        told["zoneMappings"] = [
            {"location": region.display, "zones": ["1", "2", "3"]} for region in REGIONS if region.zoned
        ]
    return told
