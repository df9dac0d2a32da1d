"""Accounts: where they are looked up, what their Secrets must hold, and what of them is never shown."""

import logging
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import trustme

from aks_operator import logs
from aks_operator.accounts import Accounts
from aks_operator.api.common import AccountReference
from aks_operator.cache import Cache
from aks_operator.cloud.credentials import ManagedIdentity, WorkloadIdentity
from aks_operator.keys import Key
from aks_operator.logins import Logins
from aks_operator.metrics import Metrics
from aks_operator.objects import references
from aks_operator.outcome import Hold
from aks_operator.settings import Settings
from tests.unit.aks_operator.apiserver import ApiServer, serving, status
from tests.unit.aks_operator.arm import Clock

if TYPE_CHECKING:
    from aks_operator.kube import KubeClient

KEY = Key("CloudAccount", "team", "default")
SECRET = "v3ry-s3cret"
ENDPOINT = "https://fakecloud.example"


@dataclass
class Office:
    server: ApiServer
    cache: Cache
    clock: Clock
    accounts: Accounts
    proven: list[Key]
    version: int = 0

    def account(self, key: Key = KEY, *, ready: bool = True, **spec: Any) -> None:
        """A CloudAccount as last seen."""
        self.version += 1
        credential = {
            "type": "ServicePrincipal",
            "clientId": "app",
            "clientSecretRef": {"name": "azure", "key": "clientSecret"},
        }
        guid = "00000000-0000-0000-0000-000000000001"
        full = {"subscriptionId": guid, "tenantId": guid, "credential": credential, **spec}
        meta = {"name": key.name, "uid": str(key), "resourceVersion": str(self.version), "generation": 1}
        ready_now = {"type": "Ready", "status": str(ready), "reason": "X", "message": "m", "observedGeneration": 1}
        ready_now["lastTransitionTime"] = "t"
        self.cache.remember(key, {"metadata": meta, "spec": full, "status": {"conditions": [ready_now]}})

    def secret(self, place: str, /, **data: bytes) -> None:
        """A Secret; `place` is its name, or namespace/name."""
        namespace, _, name = place.rpartition("/")
        encoded = {key: b64encode(value).decode() for key, value in data.items()}
        self.server.put(f"/api/v1/namespaces/{namespace or 'team'}/secrets/{name}", {"data": encoded})


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    server, clock, proven = ApiServer(), Clock(), list[Key]()
    settings = Settings(namespace="aks-operator", allowed_endpoints=(ENDPOINT + "/",))
    async with serving(server) as kube:
        cache = Cache(references("aks-operator"))
        accounts = Accounts(kube, cache, settings, Metrics(), clock, lambda: "t", lambda: True, proven.append)
        try:
            yield Office(server, cache, clock, accounts, proven)
        finally:
            await accounts.close_all()


def custom(ca: str | None = "ca", **endpoints: str) -> dict[str, Any]:
    found: dict[str, Any] = {"resourceManager": ENDPOINT, "authority": ENDPOINT, **endpoints}
    if ca:
        found["certificateAuthority"] = {"secretRef": {"name": ca, "key": "ca.crt"}}
    return {"cloud": "Custom", "endpoints": found}


async def test_an_account_opens_once_and_logs_in_anew_when_its_secret_changes(office: Office) -> None:
    office.account()
    office.secret("azure", clientSecret=SECRET.encode())
    first = await office.accounts.open(KEY)
    assert await office.accounts.open(KEY) is first
    office.secret("azure", clientSecret=b"another")
    second = await office.accounts.open(KEY)
    assert second is not first
    assert office.accounts.get(KEY) is second
    assert second.credential is not first.credential
    assert second.session is first.session, "what is under way, and what is known of the cloud, goes on"
    assert second.session.cloud is second.cloud


