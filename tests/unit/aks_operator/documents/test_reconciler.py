"""The one writer of a shared document: whom it waits for, what it tells, when it rests."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from aks_operator.cache import Cache
from aks_operator.desired.address import AddressShare
from aks_operator.desired.exposure import GROUPS, PUBLIC_IPS, Port
from aks_operator.desired.security import RulesShare
from aks_operator.desired.zone import RecordShare
from aks_operator.documents.keeping import KEEP_TAG
from aks_operator.documents.reconciler import Documents, document_key
from aks_operator.documents.shares import DROP, ORPHAN, Shares, follows
from aks_operator.keys import Key
from aks_operator.marks import OWNER_TAG, Marks, owner_hash
from aks_operator.objects import references
from aks_operator.observer import Observer
from aks_operator.port import AuthenticationFailed, Busy, CloudError, Terminal, Throttled, Unreachable
from aks_operator.queue import WorkQueue
from aks_operator.session import Session
from tests.unit.aks_operator.arm import Arm, Clock

if TYPE_CHECKING:
    from aks_operator.accounts import Accounts

ACCOUNT = Key("CloudAccount", "ns", "default")
MARKS = Marks("m")
GROUP = "/subscriptions/s/resourceGroups/shop/providers/Microsoft.Network"
ADDRESS = f"{GROUP}/publicIPAddresses/shop-ip"
A, B = Key("ServiceExposure", "ns", "a"), Key("ServiceExposure", "ns", "b")
SHARE = AddressShare("westeurope", MARKS.value(Key("ManagedCluster", "ns", "shop")))


@dataclass
class Office:
    """A writer with one account, whose cloud is in memory."""

    arm: Arm
    clock: Clock
    cache: Cache
    queue: WorkQueue
    shares: Shares
    documents: Documents

    def host(self, kind: str, name: str, **spec: Any) -> None:
        """A cluster or a zone as last seen."""
        meta = {"uid": name, "resourceVersion": "1"}
        self.cache.remember(Key(kind, "ns", name), {"metadata": meta, "spec": {"resourceGroup": "shop", **spec}})

    def exposure(self, key: Key, *, uses: list[str] | None = None, created: str = "", **spec: Any) -> None:
        """An exposure of the cluster `shop` as last seen; `uses` are the ids in its status."""
        spec = {"clusterRef": {"name": "shop", "namespace": "ns"}, **spec}
        resources = [{"id": id_} for id_ in uses or ()]
        status = {"id": f"{GROUP}/loadBalancers/x", "resources": resources} if uses is not None else {}
        meta = {"uid": key.name, "resourceVersion": "1", "creationTimestamp": created}
        self.cache.remember(key, {"metadata": meta, "spec": spec, "status": status})

    async def rest(self) -> None:
        """Turns until the document rests."""
        for _ in range(5):
            if await self.documents.reconcile(document_key(ACCOUNT, ADDRESS)) is None:
                return
        raise AssertionError("it does not come to rest")

    @property
    def exists(self) -> bool:
        return ADDRESS.casefold() in self.arm.bodies


@pytest.fixture
def office() -> Office:
    clock = Clock()
    arm, cache, queue, shares = Arm(clock), Cache(references("op")), WorkQueue(clock), Shares()
    session = Session(arm, Observer(arm, clock, 60.0), clock=clock, now=lambda: "t", poll_interval=10.0)
    accounts = cast("Accounts", SimpleNamespace(get=lambda key: SimpleNamespace(session=session)))
    made = Office(arm, clock, cache, queue, shares, Documents(cache, queue, accounts, shares, MARKS))
    made.host("ManagedCluster", "shop", allowedNamespaces=["invited"])
    return made


async def made(office: Office, *owners: Key) -> None:
    """An address that `owners` asked for."""
    for owner in owners:
        office.exposure(owner, uses=[ADDRESS])
        office.documents.say(ACCOUNT, ADDRESS, owner, SHARE)
    await office.rest()
    assert office.exists


async def test_a_document_is_made_once_and_then_rests(office: Office) -> None:
    await made(office, A, B)
    await office.rest()
    assert office.arm.writes == [("PUT", ADDRESS)]


async def test_an_address_goes_with_its_last_user_however_many_others_there_are(office: Office) -> None:
    await made(office, A)
    office.exposure(B, uses=[f"{GROUP}/publicIPAddresses/another"])
    office.documents.say(ACCOUNT, ADDRESS, A, DROP)
    await office.rest()
    assert not office.exists


@pytest.mark.parametrize(
    ("uses", "spec", "stays"),
    [
        pytest.param([ADDRESS.upper()], {}, True, id="its status names it"),
        pytest.param([], {}, False, id="its status names others"),
        pytest.param(None, {"publicIP": {"name": "SHOP-ip"}}, True, id="new, and its spec names it"),
        pytest.param(None, {"publicIP": {"name": "other"}}, False, id="new, and its spec names another"),
        pytest.param(None, {}, False, id="new, with an address of its own"),
    ],
)
async def test_who_may_use_an_address_and_has_not_spoken_is_waited_for(
    office: Office, uses: list[str] | None, spec: dict[str, Any], stays: bool
) -> None:
    await made(office, A)
    office.exposure(B, uses=uses, **spec)
    office.documents.say(ACCOUNT, ADDRESS, A, DROP)
    await office.rest()
    assert office.exists is stays


@pytest.mark.parametrize(
    ("namespace", "spec", "waited"),
    [
        pytest.param("invited", {}, True, id="invited"),
        pytest.param("stranger", {}, False, id="not invited"),
        pytest.param(
            "stranger", {"clusterRef": {"name": "shop"}}, False, id="a cluster of that name that is not there"
        ),
        pytest.param(
            "invited", {"clusterRef": {"name": "far", "namespace": "ns"}}, False, id="of another group's cluster"
        ),
    ],
)
@pytest.mark.parametrize("uses", [[ADDRESS], None])
async def test_nobody_waits_for_who_may_not_use_the_address(
    office: Office, uses: list[str] | None, namespace: str, spec: dict[str, Any], waited: bool
) -> None:
    await made(office, A)
    office.host("ManagedCluster", "far", resourceGroup="elsewhere", allowedNamespaces=["*"])
    stranger = Key("ServiceExposure", namespace, "b")
    office.exposure(stranger, uses=uses, publicIP={"name": "shop-ip"}, **spec)
    office.documents.say(ACCOUNT, ADDRESS, A, DROP)
    await office.rest()
    assert office.exists is waited


ZONE = f"{GROUP}/dnsZones/shop.example"


@pytest.mark.parametrize(
    ("namespace", "zone", "name", "waited"),
    [
        pytest.param("ns", "zone", "www", True, id="of the zone's namespace"),
        pytest.param("invited", "zone", "WWW", True, id="invited"),
        pytest.param("stranger", "zone", "www", False, id="not invited"),
        pytest.param("ns", "zone", "api", False, id="another name"),
        pytest.param("ns", "other", "www", False, id="that name in another zone"),
        pytest.param("ns", "none", "www", False, id="a zone that is not there"),
    ],
)
@pytest.mark.parametrize("known", [True, False], ids=["by its status", "by its spec"])
async def test_nobody_waits_for_who_may_not_have_the_name(
    office: Office, known: bool, namespace: str, zone: str, name: str, waited: bool
) -> None:
    office.host("DNSZone", "zone", zone="shop.example", allowedNamespaces=["invited"])
    office.host("DNSZone", "other", zone="other.example")
    record, key = f"{ZONE}/A/www", document_key(ACCOUNT, f"{ZONE}/A/www")
    office.exposure(A, uses=[record])
    mark = MARKS.value(Key("DNSZone", "ns", "zone"))
    office.documents.say(ACCOUNT, record, A, RecordShare(("203.0.113.1",), 300, mark))
    while await office.documents.reconcile(key) is not None:
        pass
    where = {"zone": ZONE, "other": f"{GROUP}/dnsZones/other.example", "none": f"{GROUP}/dnsZones/none.example"}[zone]
    uses = [f"{where}/A/{name}"] if known else None
    office.exposure(
        Key("ServiceExposure", namespace, "b"),
        uses=uses,
        dns={"name": name, "zoneRef": {"name": zone, "namespace": "ns"}},
    )
    office.documents.say(ACCOUNT, record, A, DROP)
    while await office.documents.reconcile(key) is not None:
        pass
    assert (record.casefold() in office.arm.bodies) is waited


async def test_an_orphaned_address_stays_with_its_mark_and_says_for_whom(office: Office) -> None:
    await made(office, A)
    office.documents.say(ACCOUNT, ADDRESS, A, ORPHAN)
    await office.rest()
    assert office.arm.bodies[ADDRESS.casefold()]["tags"] == {OWNER_TAG: SHARE.mark, KEEP_TAG: owner_hash(A)}


async def test_who_is_gone_without_taking_leave_takes_its_entries_along(office: Office) -> None:
    await made(office, A)
    key = document_key(ACCOUNT, ADDRESS)
    body = office.cache.get(A)
    assert body is not None
    office.cache.forget(A)
    office.documents.gone(A, body)
    assert key in office.queue._ready
    await office.rest()
    assert not office.exists
    assert office.shares.documents_of(A) == []
    assert office.shares.result(key) is None


async def test_an_account_is_needed_until_what_was_left_by_force_is_gone_or_cannot_go(office: Office) -> None:
    await made(office, A)
    key = document_key(ACCOUNT, ADDRESS)
    assert office.shares.abandoned(ACCOUNT) == []
    office.documents.gone(A, office.cache.get(A) or {})
    office.cache.forget(A)
    assert office.shares.abandoned(ACCOUNT) == [key]
    assert office.shares.abandoned(Key("CloudAccount", "ns", "other")) == []
    office.documents.failed(key, Unreachable("no answer"), blip=False)
    assert office.shares.abandoned(ACCOUNT) == []
    await office.rest()
    assert office.shares.abandoned(ACCOUNT) == []
    assert not office.exists


@pytest.mark.parametrize("policy", ["Orphan", "Protect"])
async def test_who_is_gone_and_wished_to_leave_all_as_it_is_is_only_forgotten(office: Office, policy: str) -> None:
    await made(office, A, B)
    office.cache.forget(A)
    office.documents.gone(A, {"spec": {"deletionPolicy": policy}})
    assert office.shares.documents_of(A) == []
    await office.rest()
    assert office.exists
    assert office.arm.writes == [("PUT", ADDRESS)]


async def test_who_took_its_leave_is_gone_already(office: Office) -> None:
    await made(office, A)
    office.shares.forget(A)
    office.queue._ready.clear()
    office.documents.gone(A, {})
    assert len(office.queue) == 0


async def test_the_older_wins_by_its_age_not_by_who_spoke_first(office: Office) -> None:
    newer = AddressShare("westeurope", SHARE.mark, idle_timeout_minutes=30)
    office.exposure(B, created="2026-01-02T00:00:00Z")
    office.exposure(A, created="2026-01-01T00:00:00Z")
    office.documents.say(ACCOUNT, ADDRESS, B, newer)
    key = office.documents.say(ACCOUNT, ADDRESS, A, SHARE)
    await office.rest()
    assert office.arm.bodies[ADDRESS.casefold()]["properties"]["idleTimeoutInMinutes"] == 4
    result = office.shares.result(key)
    assert result is not None
    assert set(result.conflicts) == {B}
    assert result.settled


async def test_those_who_share_are_woken_when_it_stands_otherwise_and_only_then(office: Office) -> None:
    await made(office, A, B)
    woken = set(office.queue._ready)
    assert {A, B} <= woken
    for key in woken:
        office.queue.forget(key)
    await office.rest()
    assert len(office.queue) == 0


async def test_a_refusal_is_told_to_all_who_share(office: Office) -> None:
    office.arm.bodies[ADDRESS.casefold()] = {"id": ADDRESS, "type": PUBLIC_IPS, "properties": {}, "tags": {}}
    office.exposure(A)
    key = office.documents.say(ACCOUNT, ADDRESS, A, SHARE)
    with pytest.raises(Terminal) as refused:
        await office.documents.reconcile(key)
    office.documents.failed(key, refused.value, blip=False)
    result = office.shares.result(key)
    assert result is not None
    assert (result.settled, result.reason) == (False, "AlreadyExists")
    assert result.body is None, "nothing is known of it that anybody may use: it is somebody else's"
    assert A in office.queue._ready
    assert office.arm.writes == []


@pytest.mark.parametrize(
    ("error", "goes_on"),
    [
        (Busy("another operation is under way", code="RetryableError"), True),
        (Throttled("too many requests", code="TooManyRequests"), True),
        (Terminal("no more of them", code="PublicIPCountLimitReached"), False),
        (Unreachable("no answer"), False),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_who_was_served_goes_on_while_azure_takes_a_change_of_another_only_later(
    office: Office, error: CloudError, goes_on: bool
) -> None:
    await made(office, A)
    key = document_key(ACCOUNT, ADDRESS)
    office.exposure(B)
    office.documents.say(ACCOUNT, ADDRESS, B, replace(SHARE, keep=True))
    office.arm.refuse = lambda verb, id_: error if verb == "PUT" else None
    for _ in range(2):  # once more when its word is not new any longer
        with pytest.raises(type(error)):
            await office.documents.reconcile(key)
        office.documents.failed(key, error, blip=False)
        served, asking = office.shares.standing_for(key, A), office.shares.standing_for(key, B)
        assert served is not None
        assert asking is not None
        assert served.settled is goes_on
        assert not asking.settled
        assert asking.message == str(error)
        assert B in office.queue._ready


async def test_a_failure_that_differs_in_its_numbers_alone_is_told_once(office: Office) -> None:
    await made(office, A)
    key = document_key(ACCOUNT, ADDRESS)
    woken = []
    for text in (
        "it expired at 11/29/2026 10:00:01 (5c0d8a1e-55a1-4f0e-9d3c-0f7b3f0a9c11)",
        "it expired at 11/29/2026 10:00:02 (77de1b20-0a11-4c4e-8f2a-9b1c0d0e0f00)",
        "it is not yours",
    ):
        office.queue.forget(A)
        office.documents.failed(key, AuthenticationFailed(text), blip=False)
        woken.append(A in office.queue._ready)
        result = office.shares.result(key)
        assert result is not None
        assert result.message == text
    assert woken == [True, False, True]


async def test_a_blip_says_nothing_of_what_is_as_it_should_be(office: Office) -> None:
    await made(office, A)
    key = document_key(ACCOUNT, ADDRESS)
    before = office.shares.result(key)
    office.documents.failed(key, Unreachable("no answer"), blip=True)
    assert office.shares.result(key) == before
    office.exposure(B)
    office.documents.say(ACCOUNT, ADDRESS, B, SHARE)
    office.documents.failed(key, Unreachable("no answer"), blip=True)
    result = office.shares.result_for(key, B)
    assert result is not None
    assert (result.settled, result.reason) == (False, "CloudUnreachable")


async def test_while_something_is_under_way_nothing_is_written(office: Office) -> None:
    office.arm.slow = True
    office.exposure(A)
    key = office.documents.say(ACCOUNT, ADDRESS, A, SHARE)
    assert await office.documents.reconcile(key) == 7.0
    office.documents.say(ACCOUNT, ADDRESS, A, DROP)
    again = await office.documents.reconcile(key)
    assert again == 7.0
    assert office.arm.writes == [("PUT", ADDRESS)]
    office.arm.end(ADDRESS)
    office.clock.now += 7
    await office.documents.reconcile(key)
    assert office.arm.writes[1:] == [("DELETE", ADDRESS)]


async def test_a_document_that_nobody_shares_is_left_alone(office: Office) -> None:
    await made(office, A)
    office.shares.forget(A)
    assert await office.documents.reconcile(document_key(ACCOUNT, ADDRESS)) is None
    assert office.exists


async def test_what_is_asked_anew_is_not_settled_before_the_document_had_its_turn(office: Office) -> None:
    await made(office, A, B)
    key = document_key(ACCOUNT, ADDRESS)
    assert settled(office, A)
    office.documents.say(ACCOUNT, ADDRESS, A, AddressShare("westeurope", SHARE.mark, idle_timeout_minutes=30))
    assert not settled(office, A)
    assert settled(office, B), "its own word has been heard"
    await office.documents.reconcile(key)
    await office.rest()
    assert settled(office, A)


async def test_who_asked_is_woken_though_the_result_is_no_news(office: Office) -> None:
    await made(office, A)
    office.queue._ready.clear()
    other = AddressShare("westeurope", SHARE.mark, tags=())
    office.documents.say(ACCOUNT, ADDRESS, B, other)
    await office.rest()
    assert B in office.queue._ready
    assert settled(office, B)


def settled(office: Office, owner: Key) -> bool:
    """Whether the document is as `owner` asked."""
    result = office.shares.result_for(document_key(ACCOUNT, ADDRESS), owner)
    return result is not None and result.settled


async def test_those_who_wait_are_woken_when_it_is_done_and_not_at_each_step(office: Office) -> None:
    """With a hundred rules and a hundred exposures nobody would come to anything else."""
    group = f"{GROUP}/networkSecurityGroups/nodes"
    office.arm.bodies[group.casefold()] = {"id": group, "type": GROUPS, "properties": {"securityRules": []}}
    owners = [Key("ServiceExposure", "ns", name) for name in "abcdef"]
    for owner in owners:
        office.exposure(owner, uses=[group])
        share = RulesShare("m/ns/x", ("Internet",), (Port("http", "TCP", 80, 8080, 30080),))
        office.documents.say(ACCOUNT, group, owner, share)
    office.arm.slow = True
    document = document_key(ACCOUNT, group)
    woken: list[Key] = []
    add = office.queue.add
    office.queue.add = lambda key, **more: woken.append(key)  # type: ignore[method-assign]  # counted, not worked on
    again: float | None = 0.0
    turns = 0
    while again is not None:
        again = await office.documents.reconcile(document)
        turns += 1
        assert turns < 50, "it does not come to rest"
        office.arm.end(office.arm.writes[-1][1])
        prefix = f"{group}/securityRules/".casefold()
        rules = [body for id_, body in office.arm.bodies.items() if id_.startswith(prefix)]
        listed = [{"name": rule["id"].rpartition("/")[2], **rule} for rule in rules]
        office.arm.bodies[group.casefold()] = {"id": group, "type": GROUPS, "properties": {"securityRules": listed}}
        office.clock.now += again or 0.0
    office.queue.add = add  # type: ignore[method-assign]
    assert len(listed) == len(owners)
    assert set(woken) == set(owners)
    assert len(woken) <= 3 * len(owners), f"{len(woken)} in {turns} turns"


async def test_a_change_for_anothers_sake_does_not_disturb_who_is_served(office: Office) -> None:
    await made(office, A)
    key = document_key(ACCOUNT, ADDRESS)
    office.exposure(B, uses=[ADDRESS])
    office.documents.say(ACCOUNT, ADDRESS, B, replace(SHARE, keep=True))
    office.arm.slow = True
    assert await office.documents.reconcile(key) is not None
    one, other = (office.shares.standing_for(key, owner) for owner in (A, B))
    assert one is not None
    assert other is not None
    assert (one.settled, other.settled) == (True, False)


async def test_a_repair_is_told_to_all(office: Office) -> None:
    await made(office, A)
    key = document_key(ACCOUNT, ADDRESS)
    del office.arm.bodies[ADDRESS.casefold()]
    office.clock.now += 3600.0
    await office.documents.reconcile(key)
    found = office.shares.standing_for(key, A)
    assert found is not None
    assert not found.settled


NODES = RecordShare(("10.0.0.4", "10.0.0.5"), 300, "m")


@pytest.mark.parametrize(
    ("asked", "goes_on"),
    [
        pytest.param(NODES, True, id="the same"),
        pytest.param(replace(NODES, addresses=("10.0.0.5", "10.0.0.6")), True, id="other nodes beside one that stays"),
        pytest.param(replace(NODES, addresses=("10.0.0.6",)), False, id="other nodes alone"),
        pytest.param(replace(NODES, addresses=()), False, id="no nodes"),
        pytest.param(replace(NODES, addresses=("10.0.0.5",), ttl=60), False, id="more than nodes"),
        pytest.param(DROP, False, id="nothing"),
        pytest.param(SHARE, False, id="something else"),
    ],
)
def test_what_is_served_goes_on_while_it_follows_the_nodes(asked: object, goes_on: bool) -> None:
    assert follows(NODES, asked) is goes_on
