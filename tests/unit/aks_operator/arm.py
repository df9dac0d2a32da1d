"""ARM in memory behind the engine's port, with operations that end when a test says so: for what awaits between pure parts.

What a cloud is like is not tested with it: that is what fakecloud is for.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from aks_operator.port import Accepted, Body, CloudError, NotFound, OperationState, Page

SUBSCRIPTION = "s"
OPERATIONS = f"https://arm/subscriptions/{SUBSCRIPTION}/operations/"


class Clock:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Arm:
    """Implements port.Cloud. Writes take effect at once; with `slow` an operation is under way until `end` is called."""

    def __init__(self, clock: Callable[[], float], *, slow: bool = False) -> None:
        self._clock = clock
        self.slow = slow
        self.bodies: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        """Verb and id (or URL), in order."""
        self.refuse: Callable[[str, str], CloudError | None] = lambda verb, id_: None
        self._ended: dict[str, OperationState] = {}
        self._count = 0

    @property
    def subscription(self) -> str:
        """See port.Cloud."""
        return SUBSCRIPTION

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The requests that were meant to change something."""
        return [request for request in self.requests if request[0] in {"PUT", "DELETE"}]

    def end(self, id_: str, error: CloudError | None = None) -> None:
        """The operation under way on the resource ends, badly with `error`."""
        self._ended[f"{OPERATIONS}{self._count}"] = OperationState(done=True, error=error, retry_after=None)
        body = self.bodies.get(id_.casefold())
        if body is not None and error is None and body["properties"].get("provisioningState") == "Deleting":
            del self.bodies[id_.casefold()]
        elif body is not None:
            body["properties"]["provisioningState"] = "Failed" if error else "Succeeded"

    def _heard(self, verb: str, id_: str) -> None:
        self.requests.append((verb, id_))
        if (refusal := self.refuse(verb, id_)) is not None:
            raise refusal

    def _accepted(self, body: Body | None) -> Accepted:
        if not self.slow:
            return Accepted(body, None, None)
        self._count += 1
        url = f"{OPERATIONS}{self._count}"
        self._ended[url] = OperationState(done=False, error=None, retry_after=7.0)
        return Accepted(body, url, 7.0)

    async def get(self, id_: str) -> Body:
        """See port.Cloud."""
        self._heard("GET", id_)
        if id_.casefold() not in self.bodies:
            raise NotFound("there is none", code="ResourceNotFound", status=404)
        return dict(self.bodies[id_.casefold()])

    async def list(self, type_: str, scope: str, known: Sequence[Page] = ()) -> Sequence[Page]:
        """See port.Cloud."""
        self._heard("LIST", scope)
        found = [
            deepcopy(body)
            for id_, body in self.bodies.items()
            if id_.startswith(f"{scope}/".casefold())
            and type_.casefold() in {str(body["type"]).casefold(), "microsoft.resources/resources"}
        ]
        return known if known and known[0].bodies == found else [Page(found)]

    async def put(self, id_: str, body: Body, *, if_match: str | None = None) -> Accepted:
        """See port.Cloud."""
        self._heard("PUT", id_)
        state = "Updating" if self.slow else "Succeeded"
        type_ = (
            "/".join(id_.split("/providers/")[-1].split("/")[:2])
            if "/providers/" in id_
            else "Microsoft.Resources/resourceGroups"
        )
        kept = {**body, "id": id_, "type": type_}
        kept["properties"] = {**(body.get("properties") or {}), "provisioningState": state}
        self.bodies[id_.casefold()] = kept
        return self._accepted(dict(kept))

    async def delete(self, id_: str, *, if_match: str | None = None) -> Accepted:
        """See port.Cloud."""
        self._heard("DELETE", id_)
        if self.slow and id_.casefold() in self.bodies:
            self.bodies[id_.casefold()]["properties"]["provisioningState"] = "Deleting"
            return self._accepted(None)
        self.bodies.pop(id_.casefold(), None)
        return Accepted(None, None, None)

    async def post(self, id_: str, action: str) -> Mapping[str, Any]:
        """See port.Cloud."""
        self._heard(action, id_)
        return {}

    async def poll(self, url: str) -> OperationState:
        """See port.Cloud."""
        self._heard("POLL", url)
        if url not in self._ended:
            raise NotFound("it is not known", code="OperationNotFound", status=404)
        return self._ended[url]

    def owns_url(self, url: str) -> bool:
        """See port.Cloud."""
        return url.startswith(OPERATIONS)
