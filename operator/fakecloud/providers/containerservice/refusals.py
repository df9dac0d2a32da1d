"""AKS's refusals: in its own flat shape."""

from typing import Any

from fakecloud.arm.errors import ArmError
from fakecloud.arm.types import Call
from fakecloud.store import Body


def refuse(status: int, code: str, message: str, **more: Any) -> ArmError:
    """A refusal in the shape of AKS."""
    return ArmError(status, code, message, flat=True, **more)


def invalid(parameter: str, detail: str) -> ArmError:
    """The refusal of a parameter's value."""
    return refuse(
        400,
        "InvalidParameter",
        f"The value of parameter {parameter} is invalid. Error details: {detail}",
        target=parameter,
    )


def malformed(path: str, wrong: str) -> ArmError:
    """The refusal of JSON of a wrong kind, and of properties that AKS does not have."""
    return refuse(400, "UnmarshalError", f"UnmarshalEntity encountered error: {wrong}. Path={path}")


def immutable(field: str) -> ArmError:
    """The refusal to change what was settled at creation."""
    return refuse(
        400,
        "PropertyChangeNotAllowed",
        f"Changing property 'properties.{field}' is not allowed.",
        target=f"properties.{field}",
    )


def busy(what: str) -> ArmError:
    """The refusal while something else is under way; `what` says what."""
    return refuse(
        409,
        "OperationNotAllowed",
        f"Operation is not allowed: {what} is in progress, please wait for it to finish before starting a new operation. See https://aka.ms/aks-pending-operation for more details.",
    )


def check_etag(call: Call, known: str | None) -> None:
    """Raises ArmError (412) when If-Match or If-None-Match does not hold; `known` is the etag, None for nothing there."""
    wanted = call.headers.get("If-Match")
    if wanted and known is None:
        raise refuse(
            412, "PreconditionFailed", f"Resource not found but ETag header is provided: If-Match was {wanted}."
        )
    if wanted and wanted.strip('"') not in {"*", known}:
        raise refuse(
            412,
            "PreconditionFailed",
            f"The condition of the If-Match header was not satisfied: {wanted} is not the resource's etag.",
        )
    if call.headers.get("If-None-Match") == "*" and known is not None:
        raise refuse(412, "PreconditionFailed", "The resource exists already, and If-None-Match was *.")


def quota(location: str, *, left: int, requested: int) -> ArmError:
    """The refusal for want of machines; `left` and `requested` in vCPUs."""
    return refuse(
        400,
        "ErrCode_InsufficientVCPUQuota",
        f"Insufficient regional vcpu quota left for location {location}. left regional vcpu quota {left}, requested quota {requested}. If you want to increase the quota, please follow this instruction: https://learn.microsoft.com/en-us/azure/quotas/view-quotas. Surge nodes would also consume vcpu quota, please consider use smaller maxSurge or use maxUnavailable to proceed upgrade without surge nodes, details: aka.ms/aks/maxUnavailable.",
    )


def family_quota(location: str, family: str, *, left: int, requested: int) -> ArmError:
    """The refusal for want of vCPUs of one family, or of Spot machines."""
    return refuse(
        400,
        "ErrCode_InsufficientVCPUQuota",
        f"Insufficient vcpu quota requested {requested}, remaining {left} for family {family} for region {location}.",
    )


def no_room_in_zone() -> ArmError:
    """The failure to find machines in a zone: the operation was taken, and ends badly."""
    return refuse(
        409,
        "OverconstrainedZonalAllocationRequest",
        "Allocation failed. VM(s) with the following constraints cannot be allocated, because the condition is too restrictive. Please remove some constraints and try again. Constraints applied are: Availability Zone, VM Size.",
    )


def check_power(cluster: Body) -> None:
    """Raises ArmError (400) for a change of a stopped cluster: only its start, its tags and its deletion are taken."""
    if cluster["properties"]["powerState"]["code"] == "Stopped":
        raise refuse(
            400,
            "OperationNotAllowed",
            f"Operation is not allowed: managed cluster {cluster['name']} is stopped. Start it first.",
        )


def check_abort(running: Body, body: Body) -> None:
    """Raises ArmError (409) for an operation on `body` that cannot be aborted, or is being aborted."""
    if body["properties"]["provisioningState"] == "Canceling":
        raise busy("Another operation (Canceling)")
    if running["name"].startswith("delete"):
        raise refuse(409, "OperationNotAllowed", "Operation is not allowed: a deletion cannot be aborted.")
