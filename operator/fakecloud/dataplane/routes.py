"""What agents ask of the server, below /_fakecloud/dataplane, with a token of their own."""

import hmac
from typing import Any, Final

from aiohttp import web

from fakecloud.dataplane import world as worlds
from fakecloud.dataplane.service import Dataplane, Report

LONGEST_WAIT: Final = 25.0


class AgentRoutes:
    """Parses and formats; `Dataplane` knows."""

    def __init__(self, dataplane: Dataplane, token: str) -> None:
        self._dataplane = dataplane
        self._token = token

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get("/_fakecloud/dataplane/world", self._world),
            web.get("/_fakecloud/dataplane/nodes", self._nodes),
            web.post("/_fakecloud/dataplane/nodes/{node}", self._report),
        ]

    async def _world(self, request: web.Request) -> web.Response:
        self._check(request)
        after = request.query.get("after", "")
        if after.isdigit():
            await self._dataplane.wait(int(after), LONGEST_WAIT)
        return web.json_response({"version": self._dataplane.version, "world": worlds.encode(self._dataplane.world)})

    async def _nodes(self, request: web.Request) -> web.Response:
        self._check(request)
        return web.json_response(self._dataplane.reports())

    async def _report(self, request: web.Request) -> web.Response:
        self._check(request)
        try:
            given: dict[str, Any] = await request.json()
            report = Report(
                version=int(given["version"]),
                complaints=[str(line) for line in given.get("complaints") or ()],
                error=str(given["error"]) if given.get("error") else None,
                up=worlds.probes(given.get("up") or []),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise web.HTTPBadRequest(text="a report is {version, complaints, error, up}") from error
        self._dataplane.report(request.match_info["node"], report)
        return web.Response(status=204)

    def _check(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            raise web.HTTPUnauthorized(text="the agents' token is needed")
