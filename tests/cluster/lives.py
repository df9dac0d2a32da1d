"""Shops that live and die side by side, each with a fault of its own, and what must be true of every one of them."""

import itertools
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.cluster.api import GROUP, Api, Json, condition
from tests.cluster.desk import Desk
from tests.contract import bodies
from tests.contract.cloud import Arm, Cloud, until
from tests.levers import Levers

T = TypeVar("T")
DEADLINE = 60.0
"""Seconds that one step of a life may take, its fault and the machine's other work included."""
PAUSE = 0.25
KINDS = ("ServiceExposure", "NodePool", "ManagedCluster", "DNSZone", "CloudAccount")
RECORDS = f"{bodies.ZONES}/A"
AGENT = "azsdk-python-*"
"""Whose calls are struck and counted: the operator's, not the test's."""
NUMBERS = itertools.count(1)
VARYING = {
    "{operation}": re.compile(
        r"(?<=/operations/)[-0-9a-f]+|(?<=/operationresults/)[-0-9a-f]+|(?<=operationstatuses/)[-0-9a-f]+"
    ),
    "{nsg}": re.compile(r"aks-agentpool-\w+-nsg"),
    "{rule}": re.compile(r"aksop-\w+-\w+"),
}
"""What differs between lives in a path in lower case."""


class Plot(Cloud):
    """A running cloud, as seen in one of its subscriptions."""

    def __init__(self, cloud: Cloud, subscription: str) -> None:
        self.state = cloud.state
        self._subscription = subscription

    @property
    def subscription(self) -> str:
        """See Account."""
        return self._subscription


class Board:
    """All objects of ours, looked at by one thread for everybody who waits for one."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._changed = threading.Condition()
        self._objects: dict[tuple[str, str, str], Json] = {}
        self._error: BaseException | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._ended = True
        self._thread.join()

    def wait(self, what: str, namespace: str, look: Callable[[Mapping[tuple[str, str], Json]], T | None]) -> T:
        """What `look` makes of a namespace's objects, by kind and name, as soon as it is not None."""
        end = time.monotonic() + DEADLINE
        with self._changed:
            while True:
                if self._error is not None:
                    raise AssertionError("the API server was not to be read") from self._error
                seen = {(kind, name): body for (ns, kind, name), body in self._objects.items() if ns == namespace}
                if (found := look(seen)) is not None:
                    return found
                if time.monotonic() > end:
                    raise AssertionError(f"not within {DEADLINE:.0f} s: {what}; {_shown(seen)}")
                self._changed.wait(1)

    def _look(self) -> None:
        try:
            while not self._ended:
                found = {}
                for kind in KINDS:
                    plural = {"DNSZone": "dnszones"}.get(kind, f"{kind.lower()}s")
                    for body in self._api.items(f"{GROUP}/{plural}?resourceVersion=0"):
                        meta = body["metadata"]
                        found[meta["namespace"], kind, meta["name"]] = body
                with self._changed:
                    self._objects = found
                    self._changed.notify_all()
                time.sleep(PAUSE)  # between two looks
        except BaseException as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()
            raise


def _shown(seen: Mapping[tuple[str, str], Json]) -> str:
    lines = {}
    for (kind, name), body in seen.items():
        ready = condition(body)
        lines[f"{kind}/{name}"] = f"{ready.get('status')} {ready.get('reason')}: {ready.get('message')}"
    return json.dumps(lines, indent=1)


@dataclass(frozen=True)
class Call:
    """One request of a shop's life: the `nth` of its method on its path.

    `path` is without the subscription; `{group}`, `{operation}` and others stand for what differs between lives.
    """

    method: str
    path: str
    nth: int = 1
    begins: bool = field(default=False, compare=False)
    """Whether it begins an operation that its answer names."""

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return self.method in {"PUT", "PATCH", "DELETE"}

    @property
    def lists(self) -> bool:
        """Whether it asks for a collection."""
        _, found, rest = self.path.rpartition("/providers/")
        below = rest.count("/") % 2 == 1 and "/locations/" not in rest if found else self.path == "/resourcegroups"
        return self.method == "GET" and below

    def __str__(self) -> str:
        return f"{self.method} {self.path} #{self.nth}"


TOKEN = Call("POST", "/oauth2/v2.0/token")
"""The one call that is not in a subscription: whichever account asks next is struck."""


@dataclass(frozen=True)
class Case:
    """A call, and the fault that it meets."""

    call: Call
    name: str
    fault: Mapping[str, Any] = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.name} at {self.call}"


