"""A comparison as lines for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.core.compare.tables import compare_records
from pytest_benchmark_aws.report import columns
from pytest_benchmark_aws.report.formats import sentences
from pytest_benchmark_aws.report.formats.text import lines_of, render
from pytest_benchmark_aws.report.formats.view import View
from pytest_benchmark_aws.report.text import printable
from tests.report import made

if TYPE_CHECKING:
    from collections.abc import Sequence

TYPES = ("m5.2xlarge", "c7g.2xlarge")


def view_of(tests: Sequence[str] = ("test_sum",), **rest: Any) -> View:
    """Two machines' results of these tests."""
    tables = compare_records(made.records(types=TYPES, commits=1, tests=tests, threads=(1,))).tables
    by_test = columns.COLUMNS["test"]
    parts = columns.sections(tables, by_test, None)
    return View(parts, columns.default_columns(parts, by_test), "median", ["a note", "! a warning"], **rest)


@given(st.text())
def test_nothing_printed_steers_the_terminal(text: str) -> None:
    """Whatever a name holds, what is written is printable."""
    assert all(char.isprintable() for char in printable(text))


def test_columns_are_aligned() -> None:
    """Numbers end below the end of their column's title, texts begin below its beginning."""
    header, _, *rows = [line for line, _ in lines_of(view_of())][2:6]
    for row in rows:
        assert row[header.index("machine") - 1] == " "
        assert row[: header.index("USD/hour") + len("USD/hour")].split()[-1].startswith("0.")
        assert row[: header.index("launches") + len("launches")].endswith(" 5")
        assert row[header.index("95 % interval") - 1] == " "


def test_the_best_stand_out_with_a_glyph_and_a_colour() -> None:
    """The fastest and the cheapest; where a machine is named, its rows alone."""
    rows = {line[2:].split()[0]: (line[0], paint) for line, paint in lines_of(view_of()) if "2xlarge" in line}
    assert rows == {"c7g.2xlarge": ("▸", "cyan"), "m5.2xlarge": (" ", "")}
    rows = {line[2:].split()[0]: line[0] for line, _ in lines_of(view_of(accent="m5.2xlarge")) if "2xlarge" in line}
    assert rows == {"c7g.2xlarge": " ", "m5.2xlarge": "▸"}


def test_warnings_among_the_notes_are_yellow() -> None:
    """They begin with their glyph."""
    assert list(lines_of(view_of()))[-2:] == [("  a note", ""), ("  ! a warning", "yellow")]
    assert "\x1b" not in render(view_of(), colour=False)
    assert "\x1b[33m  ! a warning\x1b[0m" in render(view_of(), colour=True)


def test_the_verdict_over_all_tests_stands_above_the_tables() -> None:
    """Which machine is the best of most tests, and of how many each is; with one test there is nothing to sum up."""
    tests = ("test_sum", "test_sort", "test_find")
    tables = compare_records(made.records(types=TYPES, commits=1, tests=tests, threads=(1,))).tables
    verdict = sentences.verdict(tables)
    assert verdict == [
        "▸ fastest and cheapest in all 3 tests: c7g.2xlarge",
        "  machine      fastest  cheapest  on the front  tests",
        "  c7g.2xlarge        3         3             3      3",
        "  m5.2xlarge         0         0             0      3",
    ]
    lines = list(lines_of(view_of(tests, verdict=["3 tests", *verdict])))
    assert lines[:3] == [("", ""), ("3 tests", "bold"), (verdict[0], "cyan")]
    assert sentences.verdict(tables[:1]) == []
