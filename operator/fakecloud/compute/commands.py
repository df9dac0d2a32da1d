"""kubectl and helm against a managed cluster's API, as AKS runs them in a pod of its own."""

import asyncio
import io
import os
import shlex
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROGRAMS: Final = ("kubectl", "helm")
NOT_FOUND: Final = 127
"""The exit code of a shell that does not find a program."""
TIMED_OUT: Final = 124
PATIENCE: Final = 60.0
"""Real seconds that a command may take."""
LOGS: Final = 512 * 1024
"""Bytes that are kept of what it says."""
FILES: Final = 8 * 1024 * 1024
"""Bytes that the files brought along may have in all."""


class BadFiles(ValueError):
    """The files brought along are no zip archive, too large, or want to be elsewhere."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it said."""

    exit_code: int
    logs: str


async def run(command: str, kubeconfig: bytes, files: bytes) -> Outcome:
    """Run one program without a shell, in a directory of its own that holds `files` (a zip archive). Raises BadFiles."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        return Outcome(2, f"sh: {error}\n")
    program = shutil.which(words[0]) if words and words[0] in PROGRAMS else None
    if program is None:
        return Outcome(NOT_FOUND, f"sh: {words[0] if words else ''}: not found\n")
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        unpack(files, home / "command-files")
        config = home / "config"
        config.write_bytes(kubeconfig)
        config.chmod(0o600)
        return await _executed([program, *words[1:]], home)


def unpack(files: bytes, into: Path) -> None:
    """Write what a zip archive holds below a directory; raises BadFiles."""
    into.mkdir()
    if not files:
        return
    try:
        with zipfile.ZipFile(io.BytesIO(files)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > FILES:
                raise BadFiles(f"the files have more than {FILES} bytes")
            for entry in archive.infolist():
                if not (into / entry.filename).resolve().is_relative_to(into.resolve()):
                    raise BadFiles(f"{entry.filename} is outside of the directory")
            archive.extractall(into)  # every name was looked at
    except (zipfile.BadZipFile, OSError) as error:
        raise BadFiles(f"they are no zip archive: {error}") from error


async def _executed(words: list[str], home: Path) -> Outcome:
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(home), "KUBECONFIG": str(home / "config")}
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=home / "command-files",
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            said, _ = await process.communicate()
    except TimeoutError:
        return Outcome(TIMED_OUT, f"{words[0]} did not end within {PATIENCE:.0f} s\n")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Outcome(process.returncode or 0, said[:LOGS].decode(errors="replace"))
