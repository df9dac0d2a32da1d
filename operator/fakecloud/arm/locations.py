"""Azure's regions, and where a resource may be."""

from typing import Any, Final

from fakecloud.arm.errors import ArmError, bad_request

LOCATIONS: Final = (
    *("westeurope", "northeurope", "uksouth", "ukwest", "francecentral", "germanywestcentral", "switzerlandnorth"),
    *("norwayeast", "swedencentral", "italynorth", "polandcentral", "spaincentral"),
    *("eastus", "eastus2", "centralus", "northcentralus", "southcentralus", "westcentralus", "westus", "westus2"),
    *("westus3", "canadacentral", "canadaeast", "mexicocentral", "brazilsouth"),
    *("eastasia", "southeastasia", "japaneast", "japanwest", "koreacentral", "centralindia", "southindia"),
    *("australiaeast", "australiasoutheast", "newzealandnorth", "uaenorth", "qatarcentral", "israelcentral"),
    "southafricanorth",
)
"""Public regions by their programmatic names; every one of them has everything here."""


def normal(location: Any) -> str:
    """ "West Europe" as "westeurope"."""
    return str(location or "").replace(" ", "").lower()


def settled(type_: str, given: Any, known: dict[str, Any] | None, *, name: str, group: str | None) -> str:
    """Where a resource is or will be; raises ArmError. ARM itself refuses, not the provider: always in the gateway's shape."""
    location = normal(given) or normal((known or {}).get("location"))
    if not location:
        raise bad_request("LocationRequired", "The location property is required for this definition.")
    if known is not None and known["location"] != location:
        raise ArmError(
            409,
            "InvalidResourceLocation",
            f"The resource '{name}' already exists in location '{known['location']}' in resource group '{group}'. A resource with the same name cannot be created in location '{location}'. Please select a new resource name.",
        )
    if location not in LOCATIONS:
        raise bad_request(
            "LocationNotAvailableForResourceType",
            f"The provided location '{given}' is not available for resource type '{type_}'. List of available regions for the resource type is '{','.join(LOCATIONS)}'.",
        )
    return location
