"""The token endpoint, as Entra's and as that of Active Directory Federation Services, which Azure Stack has."""

import hmac
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from fakecloud.identity.assertions import TYPE, Assertions, Rejected
from fakecloud.identity.tokens import LIFETIME, Tokens
from fakecloud.store import Store

CLIENT = "client"
"""The kind of a client's document: {"clientId", "objectId", "secrets": […], "certificates": [PEM…], "federated": […]}."""
ADFS: Final = "adfs"
"""What stands where Entra has the tenant."""
SHARED: Final = frozenset({"common", "organizations"})
"""What may stand there, too, where the tenant is not known yet."""


class Refusal(Exception):
    """A token that is not given. `error` is OAuth's word, `code` the number of AADSTS, `adfs` what ADFS says instead."""

    def __init__(self, status: int, error: str, code: int, message: str, adfs: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.code = code
        self.adfs = adfs


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
            web.get(f"/{ADFS}/.well-known/openid-configuration", self._adfs_configuration),
            web.get(f"/{ADFS}/discovery/keys", self._keys),
            web.post(f"/{ADFS}/oauth2/token", self._adfs_token),
            web.post(f"/{ADFS}/oauth2/token/", self._adfs_token),
            web.get(tenant + "/discovery/instance", self._instance),
            web.get(tenant + "/v2.0/.well-known/openid-configuration", self._configuration),
            web.get(tenant + "/.well-known/openid-configuration", self._configuration),
            web.get(tenant + "/discovery/v2.0/keys", self._keys),
            web.get(tenant + "/discovery/keys", self._keys),
            web.post(tenant + "/oauth2/v2.0/token", self._token),
            web.post(tenant + "/oauth2/token", self._token),
        ]

    async def _configuration(self, request: web.Request) -> web.Response:
        tenant = request.match_info["tenant"]
        if tenant.lower() not in {self._tokens.tenant.lower(), *SHARED}:
            return _refuse(_no_tenant(tenant))
        base = f"{_origin(request)}/{tenant}"
        return web.json_response(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "response_types_supported": ["code", "id_token", "token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _adfs_configuration(self, request: web.Request) -> web.Response:
        base = f"{_origin(request)}/{ADFS}"
        return web.json_response(
            {
                "issuer": base,
                "authorization_endpoint": f"{base}/oauth2/authorize/",
                "token_endpoint": f"{base}/oauth2/token/",
                "device_authorization_endpoint": f"{base}/oauth2/devicecode",
                "jwks_uri": f"{base}/discovery/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "response_types_supported": ["code", "id_token", "token"],
                "grant_types_supported": ["client_credentials"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _instance(self, request: web.Request) -> web.Response:
        """Whether an authority is one of Entra's, which clients ask before they believe it."""
        asked = urlsplit(request.query.get("authorization_endpoint", ""))
        host = request.headers.get("Host", request.host)
        tenant, _, rest = asked.path.strip("/").partition("/")
        if asked.scheme != "https" or asked.netloc.lower() != host.lower() or not tenant:
            return _refuse(Refusal(400, "invalid_instance", 50049, "Unknown or invalid instance.", ""))
        version = "/v2.0" if "v2.0" in rest else ""
        return web.json_response(
            {
                "tenant_discovery_endpoint": f"https://{host}/{tenant}{version}/.well-known/openid-configuration",
                "api-version": "1.1",
                "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response(self._tokens.keys())

    async def _token(self, request: web.Request) -> web.Response:
        tenant = request.match_info["tenant"]
        base = f"{_origin(request)}/{tenant}"
        try:
            if tenant.lower() != self._tokens.tenant.lower():
                raise _no_tenant(tenant)
            endpoints = (f"{base}/oauth2/v2.0/token", f"{base}/oauth2/token", f"{base}/v2.0", f"{base}/")
            return web.json_response(await self._grant(request, f"{base}/", endpoints))
        except Refusal as refusal:
            return _refuse(refusal)

    async def _adfs_token(self, request: web.Request) -> web.Response:
        base = f"{_origin(request)}/{ADFS}"
        try:
            endpoints = (f"{base}/oauth2/token", f"{base}/oauth2/token/", base)
            return web.json_response(await self._grant(request, base, endpoints))
        except Refusal as refusal:
            body = {"error": refusal.error, "error_description": refusal.adfs}
            return web.json_response(body, status=refusal.status)

    async def _grant(self, request: web.Request, issuer: str, endpoints: Sequence[str]) -> Mapping[str, Any]:
        """What a client gets that may have it; raises Refusal. `endpoints`: whom its own assertions may be for."""
        form: dict[str, Any] = dict(await request.post())
        if form.get("grant_type") != "client_credentials":
            raise Refusal(
                400,
                "unsupported_grant_type",
                70003,
                "The app requested an unsupported grant type.",
                "MSIS9611: The authorization server does not support the requested 'grant_type'.",
            )
        client = self._store.get(CLIENT, str(form.get("client_id", "")))
        if client is None:
            raise Refusal(
                400,
                "unauthorized_client",
                700016,
                f"Application with identifier '{form.get('client_id')}' was not found in the directory.",
                "MSIS9607: The 'client_id' parameter in the request is invalid. No registered client is found with this identifier.",
            )
        try:
            await self._log_in(form, client, endpoints)
        except Rejected as rejected:
            raise Refusal(
                401,
                "invalid_client",
                rejected.code,
                str(rejected),
                "MSIS9622: Client authentication failed. Please verify the credential provided for client authentication is valid.",
            ) from rejected
        audience = self._audience(form, request)
        token = self._tokens.issue(
            issuer=issuer, audience=audience, client=client["clientId"], object_id=client["objectId"]
        )
        return {"token_type": "Bearer", "expires_in": LIFETIME, "ext_expires_in": LIFETIME, "access_token": token}

    def _audience(self, form: Mapping[str, Any], request: web.Request) -> str:
        """Whom the token is asked for; raises Refusal."""
        asked = str(form.get("scope") or form.get("resource") or "")
        if not asked:
            raise Refusal(
                400,
                "invalid_request",
                900144,
                "The request body must contain the following parameter: 'scope'.",
                "MSIS9609: The 'resource' parameter in the request is missing or found empty.",
            )
        audience = asked.removesuffix("/.default")
        if not self._tokens.takes(audience, request.host):
            raise Refusal(
                400,
                "invalid_resource",
                500011,
                f"The resource principal named {audience} was not found in the tenant named {self._tokens.tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.",
                "MSIS9602: The received 'resource' parameter is invalid. The authorization server can not find a registered resource with the specified identifier.",
            )
        return audience

    async def _log_in(self, form: Mapping[str, Any], client: Mapping[str, Any], endpoints: Sequence[str]) -> None:
        """Returns when the form proves that it is the client's; raises Rejected."""
        assertion = form.get("client_assertion")
        if assertion is not None:
            if form.get("client_assertion_type") != TYPE:
                raise Rejected(
                    900144 if not form.get("client_assertion_type") else 70003,
                    f"The request body must contain the following parameter: 'client_assertion_type', with the value '{TYPE}'.",
                )
            await self._assertions.verify(str(assertion), client, endpoints)
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


def _origin(request: web.Request) -> str:
    return f"https://{request.headers.get('Host', request.host)}"


def _no_tenant(tenant: str) -> Refusal:
    return Refusal(
        400,
        "invalid_tenant",
        90002,
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
        "",
    )


def _refuse(refusal: Refusal) -> web.Response:
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    body = {
        "error": refusal.error,
        "error_description": f"AADSTS{refusal.code}: {refusal} Trace ID: {trace} Correlation ID: {correlation}",
        "error_codes": [refusal.code],
        "trace_id": trace,
        "correlation_id": correlation,
    }
    return web.json_response(body, status=refusal.status)