async def test_who_was_refused_goes_on_when_the_cloud_let_a_new_login_in_and_not_before(office: Office) -> None:
    office.account(ready=False)
    office.secret("azure", clientSecret=SECRET.encode())
    await office.accounts.open(KEY)
    office.accounts.prove(KEY)
    assert office.proven == [], "it does not say that it is Ready yet: those who wait are woken when it does"
    office.account(ready=True)
    office.secret("azure", clientSecret=b"another")
    await office.accounts.open(KEY)
    assert office.proven == []
    for _ in range(2):
        office.accounts.prove(KEY)
    assert office.proven == [KEY]


async def test_another_authority_takes_other_connections_and_the_old_ones_end_in_peace(office: Office) -> None:
    office.account(**custom())
    office.secret("azure", clientSecret=SECRET.encode())
    office.secret("ca", **{"ca.crt": trustme.CA().cert_pem.bytes()})
    first = await office.accounts.open(KEY)
    office.secret("ca", **{"ca.crt": trustme.CA().cert_pem.bytes()})
    second = await office.accounts.open(KEY)
    assert second.session is first.session
    assert second.pool is not first.pool
    assert not first.pool.session.closed, "somebody may be in the middle of a request"
    office.clock.now += 121
    office.secret("azure", clientSecret=b"a third")
    await office.accounts.open(KEY)
    assert first.pool.session.closed
    assert not second.pool.session.closed


async def test_an_account_that_leads_elsewhere_knows_nothing_of_there(office: Office) -> None:
    office.account()
    office.secret("azure", clientSecret=SECRET.encode())
    first = await office.accounts.open(KEY)
    office.account(cloud="AzureChina")
    assert (await office.accounts.open(KEY)).session is not first.session


async def test_an_account_that_was_refused_logs_in_anew_with_what_it_has(office: Office) -> None:
    office.account()
    office.secret("azure", clientSecret=SECRET.encode())
    first = await office.accounts.open(KEY)
    office.accounts.doubt(KEY)
    second = await office.accounts.open(KEY)
    assert second.credential is not first.credential, "the token that it kept may be good no more"
    assert await office.accounts.open(KEY) is second


OWN = {"WorkloadIdentity": WorkloadIdentity, "ManagedIdentity": ManagedIdentity}


@pytest.mark.parametrize("type_", OWN)
@pytest.mark.parametrize(
    ("namespace", "may"), [("aks-operator", True), ("trusted", True), ("team", False), ("kube-system", False)]
)
async def test_the_operators_own_identity_is_for_namespaces_that_may_use_it(
    office: Office, tmp_path: Path, type_: str, namespace: str, may: bool
) -> None:
    (tmp_path / "token").write_text("a.b.c")
    settings = Settings(
        namespace="aks-operator",
        workload_identity_namespaces=("trusted",),
        federated_token_file=str(tmp_path / "token"),
    )
    spec = SimpleNamespace(
        cloud="AzurePublic",
        tenant_id="t",
        credential=SimpleNamespace(type=type_, client_id="c", client_secret_ref=None, client_certificate_ref=None),
    )
    logins = Logins(cast("KubeClient", None), settings)
    try:
        if may:
            login = await logins.read(Key("CloudAccount", namespace, "a"), spec)
            assert isinstance(login.principal, OWN[type_])
            return
        with pytest.raises(Hold, match="workloadIdentityNamespaces") as held:
            await logins.read(Key("CloudAccount", namespace, "a"), spec)
        assert held.value.reason == "NotAllowed"
    finally:
        logins.close()


