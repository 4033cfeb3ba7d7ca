"""Ratios with intervals over launches."""

from __future__ import annotations

import random
import statistics
from itertools import pairwise

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pytest_benchmark_aws.core.compare.inference import (
    CENTERS,
    LEAST_LAUNCHES,
    RESAMPLES,
    Ratio,
    Sampled,
    _quantile,
    _student,
    _student_cdf,
    _tails,
    holm,
    ratio_of,
    sample,
)

ROUNDS = st.lists(st.floats(0.1, 100), min_size=1, max_size=5)
LAUNCHES = st.lists(ROUNDS, min_size=1, max_size=5)


def sampled(launches: list[list[float]], how: str = "median", resamples: int = RESAMPLES, seed: int = 0) -> Sampled:
    """One side of a ratio, from the rounds of each launch."""
    return sample([CENTERS[how](rounds) for rounds in launches], resamples=resamples, seed=seed)


def center(launches: list[list[float]], how: str = "median") -> float:
    return sampled(launches, how).center


def ratio(left: list[list[float]], right: list[list[float]], resamples: int = RESAMPLES, seed: int = 0) -> Ratio:
    sides = (sampled(side, resamples=resamples, seed=2 * seed + number) for number, side in enumerate((left, right)))
    return ratio_of(*sides)


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


@pytest.mark.parametrize(
    ("left", "right", "between", "within"),
    [
        (5, 5, 0.05, 0.02),
        (5, 5, 0.02, 0.05),  # the rounds' own noise is the larger
        (10, 10, 0.05, 0.02),
        (20, 20, 0.02, 0.05),
        (40, 40, 0.05, 0.02),  # the distribution is computed, not drawn
        (40, 5, 0.10, 0.02),
        (4, 12, 0.05, 0.02),
    ],
)
def test_coverage_is_95_percent(left: int, right: int, between: float, within: float) -> None:
    """Of 1,500 simulated comparisons of equal machines, 93 to 97 percent of the intervals hold the truth."""
    source = random.Random(7)

    def machine(launches: int) -> list[list[float]]:
        return [
            [level * source.lognormvariate(0, within) for _ in range(5)]
            for level in (source.lognormvariate(0, between) for _ in range(launches))
        ]

    held = [not ratio(machine(left), machine(right), resamples=300, seed=n).differs for n in range(1500)]
    assert 0.93 <= statistics.fmean(held) <= 0.97


def test_many_launches_are_computed_as_they_would_be_drawn() -> None:
    """SciPy's own bootstrap of the same mean ratio gives the same interval, to a twentieth of its width."""
    source = numpy.random.default_rng(5)
    left, right = source.lognormal(0.0, 0.3, 60), source.lognormal(0.1, 0.3, 80)
    found = ratio([[float(one)] for one in left], [[float(one)] for one in right])
    drawn = stats.bootstrap(
        (left, right),
        lambda a, b, axis: a.mean(axis=axis) / b.mean(axis=axis),
        n_resamples=20_000,
        method="percentile",
        random_state=source,
    ).confidence_interval
    assert found.low is not None
    assert found.high is not None
    width = drawn.high - drawn.low
    # Ours is the wider one, by sqrt(n / (n - 1)) and Student's tail: 1.5 % here.
    assert found.low == pytest.approx(drawn.low, abs=width / 20)
    assert found.high == pytest.approx(drawn.high, abs=width / 20)


@given(st.lists(st.floats(-1, 1) | st.sampled_from([0.0, 0.5]), min_size=2, max_size=2_000), st.floats(0.0, 0.2))
def test_the_ends_alone_have_the_quantiles_of_all(values: list[float], share: float) -> None:
    """Also where values repeat, or the first of them are unlike the rest."""
    for sequence in (values, sorted(values), sorted(values, reverse=True)):
        low, high = _tails(sequence, share)
        assert low == _quantile(sorted(values), share)
        assert high == pytest.approx(_quantile(sorted(values), 1 - share), abs=1e-12)


def test_the_p_value_is_welchs() -> None:
    """Of logarithms of machines that differ little, SciPy's Welch test gives the same, to a tenth."""
    source = numpy.random.default_rng(8)
    left, right = source.lognormal(0.0, 0.05, 12), source.lognormal(0.05, 0.08, 9)
    found = ratio([[float(one)] for one in left], [[float(one)] for one in right], resamples=20_000)
    welch = stats.ttest_ind(numpy.log(left), numpy.log(right), equal_var=False).pvalue
    assert found.p_value == pytest.approx(welch, rel=0.1)


def test_quantiles_are_numpys() -> None:
    """Linear interpolation between order statistics."""
    values = sorted(numpy.random.default_rng(1).normal(size=37).tolist())
    for share in (0.0, 0.025, 0.3, 0.5, 0.975, 1.0):
        assert _quantile(values, share) == pytest.approx(numpy.quantile(values, share))


@pytest.mark.parametrize(("freedom", "quantile"), [(1, 12.7062), (2, 4.3027), (4, 2.7764), (8, 2.3060), (30, 2.0423)])
def test_students_quantiles_are_the_tables(freedom: int, quantile: float) -> None:
    """0.975 quantiles as every table has them."""
    assert _student(0.975, freedom) == pytest.approx(quantile, abs=1e-4)


def test_student_is_scipys() -> None:
    """SciPy's distribution function agrees to 1e-12."""
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
