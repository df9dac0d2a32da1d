"""Logging in without a secret: federated tokens, certificates, and the identity of the machine one runs on."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
import trustme
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, ManagedIdentityCredential, WorkloadIdentityCredential

from tests.contract.cloud import Arm, Cloud, Reply
from tests.issuer import EXCHANGE, SUBJECT, Certificate, Issuer
from tests.levers import Levers

ELSEWHERE = "11111111-2222-3333-4444-555555555555"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return Certificate()


@pytest.fixture(scope="module")
def arm(issuer: Issuer, certificate: Certificate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    folder = tmp_path_factory.mktemp("without")
    (folder / "issuer.pem").write_bytes(issuer.pem)
    options = ["--federated-identity", f"issuer={issuer.url},subject={SUBJECT}"]
    options += ["--federated-keys", str(folder / "issuer.pem")]
    options += ["--client-certificate", str(certificate.write(folder / "client.pem"))]
    cloud = Cloud(folder / "cloud", "instant", "--levers", *options)
    made = Arm(cloud)
    yield made
    made.close()
    cloud.stop()


def ask(arm: Arm, assertion: str | None, **form: str) -> Reply:
    """The token endpoint's answer to a client with an assertion."""
    cloud = arm.cloud
    asked = {"grant_type": "client_credentials", "client_id": cloud.client, "scope": f"{cloud.endpoint}/.default"}
    if assertion is not None:
        asked |= {"client_assertion": assertion, "client_assertion_type": JWT_BEARER}
    return arm.send(
        "POST",
        f"/{cloud.tenant}/oauth2/v2.0/token",
        body=urlencode({**asked, **form}).encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )


def works(arm: Arm, token: str) -> bool:
    """Whether ARM takes a token."""
    path = f"/subscriptions/{arm.cloud.subscription}/resourceGroups?api-version=2024-11-01"
    return arm.send("GET", path, headers={"Authorization": f"Bearer {token}"}).status == 200


def refused(reply: Reply) -> int:
    """The AADSTS number of a refusal of the client."""
    assert (reply.status, reply.body["error"]) == (401, "invalid_client"), reply
    [code] = reply.body["error_codes"]
    assert reply.body["error_description"].startswith(f"AADSTS{code}: ")
    return int(code)


# another issuer's word


def test_a_federated_token_gets_a_token_of_the_client(arm: Arm, issuer: Issuer) -> None:
    token = ask(arm, issuer.token()).body["access_token"]
    assert works(arm, token)
    assert jwt.decode(token, options={"verify_signature": False})["appid"] == arm.cloud.client


