"""What is read of a managed cluster's kubeconfig, and what no kubeconfig makes us do."""

from base64 import b64encode
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_operator.kubeconfig import Access, Unusable, access

SERVER = "https://shop.hcp.westeurope.azmk8s.io:443"
TOKEN_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/token"


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def kubeconfig(user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None) -> dict[str, Any]:
    """One as AKS gives it, with another user or with changes of its cluster."""
    usual = {"server": SERVER, "certificate-authority-data": encoded("authority")}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "shop", "cluster": {**usual, **(cluster or {})}}],
        "users": [{"name": "admin", "user": {"token": "t0ken"} if user is None else user}],
        "contexts": [{"name": "shop-admin", "context": {"cluster": "shop", "user": "admin"}}],
        "current-context": "shop-admin",
    }


CERTIFICATE = {"client-certificate-data": encoded("certificate"), "client-key-data": encoded("key")}


@pytest.mark.parametrize(
    ("document", "found"),
    [
        pytest.param(kubeconfig(), Access(SERVER, "authority", None, "t0ken"), id="a token"),
        pytest.param(
            kubeconfig(CERTIFICATE), Access(SERVER, "authority", None, "", b"certificate", b"key"), id="a certificate"
        ),
        pytest.param(
            kubeconfig({**CERTIFICATE, "token": "t0ken"}),
            Access(SERVER, "authority", None, "t0ken"),
            id="a token is enough",
        ),
        pytest.param(
            kubeconfig(
                cluster={"certificate-authority-data": None, "server": f"{SERVER}/", "tls-server-name": "x.example"}
            ),
            Access(SERVER, None, "x.example", "t0ken"),
            id="the system's authorities, and another name",
        ),
        pytest.param(
            kubeconfig(cluster={"insecure-skip-tls-verify": False, "certificate-authority": "", "extensions": [{}]}),
            Access(SERVER, "authority", None, "t0ken"),
            id="what says nothing",
        ),
    ],
)
def test_a_server_and_a_credential_are_read(document: dict[str, Any], found: Access) -> None:
    assert access(document) == found


def test_it_shows_no_credential() -> None:
    shown = repr(access(kubeconfig())) + repr(access(kubeconfig(CERTIFICATE)))
    assert not [secret for secret in ("t0ken", "b'key'", "b'certificate'") if secret in shown]


@pytest.mark.parametrize(
    ("user", "says"),
    [
        ({"exec": {"command": "sh", "apiVersion": "client.authentication.k8s.io/v1"}}, "run a program"),
        ({"auth-provider": {"name": "gcp"}}, "run a program"),
        ({"tokenFile": TOKEN_FILE}, "a file of ours as its token"),
        ({"client-certificate": "/tls.crt", "client-key": "/tls.key"}, "a file of ours"),
        ({"client-certificate-data": encoded("c"), "client-key": "/tls.key"}, "a file of ours as its key"),
        ({"username": "admin", "password": "pw"}, "a password"),
        ({"token": "t", "as": "system:admin"}, "somebody else"),
    ],
)
def test_what_a_user_may_not_ask_for(user: dict[str, Any], says: str) -> None:
    for document in (kubeconfig(user), kubeconfig({**user, "token": "t"})):
        with pytest.raises(Unusable, match=f"{says}.*never done"):
            access(document)
    aside = kubeconfig()
    aside["users"].append({"name": "another", "user": user})
    with pytest.raises(Unusable, match=says):
        access(aside)


@pytest.mark.parametrize(
    ("cluster", "says"),
    [
        ({"insecure-skip-tls-verify": True}, "not to verify TLS"),
        ({"certificate-authority": "/etc/passwd"}, "a file of ours as its authority"),
        ({"proxy-url": "http://evil.example"}, "through a proxy"),
    ],
)
def test_what_a_cluster_may_not_ask_for(cluster: dict[str, Any], says: str) -> None:
    with pytest.raises(Unusable, match=f"{says}.*never done"):
        access(kubeconfig(cluster=cluster))


@pytest.mark.parametrize(
    "server",
    [
        "http://shop.example",
        "HTTP://shop.example:443",
        "file:///etc/passwd",
        "shop.example",
        "//shop.example",
        "https://",
        "https://shop.example@evil.example",
        "https://evil.example\\@shop.example",
        "https://shop.example?x",
        "https://shop.example#x",
        "https://shop.example:0",
        "https://shop.example:port",
        "https://[::1",
        "https://shop.ex\nample",
        "https://sh\u00f6p.example",
        " https://shop.example",
        None,
        7,
    ],
)
def test_a_server_without_tls_or_that_is_none(server: object) -> None:
    with pytest.raises(Unusable, match="no https URL"):
        access(kubeconfig(cluster={"server": server}))


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("current-context",), "other", "context that it does not hold"),
        (("current-context",), None, "context that it does not hold"),
        (("contexts", 0, "context", "user"), "other", "user that it does not hold"),
        (("contexts", 0, "context", "cluster"), "other", "cluster that it does not hold"),
        (("clusters",), {"shop": {}}, "a cluster that is none"),
        (("clusters",), 7, "a cluster that is none"),
        (("users",), ["admin"], "a user that is none"),
        (("users", 0, "user"), "admin", "a user that is none"),
        (("users", 0, "user"), {}, "neither a token nor a client certificate"),
        (("users", 0, "user"), {"client-certificate-data": encoded("c")}, "neither a token nor"),
        (("users", 0, "user"), {**CERTIFICATE, "client-key-data": "s3cret!"}, "client-key-data is not base64"),
        (("clusters", 0, "cluster", "certificate-authority-data"), "!", "not base64"),
    ],
)
def test_what_does_not_hold_together(path: tuple[str | int, ...], value: object, says: str) -> None:
    document: Any = deepcopy(kubeconfig())
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(Unusable, match=says) as refused:
        access(document)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__context__ is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=9), below, max_size=3),
    max_leaves=12,
)
PARTS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("clusters", "users", "contexts", "current-context"), JSON),
)


@given(JSON | PARTS)
def test_garbage_is_refused(document: object) -> None:
    with pytest.raises(Unusable):
        access(document)
