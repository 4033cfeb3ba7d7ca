"""Predictions as a table, Markdown, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.instance_type_names import SAGEMAKER_PREFIX, ec2_name
from pytest_benchmark_aws.core.values.durations import format_seconds
from pytest_benchmark_aws.core.values.usd import format_run_usd
from pytest_benchmark_aws.predict.measured import LEAST_LAUNCHES
from pytest_benchmark_aws.report.formats.csv import cell
from pytest_benchmark_aws.report.formats.markdown import escaped
from pytest_benchmark_aws.report.formats.text import Paint
from pytest_benchmark_aws.report.text import aligned, printable

if TYPE_CHECKING:
    from pytest_benchmark_aws.predict.answer import NextProbe, PredictedRow, Prediction

SCHEMA = 1
"""Grows when a key changes its meaning; new keys may appear without."""
MEASURED, PREDICTED = "●", "○"


@dataclass(frozen=True, slots=True)
class Shown:
    """What of the predictions is shown, and what is said below."""

    predictions: Sequence[Prediction]
    top: int | None
    """Rows of a table; measured ones are shown besides, and SageMaker's with the same machine of EC2. None: all."""
    notes: Sequence[str]


def _usd(value: float | None) -> str:
    return "-" if value is None else format_run_usd(Decimal(repr(value)))


def percent(share: float) -> str:
    """A chance: ``36 %``, ``<1 %``, and a dash for none."""
    return "-" if share == 0 else "<1 %" if share < 0.01 else f"{share:.0%}".replace("%", " %")


def _interval(row: PredictedRow, shown: Callable[[float], str]) -> str:
    """Of one launch nobody knows how far another would be from it, and of two hardly."""
    return "-" if row.measured and row.launches < LEAST_LAUNCHES else f"{shown(row.low)} - {shown(row.high)}"


def _basis(row: PredictedRow) -> str:
    if row.measured:
        return f"measured, {row.launches} launch{'es' if row.launches > 1 else ''}"
    return "predicted" if row.machine.basis == "measured" else f"predicted, {row.machine.basis}"


_COLUMNS: tuple[tuple[str, Callable[[PredictedRow], str]], ...] = (
    ("instance type", lambda row: f"{MEASURED if row.measured else PREDICTED} {row.machine.name}"),
    ("vCPUs", lambda row: str(row.machine.vcpus)),
    ("time", lambda row: format_seconds(row.seconds)),
    ("95 % interval", lambda row: _interval(row, format_seconds)),
    ("USD/run", lambda row: _usd(row.usd_run)),
    ("95 % interval", lambda row: _interval(row, lambda seconds: _usd(row.usd(seconds)))),
    ("cheapest", lambda row: percent(row.cheapest)),
    ("fastest", lambda row: percent(row.fastest)),
    ("basis", _basis),
)
_LEFT = {0, 3, 5, 8}


def lines_of(shown: Shown) -> Iterator[tuple[str, Paint]]:
    """The lines of the tables with the name of their colour."""
    for prediction in shown.predictions:
        yield "", ""
        yield printable(_title(prediction)), "bold"
        yield from table_lines(prediction.rows, shown.top)
        left = len(prediction.rows) - len(_top(prediction.rows, shown.top))
        if left:
            yield f"  {left:,} more: --top 0, or --format csv or json", ""
        for step in prediction.next:
            yield f"  → next {printable(step.machine.name)}, about {_usd(step.usd)} USD: {step.why}", "cyan"
        for note in prediction.notes:
            yield f"  {printable(note)}", "yellow" if note.startswith("!") else ""
    yield "", ""
    for note in shown.notes:
        yield f"  {printable(note)}", ""


def table_lines(rows: Sequence[PredictedRow], top: int | None) -> Iterator[tuple[str, Paint]]:
    """The table of the rows, of which ``top`` are shown beside the measured ones; nothing without any."""
    listed = _top(rows, top)
    if not listed:
        return
    best = next((row for row in rows if row.candidate), None)
    cells = [[title for title, _ in _COLUMNS], *([show(row) for _, show in _COLUMNS] for row in listed)]
    marks = [" ", *("▸" if row is best else " " for row in listed)]
    table = [f"{mark} {line}" for mark, line in zip(marks, aligned(cells, left=_LEFT), strict=True)]
    yield table[0], ""
    yield "─" * max(map(len, table)), ""
    for line, row in zip(table[1:], listed, strict=True):
        yield line, "cyan" if row is best else ""


