"""Percentiles, held against the standard library's."""

from __future__ import annotations

from statistics import median, quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.core.values.percentiles import percentile

VALUES = st.lists(st.floats(0, 1000), min_size=2, max_size=50)


@given(VALUES)
def test_agrees_with_the_standard_library(values: list[float]) -> None:
    """The median, and each percentile of quantiles."""
    assert percentile(values, 50) == pytest.approx(median(values))
    cuts = quantiles(values, n=100, method="inclusive")
    assert percentile(values, 95) == pytest.approx(cuts[94])
    assert percentile(values, 99) == pytest.approx(cuts[98])


def test_ends_and_nothing() -> None:
    """Of one value each is that value; of none there is none."""
    assert percentile([3.0], 99) == percentile([3.0], 0) == 3.0
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)
