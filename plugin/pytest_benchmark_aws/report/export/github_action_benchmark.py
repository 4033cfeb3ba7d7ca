"""github-action-benchmark's ``customSmallerIsBetter``, for its input ``output-file-path``.

Source: benchmark-action/github-action-benchmark: README.md, "Custom benchmarks"; ``src/extract.ts`` reads an array of
``name``, ``value``, ``unit`` and, if there, ``range`` and ``extra``, and refuses an empty one; ``src/write.ts`` finds
the former value by ``name`` and alerts by the ratio of values; ``src/extractRangeInfo.ts`` reads a range of the form
``± number``; ``src/default_index_html.ts`` shows ``extra`` below a point, line by line.

Decided here: the value is seconds, always, so that two reports have one unit; the range is half the interquartile
range. Less is better of everything in such a file, so that money is a benchmark of its own in it and throughput is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.report.export.measurements import Export, measured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_benchmark_aws.core.compare.records import Record
    from pytest_benchmark_aws.report.export.measurements import Measured


def export(records: Sequence[Record]) -> Export:
    """An array of benchmarks: the time of each, and what a run of it costs."""
    found, lost = measured(records)
    rated = sum(one.rate is not None for one in found)
    if rated:
        lost.append(f"the throughput of {rated:,} results but as text: less is better of every value in this format")
    return Export({"": [entry for one in found for entry in _entries(one)]}, len(found), tuple(lost))


def _entries(one: Measured) -> Iterator[dict[str, Any]]:
    extra = "\n".join(one.details)
    entry: dict[str, Any] = {"name": one.name, "unit": "s", "value": one.seconds, "extra": extra}
    if one.quartiles is not None:
        low, high = one.quartiles
        entry["range"] = f"± {(high - low) / 2:.6g}"
    yield entry
    if one.usd is not None:
        yield {"name": f"{one.name}, USD a run", "unit": "USD", "value": float(one.usd), "extra": extra}
