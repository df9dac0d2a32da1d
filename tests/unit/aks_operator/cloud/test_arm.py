"""Which URLs may be asked with our token: only operations of our resource manager, under our subscription."""

from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from aks_operator.cloud.arm import AzureCloud
from aks_operator.cloud.budget import Budget
from aks_operator.port import Terminal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aks_operator.cloud.clients import Clients

SUBSCRIPTION = "00000000-0000-0000-0000-00000000000A"
AKS = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService/locations/westeurope/operations/1"


def cloud(resource_manager: str) -> AzureCloud:
    """Nothing is sent here: it needs no clients."""
    budget = Budget(1, 1, lambda: 0.0)
    return AzureCloud(cast("Clients", None), SUBSCRIPTION, resource_manager, budget, lambda *_: None, lambda: True)


AZURE = cloud("https://management.azure.com")
FAKE = cloud("https://fakecloud.aks-operator.svc:8443/")


@pytest.mark.parametrize(
    ("owner", "url"),
    [
        (AZURE, f"https://management.azure.com{AKS}?api-version=2026-08-01&t=1&c=MII%2B&s=x_-~&h=y"),
        (AZURE, f"https://MANAGEMENT.azure.com:443{AKS.lower()}"),
        (AZURE, f"https://management.azure.com/subscriptions/{SUBSCRIPTION.lower()}/operationresults/eyJqb2"),
        (FAKE, f"https://fakecloud.aks-operator.svc:8443{AKS}"),
    ],
)
def test_our_own_operations_may_be_asked(owner: AzureCloud, url: str) -> None:
    assert owner.owns_url(url)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="nothing"),
        pytest.param("garbage", id="no URL"),
        pytest.param(AKS, id="no host"),
        pytest.param(f"//management.azure.com{AKS}", id="no scheme"),
        pytest.param(f"http://management.azure.com{AKS}", id="no TLS"),
        pytest.param(f"http://management.azure.com:443{AKS}", id="no TLS on its port"),
        pytest.param(f"https://evil.example{AKS}", id="another host"),
        pytest.param(f"https://management.azure.com.evil.example{AKS}", id="a host that begins alike"),
        pytest.param(f"https://evil-management.azure.com{AKS}", id="a host that ends alike"),
        pytest.param(f"https://management.azure.com.{AKS}", id="a host with a dot at its end"),
        pytest.param(f"https://management.azure.com:8443{AKS}", id="another port"),
        pytest.param(f"https://management.azure.com:0{AKS}", id="port 0"),
        pytest.param(f"https://management.azure.com:99999{AKS}", id="no port"),
        pytest.param(f"https://management.azure.com@evil.example{AKS}", id="our host as a user"),
        pytest.param(f"https://user:pw@management.azure.com{AKS}", id="a user at our host"),
        pytest.param(f"https://:pw@management.azure.com{AKS}", id="a password without a user"),
        pytest.param(f"https://@management.azure.com{AKS}", id="an empty user"),
        pytest.param(f"https://evil.example\\@management.azure.com{AKS}", id="a backslash before the @"),
        pytest.param(f"https://management.azure.com\\.evil.example{AKS}", id="a backslash in the host"),
        pytest.param(f"https://management.azure.com#@evil.example{AKS}", id="a fragment for a path"),
        pytest.param(f"https://management.azure.com?@evil.example{AKS}", id="a query for a path"),
        pytest.param("https://management.azure.com/subscriptions/another/operations/1", id="another subscription"),
        pytest.param(f"https://management.azure.com/subscriptions/{SUBSCRIPTION}", id="the subscription itself"),
        pytest.param(f"https://management.azure.com/subscriptions/{SUBSCRIPTION}0/x", id="a longer subscription"),
        pytest.param(f"https://management.azure.com/x{AKS}", id="a path before ours"),
        pytest.param(f"https://management.azure.com//subscriptions/{SUBSCRIPTION}/x", id="an empty segment first"),
        pytest.param(f"https://management.azure.com{AKS}/../../../../../../another", id="up and out"),
        pytest.param(f"https://management.azure.com/subscriptions/{SUBSCRIPTION}/%2e%2e/another", id="encoded dots"),
        pytest.param(f"https://management.azure.com/subscriptions/{SUBSCRIPTION}/.%2E/another", id="half encoded"),
        pytest.param(f"https://management.azure.com/subscriptions/{SUBSCRIPTION}/x%2f..%2fy", id="encoded slashes"),
        pytest.param(f"https://management.azure.com/subscriptions/{SUBSCRIPTION}/x%5c..%5cy", id="encoded backslashes"),
        pytest.param(f"https://management.azure.com/subscriptions%2f{SUBSCRIPTION}/x", id="an encoded slash first"),
        pytest.param(f"https://management.azure.com/subscriptions/{SUBSCRIPTION}/x\\..\\y", id="backslashes"),
        pytest.param(f" https://management.azure.com{AKS}", id="a blank first"),
        pytest.param(f"https://management.azure.com{AKS}\n", id="a line's end last"),
        pytest.param(f"https://manage\tment.azure.com{AKS}", id="a tab in the host"),
        pytest.param(f"https://management.azure.com{AKS}\r\nX: y", id="a header smuggled in"),
        pytest.param(f"https://ⓜanagement.azure.com{AKS}", id="letters that only look like ours"),
        pytest.param(f"https://[::1{AKS}", id="a bracket left open"),
    ],
)
def test_nothing_else_gets_our_token(url: str) -> None:
    assert not AZURE.owns_url(url)


GOOD = f"https://management.azure.com{AKS}"
PIECES = st.sampled_from(
    ["https:", "evil.example", ":8443", "@", "\\", "/", "..", "/../", "%2e", "%", "?", "#", ";", "\t", " ", "u:p@"]
)


@given(st.lists(st.tuples(PIECES, st.integers(0, len(GOOD))), max_size=3))
def test_what_may_be_asked_goes_to_our_host_also_by_the_clients_own_parser(edits: list[tuple[str, int]]) -> None:
    url = GOOD
    for piece, place in edits:
        url = url[:place] + piece + url[place:]
    if AZURE.owns_url(url):
        sent = URL(url, encoded=True)
        assert (sent.scheme, sent.host, sent.port, sent.user, sent.password) == (
            "https",
            "management.azure.com",
            443,
            None,
            None,
        )
        assert sent.raw_path.lower().startswith(f"/subscriptions/{SUBSCRIPTION.lower()}/")
        assert ".." not in sent.raw_parts


@pytest.mark.parametrize("verb", ["get", "list", "put", "delete", "post"])
async def test_what_lies_in_another_subscription_is_not_asked_for_under_our_own(verb: str) -> None:
    group = "/subscriptions/another/resourceGroups/shop"
    clusters = "Microsoft.ContainerService/managedClusters"
    id_ = f"{group}/providers/{clusters}/shop"
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "get": lambda: AZURE.get(id_),
        "list": lambda: AZURE.list(clusters, group),
        "put": lambda: AZURE.put(id_, {}),
        "delete": lambda: AZURE.delete(id_),
        "post": lambda: AZURE.post(id_, "listClusterAdminCredential"),
    }
    with pytest.raises(Terminal, match="another subscription") as refused:
        await calls[verb]()
    assert refused.value.code == "NotAllowed"
