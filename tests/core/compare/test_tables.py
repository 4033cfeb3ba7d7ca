"""Machines of a case side by side."""

from __future__ import annotations

import statistics
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.compare.records import Reading, Record, parse_records
from pytest_benchmark_aws.core.compare.tables import compare_records, with_baselines
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.core.errors import PlanError
from tests.result_files import benchmark, result

if TYPE_CHECKING:
    import random

    from pytest_benchmark_aws.core.compare.rows import Row

HOW = Reading(snapshot.catalog(), scale_parameter="scale")


def records(*files: dict[str, Any]) -> list[Record]:
    """Of several files."""
    return [record for number, data in enumerate(files) for record in parse_records(data, f"{number}.json", HOW)]


def launches(instance_type: str, *seconds: float, **rest: Any) -> list[dict[str, Any]]:
    """A file for each launch of a type, of one round."""
    return [
        result(benchmark([one]), instance_type=instance_type, launch=f"i-{instance_type}-{number}", **rest)
        for number, one in enumerate(seconds)
    ]


def rows(*files: dict[str, Any], **how: Any) -> dict[str, Row]:
    """The rows of the only table, by machine."""
    (table,) = compare_records(records(*files), **how).tables
    return {row.machine.name: row for row in table.rows}


def test_few_launches_are_not_enough() -> None:
    """Two against five: a ratio, no interval, and no verdict."""
    found = rows(*launches("m5.large", 1, 1.01), *launches("c5.large", 2, 2, 2.1, 2, 2))
    speed = found["c5.large"].speed
    assert speed is not None
    assert speed.value == pytest.approx(1.005 / 2.02)
    assert (speed.enough, found["c5.large"].differs) == (False, False)


def test_without_git_the_newest_session_counts() -> None:
    """What a session measured months ago is no launch of today's code; the launches of one run are one session."""
    old = launches("m5.large", 9, 9, commit="", when="2026-01-01T10:00:00+00:00")
    new = [
        result(
            benchmark([seconds], run="20261101-100000-abcdef"),
            instance_type="m5.large", launch=f"i-{number}", commit="", when=f"2026-11-01T10:00:0{number}+00:00",
        )
        for number, seconds in enumerate((1, 3))
    ]  # fmt: skip
    (row,) = rows(*old, *new).values()
    assert (row.seconds, row.launches) == (2, 2)
    assert compare_records(records(*old, *new)).older == 2
    (table,) = compare_records(records(*old, *new), row_of="commit").tables
    assert [(row.seconds, row.launches) for row in table.rows] == [(2, 2), (9, 2)]


def test_files_without_git_and_time_are_sessions_by_themselves() -> None:
    """The last by name counts: nothing else tells them apart."""
    files = [result(benchmark([seconds]), commit="", when="") for seconds in (1, 2)]
    (row,) = rows(*files).values()
    assert (row.seconds, row.launches) == (2, 1)


def test_enough_launches_tell_a_difference() -> None:
    """A machine half as fast, five launches each."""
    found = rows(*launches("m5.large", 1, 1.01, 0.99, 1, 1.02), *launches("c5.large", 2, 2.02, 1.99, 2.1, 2))
    assert found["c5.large"].differs
    assert found["m5.large"].is_reference


def test_the_work_of_different_scales_is_compared_by_throughput() -> None:
    """5,000 rows in 1 s and 50,000 in 5 s: the second is twice as fast, and the first's run is projected."""
    small = result(
        benchmark([1.0], "test_it[s]", params={"scale": "s"}, rows_per_second=5000.0), instance_type="m5.large"
    )
    large = result(
        benchmark([5.0], "test_it[l]", params={"scale": "l"}, rows_per_second=10000.0), instance_type="c5.large"
    )
    found = rows(small, large)
    assert found["m5.large"].speed is not None
    assert found["m5.large"].speed.value == pytest.approx(0.5)
    assert (found["m5.large"].projected, found["m5.large"].run_seconds) == (True, pytest.approx(10.0))
    price = found["m5.large"].machine.usd_per_hour
    assert price is not None
    assert found["m5.large"].run_usd == price * Decimal("10.0") / 3600


