"""The operator's watches, cut, closed, expired and silent: it recovers by itself, or says that it must be started anew."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.api import Api, Json, condition, path_of
from tests.cluster.operators import Operator
from tests.cluster.wire import Wire
from tests.contract.cloud import until

# The wire is closed in the middle of TLS handshakes: asyncio leaves the transports of those to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:Exception ignored in. <(function _(Selector|SSLProtocol)Transport|socket\.socket):pytest.PytestUnraisableExceptionWarning"
)
LEASE_SECONDS = 3.0
DEADLINE = 15.0
"""Seconds that a watch has here: more than kopf's longest pause before it takes up one that was refused."""
LEASES = "/apis/coordination.k8s.io/v1/namespaces"


class Scene:
    """An operator behind a wire, with a namespace of its own and no cloud: objects wait for an account."""

    def __init__(self, api: Api, kubeconfig: str, folder: Path, *, relist: float = 600.0) -> None:
        self.api = api
        self.namespace = f"watch-{uuid.uuid4().hex[:6]}"
        meta = {"name": self.namespace}
        api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        self.wire = Wire(kubeconfig, folder)
        self.settings = {
            "lease_seconds": LEASE_SECONDS,
            "watch_deadline_seconds": DEADLINE,
            "relist_interval_seconds": relist,
            "lease_name": "operator",
        }
        self.operator = self.another(folder)
        self.operator.start()

    def another(self, folder: Path) -> Operator:
        """Another process of the same installation, not started."""
        return Operator(self.wire.kubeconfig, folder, self.namespace, [], "", **self.settings)

    def end(self) -> None:
        """Leave nothing."""
        self.operator.stop()
        self.wire.end()
        for zone in self.api.items(path_of("DNSZone", self.namespace)):
            path = path_of("DNSZone", self.namespace, zone["metadata"]["name"])
            self.api.merge(path, {"metadata": {"finalizers": None}})
            self.api("DELETE", path)
        self.api.delete(f"/api/v1/namespaces/{self.namespace}")

    def zone(self, name: str) -> None:
        """An object that waits for an account."""
        spec = {"resourceGroup": "shop", "zone": f"{name}.example"}
        meta = {"name": name, "namespace": self.namespace}
        body = {"apiVersion": "aks-operator.io/v1alpha1", "kind": "DNSZone", "metadata": meta, "spec": spec}
        self.api.create(path_of("DNSZone", self.namespace), body)

    def answered(self, name: str) -> Json | None:
        """The object once the operator has said something about it."""
        body = self.api.get(path_of("DNSZone", self.namespace, name))
        return body if body and condition(body) else None

    @property
    def lease(self) -> Json:
        """The Lease's spec."""
        found = self.api.get(f"{LEASES}/{self.namespace}/leases/operator")
        assert found is not None
        return dict(found["spec"])

    def renewals(self, number: int) -> None:
        """Returns when the Lease has been renewed so many times."""
        seen = {self.lease["renewTime"]}

        def look() -> bool | None:
            seen.add(self.lease["renewTime"])
            return len(seen) > number or None

        until(f"the Lease is renewed {number} times", look, 3 * number * LEASE_SECONDS)

    def errors(self, operator: Operator) -> list[str]:
        """Errors of our own; kopf calls every request that it repeats one."""
        return [str(m) for m in operator.lines() if m["severity"] == "ERROR" and m["logger"].startswith("aks_operator")]

    def healthy(self) -> bool | None:
        """True while /healthz is content."""
        return True if self.operator.get("/healthz") else None

    def sick(self) -> bool | None:
        """True while /healthz is not."""
        return None if self.operator.get("/healthz") else True


