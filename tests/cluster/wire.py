"""What lies between an operator and its API server: a proxy that can be cut, closed, and made to keep watches silent."""

import asyncio
import json
import selectors
import ssl
import tempfile
import threading
from base64 import b64decode, b64encode
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

import aiohttp
import trustme
import yaml
from aiohttp import web

from tests.contract.cloud import until

T = TypeVar("T")
GONE: Final = {
    "type": "ERROR",
    "object": {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410},
}


class Wire:
    """A proxy over TLS, in a thread of its own. `kubeconfig` leads to it, with the credential of the one given."""

    def __init__(self, kubeconfig: str, folder: Path) -> None:
        document = yaml.safe_load(Path(kubeconfig).read_text())
        cluster = document["clusters"][0]["cluster"]
        self._target = str(cluster["server"])
        self._trust = ssl.create_default_context(cadata=b64decode(cluster["certificate-authority-data"]).decode())
        authority = trustme.CA()
        self._serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self._serving)
        self._silent: str | None = None
        self._expired = False
        self._pumps: dict[asyncio.Task[None], str] = {}
        self._port = 0
        self._selector = selectors.DefaultSelector()
        self._loop = asyncio.SelectorEventLoop(self._selector)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self._start())
        cluster["server"] = f"https://127.0.0.1:{self._port}"
        cluster["certificate-authority-data"] = b64encode(authority.cert_pem.bytes()).decode()
        with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".kubeconfig", delete=False) as file:
            yaml.safe_dump(document, file)
        self.kubeconfig = file.name

    def silence(self, part: str) -> None:
        """Watches whose path holds `part` stay open and bring nothing any more, bookmarks neither."""
        self._silent = part

    def speak(self) -> None:
        """Watches bring what happens from now on."""
        self._silent = None

    @property
    def watches(self) -> int:
        """How many are open."""
        return len(self._pumps)

    def cut(self) -> None:
        """End every open watch in the middle."""
        self._do(self._end(expired=False))

    def expire(self) -> None:
        """Tell every open watch that its resourceVersion is too old (410 Gone)."""
        self._do(self._end(expired=True))

    def close(self) -> None:
        """The API server is away: every connection breaks, and none can be made."""
        self._do(self._stop())

    def open(self) -> None:
        """The API server is back."""
        self._do(self._start())

    def end(self) -> None:
        """Take the proxy away."""
        self._do(self._stop())
        # the loop's own end of a pipe stays; a connection may still be in the middle of a handshake
        until("every connection is closed", lambda: len(self._selector.get_map()) <= 1 or None)
        self._do(self._last_rounds())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _start(self) -> None:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._trust, limit=0))
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._forward)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=self._serving).start()
        self._port = int(self._runner.addresses[0][1])

    async def _stop(self) -> None:
        for connection in self._runner.server.connections if self._runner.server else ():
            if connection.transport is not None:
                connection.transport.abort()
        await self._end(expired=False)
        await self._runner.cleanup()
        if self._session.connector is not None:
            await self._session.connector.close(abort_ssl=True)  # no farewell that the loop would have to wait for
        await self._session.close()

    async def _last_rounds(self) -> None:
        """What leaves the selector is closed some rounds later."""
        for _ in range(3):
            await asyncio.sleep(0)

    async def _end(self, *, expired: bool) -> None:
        pumps = list(self._pumps)
        self._expired = expired
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        sent = {k: v for k, v in request.headers.items() if k in {"Authorization", "Content-Type", "Accept"}}
        body = await request.read()
        async with self._session.request(
            request.method,
            self._target + request.path_qs,
            data=body or None,
            headers=sent,
            timeout=aiohttp.ClientTimeout(),
        ) as answer:
            headers = {"Content-Type": answer.headers.get("Content-Type", "")}
            if "watch" not in request.query:
                return web.Response(body=await answer.read(), status=answer.status, headers=headers)
            reply = web.StreamResponse(status=answer.status, headers=headers)
            await reply.prepare(request)
            pump = asyncio.ensure_future(self._pump(request.path, answer, reply))
            self._pumps[pump] = request.path
            try:
                await asyncio.wait({pump})
                if pump.cancelled() and self._expired:
                    await reply.write(json.dumps(GONE).encode() + b"\n")
                elif pump.cancelled() and request.transport is not None:
                    request.transport.abort()
            finally:
                pump.cancel()
                del self._pumps[pump]
            return reply

    async def _pump(self, path: str, answer: aiohttp.ClientResponse, reply: web.StreamResponse) -> None:
        async for chunk in answer.content.iter_any():
            if self._silent is None or self._silent not in path:
                await reply.write(chunk)
