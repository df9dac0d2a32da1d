"""The gateway: who asks, for what, in which version; then the provider's turn; then operations and errors."""

import json
import logging
import math
import re
import uuid
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Final, NoReturn

from aiohttp import web

from fakecloud.arm import guards, listing, surface, tags
from fakecloud.arm import operations as lro
from fakecloud.arm.about import METADATA, About, endpoints, subscription_of
from fakecloud.arm.errors import ArmError, bad_request, group_not_found, not_implemented
from fakecloud.arm.ids import Target, parse
from fakecloud.arm.namespaces import Namespaces
from fakecloud.arm.paging import paged
from fakecloud.arm.throttling import Throttle
from fakecloud.arm.types import SUBSCRIPTION, Answer, Call, Context, ResourceType
from fakecloud.identity.tokens import Refused, Tokens
from fakecloud.jsontext import dumps

log = logging.getLogger(__name__)
MAX_BODY = 4 * 1024 * 1024
API_VERSION: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(-[a-z0-9]+)?")
OPERATIONS: Final = frozenset(
    {
        *("operations", "operationresults", "operationstatuses", "dnsoperationstatuses", "dnsoperationresults"),
        *("privatednsoperationstatuses", "privatednsoperationresults"),
    }
)
PRINCIPAL: ContextVar[list[str] | None] = ContextVar("principal", default=None)
"""Where the gateway puts whom a request's token stands for."""
RETRY_AFTER = 10.0
"""Seconds in Azure's time between polls."""