@pytest.fixture(scope="module")
def scene(api: Api, kubeconfig: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(api, kubeconfig, tmp_path_factory.mktemp("watches"))
    yield made
    try:
        assert made.operator.running, made.operator.log()[-3000:]
        assert made.errors(made.operator) == []
    finally:
        made.end()


def test_renewals_of_the_lease_come_back_and_nothing_else_is_written(scene: Scene) -> None:
    scene.zone("still")
    until("it was looked at", lambda: scene.answered("still"))
    before = (
        scene.api.items(path_of("DNSZone", scene.namespace)),
        scene.operator.count("aks_operator_status_patches_total"),
    )
    scene.renewals(int(1.25 * DEADLINE / (LEASE_SECONDS / 3)))
    assert scene.healthy()
    assert scene.operator.metrics("aks_operator_watch_lag_seconds")[""] < DEADLINE / 2
    assert scene.operator.metrics("aks_operator_leader")[""] == 1.0
    after = (
        scene.api.items(path_of("DNSZone", scene.namespace)),
        scene.operator.count("aks_operator_status_patches_total"),
    )
    assert after == before


def test_watches_that_are_cut_are_taken_up_again(scene: Scene) -> None:
    until("all watches stand", lambda: scene.wire.watches >= 8 or None)
    scene.wire.cut()
    scene.zone("cut")
    until("it was looked at", lambda: scene.answered("cut"))
    assert scene.healthy()


def test_410_gone_is_answered_with_a_list(scene: Scene) -> None:
    until("all watches stand", lambda: scene.wire.watches >= 8 or None)
    scene.wire.expire()
    scene.zone("expired")
    until("it was looked at", lambda: scene.answered("expired"))
    assert scene.healthy()


def test_silent_watches_fail_healthz_until_they_speak(scene: Scene) -> None:
    scene.wire.silence("")
    until("/healthz fails", scene.sick, 2 * DEADLINE)
    assert scene.operator.get("/readyz"), "it is the kubelet's to start it anew; nobody is sent elsewhere"
    scene.wire.speak()
    until("/healthz is content", scene.healthy, 2 * DEADLINE)
    messages = scene.operator.messages()
    assert [m for m in messages if "the watches are silent" in m], messages
    scene.operator.stop()
    scene.operator.start()  # what it said was meant: later tests ask for no errors


@pytest.mark.timeout(240)
def test_an_api_server_that_is_away_ends_nothing_and_nobody(scene: Scene, tmp_path: Path) -> None:
    """60 s: many times the Lease's duration, and the watches' deadline."""
    standby = scene.another(tmp_path)
    standby.start(leading=False)
    holder, transitions = scene.lease["holderIdentity"], scene.lease["leaseTransitions"]
    scene.wire.close()
    end = time.monotonic() + 60.0
    until("the Lease has run out", lambda: scene.operator.metrics("aks_operator_leader")[""] == 0.0 or None)
    scene.zone("away")
    while time.monotonic() < end:
        assert scene.healthy(), "starting anew would not bring the API server back"
        time.sleep(0.5)  # between two looks: nothing is to happen
    assert scene.answered("away") is None
    scene.wire.open()
    until("it was looked at", lambda: scene.answered("away"), 20.0)
    until("it leads again", lambda: scene.operator.metrics("aks_operator_leader")[""] == 1.0 or None)
    scene.renewals(int(1.25 * DEADLINE / (LEASE_SECONDS / 3)))
    assert scene.healthy()
    assert (scene.lease["holderIdentity"], scene.lease["leaseTransitions"]) == (holder, transitions)
    assert standby.get("/healthz")
    assert scene.errors(standby) == []
    assert standby.stop() == 0


def test_one_silent_kind_is_enough(api: Api, kubeconfig: str, tmp_path: Path) -> None:
    scene = Scene(api, kubeconfig, tmp_path, relist=1.0)
    try:
        scene.wire.silence("/dnszones")
        scene.zone("unseen")
        until("a list found it", lambda: scene.answered("unseen"))
        until("/healthz fails", scene.sick, 2 * DEADLINE)
        scene.wire.speak()
        scene.wire.cut()
        until("/healthz is content", scene.healthy, 2 * DEADLINE)
    finally:
        scene.end()


def test_a_lease_that_another_took_ends_the_process(api: Api, kubeconfig: str, tmp_path: Path) -> None:
    scene = Scene(api, kubeconfig, tmp_path)
    try:
        path = f"{LEASES}/{scene.namespace}/leases/operator"
        taken = {"holderIdentity": "another", "leaseDurationSeconds": 60}
        scene.api.merge(path, {"spec": taken})
        until("the process ended", lambda: None if scene.operator.running else True, 2 * LEASE_SECONDS)
        assert "another process leads" in scene.operator.log()
        assert scene.lease["holderIdentity"] == "another"
    finally:
        scene.end()
