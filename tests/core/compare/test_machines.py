"""A run's machines side by side."""

from __future__ import annotations

import statistics
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.core.compare.machines import Measurement, compare_machines
from pytest_benchmark_aws.core.compare.results import Result
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.report.machines import machine_table

SECONDS = st.floats(1e-6, 1e6)
MEASUREMENTS = st.lists(
    st.builds(
        Measurement,
        case=st.sampled_from(["a", "b", "c"]),
        machine=st.sampled_from(["m5.large", "r5.4xlarge", "c5.24xlarge"]),
        scale=st.none() | st.just("laptop"),
        rounds=st.lists(SECONDS, min_size=1, max_size=5).map(tuple),
        throughput=st.floats(1e-6, 1e12),
        vcpus=st.none() | st.integers(1, 192),
        memory_bytes=st.none() | st.integers(1, 2**45),
        usd_per_hour=st.decimals(0, 500, places=4),
        billed_usd=st.decimals(0, 500, places=4),
    ),
    max_size=12,
)


def measured(
    machine: str, seconds: float, price: str = "1", case: str = "t", threads: int | None = None
) -> Measurement:
    rounds = (seconds,)
    return Measurement(
        case, machine, None, rounds, 1 / seconds, 2, 2**30, Decimal(price), Decimal(0), (), threads_per_core=threads
    )


@given(MEASUREMENTS)
def test_every_measurement_is_a_row_of_its_case(measurements: list[Measurement]) -> None:
    """Nothing is lost, and the order is the one measured."""
    tables = compare_machines(measurements, [])
    for case, rows in tables.items():
        assert [row.measurement for row in rows] == [one for one in measurements if one.case == case]
    assert sum(map(len, tables.values())) == len(measurements)
    assert list(tables) == list(dict.fromkeys(one.case for one in measurements))


@given(MEASUREMENTS)
def test_the_median_lies_between_the_low_and_the_high(measurements: list[Measurement]) -> None:
    """Low, median and high are of the rounds, and money is the price for the median."""
    for rows in compare_machines(measurements, []).values():
        for row in rows:
            assert row.low <= row.median <= row.high
            assert row.median == statistics.median(row.measurement.rounds)
            assert row.usd_per_run == usd(row.measurement.usd_per_hour, row.median)


@given(MEASUREMENTS)
def test_the_fastest_and_the_cheapest_are_marked_where_there_is_a_choice(measurements: list[Measurement]) -> None:
    """Of two machines and more, those with the best throughput and the least cost; of one machine, none."""
    for rows in compare_machines(measurements, []).values():
        fastest = [row for row in rows if row.fastest]
        cheapest = [row for row in rows if row.cheapest]
        if len(rows) == 1:
            assert not fastest
            assert not cheapest
            continue
        assert {row.measurement.throughput for row in fastest} == {max(row.measurement.throughput for row in rows)}
        assert {row.usd_per_run for row in cheapest} == {min(row.usd_per_run for row in rows)}


@given(MEASUREMENTS)
def test_relative_is_a_share_of_the_fastest(measurements: list[Measurement]) -> None:
    """No machine is more than all of the fastest, which is exactly 1."""
    for rows in compare_machines(measurements, []).values():
        assert max(row.relative for row in rows) == 1
        assert all(0 <= row.relative <= 1 for row in rows)


def test_the_fastest_need_not_be_the_cheapest() -> None:
    """A machine that is twice as fast at three times the price is the fastest; the other is the cheapest."""
    slow, fast = compare_machines([measured("m5.large", 10.0), measured("c5.large", 5.0, "3")], [])["t"]
    assert (slow.fastest, slow.cheapest) == (False, True)
    assert (fast.fastest, fast.cheapest) == (True, False)
    assert (slow.relative, fast.relative) == (0.5, 1.0)


@given(SECONDS, st.lists(SECONDS, min_size=1, max_size=4))
def test_a_machine_is_compared_with_its_own_last_baseline(now: float, before: list[float]) -> None:
    """The baseline is the last of the same machine and the same case; the ratio is of throughputs."""
    baselines = [Result("m5.large", "t", None, seconds, 1 / seconds, 2, None) for seconds in before]
    others = [Result("m5.large", "u", None, 1.0, 1.0, 2, None), Result("m5.xlarge", "t", None, 1.0, 1.0, 2, None)]
    (row,) = compare_machines([measured("m5.large", now)], [*baselines, *others])["t"]
    assert row.baseline is baselines[-1]
    assert row.against_baseline == pytest.approx(before[-1] / now)


def test_without_a_baseline_nothing_is_compared() -> None:
    """A machine without a baseline has neither a baseline nor a ratio."""
    (row,) = compare_machines([measured("m5.large", 1.0)], [Result("m5.large", "u", None, 1.0, 1.0, 2, None)])["t"]
    assert (row.baseline, row.against_baseline) == (None, None)


def test_smt_against_the_own_baseline_is_flagged_in_the_table() -> None:
    """A machine whose cores run another number of threads than its baseline's says so in its row, with the numbers."""
    base = Result("m5.large", "t", None, 1.0, 1.0, 2, None, threads_per_core=1)
    (row,) = compare_machines([measured("m5.large", 1.0, threads=2)], [base])["t"]
    assert row.flags == ("SMT differs: 2 threads a core, baseline 1",)
    assert machine_table([row], "runs")[1].endswith("! SMT differs: 2 threads a core, baseline 1")


def test_smt_against_the_fastest_is_flagged() -> None:
    """``relative`` is over the fastest machine: those whose cores run another number of threads say so, it does not."""
    slow, same, fast = compare_machines(
        [
            measured("m5.large", 9.0, threads=2),
            measured("m6g.large", 5.0, threads=1),
            measured("c7g.large", 3.0, threads=1),
        ],
        [],
    )["t"]
    assert slow.flags == ("SMT differs: 2 threads a core, c7g.large 1",)
    assert (same.flags, fast.flags) == ((), ())


def test_a_launchs_own_flags_come_before_those_of_its_comparisons() -> None:
    """Doubts of the time and doubts of the comparison stand side by side."""
    base = Result("m5.large", "t", None, 1.0, 1.0, 2, None, threads_per_core=2)
    one = replace(measured("m5.large", 1.0, threads=1), flags=("steal 2.0%",))
    (row,) = compare_machines([one], [base])["t"]
    assert row.flags == ("steal 2.0%", "SMT differs: 1 thread a core, baseline 2")
