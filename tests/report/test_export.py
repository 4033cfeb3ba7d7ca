"""Results as the files of other benchmark trackers."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.compare.records import Reading, parse_records
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.report.export import asv, bencher, github_action_benchmark
from pytest_benchmark_aws.report.export.measurements import unique_names

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.compare.records import Record

Json = dict[str, Any]
COMMIT, OLDER = "c" * 40, "d" * 40
BMF = {
    "type": "object",
    "patternProperties": {
        ".+": {
            "type": "object",
            "patternProperties": {
                ".+": {
                    "type": "object",
                    "properties": {name: {"type": "number"} for name in ("value", "lower_value", "upper_value")},
                    "required": ["value"],
                }
            },
        }
    },
}
"""What https://bencher.dev/bmf.json asks for, in our words."""


def records(
    rounds: list[float], kind: str | None = "m5.large", launch: int = 1, commit: str = COMMIT, **more: Any
) -> list[Record]:
    """One benchmark of one launch."""
    ordered = sorted(rounds)
    middle = ordered[len(ordered) // 2]
    stats = {"median": middle, "mean": middle, "min": ordered[0], "max": ordered[-1], "rounds": len(ordered)}
    stats |= {"q1": ordered[len(ordered) // 4], "q3": ordered[-1 - len(ordered) // 4], "data": rounds}
    extra = more.pop("extra", {})
    if kind:
        extra |= {"instance_type": kind, "instance_id": f"i-{kind}-{launch}", "usd_per_hour": 3.6}
    return parse_records(
        {
            "machine_info": {"node": "host", "system": "Linux", "python_version": "3.11.2", "cpu": {"count": 4}},
            "commit_info": {
                "id": commit,
                "dirty": more.get("dirty", False),
                "time": f"2026-11-2{'dc'.find(commit[0])}",
            },
            "datetime": "2026-11-24T10:00:00",
            "benchmarks": [
                {"fullname": more.get("fullname", "b/test_it.py::test_it[a]"), "extra_info": extra, "stats": stats}
            ],
        },
        f"{kind}{launch}.json",
        Reading(snapshot.catalog()),
    )


def bmf(*found: list[Record]) -> Json:
    data: Json = bencher.export([record for some in found for record in some]).files[""]
    jsonschema.validate(data, BMF)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert all(0 < len(name.encode()) <= 1024 for name in data)
    return data


def extracted(*found: list[Record]) -> list[Json]:
    """The export as github-action-benchmark's extract.ts (zod, with coercion) and extractRangeInfo.ts take it."""
    entries: list[Json] = github_action_benchmark.export([record for some in found for record in some]).files[""]
    assert isinstance(entries, list)
    assert entries, "No benchmark result was found"
    for entry in entries:
        assert entry.keys() <= {"name", "value", "unit", "range", "extra"}
        assert all(isinstance(entry[key], str) for key in entry.keys() - {"value"})
        assert math.isfinite(entry["value"])
        assert "range" not in entry or float(re.fullmatch(r"(\+-|±)\s*(\d.*)", entry["range"])[2]) >= 0  # type: ignore[index]
    names = [entry["name"] for entry in entries]
    assert len(names) == len(set(names)), "a former value is found by its name"
    return entries


def test_bencher_has_nanoseconds_runs_a_second_and_money() -> None:
    """Latency in ns, throughput in operations a second, USD a run at 3.6 USD an hour; the quartiles as limits."""
    (name, measures), *_ = bmf(records([1.0, 2.0, 3.0, 4.0])).items()
    assert name == "b/test_it.py::test_it[a] on m5.large"
    assert measures["latency"] == {"value": 3e9, "lower_value": 2e9, "upper_value": 3e9}
    assert measures["throughput"] == {"value": 1 / 3, "lower_value": 1 / 3, "upper_value": 1 / 2}
    assert measures["usd-per-run"]["value"] == pytest.approx(0.003)


def test_bencher_has_the_tests_own_throughput() -> None:
    """A measure of its own, as Bencher's throughput is operations a second."""
    ((_, measures),) = bmf(records([2.0], extra={"row_trees_per_second": 100.0})).items()
    assert measures["row-trees-per-second"] == {"value": 100.0}
    assert measures["throughput"] == {"value": 0.5}


def test_a_single_round_has_no_limits() -> None:
    """A spread of one value would say that it is sure."""
    ((_, measures),) = bmf(records([2.0])).items()
    assert all(values.keys() == {"value"} for values in measures.values())


def test_several_launches_are_one_value() -> None:
    """The mean of their medians, between the means of their quartiles."""
    data = bmf(records([1.0, 2.0, 3.0]), records([3.0, 4.0, 5.0], launch=2))
    ((_, measures),) = data.items()
    assert measures["latency"] == {"value": 3e9, "lower_value": 2e9, "upper_value": 4e9}


def test_a_machine_without_a_price_has_no_money() -> None:
    """A laptop costs nothing that could be compared."""
    ((name, measures),) = bmf(records([2.0], kind=None)).items()
    assert name == "b/test_it.py::test_it[a] on host"
    assert measures.keys() == {"latency", "throughput"}


def test_a_long_name_ends_in_its_hash() -> None:
    """Names of which the first 1,000 bytes are the same stay apart."""
    data = bmf(*(records([1.0], fullname="b.py::test[" + "é" * 600 + f"{end}]") for end in "ab"))
    assert len(data) == 2


def test_m5_a_small_amount_of_money_is_written_out() -> None:
    """A run of a microsecond costs something."""
    time, money = extracted(records([1e-6, 1e-6]))
    assert "1.00e-9 USD a run at 3.6 USD/hour" in time["extra"]
    assert money["value"] == pytest.approx(1e-9)


def test_github_action_benchmark_has_seconds_and_money() -> None:
    """Time and USD are entries of their own, both better when less; the range is half the interquartile range."""
    time, money = extracted(records([1.0, 2.0, 3.0, 4.0]))
    assert (time["name"], time["value"], time["unit"]) == ("b/test_it.py::test_it[a] on m5.large", 3.0, "s")
    assert time["range"] == "± 0.5"
    assert (money["name"], money["unit"]) == ("b/test_it.py::test_it[a] on m5.large, USD a run", "USD")
    assert money["value"] == pytest.approx(0.003)
    assert "median of 4 rounds, 1 launch\n0.003000 USD a run at 3.6 USD/hour" in time["extra"]
    assert f"commit {COMMIT[:10]}" in time["extra"]


@pytest.mark.parametrize("module", [asv, bencher, github_action_benchmark])
def test_simulated_results_are_labelled(module: Any) -> None:
    """The word embedded or simulated is in every name of a machine that embedded AWS played."""
    files = module.export(records([1.0, 2.0], extra={"embedded": True})).files
    if module is asv:
        assert {path.split("/")[0] for path in files} == {"benchmarks.json", "m5.large-embedded"}
        assert "simulated" in files["m5.large-embedded/machine.json"]["cpu"]
    else:
        names = [entry if isinstance(entry, str) else entry["name"] for entry in files[""]]
        assert all("(embedded)" in name for name in names)


@pytest.mark.parametrize("module", [bencher, github_action_benchmark])
def test_a_report_is_of_the_newest_commit(module: Any) -> None:
    """What is left out is said, with its number."""
    found = [*records([1.0], commit=OLDER, launch=2), *records([2.0])]
    export = module.export(found)
    assert export.count == 1
    assert "1 results of older commits: one report is of one commit" in export.lost


@pytest.mark.parametrize("module", [asv, bencher, github_action_benchmark])
def test_reasons_to_doubt_are_said_to_be_lost(module: Any) -> None:
    """A flagged result looks like any other there."""
    lost = module.export(records([1.0], extra={"flags": ["steal 3 %"]})).lost
    assert any("the reasons to doubt 1 results" in line for line in lost)


def test_asv_has_a_file_for_each_commit_and_environment() -> None:
    """Both commits are there; a dirty working tree is an environment of its own."""
    found = [*records([1.0]), *records([2.0], commit=OLDER), *records([3.0], dirty=True, launch=2)]
    files = asv.export(found).files
    assert files.keys() == {
        "benchmarks.json",
        "m5.large/machine.json",
        "m5.large/cccccccc-python3.11.json",
        "m5.large/cccccccc-python3.11-dirty.json",
        "m5.large/dddddddd-python3.11.json",
    }


def test_asv_samples_are_launches() -> None:
    """Two launches of many rounds are two samples, too few for an interval."""
    files = asv.export([*records([1.0] * 50), *records([2.0] * 50, launch=2)]).files
    file = files["m5.large/cccccccc-python3.11.json"]
    row = dict(zip(file["result_columns"], file["results"]["b.test_it.test_it[a]"], strict=True))
    assert row["samples"] == [[1.0, 2.0]]
    assert row["result"] == [1.5]
    assert (row["stats_ci_99_a"], row["stats_ci_99_b"]) == ([-math.inf], [math.inf])
    assert (row["stats_number"], row["stats_repeat"]) == ([1], [2])


def test_asv_is_given_money_as_a_benchmark_of_its_own() -> None:
    """With USD as its unit, where the machine has a price."""
    files = asv.export([*records([1.0]), *records([1.0], kind=None)]).files
    assert files["benchmarks.json"]["b.test_it.test_it[a].usd_per_run"]["unit"] == "USD"
    assert files["m5.large/cccccccc-python3.11.json"]["results"]["b.test_it.test_it[a].usd_per_run"][0] == [0.001]
    assert files["host/cccccccc-python3.11.json"]["results"].keys() == {"b.test_it.test_it[a]"}


def test_asv_leaves_out_what_is_of_no_commit() -> None:
    """It is said how many; nothing left is an error that names the way out."""
    assert "1 results of no known commit" in asv.export([*records([1.0]), *records([1.0], commit="unversioned")]).lost
    with pytest.raises(PlanError, match="run the benchmarks in a git checkout"):
        asv.export(records([1.0], commit="unversioned"))


@given(st.text(min_size=1), st.text())
def test_an_asv_name_is_a_files_name(test: str, param: str) -> None:
    """A file is made of it there, and regressions are found by the name of that file."""
    name = asv.benchmark_name(f"b/test_it.py::{test}[{param}]")
    assert not re.search(r'[<>:"/\\^|?*\x00-\x1f]', name)
    assert len(name.encode(errors="replace")) <= asv.LONGEST_NAME


@pytest.mark.parametrize(("count", "rank"), [(7, None), (8, 1), (9, 1), (11, 1), (12, 2), (30, 8)])
def test_the_interval_is_that_of_order_statistics(count: int, rank: int | None) -> None:
    """For 99 percent, of 8 values the ends, of 12 the second; of 30 the eighth: tables of the sign test."""
    values = list(range(1, count + 1))
    expected = (-math.inf, math.inf) if rank is None else (rank, count + 1 - rank)
    assert asv.interval(values) == expected


def test_names_that_come_to_the_same_are_unique_names() -> None:
    """By a hash of what they were made of; others stay as they are."""
    made = unique_names({"a/b": "a-b", "a b": "a-b", "c": "c"})
    assert made["c"] == "c"
    assert len(set(made.values())) == 3
