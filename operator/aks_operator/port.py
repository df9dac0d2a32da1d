"""What the engine asks of a cloud, and how a cloud says no. The Azure SDK stands behind it in `aks_operator.cloud`."""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol

Body = Mapping[str, Any]
"""A resource in ARM's own wire shape: {"id", "name", "type", "location", "tags", "properties": {…}, "etag"}."""


class Priority(IntEnum):
    """Who may take the last tokens: a user's change before an operation's poll before a drift check."""

    CHANGE = 0
    POLL = 1
    DRIFT = 2


PRIORITY: ContextVar[Priority] = ContextVar("priority", default=Priority.CHANGE)
"""The priority of the work at hand."""


ATTEMPT: ContextVar[str] = ContextVar("attempt", default="")
"""The attempt that the user asked for (annotation reconcile-at): another one sends again what was refused for good."""


class CloudError(Exception):
    """A refusal or failure of the cloud. `code` is ARM's own word, PascalCase; the text is ARM's message."""

    def __init__(
        self, message: str, *, code: str = "Unknown", status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.retry_after = retry_after
        """Seconds; None leaves it to the back-off."""
        self.of_write = False
        """Whether a write of ours was answered so, or its operation ended so: not just a look."""


class Terminal(CloudError):
    """Retrying cannot help until the spec changes, or somebody changes the cloud."""

    nothing_made = False
    """Whether this refused a creation: there is nothing of ours then, and the object may still become another."""


class NotFound(CloudError):
    """The resource, its parent or its resource group is not there."""


class PreconditionFailed(CloudError):
    """The etag we knew is old: look again, then decide again."""


class Busy(CloudError):
    """Another operation is under way on the resource: a wait, not a failure."""


class Throttled(CloudError):
    """Too many requests: `retry_after` is for every caller of that subscription and identity."""


class Transient(CloudError):
    """Retrying may help."""


class Unreachable(Transient):
    """No answer at all: the cloud's endpoint cannot be reached."""


class NotLeading(Transient):
    """The request was not sent: this process does not hold the Lease (any more). It says nothing of the object."""


class AuthenticationFailed(CloudError):
    """No token could be had, or it was refused."""


class AuthorizationFailed(CloudError):
    """The identity lacks a right on the resource."""


class Locked(CloudError):
    """A lock or a deny assignment keeps everybody from writing. It may be taken off at any time, and nobody tells."""


@dataclass(frozen=True)
class Accepted:
    """The answer to a write. `operation` is the URL to poll while it is under way, None when it is done."""

    body: Body | None
    operation: str | None
    retry_after: float | None
    """Seconds until asking makes sense."""


@dataclass(frozen=True)
class OperationState:
    """Where a long-running operation stands. `error` is set when it ended badly."""

    done: bool
    error: CloudError | None
    retry_after: float | None


@dataclass(frozen=True)
class Page:
    """One page of a list. `digest` is of its bytes: a page that comes with the same bytes again is not read again."""

    bodies: Sequence[Body]
    url: str = field(default="", repr=False)
    digest: bytes = b""
    next: str | None = field(default=None, repr=False)


class Cloud(Protocol):
    """One subscription seen as one identity. Every call is one request (a list: one a page) and may raise CloudError."""

    @property
    def subscription(self) -> str:
        """The subscription's GUID."""

    async def get(self, id_: str) -> Body:
        """The resource; raises NotFound."""

    async def list(self, type_: str, scope: str, known: Sequence[Page] = ()) -> Sequence[Page]:
        """All resources of `type_` directly in `scope` (a subscription, a group, or a parent resource); raises NotFound.

        `known` is what an earlier call gave: pages that did not change are the same objects again.
        """

    async def put(self, id_: str, body: Body, *, if_match: str | None = None) -> Accepted:
        """Create or replace. `if_match` is an etag, or "" to insist that nothing is there yet where the type can do that."""

    async def delete(self, id_: str, *, if_match: str | None = None) -> Accepted:
        """Delete; what is not there is deleted."""

    async def post(self, id_: str, action: str) -> Body:
        """Do an action that answers with a body, such as listClusterAdminCredential."""

    async def poll(self, url: str) -> OperationState:
        """Where the operation at `url` stands; raises NotFound when it is not known any more."""

    def owns_url(self, url: str) -> bool:
        """Whether `url` may be asked with our token: our resource manager, our subscription."""
