"""docs/faults.md: each row that was mended has a test by its number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = re.findall(r"^\| ([A-M]\d*)\b[^|]* \| (?!Not done)", (ROOT / "docs/faults.md").read_text(), re.MULTILINE)
TESTS = {
    name for path in (ROOT / "tests").rglob("*.py") for name in re.findall(r"def (test_[a-m]\d*_\w+)", path.read_text())
}


def test_the_table_has_each_kind() -> None:
    """A to M."""
    assert {row[0] for row in ROWS} == set("ABCDEFGHIJKLM")


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_a_test_by_its_number(row: str) -> None:
    """As in ``test_c10_e3_what_would_not_be_the_same_is_refused``."""
    assert any(re.match(rf"test_(?:[a-m]\d*_)*{row.lower()}_", name) for name in TESTS)
