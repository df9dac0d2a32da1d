"""Managed identity, as App Service hands it to what runs there: IDENTITY_ENDPOINT and IDENTITY_HEADER."""

import hmac
import uuid
from typing import Final

from aiohttp import web

from fakecloud.identity.tokens import Tokens
from fakecloud.store import Store

PATH: Final = "/msi/token"
API_VERSION: Final = "2019-08-01"
IDENTITY: Final = "identity"
"""The kind of the document: {"clientId", "objectId", "header"}."""


class ManagedIdentity:
    """Tokens for whoever knows the header: of one identity, which is the system's and, by its client id, a user's."""

    def __init__(self, store: Store, tokens: Tokens) -> None:
        self._store = store
        self._tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [web.get(PATH, self._token)]

    async def _token(self, request: web.Request) -> web.Response:
        identity = self._store.get(IDENTITY, IDENTITY) or {}
        given = request.headers.get("X-IDENTITY-HEADER", "")
        if not hmac.compare_digest(given.encode(), str(identity["header"]).encode()):
            return _refuse(401, "The X-IDENTITY-HEADER is missing or does not match IDENTITY_HEADER.")
        if request.query.get("api-version") != API_VERSION:
            return _refuse(400, f"The api-version is not supported. Use {API_VERSION}.")
        resource = request.query.get("resource", "")
        if not resource:
            return _refuse(400, "The parameter resource is missing.")
        wanted = next(
            (request.query[name] for name in ("client_id", "mi_res_id", "principal_id") if name in request.query), ""
        )
        if wanted and wanted.lower() not in {identity["clientId"].lower(), identity["objectId"].lower()}:
            return _refuse(
                400,
                "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
            )
        audience = resource.removesuffix("/.default")
        if not self._tokens.takes(audience, request.host):
            return _refuse(
                400,
                f"AADSTS500011: The resource principal named {audience} was not found in the tenant named {self._tokens.tenant}.",
            )
        token = self._tokens.issue(
            issuer=f"https://{request.host}/{self._tokens.tenant}/",
            audience=audience,
            client=identity["clientId"],
            object_id=identity["objectId"],
        )
        return web.json_response(
            {
                "access_token": token,
                "expires_on": str(self._tokens.expiry()),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": identity["clientId"],
            }
        )


def _refuse(status: int, message: str) -> web.Response:
    return web.json_response(
        {"statusCode": status, "message": message, "correlationId": str(uuid.uuid4())}, status=status
    )