def _title(prediction: Prediction) -> str:
    if prediction.case is None:
        return "nothing measured yet: what to begin with"
    return prediction.case + (f" at {prediction.scale}" if prediction.scale else "")


def _top(rows: Sequence[PredictedRow], top: int | None) -> list[PredictedRow]:
    twins = {ec2_name(row.machine.name) for row in rows if row.machine.name.startswith(SAGEMAKER_PREFIX)}
    return [
        row
        for place, row in enumerate(rows)
        if top is None or place < top or row.measured or ec2_name(row.machine.name) in twins
    ]


def markdown(shown: Shown) -> str:
    """A heading and a table for each case."""
    lines = []
    for prediction in shown.predictions:
        lines += [f"### {escaped(_title(prediction))}", ""]
        rows = _top(prediction.rows, shown.top)
        if rows:
            lines.append("| " + " | ".join(title for title, _ in _COLUMNS) + " |")
            lines.append("|" + "|".join(" :-- " if place in _LEFT else " --: " for place in range(len(_COLUMNS))) + "|")
            lines += ["| " + " | ".join(escaped(show(row)) for _, show in _COLUMNS) + " |" for row in rows]
            lines.append("")
        lines += [
            f"- → next {escaped(step.machine.name)}, about {_usd(step.usd)} USD: {escaped(step.why)}"
            for step in prediction.next
        ]
        lines += ["", *(f"<sub>{escaped(note)}</sub><br>" for note in prediction.notes), ""]
    lines += [f"<sub>{escaped(note)}</sub><br>" for note in shown.notes]
    return "\n".join(lines).rstrip() + "\n"


def as_csv(shown: Shown) -> str:
    """A row for each case and instance type; seconds and USD."""
    out = io.StringIO()
    names = [
        "case", "scale", "instance_type", "vcpus", "seconds", "low", "high", "usd_run", "usd_low", "usd_high",
        "cheapest", "fastest", "measured", "basis",
    ]  # fmt: skip
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    for prediction in shown.predictions:
        for row in prediction.rows:
            values = _row(row)
            writer.writerow(
                {"case": cell(prediction.case), "scale": cell(prediction.scale)}
                | {name: "" if values[name] is None else values[name] for name in names[2:]}
            )
    return out.getvalue()


def as_json(shown: Shown) -> str:
    """``{"schema", "cases": [{"case", "scale", "probes", "rows": [...], "next": [...], "notes"}], "notes"}``."""
    data = {
        "schema": SCHEMA,
        "cases": [
            {
                "case": prediction.case,
                "scale": prediction.scale,
                "embedded": prediction.embedded,
                "probes": [measured.probe.machine.name for measured in prediction.probes],
                "rows": [_row(row) for row in prediction.rows],
                "next": [_next(step) for step in prediction.next],
                "notes": list(prediction.notes),
            }
            for prediction in shown.predictions
        ],
        "notes": list(shown.notes),
    }
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _row(row: PredictedRow) -> dict[str, Any]:
    return {
        "instance_type": row.machine.name,
        "vcpus": row.machine.vcpus,
        "seconds": row.seconds,
        "low": row.low,
        "high": row.high,
        "usd_run": row.usd_run,
        "usd_low": row.usd(row.low),
        "usd_high": row.usd(row.high),
        "cheapest": row.cheapest,
        "fastest": row.fastest,
        "measured": row.measured,
        "candidate": row.candidate,
        "basis": "measured" if row.measured else "model" if row.machine.basis == "measured" else row.machine.basis,
    }


def _next(step: NextProbe) -> dict[str, Any]:
    return {"instance_type": step.machine.name, "usd": step.usd, "why": step.why}
