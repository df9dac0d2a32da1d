"""/_fakecloud/: the request journal, with a token of its own."""

import hmac

from aiohttp import web

from fakecloud.control.journal import Journal


class Control:
    """What tests ask of the fake itself."""

    def __init__(self, journal: Journal, token: str) -> None:
        self._journal = journal
        self._token = token

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [web.get("/_fakecloud/journal", self._read_journal)]

    async def _read_journal(self, request: web.Request) -> web.Response:
        if not self.allowed(request):
            return web.json_response(
                {"error": {"code": "Unauthorized", "message": "controlToken of account.json is needed"}}, status=401
            )
        after = request.query.get("after", "0")
        if not after.isdigit():
            return web.json_response({"error": {"code": "BadRequest", "message": "after must be a number"}}, status=400)
        return web.json_response(self._journal.after(int(after)))

    def allowed(self, request: web.Request) -> bool:
        """Whether the request carries the control token."""
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), self._token.encode())
