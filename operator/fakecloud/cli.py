"""The `fakecloud` command."""

import asyncio
import ipaddress
import logging
import math
import uuid
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="An Azure on your desk."
)


@app.callback()
def common() -> None:
    """An Azure on your desk."""


@app.command()
def serve(
    state: Annotated[
        Path, typer.Option(help="Directory of the cloud's state; ca.crt and account.json are written there.")
    ],
    port: Annotated[int, typer.Option(help="Port of the HTTPS server; 0: a free one.")] = 8443,
    listen: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    hostname: Annotated[
        list[str] | None, typer.Option(help="Name that clients use; may be given more than once.")
    ] = None,
    subscription: Annotated[
        list[str] | None, typer.Option(help="Subscription that exists; may be given more than once.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Tenant's GUID; made up at the first start.")] = None,
    client: Annotated[str | None, typer.Option(help="Client's GUID; made up at the first start.")] = None,
    client_certificate: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True, dir_okay=False, help="PEM file of certificates that the client may log in with, too."
        ),
    ] = None,
    federated_identity: Annotated[
        list[str] | None,
        typer.Option(
            help="issuer=URL,subject=NAME[,audience=NAME]: whose tokens the client may log in with, too; may be given more than once."
        ),
    ] = None,
    federated_keys: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Keys of those issuers, as JSON Web Key Set or PEM; else each is asked for its own.",
        ),
    ] = None,
    federated_ca: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Certificate authority of those issuers; else the system's."),
    ] = None,
    compute: Annotated[
        str, typer.Option(help="What stands behind clusters: none, or host (the nodes of the cluster we run in).")
    ] = "none",
    speed: Annotated[str, typer.Option(help="How much faster than Azure things go: a number, or instant.")] = "1",
    throttle: Annotated[
        str,
        typer.Option(
            help="How many requests are taken before 429: off (all), real (as many as Azure takes), or a number of times as many. Buckets fill by the clock, whatever the speed."
        ),
    ] = "off",
    quota: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=N: what a subscription may have, such as cores=20, westeurope/standardDSv5Family=8, publicIPAddresses=5, managedClusters=2, or westeurope/zone1=8 (vCPUs that a zone has room for); may be given more than once. Without it nothing is limited."
        ),
    ] = None,
    dns_port: Annotated[
        int | None, typer.Option(help="Port of the DNS server, UDP and TCP; 0: a free one. Without it there is none.")
    ] = None,
    public_range: Annotated[str, typer.Option(help="Where public addresses are taken from.")] = "203.0.113.0/24",
    publish_namespace: Annotated[
        str | None, typer.Option(help="Namespace into which the CA, the client secret and the agents' token are put.")
    ] = None,
    kubeconfig: Annotated[
        str | None,
        typer.Option(
            help="Kubernetes cluster we work with; in a pod its ServiceAccount's. With compute none: what every cluster's credentials lead to."
        ),
    ] = None,
    api_server: Annotated[
        str | None,
        typer.Option(help="API server's URL in the kubeconfigs handed out; else the control-plane node's address."),
    ] = None,
    levers: Annotated[
        bool,
        typer.Option("--levers", help="Let tests make faults, move the clock, and set state back (docs/levers.md)."),
    ] = False,
) -> None:
    """Serve Azure Resource Manager and its token endpoint."""
    from fakecloud.arm import quotas
    from fakecloud.identity.assertions import Federated, certificates
    from fakecloud.server import CannotServe, Options, Server
    from fakecloud.store import InUse

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if compute not in {"none", "host"}:
        raise typer.BadParameter(f"{compute} is not built: use none or host", param_hint="--compute")
    for option, guids in (("--subscription", subscription), ("--tenant", [tenant]), ("--client", [client])):
        for given in guids or ():
            _check_guid(option, given)
    try:
        ipaddress.ip_network(public_range)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--public-range") from error
    try:
        federated = [Federated.parse(text) for text in federated_identity or ()]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--federated-identity") from error
    try:
        registered = [pem for path in client_certificate or () for pem in certificates(path.read_bytes())]
    except ValueError as error:
        raise typer.BadParameter("it holds no certificate as PEM", param_hint="--client-certificate") from error
    try:
        limits = dict(quotas.parse(text) for text in quota or ())
        quotas.Quotas(limits)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--quota") from error
    options = Options(
        port=port,
        state=state,
        listen=listen,
        hostnames=hostname or [],
        subscriptions=subscription or [],
        tenant=tenant,
        client=client,
        compute=compute,
        speed=_speed(speed),
        throttle=_throttle(throttle),
        quotas=limits,
        dns_port=dns_port,
        public_range=public_range,
        publish_namespace=publish_namespace,
        kubeconfig=kubeconfig,
        api_server=api_server,
        levers=levers,
        client_certificates=registered,
        federated_identities=federated,
        federated_keys=federated_keys,
        federated_ca=federated_ca,
    )
    try:
        asyncio.run(Server(options).run())
    except (InUse, CannotServe) as error:
        typer.echo(f"fakecloud: {error}", err=True)
        raise typer.Exit(1) from error


@app.command()
def fidelity() -> None:
    """Print what is exact, simplified and missing here, as Markdown (docs/fidelity.md)."""
    from fakecloud.fidelity import page

    typer.echo(page(), nl=False)


def _speed(given: str) -> float:
    """How many times faster than Azure; infinite for "instant"."""
    try:
        factor = math.inf if given == "instant" else float(given)
    except ValueError:
        factor = math.nan
    if not factor > 0:
        raise typer.BadParameter(
            f"{given!r} is no speed: give a number above 0 such as 60, or instant", param_hint="--speed"
        )
    return factor


def _throttle(given: str) -> float | None:
    """How many times as many requests as Azure takes; None: all."""
    try:
        factor = {"off": None, "real": 1.0}[given] if given in {"off", "real"} else float(given)
    except ValueError:
        factor = math.nan
    if factor is not None and not 0 < factor < math.inf:
        raise typer.BadParameter(f"{given!r} is none of off, real, and a number above 0", param_hint="--throttle")
    return factor


def _check_guid(option: str, given: str | None) -> None:
    try:
        good = given is None or str(uuid.UUID(given)) == given.lower()
    except ValueError:
        good = False
    if not good:
        raise typer.BadParameter(
            f"{given!r} is no GUID such as 00000000-0000-0000-0000-000000000001", param_hint=option
        )


@app.command()
def agent(
    node: Annotated[str, typer.Option(help="Name of the Kubernetes node that we are on.")],
    server: Annotated[str, typer.Option(help="URL of fakecloud.")] = "",
    ca_file: Annotated[Path, typer.Option(help="Certificate authority of the server.")] = Path("/etc/fakecloud/ca.crt"),
    token_file: Annotated[Path, typer.Option(help="The agents' token.")] = Path("/etc/fakecloud/token"),
    remove: Annotated[bool, typer.Option("--remove", help="Take everything of ours off the node, and end.")] = False,
) -> None:
    """Carry the cloud's traffic on this node (needs CAP_NET_ADMIN in the node's network namespace)."""
    from fakecloud.dataplane.agent import Agent, AgentOptions
    from fakecloud.dataplane.node import Node

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if remove:
        asyncio.run(Node(node).remove())
        return
    if not server:
        raise typer.BadParameter("give the URL of fakecloud", param_hint="--server")
    asyncio.run(Agent(AgentOptions(server, ca_file, token_file, node)).run())


def main() -> None:
    """The entry point."""
    app()
