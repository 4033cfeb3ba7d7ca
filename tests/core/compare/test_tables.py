"""Machines of a case side by side."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.compare.records import Reading, Record, parse_records
from pytest_benchmark_aws.core.compare.tables import compare_records
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
