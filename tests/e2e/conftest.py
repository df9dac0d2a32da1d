"""End-to-end tests on kind, as a user would see them; `make e2e` brings up what they need."""

from collections.abc import Iterator

import pytest

from tests.contract.cloud import Arm
from tests.e2e.kind import Kubectl, RemoteAccount, Site, context, forwarded

SHOP = "examples/shop"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The demo's cluster, without a shop: what an interrupted run or the demo left is removed."""
    kubectl = Kubectl(context())
    with forwarded(kubectl) as port:
        arm = Arm(RemoteAccount(kubectl, port, tmp_path_factory.mktemp("fakecloud")))
        kubectl("delete", "-f", SHOP, "--ignore-not-found", "--timeout=180s")
        yield Site(kubectl, arm)
        arm.close()


@pytest.fixture(scope="module")
def shop(site: Site) -> Iterator[Site]:
    """The example applied and Ready; a test of the module that deletes it is the last one."""
    site.kubectl("apply", "-f", SHOP)
    kinds = ("dnszone/shop-zone", "managedcluster/shop", "nodepool/system", "nodepool/ssd", "serviceexposure/web")
    site.kubectl.wait("condition=Ready", *kinds, seconds=300)
    yield site
    site.kubectl("delete", "-f", SHOP, "--ignore-not-found", "--timeout=180s")
