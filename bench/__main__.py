"""`make bench`, or `python -m bench [SUBJECT…]`: one line a figure, all of them in bench/results.json.

Nothing here is a test: a figure that misses its goal is shown as missed, and the run goes on.
"""

import argparse
import importlib
import json
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure

RESULTS = Path(__file__).with_name("results.json")
SUBJECTS = {
    "api_server": "memory of the API server for our CRDs",
    "image": "size of the image",
    "shop": "the operator with examples/shop: memory, requests to ARM, time to the first of them",
    "scale": "the operator with 1,000 NodePools: memory, time to Ready, restart, at rest",
    "simple": "the operator with 1,000 DNSZones: likewise",
    "cloud": "fakecloud with 10,000 resources: requests a second, latency, start, memory",
}


def measure(subject: str) -> Iterator[Figure]:
    """The figures of one subject, as they are measured."""
    yield from importlib.import_module(f"bench.{subject}").figures()


def main(arguments: list[str]) -> int:
    """The exit code: 1 when a subject could not be measured."""
    about = "\n".join(f"  {name:<11} {what}" for name, what in SUBJECTS.items())
    parser = argparse.ArgumentParser(
        prog="bench", description=f"subjects:\n{about}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help="default: all")
    wanted = parser.parse_args(arguments).subjects or list(SUBJECTS)
    if unknown := [name for name in wanted if name not in SUBJECTS]:
        parser.error(f"there is no subject {unknown[0]!r}: choose of {', '.join(SUBJECTS)}")
    failed = False
    for subject in wanted:
        print(f"== {subject}: {SUBJECTS[subject]}", flush=True)
        found: list[Figure] = []
        try:
            for figure in measure(subject):
                print(figure.line(), flush=True)
                found.append(figure)
        except Exception:  # noqa: BLE001  # the other subjects are measured all the same
            traceback.print_exc()
            failed = True
        keep(subject, found)
    print(f"written: {RESULTS}")
    return int(failed)


def keep(subject: str, found: list[Figure]) -> None:
    """Put a subject's figures into results.json; those of other subjects stay. Names begin with their subject."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    others = [entry for entry in known if not entry["name"].startswith(f"{subject}: ")]
    RESULTS.write_text(json.dumps([*others, *(figure.document() for figure in found)], indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
