"""Client assertions (RFC 7523): who may log in with a signed statement instead of a secret, and what Entra says to others.

Two kinds: one that the client signs with the key of a certificate registered with it, and one that another issuer signed
of its subject, where a federated identity of the client names both. Times are judged by the machine's clock, since that
is what assertions are made by.
"""

import base64
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import load_pem_public_key

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE: Final = "api://AzureADTokenExchange"
"""The audience of a federated identity that names none."""
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512")
LEEWAY: Final = 300.0
"""Seconds by which two clocks may differ."""
LEARN: Final = (
    "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. "
    "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
)


class Rejected(Exception):
    """An assertion that is not good. `code` is the number of AADSTS."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Federated:
    """A federated identity credential: whose statements about whom count as the client's own."""

    issuer: str
    subject: str
    audience: str = EXCHANGE

    @classmethod
    def parse(cls, text: str) -> "Federated":
        """From `issuer=…,subject=…[,audience=…]`; raises ValueError."""
        parts = dict(part.partition("=")[::2] for part in text.split(","))
        if not {"issuer", "subject"} <= parts.keys() <= {"issuer", "subject", "audience"} or not all(parts.values()):
            raise ValueError("give issuer=URL,subject=NAME and, if it is another, audience=NAME")
        return cls(**parts)


class Issuers:
    """The keys of other issuers: from a file, or as each publishes them (OpenID Connect Discovery)."""

    def __init__(self, file: Path | None = None, ca: Path | None = None) -> None:
        """`file` holds a JSON Web Key Set, or a public key as PEM, and counts for every issuer. `ca` verifies issuers."""
        self._file = file
        self._ca = ca
        self._known: dict[str, jwt.PyJWKSet] = {}

    async def key(self, issuer: str, token: str) -> Any:
        """The key that `token` names among its issuer's; raises Rejected."""
        if self._file is not None:
            text = self._file.read_bytes()
            if text.lstrip().startswith(b"-----BEGIN"):
                return load_pem_public_key(text)
            return _named(jwt.PyJWKSet.from_json(text.decode()), token)
        if issuer in self._known:
            try:
                return _named(self._known[issuer], token)
            except Rejected:
                pass  # keys are rotated
        self._known[issuer] = await self._published(issuer)
        return _named(self._known[issuer], token)

    async def _published(self, issuer: str) -> jwt.PyJWKSet:
        context = ssl.create_default_context(cafile=str(self._ca) if self._ca else None)
        try:
            async with aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=context), timeout=aiohttp.ClientTimeout(total=10)
            ) as session:
                async with session.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration") as answer:
                    answer.raise_for_status()
                    found = await answer.json(content_type=None)
                async with session.get(str(found["jwks_uri"])) as answer:
                    answer.raise_for_status()
                    return jwt.PyJWKSet.from_dict(await answer.json(content_type=None))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
            raise Rejected(
                50166, f"Request to External OIDC endpoint failed. The keys of issuer '{issuer}' cannot be had."
            ) from error


