"""Result files, ours and stock, as records."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.compare.records import MOST_ROUNDS, Reading, RecordError, parse_records, thin
from tests.result_files import benchmark, result

HOW = Reading(snapshot.catalog())
BASELINES = Path(__file__).parents[3] / "benchmarks" / "baselines"
STOCK_4 = {
    "machine_info": {
        "node": "runner-7", "processor": "x86_64", "machine": "x86_64", "python_version": "3.8.18", "system": "Linux",
        "cpu": {"brand": "Intel(R)  Xeon(R)", "count": 2},
    },
    "commit_info": {"id": "b" * 40, "time": "2022-01-01T00:00:00", "dirty": False, "branch": "main"},
    "benchmarks": [
        {
            "group": None, "name": "test_old", "fullname": "test_old.py::test_old", "params": None, "param": None,
            "extra_info": {}, "options": {"disable_gc": False},
            "stats": {
                "min": 0.9, "max": 2.0, "mean": 1.2, "stddev": 0.1, "rounds": 7, "median": 1.0, "iqr": 0.1, "q1": 1.0,
                "q3": 1.1, "iqr_outliers": 0, "stddev_outliers": 1, "outliers": "1;0", "ld15iqr": 0.9, "hd15iqr": 2.0,
                "ops": 0.8, "total": 8.4, "iterations": 1,
            },
        }
    ],
    "datetime": "2022-01-02T03:04:05.678901",
    "version": "4.0.0",
}  # fmt: skip


def one(data: object, how: Reading = HOW) -> Any:
    """The only record of a file."""
    (record,) = parse_records(data, "0001_file.json", how)
    return record


def test_a_stock_4_file_without_data_is_read() -> None:
    """Its median stands for its rounds; its machine is named by its CPU; what it lacks is None."""
    record = one(STOCK_4)
    assert (record.median, record.rounds, record.round_count) == (1.0, (1.0,), 7)
    assert (record.machine.name, record.machine.vcpus) == ("Intel(R) Xeon(R), 2 CPUs", 2)
    assert (record.machine.instance_type, record.machine.usd_per_hour, record.machine.cores) == (None, None, None)
    assert record.when == "2022-01-02T03:04:05.678901+00:00"
    assert (record.throughput, record.unit) == (1.0, "runs")


def test_the_published_baseline_is_read() -> None:
    """m5.8xlarge, 574 s, with the catalog's price of its date."""
    data = json.loads((BASELINES / "m5.8xlarge" / "0001_published.json").read_text())
    record = one(data, Reading(snapshot.catalog(), scale_parameter="scale"))
    assert (record.machine.name, record.machine.kind) == ("m5.8xlarge (published)", "m5.8xlarge")
    assert (record.case, record.scale) == ("benchmarks/test_train.py::test_train[note-vcpus]", "full")
    assert (record.median, record.unit, round(record.throughput)) == (574.0, "row trees", 38530729)
    assert (record.machine.usd_per_hour, record.machine.price_date) == (Decimal("1.536000"), snapshot.PRICE_DATE)


def test_the_price_is_the_one_of_the_run() -> None:
    """With the day that its source names."""
    data = result(
        benchmark([1.0], usd_per_hour=1.25, price_source="Pricing API, 2026-11-24"), instance_type="m5.8xlarge"
    )
    machine = one(data).machine
    assert (machine.usd_per_hour, machine.price_date) == (Decimal("1.25"), "2026-11-24")


def test_a_json_file_of_a_whole_run_is_taken_apart() -> None:
    """--benchmark-json with --aws: each benchmark is its own machine's, under the id that it has on every machine."""
    several = {
        "m5.large": {"hardware": {"vcpus": 2, "memory_bytes": 7}},
        "c5.large-spot-launch2": {"hardware": {"vcpus": 2, "memory_bytes": 9}},
    }
    data = result(
        benchmark(
            [1.0],
            "test_it[a-m5.large]",
            params={"aws_instance_type": "m5.large"},
            instance_type="m5.large",
            market="on-demand",
            launch=1,
        ),
        benchmark(
            [2.0],
            "test_it[c5.large-spot-launch2]",
            params={"aws_instance_type": "c5.large"},
            instance_type="c5.large",
            market="spot",
            launch=2,
        ),
        machine={"node": "several, see machines", "machines": several},
    )
    first, second = parse_records(data, "run.json", HOW)
    assert (first.case, first.machine.name, first.machine.memory_bytes) == (
        "tests/test_one.py::test_it[a]",
        "m5.large",
        7,
    )
    assert (second.case, second.machine.name) == ("tests/test_one.py::test_it", "c5.large spot")
    assert second.machine.memory_bytes == 9


