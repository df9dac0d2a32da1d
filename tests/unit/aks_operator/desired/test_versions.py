"""Kubernetes versions: one minor at a time, never down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_operator.desired.versions import next_version, parts, same_version
from aks_operator.outcome import Hold

MINORS, PATCHES = st.integers(28, 40), st.integers(0, 12)
FULL = st.builds(lambda minor, patch: f"1.{minor}.{patch}", MINORS, PATCHES)
WANTED = FULL | MINORS.map(lambda minor: f"1.{minor}")


@given(wanted=WANTED, observed=FULL, floor=st.booleans())
def test_a_step_is_at_most_one_minor_up_and_never_down(wanted: str, observed: str, floor: bool) -> None:
    older = parts(wanted) < parts(observed)[: len(parts(wanted))]
    if older and not floor:
        with pytest.raises(Hold):
            next_version(wanted, observed)
        return
    step = next_version(wanted, observed, floor=floor)
    assert parts(observed)[1] <= parts(step)[1] <= parts(observed)[1] + 1
    assert parts(step) >= parts(observed)[: len(parts(step))]


@given(wanted=WANTED, observed=FULL)
def test_steps_end_where_they_should(wanted: str, observed: str) -> None:
    if parts(wanted) < parts(observed)[: len(parts(wanted))]:
        return
    for _ in range(20):
        if same_version(wanted, observed):
            break
        step = next_version(wanted, observed)
        observed = step if step.count(".") == 2 else f"{step}.7"  # AKS chooses the patch of a minor
    assert same_version(wanted, observed)
    assert next_version(wanted, observed) == observed


def test_before_creation_the_wish_is_sent_as_it_is() -> None:
    assert next_version("1.36", None) == "1.36"
