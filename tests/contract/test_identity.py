"""Tokens: given as Entra gives them, verified on every call."""

import base64
import json
import time
from urllib.parse import urlencode

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.contract.cloud import Arm, Reply

ELSEWHERE = "11111111-2222-3333-4444-555555555555"


def ask(arm: Arm, *, tenant: str | None = None, **form: str) -> Reply:
    """The token endpoint's answer to a form; what is not given is right."""
    cloud = arm.cloud
    asked = {
        "grant_type": "client_credentials",
        "client_id": cloud.client,
        "client_secret": cloud.secret,
        "scope": f"{cloud.endpoint}/.default",
        **form,
    }
    return arm.send(
        "POST",
        f"/{tenant or cloud.tenant}/oauth2/v2.0/token",
        body=urlencode(asked).encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )


def use(arm: Arm, token: str | None, path: str | None = None) -> Reply:
    """ARM's answer to a caller with this token."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    target = path or f"/subscriptions/{arm.cloud.subscription}/resourceGroups"
    return arm.send("GET", f"{target}?api-version=2024-11-01", headers=headers)


def forged(arm: Arm, key: rsa.RSAPrivateKey, **claims: object) -> str:
    """A token like a good one, with other claims, signed by `key`."""
    good = jwt.decode(arm.token, options={"verify_signature": False})
    return jwt.encode({**good, **claims}, key, algorithm="RS256")


def signing_key(arm: Arm) -> rsa.RSAPrivateKey:
    """The cloud's own key, which a test may read from its state."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key((arm.cloud.state / "signing.key").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def test_a_client_secret_gets_a_bearer_token_for_an_hour(arm: Arm) -> None:
    reply = ask(arm)
    assert reply.status == 200
    assert reply.body["token_type"] == "Bearer"
    assert reply.body["expires_in"] == 3600
    assert use(arm, reply.body["access_token"]).status == 200


def test_the_tokens_claims_say_who_and_where(arm: Arm) -> None:
    claims = jwt.decode(ask(arm).body["access_token"], options={"verify_signature": False})
    assert claims["tid"] == arm.cloud.tenant
    assert claims["appid"] == arm.cloud.client
    assert claims["aud"] == arm.cloud.endpoint
    assert claims["oid"]
    assert claims["exp"] - claims["iat"] == 3600


def test_the_openid_configuration_leads_to_the_token_endpoint_and_its_keys(arm: Arm) -> None:
    base = f"/{arm.cloud.tenant}/v2.0/.well-known/openid-configuration"
    found = arm.send("GET", base, headers={}).body
    assert found["token_endpoint"] == f"{arm.cloud.endpoint}/{arm.cloud.tenant}/oauth2/v2.0/token"
    assert found["authorization_endpoint"].startswith(arm.cloud.endpoint)
    assert found["issuer"].startswith(arm.cloud.endpoint)
    keys = arm.send("GET", found["jwks_uri"], headers={}).body
    header = jwt.get_unverified_header(arm.token)
    key = next(k for k in jwt.PyJWKSet.from_dict(keys).keys if k.key_id == header["kid"])
    assert jwt.decode(arm.token, key, algorithms=["RS256"], audience=arm.cloud.endpoint)["tid"] == arm.cloud.tenant


def test_a_wrong_secret_is_aadsts7000215(arm: Arm) -> None:
    reply = ask(arm, client_secret="wrong")
    assert (reply.status, reply.body["error"]) == (401, "invalid_client")
    assert reply.body["error_description"].startswith("AADSTS7000215: Invalid client secret provided.")
    assert reply.body["error_codes"] == [7000215]


def test_the_sdk_shows_a_wrong_secret_as_entras_own_words(arm: Arm) -> None:
    credential = arm.cloud.credential(secret="wrong")
    with credential, pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential.get_token(f"{arm.cloud.endpoint}/.default")


