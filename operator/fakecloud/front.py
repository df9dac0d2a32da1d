"""What every request passes before its route, and every answer after it: faults, the headers of ARM, the journal."""

import asyncio
import socket
import struct
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from fakecloud.arm.about import subscription_of
from fakecloud.arm.activity import Activity, Told
from fakecloud.arm.errors import ArmError
from fakecloud.arm.gateway import PRINCIPAL
from fakecloud.arm.operations import DOOM, Doom
from fakecloud.arm.throttling import Throttle
from fakecloud.control.journal import Journal

if TYPE_CHECKING:
    from fakecloud.control.faults import Standing
    from fakecloud.control.levers import Levers

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
OWN = ("/_fakecloud/", "/healthz")
"""What is asked of the fake itself: neither struck nor noted."""
ARM: Final = ("/subscriptions", "/providers", "/tenants")
"""What the resource manager answers to those who have a token."""


class Front:
    """A middleware around all routes. `levers` are None in a cloud that has none."""

    def __init__(self, journal: Journal, activity: Activity, throttle: Throttle, levers: "Levers | None") -> None:
        self._journal = journal
        self._activity = activity
        self._throttle = throttle
        self._faults = levers.faults if levers is not None else None

    def middleware(self) -> Any:
        """As aiohttp takes it."""

        @web.middleware
        async def pass_by(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith(OWN):
                return await handler(request)
            return await self._pass(request, handler)

        return pass_by

    async def _pass(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        began, at = time.monotonic(), time.time()
        request_id = str(uuid.uuid4())
        principal = ["-"]
        PRINCIPAL.set(principal)
        struck = [] if self._faults is None else self._faults.striking(request)
        try:
            response = await self._struck(request, handler, struck) if struck else await self._answer(request, handler)
        except web.HTTPException as refusal:  # as aiohttp's router says no
            response = refusal
        if request.path.lower().startswith(ARM) and not response.prepared:
            _stamp(request, response, request_id)
            subscription = subscription_of(request.rel_url.raw_path)
            response.headers.update(self._throttle.left(request.method, subscription, principal[0]))
            if principal[0] != "-" and isinstance(response, web.Response):
                self._activity.note(_told(request, response, principal[0]))
        entry = {
            "method": request.method,
            "path": request.path,
            "status": response.status,
            "principal": principal[0],
            "agent": request.headers.get("User-Agent", ""),
            "api_version": request.query.get("api-version", ""),
            "began": at,
            "milliseconds": (time.monotonic() - began) * 1000,
            "request_id": request_id,
        }
        if request.method != "GET" and {"Azure-AsyncOperation", "Location"} & response.headers.keys():
            entry["operation"] = True
        if struck:
            entry["faults"] = [{"rule": s.id, "kind": s.rule.fault.kind} for s in struck]
        self._journal.note(**entry)
        return response

    async def _struck(self, request: web.Request, handler: Handler, struck: "list[Standing]") -> web.StreamResponse:
        """The answer to a request that rules strike: delays first, then the first rule that ends it, then the others."""
        faults = [standing.rule.fault for standing in struck]
        for fault in faults:
            if fault.kind == "delay":
                await request.read()  # it is here as a whole: it is done even if its client dies meanwhile
                await asyncio.sleep(fault.seconds)
        for fault in faults:
            if fault.kind == "answer":
                return ArmError(
                    fault.status,
                    fault.code,
                    fault.message,
                    flat=fault.flat,
                    details=fault.details,
                    headers=dict(fault.headers),
                ).response()
            if fault.kind == "drop":
                await request.read()  # a client is not to be cut while it still sends
                return _reset(request, web.Response(status=499))
            if fault.kind == "fail":
                DOOM.set(Doom({"code": fault.code, "message": fault.message, "details": fault.details}))
        response = await self._answer(request, handler)
        for fault in faults:
            if fault.kind == "stale" and isinstance(response, web.Response) and self._faults is not None:
                self._faults.freeze(_key(request), response, fault.seconds)
            if fault.kind == "lose":
                return _reset(request, response)
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The route's answer, or the one that stands in its place."""
        frozen = self._faults.frozen(_key(request)) if self._faults is not None else None
        return await handler(request) if frozen is None else frozen


def _told(request: web.Request, response: web.Response, caller: str) -> Told:
    """What the activity log takes of an answer that was stamped."""
    began = response.headers.get("Azure-AsyncOperation") or response.headers.get("Location") or ""
    return Told(
        method=request.method,
        path=request.rel_url.raw_path,
        status=response.status,
        text=response.text or "",
        caller=caller,
        operation=began.partition("?")[0].rpartition("/")[2] or None,
        request_id=response.headers["x-ms-request-id"],
        correlation_id=response.headers["x-ms-correlation-request-id"],
        client_request_id=request.headers.get("x-ms-client-request-id"),
        address=request.remote or "",
    )


def _key(request: web.Request) -> str:
    return f"{request.method} {request.path_qs.lower()}"


def _reset(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Reset the connection: `response` goes nowhere, its status into the journal."""
    transport = request.transport
    if transport is not None:
        plain = transport.get_extra_info("socket")
        if plain is not None:  # no lingering: RST instead of FIN
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return response


def _stamp(request: web.Request, response: web.StreamResponse, request_id: str) -> None:
    """The headers of every answer of ARM."""
    response.headers["x-ms-request-id"] = request_id
    response.headers["x-ms-correlation-request-id"] = request.headers.get("x-ms-correlation-request-id", request_id)
    response.headers["x-ms-routing-request-id"] = f"FAKECLOUD:{request_id}"
    if "x-ms-client-request-id" in request.headers:
        response.headers["x-ms-client-request-id"] = request.headers["x-ms-client-request-id"]