def test_embedded_times_carry_it_in_their_machines_name() -> None:
    """And the sizes of the instance type, not of the machine that embedded AWS ran on."""
    data = result(
        benchmark([1.0], embedded=True), instance_type="m5.8xlarge", machine={"hardware": {"vcpus": 2, "cores": 2}}
    )
    machine = one(data).machine
    assert (machine.name, machine.vcpus, machine.cores) == ("m5.8xlarge (embedded)", 32, 16)


def test_another_smt_is_another_machine() -> None:
    """m5.4xlarge with ThreadsPerCore=1 has half the vCPUs, and is not merged with the usual one."""
    data = result(benchmark([1.0]), instance_type="m5.4xlarge", machine={"hardware": {"threads_per_core": 1}})
    assert one(data).machine.name == "m5.4xlarge with 1 thread a core"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"median": math.nan}, "stats.median"),
        ({"median": math.inf}, "stats.median"),
        ({"median": 0}, "stats.median"),
        ({"median": "1"}, "stats.median"),
        ({"median": True}, "stats.median"),
        ({"min": -1.0}, "stats.min"),
        ({"data": [1.0, math.nan]}, "stats.data"),
        ({"data": [1.0, None]}, "stats.data"),
        ({"data": [0.0]}, "stats.data"),
    ],
)
def test_a_time_that_is_none_is_refused_with_its_benchmark(change: dict[str, object], told: str) -> None:
    """Nothing is compared with NaN, infinity, nought or text."""
    bench = benchmark([1.0, 2.0])
    bench["stats"] |= change
    with pytest.raises(RecordError, match=f"test_it.*{told}"):
        parse_records(result(bench), "x", HOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PLACES = st.sampled_from(
    [
        ("machine_info",), ("machine_info", "cpu"), ("machine_info", "ec2"), ("machine_info", "hardware"),
        ("machine_info", "machines"), ("commit_info",), ("commit_info", "id"), ("benchmarks",), ("datetime",),
        ("benchmarks", 0), ("benchmarks", 0, "fullname"), ("benchmarks", 0, "params"), ("benchmarks", 0, "stats"),
        ("benchmarks", 0, "stats", "data"), ("benchmarks", 0, "stats", "rounds"), ("benchmarks", 0, "extra_info"),
        ("benchmarks", 0, "extra_info", "instance_type"), ("benchmarks", 0, "extra_info", "market"),
        ("benchmarks", 0, "extra_info", "launch"), ("benchmarks", 0, "extra_info", "usd_per_hour"),
        ("benchmarks", 0, "extra_info", "flags"), ("benchmarks", 0, "extra_info", "rows_per_second"),
        ("machine_info", "ec2", "instance_type"), ("benchmarks", 0, "extra_info", "instance_id"),
    ]
)  # fmt: skip


@given(PLACES, JSON)
def test_anything_anywhere_is_read_or_refused(place: tuple[Any, ...], value: object) -> None:
    """No value makes another error than RecordError, and what is read has times."""
    bench = benchmark([1.0], usd_per_hour=1.0, flags=[], market="spot", launch=2, rows_per_second=3.0)
    data = result(bench, instance_type="m5.large", machine={"hardware": {}, "machines": {}})
    node: Any = data
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    try:
        records = parse_records(data, "x", Reading(snapshot.catalog(), scale_parameter="scale"))
    except RecordError:
        return
    assert all(record.median > 0 and record.work > 0 and hash(record.machine) for record in records)


@given(st.lists(st.floats(1e-9, 1e6), min_size=1, max_size=500))
def test_thinned_rounds_keep_their_ends_and_order(data: list[float]) -> None:
    """At most MOST_ROUNDS, ascending, from the least to the greatest."""
    found = thin(data)
    assert len(found) == min(len(data), MOST_ROUNDS)
    assert (found[0], found[-1]) == (min(data), max(data))
    assert list(found) == sorted(found)
