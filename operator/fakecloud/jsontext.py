"""JSON as it is sent and kept: bytes, fast. What clients send is read by `arm.gateway`, which refuses what Azure refuses."""

import json
from typing import Any

import orjson


def dumps(value: Any) -> bytes:
    """A JSON value as UTF-8. What the fast encoder does not take (half a surrogate pair in a message) is escaped."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode()


def loads(text: bytes | str) -> Any:
    """What `dumps` made."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)
