"""ARM's refusals: one table from what was answered to what we do about it, and to what the user reads."""

from typing import Any

import pytest

from aks_operator.cloud.errors import from_answer, from_operation, seconds
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
    Unreachable,
)
from aks_operator.reasons import reason_of


def gateway(code: str, message: str = "m", **more: Any) -> dict[str, Any]:
    """As ARM's gateway and most providers answer."""
    return {"error": {"code": code, "message": message, **more}}


def flat(code: str, message: str = "m") -> dict[str, Any]:
    """As AKS answers."""
    return {"code": code, "details": None, "message": message, "subcode": ""}


BUSY_CLUSTER = "Operation is not allowed: Another operation (Updating) is in progress, please wait for it to finish."
BUSY_POOL = "Operation is not allowed: Another agentpool operation (nodepool1 - Creating) is in progress."
SKIPPED = "Upgrading Kubernetes version 1.28.12 to 1.30.2 is not allowed. Available upgrades: [1.29.5]"
LAST_POOL = "There has to be at least one agent pool."
ETAG_MISMATCH: dict[str, Any] = {"details": [{"code": "PreconditionFailedEtagMismatch", "message": "m"}]}

ANSWERS: list[tuple[int, Any, type[CloudError], str]] = [
    (404, gateway("ResourceNotFound"), NotFound, "ResourceNotFound"),
    (404, gateway("NotFound"), NotFound, "NotFound"),
    (404, gateway("ParentResourceNotFound"), NotFound, "ParentResourceNotFound"),
    (404, flat("NotFound"), NotFound, "NotFound"),
    (404, gateway("ResourceGroupNotFound"), NotFound, "ResourceGroupNotFound"),
    (412, gateway("PreconditionFailed", **ETAG_MISMATCH), PreconditionFailed, "Updating"),
    (412, flat("PreconditionFailed"), PreconditionFailed, "Updating"),
    (409, flat("EtagMismatch"), PreconditionFailed, "Updating"),
    (409, flat("OperationNotAllowed", BUSY_CLUSTER), Busy, "Updating"),
    (409, flat("OperationNotAllowed", BUSY_POOL), Busy, "Updating"),
    (429, gateway("RetryableError", details=[{"code": "ReferencedResourceNotProvisioned"}]), Busy, "Updating"),
    (409, gateway("AnotherOperationInProgress"), Busy, "Updating"),
    (429, gateway("TooManyRequests"), Throttled, "Throttled"),
    (429, gateway("SubscriptionRequestsThrottled"), Throttled, "Throttled"),
    (429, None, Throttled, "Throttled"),
    (400, flat("BadRequest", "A new agent pool was introduced. …"), Terminal, "BadRequest"),
    (400, flat("NodePoolMcVersionIncompatible"), Terminal, "NodePoolMcVersionIncompatible"),
    (400, flat("OperationNotAllowed", SKIPPED), Terminal, "OperationNotAllowed"),
    (409, flat("OperationNotAllowed", LAST_POOL), Terminal, "OperationNotAllowed"),
    (400, flat("AgentPoolK8sVersionNotSupported"), Terminal, "AgentPoolK8sVersionNotSupported"),
    (400, flat("K8sVersionNotSupported"), Terminal, "K8sVersionNotSupported"),
    (400, flat("PropertyChangeNotAllowed"), Terminal, "PropertyChangeNotAllowed"),
    (400, flat("QuotaExceeded"), Terminal, "QuotaExceeded"),
    (400, flat("ErrCode_InsufficientVCPUQuota"), Terminal, "QuotaExceeded"),
    (400, gateway("PublicIPCountLimitReached"), Terminal, "QuotaExceeded"),
    (409, gateway("OverconstrainedZonalAllocationRequest"), Terminal, "CapacityExhausted"),
    (400, gateway("SecurityRuleConflict"), PreconditionFailed, "Updating"),
    (400, gateway("SecurityRuleInvalidPriority"), Terminal, "SecurityRuleInvalidPriority"),
    (400, gateway("NetcfgSubnetRangeOutsideVnet"), Terminal, "NetcfgSubnetRangeOutsideVnet"),
    (400, gateway("RulesUseSameBackendPortProtocolAndPool"), Terminal, "RulesUseSameBackendPortProtocolAndPool"),
    (400, gateway("PublicIPAddressCannotBeDeleted"), Busy, "Blocked"),
    (400, gateway("InUseSubnetCannotBeDeleted"), Busy, "Blocked"),
    (400, gateway("InUseNetworkSecurityGroupCannotBeDeleted"), Busy, "Blocked"),
    (400, gateway("InUseRouteTableCannotBeDeleted"), Busy, "Blocked"),
    (400, gateway("MissingApiVersionParameter"), Terminal, "MissingApiVersionParameter"),
    (401, gateway("AuthenticationFailed"), AuthenticationFailed, "AuthenticationFailed"),
    (401, gateway("ExpiredAuthenticationToken"), AuthenticationFailed, "AuthenticationFailed"),
    (401, {"error": "invalid_client", "error_description": "x"}, AuthenticationFailed, "AuthenticationFailed"),
    (403, gateway("AuthorizationFailed"), AuthorizationFailed, "AuthorizationFailed"),
    (403, gateway("LinkedAuthorizationFailed"), AuthorizationFailed, "MissingRoleAssignment"),
    (403, gateway("DenyAssignmentAuthorizationFailed"), Locked, "NodeResourceGroupLocked"),
    (403, gateway("RequestDisallowedByPolicy"), Terminal, "RequestDisallowedByPolicy"),
    (409, gateway("ScopeLocked"), Locked, "NodeResourceGroupLocked"),
    (409, flat("ResourceGroupLocked"), Locked, "NodeResourceGroupLocked"),
    (501, gateway("NotImplemented"), Terminal, "NotSupported"),
    (500, gateway("InternalServerError"), Transient, "CloudUnreachable"),
    (503, None, Transient, "CloudUnreachable"),
    (408, None, Transient, "CloudUnreachable"),
    (418, "a proxy's page", Terminal, "Http418"),
    (409, gateway("SomethingNew"), Terminal, "SomethingNew"),
]


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"), ANSWERS, ids=[f"{s}-{r}-{k.__name__}" for s, _, k, r in ANSWERS]
)
def test_an_answer_becomes_one_error_and_one_reason(
    status: int, body: Any, kind: type[CloudError], reason: str
) -> None:
    error = from_answer(status, body, {})
    assert type(error) is kind
    assert (error.status, error.retry_after) == (status, None)
    assert reason_of(error) == reason
    assert str(error), "there is always something to read"


