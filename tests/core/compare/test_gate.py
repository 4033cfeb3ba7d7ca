"""Whether a change fails a CI job."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws.core.compare.gate import changes, judge, parse_condition
from pytest_benchmark_aws.core.compare.tables import compare_records
from pytest_benchmark_aws.core.errors import PlanError
from tests.core.compare.test_tables import launches, records
from tests.result_files import benchmark, result

STEADY = (1.0, 1.01, 0.99, 1.0, 1.005)


def judged(condition: str, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Any:
    """The verdict over files."""
    parsed = parse_condition(condition)
    now, then = (compare_records(records(*side)).tables for side in (after, before))
    found, _ = changes(now, then, parsed.metric)
    return judge(parsed, found)


def later(instance_type: str, *seconds: float, **rest: Any) -> list[dict[str, Any]]:
    """Launches of a later run."""
    return [
        result(benchmark([one], **rest), instance_type=instance_type, launch=f"i-later-{number}", commit="d" * 40)
        for number, one in enumerate(seconds)
    ]


def test_a_sure_slowdown_fails() -> None:
    """20 % slower, five steady launches each."""
    found = judged("median>5%", launches("m5.large", *STEADY), later("m5.large", *(1.2 * one for one in STEADY)))
    assert [(change.row.machine.name, change.verdict) for change in found.failed] == [("m5.large", "slower")]
    assert found.failed[0].percent == pytest.approx(20)


def test_a_sure_slowdown_within_the_limit_passes() -> None:
    """20 % where 30 % are allowed."""
    found = judged("median>30%", launches("m5.large", *STEADY), later("m5.large", *(1.2 * one for one in STEADY)))
    assert (len(found.failed), len(found.passed)) == (0, 1)


def test_few_launches_are_undecided_not_passed() -> None:
    """One launch each, three times as slow: said, and not called equal."""
    found = judged("median>5%", launches("m5.large", 1.0), later("m5.large", 3.0))
    assert (found.failed, found.passed) == ((), ())
    assert "not enough launches (1 and 1, 3 of each are needed)" in found.undecided[0].verdict


def test_each_machine_is_judged_by_its_own_baseline() -> None:
    """c5.large being slower than m5.large is no regression."""
    both = [*launches("m5.large", *STEADY), *launches("c5.large", *(2 * one for one in STEADY))]
    after = [*later("m5.large", *STEADY), *later("c5.large", *(2 * one for one in STEADY))]
    assert judged("median>5%", both, after).failed == ()


def test_a_price_rise_alone_fails_the_money() -> None:
    """The same seconds at twice the price: usd fails, median does not."""
    before, after = launches("m5.large", *STEADY), later("m5.large", *STEADY, usd_per_hour=0.192)
    assert judged("median>5%", before, after).failed == ()
    found = judged("usd>10%", before, after)
    assert found.failed[0].percent == pytest.approx(100)


def test_a_published_figure_is_a_baseline_of_its_type() -> None:
    """Its name differs, its kind does not; one launch is not enough to fail."""
    before = [result(benchmark([1.0], published=True), instance_type="m5.large")]
    assert len(judged("median>5%", before, later("m5.large", *(3 * one for one in STEADY))).undecided) == 1


@given(st.lists(st.floats(0.5, 2), min_size=3, max_size=8), st.lists(st.floats(0.5, 2), min_size=3, max_size=8))
@settings(deadline=None, max_examples=60)
def test_a_difference_inside_the_interval_never_fails(before: list[float], after: list[float]) -> None:
    """Whatever fails has an interval wholly above no change."""
    for change in judged("median>0%", launches("m5.large", *before), later("m5.large", *after)).failed:
        assert change.ratio.low is not None
        assert change.ratio.low > 1


def test_twenty_equal_tests_rarely_fail_together() -> None:
    """Holm: of 60 gates over 20 unchanged tests each, 5 % may fail; without correction most would."""
    source = random.Random(3)
    failing = 0
    for _ in range(60):
        before, after = (
            [
                result(
                    *(benchmark([source.lognormvariate(0, 0.05)], f"test_{test}") for test in range(20)),
                    instance_type="m5.large",
                    launch=f"i-{side}-{number}",
                )
                for number in range(5)
            ]
            for side in ("before", "after")
        )
        failing += bool(judged("median>0%", before, after).failed)
    assert failing <= 9  # 3 expected; more than 9 in 60 has a chance of 1 in 1,000 at 5 %


@pytest.mark.parametrize("text", ["median", "median>", "median>5", "p99>5%", "median<5%", "median>-5%", ""])
def test_a_condition_that_cannot_be_read_is_refused(text: str) -> None:
    """With how to write one."""
    with pytest.raises(PlanError, match="median>5%"):
        parse_condition(text)


@pytest.mark.parametrize("text", ["median>5%", "usd>10%", "mean:7.5%", " min > 3 %"])
def test_conditions_are_read(text: str) -> None:
    """Also as pytest-benchmark writes them."""
    assert parse_condition(text).percent > 0
