"""The `aks-operator` command."""

import asyncio
import os
import sys
import uuid
from pathlib import Path
from typing import Annotated

import typer

from aks_operator import logs
from aks_operator.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they show local variables, secrets among them
    help="Provision AKS-like clusters from custom resources.",
)


@app.command()
def run() -> None:
    """Run the operator. Its settings are the environment variables AKS_OPERATOR_… (see docs)."""
    from aks_operator.app import Operator
    from aks_operator.lease import LostLease

    settings = Settings()
    logs.configure(settings.log_level, settings.log_format)
    try:
        asyncio.run(_run(settings, Operator))
    except LostLease as error:
        typer.echo(str(error), err=True)
        sys.exit(1)


async def _run(settings: Settings, operator: type) -> None:
    await operator(settings).run()


@app.command()
def crds(
    directory: Annotated[Path | None, typer.Option(help="Write one file a kind here instead of printing.")] = None,
) -> None:
    """Print the CustomResourceDefinitions as YAML."""
    from aks_operator.api.crd import manifests

    for name, text in manifests().items():
        if directory is None:
            typer.echo(f"---\n{text}", nl=False)
        else:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(text)


@app.command()
def detach(
    namespace: Annotated[
        str | None, typer.Option(help="Where the operator is installed; default AKS_OPERATOR_NAMESPACE, aks-operator.")
    ] = None,
    lease_name: Annotated[
        str | None, typer.Option(help="Its Lease; default AKS_OPERATOR_LEASE_NAME, aks-operator.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Look in this namespace only; may be repeated. Default: everywhere.")
    ] = None,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="A kubeconfig; default KUBECONFIG, the pod's ServiceAccount, ~/.kube/config.")
    ] = None,
    context: Annotated[str, typer.Option(help="The kubeconfig's context; default its current one.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be let go of, and change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Let go of all objects and leave Azure as it is. The operator must be stopped.

    Takes our finalizer off every object, so that it can be deleted without an operator; nothing is asked of Azure. The
    objects stay, with what their status knows: an operator that is started again goes on with them.
    """
    from aks_operator.kube import KubeError

    settings = Settings()
    logs.configure("WARNING", "plain")
    where = (namespace or settings.namespace, lease_name or settings.lease_name)
    try:
        asyncio.run(_detach(settings, where, only or [], _kubeconfig(kubeconfig, settings), context, dry_run, yes))
    except KubeError as error:
        typer.echo(f"the API server did not do it: {error}", err=True)
        sys.exit(1)


async def _detach(
    settings: Settings, where: tuple[str, str], only: list[str], kubeconfig: str, context: str, dry_run: bool, yes: bool
) -> None:
    from aks_operator import detach as leaving
    from aks_operator.kube import KubeClient
    from aks_operator.lease import Lease

    kube = await KubeClient.local(kubeconfig, context or settings.context)
    try:
        objects = await leaving.held(kube, only)
        for one in objects:
            stays = f", {one.id} stays" if one.id else ""
            typer.echo(
                f"{one.key}: " + (f"is being deleted and will be gone{stays}" if one.deleting else f"stays{stays}")
            )
        if not objects:
            typer.echo("no object carries our finalizer: there is nothing to let go of")
        if dry_run or not objects:
            return
        if not yes:
            typer.confirm(f"Let go of these {len(objects)} objects, and leave Azure as it is?", abort=True)
        lease = Lease(kube, *where, f"detach-{uuid.uuid4()}", settings.lease_seconds)
        try:
            done = await leaving.detach(kube, lease, settings.lease_seconds * 2, objects)
        except leaving.Running:
            typer.echo(
                f"an operator runs: it holds the Lease {where[0]}/{where[1]}. Stop it first:"
                f" kubectl -n {where[0]} scale deployment {where[1]} --replicas=0",
                err=True,
            )
            sys.exit(1)
        typer.echo(f"let go of {len(done)} objects")
    finally:
        await kube.close()


def _kubeconfig(given: Path | None, settings: Settings) -> str:
    """The path of the kubeconfig to use, empty in a pod."""
    named = str(given or settings.kubeconfig or os.environ.get("KUBECONFIG", ""))
    if named or "KUBERNETES_SERVICE_HOST" in os.environ:
        return named
    return str(Path.home() / ".kube" / "config")


def main() -> None:
    """The entry point."""
    app()
