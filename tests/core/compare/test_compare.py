"""This machine next to the baselines."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.compare.compare import compare
from pytest_benchmark_aws.core.compare.results import Result, parse_results
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.report.terminal import printable, table, unit_of

BASELINES = Path(__file__).parents[3] / "benchmarks" / "baselines"
PUBLISHED = {"m5.8xlarge": 574.0, "r5.4xlarge": 763.0}


def published() -> list[Result]:
    results = []
    for name in PUBLISHED:
        data = json.loads((BASELINES / name / "0001_published.json").read_text())
        results += parse_results(data, name, "row_trees_per_second", "scale", catalog())
    return results


def local(throughput: float = 8e6, scale: str = "laptop", work: float = 3.2e7) -> Result:
    case = "benchmarks/test_train.py::test_train[note-vcpus]"
    return Result("this machine", case, scale, work / throughput, throughput, 2, None, here=True)


def test_the_published_results_are_read_as_published() -> None:
    """574 and 763 seconds, 38.5 and 29.0 million row trees a second, at the snapshot's price."""
    m5, r5 = published()
    assert (m5.seconds, r5.seconds) == (574.0, 763.0)
    assert m5.throughput == pytest.approx(38.53e6, rel=1e-3)
    assert m5.throughput / 32 == pytest.approx(1.20e6, rel=5e-3)
    assert r5.throughput / 16 == pytest.approx(1.81e6, rel=5e-3)
    assert m5.published
    assert m5.work == pytest.approx(13_788_428 * 4 * 401)


def test_scales_meet_in_one_comparison_without_seconds() -> None:
    """A laptop run stands beside the full baselines, and its money is marked as a projection."""
    (comparison,) = compare([local()], published())
    assert [row.result.machine for row in comparison.rows] == ["this machine", "m5.8xlarge", "r5.4xlarge"]
    assert [row.projected for row in comparison.rows] == [True, False, False]
    assert not any("574" in line or "763" in line for line in table(comparison, "row trees"))


def test_money_is_price_times_time_for_the_measured_work() -> None:
    """The baselines' own cost is their price for their seconds."""
    (comparison,) = compare([local()], published())
    _, m5, r5 = comparison.rows
    assert m5.usd == pytest.approx(Decimal("1.536") * 574 / 3600)
    assert r5.usd == pytest.approx(Decimal("1.008") * 763 / 3600)
    assert f"{m5.usd:.3f}" == "0.245"


@given(st.floats(1e3, 1e12), st.floats(1e3, 1e12))
def test_relative_is_a_ratio_of_throughput(mine: float, theirs: float) -> None:
    """Relative is this machine's throughput over the reference's, whatever the amount of work."""
    base = Result("m5.large", "c", "full", 10.0, theirs, 2, Decimal("0.1"))
    mine_result = Result("here", "c", "smoke", 1.0, mine, 2, None, here=True)
    (comparison,) = compare([mine_result], [base])
    assert comparison.rows[0].relative == pytest.approx(mine / theirs)


def test_a_result_without_a_baseline_is_left_out() -> None:
    """Only cases that have a baseline are compared."""
    other = Result("here", "another", None, 1.0, 1.0, 2, None, here=True)
    assert compare([other], published()) == []


def test_of_a_machines_baselines_the_last_counts() -> None:
    """A later baseline of the same machine replaces the earlier."""
    older, newer = (Result("m5.large", "c", None, s, 1 / s, 2, None) for s in (10.0, 5.0))
    (comparison,) = compare([Result("here", "c", None, 1.0, 1.0, 2, None)], [older, newer])
    assert [row.result.seconds for row in comparison.rows] == [1.0, 5.0]


def test_a_result_without_a_finite_median_is_left_out() -> None:
    """NaN, infinity and zero are no times."""
    bad = [{"fullname": "t", "stats": {"median": value}} for value in (float("nan"), float("inf"), 0.0)]
    assert parse_results({"benchmarks": bad}, "m", None, None, catalog()) == []


def test_smt_against_the_reference_is_flagged() -> None:
    """A row whose cores run another number of threads than the reference's says so at its end; others do not."""
    data = json.loads((BASELINES / "m5.8xlarge" / "0001_published.json").read_text())
    data["machine_info"]["hardware"]["threads_per_core"] = 1
    unlike = parse_results(data, "m5.8xlarge", "row_trees_per_second", "scale", catalog())
    here = replace(local(), threads_per_core=2)
    (comparison,) = compare([here], [*unlike, published()[1]])
    assert [row.flags for row in comparison.rows] == [
        ("SMT differs: 2 threads a core, m5.8xlarge 1",),
        (),
        ("SMT differs: 2 threads a core, m5.8xlarge 1",),
    ]
    lines = table(comparison, "row trees")
    assert [line.endswith("! SMT differs: 2 threads a core, m5.8xlarge 1") for line in lines[1:]] == [True, False, True]


def test_threads_of_a_core_are_read_from_the_machine_alone() -> None:
    """The published files say two; a file that does not say is not given its instance type's default."""
    assert [one.threads_per_core for one in published()] == [2, 2]
    data = json.loads((BASELINES / "m5.8xlarge" / "0001_published.json").read_text())
    del data["machine_info"]["hardware"]
    assert [one.threads_per_core for one in parse_results(data, "m5.8xlarge", None, None, catalog())] == [None]


@given(st.decimals(0, 100, places=4), st.integers(0, 10**6))
def test_an_hour_costs_its_price(price: Decimal, hours: int) -> None:
    """So many hours cost so many times the hourly price, to a billionth."""
    assert abs(usd(price, hours * 3600.0) - price * hours) < Decimal("1e-9")


def test_columns_are_aligned() -> None:
    """Every line of the table has its last column's end at the same place."""
    (comparison,) = compare([local()], published())
    lines = table(comparison, "row trees")
    assert len({len(line) for line in lines}) == 1
    assert lines[1].startswith("▸ this machine")


def test_the_unit_comes_from_the_key() -> None:
    """``row_trees_per_second`` counts row trees; without a key, runs are counted."""
    assert unit_of("row_trees_per_second") == "row trees"
    assert unit_of(None) == "runs"


@given(st.text())
def test_nothing_printed_steers_the_terminal(text: str) -> None:
    """Whatever a name holds, what is written is printable."""
    assert all(char.isprintable() for char in printable(text))