@dataclass(frozen=True)
class Verdict:
    """How one life went. `why` is empty when it converged."""

    case: Case | None
    struck: bool
    why: str
    calls: list[Call]
    writes: Counter[str]
    """Writes that were accepted, by method and path."""
    seconds: float


class Shop:
    """One shop after another in one namespace and one subscription."""

    def __init__(self, api: Api, board: Board, arm: Arm, own: Levers, namespace: str) -> None:
        self._board = board
        self._arm = arm
        self._own = own
        self._desk = Desk(api, arm, namespace)
        meta: Json = {"name": namespace}
        api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        self._desk.secret("azure-credential", clientSecret=arm.cloud.secret)
        self._desk.secret("fakecloud-tls", **{"ca.crt": self._desk.ca})
        self._group = ""

    def abandon(self) -> None:
        """Let go of everything."""
        self._desk.abandon()

    def live(self, case: Case | None) -> Verdict:
        """One life, with the fault of `case`, and what became of it."""
        self._group = f"shop{next(NUMBERS)}"
        began, since = time.monotonic(), self._own.last()
        number = None
        why = ""
        try:
            if case is not None:
                number = self._own.fault(case.fault, **self._rule(case.call))
            self._life()
        except AssertionError as error:
            why = str(error) or repr(error)
            self._clear()
        struck = number is not None and self._own.standing()[number].struck > 0
        if number is not None:
            self._own.lift(number)
        mine = f"/subscriptions/{self._arm.cloud.subscription}"
        entries = [
            e
            for e in self._own.journal(since)
            if e["path"].lower().startswith(mine) and e["agent"].startswith("azsdk-python-")
        ]
        if not why:  # what others made in it counts in the subscription's quotas
            self._arm.remove(f"{mine}/resourceGroups/{self._group}")
        why = why or _too_early(entries)
        return Verdict(case, struck, why, self._calls(entries), self._accepted(entries), time.monotonic() - began)

    def _clear(self) -> None:
        """Let go of the objects of a life that did not end, so that the next can begin."""
        for kind in KINDS:
            self._desk.drop(kind)

    # the life

    def _life(self) -> None:
        desk, group = self._desk, self._group
        zone = {"resourceGroup": group, "zone": f"{group}.example"}
        desk.apply("CloudAccount", "default", **desk.account())
        desk.zone(**zone)
        desk.cluster(resourceGroup=group)
        desk.pool()
        desk.pool("web")
        self._seen(
            "all is Ready",
            self._ready(("DNSZone", "zone"), ("ManagedCluster", "shop"), ("NodePool", "system"), ("NodePool", "web")),
        )
        desk.exposure(dns={"zoneRef": {"name": "zone"}, "name": "www"}, publicIP={"name": "shop-ip"})
        self._seen("the exposure is Ready", self._exposed(2))
        self._check_made(2)
        foreign = self._foreigners()
        desk.scale("web", 2)
        self._seen("the pool has two nodes, and the balancer three backends", self._exposed(3))
        # it is Ready while it follows the nodes, whatever becomes of that
        until("the balancer is at rest", lambda: self._balancer()["provisioningState"] == "Succeeded" or None, DEADLINE)
        self._check_made(3)
        self._check_foreign(foreign)
        for kind, name in (("ServiceExposure", "web"), ("NodePool", "web")):
            desk.delete(kind, name)
        self._seen("the exposure and its pool are gone", self._gone(("ServiceExposure", "web"), ("NodePool", "web")))
        self._check_foreign(foreign)
        self._check_exposure_left_nothing()
        for kind, name in (("DNSZone", "zone"), ("NodePool", "system"), ("ManagedCluster", "shop")):
            desk.delete(kind, name)
        self._seen("all is gone", self._gone(("DNSZone", "zone"), ("NodePool", "system"), ("ManagedCluster", "shop")))
        desk.delete("CloudAccount", "default")
        self._seen("the account is gone", self._gone(("CloudAccount", "default")))
        left = {name.rpartition("/")[2] for name in self._resources()}
        assert left == {"theirs", "shop-public"}, f"left in the group: {sorted(left)}"
        nodes = self._arm.get(self._nodes("")).status
        assert nodes == 404, "the node group is left"

    def _seen(self, what: str, look: Callable[[Mapping[tuple[str, str], Json]], T | None]) -> T:
        return self._board.wait(what, self._desk.namespace, look)

    @staticmethod
    def _ready(*wanted: tuple[str, str]) -> Callable[[Mapping[tuple[str, str], Json]], bool | None]:
        def look(seen: Mapping[tuple[str, str], Json]) -> bool | None:
            return all(key in seen and _is_ready(seen[key]) for key in wanted) or None

        return look

    @staticmethod
    def _gone(*wanted: tuple[str, str]) -> Callable[[Mapping[tuple[str, str], Json]], bool | None]:
        return lambda seen: all(key not in seen for key in wanted) or None

    @staticmethod
    def _exposed(backends: int) -> Callable[[Mapping[tuple[str, str], Json]], bool | None]:
        def look(seen: Mapping[tuple[str, str], Json]) -> bool | None:
            body = seen.get(("ServiceExposure", "web"))
            pool = seen.get(("NodePool", "web"))
            if body is None or pool is None or not (_is_ready(body) and _is_ready(pool)):
                return None
            total = body["status"].get("backends", {}).get("total")
            return (total == backends and pool["status"].get("replicas") == backends - 1) or None

        return look

    # what must be true

    def _check_made(self, backends: int) -> None:
        """Everything is there once, and as it was asked for."""
        names = {name.rpartition("/")[2] for name in self._resources()} - {"theirs"}
        assert names == {"shop", "shop-ip", "shop-public", f"{self._group}.example"}, sorted(names)
        balancer = self._balancer()
        lists = ("frontendIPConfigurations", "backendAddressPools", "probes", "loadBalancingRules")
        counts = {name: [e for e in balancer[name] if e["name"] != "theirs"] for name in lists}
        assert {name: len(entries) for name, entries in counts.items()} == dict.fromkeys(lists, 1)
        pool = counts["backendAddressPools"][0]["properties"]["loadBalancerBackendAddresses"]
        assert len(pool) == backends, pool
        ours = [r for r in self._group_rules() if r["name"].startswith("aksop-")]
        assert len(ours) == 1, ours
        records = self._arm.get(self._record("www")).body["properties"]["ARecords"]
        ip = self._arm.get(self._path(bodies.ADDRESSES, "shop-ip")).body["properties"]["ipAddress"]
        assert records == [{"ipv4Address": ip}]
        pools = self._arm.get(self._path(bodies.CLUSTERS, "shop/agentPools")).body["value"]
        sizes = {pool["name"]: pool["properties"]["count"] for pool in pools}
        assert sizes == {"system": 1, "web": backends - 1}
        states = {pool["properties"]["provisioningState"] for pool in pools}
        assert states == {"Succeeded"}

    def _check_exposure_left_nothing(self) -> None:
        assert [r["name"] for r in self._group_rules()] == ["theirs"]
        balancer = self._balancer()
        for name in ("frontendIPConfigurations", "backendAddressPools", "probes", "loadBalancingRules"):
            assert [entry["name"] for entry in balancer[name]] == ["theirs"], name
        assert self._arm.get(self._record("www")).status == 404
        assert self._arm.get(self._path(bodies.ADDRESSES, "shop-ip")).status == 404

    def _foreigners(self) -> dict[str, Any]:
        """Others make a rule, a balancer's entries, a tag and a record beside ours; returns them as they are then."""
        arm = self._arm
        group = self._nodes(f"/providers/{bodies.SECURITY_GROUPS}/{self._security_group()}")
        arm.make(f"{group}/securityRules/theirs", {"properties": bodies.rule_properties(300)})
        arm.make(self._record("theirs"), {"properties": {"TTL": 60, "ARecords": [{"ipv4Address": "192.0.2.9"}]}})
        ip = arm.make(self._path(bodies.ADDRESSES, "theirs"), bodies.address())["id"]
        path = f"/subscriptions/{arm.cloud.subscription}{self._path(bodies.BALANCERS, 'shop-public')}"
        body = arm.get(path).body
        properties = body["properties"]
        entries: dict[str, Json] = {
            "frontendIPConfigurations": {"publicIPAddress": {"id": ip}},
            "backendAddressPools": {},
            "probes": {"protocol": "Tcp", "port": 31999, "intervalInSeconds": 5},
            "loadBalancingRules": {
                "frontendIPConfiguration": {"id": f"{path}/frontendIPConfigurations/theirs"},
                "backendAddressPool": {"id": f"{path}/backendAddressPools/theirs"},
                "probe": {"id": f"{path}/probes/theirs"},
                "protocol": "Tcp",
                "frontendPort": 81,
                "backendPort": 31999,
            },
        }
        for name, entry in entries.items():
            properties[name].append({"name": "theirs", "properties": entry})
        body["tags"]["theirs"] = "kept"
        arm.make(path, body)
        cluster = self._path(bodies.CLUSTERS, "shop")
        tagged = arm.patch(cluster, {"tags": {**arm.get(cluster).body["tags"], "theirs": "kept"}})
        assert arm.ended(tagged)["status"] == "Succeeded"
        return self._foreign()

    def _foreign(self) -> dict[str, Any]:
        """What others made, as it is now. A balancer is one document: its etags change whoever writes to it."""
        arm = self._arm
        balancer = arm.get(self._path(bodies.BALANCERS, "shop-public")).body
        entries = {
            name: [{k: v for k, v in entry.items() if k != "etag"} for entry in found if entry["name"] == "theirs"]
            for name, found in balancer["properties"].items()
            if isinstance(found, list)
        }
        cluster = arm.get(self._path(bodies.CLUSTERS, "shop")).body
        return {
            "rule": [rule for rule in self._group_rules() if rule["name"] == "theirs"],
            "record": arm.get(self._record("theirs")).body,
            "address": arm.get(self._path(bodies.ADDRESSES, "theirs")).body,
            "entries": entries,
            "tags": (balancer["tags"]["theirs"], cluster["tags"]["theirs"]),
        }

    def _check_foreign(self, before: Mapping[str, Any]) -> None:
        now = self._foreign()
        for what, was in before.items():
            assert json.dumps(now[what]) == json.dumps(was), (
                f"the foreign {what} was\n{json.dumps(was)}\nand is\n{json.dumps(now[what])}"
            )

    # paths

    def _path(self, type_: str, name: str) -> str:
        return f"/resourceGroups/{self._group}/providers/{type_}/{name}"

    def _nodes(self, rest: str) -> str:
        return f"/resourceGroups/MC_{self._group}_shop_{bodies.LOCATION}{rest}"

    def _record(self, name: str) -> str:
        return self._path(bodies.ZONES, f"{self._group}.example/A/{name}")

    def _resources(self) -> list[str]:
        return [str(r["id"]) for r in self._arm.get(f"/resourceGroups/{self._group}/resources").body["value"]]

    def _balancer(self) -> Json:
        return dict(self._arm.get(self._path(bodies.BALANCERS, "shop-public")).body["properties"])

    def _security_group(self) -> str:
        found = self._arm.get(self._nodes(f"/providers/{bodies.SECURITY_GROUPS}")).body["value"]
        return str(found[0]["name"])

    def _group_rules(self) -> list[Json]:
        found = self._arm.get(self._nodes(f"/providers/{bodies.SECURITY_GROUPS}")).body["value"]
        return list(found[0]["properties"]["securityRules"])

    # calls

    def _rule(self, call: Call) -> dict[str, Any]:
        path = call.path.replace("{group}", self._group)
        for word in VARYING:
            path = path.replace(word, "*")
        name = f"/subscriptions/{self._arm.cloud.subscription}{path}"
        if call == TOKEN:
            name = f"/{self._arm.cloud.tenant}{path}"
        return {"method": "LIST" if call.lists else call.method, "name": name, "agent": AGENT, "nth": call.nth}

    def _calls(self, entries: list[Json]) -> list[Call]:
        """The requests of a life in their order, in the shape that is the same in all lives."""
        count: Counter[tuple[str, str]] = Counter()
        made = []
        for entry in entries:
            path = self._shape(entry["path"])
            count[entry["method"], path] += 1
            made.append(Call(entry["method"], path, count[entry["method"], path], bool(entry.get("operation"))))
        return made

    def _accepted(self, entries: list[Json]) -> Counter[str]:
        return Counter(
            f"{entry['method']} {self._shape(entry['path'])}"
            for entry in entries
            if entry["method"] in {"PUT", "PATCH", "DELETE"} and entry["status"] < 300
        )

    def _shape(self, path: str) -> str:
        rest = path.lower().removeprefix(f"/subscriptions/{self._arm.cloud.subscription}")
        rest = rest.replace(self._group, "{group}")
        for word, varying in VARYING.items():
            rest = varying.sub(word, rest)
        return rest


def _is_ready(body: Json) -> bool:
    now = condition(body)
    return now.get("status") == "True" and now.get("observedGeneration") == body["metadata"]["generation"]


def _too_early(entries: list[Json]) -> str:
    """What was written to while something was under way there: it was refused, though no rule struck it."""
    early = [
        f"{e['method']} {e['path']}: {e['status']}"
        for e in entries
        if e["method"] in {"PUT", "DELETE"} and e["status"] in {409, 412, 429} and "faults" not in e
    ]
    return f"written to while it was at work: {'; '.join(early)}" if early else ""
