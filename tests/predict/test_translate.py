"""Baselines of other machines, carried over to the machine of new results."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.compare.gate import Change, changes, judge, missing, parse_condition, without_baseline
from pytest_benchmark_aws.core.compare.tables import compare_records
from pytest_benchmark_aws.predict.translate import translations
from tests.core.compare.test_tables import records
from tests.predict.machines_here import machines, prior
from tests.result_files import benchmark, result

OLD = {"m5.large": 1.0, "c6i.xlarge": 0.8, "m7g.2xlarge": 0.85, "r5.4xlarge": 1.0}


def launches(seconds: dict[str, float], commit: str = "a" * 40, **extra: Any) -> list[dict[str, Any]]:
    return [
        result(benchmark([value] * 5, **extra), instance_type=name, launch=f"i-{commit[0]}-{name}", commit=commit)
        for name, value in seconds.items()
    ]


def gated(
    old: list[dict[str, Any]], new: list[dict[str, Any]], condition: str = "median>5%"
) -> tuple[list[Change], Any, int]:
    """The changes with baselines carried over to m7i.large, the verdict, and how many baselines are missing."""
    parsed, before = parse_condition(condition), records(*old)
    now, then = compare_records(records(*new)).tables, compare_records(before).tables
    carried = translations(prior(), machines()["m7i.large"], machines(), without_baseline(now, then), before, "median")
    found, _ = changes(now, then, parsed.metric, carried)
    return found, judge(parsed, found), len(missing(now, then, carried))


def test_a_baseline_of_other_machines_is_carried_over_with_its_interval() -> None:
    """From all of them; the new time lies within, and no baseline is missing that was translated."""
    (change,), verdict, absent = gated(launches(OLD), launches({"m7i.large": 0.8}, "b" * 40))
    assert change.translated is not None
    assert change.translated.origins == tuple(sorted(OLD))
    assert change.translated.low < change.old < change.translated.high
    assert change.ratio.low is not None
    assert change.ratio.low < 1
    assert (len(verdict.failed), len(verdict.passed), absent) == (0, 1, 0)


def test_worse_is_what_lies_beyond_the_interval() -> None:
    """Just inside it passes, whatever the limit; well outside it fails; a gain fails never."""
    (probe,), _, _ = gated(launches(OLD), launches({"m7i.large": 0.8}, "b" * 40))
    assert probe.translated is not None
    high, low = probe.translated.high, probe.translated.low
    for seconds, failed in ((high * 0.99, 0), (high * 2, 1), (low / 3, 0)):
        (change,), verdict, _ = gated(launches(OLD), launches({"m7i.large": seconds}, "b" * 40))
        assert len(verdict.failed) == failed, seconds
        assert change.new == pytest.approx(seconds)
    assert "slower" in gated(launches(OLD), launches({"m7i.large": high * 2}, "b" * 40))[0][0].verdict


def test_money_is_at_the_price_of_the_new_machine() -> None:
    """The price is no part of the change."""
    (change,), _, _ = gated(launches(OLD), launches({"m7i.large": 0.8}, "b" * 40), "usd>5%")
    price = float(catalog().types["m7i.large"].usd_per_hour or 0) / 3600
    assert change.translated is not None
    assert change.old == pytest.approx(change.translated.seconds * price)
    assert change.new == pytest.approx(0.8 * price)


def test_one_origin_gives_a_wider_interval_than_four() -> None:
    """Never a narrow answer from one result."""
    widths = []
    for old in (OLD, {"m5.large": 1.0}):
        (change,), _, _ = gated(launches(old), launches({"m7i.large": 0.8}, "b" * 40))
        assert change.translated is not None
        widths.append(math.log(change.translated.high / change.translated.low))
    assert widths[1] > 1.5 * widths[0]


def test_a_measured_baseline_comes_before_a_translated_one() -> None:
    """Also that of spot for on demand is not overridden: nothing is translated to a type that was measured."""
    (change,), _, _ = gated(launches({**OLD, "m7i.large": 0.7}), launches({"m7i.large": 0.8}, "b" * 40))
    assert change.translated is None
    spot = launches({"m7i.large": 0.7}, market="spot")
    assert gated([*launches(OLD), *spot], launches({"m7i.large": 0.8}, "b" * 40))[0] == []


def test_other_machines_and_embedded_aws_are_not_translated() -> None:
    """A new result of another type, times of embedded AWS on either side."""
    assert gated(launches(OLD), launches({"c7g.large": 0.8}, "b" * 40))[0] == []
    assert gated(launches(OLD), launches({"m7i.large": 0.8}, "b" * 40, embedded=True))[0] == []
    assert gated(launches(OLD, embedded=True), launches({"m7i.large": 0.8}, "b" * 40))[0] == []
