"""The scale model: what results at some scales tell of others."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws.predict.scale import (
    ScaleDataError,
    ScalePoint,
    fit,
    fit_memory,
    fit_phases,
    phases_of,
)

# What docs/measured.md's machine took with one thread: rows, Dataset, init and one round in seconds.
PHASES = ((50e3, 0.29, 0.24, 2.4), (100e3, 0.60, 0.47, 3.6), (200e3, 1.21, 0.95, 7.1), (400e3, 2.0, 2.0, 14.4))
POINTS = st.lists(st.builds(ScalePoint, st.floats(1, 1e8), st.floats(1e-6, 1e6)), min_size=1, max_size=8)


def points(*pairs: tuple[float, float]) -> list[ScalePoint]:
    return [ScalePoint(scale, value) for scale, value in pairs]


@given(POINTS, st.floats(0.01, 1e9))
@settings(max_examples=40, deadline=None)
def test_any_results_give_a_positive_finite_interval(results: list[ScalePoint], scale: float) -> None:
    """And it holds the predicted value."""
    estimate = fit(results).predict(scale)
    assert 0 < estimate.low <= estimate.value <= estimate.high < math.inf


@given(POINTS, st.lists(st.floats(0.1, 1e9), min_size=2, max_size=4))
@settings(max_examples=40, deadline=None)
def test_more_rows_never_take_less(results: list[ScalePoint], scales: list[float]) -> None:
    """The prediction does not fall where the scale grows, whatever was measured."""
    model = fit(results)
    values = [model.predict(scale).value for scale in sorted(scales)]
    assert all(before <= after * (1 + 1e-9) for before, after in itertools.pairwise(values))


@example([ScalePoint(1.0, 2.0), ScalePoint(1951623.0, 45.0), ScalePoint(2435959.0, 1.0)], 1.0, 0.0, 1.0)
@given(POINTS, st.floats(-3, 3), st.floats(-3, 3), st.floats(1, 1e8))
@settings(max_examples=25, deadline=None)
def test_units_do_not_matter(results: list[ScalePoint], time: float, size: float, scale: float) -> None:
    """Milliseconds for seconds, or thousands of rows for rows, give the same prediction in those units.

    An end that is a billion times away, as of results that contradict each other, is the same in its power of ten.
    """
    seconds, rows = 10**time, 10**size
    here = fit(results).predict(scale)
    there = fit([ScalePoint(p.scale * rows, p.value * seconds) for p in results]).predict(scale * rows)
    assert there.value == pytest.approx(here.value * seconds, rel=1e-3)
    for end, expected in ((there.low, here.low * seconds), (there.high, here.high * seconds)):
        far = abs(math.log(expected / there.value)) > math.log(1e9)
        assert math.log10(end) == pytest.approx(math.log10(expected), abs=0.2 if far else 0.02)


@given(st.floats(1, 1e6), st.floats(1e-3, 1e3), st.floats(10, 1000))
@settings(max_examples=20, deadline=None)
def test_one_scale_tells_little_of_another(scale: float, seconds: float, times: float) -> None:
    """From one scale alone, ten times as much may take as long, or ten times as long, and it is said."""
    estimate = fit(points((scale, seconds))).predict(scale * times)
    assert estimate.low < 1.2 * seconds
    assert estimate.high > times * seconds
    assert any("one scale alone" in note for note in estimate.notes)


@given(st.floats(3, 100), st.integers(2, 4))
@settings(max_examples=8, deadline=None)
def test_contradicting_results_are_never_narrow(times: float, launches: int) -> None:
    """Launches that differ by a factor give an interval as wide as that factor, and a sentence."""
    scales = (1_000.0, 2_000.0, 4_000.0)
    results = [ScalePoint(s, s * (times if launch % 2 else 1)) for s in scales for launch in range(launches)]
    for scale in (1_000.0, 4_000.0, 40_000.0):
        estimate = fit(results).predict(scale)
        assert estimate.width > times
    assert any("contradict" in note for note in fit(results).notes)


@given(st.floats(2, 50))
@settings(max_examples=20, deadline=None)
def test_a_time_that_falls_is_no_growth(times: float) -> None:
    """Where more takes less, the interval is as wide as the fall, and it is said."""
    estimate = fit(points((1_000, times), (2_000, 1.0))).predict(4_000)
    assert estimate.width > times
    assert any("smaller at 2,000 than at 1,000" in note for note in estimate.notes)


def test_what_does_not_scale_is_said() -> None:
    """A fixed cost may hide what a unit costs, so that far beyond the upper end is far above."""
    model = fit(points((1_000, 1.0), (2_000, 1.01), (4_000, 1.0)))
    assert any("hardly grows" in note for note in model.notes)
    assert model.predict(4_000).width < 1.5
    assert model.predict(4_000_000).high > 10
    assert model.predict(4_000_000).low < 1.5


def test_beyond_the_data_is_less_sure_and_said() -> None:
    """Ten times the largest scale is wider than the largest, and a hundred times is wider still."""
    model = fit(points(*((s, 1 + 0.01 * s) for s in (100, 200, 400, 800))))
    widths = [model.predict(scale).width for scale in (400, 8_000, 80_000)]
    assert widths == sorted(widths)
    assert any("times the largest scale" in note for note in model.predict(8_000).notes)
    assert model.predict(400).notes == ()


@pytest.mark.parametrize("power", [0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("fixed", [0.0, 1e-3, 1.0])
def test_a_known_growth_is_predicted(power: float, fixed: float) -> None:
    """Five times beyond, a fixed cost and a power are predicted within 10 %; one that a fixed cost resembles, 20 %."""
    results = points(*((s, fixed + 1e-4 * s**power) for s in (250, 500, 1_000, 2_000, 4_000)))
    truth = fixed + 1e-4 * 20_000**power
    estimate = fit(results).predict(20_000)
    assert estimate.value == pytest.approx(truth, rel=0.2 if power < 1 else 0.1)
    assert estimate.holds(truth)


def test_a_slope_that_changes_is_followed() -> None:
    """Beyond a cache's size a unit costs twice as much: the last slope counts."""
    results = points(*((s, s + max(0, s - 4_000)) for s in (500, 1_000, 2_000, 4_000, 8_000, 16_000)))
    assert fit(results).predict(64_000).value == pytest.approx(64_000 + 60_000, rel=0.1)