@pytest.mark.parametrize("shape", [gateway, flat])
def test_both_shapes_give_code_and_message(shape: Any) -> None:
    error = from_answer(400, shape("SomeCode", "what to do"), {})
    assert (error.code, str(error)) == ("SomeCode", "what to do")


def test_retry_after_is_kept_in_seconds() -> None:
    assert from_answer(429, gateway("TooManyRequests"), {"Retry-After": "17"}).retry_after == 17.0


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("0", 0.0),
        ("2.5", 2.5),
        (None, None),
        ("", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
    ],
)
def test_a_retry_after_that_is_no_number_of_seconds_is_none(header: str | None, value: float | None) -> None:
    assert seconds(header) == value


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        ({"code": "AnotherOperationInProgress", "message": "m"}, Busy, "Updating"),
        ({"code": "OverconstrainedZonalAllocationRequest", "message": "m"}, Terminal, "CapacityExhausted"),
        ({"code": "InternalServerError", "message": "m"}, Transient, "CloudUnreachable"),
        ({"code": "Canceled", "message": "m"}, Terminal, "Canceled"),
        (None, Terminal, "OperationFailed"),
        ("nonsense", Terminal, "OperationFailed"),
    ],
)
def test_an_operation_that_failed_with_http_200_is_typed_by_its_own_error(
    error: Any, kind: type[CloudError], reason: str
) -> None:
    found = from_operation(error)
    assert type(found) is kind
    assert reason_of(found) == reason
    assert str(found)


def test_no_answer_at_all_is_an_unreachable_cloud() -> None:
    assert reason_of(Unreachable("no answer", code="CloudUnreachable")) == "CloudUnreachable"


@pytest.mark.parametrize(
    ("details", "message"),
    [
        ([], "m"),
        ([{"code": "X", "message": "the network is busy"}], "the network is busy"),
        (["nonsense"], "m"),
        ({}, "m"),
    ],
)
def test_what_may_be_tried_again_says_what_is_in_the_way(details: Any, message: str) -> None:
    error = from_answer(429, gateway("RetryableError", "m", details=details), {})
    assert str(error) == message
