"""docs/fidelity.md, written out of the types that are built, what Azure can do, and the notes beside the code."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from fakecloud.arm.surface import AZURE, SPELLED
from fakecloud.arm.types import ResourceType
from fakecloud.server import Options, Server

HEAD: Final = """# Fidelity of the fake cloud

`make docs` writes this page out of the types that are built, the operations that the Azure SDK knows, and notes beside the code; a test fails when it is
stale. Evidence stands in brackets: **M** measured with the SDK, **R** seen in recorded answers of Azure, **I** told in public issues, **D** documented
and not proven. What has no mark is ours.

Nothing answers 200 for work it did not do: what Azure can do and this cannot is 501 with an ARM error body (code `NotImplemented`); a type, action or
method that Azure does not have either is 404 (`InvalidResourceType`, `InvalidResourceNamespace`) or 405.

## What holds for all types

| | |
|---|---|
| exact | both error shapes, the gateway's with `x-ms-failure-cause`, AKS's flat one (R, I)<br>ids without regard to case; any api-version of a known type<br>lists with absolute `nextLink`; request ids, echoed correlation and client ids (D)<br>operations: AKS's resource with its byte-swapped name, Network's with `status` only (R); absolute, signed-looking URLs of about 3 kB (R)<br>Network's etags are weak, AKS's and DNS's are GUIDs; 412 as each service words it (R, I)<br>references lead to what exists, is in the region and at rest; what is in use stays<br>413 above 4 MiB, 415 for what is not JSON, 400 for what is no JSON<br>`/metadata/endpoints` without a token: a list of clouds for api-versions before 2022-09-01, an object since (M, with az)<br>tenants, regions with their pairs and zones, resource providers with types, api-versions and zones; what is written under a provider that a subscription is not registered with: 409 MissingSubscriptionRegistration (D)<br>`/resources` of groups and subscriptions, `$filter` by tags or by name, type, group, location and identity (M, D), `$top`; HEAD of what is there 204, else 404 |
| simplified | durations are fixed by kind of operation, and divided by `--speed`<br>`Retry-After` is 10 s of Azure's; Azure sends none in most recordings (R)<br>ended operations can be asked for during a day<br>nothing is throttled unless `--throttle` says so; then buckets by subscription, caller and AKS operation have Azure's sizes (R, I) and refill (D, I), or a multiple, by the clock whatever the speed; a restart fills them; other providers have no limits of their own<br>wrong kinds of JSON are refused (400), unknown properties of Network and DNS dropped<br>an operation fails only where a rule or a lever says so<br>all providers are registered from the start, and registering takes no time; the list of api-versions is shorter than Azure's, one that is not in it is answered too; services that the cloud lacks have endpoints below `fakecloud.invalid`<br>`$expand` of `/resources` knows provisioningState, not when a resource was made |
| missing | role assignments, systemData |

## Identity

| | |
|---|---|
| exact | openid configuration, keys and `client_credentials` by secret, certificate or federated token (M); managed identity as App Service's endpoint 2019-08-01 (M); instance discovery, and an authority in the manner of ADFS at `/adfs` (M, with azure-identity); signed tokens, verified on every call; Entra's codes for a wrong secret, tenant, client, scope and resource, and for another issuer, subject, audience or time of an assertion (I); ARM's for a missing, foreign, expired or misdirected token (D) |
| simplified | one tenant, one client and one managed identity, which are Owners; federated identities are flags, not ARM's resources; codes for a wrong signature and unreachable keys (50013, 700027, 50166), App Service's refusals and ADFS's (MSIS…), are the best known; every audience that names this cloud or Azure's resource manager is taken |
| missing | other machines' ways to a managed identity (IMDS, Arc, Service Fabric), users, roles: 403 does not happen but by a lever |

## Behind ARM

| | |
|---|---|
| compute `none` | ARM state only: machines are rows with addresses, kubeconfigs lead nowhere |
| compute `host` | workers of the cluster around are the machines: labels, taints, draining, capacity are real; one managed cluster at a time; its Kubernetes version is the host's |
| data plane | security groups, balancers and probes as packets meet them, IPv4, on `host` only: an agent on each node owns one network namespace; no flow timeouts, no outbound addresses |
| DNS | every zone held, UDP and TCP, authoritative; private zones answer what comes from the networks that they are linked to, by the asker's address: a machine's, its node's, or one of the network's space; no delegation, no alias records |

"""


def page() -> str:
    """The whole page, in Markdown."""
    types = list(_types())
    parts = [HEAD]
    for provider, group in groupby(sorted(types, key=_order), key=lambda t: t.type.partition("/")[0]):
        parts.append(f"## {provider}\n\n")
        parts += [_section(provider, list(same)) for _, same in groupby(group, key=lambda t: (t.fidelity, _parent(t)))]
    return "".join([*parts, _unbuilt({t.type.lower() for t in types})])


def _types() -> Iterator[ResourceType]:
    with TemporaryDirectory() as directory:
        server = Server(
            Options(
                port=0,
                state=Path(directory),
                listen="127.0.0.1",
                hostnames=(),
                subscriptions=(),
                tenant=None,
                compute="none",
                speed=1.0,
                dns_port=None,
                public_range="203.0.113.0/24",
            )
        )
        server.store.close()
        yield from server.context.types.values()


def _order(type_: ResourceType) -> tuple[str, str, str, str]:
    provider, _, path = type_.type.partition("/")
    return (provider, _parent(type_) or path, repr(type_.fidelity) if _parent(type_) else "", path)


def _parent(type_: ResourceType) -> str:
    return type_.type.partition("/")[2].rpartition("/")[0]


def _section(provider: str, same: list[ResourceType]) -> str:
    """Types of one parent with the same notes: the record sets of a zone, the parts of a balancer."""
    first = same[0]
    names = [t.type.removeprefix(f"{provider}/") for t in same]
    title = names[0] if len(names) == 1 else f"{_parent(first)}/{{{', '.join(n.rpartition('/')[2] for n in names)}}}"
    rows = [("built", _built(same)), ("501", _missing(same))]
    rows += [(word, "<br>".join(getattr(first.fidelity, word))) for word in ("exact", "simplified", "missing")]
    lines = "".join(f"| {word} | {text} |\n" for word, text in rows if text)
    return f"### {title}\n\n| | |\n|---|---|\n{lines}\n"


def _built(same: list[ResourceType]) -> str:
    lines = {t.type.rpartition("/")[2]: ", ".join([*t.verbs, *(f"POST {name}" for name in t.actions)]) for t in same}
    return _told(lines)


def _missing(same: list[ResourceType]) -> str:
    lines = {}
    for type_ in same:
        left = [verb for verb in sorted(AZURE.get(type_.type.lower(), ())) if verb.lower() not in type_.does()]
        lines[type_.type.rpartition("/")[2]] = ", ".join(verb.replace(":", " ") for verb in left)
    return _told(lines)


def _told(lines: dict[str, str]) -> str:
    """One line where all types say the same, else one for each that says anything."""
    if len(set(lines.values())) == 1:
        return next(iter(lines.values()))
    return "<br>".join(f"{name}: {line}" for name, line in lines.items() if line)


def _unbuilt(built: Iterable[str]) -> str:
    have = set(built)
    names: dict[str, list[str]] = defaultdict(list)
    for type_, spelled in sorted(SPELLED.items()):
        if type_ not in have:
            provider, _, path = spelled.partition("/")
            names[provider].append(path)
    lines = "".join(f"| {provider} | {', '.join(paths)} |\n" for provider, paths in sorted(names.items()))
    return f"## Known and not built: 501\n\n| provider | types |\n|---|---|\n{lines}"
