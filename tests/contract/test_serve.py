"""The command itself: its flags, its files, its signals, its journal."""

import json
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.contract.bodies import ADDRESSES, CLUSTERS, address, cluster
from tests.contract.cloud import DEADLINE, Arm, Cloud, Reply
from tests.contract.conftest import new_group

FAKECLOUD = Path(sys.executable).with_name("fakecloud")
GUID = "00000000-0000-0000-0000-00000000000{}".format


@pytest.fixture
def cloud(start_cloud: Callable[..., Cloud]) -> Cloud:
    return start_cloud("instant")


def account(cloud: Cloud) -> dict[str, Any]:
    """account.json."""
    read: dict[str, Any] = json.loads((cloud.state / "account.json").read_text())
    return read


def ask(cloud: Cloud, path: str, token: str | None = None) -> Reply:
    """A GET beside ARM."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with urllib3.PoolManager(ca_certs=cloud.ca, retries=False, timeout=DEADLINE) as pool:
        answer = pool.request("GET", cloud.endpoint + path, headers=headers)
        return Reply(answer.status, answer.headers, answer.data.decode())


def refused(state: Path, *options: str) -> str:
    """What `serve` writes to stderr when it does not start."""
    ran = subprocess.run(
        [FAKECLOUD, "serve", "--state", str(state), "--port", "0", *options],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env={"COLUMNS": "200", "NO_COLOR": "1"},
        check=False,
    )
    assert ran.returncode in {1, 2}, ran
    assert "Traceback" not in ran.stderr
    return ran.stderr


def test_healthz_answers_without_a_token(cloud: Cloud) -> None:
    assert (ask(cloud, "/healthz").status, ask(cloud, "/healthz").text) == (200, "ok")


def test_account_json_tells_where_and_as_whom(cloud: Cloud) -> None:
    found = account(cloud)
    assert found.keys() >= {"endpoint", "tenantId", "subscriptionId", "clientId", "clientSecret"}
    assert "westeurope" in found["locations"]
    assert all(version.count(".") == 2 for version in found["kubernetesVersions"])


def test_files_that_hold_secrets_are_their_owners_alone(cloud: Cloud) -> None:
    for name in ("account.json", "signing.key", "ca.key", "tls.key", "state.db", "state.db-wal"):
        mode = stat.S_IMODE((cloud.state / name).stat().st_mode)
        assert mode == 0o600, name
    assert stat.S_IMODE((cloud.state / "ca.crt").stat().st_mode) == 0o644


def test_subscriptions_given_exist_and_the_first_is_the_accounts(start_cloud: Callable[..., Cloud]) -> None:
    cloud = start_cloud("instant", "--subscription", GUID(1), "--subscription", GUID(2), "--tenant", GUID(3))
    arm = Arm(cloud)
    assert (cloud.subscription, cloud.tenant) == (GUID(1), GUID(3))
    for given in (GUID(1), GUID(2)):
        found = arm.get(f"/subscriptions/{given}")
        assert (found.status, found.body["tenantId"], found.body["state"]) == (200, GUID(3), "Enabled")
    assert {s["subscriptionId"] for s in arm.get("/subscriptions").body["value"]} == {GUID(1), GUID(2)}
    arm.put(f"/subscriptions/{GUID(2)}/resourceGroups/rg", {"location": "westeurope"})
    assert arm.get(f"/subscriptions/{GUID(1)}/resourceGroups").body["value"] == [], "each is a world of its own"
    arm.close()


def test_a_hostname_given_is_in_the_certificate_and_in_the_endpoint(start_cloud: Callable[..., Cloud]) -> None:
    cloud = start_cloud("instant", "--hostname", "cloud.localhost", "--hostname", "other.localhost")
    host, _, port = cloud.endpoint.removeprefix("https://").partition(":")
    assert host == "cloud.localhost"
    for name in ("cloud.localhost", "other.localhost", "localhost"):
        pool = urllib3.HTTPSConnectionPool(
            "127.0.0.1", int(port), ca_certs=cloud.ca, assert_hostname=name, server_hostname=name, retries=False
        )
        answer = pool.request("GET", "/healthz", headers={"Host": f"{name}:{port}"})
        pool.close()
        assert answer.status == 200, name


def test_speed_divides_the_time_that_things_take(start_cloud: Callable[..., Cloud]) -> None:
    arm = Arm(start_cloud("240"))
    operation = arm.ended(arm.put(new_group(arm).path(CLUSTERS, "c"), cluster()))
    arm.close()
    began, ended = (datetime.fromisoformat(operation[key]) for key in ("startTime", "endTime"))
    assert 1.0 <= (ended - began).total_seconds() < 5.0, "four minutes of Azure's"


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "fast", ""])
def test_a_speed_that_is_none_is_refused(tmp_path: Path, speed: str) -> None:
    assert "is no speed" in refused(tmp_path, f"--speed={speed}")


@pytest.mark.parametrize("option", ["--subscription", "--tenant", "--client"])
def test_an_id_that_is_no_guid_is_refused(tmp_path: Path, option: str) -> None:
    message = refused(tmp_path, option, "mine")
    assert option in message
    assert "no GUID" in message


def test_compute_and_public_range_that_are_none_are_refused(tmp_path: Path) -> None:
    assert "hosted is not built" in refused(tmp_path, "--compute", "hosted")
    assert "--public-range" in refused(tmp_path, "--public-range", "203.0.113.1/24")


def test_ways_to_log_in_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert "issuer=URL" in refused(tmp_path, "--federated-identity", "issuer=https://i.test")
    assert "no certificate" in refused(tmp_path, "--client-certificate", str(tmp_path / "empty"))
    assert "does not exist" in refused(tmp_path, "--client-certificate", str(tmp_path / "none"))


def test_a_port_that_is_taken_is_one_clear_sentence(cloud: Cloud, tmp_path: Path) -> None:
    port = cloud.endpoint.rpartition(":")[2]
    assert f"cannot listen on 127.0.0.1:{port}" in refused(tmp_path / "other", "--port", port)


def test_a_state_that_is_in_use_is_one_clear_sentence(cloud: Cloud) -> None:
    assert "is in use by another fakecloud" in refused(cloud.state)


def test_sigterm_ends_it_also_while_an_agent_waits_for_news(cloud: Cloud) -> None:
    token = account(cloud)["agentToken"]
    version = ask(cloud, "/_fakecloud/dataplane/world", token).body["version"]
    port = int(cloud.endpoint.rpartition(":")[2])
    context = ssl.create_default_context(cafile=cloud.ca)
    with (
        socket.create_connection(("localhost", port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as waiting,
    ):
        waiting.sendall(
            f"GET /_fakecloud/dataplane/world?after={version} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        ask(cloud, "/healthz")  # answered after it: the request above has come
        assert cloud.stop() == 0
    assert "Traceback" not in cloud.log()


def entries(cloud: Cloud, after: int = 0) -> list[dict[str, Any]]:
    """The journal's entries numbered above `after`."""
    read: list[dict[str, Any]] = ask(cloud, f"/_fakecloud/journal?after={after}", account(cloud)["controlToken"]).body[
        "entries"
    ]
    return read


