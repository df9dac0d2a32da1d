"""Who may refer to an object of another namespace."""

import pytest

from aks_operator.accounts import invited
from aks_operator.keys import Key


@pytest.mark.parametrize(
    ("namespace", "allowed", "may"),
    [
        ("net", None, True),
        ("net", [], True),
        ("team-a", None, False),
        ("team-a", [], False),
        ("team-a", ["team-b"], False),
        ("team-a", ["team-b", "team-a"], True),
        ("team-a", ["*"], True),
    ],
)
def test_a_namespace_is_invited_by_name_or_with_all(namespace: str, allowed: list[str] | None, may: bool) -> None:
    assert invited(namespace, Key("DNSZone", "net", "zone"), allowed) is may
