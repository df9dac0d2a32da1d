"""The reasons of conditions: a closed set, Azure's own codes where none of it says more. Pure."""

from collections.abc import Mapping
from typing import Final

from aks_operator.port import AuthenticationFailed, Busy, CloudError, PreconditionFailed, Throttled, Transient

_QUOTA: Final = frozenset(
    {"ErrCode_InsufficientVCPUQuota", "PublicIPCountLimitReached", "QuotaExceeded", "ResourceCountLimitReached"}
)
_CAPACITY: Final = frozenset(
    {
        "AllocationFailed",
        "OverconstrainedAllocationRequest",
        "OverconstrainedZonalAllocationRequest",
        "SkuNotAvailable",
        "ZonalAllocationFailed",
    }
)


_REASONS: Final[Mapping[str, str]] = {
    **dict.fromkeys(_QUOTA, "QuotaExceeded"),
    **dict.fromkeys(_CAPACITY, "CapacityExhausted"),
    "DenyAssignmentAuthorizationFailed": "NodeResourceGroupLocked",
    "LinkedAuthorizationFailed": "MissingRoleAssignment",
    "ResourceGroupLocked": "NodeResourceGroupLocked",
    "ScopeLocked": "NodeResourceGroupLocked",
}


def reason_of(error: CloudError) -> str:
    """The condition reason for an error: one of our closed set where one says as much, else Azure's own code."""
    if (reason := _REASONS.get(error.code)) is not None:
        return reason
    match error:
        case Throttled():
            return "Throttled"
        case AuthenticationFailed():
            return "AuthenticationFailed"
        case Busy():
            return "Blocked" if error.code.endswith("CannotBeDeleted") else "Updating"
        case PreconditionFailed():
            return "Updating"
        case Transient():
            return "CloudUnreachable"
    return "NotSupported" if error.status == 501 else error.code


MOVING: Final = frozenset(
    {
        "Creating",
        "Updating",
        "Deleting",
        "Upgrading",
        "Scaling",
        "Rotating",
        "Throttled",
        "CloudUnreachable",
        "ClusterUnreachable",
        "Blocked",
        "SecretNotFound",  # a Secret may be written after the account that names it, as the fake cloud's is
        "InvalidResourceReference",
        "NotFound",
        "ParentResourceNotFound",
        "ResourceGroupNotFound",
        "ResourceNotFound",
    }
) | {
    f"WaitingFor{what}"
    for what in ("Account", "Network", "Cluster", "SystemPool", "Zone", "Workspace", "Backend", "Approval")
}
"""Reasons under which things go on by themselves; all others need somebody."""
