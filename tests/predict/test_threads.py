"""The thread model: time by rows and threads of one machine."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws.predict.placement import Placement, Topology, place, placements
from pytest_benchmark_aws.predict.scale import ScaleDataError
from pytest_benchmark_aws.predict.thread_forms import LIGHTGBM, Form
from pytest_benchmark_aws.predict.threads import ThreadTime, fit

MACHINE = Topology(sockets=2, cores_per_socket=24, threads_per_core=2)
SHOWN = (1, 2, 4, 8, 16, 24, 48, 96)
TIMES = st.lists(
    st.builds(
        ThreadTime,
        st.sampled_from([1e4, 1e5, 1e6]),
        st.integers(1, 96).map(lambda threads: place(threads, MACHINE)),
        st.floats(1e-3, 1e4),
    ),
    min_size=1,
    max_size=8,
)


def made_up(rows: float, placement: Placement, *, waiting: float = 0.04, socket: float = 0.02) -> float:
    """Seconds of a machine that waits for each thread, divides its work, and has a costly second socket."""
    million = rows / 1e6
    waits = (waiting * placement.threads + socket * placement.threads * (placement.sockets - 1)) * million**0.13
    return 0.5 * million**0.13 + waits + 18 * million**1.03 / (placement.cores + 0.2 * placement.second_threads)


def results(scales: tuple[float, ...] = (1e5, 1e6), threads: tuple[int, ...] = SHOWN) -> list[ThreadTime]:
    each = [(rows, place(count, MACHINE)) for rows in scales for count in threads]
    return [ThreadTime(rows, placement, made_up(rows, placement)) for rows, placement in each]


@given(TIMES, st.floats(1, 1e9), st.integers(1, 96))
@settings(max_examples=15, deadline=None)
def test_any_times_give_a_positive_finite_interval(times: list[ThreadTime], scale: float, threads: int) -> None:
    """And it holds the predicted seconds."""
    estimate = fit(times, held_out=False).predict(scale, place(threads, MACHINE))
    assert 0 < estimate.low <= estimate.value <= estimate.high < math.inf


def test_times_that_fall_with_the_rows_leave_no_thread_without_time() -> None:
    """Where no form explains the times, one thread still takes some."""
    times = [ThreadTime(1e4, place(49, MACHINE), 2.0), ThreadTime(1e6, place(25, MACHINE), 1.0)]
    estimate = fit(times).predict(1.0, place(1, MACHINE))
    assert estimate.low > 0
    assert estimate.width > 10


@given(TIMES, st.lists(st.floats(1, 1e9), min_size=2, max_size=4), st.integers(1, 96))
@settings(max_examples=15, deadline=None)
def test_more_rows_never_take_less(times: list[ThreadTime], scales: list[float], threads: int) -> None:
    """With the same threads, whatever was measured."""
    model = fit(times, held_out=False)
    values = [model.predict(scale, place(threads, MACHINE)).value for scale in sorted(scales)]
    assert all(before <= after * (1 + 1e-9) for before, after in itertools.pairwise(values))


@given(TIMES, st.floats(-3, 3), st.floats(-3, 3))
@settings(max_examples=10, deadline=None)
def test_units_do_not_matter(times: list[ThreadTime], time: float, size: float) -> None:
    """Milliseconds for seconds and thousands of rows for rows give the same prediction in those units."""
    seconds, rows = 10**time, 10**size
    here = fit(times, held_out=False).predict(2e6, place(24, MACHINE))
    other = [ThreadTime(each.scale * rows, each.placement, each.seconds * seconds) for each in times]
    there = fit(other, held_out=False).predict(2e6 * rows, place(24, MACHINE))
    assert there.value == pytest.approx(here.value * seconds, rel=1e-3)
    assert (there.low, there.high) == pytest.approx((here.low * seconds, here.high * seconds), rel=0.05)


@given(st.floats(0, 0.5), st.floats(0.5, 1.5), st.floats(0, 1), st.booleans(), st.integers(2, 96), st.floats(0.01, 100))
def test_threads_are_no_faster_than_they_are_many(
    overhead: float, work: float, gain: float, rooted: bool, threads: int, scale: float
) -> None:
    """No term of p threads is less than that of one thread divided by p."""
    form = Form(overhead, work, gain, rooted)
    one, many = form.terms(scale, place(1, MACHINE)), form.terms(scale, place(threads, MACHINE))
    assert all(b >= a / threads * (1 - 1e-12) for a, b in zip(one, many, strict=True))


def test_a_larger_scale_and_its_best_threads_are_predicted() -> None:
    """From 0.1 and 1 million rows 10 million within 15 %, and threads within 5 % of the best."""
    model = fit(results())
    candidates = placements(MACHINE)
    for placement in candidates:
        truth = made_up(1e7, placement)
        estimate = model.predict(1e7, placement)
        assert estimate.value == pytest.approx(truth, rel=0.15)
        assert estimate.holds(truth)
    chosen = model.best(1e7, candidates)
    assert made_up(1e7, chosen.placement) <= 1.05 * min(made_up(1e7, placement) for placement in candidates)
    assert "not surely faster than" in chosen.notes[0]
    assert model.held_out_error is not None
    assert model.held_out_error < 0.25


def test_small_scales_want_fewer_threads() -> None:
    """The best number of threads grows with the rows."""
    model = fit(results())
    counts = [model.best(rows, placements(MACHINE)).placement.threads for rows in (1e4, 1e5, 1e6, 1e8)]
    assert counts == sorted(counts)
    assert counts[0] <= 4
    assert counts[-1] >= 24


def test_one_time_tells_little_of_others() -> None:
    """With one thread count at one scale everything else is wide, and it is said."""
    model = fit([ThreadTime(1e6, place(1, MACHINE), 20.0)])
    all_vcpus = model.predict(1e7, place(96, MACHINE))
    assert all_vcpus.width > 8
    text = " ".join(all_vcpus.notes)
    assert "one scale alone" in text
    assert "1 thread alone" in text
    assert model.held_out_error is None
    assert model.predict(1e6, place(1, MACHINE)).holds(20.0)


def test_what_was_never_measured_is_said() -> None:
    """A second socket and second threads are taken from other machines, and are less sure."""
    model = fit(results(threads=(1, 2, 4, 8, 16, 24)))
    text = " ".join(model.predict(1e7, place(96, MACHINE)).notes)
    assert "no second socket was measured" in text
    assert "no second thread of a core was measured" in text
    assert model.predict(1e7, place(24, MACHINE)).notes == ()
    whole = fit(results())
    assert whole.predict(1e7, place(96, MACHINE)).notes == ()
    assert whole.notes == ()
    assert model.predict(1e7, place(96, MACHINE)).width > whole.predict(1e7, place(96, MACHINE)).width


@pytest.mark.parametrize("times", [5.0, 50.0])
def test_contradicting_launches_are_never_narrow(times: float) -> None:
    """Launches of the same threads that differ by a factor give an interval that is as wide, and a sentence."""
    contradicting = [
        ThreadTime(each.scale, each.placement, each.seconds * factor) for each in results() for factor in (1.0, times)
    ]
    model = fit(contradicting, held_out=False)
    for placement in placements(MACHINE):
        assert model.predict(1e6, placement).width > times
    assert any("no form explains" in note for note in model.notes)


def test_a_form_that_nothing_has_is_wide() -> None:
    """Times that jump up and down with the threads are explained by nothing: wide, and said."""
    jumping = [ThreadTime(each.scale, each.placement, 10.0 ** (i % 3)) for i, each in enumerate(results())]
    model = fit(jumping, held_out=False)
    assert model.predict(1e7, place(24, MACHINE)).width > 10
    assert any("no form explains" in note for note in model.notes)


def test_a_scale_beyond_the_data_is_said() -> None:
    """More than ten times the largest scale is named, and is wider."""
    model = fit(results(), held_out=False)
    assert any("100 times the largest scale" in note for note in model.predict(1e8, place(1, MACHINE)).notes)
    assert model.predict(1e9, place(1, MACHINE)).width > model.predict(1e6, place(1, MACHINE)).width


def test_a_benchmark_that_threads_do_not_help_keeps_to_one() -> None:
    """Where the time does not fall with threads, no prediction says that it will."""
    flat = [ThreadTime(each.scale, each.placement, each.scale / 1e5) for each in results()]
    model = fit(flat, held_out=False)
    assert model.predict(1e7, place(96, MACHINE)).value > 0.7 * model.predict(1e7, place(1, MACHINE)).value


def test_the_prior_carries_its_source() -> None:
    """What is usual names where it was measured."""
    assert "GBM-perf" in fit(results(), held_out=False).source == LIGHTGBM.source


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_wrong_numbers_are_refused(bad: float) -> None:
    """A scale or a time that is not positive and finite, no time, and no placement to choose from."""
    one = place(1, MACHINE)
    for time in (ThreadTime(bad, one, 1.0), ThreadTime(1.0, one, bad)):
        with pytest.raises(ScaleDataError, match="positive"):
            fit([time])
    model = fit([ThreadTime(1.0, one, 1.0)])
    with pytest.raises(ScaleDataError, match="positive"):
        model.predict(bad, one)
    with pytest.raises(ValueError, match="no placement"):
        model.best(1.0, [])
    with pytest.raises(ScaleDataError, match="at least one"):
        fit([])
