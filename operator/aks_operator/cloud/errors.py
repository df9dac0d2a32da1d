"""ARM's refusals as typed errors: one table for every service (codes and shapes as observed)."""

import math
from collections.abc import Mapping
from typing import Any, Final

from aks_operator.port import (
    AuthenticationFailed,
    AuthorizationFailed,
    Busy,
    CloudError,
    Locked,
    NotFound,
    PreconditionFailed,
    Terminal,
    Throttled,
    Transient,
)

_BY_CODE: Final[Mapping[str, type[CloudError]]] = {
    "AnotherOperationInProgress": Busy,
    "AuthenticationFailed": AuthenticationFailed,
    "AuthorizationFailed": AuthorizationFailed,
    "CanceledAndSupersededDueToAnotherOperation": Busy,
    "DenyAssignmentAuthorizationFailed": Locked,
    "EtagMismatch": PreconditionFailed,
    "ExpiredAuthenticationToken": AuthenticationFailed,
    "InUseNetworkSecurityGroupCannotBeDeleted": Busy,
    "InUseRouteTableCannotBeDeleted": Busy,
    "InUseSubnetCannotBeDeleted": Busy,
    "InternalServerError": Transient,
    "InvalidAuthenticationToken": AuthenticationFailed,
    "InvalidResourceReference": NotFound,  # what it names went meanwhile, or is not there yet
    "LinkedAuthorizationFailed": AuthorizationFailed,
    "NotFound": NotFound,
    "OperationPreempted": Busy,
    "ParentResourceNotFound": NotFound,
    "PreconditionFailed": PreconditionFailed,
    "PublicIPAddressCannotBeDeleted": Busy,
    "ReferencedResourceNotProvisioned": Busy,
    "RequestDisallowedByPolicy": Terminal,
    "ResourceGroupBeingDeleted": Busy,
    "ResourceGroupLocked": Locked,
    "ResourceGroupNotFound": NotFound,
    "ResourceNotFound": NotFound,
    "RetryableError": Busy,
    "ScopeLocked": Locked,
    "SecurityRuleConflict": PreconditionFailed,  # somebody took the priority meanwhile: look again, choose another
    "SubscriptionRequestsThrottled": Throttled,
    "TooManyRequests": Throttled,
}

_BY_STATUS: Final[Mapping[int, type[CloudError]]] = {
    400: Terminal,
    401: AuthenticationFailed,
    403: AuthorizationFailed,
    404: NotFound,
    408: Transient,
    409: Terminal,
    412: PreconditionFailed,
    429: Throttled,
    501: Terminal,
}


def from_answer(status: int, body: Any, headers: Mapping[str, str]) -> CloudError:
    """The typed error for an HTTP answer. `body` is its JSON in either of ARM's two shapes, or None when it had none."""
    code, message = code_and_message(body)
    retry_after = seconds(headers.get("Retry-After"))
    if code == "OperationNotAllowed" and "in progress" in message:
        return Busy(message, code=code, status=status, retry_after=retry_after)
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status) or (Transient if status >= 500 else Terminal)
    return kind(message or f"HTTP {status}", code=code or f"Http{status}", status=status, retry_after=retry_after)


def from_operation(error: Any) -> CloudError:
    """The typed error of an operation that ended as Failed or Canceled; `error` is the operation's own, or None."""
    code, message = code_and_message({"error": error} if error else None)
    kind = _BY_CODE.get(code, Terminal)
    return kind(message or "the operation failed and Azure does not say why", code=code or "OperationFailed")


def code_and_message(body: Any) -> tuple[str, str]:
    """ARM's code and message out of {"error": {"code", "message"}} or, as AKS answers, out of {"code", "message"}.

    Network's "A retryable error occurred." says nothing: then the message is that of its first detail.
    """
    if not isinstance(body, Mapping):
        return "", ""
    error = body.get("error")
    flat = error if isinstance(error, Mapping) else body
    code, message = str(flat.get("code") or ""), str(flat.get("message") or "")
    details = flat.get("details")
    if code == "RetryableError" and isinstance(details, list) and details and isinstance(details[0], Mapping):
        message = str(details[0].get("message") or message)
    return code, message


def seconds(header: str | None) -> float | None:
    """A Retry-After header in seconds, None when there is none, or it is a date or nonsense."""
    try:
        value = float(header) if header else -1.0
    except ValueError:
        return None
    return value if 0 <= value < math.inf else None
