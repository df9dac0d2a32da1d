"""The SDK's asynchronous clients, as operators use them: pollers, requests without polling, resumed operations."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import HttpRequest
from azure.identity.aio import ClientSecretCredential
from azure.mgmt.containerservice.aio import ContainerServiceClient
from azure.mgmt.containerservice.models import AgentPool, ManagedCluster
from azure.mgmt.network.aio import NetworkManagementClient
from azure.mgmt.network.models import PublicIPAddress

from tests.contract.bodies import CLUSTERS, address, cluster, pool
from tests.contract.cloud import Arm, Cloud, Group, until
from tests.contract.conftest import new_group

Make = Callable[[Cloud, Any], Any]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Makes aio clients of a cloud over one shared session, and closes them."""
    opened: list[Any] = []

    def client(cloud: Cloud, kind: Any) -> Any:
        context = ssl.create_default_context(cafile=cloud.ca)
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), auto_decompress=False)
        credential = ClientSecretCredential(
            cloud.tenant,
            cloud.client,
            cloud.secret,
            authority=cloud.endpoint,
            disable_instance_discovery=True,
            connection_verify=cloud.ca,
        )
        made = kind(
            credential,
            cloud.subscription,
            base_url=cloud.endpoint,
            credential_scopes=[f"{cloud.endpoint}/.default"],
            transport=AioHttpTransport(session=session, session_owner=False),
            connection_verify=cloud.ca,
            polling_interval=0,
            retry_total=0,
        )
        opened.extend((made, credential, session))
        return made

    yield client
    for thing in opened:
        await thing.close()


async def test_asynchronous_pollers_end(make: Make, arm: Arm, group: Group) -> None:
    network = make(arm.cloud, NetworkManagementClient)
    poller = await network.public_ip_addresses.begin_create_or_update(group.name, "ip", PublicIPAddress(address()))
    assert (await poller.result()).provisioning_state == "Succeeded"
    assert [ip.name async for ip in network.public_ip_addresses.list(group.name)] == ["ip"]
    await (await network.public_ip_addresses.begin_delete(group.name, "ip")).result()
    with pytest.raises(ResourceNotFoundError):
        await network.public_ip_addresses.get(group.name, "ip")


async def test_an_operation_can_be_begun_without_waiting_and_asked_for_later(make: Make, brisk: Arm) -> None:
    aks, group = make(brisk.cloud, ContainerServiceClient), new_group(brisk)

    def told(response: Any, body: Any, headers: Any) -> tuple[int, str]:
        answer = response.http_response
        return answer.status_code, answer.headers["Azure-AsyncOperation"]

    begun = await aks.managed_clusters.begin_create_or_update(
        group.name, "c", ManagedCluster(cluster()), polling=False, cls=told
    )
    status, url = await begun.result()
    assert status == 201
    states: list[str] = []
    while not states or states[-1] == "InProgress":
        states.append((await aks.send_request(HttpRequest("GET", url))).json()["status"])
    assert states[0] == "InProgress"
    assert states[-1] == "Succeeded"


async def test_a_resumed_operation_polls_and_puts_nothing(make: Make, brisk: Arm) -> None:
    aks, group = make(brisk.cloud, ContainerServiceClient), new_group(brisk)
    begun = await aks.managed_clusters.begin_create_or_update(group.name, "c", ManagedCluster(cluster()))
    token = begun.continuation_token()
    seen: list[str] = []
    resumed = await aks.managed_clusters.begin_create_or_update(
        group.name,
        "c",
        ManagedCluster(cluster()),
        continuation_token=token,
        raw_request_hook=lambda request: seen.append(request.http_request.method),
    )
    assert (await resumed.result()).properties.provisioning_state == "Succeeded"
    assert set(seen) == {"GET"}
    await begun.result()


async def test_both_error_shapes_reach_the_caller_with_their_code(make: Make, arm: Arm, group: Group) -> None:
    aks, network = make(arm.cloud, ContainerServiceClient), make(arm.cloud, NetworkManagementClient)
    with pytest.raises(HttpResponseError) as flat:
        await aks.managed_clusters.begin_create_or_update(
            group.name, "c", ManagedCluster(cluster(kubernetesVersion="1.2"))
        )
    assert (flat.value.status_code, flat.value.error.code) == (400, "K8sVersionNotSupported")  # type: ignore[union-attr]  # an error without a body has none
    with pytest.raises(HttpResponseError) as wrapped:
        await network.public_ip_addresses.begin_create_or_update(
            group.name, "ip", PublicIPAddress(address(idleTimeoutInMinutes=1))
        )
    assert wrapped.value.error.code == "PublicIPAddressIdleTimeoutIsOutOfRange"  # type: ignore[union-attr]  # likewise


