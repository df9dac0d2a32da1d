"""Publishing Secrets, against a real API server."""

import asyncio
import base64
import uuid
from collections.abc import AsyncIterator

import pytest

from fakecloud.kube import Kube
from fakecloud.publish import contents, publish

NAMES = ("fakecloud-tls", "azure-credential", "fakecloud-agent")


@pytest.fixture
async def kube(kubeconfig: str) -> AsyncIterator[Kube]:
    made = await Kube.connect(kubeconfig)
    yield made
    await made.close()


@pytest.fixture
async def namespace(kube: Kube) -> AsyncIterator[str]:
    """A name; the namespace is the test's to make."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    yield name
    await kube.request("DELETE", f"/api/v1/namespaces/{name}")


async def make(kube: Kube, name: str) -> None:
    await kube.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})


async def secrets(kube: Kube, namespace: str) -> dict[str, dict[str, str]]:
    """Data by key, by name."""
    found = {}
    for name in NAMES:
        secret = await kube.request("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")
        found[name] = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    return found


async def versions(kube: Kube, namespace: str) -> list[str]:
    paths = [f"/api/v1/namespaces/{namespace}/secrets/{name}" for name in NAMES]
    return [(await kube.request("GET", path))["metadata"]["resourceVersion"] for path in paths]


async def test_secrets_are_made_and_written_again_only_when_they_differ(kube: Kube, namespace: str) -> None:
    await make(kube, namespace)
    await publish(kube, namespace, contents("CA", "secret", "token"))
    assert await secrets(kube, namespace) == {
        "fakecloud-tls": {"ca.crt": "CA"},
        "azure-credential": {"clientSecret": "secret"},
        "fakecloud-agent": {"ca.crt": "CA", "token": "token"},
    }
    before = await versions(kube, namespace)
    await publish(kube, namespace, contents("CA", "secret", "token"))
    assert await versions(kube, namespace) == before
    await publish(kube, namespace, contents("CA", "other", "token"))
    after = await versions(kube, namespace)
    assert [old != new for old, new in zip(before, after, strict=True)] == [False, True, False]
    assert (await secrets(kube, namespace))["azure-credential"] == {"clientSecret": "other"}


async def test_publishing_goes_on_until_it_is_done(kube: Kube, namespace: str) -> None:
    publishing = asyncio.create_task(publish(kube, namespace, contents("CA", "secret", "token")))
    done, _ = await asyncio.wait({publishing}, timeout=1)
    assert not done, "there is no such namespace yet"
    await make(kube, namespace)
    await asyncio.wait_for(publishing, 20)
    assert set(await secrets(kube, namespace)) == set(NAMES)
