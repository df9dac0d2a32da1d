"""`$filter` as ARM takes it: comparisons, two functions, and, or, not. Pure."""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

ANY: Final = object()
"""A value that goes with every comparison."""
Fields = Callable[[str], Any]
"""The value of a field by its name in lower case: a string, a datetime, or None for none."""
_TOKEN: Final = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<word>[A-Za-z0-9_./:+-]+)|(?P<sign>[(),]))")
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    name: getattr(operator, name) for name in ("eq", "ne", "gt", "ge", "lt", "le")
}
_FUNCTIONS: Final = frozenset({"substringof", "startswith"})
_DEPTH: Final = 32
"""Brackets in brackets."""


class Malformed(ValueError):
    """It is no filter; the message says why."""


@dataclass(frozen=True)
class Filter:
    """A filter that was understood. `fields` are the names, in lower case, that it asks about."""

    fields: frozenset[str]
    _test: Callable[[Fields], bool]

    def holds(self, of: Fields) -> bool:
        """Whether it lets something with these fields through; raises Malformed for a time that is none."""
        return self._test(of)


def parse(text: str) -> Filter:
    """The filter that a text is; raises Malformed."""
    reader = _Reader(text)
    test = reader.either(0)
    if reader.left:
        raise Malformed(f"{reader.left[0]} is not expected")
    return Filter(frozenset(reader.fields), test)


class _Reader:
    """Goes through the tokens of a filter from left to right."""

    def __init__(self, text: str) -> None:
        self.left = list(_tokens(text))
        self.fields: set[str] = set()

    def either(self, depth: int) -> Callable[[Fields], bool]:
        tests = [self._all(depth)]
        while self._next_is("or"):
            tests.append(self._all(depth))
        return tests[0] if len(tests) == 1 else lambda of: any(test(of) for test in tests)

    def _all(self, depth: int) -> Callable[[Fields], bool]:
        tests = [self._one(depth)]
        while self._next_is("and"):
            tests.append(self._one(depth))
        return tests[0] if len(tests) == 1 else lambda of: all(test(of) for test in tests)

    def _one(self, depth: int) -> Callable[[Fields], bool]:
        if depth > _DEPTH:
            raise Malformed("it is nested too deeply")
        if self._next_is("not"):
            inner = self._one(depth + 1)
            return lambda of: not inner(of)
        if self._next_is("("):
            inner = self.either(depth + 1)
            self._take(")")
            return inner
        word = self._take()
        if word.lower() in _FUNCTIONS:
            return self._function(word.lower())
        field, comparison = self._field(word), self._take().lower()
        if comparison not in _COMPARISONS:
            raise Malformed(f"{comparison} is no comparison")
        literal = _literal(self._take())
        return lambda of: _compare(comparison, of(field), literal)

    def _function(self, name: str) -> Callable[[Fields], bool]:
        self._take("(")
        first = self._take()
        self._take(",")
        second = self._take()
        self._take(")")
        text, word = (first, second) if name == "substringof" else (second, first)
        field, wanted = self._field(word), _literal(text).lower()
        if name == "substringof":
            return lambda of: wanted in str(of(field) or "").lower()
        return lambda of: str(of(field) or "").lower().startswith(wanted)

    def _field(self, word: str) -> str:
        if word[0] in "'(),":
            raise Malformed(f"{word} is no property")
        self.fields.add(word.lower())
        return word.lower()

    def _next_is(self, word: str) -> bool:
        if self.left and self.left[0].lower() == word:
            self.left.pop(0)
            return True
        return False

    def _take(self, wanted: str | None = None) -> str:
        if not self.left:
            raise Malformed("it ends too early")
        token = self.left.pop(0)
        if wanted is not None and token != wanted:
            raise Malformed(f"{wanted} is expected, not {token}")
        return token


def _tokens(text: str) -> Iterator[str]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise Malformed(f"it cannot be read from character {at + 1} on")
        yield found.group().strip()
        at = found.end()


def _literal(token: str) -> str:
    if token[0] in "(),":
        raise Malformed(f"{token} is no value")
    return token[1:-1].replace("''", "'") if token[0] == "'" else token


def _compare(comparison: str, have: Any, literal: str) -> bool:
    """Texts are compared without regard to case, but by what is an `Exact`; times as times."""
    if have is ANY:
        return True
    if have is None:
        return comparison == "ne"
    value: Any
    if isinstance(have, datetime):
        value = moment(literal)
    elif isinstance(have, Exact):
        have, value = str(have), literal
    else:
        have, value = str(have).lower(), literal.lower()
    return bool(_COMPARISONS[comparison](have, value))


class Exact(str):
    """A text whose case counts."""

    __slots__ = ()


def moment(text: str) -> datetime:
    """A time as ARM takes it, in UTC where it does not say; raises Malformed."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed(f"{text} is no time") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