def test_a_tenant_that_is_not_there_is_aadsts90002(arm: Arm) -> None:
    reply = ask(arm, tenant=ELSEWHERE)
    assert reply.status == 400
    assert reply.body["error_description"].startswith(f"AADSTS90002: Tenant '{ELSEWHERE}' not found.")
    configuration = arm.send("GET", f"/{ELSEWHERE}/v2.0/.well-known/openid-configuration", headers={})
    assert configuration.body["error_codes"] == [90002]


def test_the_sdk_shows_a_wrong_tenant(arm: Arm) -> None:
    credential = arm.cloud.credential(tenant=ELSEWHERE)
    with credential, pytest.raises(ClientAuthenticationError, match="double check your tenant name or GUID"):
        credential.get_token(f"{arm.cloud.endpoint}/.default")


def test_a_client_that_is_not_there_is_aadsts700016(arm: Arm) -> None:
    assert ask(arm, client_id=ELSEWHERE).body["error_codes"] == [700016]


def test_a_grant_that_is_not_built_is_refused_by_its_name(arm: Arm) -> None:
    reply = ask(arm, grant_type="password")
    assert (reply.status, reply.body["error"]) == (400, "unsupported_grant_type")


def test_a_token_request_without_a_scope_is_aadsts900144(arm: Arm) -> None:
    reply = ask(arm, scope="")
    assert (reply.status, reply.body["error_codes"]) == (400, [900144])


def test_a_resource_that_nobody_registered_is_aadsts500011(arm: Arm) -> None:
    reply = ask(arm, scope="https://storage.elsewhere.test/.default")
    assert (reply.status, reply.body["error_codes"]) == (400, [500011])


def test_a_request_without_a_token_is_401_and_says_where_to_get_one(arm: Arm) -> None:
    for path in ("/subscriptions", f"/subscriptions/{arm.cloud.subscription}/resourceGroups"):
        reply = use(arm, None, path)
        assert (reply.status, reply.code) == (401, "AuthenticationFailed")
        challenge = reply.headers["WWW-Authenticate"]
        assert challenge.startswith("Bearer ")
        assert f'authorization_uri="{arm.cloud.endpoint}/{arm.cloud.tenant}"' in challenge


def test_a_token_that_is_none_is_401(arm: Arm) -> None:
    for token in ("nonsense", "a.b.c", arm.token[:-8] + "AAAAAAAA"):
        reply = use(arm, token)
        assert (reply.status, reply.code) == (401, "InvalidAuthenticationToken")
        assert "WWW-Authenticate" in reply.headers


def test_an_unsigned_token_is_401(arm: Arm) -> None:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    assert use(arm, f"{header}.{arm.token.split('.')[1]}.").code == "InvalidAuthenticationToken"


def test_a_token_signed_by_another_key_is_401(arm: Arm) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert use(arm, forged(arm, stranger)).code == "InvalidAuthenticationToken"


def test_an_expired_token_is_401_and_says_so(arm: Arm) -> None:
    reply = use(arm, forged(arm, signing_key(arm), exp=int(time.time()) - 5))
    assert (reply.status, reply.code) == (401, "ExpiredAuthenticationToken")


def test_a_token_of_another_tenant_is_401(arm: Arm) -> None:
    reply = use(arm, forged(arm, signing_key(arm), tid=ELSEWHERE))
    assert (reply.status, reply.code) == (401, "InvalidAuthenticationTokenTenant")


def test_a_token_for_another_audience_is_401(arm: Arm) -> None:
    reply = use(arm, forged(arm, signing_key(arm), aud="https://vault.azure.net"))
    assert (reply.status, reply.code) == (401, "InvalidAuthenticationTokenAudience")


def test_azures_own_audience_is_taken_too(arm: Arm) -> None:
    token = ask(arm, scope="https://management.azure.com/.default").body["access_token"]
    assert use(arm, token).status == 200


def test_secrets_are_readable_by_their_owner_only(arm: Arm) -> None:
    for name in ("account.json", "ca.key", "tls.key", "signing.key"):
        assert (arm.cloud.state / name).stat().st_mode & 0o077 == 0, name