def test_the_sdks_workload_identity_reads_it_from_its_file(arm: Arm, issuer: Issuer, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(issuer.token())
    credential = WorkloadIdentityCredential(
        tenant_id=arm.cloud.tenant,
        client_id=arm.cloud.client,
        token_file_path=str(file),
        authority=arm.cloud.endpoint,
        disable_instance_discovery=True,
        connection_verify=arm.cloud.ca,
    )
    with credential:
        assert works(arm, credential.get_token(f"{arm.cloud.endpoint}/.default").token)


@pytest.mark.parametrize(
    ("claims", "code", "says"),
    [
        pytest.param({"iss": "https://other.test"}, 700211, "assertion issuer 'https://other.test'", id="issuer"),
        pytest.param({"iss": "https://issuer.test/"}, 700211, "issuer", id="an issuer is compared to the letter"),
        pytest.param({"sub": f"{SUBJECT}-2"}, 700213, f"assertion subject '{SUBJECT}-2'", id="subject"),
        pytest.param({"sub": SUBJECT.upper()}, 700213, "subject", id="a subject is compared with case"),
        pytest.param({"aud": ["sts.test"]}, 700212, "assertion audience", id="audience"),
        pytest.param({"aud": None}, 700212, "assertion audience 'None'", id="no audience"),
        pytest.param({"exp": int(time.time()) - 3600}, 700024, "not within its valid time range", id="expired"),
        pytest.param({"nbf": int(time.time()) + 7200}, 700024, "not within its valid time range", id="not yet"),
        pytest.param({"exp": "soon"}, 50027, "malformed", id="a time that is none"),
    ],
)
def test_another_assertion_is_refused(arm: Arm, issuer: Issuer, claims: dict[str, Any], code: int, says: str) -> None:
    reply = ask(arm, issuer.token(**claims))
    assert refused(reply) == code
    assert says in reply.body["error_description"]


def test_a_foreign_signature_is_refused(arm: Arm, issuer: Issuer) -> None:
    assert refused(ask(arm, Issuer(issuer.url).token())) == 50013


@pytest.mark.parametrize("assertion", ["", "nonsense", "a.b.c"])
def test_what_is_no_token_is_refused(arm: Arm, assertion: str) -> None:
    assert refused(ask(arm, assertion)) == 50027


def test_an_unsigned_assertion_is_refused(arm: Arm, issuer: Issuer) -> None:
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    assert refused(ask(arm, jwt.encode(claims, "", algorithm="none"))) == 50027


def test_a_secret_made_of_the_public_key_is_no_signature(arm: Arm, issuer: Issuer) -> None:
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    forged = jwt.encode(claims, "a-public-key-taken-for-a-shared-secret", algorithm="HS256")
    assert refused(ask(arm, forged)) == 50027


def test_an_assertion_must_say_its_type(arm: Arm, issuer: Issuer) -> None:
    assert refused(ask(arm, issuer.token(), client_assertion_type="")) == 900144
    assert refused(ask(arm, issuer.token(), client_assertion_type="saml")) == 70003


def test_neither_secret_nor_assertion_is_aadsts7000218(arm: Arm) -> None:
    assert refused(ask(arm, None)) == 7000218


def test_an_issuer_is_asked_for_its_keys_once_and_when_they_were_rotated(tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    issuer = Issuer()
    issuer.serve(ca)
    record = f"issuer={issuer.url},subject={SUBJECT},audience=me"
    cloud = Cloud(tmp_path / "c", "instant", "--federated-identity", record, "--federated-ca", str(tmp_path / "ca.pem"))
    arm = Arm(cloud)
    try:
        assert refused(ask(arm, issuer.token())) == 700212
        assert issuer.asked == [], "nobody is asked for what is refused anyway"
        for _ in range(2):
            assert works(arm, ask(arm, issuer.token(aud="me")).body["access_token"])
        assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]
        old = issuer.token(aud="me")
        issuer.rotate()
        assert works(arm, ask(arm, issuer.token(aud="me")).body["access_token"])
        assert refused(ask(arm, old)) == 50013
        issuer.close()
        cloud.kill()
        cloud.start()
        assert refused(ask(arm, issuer.token(aud="me"))) == 50166
    finally:
        issuer.close()
        arm.close()
        cloud.stop()


# a certificate


def own(arm: Arm, certificate: Certificate, headers: dict[str, str] | None = None, **claims: Any) -> str:
    """An assertion that the client signs itself."""
    now = int(time.time())
    audience = f"{arm.cloud.endpoint}/{arm.cloud.tenant}/oauth2/v2.0/token"
    usual = {"iss": arm.cloud.client, "sub": arm.cloud.client, "aud": audience, "nbf": now, "exp": now + 600}
    named = {"x5t": certificate.x5t} if headers is None else headers
    return jwt.encode({**usual, **claims}, certificate.key, algorithm="RS256", headers=named)


def test_the_sdks_certificate_credential_gets_a_token(arm: Arm, certificate: Certificate) -> None:
    credential = CertificateCredential(
        arm.cloud.tenant,
        arm.cloud.client,
        certificate_data=certificate.pem.encode(),
        authority=arm.cloud.endpoint,
        disable_instance_discovery=True,
        connection_verify=arm.cloud.ca,
    )
    with credential:
        assert works(arm, credential.get_token(f"{arm.cloud.endpoint}/.default").token)


def test_a_certificate_that_is_not_registered_is_refused(arm: Arm) -> None:
    assert refused(ask(arm, own(arm, Certificate()))) == 700027


def test_a_signature_by_another_key_than_the_certificates_is_refused(arm: Arm, certificate: Certificate) -> None:
    assert refused(ask(arm, own(arm, Certificate(), {"x5t": certificate.x5t}))) == 700027


def test_an_assertion_for_somebody_else_is_refused(arm: Arm, certificate: Certificate) -> None:
    assert refused(ask(arm, own(arm, certificate, aud="https://elsewhere.test/token"))) == 700023
    assert refused(ask(arm, own(arm, certificate, sub=ELSEWHERE))) == 700021
    assert refused(ask(arm, own(arm, certificate, exp=int(time.time()) - 3600))) == 700024


# the machine's identity


def msi(arm: Arm, *, header: str | None = None, **query: str) -> Reply:
    """The managed identity endpoint's answer; what is not given is right."""
    account = arm.cloud.account()
    asked = {"api-version": "2019-08-01", "resource": arm.cloud.endpoint, **query}
    sent = {"X-IDENTITY-HEADER": account["identityHeader"] if header is None else header}
    return arm.send("GET", f"{account['identityEndpoint']}?{urlencode(asked)}", headers=sent)


def test_the_sdks_managed_identity_gets_a_token(arm: Arm, monkeypatch: pytest.MonkeyPatch) -> None:
    account = arm.cloud.account()
    monkeypatch.setenv("IDENTITY_ENDPOINT", account["identityEndpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", account["identityHeader"])
    for client in (None, account["identityClientId"]):
        credential = ManagedIdentityCredential(client_id=client, connection_verify=arm.cloud.ca)
        with credential:
            token = credential.get_token(f"{arm.cloud.endpoint}/.default").token
        assert works(arm, token)
        claims = jwt.decode(token, options={"verify_signature": False})
        assert claims["appid"] == account["identityClientId"]


def test_the_sdk_shows_an_identity_that_is_not_there(arm: Arm, monkeypatch: pytest.MonkeyPatch) -> None:
    account = arm.cloud.account()
    monkeypatch.setenv("IDENTITY_ENDPOINT", account["identityEndpoint"])
    monkeypatch.setenv("IDENTITY_HEADER", account["identityHeader"])
    with (
        ManagedIdentityCredential(client_id=ELSEWHERE, connection_verify=arm.cloud.ca) as credential,
        pytest.raises(ClientAuthenticationError),
    ):
        credential.get_token(f"{arm.cloud.endpoint}/.default")


def test_its_token_says_when_it_expires(arm: Arm) -> None:
    body = msi(arm).body
    assert body.keys() == {"access_token", "expires_on", "resource", "token_type", "client_id"}
    assert int(body["expires_on"]) == jwt.decode(body["access_token"], options={"verify_signature": False})["exp"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param({"header": ""}, 401, id="no header"),
        pytest.param({"header": "guessed"}, 401, id="another header"),
        pytest.param({"api-version": "2017-09-01"}, 400, id="an old api-version"),
        pytest.param({"resource": ""}, 400, id="no resource"),
        pytest.param({"resource": "https://vault.azure.net"}, 400, id="a resource that nobody registered"),
        pytest.param({"client_id": ELSEWHERE}, 400, id="an identity that is not there"),
        pytest.param({"mi_res_id": "/subscriptions/x"}, 400, id="one by a resource id that is not there"),
    ],
)
def test_others_are_refused(arm: Arm, query: dict[str, str], status: int) -> None:
    reply = msi(arm, **query)
    assert (reply.status, reply.body["statusCode"]) == (status, status)
    assert reply.body["message"]


def test_an_identity_cannot_log_in_with_a_secret(arm: Arm) -> None:
    account = arm.cloud.account()
    reply = ask(arm, None, client_id=account["identityClientId"], client_secret=account["identityHeader"])
    assert reply.body["error_codes"] == [700016]


# rotation


def test_secrets_can_be_rotated_and_tokens_stay_good(arm: Arm) -> None:
    levers = Levers(arm.cloud)
    try:
        before = ask(arm, None, client_secret=arm.cloud.secret).body["access_token"]
        levers.client(secrets=["second", arm.cloud.secret])
        for secret in ("second", arm.cloud.secret):
            assert ask(arm, None, client_secret=secret).status == 200
        levers.client(secrets=["second"])
        assert refused(ask(arm, None, client_secret=arm.cloud.secret)) == 7000215
        assert works(arm, before)
        levers.reset()
        assert ask(arm, None, client_secret="second").status == 200, "who may ask is not reset"
    finally:
        levers.client(secrets=[arm.cloud.secret])
        levers.close()


def test_no_assertion_is_in_the_log(arm: Arm, issuer: Issuer, certificate: Certificate) -> None:
    sent = [issuer.token(), issuer.token(sub="x"), own(arm, certificate), own(arm, Certificate())]
    for assertion in sent:
        ask(arm, assertion)
    log = arm.cloud.log()
    assert not [part for part in (*sent, arm.cloud.account()["identityHeader"]) if part in log]
    assert EXCHANGE not in log
