"""The choice in words."""

from __future__ import annotations

from typing import Any

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.compare.choice import tallies_of
from pytest_benchmark_aws.core.compare.records import Reading, parse_records
from pytest_benchmark_aws.core.compare.tables import Table, compare_records
from pytest_benchmark_aws.report.html.choice import Verdict, headline, verdict
from pytest_benchmark_aws.report.html.machine_styles import marks_of
from tests.report import made
from tests.result_files import benchmark, result

STEADY = (1.0, 1.001, 0.999, 1.002)


def table(reference: str | None = None, **seconds: tuple[float, ...]) -> Table:
    """A launch for each time; ``m5_large`` is m5.large, ``here`` this machine."""
    files = []
    for name, launches in seconds.items():
        instance_type = None if name == "here" else name.removesuffix("_embedded").replace("_", ".")
        extra: dict[str, Any] = {"embedded": True} if name.endswith("_embedded") else {}
        for number, round_seconds in enumerate(launches):
            when = f"2026-11-{1 + number:02}T00:00:00+00:00"
            bench = benchmark([round_seconds], **extra)
            files.append(result(bench, instance_type=instance_type, launch=f"i-{name}-{number}", when=when))
    how = Reading(catalog())
    records = [record for number, data in enumerate(files) for record in parse_records(data, f"{number}", how)]
    (found,) = compare_records(records, reference=reference).tables
    return found


def said(found: Table) -> tuple[Verdict, list[tuple[str, str]]]:
    choice = verdict(found, marks_of([found]))
    return choice, [(machine.tag, machine.mark.name) for machine in choice.said]


def test_fastest_and_cheapest_are_told_with_time_money_and_what_is_gained() -> None:
    """m5.8xlarge in 1 s, r5.4xlarge in 1.2 s at two thirds of the price: 21 % less money for 20 % more time."""
    choice, tags = said(table(m5_8xlarge=(1.0,), r5_4xlarge=(1.2,)))
    assert tags == [("fastest", "m5.8xlarge"), ("cheapest", "r5.4xlarge")]
    assert choice.said[0].text == "1\xa0s a run, 0.427\xa0USD per 1,000 runs"
    assert choice.said[1].text.endswith(": 21\xa0% less money for 20\xa0% more time")


def test_one_that_is_both_is_said_once() -> None:
    """The front has one machine: there is no second line that says the same."""
    _, tags = said(table(m5_large=(1.0,), m5_8xlarge=(2.0,)))
    assert tags == [("fastest and cheapest", "m5.large")]


def test_the_front_between_is_told() -> None:
    """c5.24xlarge fastest, m5.large cheapest, m5.8xlarge between them."""
    _, tags = said(table(c5_24xlarge=(1.0,), m5_8xlarge=(1.5,), m5_large=(3.0,)))
    assert tags == [("fastest", "c5.24xlarge"), ("front", "m5.8xlarge"), ("cheapest", "m5.large")]


def test_too_few_launches_are_called_that_and_never_no_difference() -> None:
    """One launch on each side: the ratio, and ``not enough launches`` with the counts."""
    choice, _ = said(table(m5_large=(1.0,), c5_large=(1.5,)))
    assert choice.sure == (
        "m5.large is 1.50 times as fast as c5.large; not enough launches to say how sure that is: 1 launch of the one "
        "and 1 launch of the other, 3 of each are needed."
    )


def test_a_sure_difference_has_its_interval() -> None:
    """Four launches on each side, 1.5 times apart, a thousandth of noise."""
    choice, _ = said(table(m5_large=STEADY, c5_large=tuple(1.5 * seconds for seconds in STEADY)))
    assert choice.sure.startswith("m5.large is 1.50 times as fast as c5.large, 95\xa0% interval 1.50 to 1.5")


def test_what_is_not_told_apart_is_not_called_equal() -> None:
    """The interval holds 1."""
    choice, _ = said(table(m5_large=(1.0, 1.2, 0.9, 1.1), c5_large=(1.05, 0.95, 1.15, 1.1)))
    assert "are not told apart by these launches" in choice.sure
    assert "no difference" not in choice.sure


def test_another_reference_is_what_the_fastest_is_measured_by() -> None:
    """With ``--reference`` the sentence is about it, not about the next machine."""
    times = {
        "m5_large": STEADY,
        "c5_large": tuple(1.2 * seconds for seconds in STEADY),
        "r5_large": tuple(1.5 * seconds for seconds in STEADY),
    }
    choice, _ = said(table("r5.large", **times))
    assert choice.sure.startswith("m5.large is 1.50 times as fast as r5.large, 95\xa0% interval")


def test_m4_a_machine_without_a_price_is_told_beside_the_choice() -> None:
    """This machine is the fastest and costs nothing that is known."""
    told, tags = said(table(here=(0.5,), m5_large=(1.0,), c5_large=(1.5,)))
    assert tags == [("fastest with a price and cheapest", "m5.large"), ("no price", "A CPU, 4 CPUs")]
    assert "USD" not in told.said[-1].text


def test_embedded_machine_without_a_price_is_not_told_beside_real_ones() -> None:
    """The slower real one without a price is; embedded ones among themselves are told as any."""
    unpriced = "ml_p3_2xlarge"
    _, tags = said(table(m5_large=(1.0,), c5_large=(1.5,), here=(3.0,), **{f"{unpriced}_embedded": (2.0,)}))
    assert tags[-1] == ("no price", "A CPU, 4 CPUs")
    _, tags = said(table(m5_large=(1.0,), c5_large=(1.5,), **{f"{unpriced}_embedded": (2.0,)}))
    assert [tag for tag, _ in tags] == ["fastest and cheapest"]
    of_embedded = {
        f"{name}_embedded": (seconds,) for name, seconds in (("m5_large", 1), ("c5_large", 2), (unpriced, 3))
    }
    _, tags = said(table(**of_embedded))
    assert tags[-1] == ("no price", "ml.p3.2xlarge (embedded)")


def test_real_machines_are_never_measured_by_embedded_ones() -> None:
    """The next of the same kind, or none."""
    choice, tags = said(table(m5_large=(1.0,), c5_large=(1.5,), r5_large_embedded=(1.2,)))
    assert ("fastest and cheapest", "m5.large") in tags
    assert "c5.large" in choice.sure
    choice, _ = said(table(m5_large=(1.0,), c5_large=(1.5,), r5_large_embedded=(0.2,)))
    assert "--reference names a machine of the same kind" in choice.sure


def test_one_machine_is_no_choice() -> None:
    """It is measured, and that is said."""
    choice, tags = said(table(m5_large=(1.0,)))
    assert tags == [("measured", "m5.large")]
    assert choice.sure == "One machine: there is nothing to choose."


def test_the_headline_counts_over_tests() -> None:
    """In how many tests a machine is the best; nothing where one test has a choice."""
    tables = compare_records(made.records(commits=1)).tables
    marks = marks_of(tables)
    tallies = tallies_of(tables)
    (first, *_) = headline(tables, tallies, marks)
    assert (first.mark.name, first.text) == ("c7g.2xlarge", "in all 8 tests")
    assert [one.tests for one in tallies] == [8] * 6
    assert headline(tables[:1], tallies_of(tables[:1]), marks) == []
