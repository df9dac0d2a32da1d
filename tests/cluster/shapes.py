"""Specs of every shape, out of the CRDs themselves: most of them good, some spoilt. Pure; the same at every run."""

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.cluster.api import PLURALS, Json
from tests.cluster.samples import EXPOSURES, LEAST, PUBLIC_IP, SUBNET, changed

OWN: Final = "{own}"
"""In any string: what `Shape.body` puts the object's own name for."""
BEFORE: Final = "{before}"
"""Likewise: the name of the object before it."""
CRDS: Final = Path(__file__).parents[2] / "crds"
KINDS: Final = ("ManagedCluster", "NodePool", "NodePool", "ServiceExposure", "ServiceExposure", "DNSZone", "DNSZone")
"""Those that are built come more often."""
NAMED: Final = ("ManagedCluster", "NodePool", "VirtualNetwork", "LogWorkspace")
"""Those that may have another name in Azure."""
SELDOM: Final = ("VirtualNetwork", "LogWorkspace", "CloudAccount")
_MATCHES: Final = re.compile(r"^self\.matches\(r?'(.*)'\)$", re.DOTALL)

WORDS: Final[Mapping[str, Sequence[Any]]] = {
    "accountRef": ({"name": "default"}, {}, {"name": "none"}, {"name": "default", "namespace": "elsewhere"}),
    "azureName": (OWN, f"{OWN.upper()}"),
    "clusterRef": ({"name": BEFORE}, {"name": "none"}),
    "externalName": ("db.example.com", "localhost"),
    "host": ("www.shop.example", "*.shop.example"),
    "kubernetesVersion": ("1.36", "1.35", "1.36.0", "0.1", "99.9"),
    "location": ("westeurope", "West Europe", "northeurope", "mars"),
    "name": (OWN, BEFORE, "shop", "system", "default", "www", "@", "*"),
    "namespace": ("default", "kube-system", "none"),
    "nodeResourceGroup": (f"{OWN}-nodes", OWN),
    "path": ("/", "/healthz"),
    "resourceGroup": (OWN, f"{OWN}-rg"),
    "selector": ({"app": "web"},),
    "serviceName": ("web", "kubernetes"),
    "subnetRef": ({"name": "net", "subnet": "nodes"}, {"resourceID": SUBNET}),
    "vmSize": ("Standard_D4s_v5", "standard_d4S_v5", "Standard_None"),
    "zone": (f"{OWN}.example", f"a.{OWN}.example"),
    "zoneRef": ({"name": "zone"}, {"name": BEFORE}, {"name": "none"}),
    "publicIP": ({"name": OWN}, {"name": "shared"}, {"resourceID": PUBLIC_IP}, {"dnsLabel": OWN}),
    "dns": ({"zoneRef": {"name": "zone"}, "name": OWN}, {"zoneRef": {"name": "zone"}, "name": "shared"}),
}
"""Values that lead somewhere, by field."""
ONLY: Final[Mapping[str, Sequence[Any]]] = {"replicas": (0, 1, 2, 3)}
"""All values of a field that there are: thousands of nodes would be a test of something else."""
RANGES: Final = ("10.0.0.0/8", "10.10.0.0/16", "198.51.100.0/24", "2001:db8::/32", "198.51.100.7/32")
ADDRESSES: Final = ("198.51.100.7", "10.0.0.10", "2001:db8::1")
TEXTS: Final = (
    *("10.0.0.0/8", "10.0.0.1/8", "198.51.100.7", "Internet", "AzureCloud.WestEurope", "www.shop.example"),
    *("1", "33%", "-1", "0.05", "02:00", "+01:00", "http", "80", "app", "a" * 63, "web.shop.example"),
)
AT_ONCE: Final = 10
"""Shapes in one example of hypothesis'."""
JUNK: Final[tuple[Any, ...]] = (
    *(None, True, -1, 0, 2**31, 2**63, 1.5, "", " ", "a" * 300, "ä", "\u202e", "\x00", "../..", "%2e%2e", "{}", "a\nb"),
    *([], [None], {}, {"": ""}, {"name": ""}, [[]], "/subscriptions/x", "9" * 40),
)
"""What no field wants."""


