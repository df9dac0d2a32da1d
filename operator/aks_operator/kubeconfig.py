"""A managed cluster's kubeconfig: what is read of it, and what is never done for it. Pure."""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

NEVER: Final[Mapping[str, Mapping[str, str]]] = {
    "cluster": {
        "insecure-skip-tls-verify": "not to verify TLS",
        "certificate-authority": "for a file of ours as its authority",
        "proxy-url": "to go through a proxy",
    },
    "user": {
        "exec": "to run a program for its credential",
        "auth-provider": "to run a program for its credential",
        "tokenFile": "for a file of ours as its token",
        "client-certificate": "for a file of ours as its certificate",
        "client-key": "for a file of ours as its key",
        "username": "to send a password",
        "password": "to send a password",
        "as": "to act as somebody else",
    },
}
"""What a kubeconfig may ask for, by the part that asks: whoever writes it would make us do that, with what we may do."""


class Unusable(ValueError):
    """It is no kubeconfig, or asks for what is NEVER done. Says nothing of its credentials."""


@dataclass(frozen=True)
class Access:
    """How to reach an API server: all that is taken from a kubeconfig. repr shows no credential."""

    server: str
    """Scheme, host and port; https only."""
    authority: str | None
    """Whom to trust, as PEM; None: the system's authorities."""
    server_name: str | None
    """The name that its certificate is for, where that is not its host."""
    token: str = field(default="", repr=False)
    certificate: bytes = field(default=b"", repr=False)
    """As PEM, with its `key`; not read where there is a token."""
    key: bytes = field(default=b"", repr=False)


def access(document: object) -> Access:
    """How to reach the API server of the current context; raises Unusable, also for what another context asks."""
    if not isinstance(document, Mapping):
        raise Unusable("it is no kubeconfig")
    clusters, users = _named(document, "cluster"), _named(document, "user")
    context = _entry(_named(document, "context"), str(document.get("current-context")), "context")
    cluster = _entry(clusters, str(context.get("cluster")), "cluster")
    user = _entry(users, str(context.get("user")), "user")
    authority = _decoded(cluster, "certificate-authority-data")
    server_name = cluster.get("tls-server-name")
    token = str(user.get("token") or "")
    certificate, key = (
        (b"", b"") if token else (_decoded(user, f"client-{part}-data") for part in ("certificate", "key"))
    )
    if not token and not (certificate and key):
        raise Unusable("the kubeconfig has neither a token nor a client certificate with its key")
    return Access(
        _server(str(cluster.get("server"))),
        authority.decode("ascii") if authority else None,
        str(server_name) if server_name else None,
        token,
        certificate,
        key,
    )


def _named(document: Mapping[str, Any], part: str) -> dict[str, Mapping[str, Any]]:
    """The entries of one of the kubeconfig's lists, by their names."""
    found = {}
    entries = document.get(f"{part}s") or []
    for entry in entries if isinstance(entries, list) else [None]:
        value = (entry.get(part) or {}) if isinstance(entry, Mapping) else None
        if not isinstance(entry, Mapping) or not isinstance(value, Mapping):
            raise Unusable(f"the kubeconfig holds a {part} that is none")
        for name, what in NEVER.get(part, {}).items():
            if value.get(name):
                raise Unusable(f"the kubeconfig asks {what} ({name}): that is never done")
        found[str(entry.get("name"))] = value
    return found


def _entry(entries: Mapping[str, Mapping[str, Any]], name: str, part: str) -> Mapping[str, Any]:
    if name not in entries:
        raise Unusable(f"the kubeconfig names a {part} that it does not hold")
    return entries[name]


def _decoded(entry: Mapping[str, Any], name: str) -> bytes:
    try:
        return b64decode(str(entry.get(name) or ""), validate=True)
    except ValueError:
        pass  # not raised from: it would show the key
    raise Unusable(f"the kubeconfig's {name} is not base64")


def _server(url: str) -> str:
    """The URL of a server, without a slash at its end."""
    try:
        parts = urlsplit(url)
        sound = (
            parts.scheme == "https"
            and bool(parts.hostname)
            and parts.port != 0
            and not {"@", "\\", "?", "#", " "} & set(url)
            and url.isascii()
            and url.isprintable()
        )
    except ValueError:
        sound = False
    if not sound:
        raise Unusable("the kubeconfig's server is no https URL: a credential is sent nowhere else")
    return url.rstrip("/")
