"""The `aks-operator` command."""

import asyncio
import sys
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


def main() -> None:
    """The entry point."""
    app()