def test_intervals_hold_what_they_say() -> None:
    """Of 100 made-up benchmarks with 5 % noise, at least 90 % are inside, at five times the largest scale."""
    rng = random.Random(11)
    inside = 0
    for _ in range(100):
        fixed, power = rng.choice([0.0, 0.3, 3.0]), rng.choice([0.95, 1.0, 1.0, 1.1])
        truth = lambda s, fixed=fixed, power=power: fixed + (s / 1_000) ** power  # noqa: E731
        results = points(*((s, truth(s) * math.exp(rng.gauss(0, 0.05))) for s in (500, 1_000, 2_000, 4_000)))
        inside += fit(results).predict(20_000).holds(truth(20_000) * math.exp(rng.gauss(0, 0.05)))
    assert inside >= 90


def test_a_held_out_scale_says_how_good_it_is() -> None:
    """A straight line predicts its largest scale; one that jumps there does not, and its intervals are wider."""
    straight = fit(points((1, 1.0), (2, 2.0), (4, 4.0), (8, 8.0)))
    jumping = fit(points((1, 1.0), (2, 2.0), (4, 4.0), (8, 40.0)))
    assert straight.held_out_error == pytest.approx(0, abs=0.03)
    assert jumping.held_out_error is not None
    assert jumping.held_out_error > 0.7
    assert jumping.inflation > 1
    assert jumping.predict(16).width > 3 * straight.predict(16).width
    assert fit(points((1, 1.0), (2, 2.0))).held_out_error is None


def test_phases_grow_apart() -> None:
    """The time of 800,000 rows from up to 400,000, in three phases of which one is a fifth of the time."""
    names = ("dataset", "init", "rounds")
    each = {name: points(*((row[0], row[1 + i]) for row in PHASES)) for i, name in enumerate(names)}
    model = fit_phases(each)
    estimate = model.predict(800e3)
    assert estimate.value == pytest.approx(3.2 + 6.9 + 29.4, rel=0.1)
    assert estimate.holds(3.2 + 6.9 + 29.4)
    assert model.held_out_error is not None
    assert model.held_out_error < 0.15


def test_a_million_rows_are_predicted_from_up_to_two_hundred_thousand() -> None:
    """Time and memory of this suite's training within 10 %, as measured (docs/measured.md)."""
    rows = (25e3, 50e3, 100e3, 200e3)
    seconds = {
        "dataset": (0.10, 0.20, 0.42, 0.86),
        "init": (0.07, 0.14, 0.31, 0.59),
        "rounds": (2.57, 4.87, 9.89, 18.44),
    }
    time = fit_phases({name: points(*zip(rows, each, strict=True)) for name, each in seconds.items()}).predict(1e6)
    assert time.value == pytest.approx(108.1, rel=0.1)
    assert time.holds(108.1)
    peaks = (288497664, 472629248, 840364032, 1593679872)
    memory = fit_memory(points(*zip(rows, peaks, strict=True))).predict(1e6)
    assert memory.value == pytest.approx(7340888064, rel=0.1)
    assert memory.holds(7340888064)


def test_a_phase_that_takes_no_time_is_left_out() -> None:
    """And where none does, it is an error."""
    model = fit_phases({"a": points((1, 1.0), (2, 2.0)), "b": points((1, 0.0), (2, 0.0))})
    assert set(model.phases) == {"a"}
    with pytest.raises(ScaleDataError, match="no phase took any time"):
        fit_phases({"b": points((1, 0.0))})


def test_phases_are_read_from_extra_info() -> None:
    """Those that are the whole; CPU time is none of them, nor is what says nothing."""
    extra = {"dataset_seconds": 1.0, "init_seconds": 0.5, "rounds_seconds": 8.4, "cpu_seconds": 19.0, "rows": 100}
    assert phases_of(extra, 9.9) == {"dataset": 1.0, "init": 0.5, "rounds": 8.4}
    assert phases_of(extra, 20.0) == {}
    assert phases_of({**extra, "init_seconds": None}, 9.4) == {"dataset": 1.0, "rounds": 8.4}
    assert phases_of({"dataset_seconds": 1.0}, 1.0) == {}


def test_memory_is_a_line() -> None:
    """Bytes at 50,000 and 400,000 rows give those of 2.4 million within 3 % (docs/measured.md)."""
    sizes = points((50e3, 4.4e8), (100e3, 7.95e8), (200e3, 1.5e9), (400e3, 2.92e9))
    estimate = fit_memory(sizes).predict(2.4e6)
    assert estimate.value == pytest.approx(1.7115e10, rel=0.03)
    assert estimate.width < 1.3


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_wrong_numbers_are_refused(bad: float) -> None:
    """A scale or a time that is not positive and finite, in the results or asked for, and no result at all."""
    with pytest.raises(ScaleDataError, match="positive"):
        fit(points((bad, 1.0)))
    with pytest.raises(ScaleDataError, match="positive"):
        fit(points((1.0, bad)))
    with pytest.raises(ScaleDataError, match="positive"):
        fit(points((1.0, 1.0))).predict(bad)
    with pytest.raises(ScaleDataError, match="at least one"):
        fit([])
