"""Managed services in a comparison: each region is a machine, a request has a price, a task is one case."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.compare.records import Reading, parse_records
from pytest_benchmark_aws.core.compare.tables import compare_records
from pytest_benchmark_aws.report.formats import sentences


def bench(name: str, median: float, **extra: Any) -> dict[str, Any]:
    """A benchmark as pytest-benchmark writes it."""
    stats = {"median": median, "mean": median, "min": median, "max": median, "rounds": 5}
    region = extra.get("region")
    return {
        "fullname": f"test_it.py::{name}[{region}]" if region else f"test_it.py::{name}",
        "name": name,
        "params": {"aws_service": region} if region else None,
        "stats": stats,
        "extra_info": extra,
    }


def polly(region: str, median: float, usd: float | None, **more: Any) -> dict[str, Any]:
    """A result of Polly."""
    priced = {} if usd is None else {"usd_per_request": usd, "price_date": "2026-10-07"}
    return bench("test_speak", median, service="polly", region=region, latencies_s=[median], **priced, **more)


def tables(*benches: dict[str, Any]) -> Any:
    """The tables of one file."""
    document = {"benchmarks": list(benches), "machine_info": {"node": "here"}, "datetime": "2026-11-28T00:00:00"}
    return compare_records(parse_records(document, "file.json", Reading(catalog()))).tables


def test_regions_stand_side_by_side() -> None:
    """One case, a row for each region, without the machine that asked."""
    [table] = tables(polly("us-east-1", 0.2, 0.0016), polly("eu-west-1", 0.1, None))
    assert table.case == "test_it.py::test_speak"
    assert [row.machine.name for row in table.rows] == ["polly in eu-west-1", "polly in us-east-1"]
    assert [row.run_usd for row in table.rows] == [None, Decimal("0.0016")]
    assert table.rows[1].machine.price_date == "2026-10-07"
    assert table.rows[1].machine.vcpus is None


def test_request_costs_the_same_however_long_it_takes() -> None:
    """A slower region costs no more; of equals the faster is on the front."""
    [table] = tables(polly("us-east-1", 0.2, 0.0016), polly("eu-west-1", 0.1, 0.0016))
    assert {row.run_usd for row in table.rows} == {Decimal("0.0016")}
    assert [row.choice for row in table.rows] == [("fastest", "cheapest", "front"), ("cheapest",)]


def test_variants_and_embedded_are_rows_of_their_own() -> None:
    """By their names."""
    [table] = tables(
        polly("us-east-1", 0.2, 0.0016, variant="neural"),
        polly("us-east-1", 0.1, 0.0004, variant="standard", embedded=True),
    )
    names = {row.machine.name for row in table.rows}
    assert names == {"polly neural in us-east-1", "polly standard in us-east-1 (embedded)"}


def test_model_of_ones_own_is_of_the_same_task() -> None:
    """A service and a program here are one case by service_task; break-even is said in requests a day."""
    [table] = tables(
        polly("us-east-1", 0.2, 0.0016, service_task="speech"),
        bench("test_local", 0.05, service_task="speech", instance_type="m5.large", usd_per_hour=0.096),
    )
    assert table.case == "speech"
    [line] = sentences.per_day(table)
    assert line.startswith("m5.large (0.0960 USD/hour, on all day) is cheaper than polly in us-east-1")
    assert line.endswith("from 1,440 requests a day on")


@pytest.mark.parametrize(("seconds", "said"), [(59.0, "from 1,440 requests"), (61.0, "for no number of requests")])
def test_machine_that_is_too_slow_is_never_cheaper(seconds: float, said: str) -> None:
    """It does fewer requests a day than are due."""
    [table] = tables(
        polly("us-east-1", 0.2, 0.0016, service_task="speech"), bench("test_local", seconds, service_task="speech")
    )
    assert sentences.per_day(table) == []
    [line] = sentences.per_day(table, "m5.large", Decimal("0.096"))
    assert said in line


def test_named_machine_needs_a_measurement() -> None:
    """Without a result of the same task nobody knows that a machine can do it."""
    [table] = tables(polly("us-east-1", 0.2, 0.0016))
    assert sentences.per_day(table, "m5.large", Decimal("0.096")) == []


def test_users_own_service_key_means_nothing() -> None:
    """extra_info of other benchmarks is theirs: only what this plugin measured is a managed service."""
    [table] = tables(bench("test_mine", 1.0, service="checkout", region="somewhere"))
    assert table.rows[0].machine.name == "here"
    assert table.case == "test_it.py::test_mine[somewhere]"