class Assertions:
    """Verifies client assertions."""

    def __init__(self, issuers: Issuers, now: Callable[[], float] = time.time) -> None:
        """`now` gives seconds since the epoch."""
        self._issuers = issuers
        self._now = now

    async def verify(self, token: str, client: Mapping[str, Any], audiences: Iterable[str]) -> None:
        """Returns when `token` speaks for `client`; raises Rejected.

        `audiences` are what a client that signs by itself may call the token endpoint.
        """
        try:
            claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise Rejected(50027, "JWT token is invalid or malformed.") from error
        if header.get("alg") not in ALGORITHMS:
            raise Rejected(50027, "JWT token is invalid or malformed.")
        if claims.get("iss") == client["clientId"]:
            self._own(token, header, claims, client, audiences)
        else:
            await self._federated(token, claims, client)

    def _own(
        self,
        token: str,
        header: Mapping[str, Any],
        claims: Mapping[str, Any],
        client: Mapping[str, Any],
        audiences: Iterable[str],
    ) -> None:
        """An assertion that the client signed itself, with the key of a certificate of its."""
        given = {str(header[name]).rstrip("=") for name in ("x5t", "x5t#S256") if header.get(name)}
        for pem in client.get("certificates") or ():
            certificate = x509.load_pem_x509_certificate(pem.encode())
            if given & thumbprints(certificate):
                break
        else:
            raise Rejected(
                700027,
                "The certificate with identifier used to sign the client assertion is not registered on application. "
                "[Reason - The key was not found.]",
            )
        self._signed(token, certificate.public_key(), 700027, "Client assertion contains an invalid signature.")
        self._timely(claims)
        if claims.get("sub") != client["clientId"]:
            raise Rejected(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
        if claims.get("aud") not in set(audiences):
            raise Rejected(700023, "Client assertion audience claim does not match Realm issuer.")

    async def _federated(self, token: str, claims: Mapping[str, Any], client: Mapping[str, Any]) -> None:
        """An assertion of another issuer: issuer, subject and audience must be those of one federated identity."""
        records = [Federated(**record) for record in client.get("federated") or ()]
        said = claims.get("aud")
        audiences = set(said if isinstance(said, list) else [said])
        for code, word, value, has in (
            (700211, "issuer", claims.get("iss"), lambda r: r.issuer == claims.get("iss")),
            (700213, "subject", claims.get("sub"), lambda r: r.subject == claims.get("sub")),
            (700212, "audience", said, lambda r: r.audience in audiences),
        ):
            records = [record for record in records if has(record)]
            if not records:
                found = f"No matching federated identity record found for presented assertion {word} '{value}'."
                raise Rejected(code, f"{found} {LEARN}")
        key = await self._issuers.key(records[0].issuer, token)
        self._signed(token, key, 50013, "Assertion failed signature validation.")
        self._timely(claims)

    def _signed(self, token: str, key: Any, code: int, message: str) -> None:
        options = {"verify_aud": False, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
        try:
            jwt.decode(token, key, algorithms=list(ALGORITHMS), options=options)  # type: ignore[arg-type]  # a TypedDict
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise Rejected(
                code, f"{message} [Reason - The provided signature value did not match the expected signature value.]"
            ) from error

    def _timely(self, claims: Mapping[str, Any]) -> None:
        now = self._now()
        try:
            begins, ends = float(claims.get("nbf") or 0), float(claims["exp"])
        except (KeyError, TypeError, ValueError) as error:
            raise Rejected(50027, "JWT token is invalid or malformed.") from error
        if not begins - LEEWAY <= now < ends + LEEWAY:
            raise Rejected(
                700024,
                f"Client assertion is not within its valid time range. Current time: {_time(now)}, "
                f"assertion valid from {_time(begins)}, expiry time of assertion {_time(ends)}. "
                "Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
            )


def thumbprints(certificate: x509.Certificate) -> set[str]:
    """A certificate's x5t and x5t#S256 (RFC 7515)."""
    sha1 = hashes.SHA1()  # noqa: S303  # x5t is SHA-1 by its RFC; it only tells which certificate is meant
    found = (certificate.fingerprint(algorithm) for algorithm in (sha1, hashes.SHA256()))
    return {base64.urlsafe_b64encode(print_).decode().rstrip("=") for print_ in found}


def certificates(pem: bytes) -> list[str]:
    """The certificates of a PEM file, each as PEM; raises ValueError when there is none."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return [found.public_bytes(Encoding.PEM).decode() for found in x509.load_pem_x509_certificates(pem)]


def _named(keys: jwt.PyJWKSet, token: str) -> Any:
    wanted = jwt.get_unverified_header(token).get("kid")
    for key in keys.keys:
        if wanted is None or key.key_id == wanted:
            return key.key
    raise Rejected(50013, "Assertion failed signature validation. [Reason - The key was not found.]")


def _time(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    except (ValueError, OverflowError, OSError):
        return str(seconds)