@pytest.mark.parametrize(
    ("token", "client", "default", "reason", "says"),
    [
        pytest.param("a.b.c", None, "", "Invalid", "clientId", id="nobody to be"),
        pytest.param(None, "c", "", "AuthenticationFailed", "workloadIdentity.enabled", id="no token"),
        pytest.param(" ", "c", "", "AuthenticationFailed", "workloadIdentity.enabled", id="an empty token"),
        pytest.param("a.b.c", None, "mine", "", "mine", id="whom the installation means"),
        pytest.param("a.b.c", "c", "mine", "", "c", id="whom the account names"),
    ],
)
async def test_workload_identity_needs_a_token_and_a_client(
    office: Office, tmp_path: Path, token: str | None, client: str | None, default: str, reason: str, says: str
) -> None:
    if token is not None:
        (tmp_path / "token").write_text(token)
    settings = Settings(
        namespace="team", federated_token_file=str(tmp_path / "token"), workload_identity_client_id=default
    )
    credential = SimpleNamespace(type="WorkloadIdentity", client_id=client)
    logins = Logins(cast("KubeClient", None), settings)
    try:
        spec = SimpleNamespace(cloud="AzurePublic", tenant_id="t", credential=credential)
        if not reason:
            login = await logins.read(KEY, spec)
            assert login.principal == WorkloadIdentity("t", says, str(tmp_path / "token"))
            return
        with pytest.raises(Hold, match=says) as held:
            await logins.read(KEY, spec)
        assert held.value.reason == reason
        assert "a.b.c" not in str(held.value)
    finally:
        logins.close()


async def test_accounts_of_one_subscription_and_identity_share_a_budget(office: Office) -> None:
    other, elsewhere = Key("CloudAccount", "team", "other"), Key("CloudAccount", "team", "elsewhere")
    office.secret("azure", clientSecret=SECRET.encode())
    office.account()
    office.account(other)
    office.account(elsewhere, subscriptionId="00000000-0000-0000-0000-000000000002")
    first = await office.accounts.open(KEY)
    assert (await office.accounts.open(other)).budget is first.budget
    assert (await office.accounts.open(elsewhere)).budget is not first.budget
    office.secret("azure", clientSecret=b"rotated")
    assert (await office.accounts.open(KEY)).budget is first.budget, "a new secret does not end throttling"


async def test_an_own_cloud_is_verified_by_its_own_authority(office: Office) -> None:
    office.account(**custom())
    office.secret("azure", clientSecret=SECRET.encode())
    office.secret("ca", **{"ca.crt": trustme.CA().cert_pem.bytes()})
    assert (await office.accounts.open(KEY)).session.cloud.owns_url(
        f"{ENDPOINT}/subscriptions/00000000-0000-0000-0000-000000000001/x"
    )


BAD_PEM = b"-----BEGIN CERTIFICATE-----\n" + SECRET.encode() + b"\n-----END CERTIFICATE-----\n"
CERTIFICATE = {
    "credential": {
        "type": "ServicePrincipal",
        "clientId": "app",
        "clientCertificateRef": {"name": "azure", "key": "clientSecret"},
    }
}


@pytest.mark.parametrize(
    ("spec", "secrets", "reason", "says"),
    [
        pytest.param({}, {}, "SecretNotFound", "there is no Secret team/azure", id="no Secret"),
        pytest.param({}, {"azure": {"other": b"x"}}, "SecretNotFound", "has no key 'clientSecret'", id="no such key"),
        pytest.param({}, {"azure": {"clientSecret": b""}}, "SecretNotFound", "has no key", id="an empty key"),
        pytest.param(
            {},
            {"azure": {"clientSecret": b"\xff" + SECRET.encode()}},
            "Invalid",
            "does not hold a client secret",
            id="no text",
        ),
        pytest.param(
            CERTIFICATE,
            {"azure": {"clientSecret": BAD_PEM}},
            "Invalid",
            "clientCertificateRef does not hold",
            id="no certificate",
        ),
        pytest.param(
            custom(), {"azure": {"clientSecret": b"x"}}, "SecretNotFound", "no Secret team/ca", id="no authority"
        ),
        pytest.param(
            custom(),
            {"azure": {"clientSecret": b"x"}, "ca": {"ca.crt": b"garbage"}},
            "Invalid",
            "certificateAuthority does not hold",
            id="an authority that is no PEM",
        ),
        pytest.param(
            custom(),
            {"azure": {"clientSecret": b"x"}, "ca": {"ca.crt": BAD_PEM}},
            "Invalid",
            "certificateAuthority does not hold",
            id="an authority that is a broken PEM",
        ),
        pytest.param(
            custom(None, authority="https://evil.example"),
            {"azure": {"clientSecret": b"x"}},
            "NotAllowed",
            "https://evil.example is not in the operator's allowedEndpoints",
            id="an authority that would get our secret",
        ),
        pytest.param(
            custom(None, resourceManager="https://evil.example"),
            {"azure": {"clientSecret": b"x"}},
            "NotAllowed",
            "https://evil.example is not",
            id="a resource manager that would get our token",
        ),
        pytest.param(
            {"credential": {"type": "WorkloadIdentity"}},
            {},
            "NotAllowed",
            "workloadIdentityNamespaces",
            id="the operator's own identity in a namespace of a user's",
        ),
    ],
)
async def test_what_is_wrong_with_an_account_is_told_and_ends_nothing_else(
    office: Office,
    caplog: pytest.LogCaptureFixture,
    spec: dict[str, Any],
    secrets: dict[str, dict[str, bytes]],
    reason: str,
    says: str,
) -> None:
    office.account(**spec)
    for name, data in secrets.items():
        office.secret(name, **data)
    with pytest.raises(Hold, match=says) as held:
        await office.accounts.open(KEY)
    assert held.value.reason == reason
    await office.accounts.open_ready()
    assert office.accounts.get(KEY) is None
    formatter = logs.JsonFormatter()
    assert SECRET not in "".join(formatter.format(record) for record in caplog.records) + caplog.text


