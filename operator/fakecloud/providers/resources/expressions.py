"""Expressions of ARM templates: what stands between [ and ] in a string. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

_TOKEN: Final = re.compile(
    r"\s*(?:'(?P<text>(?:[^']|'')*)'|(?P<number>-?\d+)|(?P<name>[A-Za-z_]\w*)|(?P<sign>[().,\[\]]))"
)
Functions = Mapping[str, Callable[..., Any]]
"""Functions by name in lower case; they raise Broken for what they cannot do."""


class Broken(Exception):
    """What is written is no expression, or asks for what is not there."""


class Unbuilt(Exception):
    """A function that is not built here; the message is its name."""


def evaluated(value: Any, functions: Functions) -> Any:
    """`value` with each expression in it, however deep, in place of what it stands for; raises Broken, Unbuilt."""
    match value:
        case str():
            return _text(value, functions)
        case dict():
            return {_text(str(name), functions): evaluated(entry, functions) for name, entry in value.items()}
        case list():
            return [evaluated(entry, functions) for entry in value]
    return value


def _text(text: str, functions: Functions) -> Any:
    if text.startswith("[["):
        return text[1:]
    if not (text.startswith("[") and text.endswith("]")):
        return text
    return _Reader(text[1:-1], functions).all()


class _Reader:
    """Reads one expression from its left to its right."""

    def __init__(self, text: str, functions: Functions) -> None:
        self._text = text
        self._functions = functions
        self._at = 0

    def all(self) -> Any:
        value = self._value()
        if self._text[self._at :].strip():
            raise self._broken()
        return value

    def _value(self) -> Any:
        """A literal or a call, and what is picked out of it."""
        token = self._next()
        if token["text"] is not None:
            value: Any = token["text"].replace("''", "'")
        elif token["number"] is not None:
            value = int(token["number"])
        elif token["name"] is not None:
            value = self._call(token["name"])
        else:
            raise self._broken()
        while (sign := self._peek()) in {".", "["}:
            self._next()
            value = self._member(value) if sign == "." else self._element(value)
        return value

    def _call(self, name: str) -> Any:
        self._expect("(")
        arguments: list[Any] = []
        while self._peek() != ")":
            if arguments:
                self._expect(",")
            arguments.append(self._value())
        self._expect(")")
        function = self._functions.get(name.lower())
        if function is None:
            raise Unbuilt(name)
        try:
            return function(*arguments)
        except (TypeError, AttributeError) as error:
            raise Broken(f"the function '{name}' does not take {arguments}") from error

    def _member(self, value: Any) -> Any:
        name = self._next()["name"]
        if name is None:
            raise self._broken()
        return _picked(value, name)

    def _element(self, value: Any) -> Any:
        key = self._value()
        self._expect("]")
        return _picked(value, key)

    def _next(self) -> re.Match[str]:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise self._broken()
        self._at = found.end()
        return found

    def _peek(self) -> str | None:
        found = _TOKEN.match(self._text, self._at)
        return None if found is None else found["sign"]

    def _expect(self, sign: str) -> None:
        if self._next()["sign"] != sign:
            raise self._broken()

    def _broken(self) -> Broken:
        return Broken(f"the expression '[{self._text}]' cannot be read at position {self._at + 1}")


def _picked(value: Any, key: str | int) -> Any:
    """An entry of an object, whatever its case, or of an array."""
    if isinstance(value, dict) and isinstance(key, str):
        for name, entry in value.items():
            if name.lower() == key.lower():
                return entry
    if isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value):
        return value[key]
    raise Broken(f"there is no '{key}'")
