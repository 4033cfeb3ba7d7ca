"""A case at another scale than it was measured at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.predict import answer
from pytest_benchmark_aws.predict.scaling import at_scale, base_of, number_of
from tests.predict.machines_here import prior, results, some


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1000", 1000),
        ("1e6", 1e6),
        ("100_000", 1e5),
        ("1,000", 1000),
        ("full", None),
        ("", None),
        (None, None),
        ("-1", None),
        ("nan", None),
    ],
)
def test_a_scale_is_a_number_or_none(text: str | None, number: float | None) -> None:
    """Written as Python or people write it."""
    assert number_of(text) == number


def test_times_at_a_larger_scale_are_multiplied_by_what_scales_tell() -> None:
    """Ten times the work of what takes a time by the unit takes about ten times as long, less sure than at its own."""
    small = replace(results(m5_large=1.0, c7g_4xlarge=0.5), scale="1000")
    large = replace(results(m5_large=10.0, c7g_4xlarge=5.1, m7a_8xlarge=3.0), scale="10000")
    base, ratio = base_of([small, large], 100_000)
    assert base is large
    assert ratio is not None
    assert ratio.value == pytest.approx(10, rel=0.15)
    there = answer.predict_case(prior(), base, some(20), "usd", 0)
    scaled = at_scale(there, ratio, 100_000)
    assert scaled.scale == "100000"
    for before, after in zip(there.rows, scaled.rows, strict=True):
        assert after.seconds == pytest.approx(before.seconds * ratio.value)
        assert after.high / after.low >= before.high / before.low
        assert not after.measured
    assert any("Scale 100000 was not measured" in note for note in scaled.notes)


def test_a_scale_that_was_measured_needs_no_model() -> None:
    """Its own results are the base."""
    small, large = (replace(results(m5_large=s), scale=name) for s, name in ((1.0, "1000"), (10.0, "10000")))
    assert base_of([small, large], 1000) == (small, None)


def test_scales_that_are_no_numbers_are_refused() -> None:
    """With those that there are, and the option that names the parameter."""
    with pytest.raises(PlanError, match=r"\(full, laptop\); name the parameter .* --scale-parameter"):
        base_of([replace(results(m5_large=1.0), scale=name) for name in ("laptop", "full")], 1000)
