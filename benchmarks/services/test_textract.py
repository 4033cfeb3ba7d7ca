"""Amazon Textract: the words, tables and forms of a page that is drawn here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.services import drawing, tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.session.services.measure import ManagedService

LINES = ["RECEIPT 2026", "TOTAL DUE 451"]
TABLE = [["PART", "HOURS"], ["STEEL", "12"], ["GLASS", "75"]]
FORM = {"CITY": "PARIS", "AREA": "PORT"}
"""All of letters that, so drawn, tesseract tells apart."""


def _words(answer: dict[str, Any]) -> set[str]:
    return {block["Text"].upper().strip(":") for block in answer["Blocks"] if block["BlockType"] == "WORD"}


def _text(answer: dict[str, Any], block: dict[str, Any]) -> str:
    """The words below a block."""
    blocks = {each["Id"]: each for each in answer["Blocks"]}
    ids = [child for each in block.get("Relationships", ()) if each["Type"] == "CHILD" for child in each["Ids"]]
    return " ".join(blocks[child].get("Text", "") for child in ids).upper().strip(":")


@pytest.mark.aws_service("textract", price="textract.text")
def test_detect_document_text(service: Callable[[str], ManagedService]) -> None:
    """Each word that was drawn is found."""
    page = drawing.page(LINES)
    answer = service("textract").time(
        lambda textract: textract.detect_document_text(Document={"Bytes": page}),
        {
            "operation": "DetectDocumentText",
            "pages": 1,
            "page_bytes": len(page),
            "service_task": tasks.PAGE,
        },
    )
    assert _words(answer) >= {word for line in LINES for word in line.split()}


@pytest.mark.aws_service("textract", price="textract.tables", rounds=10)
def test_tables(service: Callable[[str], ManagedService]) -> None:
    """The cells of the drawn table are found in their rows and columns."""
    page = drawing.page(LINES, table=TABLE)
    answer = service("textract").time(
        lambda textract: textract.analyze_document(Document={"Bytes": page}, FeatureTypes=["TABLES"]),
        {"operation": "AnalyzeDocument", "feature": "TABLES", "pages": 1, "page_bytes": len(page)},
    )
    cells = {
        (block["RowIndex"], block["ColumnIndex"]): _text(answer, block)
        for block in answer["Blocks"]
        if block["BlockType"] == "CELL"
    }
    assert cells == {(row, column): TABLE[row - 1][column - 1] for row in (1, 2, 3) for column in (1, 2)}


@pytest.mark.aws_service("textract", price="textract.forms", rounds=5)
def test_forms(service: Callable[[str], ManagedService]) -> None:
    """The keys of the drawn form are found with their values."""
    page = drawing.page(LINES, form=FORM)
    answer = service("textract").time(
        lambda textract: textract.analyze_document(Document={"Bytes": page}, FeatureTypes=["FORMS"]),
        {"operation": "AnalyzeDocument", "feature": "FORMS", "pages": 1, "page_bytes": len(page)},
    )
    blocks = {block["Id"]: block for block in answer["Blocks"]}
    found = {}
    for block in answer["Blocks"]:
        if "KEY" in block.get("EntityTypes", ()):
            values = [each["Ids"][0] for each in block["Relationships"] if each["Type"] == "VALUE"]
            found[_text(answer, block)] = _text(answer, blocks[values[0]])
    assert found.items() >= FORM.items()
