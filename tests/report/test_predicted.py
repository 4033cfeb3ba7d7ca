"""Predictions as files."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from pytest_benchmark_aws.predict import answer
from pytest_benchmark_aws.report.predicted import Shown, as_csv
from tests.predict.machines_here import prior, results, some


@pytest.mark.parametrize("case", ["=1+1", "\u2212cmd", "\uff1dA1", " @a"])
def test_no_name_of_a_test_is_a_formula_of_a_spreadsheet(case: str) -> None:
    """As in a comparison's CSV: behind blanks, in full width, with any minus sign."""
    prediction = answer.predict_case(prior(), results(m5_large=1.0), some(3), "usd", 0)
    shown = Shown([replace(prediction, case=case)], None, ())
    assert {row["case"] for row in csv.DictReader(io.StringIO(as_csv(shown)))} == {f"'{case}"}