class Gateway:
    """Answers every path of ARM."""

    def __init__(
        self,
        context: Context,
        types: Iterable[ResourceType],
        tokens: Tokens,
        throttle: Throttle,
    ) -> None:
        self._context = context
        context.send = self._dispatch
        self._types = context.types
        self._types |= {t.type.lower(): t for t in types}
        self._tokens = tokens
        self._throttle = throttle
        self._namespaces = Namespaces(context.store, [t.type for t in self._types.values()])
        self._about = About(context.store, self._namespaces, tokens.tenant)

    async def handle(self, request: web.Request) -> web.Response:
        """The answer to one request, whatever happens."""
        try:
            if request.path.lower() == METADATA and request.method == "GET":
                return web.json_response(endpoints(_base(request), _api_version(request)))
            principal = self._tokens.verify(request.headers.get("Authorization"), request.host)
            if (noted := PRINCIPAL.get()) is not None:
                noted[0] = principal
            return await self._answer(request, principal)
        except Refused as refusal:
            headers = {
                "WWW-Authenticate": f'Bearer authorization_uri="{_base(request)}/{self._tokens.tenant}", error="invalid_token"'
            }
            return ArmError(401, refusal.code, str(refusal), headers=headers).response()
        except ArmError as error:
            return error.response()
        except web.HTTPRequestEntityTooLarge:
            return ArmError(413, "RequestEntityTooLarge", "The request body is too large.").response()
        except Exception:
            log.exception("%s %s", request.method, request.path)
            return ArmError(500, "InternalServerError", "The server met an unexpected condition.").response()

    async def _answer(self, request: web.Request, principal: str) -> web.Response:
        api_version = _api_version(request)
        raw_path = request.rel_url.raw_path
        subscription = subscription_of(raw_path)
        if subscription is not None:
            self._check_subscription(subscription)
        self._throttle.admit(request.method, subscription, principal)
        told = self._about.tenant_wide(request.method, raw_path)
        if told is None and subscription is not None:
            told = self._about.of_subscription(request.method, raw_path, subscription)
        if told is not None:
            return web.json_response(_in_pages(request, told))
        target = parse(raw_path)
        if target is None:
            raise ArmError(404, "InvalidResourceType", f"No resource type answers {request.path}.")
        self._throttle.admit_at_provider(request.method, target)
        body = await _json(request) if request.method in {"PUT", "PATCH", "POST"} else {}
        call = Call(target, api_version, body, request.headers, request.query, _base(request), principal)
        answer = await self._dispatch(request.method, call)
        page = _in_pages(request, answer.body)
        return self._respond(call, answer if page is answer.body else replace(answer, body=page))

    def _check_subscription(self, subscription: str) -> None:
        if not _is_guid(subscription):
            raise bad_request(
                "InvalidSubscriptionId",
                f"The provided subscription identifier '{subscription}' is malformed or invalid.",
            )
        if self._context.store.get(SUBSCRIPTION, subscription) is None:
            raise ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")

    async def _dispatch(self, method: str, call: Call) -> Answer:
        target = call.target
        segments = [segment.lower() for segment in target.type.split("/")]
        if segments[-1] in OPERATIONS and target.names and not target.collection:
            return self._operation(method, call)
        if not target.type:
            return await self._base_types(method, call)
        if target.type.lower() in {"resourcegroups", "resources"}:
            if method != "GET":
                raise _not_allowed(method)
            if target.type.lower() == "resources":
                return self._everything(call)
            return await self._types["microsoft.resources/resourcegroups"].list(call)
        return await self._resource(method, call)

    async def _base_types(self, method: str, call: Call) -> Answer:
        """Subscriptions and resource groups."""
        if call.target.group is None:
            if method != "GET":
                raise _not_allowed(method)
            return Answer(200, self._context.store.get(SUBSCRIPTION, call.target.subscription))
        guards.check(self._context, method, call)
        return await self._verb(self._types["microsoft.resources/resourcegroups"], method, call)

    async def _resource(self, method: str, call: Call) -> Answer:
        target, verb = call.target, "GET" if method == "HEAD" else method
        if target.collection and method == "POST":
            path, _, action = target.type.rpartition("/")
            verb = f"POST:{action}"
            target = replace(target, type=path, collection=False)
        elif target.collection:
            known = self._types.get(target.type.lower())
            whole = method if known is not None and known.nameless else f"{method} of a collection"
            verb = "LIST" if method == "GET" else whole
        if target is not call.target:
            call = replace(call, target=target)
        handler = self._built(target, verb)
        self._check_group(method, target)
        if method in {"PUT", "PATCH"}:
            self._namespaces.check(target.subscription, target.type.partition("/")[0])
        if verb == "LIST":
            if target.names and target.group is not None and not self._context.holds(target.id):
                raise _parent_missing(method, target, target.id)
            return await handler.list(call)
        if target.parent is not None and not self._context.holds(target.parent) and method != "DELETE":
            raise _parent_missing(method, target, target.parent)
        guards.check(self._context, method, call)
        if method == "POST":
            return await handler.post(call, verb.removeprefix("POST:"))
        return await self._verb(handler, method, call)

    def _built(self, target: Target, verb: str) -> ResourceType:
        """Who does `verb` on a type; raises ArmError when nobody here does (501), or nobody at all (404, 405)."""
        handler = self._types.get(target.type.lower())
        if handler is not None and verb.lower() in handler.does():
            return handler
        if surface.can(target.type, verb):
            raise not_implemented(target.type, verb)
        if target.type.lower() not in surface.AZURE and handler is None:
            raise _unknown(target.type)
        if verb.startswith("POST:"):
            raise _unknown(f"{target.type}/{verb.removeprefix('POST:')}")
        raise _not_allowed(verb.partition(" ")[0])

    def _check_group(self, method: str, target: Target) -> None:
        if target.group is None:
            return
        group = self._context.group(target.subscription, target.group)
        if group is None:
            raise group_not_found(target.group)
        if method in {"PUT", "PATCH"} and group["properties"]["provisioningState"] == "Deleting":
            raise ArmError(
                409,
                "ResourceGroupBeingDeleted",
                f"The resource group '{target.group}' is in deprovisioning state and cannot perform this operation.",
            )

    async def _verb(self, handler: ResourceType, method: str, call: Call) -> Answer:
        if method in {"PUT", "PATCH"}:
            call = replace(call, body=handler.read(call.body))
            tags.check(call.body.get("tags") or {})
        match method:
            case "GET":
                return await handler.get(call)
            case "HEAD":
                found = await handler.get(call)
                return Answer(204 if found.status == 200 else found.status)
            case "PUT":
                return await handler.put(call)
            case "PATCH":
                return await handler.patch(call)
            case "DELETE":
                return await handler.delete(call)
        raise _not_allowed(method)

    def _operation(self, method: str, call: Call) -> Answer:
        if method != "GET":
            raise _not_allowed(method)
        operation = self._context.operations.get(call.target.names[-1])
        if operation is None or operation["subscription"].lower() != call.target.subscription.lower():
            raise ArmError(404, "OperationNotFound", f"The operation '{call.target.names[-1]}' was not found.")
        if call.target.type.lower().endswith("operationresults"):  # with or without dns before it
            return self._result(operation)
        body: dict[str, Any] = {"status": operation["status"]}
        if operation["provider"] == "Microsoft.ContainerService":
            body = {
                "name": _swapped(operation["id"]),
                "status": operation["status"],
                "startTime": operation["startTime"],
            }
            if "endTime" in operation:
                body["endTime"] = operation["endTime"]
        if "error" in operation:
            body["error"] = operation["error"]
        return Answer(200, body, headers=self._retry() if operation["status"] == "InProgress" else {})

    def _result(self, operation: dict[str, Any]) -> Answer:
        if operation["status"] == "InProgress":
            return Answer(202, None, operation=operation, location=True)
        if "error" in operation:
            error = operation["error"]
            raise ArmError(409, error["code"], error["message"], details=error.get("details"))
        return Answer(200, None)

    def _everything(self, call: Call) -> Answer:
        """All top-level resources of a group or a subscription."""
        if call.target.group is not None and self._context.group(call.target.subscription, call.target.group) is None:
            raise group_not_found(call.target.group)
        return Answer(200, {"value": listing.everything(self._context, call)})

    def _respond(self, call: Call, answer: Answer) -> web.Response:
        headers = dict(answer.headers)
        if answer.operation is not None:
            if not (answer.location and answer.operation["provider"] == "Microsoft.Resources"):
                headers["Azure-AsyncOperation"] = lro.url(call.base, answer.operation, "operations", call.api_version)
            if answer.location:
                headers["Location"] = lro.url(call.base, answer.operation, "operationresults", call.api_version)
            headers |= self._retry()
        if answer.body is None:
            return web.Response(status=answer.status, headers=headers)
        if isinstance(answer.body, dict) and isinstance(answer.body.get("etag"), str):
            headers["ETag"] = answer.body["etag"]
        return web.Response(
            status=answer.status,
            body=dumps(answer.body),
            content_type="application/json",
            charset="utf-8",
            headers=headers,
        )

    def _retry(self) -> dict[str, str]:
        return {"Retry-After": f"{math.ceil(self._context.clock.lasts(RETRY_AFTER))}"}