def test_no_secret_is_in_the_log(arm: Arm) -> None:
    ask(arm, client_secret="wrong-secret-of-a-caller")
    log = arm.cloud.log()
    assert arm.cloud.secret not in log
    assert "wrong-secret-of-a-caller" not in log
    assert arm.token not in log


# who asks whether an authority is one


def test_instance_discovery_leads_to_the_tenants_openid_configuration(arm: Arm) -> None:
    authority = f"{arm.cloud.endpoint}/{arm.cloud.tenant}"
    for path, version in (("oauth2/v2.0/authorize", "/v2.0"), ("oauth2/authorize", "")):
        asked = urlencode({"api-version": "1.1", "authorization_endpoint": f"{authority}/{path}"})
        found = arm.send("GET", f"/common/discovery/instance?{asked}", headers={})
        assert found.body["tenant_discovery_endpoint"] == f"{authority}{version}/.well-known/openid-configuration"
        assert arm.send("GET", found.body["tenant_discovery_endpoint"], headers={}).status == 200
        [metadata] = found.body["metadata"]
        assert metadata["aliases"] == [arm.cloud.endpoint.removeprefix("https://")]


def test_an_authority_elsewhere_is_aadsts50049(arm: Arm) -> None:
    for authority in ("https://login.elsewhere.test/t/oauth2/authorize", "nonsense", ""):
        asked = urlencode({"api-version": "1.1", "authorization_endpoint": authority})
        reply = arm.send("GET", f"/common/discovery/instance?{asked}", headers={})
        assert (reply.status, reply.body["error"], reply.body["error_codes"]) == (400, "invalid_instance", [50049])


# Active Directory Federation Services, as Azure Stack has it


def ask_adfs(arm: Arm, **form: str) -> Reply:
    """The answer of the ADFS-style token endpoint; what is not given is right."""
    cloud = arm.cloud
    asked = {
        "grant_type": "client_credentials",
        "client_id": cloud.client,
        "client_secret": cloud.secret,
        "resource": f"{cloud.endpoint}/",
        **form,
    }
    found = arm.send("GET", "/adfs/.well-known/openid-configuration", headers={}).body
    return arm.send(
        "POST",
        found["token_endpoint"],
        body=urlencode(asked).encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )


def test_the_adfs_configuration_leads_to_its_own_token_endpoint_and_keys(arm: Arm) -> None:
    found = arm.send("GET", "/adfs/.well-known/openid-configuration", headers={}).body
    assert found["issuer"] == f"{arm.cloud.endpoint}/adfs"
    assert found["token_endpoint"] == f"{arm.cloud.endpoint}/adfs/oauth2/token/"
    token = ask_adfs(arm).body["access_token"]
    keys = jwt.PyJWKSet.from_dict(arm.send("GET", found["jwks_uri"], headers={}).body)
    claims = jwt.decode(token, keys.keys[0], algorithms=["RS256"], audience=f"{arm.cloud.endpoint}/")
    assert claims["iss"] == found["issuer"]
    assert use(arm, token).status == 200


def test_azure_identity_logs_in_by_adfs(arm: Arm) -> None:
    with arm.cloud.credential(tenant="adfs") as credential:
        assert use(arm, credential.get_token(f"{arm.cloud.endpoint}/.default").token).status == 200


def test_adfs_refuses_in_words_of_its_own(arm: Arm) -> None:
    for form, status, error, code in (
        ({"client_secret": "wrong"}, 401, "invalid_client", "MSIS9622"),
        ({"client_id": ELSEWHERE}, 400, "unauthorized_client", "MSIS9607"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", "MSIS9611"),
        ({"resource": "https://storage.elsewhere.test"}, 400, "invalid_resource", "MSIS9602"),
        ({"resource": ""}, 400, "invalid_request", "MSIS9609"),
    ):
        reply = ask_adfs(arm, **form)
        assert (reply.status, reply.body["error"]) == (status, error)
        assert reply.body["error_description"].startswith(f"{code}: "), form
        assert reply.body.keys() == {"error", "error_description"}
