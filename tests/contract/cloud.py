"""A fake cloud as a real process, and two ways to talk to it: the Azure SDK, and plain HTTP for what the SDK hides."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import orjson
import urllib3
from azure.identity import ClientSecretCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.containerservice import ContainerServiceClient
from azure.mgmt.dns import DnsManagementClient
from azure.mgmt.loganalytics import LogAnalyticsManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from typing_extensions import TypeVar as DefaultedTypeVar

DEADLINE = 20.0
"""Seconds that anything here may take before a test fails."""
API_VERSION = "2024-05-01"
"""Sent where a test does not care: any api-version of a known type is taken."""
T = TypeVar("T")


def until(what: str, look: Callable[[], T | None], deadline: float = DEADLINE, pause: float = 0.01) -> T:
    """What `look` returns as soon as it is not None; fails with `what` after `deadline` seconds. `pause`: between looks."""
    end = time.monotonic() + deadline
    while (found := look()) is None:
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline:.0f} s: {what}")
        time.sleep(pause)
    return found


class Account:
    """What a client must know of a cloud, wherever it runs."""

    def account(self) -> dict[str, Any]:
        """account.json."""
        raise NotImplementedError

    @property
    def ca(self) -> str:
        """Path of the authority to trust."""
        raise NotImplementedError

    @property
    def endpoint(self) -> str:
        """Scheme, host and port."""
        return str(self.account()["endpoint"])

    @property
    def tenant(self) -> str:
        """The tenant's GUID."""
        return str(self.account()["tenantId"])

    @property
    def subscription(self) -> str:
        """The subscription's GUID."""
        return str(self.account()["subscriptionId"])

    @property
    def client(self) -> str:
        """The one client's id."""
        return str(self.account()["clientId"])

    @property
    def secret(self) -> str:
        """The one client's secret."""
        return str(self.account()["clientSecret"])

    def log_in(self) -> str:
        """A new token for the resource manager."""
        with self.credential() as credential:
            return str(credential.get_token(f"{self.endpoint}/.default").token)

    def credential(self, *, secret: str | None = None, tenant: str | None = None) -> ClientSecretCredential:
        """azure-identity's own credential, with this cloud as its authority."""
        return ClientSecretCredential(
            tenant or self.tenant,
            self.client,
            secret or self.secret,
            authority=self.endpoint,
            disable_instance_discovery=True,
            connection_verify=self.ca,
            retry_total=0,
        )


class Cloud(Account):
    """One `fakecloud serve`. Its state outlives its process: start, kill, start again."""

    def __init__(self, state: Path, speed: str, *options: str) -> None:
        self.state = state
        self._options = ("--speed", speed, *options)
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it and wait for the line that says it is ready. The port stays the same after the first start."""
        program = Path(sys.executable).with_name("fakecloud")
        arguments = ["serve", "--state", str(self.state), "--port", str(self._port), *self._options]
        self.state.mkdir(parents=True, exist_ok=True)
        with (self.state / "stderr.log").open("ab") as log:
            self._process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, stderr=log)
        pipe = self._process.stdout
        assert pipe is not None
        ready, _, _ = select.select([pipe], [], [], DEADLINE)
        line = os.read(pipe.fileno(), 4096).decode() if ready else ""
        if "ready" not in line:
            self.kill()
            raise AssertionError(f"fakecloud did not become ready: {line!r} {self.log()}")
        self._port = int(self.endpoint.rpartition(":")[2])

    def kill(self) -> None:
        """kill -9: nothing is flushed, nobody is told."""
        if self._process is not None:
            self._process.kill()
            self._close()

    def stop(self) -> int | None:
        """End it as an init system would; its exit code, None when it was not running."""
        if self._process is None:
            return None
        self._process.terminate()
        return self._close()

    def _close(self) -> int:
        assert self._process is not None
        code = self._process.wait(DEADLINE)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
        return code

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """What the server wrote to stderr."""
        return (self.state / "stderr.log").read_text()

    def account(self) -> dict[str, Any]:
        """See Account."""
        return dict(json.loads((self.state / "account.json").read_text()))

    @property
    def ca(self) -> str:
        """See Account."""
        return str(self.state / "ca.crt")


def sdk_options(cloud: Cloud, retries: int = 0) -> dict[str, Any]:
    """How any client of the SDK is told of a cloud."""
    return {
        "base_url": cloud.endpoint,
        "credential_scopes": [f"{cloud.endpoint}/.default"],
        "connection_verify": cloud.ca,
        "polling_interval": 0,
        "retry_total": retries,
        "retry_connect": retries,
        "retry_read": retries,
        "retry_backoff_factor": 0.05,
    }


class Clients:
    """The SDK's clients of one cloud, as anybody would make them; they poll without a pause."""

    def __init__(self, cloud: Cloud, *, retries: int = 0) -> None:
        self.credential = cloud.credential()
        options = sdk_options(cloud, retries)
        self.aks = ContainerServiceClient(self.credential, cloud.subscription, **options)
        self.network = NetworkManagementClient(self.credential, cloud.subscription, **options)
        self.dns = DnsManagementClient(self.credential, cloud.subscription, **options)
        self.resources = ResourceManagementClient(self.credential, cloud.subscription, **options)
        self.compute = ComputeManagementClient(self.credential, cloud.subscription, **options)
        self.logs = LogAnalyticsManagementClient(self.credential, cloud.subscription, **options)

    def close(self) -> None:
        """Close every connection."""
        for client in (self.aks, self.network, self.dns, self.resources, self.compute, self.logs, self.credential):
            client.close()


