"""What others in the cluster need to know of this cloud, as Secrets: whom to trust, and who they are."""

import asyncio
import base64
import logging
from collections.abc import Mapping
from typing import Final

from fakecloud.kube import MERGE_PATCH, Kube, KubeError

log = logging.getLogger(__name__)
Contents = Mapping[str, Mapping[str, str]]
"""Data by key, by Secret name."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between attempts, doubling from the one to the other."""
MANAGED_BY: Final = {"app.kubernetes.io/name": "fakecloud", "app.kubernetes.io/managed-by": "fakecloud"}


def contents(ca: str, client_secret: str, agent_token: str) -> Contents:
    """The Secrets of this cloud: for the operator's CloudAccount, and for the agents on the nodes."""
    return {
        "fakecloud-tls": {"ca.crt": ca},
        "azure-credential": {"clientSecret": client_secret},
        "fakecloud-agent": {"ca.crt": ca, "token": agent_token},
    }


async def publish(kube: Kube, namespace: str, wanted: Contents) -> None:
    """Returns when every Secret of `wanted` is in `namespace`; tries until then."""
    left = dict(wanted)
    pause = FIRST_PAUSE
    while left:
        for name, data in list(left.items()):
            try:
                await _publish(kube, namespace, name, data)
                del left[name]
            except KubeError as error:
                log.warning("secret %s/%s is not published yet: %s", namespace, name, error)
        if left:
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


async def _publish(kube: Kube, namespace: str, name: str, data: Mapping[str, str]) -> None:
    path = f"/api/v1/namespaces/{namespace}/secrets"
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    known = await kube.get(f"{path}/{name}")
    if known is None:
        meta = {"name": name, "namespace": namespace, "labels": MANAGED_BY}
        body = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": meta, "data": encoded}
        await kube.request("POST", path, body)
        log.info("secret %s/%s created", namespace, name)
    elif any((known.get("data") or {}).get(key) != value for key, value in encoded.items()):
        await kube.request("PATCH", f"{path}/{name}", {"data": encoded}, content_type=MERGE_PATCH)
        log.info("secret %s/%s updated", namespace, name)
