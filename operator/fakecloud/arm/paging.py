"""Lists in pages: `$top` bounds one, nextLink leads to the next."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from fakecloud.arm.errors import bad_request

PAGE: Final = 1000
"""Entries on a page when the caller does not say; real pages differ by type."""


def paged(body: dict[str, Any], url: str, query: Mapping[str, str]) -> dict[str, Any]:
    """One page of a whole list. `url` is the request's own, absolute and without its query."""
    top, token = query.get("$top"), query.get("$skiptoken", "0")
    size = _number("$top", top, least=1) if top is not None else PAGE
    start = _number("$skiptoken", token, least=0)
    page = {**body, "value": body["value"][start : start + size]}
    if start + size < len(body["value"]):
        following = {name: value for name, value in query.items() if name != "$skiptoken"}
        page["nextLink"] = f"{url}?{urlencode({**following, '$skiptoken': start + size}, safe='$')}"
    return page


def _number(name: str, value: str, *, least: int) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10 and int(value) >= least):
        raise bad_request("InvalidQueryParameterValue", f"The query parameter {name} cannot be '{value}'.")
    return int(value)
