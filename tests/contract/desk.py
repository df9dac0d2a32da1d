"""The operator's own adapter, session and documents at a test's hands: no Kubernetes, no queue, a clock that jumps."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from aks_operator.cache import Cache
from aks_operator.cloud.arm import AzureCloud
from aks_operator.cloud.budget import Budget
from aks_operator.cloud.clients import Clients
from aks_operator.cloud.credentials import Endpoints, ServicePrincipal, credential
from aks_operator.cloud.pool import connect
from aks_operator.documents.reconciler import Documents
from aks_operator.documents.shares import Shares
from aks_operator.keys import Key
from aks_operator.marks import Marks
from aks_operator.objects import references
from aks_operator.observer import Observer
from aks_operator.queue import WorkQueue
from aks_operator.session import Session
from tests.contract.cloud import Group

if TYPE_CHECKING:
    from aks_operator.accounts import Accounts
    from aks_operator.plan import Resource

MARKS = Marks("installation")
ACCOUNT = Key("CloudAccount", "ns", "default")
A, B = Key("ServiceExposure", "ns", "a"), Key("ServiceExposure", "ns", "b")
TURNS = 20
"""In a cloud where every operation ends at once, more mean that it never rests."""


@dataclass
class Desk:
    """A session whose clock jumps to when it is told to come again."""

    group: Group
    session: Session
    cloud: AzureCloud
    requests: list[tuple[str, str]]
    clock: list[float]
    documents: Documents
    shares: Shares

    @property
    def puts(self) -> int:
        """How many writes were sent so far."""
        return sum(1 for _, verb in self.requests if verb in {"PUT", "DELETE"})

    async def converge(self, make: Any, *, applied: Sequence[str] = ()) -> dict[str, Any]:
        """Turns until the resource that `make(observed)` wants is as it should be; the resource."""
        for _ in range(TURNS):
            wanted: Resource = make(None)
            observed = await self.session.observer.one(wanted.id)
            turn = await self.session.converge(make(observed), applied_tags=applied)
            if turn.done:
                assert turn.body is not None
                return dict(turn.body)
            self.clock[0] += turn.again_after or 0.0
        raise AssertionError(f"it does not come to rest: {turn.step.why}")

    async def rests(self, make: Any, *, applied: Sequence[str] = ()) -> None:
        """Nothing is written although all is asked for anew."""
        before = self.puts
        self.clock[0] += 3600.0
        await self.converge(make, applied=applied)
        assert self.puts == before

    async def say(self, id_: str, share: Any, owner: Key = A) -> dict[str, Any] | None:
        """An exposure asks something of a document, which then has its turns until it rests; the document."""
        key = self.documents.say(ACCOUNT, id_, owner, share)
        await self.settle(key)
        before = self.puts
        self.clock[0] += 3600.0
        await self.settle(key)
        assert self.puts == before, "zero writes at rest"
        result = self.shares.result(key)
        assert result is not None
        assert result.settled
        return None if result.body is None else dict(result.body)

    async def settle(self, key: Key) -> None:
        for _ in range(TURNS):
            again = await self.documents.reconcile(key)
            if again is None:
                return
            self.clock[0] += again
        raise AssertionError("it does not come to rest")


@asynccontextmanager
async def desk_of(group: Group) -> AsyncIterator[Desk]:
    """A desk in a resource group."""
    account = group.arm.cloud
    endpoints = Endpoints(account.endpoint, account.endpoint, account.ca, discover=False)
    principal = ServicePrincipal(account.tenant, account.client, secret=account.secret)
    connections = connect(endpoints.ca, endpoints.origins)
    token = credential(principal, endpoints, connections)
    clock, requests = [1000.0], list[tuple[str, str]]()
    budget = Budget(5, 5, lambda: clock[0])
    clients = Clients(endpoints, token, account.subscription, connections)
    cloud = AzureCloud(
        clients,
        account.subscription,
        account.endpoint,
        budget,
        lambda type_, verb, code: requests.append((type_, verb)),
        lambda: True,
    )
    observer = Observer(cloud, lambda: clock[0], 60.0)
    session = Session(cloud, observer, clock=lambda: clock[0], now=lambda: "t", poll_interval=1.0)
    accounts = cast("Accounts", SimpleNamespace(get=lambda key: SimpleNamespace(session=session)))
    shares = Shares()
    cache = Cache(references("op"))
    for owner in (A, B):  # exposures that are gone are forgotten when nothing is left of them
        cache.remember(owner, {"metadata": {"name": owner.name, "namespace": owner.namespace, "resourceVersion": "1"}})
    documents = Documents(cache, WorkQueue(lambda: clock[0]), accounts, shares, MARKS)
    try:
        yield Desk(group, session, cloud, requests, clock, documents, shares)
    finally:
        await token.close()
        await connections.shut_down()
