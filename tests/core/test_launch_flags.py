"""Whether a timing is worth comparing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.core.launch_flags import flags, smt_differs

THREADS = st.none() | st.integers(1, 8)


@given(THREADS, THREADS)
def test_smt_differs_where_both_are_known_and_unlike(one: int | None, other: int | None) -> None:
    """What is not known differs from nothing, and neither direction is better than the other."""
    unlike = None not in {one, other} and one != other
    assert (smt_differs(one, other) is not None) == unlike == (smt_differs(other, one) is not None)


def test_smt_is_told_with_both_numbers() -> None:
    """The machine's own first, then the baseline's or that of whoever it is compared with."""
    assert smt_differs(2, 1) == "SMT differs: 2 threads a core, baseline 1"
    assert smt_differs(1, 2, "m5.large") == "SMT differs: 1 thread a core, m5.large 2"


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({}, ()),
        ({"steal": 0.01, "canary_before_s": 1.0, "canary_after_s": 1.029}, ()),
        ({"steal": 0.021}, ("steal 2.1%",)),
        ({"canary_before_s": 1.0, "canary_after_s": 0.9}, ("canary -10.0%",)),
    ],
)
def test_a_launch_is_doubted_beyond_the_limits(facts: dict[str, float], told: tuple[str, ...]) -> None:
    """More than 1 % of CPU time to others, or a change of speed of more than 3 %; what is not known is no reason."""
    assert flags(facts) == told
