"""What an account holds is sent to its own servers alone."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from aiohttp import web
from azure.core.exceptions import ServiceRequestError
from azure.core.rest import HttpRequest

from aks_operator.cloud.credentials import PUBLIC_CLOUDS, Endpoints
from aks_operator.cloud.pool import Pool, connect


class Server:
    """A server over TLS that notes who comes."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.headers.get("Authorization", ""))
        return web.json_response({})


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    made, app = Server(), web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    made.url = f"https://localhost:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


async def send(pool: Pool, url: str) -> int:
    response = await pool.send(HttpRequest("GET", url, headers={"Authorization": "Bearer token"}))
    return int(response.status_code)


async def test_a_server_that_is_not_the_accounts_hears_nothing(server: Server, tmp_path: Path) -> None:
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1))
        writer.close()

    foreign = await asyncio.start_server(hear, "127.0.0.1", 0)
    port = foreign.sockets[0].getsockname()[1]
    ours = Endpoints(server.url, server.url, None, discover=False).origins
    pool = connect(str(tmp_path / "ca.pem"), ours)
    try:
        assert await send(pool, f"{server.url}/subscriptions/x") == 200
        for url in (f"https://localhost:{port}/x", f"http://127.0.0.1:{port}/x", server.url.replace("https", "http")):
            with pytest.raises(ServiceRequestError, match="nothing is sent there"):
                await send(pool, url)
        assert server.asked == ["Bearer token"]
        assert heard == []
        with pytest.raises(ServiceRequestError):  # it is asked here, and has no certificate
            await send(pool.anywhere(), f"https://localhost:{port}/x")
    finally:
        foreign.close()
        await foreign.wait_closed()
        await pool.shut_down()


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://management.azure.com/subscriptions", True),
        ("https://MANAGEMENT.azure.com:443/subscriptions", True),
        ("https://login.microsoftonline.com/tenant/oauth2/v2.0/token", True),
        ("http://management.azure.com/subscriptions", False),
        ("https://management.azure.com:8443/subscriptions", False),
        ("https://management.azure.com.evil.example/subscriptions", False),
        ("https://management.azure.com@evil.example/subscriptions", False),
    ],
)
async def test_whom_an_account_of_azures_own_asks(url: str, may: bool) -> None:
    from yarl import URL

    assert (str(URL(url).origin()) in PUBLIC_CLOUDS["AzurePublic"].origins) is may
