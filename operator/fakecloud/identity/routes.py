"""The token endpoint, as Entra's."""

import hmac
import uuid
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from fakecloud.identity.assertions import TYPE, Assertions, Rejected
from fakecloud.identity.tokens import LIFETIME, Tokens
from fakecloud.store import Store

CLIENT = "client"
"""The kind of a client's document: {"clientId", "objectId", "secrets": […], "certificates": [PEM…], "federated": […]}."""


class Identity:
    """openid configuration, client credentials, and the refusals that clients know."""

    def __init__(self, store: Store, tokens: Tokens, assertions: Assertions) -> None:
        self._store = store
        self._tokens = tokens
        self._assertions = assertions

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
        try:
            await self._log_in(form, client, request)
        except Rejected as rejected:
            return _refuse(401, "invalid_client", rejected.code, str(rejected))
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

    async def _log_in(self, form: Mapping[str, Any], client: Mapping[str, Any], request: web.Request) -> None:
        """Returns when the form proves that it is the client's; raises Rejected."""
        assertion = form.get("client_assertion")
        if assertion is not None:
            if form.get("client_assertion_type") != TYPE:
                raise Rejected(
                    900144 if not form.get("client_assertion_type") else 70003,
                    f"The request body must contain the following parameter: 'client_assertion_type', with the value '{TYPE}'.",
                )
            base = f"https://{request.host}/{request.match_info['tenant']}"
            audiences = (f"{base}/oauth2/v2.0/token", f"{base}/oauth2/token", f"{base}/v2.0", f"{base}/")
            await self._assertions.verify(str(assertion), client, audiences)
            return
        given = form.get("client_secret")
        if given is None:
            raise Rejected(
                7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            )
        known = [str(secret).encode() for secret in client.get("secrets") or ()]
        if not any(hmac.compare_digest(str(given).encode(), secret) for secret in known):
            raise Rejected(
                7000215,
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.",
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
