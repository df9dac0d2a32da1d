"""The engine's cloud port, by the Azure SDK: one request a call, answers in wire shape."""

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.rest import HttpRequest
from yarl import URL

from aks_operator.armid import SUBSCRIPTION, parse
from aks_operator.cloud import errors
from aks_operator.cloud.budget import Budget
from aks_operator.cloud.clients import API_VERSIONS, Clients
from aks_operator.cloud.services import SERVICES, Service
from aks_operator.compact import compact
from aks_operator.port import (
    Accepted,
    AuthenticationFailed,
    Body,
    CloudError,
    NotFound,
    NotLeading,
    OperationState,
    Page,
    Terminal,
    Throttled,
    Unreachable,
)

Observe = Callable[[str, str, str], None]
"""Told of every request: type, verb, HTTP status (or "none")."""
DEFAULT_THROTTLE: Final = 30.0
RESULT_LOOKS: Final = 6
RESULT_PAUSE: Final = 5.0
"""How often, and with how many seconds between, an action's result is asked for."""
_PLAIN: Final = re.compile(r"[!-\[\]-~]+", re.ASCII)
"""Printable ASCII without blanks and backslashes."""


class _Answers:
    """Every raw answer of one SDK call, in order: what the SDK's models would drop is kept."""

    def __init__(self) -> None:
        self.all: list[Any] = []

    def __call__(self, response: Any) -> None:
        self.all.append(response.http_response)

    @property
    def last(self) -> Any:
        return self.all[-1] if self.all else None


