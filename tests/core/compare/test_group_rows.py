"""A group of machines in the comparison: a machine of its own name, beside one of its type."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.compare.filters import parse_filter
from pytest_benchmark_aws.core.compare.records import Reading, parse_records
from pytest_benchmark_aws.core.compare.tables import compare_records, with_baselines
from pytest_benchmark_aws.core.values.node_ids import job_name
from pytest_benchmark_aws.predict.measured import cases_of
from pytest_benchmark_aws.report.columns import COLUMNS
from tests.result_files import benchmark, result

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.compare.records import Record
    from pytest_benchmark_aws.core.compare.rows import Row

HOW = Reading(snapshot.catalog(), scale_parameter="scale")


def launched(seconds: float, count: int = 1, **extra: Any) -> list[Record]:
    """A launch of m5.8xlarge, of one round."""
    more = {"count": count, "usd_per_hour": 1.536 * count} if count > 1 else {}
    bench = benchmark([seconds])
    data = result(bench, instance_type="m5.8xlarge", launch=f"i-{seconds}-{count}")
    for item in data["benchmarks"]:
        item["extra_info"] = {**item["extra_info"], **more, **extra}
    return parse_records(data, f"{seconds}-{count}.json", HOW)


def rows(*records: list[Record]) -> dict[str, Row]:
    (table,) = compare_records([record for part in records for record in part]).tables
    return {row.machine.name: row for row in table.rows}


def test_a_group_is_a_machine_of_its_own_name() -> None:
    """With the vCPUs, the memory and the price of all its machines."""
    found = rows(launched(100.0), launched(40.0, 4))
    assert set(found) == {"m5.8xlarge", "m5.8xlarge ×4"}
    one, group = found["m5.8xlarge"].machine, found["m5.8xlarge ×4"].machine
    assert (group.vcpus, group.cores, group.count) == (4 * (one.vcpus or 0), 4 * (one.cores or 0), 4)
    assert group.memory_bytes == 4 * (one.memory_bytes or 0)
    assert group.usd_per_hour == Decimal("6.144")
    assert group.single_name == one.name


def test_its_speed_up_and_its_usd_are_over_one_machine() -> None:
    """Two and a half times as fast, at 1.6 times the price."""
    group = rows(launched(100.0), launched(40.0, 4))["m5.8xlarge ×4"]
    assert group.speed_up == pytest.approx(2.5)
    assert group.usd_over_one == pytest.approx(1.6, rel=0.01)
    assert COLUMNS["speed-up"].shown(group) == "2.500 of 4 at 1.6 x USD"
    assert COLUMNS["type"].shown(group) == "m5.8xlarge ×4"


def test_a_group_is_found_by_the_name_that_its_tests_have() -> None:
    """Of ``--reference`` and ``--filter``, where its sign is on few keyboards; its machines are a number."""
    records = [*launched(100.0), *launched(40.0, 4)]
    for wanted in ("m5.8xlarge ×4", "m5.8xlarge-x4"):
        (table,) = compare_records(records, reference=wanted).tables
        assert [row.machine.count for row in table.rows if row.is_reference] == [4]
    kept = [[record.machine.count for record in records if parse_filter(text)(record)] for text in FILTERS]
    assert kept == [[4], [4], [1], [1], [4], [1, 4]]


FILTERS = ("type=m5.8xlarge-x4", "machine=*-x4", "type=m5.8xlarge", "machines=1", "machines>1", "type=m5.8xlarge*")


def test_without_the_one_machine_there_is_none() -> None:
    """Nor of one machine itself, nor over another market."""
    assert rows(launched(40.0, 4))["m5.8xlarge ×4"].speed_up is None
    found = rows(launched(100.0), launched(40.0, 4, market="spot"))
    assert [row.speed_up for row in found.values()] == [None, None]
    assert "m5.8xlarge ×4 spot" in found


def test_a_group_is_no_measurement_of_its_type() -> None:
    """Neither for a prediction, nor as a baseline of one machine."""
    from pytest_benchmark_aws.predict.model import table as machine_table
    from pytest_benchmark_aws.predict.model.machines import machines_of

    types = [snapshot.catalog().types["m5.8xlarge"]]
    machines = {machine.name: machine for machine in machines_of(types, machine_table.load())}
    (case,) = cases_of(launched(40.0, 4), machines, "mean")
    assert (case.measured, case.unknown) == ((), ("m5.8xlarge ×4",))
    (table,) = with_baselines(compare_records(launched(100.0)), launched(40.0, 4)).tables
    assert table.rows[0].baseline is None
    (table,) = with_baselines(compare_records(launched(50.0, 4)), launched(40.0, 4)).tables
    assert table.rows[0].baseline is not None


@pytest.mark.parametrize("count", [0, -3, 1, True, "4", 1e9, None, float("nan")])
def test_a_senseless_count_is_none(count: Any) -> None:
    """A file is anybody's."""
    data = result(benchmark([1.0]), instance_type="m5.8xlarge", launch="i-1")
    data["benchmarks"][0]["extra_info"]["count"] = count
    (record,) = parse_records(data, "x.json", HOW)
    assert (record.machine.name, record.machine.count) == ("m5.8xlarge", 1)


def test_the_name_of_its_job_has_the_count() -> None:
    """As its ids in the session end."""
    extra = {"instance_type": "m5.8xlarge", "count": 4, "market": "spot", "launch": 2}
    assert job_name(extra) == "m5.8xlarge-x4-spot-launch2"
    assert job_name({"instance_type": "m5.8xlarge", "count": 1, "launch": 1}) == "m5.8xlarge"
