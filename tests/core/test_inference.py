"""Ratios with intervals over launches."""

from __future__ import annotations

import random
import statistics
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws.core.inference import LEAST_LAUNCHES, _student, _student_cdf, center, holm, ratio

ROUNDS = st.lists(st.floats(0.1, 100), min_size=1, max_size=5)
LAUNCHES = st.lists(ROUNDS, min_size=1, max_size=5)


@given(LAUNCHES, LAUNCHES, st.randoms())
@settings(deadline=None, max_examples=50)
def test_any_order_of_launches_and_rounds_gives_the_same_answer(
    left: list[list[float]], right: list[list[float]], shuffle: random.Random
) -> None:
    """Files may come in any order."""
    first = ratio(left, right, resamples=50)
    for side in (left, right):
        shuffle.shuffle(side)
        for rounds in side:
            shuffle.shuffle(rounds)
    assert ratio(left, right, resamples=50) == first


@given(LAUNCHES)
@settings(deadline=None)
def test_a_machine_against_itself_never_differs(launches: list[list[float]]) -> None:
    """The ratio is 1, and 1 is in the interval if there is one."""
    found = ratio(launches, launches, resamples=50)
    assert found.value == 1
    assert not found.differs
    assert found.enough == (len(launches) >= LEAST_LAUNCHES)


def test_two_launches_are_not_enough() -> None:
    """However many rounds they have: no interval, and no verdict."""
    found = ratio([[1.0] * 100, [1.0] * 100], [[2.0] * 100, [2.0] * 100])
    assert (found.value, found.low, found.high, found.differs) == (0.5, None, None, False)


def test_a_launch_with_many_rounds_counts_once() -> None:
    """The mean of the medians, not of all rounds."""
    assert center([[1.0] * 1000, [2.0], [3.0]]) == 2.0
    assert center([[5.0, 1.0], [3.0]], "min") == 2.0
    assert center([[1.0, 3.0], [4.0]], "mean") == 3.0


def test_coverage_is_95_percent() -> None:
    """Of 600 simulated comparisons of equal machines, 5 launches of 5 rounds each, 93 to 97 percent hold the truth."""
    source = random.Random(1)

    def machine() -> list[list[float]]:
        return [
            [level * source.lognormvariate(0, 0.02) for _ in range(5)]
            for level in (source.lognormvariate(0, 0.05) for _ in range(5))
        ]

    held = [not ratio(machine(), machine(), resamples=300, seed=n).differs for n in range(600)]
    assert 0.93 <= statistics.fmean(held) <= 0.97


@pytest.mark.parametrize(("freedom", "quantile"), [(1, 12.7062), (2, 4.3027), (4, 2.7764), (8, 2.3060), (30, 2.0423)])
def test_students_quantiles_are_the_tables(freedom: int, quantile: float) -> None:
    """0.975 quantiles as every table has them."""
    assert _student(0.975, freedom) == pytest.approx(quantile, abs=1e-4)


def test_student_is_scipys() -> None:
    """Where SciPy is installed, its distribution function agrees to 1e-12."""
    stats = pytest.importorskip("scipy.stats")
    for freedom in range(1, 40):
        for t in (0.0, 0.3, 1.0, 2.5, 10.0):
            assert _student_cdf(t, freedom) == pytest.approx(stats.t.cdf(t, freedom), abs=1e-12)


def test_holm_is_the_papers() -> None:
    """0.01, 0.04, 0.03, 0.005 become 0.03, 0.06, 0.06, 0.02."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_keeps_the_order_and_never_lowers(p_values: list[float]) -> None:
    """Adjusted values are no smaller, at most 1, and ordered as the given ones."""
    adjusted = holm(p_values)
    assert all(p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    assert all(adjusted[a] <= adjusted[b] for a, b in pairwise(order))