def test_the_journal_has_every_request_in_order(cloud: Cloud) -> None:
    arm = Arm(cloud)
    path = new_group(arm).path(ADDRESSES, "ip")
    reply = arm.put(f"{path}?api-version=2024-05-01", address())
    arm.get("/resourceGroups/none")
    arm.send("GET", "/subscriptions?api-version=2022-12-01", headers={})
    arm.close()
    everything = entries(cloud)
    assert [entry["n"] for entry in everything] == [*range(1, len(everything) + 1)]
    found = [entry for entry in everything if entry["path"].startswith("/subscriptions")]
    assert [(entry["method"], entry["status"]) for entry in found] == [
        ("PUT", 201),
        ("PUT", 201),
        ("GET", 404),
        ("GET", 401),
    ]
    put = found[1]
    assert (put["path"], put["api_version"], put["principal"]) == (path, "2024-05-01", cloud.client)
    assert put["request_id"] == reply.headers["x-ms-request-id"]
    assert put["milliseconds"] > 0
    assert entries(cloud, after=len(everything) - 1) == everything[-1:]
    assert entries(cloud, after=99) == []


def test_the_journal_has_a_token_of_its_own(cloud: Cloud) -> None:
    arm = Arm(cloud)
    for token in (None, arm.token, account(cloud)["agentToken"]):
        assert ask(cloud, "/_fakecloud/journal", token).status == 401
    arm.close()
    assert ask(cloud, "/_fakecloud/journal?after=x", account(cloud)["controlToken"]).status == 400


def test_no_secret_is_in_the_journal(cloud: Cloud) -> None:
    arm = Arm(cloud)
    new_group(arm)
    arm.close()
    found = json.dumps(entries(cloud))
    assert arm.token not in found
    assert cloud.secret not in found