@dataclass(frozen=True)
class Reply:
    """An answer as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        """The JSON, None for an empty body."""
        return orjson.loads(self.text) if self.text else None

    @property
    def code(self) -> str:
        """ARM's error code, in either of its shapes."""
        return str(self.body.get("error", self.body)["code"])

    @property
    def message(self) -> str:
        """ARM's error message, in either of its shapes."""
        return str(self.body.get("error", self.body)["message"])

    @property
    def state(self) -> str:
        """The resource's provisioningState."""
        return str(self.body["properties"]["provisioningState"])


C = DefaultedTypeVar("C", bound=Account, default=Cloud)


class Arm(Generic[C]):
    """Plain HTTPS with a bearer token. Paths begin at the subscription, or at the root with `/subscriptions`."""

    def __init__(self, cloud: C) -> None:
        self.cloud = cloud
        self._pool = urllib3.PoolManager(ca_certs=cloud.ca, retries=False, timeout=DEADLINE)
        self.token = cloud.log_in()

    def close(self) -> None:
        """Close every connection."""
        self._pool.clear()

    def send(self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str]) -> Reply:
        """One request, exactly as given. `url` is a path or absolute."""
        full = url if url.startswith("https://") else self.cloud.endpoint + url
        answer = self._pool.request(method, full, body=body, headers=dict(headers), redirect=False)
        return Reply(answer.status, answer.headers, answer.data.decode())

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """One authenticated request; `If_Match="…"` sends the header If-Match."""
        url = path
        if not path.startswith(("https://", "/subscriptions")):
            url = f"/subscriptions/{self.cloud.subscription}{path}"
        if "api-version=" not in url:
            url += ("&" if "?" in url else "?") + f"api-version={API_VERSION}"
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(method, url, body=None if body is None else json.dumps(body).encode(), headers=sent)

    def get(self, path: str, **headers: str) -> Reply:
        """GET."""
        return self("GET", path, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Reply:
        """PUT."""
        return self("PUT", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Reply:
        """PATCH."""
        return self("PATCH", path, body, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        """POST."""
        return self("POST", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Reply:
        """DELETE."""
        return self("DELETE", path, **headers)

    def journal(self, after: int = 0) -> dict[str, Any]:
        """The fake's own request journal: `first`, `last`, and the `entries` numbered above `after`."""
        token = self.cloud.account()["controlToken"]
        reply = self.send("GET", f"/_fakecloud/journal?after={after}", headers={"Authorization": f"Bearer {token}"})
        assert reply.status == 200, reply
        return dict(reply.body)

    def ended(self, reply: Reply) -> dict[str, Any]:
        """The operation that `reply` began, once it is over; an answer without one is over already."""
        url = reply.headers.get("Azure-AsyncOperation")
        if url is None:
            return {"status": "Succeeded"}

        def look() -> dict[str, Any] | None:
            operation: dict[str, Any] = self.get(url).body
            return operation if operation["status"] != "InProgress" else None

        return until(f"{url} ends", look)

    def _patient(self, send: Callable[[], Reply]) -> Reply:
        """The answer, asked for again while somebody else's operation is under way: Network takes one at a time."""

        def attempt() -> Reply | None:
            reply = send()
            return None if reply.status == 429 and reply.code == "RetryableError" else reply

        return until("the resource is at rest", attempt)

    def make(self, path: str, body: Any) -> dict[str, Any]:
        """PUT, wait until the operation succeeded, and return the resource."""
        reply = self._patient(lambda: self.put(path, body))
        assert reply.status in {200, 201, 202}, reply
        operation = self.ended(reply)
        assert operation["status"] == "Succeeded", operation
        made: dict[str, Any] = self.get(path).body
        return made

    def remove(self, path: str) -> None:
        """DELETE and wait until it is gone."""
        reply = self._patient(lambda: self.delete(path))
        assert reply.status in {200, 202, 204}, reply
        assert self.ended(reply)["status"] == "Succeeded"
        if reply.status == 202:  # a resource group's deletion has no operation that could be asked
            until(f"{path} is gone", lambda: self.get(path).status == 404 or None)


@dataclass(frozen=True)
class Group:
    """A resource group of a test's own."""

    name: str
    arm: Arm = field(repr=False)

    @property
    def id(self) -> str:
        """Its ARM id."""
        return f"/subscriptions/{self.arm.cloud.subscription}/resourceGroups/{self.name}"

    def path(self, provider_type: str, name: str | None = None) -> str:
        """The id of a resource in this group, or of the collection."""
        return f"{self.id}/providers/{provider_type}" + ("" if name is None else f"/{name}")
