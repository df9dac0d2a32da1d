"""Who a cloud is: made once, kept in its state."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakecloud.identity.assertions import Federated
from fakecloud.identity.routes import CLIENT
from fakecloud.server import Options, Server
from fakecloud.store import InUse

GUID = "00000000-0000-0000-0000-00000000000{}".format
Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a cloud over the same state each time; it serves nothing."""
    started: list[Server] = []

    plain = Options(
        port=0,
        state=tmp_path,
        listen="127.0.0.1",
        hostnames=[],
        subscriptions=[],
        tenant=None,
        compute="none",
        speed=1.0,
        dns_port=None,
        public_range="203.0.113.0/24",
    )

    def begin(**more: Any) -> Server:
        started.append(Server(replace(plain, **more)))
        return started[-1]

    yield begin
    for server in started:
        server.store.close()


def again(start: Start, server: Server, **more: Any) -> Server:
    server.store.close()
    return start(**more)


def test_what_is_made_up_stays_after_a_restart(start: Start) -> None:
    first = start()
    account = dict(first.account)
    assert again(start, first).account == account
    secrets = [account[key] for key in ("clientSecret", "controlToken", "agentToken")]
    assert len({*secrets}) == 3, "each is of its own"


def test_what_is_given_is_taken(start: Start) -> None:
    server = start(tenant=GUID(2), client=GUID(3), subscriptions=[GUID(1)])
    wanted = {"tenantId": GUID(2), "clientId": GUID(3), "subscriptionId": GUID(1)}
    assert server.account.items() >= wanted.items()
    client = server.store.get(CLIENT, GUID(3))
    assert client is not None
    assert client["secrets"] == [server.account["clientSecret"]]


def test_another_client_takes_the_place_of_the_first(start: Start) -> None:
    first = start(client=GUID(3))
    secret = first.account["clientSecret"]
    server = again(start, first, client=GUID(4))
    assert (server.account["clientId"], server.account["clientSecret"]) == (GUID(4), secret)
    assert server.store.get(CLIENT, GUID(3)) is None


def test_a_clients_object_id_outlives_other_ways_to_log_in(start: Start) -> None:
    first = start()
    before = first.store.get(CLIENT, first.account["clientId"])
    record = Federated("https://issuer.test", "system:serviceaccount:a:b")
    server = again(start, first, federated_identities=[record])
    after = server.store.get(CLIENT, server.account["clientId"])
    assert before is not None
    assert after == {**before, "federated": [vars(record)]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "issuer=https://i.test,subject=system:serviceaccount:a:b",
            Federated("https://i.test", "system:serviceaccount:a:b"),
        ),
        ("subject=s,issuer=https://i.test,audience=me", Federated("https://i.test", "s", "me")),
        ("issuer=https://i.test", None),
        ("issuer=https://i.test,subject=", None),
        ("issuer=https://i.test,subject=s,scope=x", None),
        ("", None),
    ],
)
def test_a_federated_identity_is_read_from_one_flag(text: str, found: Federated | None) -> None:
    if found is None:
        with pytest.raises(ValueError, match="issuer=URL"):
            Federated.parse(text)
    else:
        assert Federated.parse(text) == found


def test_a_state_from_before_agents_gets_a_token_for_them(start: Start) -> None:
    first = start()
    old = {key: value for key, value in first.account.items() if key != "agentToken"}
    first.store.put("account", "account", json.loads(json.dumps(old)))
    server = again(start, first)
    assert server.account["agentToken"]
    assert server.account.items() >= old.items()


def test_another_tenant_and_subscription_take_the_place_of_the_first_and_old_subscriptions_stay(start: Start) -> None:
    first = start(tenant=GUID(2), subscriptions=[GUID(1)])
    server = again(start, first, tenant=GUID(5), subscriptions=[GUID(6)])
    assert (server.account["tenantId"], server.account["subscriptionId"]) == (GUID(5), GUID(6))
    assert {GUID(1), GUID(6)} <= server.store.all("subscription").keys()


def test_two_processes_never_share_a_state(start: Start) -> None:
    first = start()
    with pytest.raises(InUse, match="in use by another"):
        start()
    first.store.close()
    assert start().account == first.account