def test_scales_without_a_throughput_are_tests_of_their_own() -> None:
    """Nobody knows how much more work the larger is."""
    files = [
        result(benchmark([1.0], f"test_it[{scale}]", params={"scale": scale}), instance_type="m5.large", launch=scale)
        for scale in ("s", "l")
    ]
    assert len(compare_records(records(*files)).tables) == 2


def test_smt_differs_is_flagged() -> None:
    """A machine without SMT against one with."""
    plain, other = (
        result(
            benchmark([seconds]),
            instance_type="m5.4xlarge",
            launch=f"i-{threads}",
            machine={"hardware": {"threads_per_core": threads}},
        )
        for seconds, threads in ((1.0, 2), (1.5, 1))
    )
    found = rows(plain, other)["m5.4xlarge with 1 thread a core"]
    assert found.flags == ("SMT differs: 1 thread a core, reference 2",)


def test_only_the_newest_commit_of_a_machine_counts() -> None:
    """Older ones are counted, and are rows of their own when asked for."""
    old = launches("m5.large", 1, 1, commit="b" * 40, when="2026-10-01T00:00:00+00:00")
    new = launches("m5.large", 2, commit="c" * 40, when="2026-11-01T00:00:00+00:00")
    compared = compare_records(records(*old, *new))
    assert [row.commit.id[0] for row in compared.tables[0].rows] == ["c"]
    assert compared.older == 2
    every = compare_records(records(*old, *new), row_of="commit")
    assert sorted(row.commit.id[0] for row in every.tables[0].rows) == ["b", "c"]


def test_a_launch_in_two_files_counts_once() -> None:
    """A saved file and the --benchmark-json of the same run."""
    saved = launches("m5.large", 1.0)
    compared = compare_records(records(*saved, *saved))
    assert (compared.duplicates, compared.tables[0].rows[0].launches) == (1, 1)


def test_embedded_rows_choose_nothing_beside_real_ones() -> None:
    """An embedded time is of another machine, however fast."""
    files = [*launches("m5.large", 2), *launches("c5.large", 3)]
    embedded = result(benchmark([0.1], embedded=True), instance_type="m5.8xlarge", launch="i-e")
    found = rows(*files, embedded)
    assert found["m5.8xlarge (embedded)"].choice == ()
    assert found["m5.8xlarge (embedded)"].flags[0] == "embedded"
    assert "fastest" in found["m5.large"].choice


def test_without_prices_the_fastest_is_still_chosen() -> None:
    """Stock files know no price: there is no cheapest, and no front."""
    files = [
        result(benchmark([seconds]), machine={"cpu": {"brand_raw": name}}, when=f"2026-11-0{number + 1}")
        for number, (name, seconds) in enumerate((("slow", 2.0), ("quick", 1.0)))
    ]
    found = rows(*files)
    assert (found["quick"].choice, found["slow"].choice) == (("fastest",), ())


def test_noise_is_said_once_with_how_often_and_how_much() -> None:
    """Two of three launches, and the worst of them."""
    flags = ([], ["canary -15.3%", "steal 1.2%"], ["canary -49.1%"])
    files = [
        result(benchmark([1.0], flags=one), instance_type="m5.large", launch=f"i-{number}")
        for number, one in enumerate(flags)
    ]
    assert rows(*files)["m5.large"].flags == ("noisy: 2 of 3 launches, the most canary -49.1%",)


def test_an_unknown_reference_is_refused_with_the_known_ones() -> None:
    """The message lists them."""
    with pytest.raises(PlanError, match=r"x9.*c5\.large, m5\.large"):
        compare_records(records(*launches("m5.large", 1), *launches("c5.large", 1)), reference="x9.huge")