async def test_a_secret_that_may_not_be_read_says_how_to_grant_it(office: Office) -> None:
    office.account()
    office.server.refuse = lambda method, path: status(403, "Forbidden", "no")
    with pytest.raises(Hold, match="secretNamespaces") as held:
        await office.accounts.open(KEY)
    assert held.value.reason == "SecretForbidden"


async def test_neither_an_account_nor_its_credential_shows_its_secret(office: Office) -> None:
    office.account()
    office.secret("azure", clientSecret=SECRET.encode())
    account = await office.accounts.open(KEY)
    shown = repr(account) + repr(vars(account)) + repr(account.session.cloud)
    assert SECRET not in shown
    with pytest.raises(Hold) as held:
        office.accounts.resolve("elsewhere", AccountReference(name="default", namespace="team"))
    record = logging.makeLogRecord({"msg": "held", "exc_info": (Hold, held.value, held.value.__traceback__)})
    assert SECRET not in logs.JsonFormatter().format(record) + logs.PlainFormatter().format(record)


@pytest.mark.parametrize(
    ("namespace", "reference", "accounts", "found"),
    [
        pytest.param(
            "team", {}, ["team/default", "aks-operator/default"], "team/default", id="its own namespace first"
        ),
        pytest.param("web", {}, ["aks-operator/default"], "aks-operator/default", id="then the operator's"),
        pytest.param("web", {"namespace": "team"}, ["team/default", "web/default"], "team/default", id="as named"),
        pytest.param("web", {"name": "x"}, ["web/default"], "WaitingForAccount", id="no such account"),
        pytest.param("shy", {"namespace": "team"}, ["team/default"], "NotAllowed", id="not invited"),
        pytest.param("web", {"namespace": "late"}, ["late/default"], "WaitingForAccount", id="not ready"),
    ],
)
async def test_where_an_account_is_looked_up_and_who_may_use_it(
    office: Office, namespace: str, reference: dict[str, str], accounts: list[str], found: str
) -> None:
    for name in accounts:
        key = Key("CloudAccount", *name.split("/"))
        office.account(key, allowedNamespaces=["web"], ready=key.namespace != "late")
        office.secret(f"{key.namespace}/azure", clientSecret=b"x")
        await office.accounts.open(key)
    asked = AccountReference.model_validate(reference)
    if "/" in found:
        key = office.accounts.resolve(namespace, asked).key
        assert f"{key.namespace}/{key.name}" == found
    else:
        with pytest.raises(Hold) as held:
            office.accounts.resolve(namespace, asked)
        assert held.value.reason == found
