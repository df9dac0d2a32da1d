"""Filters: what they let through, and what is none."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakecloud.arm import odata

FIELDS = {"name": "shop", "resourcetype": "Microsoft.Network/loadBalancers", "tagvalue": odata.Exact("Web")}
TIME = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("name eq 'shop'", True),
        ("name eq 'SHOP'", True),
        ("NAME EQ 'shop'", True),
        ("name ne 'shop'", False),
        ("tagValue eq 'web'", False),
        ("tagValue eq 'Web'", True),
        ("none eq 'x'", False),
        ("none ne 'x'", True),
        ("name eq 'shop' and none eq 'x'", False),
        ("name eq 'shop' or none eq 'x'", True),
        ("none eq 'x' and name eq 'y' or name eq 'shop'", True),
        ("none eq 'x' and (name eq 'y' or name eq 'shop')", False),
        ("not name eq 'shop'", False),
        ("not (none eq 'x')", True),
        ("substringof('ho', name)", True),
        ("substringof('HO', name) and resourceType eq 'microsoft.network/loadbalancers'", True),
        ("startswith(name, 'sh')", True),
        ("startswith(name, 'ho')", False),
        ("name eq 'it''s'", False),
    ],
)
def test_what_a_filter_lets_through(text: str, holds: bool) -> None:
    assert odata.parse(text).holds(FIELDS.get) is holds


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("at ge '2026-11-28T12:00:00Z'", True),
        ("at gt '2026-11-28T12:00:00Z'", False),
        ("at ge 2026-11-28T11:59:59.5Z and at le '2026-11-28T13:00:00+01:00'", True),
        ("at lt '2026-11-28'", False),
    ],
)
def test_times_are_compared_as_times(text: str, holds: bool) -> None:
    assert odata.parse(text).holds({"at": TIME}.get) is holds


def test_a_quote_in_a_text_is_doubled() -> None:
    assert odata.parse("name eq 'it''s'").holds({"name": "it's"}.get)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "name", "name eq", "eq 'x'", "name like 'x'", "'x' eq name", "name eq 'x", "name eq 'x' and"),
        *("name eq 'x' name", "(name eq 'x'", "substringof('x')", "substringof(name, 'x')", "name eq (", "§", "(" * 99),
    ],
)
def test_what_is_no_filter(text: str) -> None:
    with pytest.raises(odata.Malformed):
        odata.parse(text)


def test_a_text_that_is_no_time() -> None:
    with pytest.raises(odata.Malformed):
        odata.parse("at ge 'soon'").holds({"at": TIME}.get)


@settings(deadline=None)
@given(st.text(alphabet="nameq 'x(),orandt0-:", max_size=40))
def test_any_text_is_a_filter_or_malformed(text: str) -> None:
    try:
        found = odata.parse(text)
    except odata.Malformed:
        return
    assert isinstance(found.holds(FIELDS.get), bool)
