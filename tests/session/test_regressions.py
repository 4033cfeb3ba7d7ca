"""What --benchmark-compare-fail does with several launches."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_benchmark.utils import parse_compare_fail

from pytest_benchmark_aws.session.replay.regressions import Regressions, Sides

STEADY = [{"median": one, "max": one} for one in (1.0, 1.01, 0.99, 1.0)]


def failing(
    now: list[dict[str, float]], before: list[dict[str, float]], check: str = "median:5%"
) -> tuple[int, Regressions]:
    """How many of the launches fail pytest-benchmark's own check, wrapped."""
    regressions = Regressions({"test_it": Sides(now, before)})
    (wrapped,) = regressions.wrapped([parse_compare_fail(check)])
    pairs = zip(now, before, strict=False)
    return sum(bool(wrapped.fails({"fullname": "test_it", **a}, b)) for a, b in pairs), regressions


def scaled(factors: tuple[float, ...]) -> list[dict[str, float]]:
    """Launches slower by these."""
    return [{name: value * by for name, value in one.items()} for one, by in zip(STEADY, factors, strict=False)]


def test_a_sure_slowdown_fails_each_launch() -> None:
    """As stock would."""
    count, regressions = failing(scaled((1.5, 1.5, 1.5, 1.5)), STEADY)
    assert (count, regressions.lines()) == (4, [])


def test_one_slow_launch_of_four_lies_inside_the_interval() -> None:
    """Stock would fail on it; it is said instead."""
    count, regressions = failing(scaled((1.0, 1.3, 1.0, 0.98)), STEADY)
    assert count == 0
    assert "test_it: beyond --benchmark-compare-fail, but inside the 95 % interval" in regressions.lines()[0]


@pytest.mark.parametrize("count", [1, 2])
def test_with_few_launches_stocks_rule_stands(count: int) -> None:
    """A difference that nobody can be sure of fails as in pytest-benchmark, with how to be sure."""
    failed, regressions = failing(scaled((1.5, 1.5))[:count], STEADY[:count])
    assert failed == count
    assert "--aws-launches 3" in regressions.lines()[0]


def test_a_statistic_without_an_interval_is_stocks() -> None:
    """max, stddev and iqr are no means of launches."""
    assert failing(scaled((1.0, 1.3, 1.0, 0.98)), STEADY, "max:5%")[0] == 1


def test_a_test_that_ran_here_is_stocks() -> None:
    """It is no launch."""
    (wrapped,) = Regressions({}).wrapped([parse_compare_fail("median:5%")])
    current: Any = {"fullname": "test_here", "median": 2.0}
    assert wrapped.fails(current, {"median": 1.0})
