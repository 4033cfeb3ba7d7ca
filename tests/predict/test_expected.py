"""How long a launch is expected to take, from what is stored of its cases."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws.predict import expected
from pytest_benchmark_aws.predict.expected import Expected, Stored, expect
from pytest_benchmark_aws.predict.measured import measured_of
from tests.predict.machines_here import machines, prior

TYPES = ("c5.large", "c6i.xlarge", "m5.large", "m7g.2xlarge", "m7i.large", "m7i.4xlarge")


def stored(runs: float = 3, when: str = "2026-11-20", **seconds: float) -> dict[str, Stored]:
    """A launch for each instance type, ``m5_large`` for m5.large."""
    names = {name.replace("_", "."): value for name, value in seconds.items()}
    return {name: Stored(measured_of(machines()[name], [value]), runs, when) for name, value in names.items()}


def on(name: str, **cases: dict[str, Stored]) -> Expected | None:
    return expect(prior(), cases, {name: (machines()[name], sorted(cases))}).get(name)


def test_what_was_measured_is_what_is_expected() -> None:
    """Ten runs of 30 s, and what a launch needs besides; the day is said."""
    times = on("m5.large", a=stored(10, m5_large=30.0, c5_large=1.0))
    assert times is not None
    assert (times.test_seconds, times.seconds) == pytest.approx((300.0, 420.0))
    assert not times.predicted
    assert times.cases[0].when == "2026-11-20"


def test_what_was_measured_elsewhere_is_predicted_with_an_interval() -> None:
    """Between the bounds, and wider from one result than from four."""
    four = on("m7i.large", a=stored(m5_large=30.0, c5_large=27.0, c6i_xlarge=24.0, m7g_2xlarge=25.0))
    one = on("m7i.large", a=stored(m5_large=30.0))
    assert four is not None
    assert one is not None
    assert four.predicted
    assert (four.cases[0].results, one.cases[0].results) == (4, 1)
    assert four.test_low < four.test_seconds < four.test_high
    assert one.test_high / one.test_low > four.test_high / four.test_low


def test_nothing_follows_from_the_times_of_gpus_for_cpus() -> None:
    """Nor the other way round; what was measured on a GPU type itself stands, and the others' times count."""
    assert on("m7i.large", a=stored(g5_xlarge=0.1)) is None
    assert on("g5.xlarge", a=stored(m5_large=30.0)) is None
    times = on("g5.xlarge", a=stored(g5_xlarge=0.1, m5_large=30.0))
    assert times is not None
    assert times.test_seconds == pytest.approx(0.3)
    mixed, alone = on("m7i.large", a=stored(g5_xlarge=0.1, m5_large=30.0)), on("m7i.large", a=stored(m5_large=30.0))
    assert mixed is not None
    assert alone is not None
    assert mixed.test_seconds == alone.test_seconds


def test_the_runs_are_those_of_the_nearest_time() -> None:
    """pytest-benchmark runs a quick one more often: 1,000 times where it took a millisecond, 5 where it took 2 s."""
    quick, slow = stored(1000, m7i_4xlarge=0.001), stored(5, m5_large=2.0)
    times = on("c5.large", a={**quick, **slow})
    assert times is not None
    assert times.test_seconds < 60


def test_nothing_is_expected_of_what_is_not_stored() -> None:
    """Alone it has no expectation; beside another case it is counted as not known."""
    assert on("m5.large", a={}) is None
    times = on("m5.large", a={}, b=stored(m5_large=1.0))
    assert times is not None
    assert times.unknown == 1


def test_many_cases_are_predicted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest each for itself, the rest as one: the sum is nearly the same."""
    cases = {f"case{number}": stored(m5_large=1.0 + number, c6i_xlarge=0.8 + number) for number in range(6)}
    singly = on("m7i.large", **cases)
    monkeypatch.setattr(expected, "MOST_CASES", 2)
    together = on("m7i.large", **cases)
    assert singly is not None
    assert together is not None
    assert [case.case for case in together.cases][:1] == [expected.TOGETHER]
    assert len(together.cases) == 3
    assert together.test_seconds == pytest.approx(singly.test_seconds, rel=0.1)


@settings(deadline=None, max_examples=25)
@given(st.dictionaries(st.sampled_from(TYPES), st.floats(1e-9, 1e9), min_size=1))
def test_the_interval_holds_the_expectation(seconds: dict[str, float]) -> None:
    """Whatever is stored, low <= expected <= high, and all are finite."""
    results = {name: Stored(measured_of(machines()[name], [value]), 5, "") for name, value in seconds.items()}
    for name in TYPES:
        times = on(name, a=results)
        assert times is not None
        assert 0 < times.test_low <= times.test_seconds * 1.000001
        assert times.test_seconds <= times.test_high * 1.000001 < float("inf")