def _is_guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _base(request: web.Request) -> str:
    return f"https://{request.headers.get('Host', request.host)}"


def _api_version(request: web.Request) -> str:
    """The one asked for; raises ArmError (400)."""
    given = request.query.get("api-version")
    if not given:
        raise bad_request(
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if not API_VERSION.fullmatch(given):
        raise bad_request(
            "InvalidApiVersionParameter",
            f"The api-version '{given}' is invalid. It takes a date such as 2024-05-01, and may end with -preview.",
        )
    return given


def _in_pages(request: web.Request, body: Any) -> Any:
    """A page of it, when it is a list that was asked for."""
    if request.method == "GET" and isinstance(body, dict) and isinstance(body.get("value"), list):
        return paged(body, f"{_base(request)}{request.rel_url.raw_path}", request.query)
    return body


async def _json(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    if not raw:
        return {}
    if request.content_type != "application/json":
        raise ArmError(
            415,
            "UnsupportedMediaType",
            f"The content media type '{request.content_type}' is not supported. Only 'application/json' is supported.",
        )
    try:
        parsed = json.loads(raw, parse_constant=_no_number, parse_int=_integer, parse_float=_float)
        if b"\\u" in raw:
            json.dumps(parsed, ensure_ascii=False).encode()  # half a surrogate pair is no text, and could not be kept
    except (ValueError, RecursionError) as error:
        raise bad_request(
            "InvalidRequestContent", f"The request content was invalid and could not be deserialized: '{error}'."
        ) from error
    if not isinstance(parsed, dict):
        raise bad_request(
            "InvalidRequestContent",
            "The request content was invalid and could not be deserialized: an object is expected.",
        )
    return parsed


def _parent_missing(method: str, target: Target, parent: str) -> ArmError:
    verb = "read" if method in {"GET", "HEAD"} else "write"
    return ArmError(
        404,
        "ParentResourceNotFound",
        f"Failed to perform '{verb}' on resource(s) of type '{target.type.partition('/')[2]}', because the parent resource '{parent}' could not be found.",
    )


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _integer(text: str) -> int:
    """An integer of 64 bits: there is no longer one in ARM."""
    value = int(text)
    if not -(2**63) <= value < 2**64:
        raise ValueError(f"JSON integer {text} is too large or small for an Int64.")
    return value


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        _no_number(text)
    return value


def _unknown(type_: str) -> ArmError:
    provider, _, rest = type_.partition("/")
    if provider.lower() not in surface.PROVIDERS:
        return ArmError(404, "InvalidResourceNamespace", f"The resource namespace '{provider}' is invalid.")
    return ArmError(
        404, "InvalidResourceType", f"The resource type '{rest}' could not be found in the namespace '{provider}'."
    )


def _not_allowed(method: str) -> ArmError:
    return ArmError(405, "HttpMethodNotAllowed", f"The HTTP method {method} is not allowed on this resource.")


def _swapped(guid: str) -> str:
    """AKS shows an operation's name with the first three groups of its GUID byte-swapped."""
    first, second, third, *rest = guid.split("-")
    return "-".join(
        ["".join(reversed([part[i : i + 2] for i in range(0, len(part), 2)])) for part in (first, second, third)] + rest
    )
