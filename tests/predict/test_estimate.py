"""An estimate's interval."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_benchmark_aws.predict.estimate import Estimate, LogPart, mixture, together

PARTS = st.lists(
    st.builds(LogPart, st.floats(0.01, 1), st.floats(-20, 20), st.floats(0.001, 3)), min_size=1, max_size=20
)


def test_one_part_has_students_interval() -> None:
    """Of one part the interval is that of Student's t with four degrees of freedom."""
    estimate = mixture([LogPart(1.0, math.log(100), 0.1)])
    away = math.exp(0.1 * stats.t(4).ppf(0.975))
    assert (estimate.low, estimate.value, estimate.high) == pytest.approx((100 / away, 100, 100 * away), rel=1e-5)


@given(PARTS)
def test_the_interval_holds_the_value(parts: list[LogPart]) -> None:
    """And it is positive and finite."""
    estimate = mixture(parts)
    assert 0 < estimate.low <= estimate.value <= estimate.high < math.inf
    assert estimate.holds(estimate.value)


@given(PARTS, st.floats(-5, 5))
def test_another_unit_gives_the_same(parts: list[LogPart], factor: float) -> None:
    """A mixture in milliseconds is a thousand times the one in seconds."""
    there = mixture([LogPart(part.weight, part.center + factor, part.scale) for part in parts])
    here = mixture(parts).times(math.exp(factor))
    assert there.value == pytest.approx(here.value)
    assert (there.low, there.high) == pytest.approx((here.low, here.high), rel=0.03)  # neighbours are merged


def test_a_mixture_without_weights_is_refused() -> None:
    """There is nothing to say."""
    with pytest.raises(ValueError, match="weight"):
        mixture([])


@given(st.lists(st.tuples(st.floats(1, 100), st.floats(1, 3), st.floats(1, 3)), min_size=1, max_size=5))
def test_a_sum_holds_its_value(parts: list[tuple[float, float, float]]) -> None:
    """The interval of a sum is no wider than the sum of the intervals, and no narrower than the widest of them."""
    each = [Estimate(value, value / below, value * above, ("a note",)) for value, below, above in parts]
    whole = together(each)
    assert 0 < whole.low <= whole.value <= whole.high
    assert whole.value == pytest.approx(sum(estimate.value for estimate in each))
    assert whole.low >= sum(estimate.low for estimate in each) * 0.999999
    assert whole.high <= sum(estimate.high for estimate in each) * 1.000001
    assert whole.high - whole.value >= max(estimate.high - estimate.value for estimate in each) * 0.999999
    assert whole.notes == ("a note",)


def test_the_sum_of_nothing_is_refused() -> None:
    """Nobody knows what it would be."""
    with pytest.raises(ValueError, match="no estimates"):
        together([])