async def test_busy_is_a_conflict_told_apart_by_its_code(make: Make, unhurried: Arm) -> None:
    aks, group = make(unhurried.cloud, ContainerServiceClient), new_group(unhurried)
    unhurried.put(group.path(CLUSTERS, "c"), cluster())
    with pytest.raises(ResourceExistsError) as busy:
        await aks.agent_pools.begin_create_or_update(group.name, "c", "p", AgentPool(pool()))
    assert busy.value.error.code == "OperationNotAllowed"  # type: ignore[union-attr]  # likewise


async def test_an_operation_that_failed_tells_its_code(make: Make, arm: Arm, group: Group) -> None:
    aks = make(arm.cloud, ContainerServiceClient)
    net = group.path("Microsoft.Network/virtualNetworks", "net")
    arm.make(
        net,
        {
            "location": "westeurope",
            "properties": {
                "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
                "subnets": [{"name": "tiny", "properties": {"addressPrefix": "10.0.0.0/29"}}],
            },
        },
    )
    body = cluster(
        {
            "name": "sys",
            "mode": "System",
            "count": 9,
            "vmSize": "Standard_D4s_v5",
            "vnetSubnetID": f"{net}/subnets/tiny",
        }
    )
    with pytest.raises(HttpResponseError) as failed:
        await (await aks.managed_clusters.begin_create_or_update(group.name, "c", ManagedCluster(body))).result()
    assert failed.value.status_code == 200, "it was the operation that failed, not the request for it"
    assert failed.value.error.code == "SubnetIsFull"  # type: ignore[union-attr]  # likewise


async def test_whoever_stops_waiting_does_not_stop_the_operation(make: Make, brisk: Arm) -> None:
    aks, group = make(brisk.cloud, ContainerServiceClient), new_group(brisk)
    begun = await aks.managed_clusters.begin_create_or_update(group.name, "c", ManagedCluster(cluster()))
    waiting = asyncio.ensure_future(begun.result())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    path = group.path(CLUSTERS, "c")
    until("it is made all the same", lambda: True if brisk.get(path).state == "Succeeded" else None)


async def test_a_resumed_operation_on_what_is_gone_meanwhile_is_404(make: Make, arm: Arm, group: Group) -> None:
    network = make(arm.cloud, NetworkManagementClient)
    begun = await network.public_ip_addresses.begin_create_or_update(group.name, "ip", PublicIPAddress(address()))
    token = begun.continuation_token()
    await begun.result()
    await (await network.public_ip_addresses.begin_delete(group.name, "ip")).result()
    resumed = await network.public_ip_addresses.begin_create_or_update(
        group.name, "ip", PublicIPAddress(address()), continuation_token=token
    )
    with pytest.raises(HttpResponseError) as gone:
        await resumed.result()
    assert gone.value.status_code == 404


async def test_a_put_ends_with_a_get_of_the_resource_and_a_delete_with_its_operation(
    make: Make, arm: Arm, group: Group
) -> None:
    network = make(arm.cloud, NetworkManagementClient)
    asked: list[str] = []

    def note(response: Any) -> None:
        request = response.http_request
        asked.append(f"{request.method} {request.url.partition('?')[0].rpartition('/providers/')[2]}")

    addresses, own = network.public_ip_addresses, "Microsoft.Network/publicIPAddresses/ip"
    begun = await addresses.begin_create_or_update(group.name, "ip", PublicIPAddress(address()), raw_response_hook=note)
    await begun.result()
    assert (asked[0], asked[-1]) == (f"PUT {own}", f"GET {own}")
    assert all("/operations/" in entry for entry in asked[1:-1])
    asked.clear()
    await (await addresses.begin_delete(group.name, "ip", raw_response_hook=note)).result()
    assert asked[0] == f"DELETE {own}"
    assert all("/operations/" in entry or "/operationresults/" in entry.lower() for entry in asked[1:])


async def test_a_hook_sees_of_every_answer_how_many_requests_are_left(make: Make, arm: Arm, group: Group) -> None:
    aks = make(arm.cloud, ContainerServiceClient)
    left: list[dict[str, str]] = []
    begun = await aks.managed_clusters.begin_create_or_update(
        group.name,
        "c",
        ManagedCluster(cluster()),
        raw_response_hook=lambda response: left.append(dict(response.http_response.headers)),
    )
    await begun.result()
    assert len(left) >= 3
    assert all(any(name.lower().startswith("x-ms-ratelimit-remaining") for name in headers) for headers in left)
