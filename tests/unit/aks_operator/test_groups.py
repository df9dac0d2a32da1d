"""Resource groups: made when missing, fenced, and removed only when ours, empty, wanted gone and named by nobody."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from aks_operator.cache import Cache
from aks_operator.groups import Groups
from aks_operator.keys import Key
from aks_operator.marks import OWNER_TAG, Marks
from aks_operator.objects import references
from aks_operator.observer import Observer
from aks_operator.outcome import Hold
from aks_operator.session import Session
from aks_operator.settings import Settings
from tests.unit.aks_operator.arm import Arm, Clock

if TYPE_CHECKING:
    from aks_operator.accounts import Account

GROUP = "/subscriptions/s/resourceGroups/shop"
MARK = "m//shop"
A, B = Key("DNSZone", "ns", "a"), Key("DNSZone", "ns", "b")


@dataclass
class Office:
    arm: Arm
    cache: Cache
    account: "Account"
    version: int = 0

    def groups(self, *, delete: bool = True) -> Groups:
        return Groups(self.cache, Marks("m"), Settings(delete_empty_resource_group=delete, default_location="uksouth"))

    def object(self, key: Key, *, group: str = "shop", deleting: bool = False) -> None:
        """A root object that names a group, as last seen."""
        self.version += 1
        meta: dict[str, Any] = {"uid": f"{key}-{deleting}", "resourceVersion": str(self.version)}
        meta |= {"deletionTimestamp": "now"} if deleting else {}
        self.cache.remember(key, {"metadata": meta, "spec": {"resourceGroup": group}})

    def there(self, *, mark: str | None = MARK, state: str = "Succeeded") -> None:
        tags = {OWNER_TAG: mark} if mark else {}
        body = {"id": GROUP, "type": "Microsoft.Resources/resourceGroups", "tags": tags}
        self.arm.bodies[GROUP.casefold()] = {**body, "properties": {"provisioningState": state}}

    @property
    def exists(self) -> bool:
        return GROUP.casefold() in self.arm.bodies


@pytest.fixture
def office() -> Office:
    clock = Clock()
    arm = Arm(clock)
    session = Session(arm, Observer(arm, clock, 60.0), clock=clock, now=lambda: "t", poll_interval=10.0)
    account = SimpleNamespace(session=session, subscription="s", prefix="sh")
    return Office(arm, Cache(references("op")), cast("Account", account))


@pytest.mark.parametrize(("location", "made_in"), [("westeurope", "westeurope"), (None, "uksouth")])
async def test_a_missing_group_is_made_once_with_our_mark(office: Office, location: str | None, made_in: str) -> None:
    for _ in range(2):
        await office.groups().ensure(office.account, "shop", location)
    assert office.arm.writes == [("PUT", GROUP)]
    body = office.arm.bodies[GROUP.casefold()]
    assert (body["location"], body["tags"]) == (made_in, {OWNER_TAG: MARK})


async def test_a_group_that_others_made_is_used_as_it_is(office: Office) -> None:
    office.there(mark=None)
    await office.groups().ensure(office.account, "SHOP", "westeurope")
    assert office.arm.writes == []


async def test_a_group_on_its_way_out_is_waited_for(office: Office) -> None:
    office.there(state="Deleting")
    with pytest.raises(Hold, match="being deleted"):
        await office.groups().ensure(office.account, "shop", None)
    assert office.arm.writes == []


@pytest.mark.parametrize("group", ["hop", "ops-shop", "s"])
async def test_nothing_outside_the_fence_is_touched(office: Office, group: str) -> None:
    with pytest.raises(Hold, match="touches only") as held:
        await office.groups().ensure(office.account, group, None)
    assert held.value.reason == "NotAllowed"
    assert office.arm.requests == []


async def test_the_last_to_leave_removes_it(office: Office) -> None:
    office.there()
    for key in (A, B):
        office.object(key, deleting=True)
    assert (await office.groups().leave(A, office.account, "shop")).done
    assert office.exists, "another has not left yet"
    assert (await office.groups().leave(B, office.account, "Shop")).done
    assert not office.exists


@pytest.mark.parametrize(
    "why", ["not wanted", "not ours", "another's", "not empty", "named", "named in another case", "made anew"]
)
async def test_a_group_stays(office: Office, why: str) -> None:
    office.object(A, deleting=True)
    office.there(mark={"not ours": None, "another's": "other//shop"}.get(why, MARK))
    if why == "not empty":
        address = f"{GROUP}/providers/Microsoft.Network/publicIPAddresses/p"
        office.arm.bodies[address.casefold()] = {"id": address, "type": "Microsoft.Network/publicIPAddresses"}
    if why.startswith("named"):
        office.object(B, group="SHOP" if "case" in why else "shop")
    if why == "made anew":
        office.object(B, deleting=True)
        await office.groups().leave(B, office.account, "shop")
        office.object(B)
    assert (await office.groups(delete=why != "not wanted").leave(A, office.account, "shop")).done
    assert office.exists


async def test_its_removal_takes_the_turns_that_it_takes(office: Office) -> None:
    office.there()
    office.object(A, deleting=True)
    office.arm.slow = True
    turn = await office.groups().leave(A, office.account, "shop")
    assert (turn.done, turn.again_after) == (False, 7.0)
    office.arm.end(GROUP)
    cast("Clock", office.arm._clock).now += 7
    assert (await office.groups().leave(A, office.account, "shop")).done
