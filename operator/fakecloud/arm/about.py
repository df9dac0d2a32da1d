"""What ARM tells of itself: the endpoints of its cloud, tenants, subscriptions, regions and resource providers."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

from fakecloud.arm.errors import ArmError
from fakecloud.arm.locations import REGIONS, Region
from fakecloud.arm.namespaces import Namespaces
from fakecloud.arm.types import SUBSCRIPTION
from fakecloud.store import Body, Store

METADATA: Final = "/metadata/endpoints"
NAME: Final = "fakecloud"
"""Of the cloud, as its own metadata has it."""
NOWHERE: Final = "fakecloud.invalid"
"""Where the services are that it does not have: a name that never resolves (RFC 2606), so that nobody asks Azure's."""
OBJECT_SINCE: Final = "2022-09-01"
LIST_SINCE: Final = "2018-05-01"
DISPLAY: Final = {region.name: region.display for region in REGIONS}


def endpoints(base: str, api_version: str) -> Any:
    """The cloud at `base`, for those who have no token yet: an object, a list of clouds, or, long ago, a few names."""
    authentication = {
        "loginEndpoint": base,
        "audiences": [f"{base}/", "https://management.core.windows.net/", "https://management.azure.com/"],
    }
    if api_version < LIST_SINCE:
        return {
            "galleryEndpoint": f"https://gallery.{NOWHERE}/",
            "graphEndpoint": f"https://graph.{NOWHERE}/",
            "portalEndpoint": f"https://portal.{NOWHERE}/",
            "authentication": authentication,
        }
    cloud = {
        "name": NAME,
        "portal": f"https://portal.{NOWHERE}",
        "authentication": {**authentication, "tenant": "common", "identityProvider": "AAD"},
        "resourceManager": f"{base}/",
        "graph": f"https://graph.{NOWHERE}/",
        "graphAudience": f"https://graph.{NOWHERE}/",
        "microsoftGraphResourceId": f"https://graph.{NOWHERE}/",
        "gallery": f"https://gallery.{NOWHERE}/",
        "media": f"https://media.{NOWHERE}",
        "batch": f"https://batch.{NOWHERE}/",
        "sqlManagement": f"https://sql.{NOWHERE}/",
        "vmImageAliasDoc": f"https://images.{NOWHERE}/aliases.json",
        "activeDirectoryDataLake": f"https://datalake.{NOWHERE}/",
        "appInsightsResourceId": f"https://applicationinsights.{NOWHERE}",
        "appInsightsTelemetryChannelResourceId": f"https://dc.applicationinsights.{NOWHERE}/v2/track",
        "attestationResourceId": f"https://attest.{NOWHERE}",
        "logAnalyticsResourceId": f"https://loganalytics.{NOWHERE}",
        "ossrDbmsResourceId": f"https://ossrdbms.{NOWHERE}",
        "synapseAnalyticsResourceId": f"https://dev.synapse.{NOWHERE}",
        "suffixes": {
            "acrLoginServer": f"acr.{NOWHERE}",
            "attestationEndpoint": f"attest.{NOWHERE}",
            "azureDataLakeAnalyticsCatalogAndJob": f"datalakeanalytics.{NOWHERE}",
            "azureDataLakeStoreFileSystem": f"datalakestore.{NOWHERE}",
            "azureFrontDoorEndpointSuffix": f"frontdoor.{NOWHERE}",
            "keyVaultDns": f"vault.{NOWHERE}",
            "mariadbServerEndpoint": f"mariadb.{NOWHERE}",
            "mhsmDns": f"managedhsm.{NOWHERE}",
            "mysqlServerEndpoint": f"mysql.{NOWHERE}",
            "postgresqlServerEndpoint": f"postgres.{NOWHERE}",
            "sqlServerHostname": f"sql.{NOWHERE}",
            "storage": f"storage.{NOWHERE}",
            "storageSyncEndpointSuffix": f"filesync.{NOWHERE}",
            "synapseAnalytics": f"dev.synapse.{NOWHERE}",
        },
    }
    return cloud if api_version >= OBJECT_SINCE else [cloud]


class About:
    """Answers the paths that are neither resources nor groups."""

    def __init__(self, store: Store, namespaces: Namespaces, tenant: str) -> None:
        self._store = store
        self._namespaces = namespaces
        self._tenant = tenant

    def tenant_wide(self, method: str, raw_path: str) -> Body | None:
        """The answer to a path outside of all subscriptions, None when it is none of these; raises ArmError."""
        match _parts(raw_path):
            case ["subscriptions"]:
                found = list(self._store.all(SUBSCRIPTION).values())
                answer: Body = {"value": found, "count": {"type": "Total", "value": len(found)}}
            case ["tenants"]:
                answer = {"value": [_tenant(self._tenant)]}
            case ["providers"]:
                answer = {"value": self._namespaces.all(None)}
            case ["providers", namespace]:
                answer = self._namespaces.one(None, namespace)
            case _:
                return None
        return _read_only(method, answer)

    def of_subscription(self, method: str, raw_path: str, subscription: str) -> Body | None:
        """The answer to a path of a subscription's own, None when it is none of these; raises ArmError."""
        match _parts(raw_path)[2:]:
            case ["locations"]:
                return _read_only(method, {"value": [_region(subscription, region) for region in REGIONS]})
            case ["providers"]:
                return _read_only(method, {"value": self._namespaces.all(subscription)})
            case ["providers", namespace]:
                return _read_only(method, self._namespaces.one(subscription, namespace))
            case ["providers", namespace, action] if action.lower() in {"register", "unregister"} and method == "POST":
                return self._namespaces.register(subscription, namespace, wanted=action.lower() == "register")
        return None


def subscription_of(raw_path: str) -> str | None:
    """Whose a path is, None when it is no subscription's."""
    parts = _parts(raw_path)
    return parts[1] if len(parts) > 1 and parts[0] == "subscriptions" else None


@lru_cache(maxsize=4096)
def _parts(raw_path: str) -> Sequence[str]:
    """Keywords in lower case: those at even places, names as they are. A request asks for them several times."""
    parts = [unquote(part) for part in raw_path.strip("/").split("/")]
    return tuple(part if i % 2 else part.lower() for i, part in enumerate(parts))


def _read_only(method: str, answer: Body) -> Body:
    if method != "GET":
        raise ArmError(405, "HttpMethodNotAllowed", f"The HTTP method {method} is not allowed on this resource.")
    return answer


def _tenant(tenant: str) -> Mapping[str, Any]:
    return {
        "id": f"/tenants/{tenant}",
        "tenantId": tenant,
        "countryCode": "NL",
        "displayName": NAME,
        "domains": [NOWHERE],
        "defaultDomain": NOWHERE,
        "tenantCategory": "Home",
        "tenantType": "AAD",
    }


def _region(subscription: str, region: Region) -> Mapping[str, Any]:
    at = f"/subscriptions/{subscription}/locations"
    told: dict[str, Any] = {
        "id": f"{at}/{region.name}",
        "name": region.name,
        "type": "Region",
        "displayName": region.display,
        "regionalDisplayName": f"({region.group}) {region.display}",
        "metadata": {
            "regionType": "Physical",
            "regionCategory": "Recommended" if region.zoned else "Other",
            "geography": region.geography,
            "geographyGroup": region.group,
            "pairedRegion": [{"name": region.pair, "id": f"{at}/{region.pair}"}] if region.pair else [],
        },
    }
    if region.zoned:
        told["availabilityZoneMappings"] = [
            {"logicalZone": zone, "physicalZone": f"{region.name}-az{zone}"} for zone in ("1", "2", "3")
        ]
    return told
