"""What Azure can do, whether it is built here or not: 501 is for that, 404 and 405 for what Azure cannot do either."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final


def _lines() -> list[str]:
    return Path(__file__).with_name("azure.txt").read_text().splitlines()


def _read() -> Mapping[str, frozenset[str]]:
    return {type_.lower(): frozenset(verbs) for type_, *verbs in (line.split() for line in _lines())}


AZURE: Final = _read()
"""Verbs by type in lower case: GET, PUT, PATCH, DELETE, HEAD of a resource, LIST of a collection, actions as POST:name."""
SPELLED: Final = {type_.lower(): type_ for type_ in (line.split()[0] for line in _lines())}
"""Each type as Azure spells it, by its name in lower case."""
PROVIDERS: Final = frozenset(type_.partition("/")[0] for type_ in AZURE)
"""In lower case."""


def can(type_: str, verb: str) -> bool:
    """Whether Azure has the operation, however it is spelled."""
    wanted = verb.lower()
    return any(known.lower() == wanted for known in AZURE.get(type_.lower(), ()))
