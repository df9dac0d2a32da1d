"""What is kept is the same JSON, and its words are kept once."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aks_operator.compact import LONGEST, compact

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=LONGEST + 8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(value=JSON)
def test_it_says_the_same(value: Any) -> None:
    assert compact(value) == value


def test_words_of_two_documents_are_one() -> None:
    text = json.dumps({"reason": "Succeeded", "ids": ["/subscriptions/s"]})
    one, other = (compact(json.loads(text)) for _ in range(2))
    assert one["reason"] is other["reason"]
    assert one["ids"][0] is other["ids"][0]
    assert next(iter(one)) is next(iter(other))
