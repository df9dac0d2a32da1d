#!/usr/bin/env python3
"""Prints what Azure can do as the SDK knows it: one line an ARM type, with its verbs and actions.

`hack/arm_surface.py > operator/fakecloud/arm/azure.txt` after an update of the SDK; a test tells when that is due.
"""

import importlib.util
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PACKAGES: Final = (
    *("azure.mgmt.containerservice", "azure.mgmt.dns", "azure.mgmt.network"),
    "azure.mgmt.privatedns",  # which tests alone install
)
RECORD_TYPES: Final = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT")
PUBLIC_ONLY: Final = ("CAA", "NS")
"""Record types that private zones do not have."""
BESIDE: Final = {
    "Microsoft.Authorization/locks": "DELETE GET LIST PUT",
    "Microsoft.Authorization/roleAssignments": "DELETE GET LIST PUT",
    "Microsoft.Compute/locations/usages": "LIST",
    "Microsoft.Compute/virtualMachineScaleSets": "DELETE GET LIST PATCH PUT",
    "Microsoft.Compute/virtualMachineScaleSets/virtualMachines": "DELETE GET LIST PATCH PUT",
    "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/instanceView": "LIST",
    "Microsoft.Compute/virtualMachines": "DELETE GET LIST PATCH PUT",
    "Microsoft.Insights/diagnosticSettings": "DELETE GET LIST PUT",
    "Microsoft.Insights/diagnosticSettingsCategories": "GET LIST",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "DELETE GET LIST PATCH PUT",
    "Microsoft.OperationalInsights/workspaces": "DELETE GET LIST PATCH POST:regenerateSharedKey POST:sharedKeys PUT",
    "Microsoft.Resources/deployments": "DELETE GET LIST POST:cancel POST:exportTemplate POST:validate POST:whatIf PUT",
    "Microsoft.Resources/deployments/operations": "GET LIST",
}
"""Types that users of clusters and networks meet, of packages that we do not install."""
_BUILDER: Final = re.compile(r"\ndef build_\w+_request\(.*?(?=\ndef |\nclass )", re.DOTALL)
_URL: Final = re.compile(r'_url = (?:kwargs\.pop\(\s*"template_url",\s*)?\(?\s*((?:"[^"]*"\s*)+)')
_METHOD: Final = re.compile(r'method="(\w+)"')


def requests() -> Iterator[tuple[str, str]]:
    """(method, URL template) of every operation of the SDK's packages."""
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        for file in sorted(Path(spec.origin).parent.rglob("operations/*.py")):
            if "aio" in file.parts:
                continue
            for builder in _BUILDER.findall(file.read_text()):
                url, method = _URL.search(builder), _METHOD.search(builder)
                if url and method:
                    yield method[1], "".join(re.findall(r'"([^"]*)"', url[1]))


def surface() -> dict[str, set[str]]:
    """Verbs by type: GET, PUT, PATCH, DELETE, HEAD of a resource, LIST of a collection, and actions as POST:name."""
    found: dict[str, set[str]] = defaultdict(set)
    for method, url in requests():
        head, *_, path = url.split("/providers/") if "/providers/" in url else ("", "")
        if not re.fullmatch(r"/subscriptions/\{subscriptionId\}(/resource[gG]roups/\{\w+\})?", head):
            continue
        for record_type in RECORD_TYPES if "{recordType}" in path else ("",):
            if record_type in PUBLIC_ONLY and "/privateDnsZones/" in path:
                continue
            _add(found, method, path.replace("{recordType}", record_type))
    for type_, verbs in BESIDE.items():
        found[type_] |= set(verbs.split())
    return _one_spelling(found)


def _add(found: dict[str, set[str]], method: str, path: str) -> None:
    provider, *rest = path.split("/")
    segments, names = rest[::2], rest[1::2]
    if len(segments) == len(names):
        found["/".join([provider, *segments])].add(method)
    elif method == "GET":
        found["/".join([provider, *segments])].add("LIST")
    elif method == "POST" and len(segments) > 1:
        found["/".join([provider, *segments[:-1]])].add(f"POST:{segments[-1]}")
    elif method != "POST" and len(segments) > 1:  # there is one of it, and it has no name
        found["/".join([provider, *segments])].add(method)


def _one_spelling(found: dict[str, set[str]]) -> dict[str, set[str]]:
    """Types that differ in case only are one: the spelling with more capitals stays."""
    spelling: dict[str, str] = {}
    for type_ in sorted(found, key=lambda t: sum(c.isupper() for c in t)):
        spelling[type_.lower()] = type_
    merged: dict[str, set[str]] = defaultdict(set)
    for type_, verbs in found.items():
        merged[spelling[type_.lower()]] |= verbs
    return dict(merged)


def table() -> str:
    """The lines, sorted."""
    return "".join(f"{type_} {' '.join(sorted(verbs))}\n" for type_, verbs in sorted(surface().items()))


if __name__ == "__main__":
    print(table(), end="")