FILES = st.lists(
    st.builds(
        lambda kind, seconds, day, launch, commit: result(
            benchmark(seconds), instance_type=kind, launch=f"i-{launch}", commit=commit * 40,
            when=f"2026-11-0{day}T00:00:00+00:00",
        ),
        st.sampled_from(["m5.large", "c5.large", None]),
        st.lists(st.floats(0.5, 2), min_size=1, max_size=3),
        st.integers(1, 3),
        st.integers(1, 9),
        st.sampled_from("abc"),
    ),
    min_size=1,
    max_size=12,
)  # fmt: skip


@given(FILES, st.sampled_from(["machine", "commit", "launch"]), st.randoms())
@settings(deadline=None, max_examples=40)
def test_any_order_of_files_gives_the_same_answer(
    files: list[dict[str, Any]], row_of: Any, shuffle: random.Random
) -> None:
    """Tables, rows, intervals, choice: all of it."""
    found = records(*files)
    first = compare_records(found, row_of=row_of)
    shuffle.shuffle(found)
    assert compare_records(found, row_of=row_of) == first


SECONDS = st.floats(1e-6, 1e6)
SPEEDS = st.dictionaries(
    st.sampled_from(["m5.large", "r5.4xlarge", "c5.24xlarge"]), st.lists(SECONDS, min_size=1, max_size=5), min_size=1
)
"""Instance type -> the rounds of its launch."""


def measured(speeds: dict[str, list[float]]) -> list[dict[str, Any]]:
    """A file for each machine."""
    return [result(benchmark(rounds), instance_type=kind, launch=kind) for kind, rounds in speeds.items()]


@given(SPEEDS, st.lists(st.sampled_from(["test_a", "test_b"]), min_size=1, unique=True))
def test_every_result_is_a_row_of_its_case(speeds: dict[str, list[float]], tests: list[str]) -> None:
    """Nothing is lost."""
    files = [
        result(*(benchmark(rounds, name) for name in tests), instance_type=kind, launch=kind)
        for kind, rounds in speeds.items()
    ]
    tables = compare_records(records(*files)).tables
    assert [table.case for table in tables] == [f"tests/test_one.py::{name}" for name in sorted(tests)]
    assert all({row.machine.name for row in table.rows} == speeds.keys() for table in tables)


@given(SPEEDS)
def test_the_median_lies_between_the_low_and_the_high(speeds: dict[str, list[float]]) -> None:
    """Low, median and high are of the rounds, and money is the price for the median."""
    for name, row in rows(*measured(speeds)).items():
        assert row.low == min(speeds[name]) <= row.seconds <= max(speeds[name]) == row.high
        assert row.seconds == statistics.median(speeds[name])
        assert row.machine.usd_per_hour is not None
        assert row.run_usd == usd(row.machine.usd_per_hour, row.seconds)


@given(SPEEDS)
def test_the_fastest_and_the_cheapest_are_marked_where_there_is_a_choice(speeds: dict[str, list[float]]) -> None:
    """Of two machines and more, those with the least time and the least cost; of one machine, none."""
    found = rows(*measured(speeds)).values()
    fastest, cheapest = ([row for row in found if word in row.choice] for word in ("fastest", "cheapest"))
    if len(found) == 1:
        assert not fastest
        assert not cheapest
        return
    assert {row.seconds for row in fastest} == {min(row.seconds for row in found)}
    assert {row.run_usd for row in cheapest} == {min(row.run_usd for row in found if row.run_usd is not None)}


@given(SPEEDS)
def test_relative_is_a_share_of_the_fastest(speeds: dict[str, list[float]]) -> None:
    """No machine is more than all of the fastest, which is exactly 1."""
    shares = [row.speed.value for row in rows(*measured(speeds)).values() if row.speed is not None]
    assert len(shares) == len(speeds)
    assert max(shares) == 1
    assert all(0 < share <= 1 for share in shares)


