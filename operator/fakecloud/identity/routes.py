"""The token endpoint, as Entra's."""

import uuid
from typing import Any

from aiohttp import web

from fakecloud.identity.tokens import LIFETIME, Tokens
from fakecloud.store import Store

CLIENT = "client"


class Identity:
    """openid configuration, client credentials, and the refusals that clients know."""

    def __init__(self, store: Store, tokens: Tokens) -> None:
        self._store = store
        self._tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        tenant = "/{tenant}"
        return [
            web.get(tenant + "/v2.0/.well-known/openid-configuration", self._configuration),
            web.get(tenant + "/.well-known/openid-configuration", self._configuration),
            web.get(tenant + "/discovery/v2.0/keys", self._keys),
            web.post(tenant + "/oauth2/v2.0/token", self._token),
            web.post(tenant + "/oauth2/token", self._token),
        ]

    async def _configuration(self, request: web.Request) -> web.Response:
        tenant = request.match_info["tenant"]
        if tenant.lower() not in {self._tokens.tenant.lower(), "common", "organizations"}:
            return _refuse(
                400,
                "invalid_tenant",
                90002,
                f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
            )
        base = f"https://{request.headers.get('Host', request.host)}/{tenant}"
        return web.json_response(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_types_supported": ["code", "id_token", "token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response(self._tokens.keys())

    async def _token(self, request: web.Request) -> web.Response:
        tenant = request.match_info["tenant"]
        form: dict[str, Any] = dict(await request.post())
        if tenant.lower() != self._tokens.tenant.lower():
            return _refuse(
                400,
                "invalid_tenant",
                90002,
                f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
            )
        if form.get("grant_type") != "client_credentials":
            return _refuse(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
        client = self._store.get(CLIENT, str(form.get("client_id", "")))
        if client is None:
            return _refuse(
                400,
                "unauthorized_client",
                700016,
                f"Application with identifier '{form.get('client_id')}' was not found in the directory.",
            )
        if form.get("client_secret") != client["secret"]:
            return _refuse(
                401,
                "invalid_client",
                7000215,
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.",
            )
        asked = str(form.get("scope") or form.get("resource") or "")
        if not asked:
            return _refuse(
                400, "invalid_request", 900144, "The request body must contain the following parameter: 'scope'."
            )
        audience = asked.removesuffix("/.default")
        if not self._tokens.takes(audience, request.host):
            return _refuse(
                400,
                "invalid_resource",
                500011,
                f"The resource principal named {audience} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.",
            )
        issuer = f"https://{request.headers.get('Host', request.host)}/{tenant}/"
        token = self._tokens.issue(
            issuer=issuer, audience=audience, client=client["clientId"], object_id=client["objectId"]
        )
        return web.json_response(
            {"token_type": "Bearer", "expires_in": LIFETIME, "ext_expires_in": LIFETIME, "access_token": token}
        )


def _refuse(status: int, error: str, code: int, message: str) -> web.Response:
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    description = f"AADSTS{code}: {message} Trace ID: {trace} Correlation ID: {correlation}"
    body = {
        "error": error,
        "error_description": description,
        "error_codes": [code],
        "trace_id": trace,
        "correlation_id": correlation,
    }
    return web.json_response(body, status=status)
