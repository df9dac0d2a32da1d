"""Tokens: signed, and verified on every call."""

import time
import uuid
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

LIFETIME: Final = 3600


class Refused(Exception):
    """No token, or one that is not good. `code` is ARM's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Tokens:
    """Issues and verifies tokens of one tenant."""

    def __init__(self, key: RSAPrivateKey, tenant: str) -> None:
        self._key = key
        self._public = key.public_key()
        self.tenant = tenant
        self._good: dict[str, tuple[float, str]] = {}

    def issue(self, *, issuer: str, audience: str, client: str, object_id: str) -> str:
        """A token for `client`, good for LIFETIME seconds."""
        now = int(time.time())
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
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": "fakecloud"})

    def verify(self, header: str | None) -> str:
        """The client that a request's Authorization header stands for; raises Refused."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        known = self._good.get(token)
        if known is not None and known[0] > time.time():
            return known[1]
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=["RS256"],
                options={"verify_aud": False, "require": ["exp", "tid", "appid"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise Refused(
                "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time."
            ) from error
        except jwt.PyJWTError as error:
            raise Refused("InvalidAuthenticationToken", "The access token is invalid.") from error
        if claims["tid"] != self.tenant:
            raise Refused(
                "InvalidAuthenticationTokenTenant",
                f"The access token is from the wrong issuer. It must match the tenant '{self.tenant}'.",
            )
        if len(self._good) > 1000:
            self._good.clear()
        self._good[token] = (float(claims["exp"]), str(claims["appid"]))
        return str(claims["appid"])
