"""What expressions of templates stand for."""

from typing import Any

import pytest

from fakecloud.providers.resources.expressions import Broken, Functions, Unbuilt, evaluated

FUNCTIONS: Functions = {
    "concat": lambda *words: "".join(map(str, words)),
    "network": lambda: {"Name": "net", "subnets": ["a", {"prefix": "10.0.0.0/24"}]},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        ("[[not an expression]", "[not an expression]"),
        ("[open", "[open"),
        ("['it''s']", "it's"),
        ("[7]", 7),
        ("[-7]", -7),
        ("[concat('a', 1, concat('b'))]", "a1b"),
        ("[ CONCAT( 'a' ,'b' ) ]", "ab"),
        ("[concat()]", ""),
        ("[network().name]", "net"),
        ("[network().subnets[0]]", "a"),
        ("[network().subnets[1].prefix]", "10.0.0.0/24"),
        ("[network()['name']]", "net"),
    ],
)
def test_an_expression_stands_for_its_value(text: str, value: Any) -> None:
    assert evaluated(text, FUNCTIONS) == value


def test_expressions_are_found_however_deep_and_in_names_too() -> None:
    nested = {"[concat('a', 'b')]": [{"x": "[network().name]", "n": 1, "none": None}]}
    assert evaluated(nested, FUNCTIONS) == {"ab": [{"x": "net", "n": 1, "none": None}]}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "[]",
            "[concat('a']",
            "[concat('a' 'b')]",
            "[concat('a',)]",
            "['a' 'b']",
            "[network]",
            "['open]",
            "[.a]",
            "[a b]",
        ),
        *(
            "[network().]",
            "[network().none]",
            "[network().subnets[2]]",
            "[network().subnets[-1]]",
            "[network(1)]",
            "[!]",
        ),
    ],
)
def test_what_is_no_expression_is_broken(text: str) -> None:
    with pytest.raises(Broken):
        evaluated(text, FUNCTIONS)


def test_a_function_that_is_not_there_is_named() -> None:
    with pytest.raises(Unbuilt, match="uniqueString"):
        evaluated("[uniqueString('a')]", FUNCTIONS)
