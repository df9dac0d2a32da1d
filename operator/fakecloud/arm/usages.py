"""Usages: how much of something is there, and how much there may be. Pure."""

from fakecloud.arm.errors import ArmError, bad_request
from fakecloud.arm.quotas import UNBOUNDED
from fakecloud.store import Body


def usage(name: str, spelled: str, count: int, limit: int | None) -> Body:
    """One entry; without a limit it shows one that nobody reaches."""
    return {
        "unit": "Count",
        "currentValue": count,
        "limit": UNBOUNDED if limit is None else limit,
        "name": {"value": name, "localizedValue": spelled},
    }


def no_location(location: str) -> ArmError:
    """The refusal of a region that is none."""
    return bad_request("NoRegisteredProviderFound", f"No registered resource provider found for location '{location}'.")
