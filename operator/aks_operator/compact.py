"""JSON that is kept for long: what recurs in a thousand documents is in memory once. Pure."""

from sys import intern
from typing import Any, Final

LONGEST: Final = 64
"""Characters of a string that may recur; longer ones are somebody's own."""


def compact(value: Any) -> Any:
    """The same JSON, its keys and short strings shared with all that went through here."""
    if type(value) is dict:
        return {intern(key): compact(inner) for key, inner in value.items()}
    if type(value) is list:
        return [compact(inner) for inner in value]
    if type(value) is str and len(value) <= LONGEST:
        return intern(value)
    return value
