"""Tokens: signed, and verified on every call."""

import uuid
from collections.abc import Callable, Collection
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import RSAAlgorithm

LIFETIME: Final = 3600
KEY_ID: Final = "fakecloud"
AZURE: Final = frozenset({"management.azure.com", "management.core.windows.net"})
"""Audiences of the public cloud's resource manager, which some clients ask for whatever the endpoint."""


class Refused(Exception):
    """No token, or one that is not good. `code` is ARM's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Tokens:
    """Issues and verifies tokens of one tenant."""

    def __init__(self, key: RSAPrivateKey, tenant: str, names: Collection[str], now: Callable[[], float]) -> None:
        """`names` are the host names that the cloud is known by: audiences that its resource manager takes.

        `now` gives seconds since the epoch.
        """
        self._key = key
        self._public = key.public_key()
        self.tenant = tenant
        self._names = AZURE.union(name.lower() for name in names)
        self._now = now
        self._good: dict[str, tuple[float, str, str]] = {}

    def takes(self, audience: str, host: str) -> bool:
        """Whether an audience is this cloud's resource manager, which was asked as `host` (a port may follow)."""
        try:
            url, asked = urlsplit(audience), urlsplit(f"//{host}")
        except ValueError:
            return False
        return url.scheme == "https" and (url.hostname in self._names or url.hostname == asked.hostname)

    def keys(self) -> dict[str, Any]:
        """The public key as a JSON Web Key Set (RFC 7517)."""
        key = RSAAlgorithm.to_jwk(self._public, as_dict=True)
        return {"keys": [{**key, "use": "sig", "alg": "RS256", "kid": KEY_ID}]}

    def issue(self, *, issuer: str, audience: str, client: str, object_id: str) -> str:
        """A token for `client`, good for LIFETIME seconds."""
        now = int(self._now())
        claims: dict[str, Any] = {
            "aud": audience,
            "iss": issuer,
            "iat": now,
            "nbf": now - 60,
            "exp": now + LIFETIME,
            "tid": self.tenant,
            "oid": object_id,
            "sub": object_id,
            "appid": client,
            "idtyp": "app",
            "ver": "1.0",
            "uti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": KEY_ID})

    def expiry(self) -> int:
        """When a token that is issued now expires: seconds since the epoch."""
        return int(self._now()) + LIFETIME

    def verify(self, header: str | None, host: str) -> str:
        """The client that the Authorization header of a request to `host` stands for; raises Refused."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        known = self._good.get(token)
        if known is None:
            known = self._decoded(token)
            if len(self._good) > 1000:
                self._good.clear()
            self._good[token] = known
        expires, client, audience = known
        if expires <= self._now():
            raise Refused(
                "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time."
            )
        if not self.takes(audience, host):
            raise Refused(
                "InvalidAuthenticationTokenAudience",
                f"The access token has been obtained for wrong audience or resource '{audience}'. It should exactly match with one of the allowed audiences 'https://{host}'.",
            )
        return client

    def _decoded(self, token: str) -> tuple[float, str, str]:
        """When a token expires, whose it is and for whom; raises Refused."""
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=["RS256"],
                options={  # times are judged by the cloud's clock
                    "verify_aud": False,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "require": ["exp", "tid", "appid", "aud"],
                },
            )
        except jwt.PyJWTError as error:
            raise Refused("InvalidAuthenticationToken", "The access token is invalid.") from error
        if claims["tid"] != self.tenant:
            raise Refused(
                "InvalidAuthenticationTokenTenant",
                f"The access token is from the wrong issuer. It must match the tenant '{self.tenant}'.",
            )
        return float(claims["exp"]), str(claims["appid"]), str(claims["aud"])
