"""Others that sign: an issuer of tokens, as an API server is one, and a client with a certificate."""

import base64
import http.server
import json
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID
from jwt.algorithms import RSAAlgorithm

SUBJECT = "system:serviceaccount:aks-operator:aks-operator"
EXCHANGE = "api://AzureADTokenExchange"


class Issuer:
    """Signs tokens of ServiceAccounts, and publishes its keys when it is asked to `serve`."""

    def __init__(self, url: str = "https://issuer.test") -> None:
        self.url = url
        self._keys: dict[str, rsa.RSAPrivateKey] = {}
        self._server: http.server.ThreadingHTTPServer | None = None
        self.asked: list[str] = []
        """The paths that somebody asked for."""
        self.rotate()

    def rotate(self) -> None:
        """Sign with another key from now on; the old one is not published any more."""
        self._kid = f"key-{len(self._keys)}-{time.monotonic_ns()}"
        self._keys = {self._kid: rsa.generate_private_key(public_exponent=65537, key_size=2048)}

    @property
    def pem(self) -> bytes:
        """The public key."""
        return self._keys[self._kid].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def jwks(self) -> dict[str, Any]:
        """The keys as they are published."""
        found = [
            {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "alg": "RS256", "use": "sig"}
            for kid, key in self._keys.items()
        ]
        return {"keys": found}

    def token(self, *, lifetime: float = 3600, **claims: Any) -> str:
        """A token as the API server makes it; what is not given is right."""
        now = int(time.time())
        usual = {"iss": self.url, "sub": SUBJECT, "aud": [EXCHANGE], "iat": now, "nbf": now, "exp": now + lifetime}
        return jwt.encode({**usual, **claims}, self._keys[self._kid], algorithm="RS256", headers={"kid": self._kid})

    def serve(self, ca: trustme.CA) -> None:
        """Publish the keys on loopback from now on; `url` becomes the address."""
        issuer = self

        class Pages(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                pages = {
                    "/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"},
                    "/keys": issuer.jwks(),
                }
                found = pages.get(self.path)
                self.send_response(200 if found else 404)
                self.end_headers()
                self.wfile.write(json.dumps(found or {}).encode())

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                pass  # standard error is for failures

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert("localhost").configure_cert(context)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Publish nothing any more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


class Certificate:
    """A certificate of a client's own making, with its key."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "aks-operator")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
        self._certificate = builder.sign(self.key, hashes.SHA256())

    @property
    def public(self) -> str:
        """What is registered with the application: PEM."""
        return self._certificate.public_bytes(Encoding.PEM).decode()

    @property
    def pem(self) -> str:
        """Certificate and key, as a client keeps them."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self.public + key.decode()

    @property
    def x5t(self) -> str:
        """The thumbprint by which a token names it (RFC 7515)."""
        print_ = self._certificate.fingerprint(hashes.SHA1())  # by its RFC; nothing is protected by it
        return base64.urlsafe_b64encode(print_).decode().rstrip("=")

    def write(self, path: Path) -> Path:
        """The public part as a file."""
        path.write_text(self.public)
        return path
