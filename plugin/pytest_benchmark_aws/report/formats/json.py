"""The comparison as JSON: every column of every row, in seconds, bytes and USD."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from pytest_benchmark_aws.core.compare.rows import Row
from pytest_benchmark_aws.report.columns import COLUMNS, Value
from pytest_benchmark_aws.report.formats.view import View

SCHEMA = 1
"""Grows when a key changes its meaning; new keys may appear without."""


def render(view: View) -> str:
    """``{"schema", "sections": [{"title", "unit", "rows": [...]}], "answers", "gate", "notes", "refused"}``."""
    data = {
        "schema": SCHEMA,
        "statistic": view.how,
        "sections": [
            {"title": section.title, "unit": section.unit, "rows": [_row(row) for row in section.rows]}
            for section in view.sections
        ],
        "answers": {case: list(lines) for case, lines in view.answers.items()},
        "gate": list(view.gate),
        "notes": list(view.notes),
        "refused": list(view.refused),
    }
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _row(row: Row) -> dict[str, Any]:
    cells: dict[str, Any] = {name: _number(column.value(row)) for name, column in COLUMNS.items()}
    cells["spread"] = [row.low, row.high]
    cells["interval"] = None if row.speed is None or row.speed.low is None else [row.speed.low, row.speed.high]
    cells |= {"choice": list(row.choice), "flags": list(row.flags), "reference": row.is_reference}
    cells |= {"embedded": row.machine.embedded, "published": row.machine.published, "projected": row.projected}
    cells |= {"commit": row.commit.id or None, "dirty": row.commit.dirty}
    cells["files"] = sorted({record.source for record in row.records})
    return cells


def _number(value: Value) -> Any:
    return float(value) if isinstance(value, Decimal) else value