@given(st.floats(1e3, 1e12), st.floats(1e3, 1e12))
def test_relative_is_a_ratio_of_throughput(ours: float, theirs: float) -> None:
    """Relative is a machine's throughput over the reference's, whatever the amount of work."""
    small, full = (
        result(
            benchmark([seconds], f"test_it[{scale}]", params={"scale": scale}, rows_per_second=rate),
            instance_type=kind,
        )
        for kind, scale, seconds, rate in (("c5.large", "smoke", 1.0, ours), ("m5.large", "full", 10.0, theirs))
    )
    speed = rows(small, full, reference="m5.large")["c5.large"].speed
    assert speed is not None
    assert speed.value == pytest.approx(ours / theirs)


def test_the_fastest_need_not_be_the_cheapest() -> None:
    """A machine that is twice as fast at many times the price is the fastest; the other is the cheapest."""
    found = rows(*launches("m5.large", 10.0), *launches("c5.24xlarge", 5.0))
    assert found["m5.large"].choice == ("cheapest", "front")
    assert found["c5.24xlarge"].choice == ("fastest", "front")
    assert found["m5.large"].speed is not None
    assert found["m5.large"].speed.value == 0.5


def beside(now: dict[str, Any], *saved: dict[str, Any]) -> Row:
    """The only row, beside its baseline."""
    ((row,),) = (table.rows for table in with_baselines(compare_records(records(now)), records(*saved)).tables)
    return row


@given(SECONDS, SECONDS)
def test_a_machine_is_compared_with_its_own_baseline(now: float, before: float) -> None:
    """Of the same instance type and the same case, at its scale; the ratio is of throughputs."""
    own, other = (
        result(benchmark([seconds]), instance_type=kind) for kind, seconds in (("m5.large", before), ("m5.xlarge", 1.0))
    )
    unlike = result(benchmark([1.0], "test_other"), instance_type="m5.large")
    row = beside(launches("m5.large", now)[0], own, other, unlike)
    assert row.baseline is not None
    assert row.baseline.median == before
    assert row.over_baseline == pytest.approx(before / now)


def test_scales_without_a_throughput_have_no_ratio_to_a_baseline() -> None:
    """Nobody knows how much more work the larger is; with a throughput, they have."""
    for rate, ratio in ({}, None), ({"rows_per_second": 5.0}, 1.0):
        now, saved = (
            result(benchmark([1.0], f"test_it[{scale}]", params={"scale": scale}, **rate), instance_type="m5.large")
            for scale in ("s", "l")
        )
        assert beside(now, saved).over_baseline == ratio


def test_without_a_baseline_nothing_is_compared() -> None:
    """Another case's is none, and no time of embedded AWS is one."""
    other = result(benchmark([1.0], "test_other"), instance_type="m5.large")
    embedded = result(benchmark([1.0], embedded=True), instance_type="m5.large")
    row = beside(launches("m5.large", 1.0)[0], other, embedded)
    assert (row.baseline, row.over_baseline) == (None, None)


def test_smt_against_the_own_baseline_is_flagged_behind_the_launchs_own_flags() -> None:
    """Doubts of the time come before doubts of the comparison, each with its numbers."""
    now, saved = (
        result(
            benchmark([1.0], flags=flags), instance_type="m5.large", machine={"hardware": {"threads_per_core": count}}
        )
        for flags, count in ((["steal 2.0%"], 2), ([], 1))
    )
    row = beside(now, saved)
    assert row.flags == ("noisy: steal 2.0%", "SMT differs: 2 threads a core, baseline 1")


def test_smt_against_the_fastest_is_flagged() -> None:
    """``relative`` is over the fastest machine: those whose cores run another number of threads say so, it does not."""
    slow, same, fast = (
        result(benchmark([seconds]), instance_type=kind, launch=kind, machine={"hardware": {"threads_per_core": count}})
        for kind, seconds, count in (("m5.large", 9.0, 2), ("m6g.large", 5.0, 1), ("c7g.large", 3.0, 1))
    )
    flags = {name: row.flags for name, row in rows(slow, same, fast).items()}
    assert flags == {
        "m5.large": ("SMT differs: 2 threads a core, reference 1",), "m6g.large": (), "c7g.large": ()
    }  # fmt: skip
