"""/_fakecloud/: the request journal, with a token of its own."""

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web

from fakecloud.control.journal import Journal

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """What tests ask of the fake itself."""

    def __init__(self, journal: Journal, token: str) -> None:
        self._journal = journal
        self._token = token

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [web.get("/_fakecloud/journal", self.guarded(self._read_journal))]

    def guarded(self, handler: Handler) -> Handler:
        """`handler` for those who carry the control token."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            if not self.allowed(request):
                return refuse(401, "Unauthorized", "controlToken of account.json is needed")
            return await handler(request)

        return guarded

    async def _read_journal(self, request: web.Request) -> web.Response:
        after = request.query.get("after", "0")
        if not after.isdigit():
            return refuse(400, "BadRequest", "after must be a number")
        return web.json_response(self._journal.after(int(after)))

    def allowed(self, request: web.Request) -> bool:
        """Whether the request carries the control token."""
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), self._token.encode())


async def unknown(request: web.Request) -> web.Response:
    """The answer below /_fakecloud/ to what this server does not have."""
    return refuse(404, "NotFound", f"{request.path} is not here; levers need `fakecloud serve --levers`")


def refuse(status: int, code: str, message: str) -> web.Response:
    """A refusal of the fake itself."""
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
