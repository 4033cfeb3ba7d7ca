"""Bencher Metric Format, for ``bencher run --adapter json --file PATH``.

Sources: bencher.dev, "Bencher Metric Format (BMF)" (docs/reference/bencher-metric-format) with its JSON schema
https://bencher.dev/bmf.json, version 0 of the format; "How to Track Custom Benchmarks" (docs/how-to): latency is in
nanoseconds, throughput in operations a second, a measure that does not exist yet is made. bencherdev/bencher:
``lib/bencher_adapter/src/adapters/json/v0.rs`` reads it, ``lib/bencher_valid/src/benchmark_name.rs`` limits names to
1,024 bytes.

Decided here: ``lower_value`` and ``upper_value`` are the first and the third quartile of a launch's rounds, means over
launches where there are several, and left out of a single round. Bencher's own adapter for pytest-benchmark
(``adapters/python/pytest.rs``) takes the median less and plus the whole interquartile range, beyond what was measured;
a confidence interval would need several launches, which most files do not have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from pytest_benchmark_aws.core.compare.records import Record
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.report.export.measurements import Export, Measurement, measurements, shortened, unique_names

LONGEST_NAME = 1024
"""Bytes that Bencher takes."""
LONGEST_MEASURE = 64
USD = "usd-per-run"


def export(records: Sequence[Record]) -> Export:
    """One JSON object: benchmark -> measure -> values."""
    measured, lost = measurements(records)
    names = unique_names({item.name: shortened(item.name, LONGEST_NAME - 16) for item in measured})
    lost.append("the commit: give bencher run --hash; and how many rounds and launches a value is of")
    return Export({"": {names[item.name]: _measures(item) for item in measured}}, len(measured), tuple(lost))


def _measures(measurement: Measurement) -> dict[str, dict[str, float]]:
    measures = {
        "latency": _values(measurement, lambda seconds: seconds * 1e9),
        "throughput": _values(measurement, lambda seconds: 1 / seconds),
    }
    if measurement.rate is not None:
        work = measurement.rate * measurement.seconds
        measures[measure_name(f"{measurement.unit} per second")] = _values(measurement, lambda seconds: work / seconds)
    price = measurement.row.machine.usd_per_hour
    if price is not None:
        measures[USD] = _values(measurement, lambda seconds: float(usd(price, seconds)))
    return measures


def _values(measurement: Measurement, of: Callable[[float], float]) -> dict[str, float]:
    values: dict[str, Any] = {"value": of(measurement.seconds)}
    if measurement.quartiles is not None:
        values["lower_value"], values["upper_value"] = sorted(map(of, measurement.quartiles))
    return values


def measure_name(text: str) -> str:
    """A measure's slug: ``row-trees-per-second``."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[-LONGEST_MEASURE:].strip("-")
