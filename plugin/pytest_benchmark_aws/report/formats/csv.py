"""The comparison as CSV (RFC 4180): a row for each machine, numbers in seconds, bytes and USD."""

from __future__ import annotations

import csv
import io
import unicodedata
from decimal import Decimal

from pytest_benchmark_aws.core.compare.rows import Row
from pytest_benchmark_aws.report.columns import COLUMNS, Value
from pytest_benchmark_aws.report.formats.view import View
from pytest_benchmark_aws.report.text import printable

_FORMULA = ("=", "+", "-", "@", "\u2212")
"""What a formula begins with in one of the spreadsheets, behind blanks too, in full width too."""
_PARTS = {"spread": ("min", "max"), "interval": ("interval-low", "interval-high", "verdict")}
"""Columns that hold several values -> a column for each."""


def render(view: View) -> str:
    """The columns by their names; ``test`` is always among them, as a file has no sections."""
    names = [part for column in view.columns for part in _PARTS.get(column.name, (column.name,))]
    names = list(dict.fromkeys(names if "test" in names else ["test", *names]))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for section in view.sections:
        for row in section.rows:
            writer.writerow([cell(_value(row, name)) for name in names])
    return out.getvalue()


def _value(row: Row, name: str) -> Value:
    if name.startswith("interval-"):
        ends = (None, None) if row.speed is None or row.is_reference else (row.speed.low, row.speed.high)
        return ends[name == "interval-high"]
    return COLUMNS[name].value(row)


def cell(value: Value) -> str:
    """A value as it stands in a file; what a spreadsheet would run as a formula is a text (OWASP, CSV Injection)."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:.9f}"
    if isinstance(value, int | float):
        return repr(value)
    text = printable(value)  # which a terminal may show
    return f"'{text}" if unicodedata.normalize("NFKC", text).lstrip().startswith(_FORMULA) else text