@dataclass(frozen=True)
class Shape:
    """An object that is still without a name. Strings of `spec` may hold `OWN` and `BEFORE`."""

    kind: str
    spec: Any
    spoilt: bool = False

    def body(self, name: str, before: str, namespace: str) -> Json:
        """The object, by its own name and the name of the one before it."""
        text = json.dumps(self.spec).replace(OWN, name).replace(OWN.upper(), name.upper()).replace(BEFORE, before)
        meta = {"name": name, "namespace": namespace}
        return {"apiVersion": "aks-operator.io/v1alpha1", "kind": self.kind, "metadata": meta, "spec": json.loads(text)}


@cache
def schema(kind: str) -> Mapping[str, Any]:
    """The schema of a kind's spec, as the API server has it."""
    crd = yaml.safe_load((CRDS / f"{PLURALS[kind]}.yaml").read_text())
    [version] = crd["spec"]["versions"]
    found: Mapping[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return found


def values(of: Mapping[str, Any], field: str = "") -> st.SearchStrategy[Any]:
    """Values of a schema: those that lead somewhere where some are known for `field`, else whatever it takes."""
    if field in ONLY:
        return st.sampled_from(ONLY[field])
    made = _values(of, field)
    return st.sampled_from(WORDS[field]) | made if field in WORDS else made


def _values(of: Mapping[str, Any], field: str) -> st.SearchStrategy[Any]:
    if "enum" in of:  # the default is what is built
        return st.sampled_from([*of["enum"], *([of["default"]] * 2 * len(of["enum"]) if "default" in of else [])])
    if of.get("x-kubernetes-int-or-string"):
        return st.integers(-1, 70000) | st.sampled_from(TEXTS)
    match of.get("type"):
        case "object":
            return _objects(of)
        case "array":
            least = int(of.get("minItems", 0))
            return st.lists(values(of["items"]), min_size=least, max_size=least + 2)
        case "integer":
            low, high = int(of.get("minimum", 0)), int(of.get("maximum", 2**31 - 1))
            return st.sampled_from([low, high]) | st.integers(low, high)
        case "boolean":
            return st.booleans()
        case "string":
            return _texts(of)
    return st.dictionaries(st.sampled_from(["properties", "sku", "count"]), st.sampled_from(TEXTS), max_size=2)


def _texts(of: Mapping[str, Any]) -> st.SearchStrategy[str]:
    """Strings that a schema's own rules take, as far as they can be read: patterns and CIDRs can."""
    longest = int(of.get("maxLength", 256))
    rules = [str(rule["rule"]) for rule in of.get("x-kubernetes-validations") or ()]
    patterns = [re.compile(found[1], re.ASCII) for rule in rules if (found := _MATCHES.match(rule)) is not None]
    if not patterns and any("isCIDR(self)" in rule for rule in rules):
        return st.sampled_from(RANGES)
    if not patterns and any("isIP(self)" in rule for rule in rules):
        return st.sampled_from(ADDRESSES)
    known = [text for text in TEXTS if len(text) <= longest and all(p.fullmatch(text) for p in patterns)]
    made = [st.from_regex(p, fullmatch=True).filter(lambda text: len(text) <= longest) for p in patterns]
    return st.one_of(st.sampled_from(known) if known else st.nothing(), *made)


def _objects(of: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "additionalProperties" in of:
        keys = st.sampled_from(["app", "team", "example.com/role", "Cost", "aks-operator-owner", ""])
        least = int(of.get("minProperties", 0))
        return st.dictionaries(keys, values(of["additionalProperties"]), min_size=least, max_size=least + 2)
    if "properties" not in of:
        return st.dictionaries(st.sampled_from(["properties", "sku"]), st.sampled_from(TEXTS), max_size=2)
    made = {name: values(inner, name) for name, inner in of["properties"].items()}
    return _fields(made, [*of.get("required", ())])


@st.composite
def _fields(draw: st.DrawFn, fields: Mapping[str, st.SearchStrategy[Any]], required: Sequence[str]) -> Json:
    """All that is required, and a few of the rest."""
    optional = [name for name in fields if name not in required]
    more = draw(st.lists(st.sampled_from(optional), max_size=3, unique=True)) if optional else []
    return {name: draw(fields[name]) for name in [*required, *more]}


@cache
def fields(kind: str) -> Mapping[str, st.SearchStrategy[Any]]:
    """Values of each field of a kind's spec."""
    names = [name for name in schema(kind)["properties"] if name != "azureName" or kind in NAMED]
    return {name: values(schema(kind)["properties"][name], name) for name in names}


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """The least that a kind takes, with some of its fields otherwise, and one time in four something spoilt."""
    kind = draw(st.sampled_from(KINDS) if draw(st.integers(0, 9)) else st.sampled_from(SELDOM))
    spec = changed(LEAST[kind], _usual(draw, kind))
    for name in draw(st.lists(st.sampled_from(sorted(fields(kind))), min_size=1, max_size=4, unique=True)):
        spec[name] = draw(fields(kind)[name])
    spec = deepcopy(spec)  # what was drawn may be one of the words above
    if spoilt := draw(st.integers(0, 3)) == 0:
        _spoil(draw, spec)
    return Shape(kind, spec, spoilt)


def _usual(draw: st.DrawFn, kind: str) -> Json:
    """What makes a sample an object of its own, in the places where others of its name would meet."""
    match kind:
        case "ServiceExposure":
            return {**EXPOSURES[draw(st.sampled_from(sorted(EXPOSURES)))]}
        case "NodePool":
            own = draw(st.booleans())
            return {"clusterRef": {"name": BEFORE if own else "pools"}, "mode": "System" if own else "User"}
        case "DNSZone":
            return {"resourceGroup": OWN, "zone": f"{OWN}.example"}
        case "CloudAccount":  # one that found its Secret would ask Azure's own servers
            return {"credential.clientSecretRef": {"name": "none", "key": "clientSecret"}}
    return {"resourceGroup": OWN}


def _spoil(draw: st.DrawFn, spec: Any) -> None:
    """Something in it is replaced, taken away, or unknown."""
    place = spec
    while True:
        keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and draw(st.booleans()):
            place = place[key]
            continue
        what = draw(st.integers(0, 5))
        if what == 0:
            del place[key]
        elif what == 1 and isinstance(place, dict):
            place["unknown"] = 1
        else:
            place[key] = deepcopy(draw(st.sampled_from(JUNK)))
        return


def drawn(count: int) -> list[Shape]:
    """So many of them, no two alike, the same at every run."""
    found: dict[str, Shape] = {}
    for number in itertools.count():
        for shape in _some(number):
            found[json.dumps([shape.kind, shape.spec], sort_keys=True)] = shape
        if len(found) >= count:
            break
    return _arranged(list(found.values())[:count])


def _arranged(found: Sequence[Shape]) -> list[Shape]:
    """The same shapes: pools that refer to the object before them are behind a cluster, as long as there are clusters."""

    def follows(shape: Shape) -> bool:
        return shape.kind == "NodePool" and BEFORE in json.dumps(shape.spec)

    pools = [shape for shape in found if follows(shape)]
    made = []
    for shape in itertools.filterfalse(follows, found):
        made.append(shape)
        if shape.kind == "ManagedCluster" and pools:
            made.append(pools.pop())
    return [*made, *pools]


def _some(number: int) -> list[Shape]:
    """Shapes of one seed. Of more than ten examples hypothesis makes most by copying from one another."""
    found: list[Shape] = []

    @seed(number)
    @settings(
        max_examples=10,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(shapes(), min_size=AT_ONCE, max_size=AT_ONCE))
    def draw(some: list[Shape]) -> None:
        found.extend(some)

    draw()
    return found
