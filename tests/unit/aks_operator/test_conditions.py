"""Conditions: in their order, with transition times that move only when the status does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_operator.conditions import MESSAGE_LIMIT, Condition, find, is_true, merge, shorten, summarise

OLD, NOW = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def known(type_: str, status: str = "True", reason: str = "Succeeded") -> dict[str, Any]:
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": "",
        "observedGeneration": 1,
        "lastTransitionTime": OLD,
    }


@pytest.mark.parametrize(
    ("before", "wanted", "time"),
    [
        pytest.param([], Condition("Ready", "True", "Succeeded"), NOW, id="new"),
        pytest.param([known("Ready")], Condition("Ready", "True", "Succeeded"), OLD, id="as before"),
        pytest.param([known("Ready")], Condition("Ready", "True", "Throttled", "m"), OLD, id="another reason"),
        pytest.param([known("Ready")], Condition("Ready", "False", "Updating"), NOW, id="another status"),
        pytest.param([known("Other")], Condition("Ready", "True", "Succeeded"), NOW, id="another type"),
    ],
)
def test_the_transition_time_moves_when_the_status_does(
    before: list[dict[str, Any]], wanted: Condition, time: str
) -> None:
    (merged,) = merge(before, [wanted], generation=2, now=NOW)
    assert merged == {
        "type": wanted.type,
        "status": wanted.status,
        "reason": wanted.reason,
        "message": wanted.message,
        "observedGeneration": 2,
        "lastTransitionTime": time,
    }


def test_ready_comes_first_and_the_others_in_their_order() -> None:
    wanted = [Condition(t, "True", "Succeeded") for t in ("BackendReady", "AddressReady", "Ready", "DNSReady")]
    merged = merge([], wanted, generation=1, now=NOW)
    assert [c["type"] for c in merged] == ["Ready", "BackendReady", "AddressReady", "DNSReady"]


@pytest.mark.parametrize("type_", ["Reconciling", "Stalled"])
@pytest.mark.parametrize("status", ["False", "Unknown"])
def test_what_kstatus_reads_is_there_only_while_true(type_: str, status: Any) -> None:
    assert merge([known(type_)], [Condition(type_, status, "X")], generation=1, now=NOW) == []
    assert merge([known(type_)], [], generation=1, now=NOW) == []
    assert len(merge([], [Condition(type_, "True", "X")], generation=1, now=NOW)) == 1


@given(st.text(max_size=3 * MESSAGE_LIMIT), st.integers(1, 50))
def test_a_text_is_cut_to_what_the_schema_takes_and_no_earlier(text: str, limit: int) -> None:
    assert len(shorten(text, limit)) == min(len(text), limit)
    assert shorten(text, limit) == text or shorten(text, limit).endswith("…")
    (merged,) = merge([], [Condition("Ready", "False", "X", text)], generation=1, now=NOW)
    assert len(merged["message"]) <= MESSAGE_LIMIT


@pytest.mark.parametrize(
    ("status", "generation", "ready"),
    [
        ({"conditions": [known("Ready")]}, 1, True),
        ({"conditions": [known("Ready")]}, 2, False),
        ({"conditions": [known("Ready", "False")]}, 1, False),
        ({"conditions": [known("Ready", "Unknown")]}, 1, False),
        ({"conditions": [known("Other")]}, 1, False),
        ({"conditions": []}, 1, False),
        ({}, 1, False),
        (None, 1, False),
    ],
)
def test_ready_speaks_of_the_present_generation(status: Any, generation: int, ready: bool) -> None:
    assert is_true({"metadata": {"generation": generation}, "status": status}) is ready


PARTS = st.lists(
    st.builds(Condition, st.sampled_from("ABC"), st.sampled_from(["True", "False", "Unknown"]), st.sampled_from("xyz")),
    max_size=5,
)


@given(PARTS)
def test_the_first_part_that_is_not_true_speaks_for_all(parts: list[Condition]) -> None:
    ready = summarise(parts)
    bad = [part for part in parts if part.status != "True"]
    expected = (bad[0].status, bad[0].reason) if bad else ("True", "Succeeded")
    assert (ready.type, ready.status, ready.reason) == ("Ready", *expected)


def test_a_condition_is_found_by_its_type() -> None:
    assert find([known("A"), known("B", "False")], "B") == known("B", "False")
    assert find([known("A")], "B") is None
