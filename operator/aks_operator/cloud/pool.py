"""The connections of an account: one pool for every client and the credential, TLS always verified, nobody else asked."""

import ssl
from typing import Any

import aiohttp
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport
from yarl import URL

CONNECTIONS = 20


def connect(ca: str | None, origins: frozenset[str], *, timeout: float = 60.0) -> "Pool":
    """A pool that trusts `ca` (a path; None: the system's authorities) and asks `origins` alone. Raises OSError for a bad CA.

    The context is made here, once: the SDK would read the CA file again for each request. `timeout` is in seconds.
    """
    context = ssl.create_default_context(cafile=ca)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, limit=CONNECTIONS),
        timeout=aiohttp.ClientTimeout(total=timeout, connect=5),
        auto_decompress=False,  # as the SDK's own session: it decompresses by itself
        middlewares=(_once,),
    )
    return Pool(session, origins)


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """A write is sent once. aiohttp sends a PUT or DELETE again when a kept connection broke; ARM may have done it already."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:  # there was no connection: nothing was sent
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method in {"GET", "HEAD"}:
            raise
        raise ServiceResponseError("the connection broke before an answer came", error=error) from error


class Pool(AioHttpTransport):  # type: ignore[misc]  # azure-core loads it lazily: mypy sees Any
    """A transport that outlives each client, and leaves the choice of authorities to its session.

    What an account holds is sent to its own servers alone, whatever a redirect, a nextLink or an operation's URL says.
    """

    def __init__(self, session: aiohttp.ClientSession, origins: frozenset[str] | None) -> None:
        super().__init__(session=session, session_owner=False)
        self._origins = origins

    def anywhere(self) -> "Pool":
        """The same connections for one who is told by the machine whom to ask, and sends nothing of an account's."""
        return Pool(self.session, None)

    async def send(self, request: Any, **config: Any) -> Any:
        """See AioHttpTransport. Raises ServiceRequestError for a server that is not the account's."""
        if self._origins is not None and str(URL(request.url).origin()) not in self._origins:
            raise ServiceRequestError(f"{URL(request.url).host} is not the account's: nothing is sent there")
        config.pop("connection_verify", None)
        config.pop("connection_cert", None)
        return await super().send(request, connection_verify=True, **config)

    async def close(self) -> None:
        """Nothing: the account closes the session when it goes."""

    async def shut_down(self) -> None:
        """Close the session."""
        if self.session is not None:
            await self.session.close()
