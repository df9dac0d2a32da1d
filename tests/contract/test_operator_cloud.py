"""The operator's own cloud adapter over the wire, when the wire breaks: a write is sent once."""

from collections.abc import AsyncIterator, Iterator

import pytest

from aks_operator.cloud.arm import AzureCloud
from aks_operator.cloud.budget import Budget
from aks_operator.cloud.clients import Clients
from aks_operator.cloud.credentials import Endpoints, ServicePrincipal, credential
from aks_operator.cloud.pool import connect
from aks_operator.port import Page, Unreachable
from tests import levers
from tests.contract.bodies import ADDRESSES, ZONES, address
from tests.contract.cloud import Arm, Group
from tests.contract.conftest import running
from tests.levers import Levers


@pytest.fixture(scope="module")
def arm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    with running(tmp_path_factory.mktemp("levers"), "1", "--levers") as made:
        yield made


@pytest.fixture
async def azure(arm: Arm) -> AsyncIterator[AzureCloud]:
    """As an account opens it."""
    cloud = arm.cloud
    endpoints = Endpoints(cloud.endpoint, cloud.endpoint, cloud.ca, discover=False)
    pool = connect(endpoints.ca, endpoints.origins)
    token = credential(ServicePrincipal(cloud.tenant, cloud.client, secret=cloud.secret), endpoints, pool)
    clients = Clients(endpoints, token, cloud.subscription, pool)
    budget = Budget(100, 100, lambda: 0.0)
    yield AzureCloud(clients, cloud.subscription, cloud.endpoint, budget, lambda *_: None, lambda: True)
    await token.close()
    await pool.shut_down()


@pytest.mark.parametrize("fault", [levers.lose(), levers.drop()], ids=["lost", "reset"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_write_whose_connection_breaks_is_not_sent_again_by_anything_below_us(
    azure: AzureCloud, lever: Levers, group: Group, method: str, fault: dict[str, object]
) -> None:
    id_ = group.path(ADDRESSES, "ip")
    await azure.list(ADDRESSES, group.id)  # the connection is there, and kept: only then aiohttp would try again
    if method == "DELETE":
        await azure.put(id_, address())
        lever.idle()
    before = lever.last()
    lever.fault(fault, method=method, name="ip")
    with pytest.raises(Unreachable):
        await (azure.put(id_, address()) if method == "PUT" else azure.delete(id_))
    sent = [entry for entry in lever.journal(before) if entry["method"] == method]
    assert len(sent) == 1
    assert sent[0]["faults"][0]["kind"] == fault["kind"]


async def test_a_read_may_be_sent_again(azure: AzureCloud, lever: Levers, group: Group) -> None:
    await azure.get(group.id)
    lever.fault(levers.drop(), method="GET", name=group.name)
    assert (await azure.get(group.id))["name"] == group.name


async def test_a_page_that_did_not_change_is_not_read_again(azure: AzureCloud, group: Group, arm: Arm) -> None:
    for n in range(3):
        arm.make(group.path(ADDRESSES, f"ip-{n}"), address())
    first = await azure.list(ADDRESSES, group.id)
    again = await azure.list(ADDRESSES, group.id, first)
    assert all(one is other for one, other in zip(again, first, strict=True))
    arm.make(group.path(ADDRESSES, "ip-3"), address())
    names = [body["name"] for page in await azure.list(ADDRESSES, group.id, again) for body in page.bodies]
    assert sorted(names) == ["ip-0", "ip-1", "ip-2", "ip-3"]


async def test_every_page_of_a_list_comes(azure: AzureCloud, group: Group, arm: Arm) -> None:
    count = 5
    for n in range(count):
        arm.put(group.path(ZONES, f"z{n}.example"), {"location": "global"})
    [whole] = await azure.list(ZONES, group.id)
    pages = await azure.list(ZONES, group.id, [Page((), f"{whole.url}&$top=2")])
    assert [len(page.bodies) for page in pages] == [2, 2, 1]
    assert len({body["id"] for page in pages for body in page.bodies}) == count
    changed = group.path(ZONES, "z0.example")
    arm.put(changed, {"location": "global", "tags": {"a": "b"}})
    again = await azure.list(ZONES, group.id, pages)
    assert sum(one is not other for one, other in zip(again, pages, strict=True)) == 1, "the page that holds it alone"
    [body] = [body for page in again for body in page.bodies if body["id"] == changed]
    assert body["tags"] == {"a": "b"}