class AzureCloud:
    """A subscription through the Azure SDK (implements `port.Cloud`)."""

    def __init__(
        self,
        clients: Clients,
        subscription: str,
        resource_manager: str,
        budget: Budget,
        observe: Observe,
        may_write: Callable[[], bool],
    ) -> None:
        self._clients = clients
        self._subscription = subscription
        self._origin = _origin(resource_manager)
        self.budget = budget
        self._observe = observe
        self._may_write = may_write

    def use(self, clients: Clients, budget: Budget) -> None:
        """Go on with another login at the same resource manager. What is under way ends as it began."""
        self._clients, self.budget = clients, budget

    @property
    def subscription(self) -> str:
        """The subscription's GUID."""
        return self._subscription

    async def get(self, id_: str) -> Body:
        """See port.Cloud."""
        type_ = parse(id_).type
        if type_ == SUBSCRIPTION:
            return await self._raw("GET", f"{id_}?api-version={API_VERSIONS['subscriptions']}", type_)
        service, names = self._service(id_)
        answers = await self._call(
            type_, "GET", "reads", lambda hook: service.get(self._clients, *names, raw_response_hook=hook)
        )
        return _json(answers.last) or {}

    async def list(self, type_: str, scope: str, known: Sequence[Page] = ()) -> Sequence[Page]:
        """See port.Cloud. The SDK says what to ask for, and does not read the answers.

        Its models, which nobody here looks at, would cost ten times what a request does.
        """
        before = {page.url: page for page in known}
        url: str | None = known[0].url if known else await self._url_of_list(type_, scope)
        pages = []
        while url is not None:
            pages.append(await self._page(type_, url, before))
            url = pages[-1].next
        return pages

    async def _url_of_list(self, type_: str, scope: str) -> str:
        """The URL of a list, out of the request that the SDK would send."""
        names = self._names(scope)
        await self._clients.load(type_)
        try:
            await anext(SERVICES[type_.lower()].list(self._clients, *names, raw_request_hook=_stop).by_page())
        except _StoppedError as stopped:
            return stopped.url
        except (AzureError, TimeoutError, OSError) as error:  # the token comes first
            raise self._typed(error, None) from error
        raise AssertionError("the SDK asked without telling")

    async def _page(self, type_: str, url: str, before: Mapping[str, Page]) -> Page:
        answer = (await self._call(type_, "LIST", "reads", self._asking(url))).last
        known = before.get(url)
        if known is not None and known.digest == _digest(answer.content):
            return known
        return _read_page(url, answer.content)

    async def put(self, id_: str, body: Body, *, if_match: str | None = None) -> Accepted:
        """See port.Cloud."""
        service, names = self._service(id_)
        headers = {"If-Match": if_match} if if_match else {"If-None-Match": "*"} if if_match == "" else {}
        answers = await self._call(
            service.type,
            "PUT",
            "writes",
            lambda hook: service.put(self._clients, *names, body, raw_response_hook=hook, headers=headers),
        )
        return self._accepted(answers.last)

    async def delete(self, id_: str, *, if_match: str | None = None) -> Accepted:
        """See port.Cloud."""
        service, names = self._service(id_)
        headers = {"If-Match": if_match} if if_match else {}
        try:
            answers = await self._call(
                service.type,
                "DELETE",
                "writes",
                lambda hook: service.delete(self._clients, *names, raw_response_hook=hook, headers=headers),
            )
        except NotFound:
            return Accepted(None, None, None)
        return self._accepted(answers.last)

    async def post(self, id_: str, action: str) -> Body:
        """See port.Cloud."""
        service, names = self._service(id_)
        call = service.actions[action]
        answers = await self._call(
            service.type, action, "reads", lambda hook: call(self._clients, *names, raw_response_hook=hook)
        )
        return _json(await self._result(service.type, answers.last)) or {}

    async def _result(self, type_: str, answer: Any) -> Any:
        """The answer to an action, which ARM may leave at its Location for some seconds. Raises CloudError."""
        for _ in range(RESULT_LOOKS):
            url = answer.headers.get("Location")
            if answer.status_code != 202 or not url:
                return answer
            if not self.owns_url(url):
                raise NotFound("the result's URL is not of this account's resource manager", code="OperationNotFound")
            await asyncio.sleep(min(errors.seconds(answer.headers.get("Retry-After")) or 1.0, RESULT_PAUSE))
            answer = (await self._call(type_, "GET", "reads", self._asking(url))).last
        raise Unreachable("the action's result did not come", code="CloudUnreachable")

    def _asking(self, url: str) -> Callable[[_Answers], Awaitable[None]]:
        """A GET of a URL that ARM gave."""

        async def ask(hook: _Answers) -> None:
            # ARM signs these URLs: they are sent back to the letter
            response = await self._clients.resources.send_request(
                HttpRequest("GET", str(URL(url, encoded=True))),
                raw_response_hook=hook,
                stream=True,  # else the SDK parses it, and keeps what it parsed
            )
            await response.read()
            response.raise_for_status()

        return ask

    async def poll(self, url: str) -> OperationState:
        """See port.Cloud."""
        if not self.owns_url(url):
            raise NotFound(
                "the operation's URL is not of this account's resource manager and subscription",
                code="OperationNotFound",
            )
        answers = await self._call("operations", "GET", "reads", self._asking(url))
        answer = answers.last
        retry_after = errors.seconds(answer.headers.get("Retry-After"))
        body = _json(answer) or {}
        status = str(body.get("status") or "")
        if answer.status_code == 202 or status.lower() not in {"", "succeeded", "failed", "canceled"}:
            return OperationState(done=False, error=None, retry_after=retry_after)
        bad = status.lower() in {"failed", "canceled"}
        return OperationState(
            done=True, error=errors.from_operation(body.get("error")) if bad else None, retry_after=None
        )

    def _service(self, id_: str) -> tuple[Service, tuple[str, ...]]:
        """What serves the type of `id_`, and the names that it takes. Raises Terminal for another subscription's."""
        return SERVICES[parse(id_).type.lower()], self._names(id_)

    def _names(self, id_: str) -> tuple[str, ...]:
        parsed = parse(id_)
        if parsed.subscription.casefold() != self._subscription.casefold():  # the SDK would put our own in its place
            raise Terminal(f"{id_} lies in another subscription than the account's", code="NotAllowed")
        if parsed.type == SUBSCRIPTION:
            return ()
        return (parsed.resource_group, *parsed.names)

    def owns_url(self, url: str) -> bool:
        """See port.Cloud. Scheme, host and port are the resource manager's, and the path lies under the subscription."""
        if not _PLAIN.fullmatch(url):  # no two parsers agree on what else a URL may hold
            return False
        try:
            parts = urlsplit(url)
            path = parts.path.lower()
            return (
                _origin(url) == self._origin
                and "@" not in parts.netloc
                and path.startswith(f"/subscriptions/{self._subscription.lower()}/")
                and not {".", ".."} & set(re.split(r"[/\\]", unquote(path)))
            )
        except ValueError:
            return False

    async def _raw(self, method: str, path: str, type_: str) -> Body:
        async def ask(hook: _Answers) -> None:
            response = await self._clients.resources.send_request(HttpRequest(method, path), raw_response_hook=hook)
            response.raise_for_status()

        return _json((await self._call(type_, method, "reads", ask)).last) or {}

    async def _call(self, type_: str, verb: str, kind: Any, call: Callable[[_Answers], Awaitable[Any]]) -> _Answers:
        """The raw answers of one SDK call; raises CloudError."""
        await self._clients.load(type_)
        await self.budget.acquire(kind)
        if kind == "writes" and not self._may_write():
            raise NotLeading("this process does not lead any more: nothing is written", code="NotLeading")
        answers = _Answers()
        try:
            await call(answers)
        except (AzureError, TimeoutError, OSError) as error:
            raise self._typed(error, answers.last) from error
        finally:
            for answer in answers.all:
                self._observe(type_, verb, str(answer.status_code))
                self.budget.heard(answer.headers)
            if not answers.all:
                self._observe(type_, verb, "none")
        return answers

    def _typed(self, error: AzureError | OSError, answer: Any) -> CloudError:
        """What went wrong with a call, in our words; `answer` is the last that came, if any."""
        match error:
            case HttpResponseError():
                return self._refused(error, answer)
            case ServiceRequestError() | ServiceResponseError():
                return Unreachable(f"no answer from {self._origin[1]}: {error.message}", code="CloudUnreachable")
            case AzureError():
                return Unreachable(str(error.message), code="CloudUnreachable")
        return Unreachable(f"no answer from {self._origin[1]}: {type(error).__name__}", code="CloudUnreachable")

    def _refused(self, error: HttpResponseError, answer: Any) -> CloudError:
        if isinstance(error, ClientAuthenticationError) and (answer is None or answer.status_code < 400):
            return AuthenticationFailed(_first_line(error.message), code="AuthenticationFailed", status=401)
        if answer is None:
            return Unreachable(str(error.message), code="CloudUnreachable")
        typed = errors.from_answer(answer.status_code, _json(answer), answer.headers)
        if isinstance(typed, Throttled):
            self.budget.throttled(typed.retry_after or DEFAULT_THROTTLE)
        return typed

    def _accepted(self, answer: Any) -> Accepted:
        url = answer.headers.get("Azure-AsyncOperation") or (
            answer.headers.get("Location") if answer.status_code == 202 else None
        )
        operation = url if url and self.owns_url(url) else None
        return Accepted(_json(answer), operation, errors.seconds(answer.headers.get("Retry-After")))


class _StoppedError(Exception):
    """A request was made, and not sent."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url


def _stop(request: Any) -> None:
    raise _StoppedError(str(request.http_request.url))


def _read_page(url: str, content: bytes) -> Page:
    parsed = compact(json.loads(content or b"{}"))
    return Page(tuple(parsed.get("value") or ()), url, _digest(content), parsed.get("nextLink") or None)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _json(answer: Any) -> dict[str, Any] | None:
    """The answer's JSON object, None when it has none."""
    if answer is None or not answer.content:
        return None
    try:
        parsed = answer.json()
    except ValueError:
        return None
    return parsed if isinstance(parsed, Mapping) else None  # type: ignore[return-value]  # JSON objects are dicts


def _first_line(text: str | None) -> str:
    """What Entra says, without the ids and the time of the request: a message that differs each time is news each time."""
    first = next(iter((text or "").strip().splitlines()), "")
    return first.partition(" Trace ID: ")[0] or "the credential was refused"


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return (scheme, parts.hostname, {"https": 443, "http": 80}.get(scheme) if parts.port is None else parts.port)
