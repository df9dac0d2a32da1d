"""The `fakecloud` command."""

import asyncio
import logging
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
    compute: Annotated[str, typer.Option(help="What stands behind clusters: none.")] = "none",
    speed: Annotated[str, typer.Option(help="How much faster than Azure things go: a number, or instant.")] = "1",
    dns_port: Annotated[int | None, typer.Option(help="Port of the DNS server.")] = None,
    public_range: Annotated[str, typer.Option(help="Where public addresses are taken from.")] = "203.0.113.0/24",
) -> None:
    """Serve Azure Resource Manager and its token endpoint."""
    from fakecloud.server import Options, Server

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if compute != "none":
        raise typer.BadParameter(f"{compute} is not built yet: use none", param_hint="--compute")
    if dns_port is not None:
        raise typer.BadParameter("the DNS server is not built yet: leave it out", param_hint="--dns-port")
    try:
        factor = float("inf") if speed == "instant" else float(speed)
    except ValueError as error:
        raise typer.BadParameter(
            f"{speed!r} is no number: give one such as 60, or instant", param_hint="--speed"
        ) from error
    options = Options(
        port, state, listen, hostname or [], subscription or [], tenant, compute, factor, dns_port, public_range
    )
    asyncio.run(_serve(Server, options))


async def _serve(server: type, options: object) -> None:
    await server(options).run()


def main() -> None:
    """The entry point."""
    app()
