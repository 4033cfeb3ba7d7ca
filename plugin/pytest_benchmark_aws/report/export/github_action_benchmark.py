"""github-action-benchmark's ``customSmallerIsBetter``, for its input ``output-file-path``.

Source: benchmark-action/github-action-benchmark: README.md, "Custom benchmarks"; ``src/extract.ts`` reads an array of
``name``, ``value``, ``unit`` and, if there, ``range`` and ``extra``, and refuses an empty one; ``src/write.ts`` finds
the former value by ``name`` and alerts by the ratio of values; ``src/extractRangeInfo.ts`` reads a range of the form
``± number``; ``src/default_index_html.ts`` shows ``extra`` below a point, line by line.

Decided here: the value is seconds, always, so that two reports have one unit; the range is half the interquartile
range. Less is better of everything in such a file, so that money is a benchmark of its own in it and throughput is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pytest_benchmark_aws.core.compare.records import Record
from pytest_benchmark_aws.report.export.measurements import Export, Measurement, measurements


def export(records: Sequence[Record]) -> Export:
    """An array of benchmarks: the time of each, and what a run of it costs."""
    measured, lost = measurements(records)
    rated = sum(measurement.rate is not None for measurement in measured)
    if rated:
        lost.append(f"the throughput of {rated:,} results but as text: less is better of every value in this format")
    entries = [entry for measurement in measured for entry in _entries(measurement)]
    return Export({"": entries}, len(measured), tuple(lost))


def _entries(measurement: Measurement) -> Iterator[dict[str, Any]]:
    extra = "\n".join(measurement.details)
    entry: dict[str, Any] = {"name": measurement.name, "unit": "s", "value": measurement.seconds, "extra": extra}
    if measurement.quartiles is not None:
        low, high = measurement.quartiles
        entry["range"] = f"± {(high - low) / 2:.6g}"
    yield entry
    if measurement.usd is not None:
        yield {"name": f"{measurement.name}, USD a run", "unit": "USD", "value": float(measurement.usd), "extra": extra}
