"""The interval of a median from pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.overhead.pairs import median_interval


@given(st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=60))
def test_the_interval_holds_the_median(values: list[float]) -> None:
    """Low, median and high are in order, and at least 95 percent are claimed."""
    found = median_interval(values)
    assert found.low <= found.median <= found.high
    assert found.confidence >= 0.95


def test_the_published_table_of_the_sign_test() -> None:
    """For 20 values the 95 percent interval is the 6th to the 15th, with 95.86 percent (Conover, table A3)."""
    found = median_interval(list(range(1, 21)))
    assert (found.low, found.high) == (6, 15)
    assert found.confidence == pytest.approx(0.9586, abs=1e-4)


def test_coverage_is_what_is_claimed() -> None:
    """Of 2,000 samples of a skewed distribution, at least 94 percent of the intervals hold its median."""
    samples = np.random.default_rng(1).lognormal(size=(2000, 31))
    found = [median_interval(row.tolist()) for row in samples]
    assert np.mean([one.low <= 1.0 <= one.high for one in found]) > 0.94


def test_five_pairs_are_too_few() -> None:
    """An interval that cannot be is refused with the number."""
    with pytest.raises(ValueError, match="5 pairs: at least 6"):
        median_interval([1, 2, 3, 4, 5])
