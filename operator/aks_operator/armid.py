"""ARM resource ids: made, taken apart, and compared without regard to case."""

from dataclasses import dataclass
from functools import lru_cache
from sys import intern


@dataclass(frozen=True, slots=True)
class ArmId:
    """The parts of a resource id.

    `type` is "Microsoft.Network/networkSecurityGroups/securityRules"; `names` has one name for each of its segments
    after the provider. A resource group has the type "Microsoft.Resources/resourceGroups" and no names of its own.
    """

    subscription: str
    resource_group: str
    type: str
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """The last name: the resource's own."""
        return self.names[-1] if self.names else self.resource_group


RESOURCE_GROUP = "Microsoft.Resources/resourceGroups"
SUBSCRIPTION = "Microsoft.Resources/subscriptions"


def subscription_id(subscription: str) -> str:
    """The id of a subscription, from its GUID."""
    return f"/subscriptions/{subscription}"


def group_id(subscription: str, group: str) -> str:
    """The id of a resource group."""
    return f"/subscriptions/{subscription}/resourceGroups/{group}"


def resource_id(group: str, type_: str, *names: str) -> str:
    """The id of a resource: `group` is its resource group's id, `names` one for each segment of the type."""
    provider, *segments = type_.split("/")
    if len(segments) != len(names):
        raise ValueError(f"{type_} takes {len(segments)} names, not {len(names)}")
    path = "/".join(part for pair in zip(segments, names, strict=True) for part in pair)
    return f"{group}/providers/{provider}/{path}"


@lru_cache(maxsize=8192)
def parse(id_: str) -> ArmId:
    """The parts of `id_`; raises ValueError when it is no id of a subscription, a group or a resource."""
    parts = [intern(part) for part in id_.strip("/").split("/")]  # thousands are kept, of few groups
    if len(parts) < 2 or len(parts) % 2 or parts[0].lower() != "subscriptions" or not all(parts):
        raise ValueError(f"not an ARM resource id: {id_!r}")
    if len(parts) == 2:
        return ArmId(parts[1], "", SUBSCRIPTION, ())
    if parts[2].lower() != "resourcegroups":
        raise ValueError(f"not an ARM id of a resource in a resource group: {id_!r}")
    if len(parts) == 4:
        return ArmId(parts[1], parts[3], RESOURCE_GROUP, ())
    if parts[4].lower() != "providers" or len(parts) < 8:
        raise ValueError(f"not an ARM resource id: {id_!r}")
    return ArmId(parts[1], parts[3], intern("/".join([parts[5], *parts[6::2]])), tuple(parts[7::2]))


def group_of(id_: str) -> str:
    """The id of the resource group that `id_` lies in (or is)."""
    parsed = parse(id_)
    return group_id(parsed.subscription, parsed.resource_group)


def parent_of(id_: str) -> str:
    """The id that `id_` is a child of: another resource, else its resource group."""
    return group_of(id_) if len(parse(id_).names) <= 1 else id_.rsplit("/", 2)[0]


def same(one: str, other: str) -> bool:
    """Whether both name the same resource: ARM's ids have no case."""
    return one.casefold() == other.casefold()


def looks_like_id(value: object) -> bool:
    """Whether a value in a body is a resource id, so that its case means nothing."""
    return isinstance(value, str) and value[:15].lower() == "/subscriptions/"
