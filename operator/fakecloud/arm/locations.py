"""Azure's regions, and where a resource may be."""

from dataclasses import dataclass
from typing import Any, Final

from fakecloud.arm.errors import ArmError, bad_request


@dataclass(frozen=True)
class Region:
    """A public region. `pair` is the programmatic name of the one it fails over to, "" where there is none."""

    name: str
    display: str
    group: str
    """Of geographies."""
    geography: str
    pair: str = ""
    zoned: bool = True


REGIONS: Final = (
    Region("westeurope", "West Europe", "Europe", "Europe", "northeurope"),
    Region("northeurope", "North Europe", "Europe", "Europe", "westeurope"),
    Region("uksouth", "UK South", "UK", "United Kingdom", "ukwest"),
    Region("ukwest", "UK West", "UK", "United Kingdom", "uksouth", zoned=False),
    Region("francecentral", "France Central", "Europe", "France", "francesouth"),
    Region("germanywestcentral", "Germany West Central", "Europe", "Germany", "germanynorth"),
    Region("switzerlandnorth", "Switzerland North", "Europe", "Switzerland", "switzerlandwest"),
    Region("norwayeast", "Norway East", "Europe", "Norway", "norwaywest"),
    Region("swedencentral", "Sweden Central", "Europe", "Sweden", "swedensouth"),
    Region("italynorth", "Italy North", "Europe", "Italy"),
    Region("polandcentral", "Poland Central", "Europe", "Poland"),
    Region("spaincentral", "Spain Central", "Europe", "Spain"),
    Region("eastus", "East US", "US", "United States", "westus"),
    Region("eastus2", "East US 2", "US", "United States", "centralus"),
    Region("centralus", "Central US", "US", "United States", "eastus2"),
    Region("northcentralus", "North Central US", "US", "United States", "southcentralus", zoned=False),
    Region("southcentralus", "South Central US", "US", "United States", "northcentralus"),
    Region("westcentralus", "West Central US", "US", "United States", "westus2", zoned=False),
    Region("westus", "West US", "US", "United States", "eastus", zoned=False),
    Region("westus2", "West US 2", "US", "United States", "westcentralus"),
    Region("westus3", "West US 3", "US", "United States", "eastus"),
    Region("canadacentral", "Canada Central", "Canada", "Canada", "canadaeast"),
    Region("canadaeast", "Canada East", "Canada", "Canada", "canadacentral", zoned=False),
    Region("mexicocentral", "Mexico Central", "Mexico", "Mexico"),
    Region("brazilsouth", "Brazil South", "South America", "Brazil", "southcentralus"),
    Region("eastasia", "East Asia", "Asia Pacific", "Asia Pacific", "southeastasia"),
    Region("southeastasia", "Southeast Asia", "Asia Pacific", "Asia Pacific", "eastasia"),
    Region("japaneast", "Japan East", "Asia Pacific", "Japan", "japanwest"),
    Region("japanwest", "Japan West", "Asia Pacific", "Japan", "japaneast"),
    Region("koreacentral", "Korea Central", "Asia Pacific", "Korea", "koreasouth"),
    Region("centralindia", "Central India", "Asia Pacific", "India", "southindia"),
    Region("southindia", "South India", "Asia Pacific", "India", "centralindia", zoned=False),
    Region("australiaeast", "Australia East", "Asia Pacific", "Australia", "australiasoutheast"),
    Region("australiasoutheast", "Australia Southeast", "Asia Pacific", "Australia", "australiaeast", zoned=False),
    Region("newzealandnorth", "New Zealand North", "Asia Pacific", "New Zealand"),
    Region("uaenorth", "UAE North", "Middle East", "UAE", "uaecentral"),
    Region("qatarcentral", "Qatar Central", "Middle East", "Qatar"),
    Region("israelcentral", "Israel Central", "Middle East", "Israel"),
    Region("southafricanorth", "South Africa North", "Africa", "South Africa", "southafricawest"),
)
"""Every one of them has everything here."""
LOCATIONS: Final = tuple(region.name for region in REGIONS)
"""By their programmatic names."""


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
