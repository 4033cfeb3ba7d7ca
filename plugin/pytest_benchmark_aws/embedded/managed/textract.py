"""Amazon Textract: DetectDocumentText and AnalyzeDocument, by what a page says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.managed import pictures

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_benchmark_aws.embedded.aws_request import AwsRequest

_KINDS = ("png", "jpeg", "pdf", "tiff")
_WHOLE = [0.0, 0.0, 1.0, 1.0]


class _Page:
    """The blocks of one page, as they are added."""

    def __init__(self) -> None:
        self.blocks: list[dict[str, Any]] = []

    def add(self, kind: str, box: list[float], children: Iterable[str] = (), **members: Any) -> str:
        """Adds a block; returns its id."""
        block_id = f"{len(self.blocks):08d}-0000-4000-8000-000000000000"
        ids = list(children)
        related = [{"Type": "CHILD", "Ids": ids}] if ids else []
        related += members.pop("related", [])
        block = {"BlockType": kind, "Id": block_id, "Geometry": pictures.geometry(box), "Page": 1, **members}
        self.blocks.append({**block, **({"Relationships": related} if related else {})})
        return block_id

    def words(self, text: str, box: list[float]) -> list[str]:
        """Adds the words of a text, side by side in its box; returns their ids."""
        left, top, width, height = box
        parts, share = text.split(), width / max(1, len(text))
        ids, place = [], 0
        for part in parts:
            word = [left + place * share, top, len(part) * share, height]
            ids.append(self.add("WORD", word, Text=part, Confidence=99.0, TextType="PRINTED"))
            place += len(part) + 1
        return ids


def detect_document_text(request: AwsRequest) -> dict[str, Any]:
    """The answer to DetectDocumentText: the page, its lines, their words."""
    page = _Page()
    _lines(page, _content(request))
    return {"DocumentMetadata": {"Pages": 1}, "Blocks": page.blocks, "DetectDocumentTextModelVersion": "1.0"}


def analyze_document(request: AwsRequest) -> dict[str, Any]:
    """The answer to AnalyzeDocument, for tables and forms."""
    features = list(request.document["FeatureTypes"])
    if not features:
        raise AwsError("InvalidParameterException", "Request has invalid parameters: FeatureTypes is empty")
    if "QUERIES" in features and "QueriesConfig" not in request.document:
        raise AwsError("InvalidParameterException", "Request has invalid parameters: QUERIES needs QueriesConfig")
    page, shown = _Page(), _content(request)
    _lines(page, shown)
    if "TABLES" in features:
        for table in shown.get("tables", ()):
            _table(page, table)
    if "FORMS" in features:
        for key, value in shown.get("form", {}).items():
            _field(page, str(key), str(value))
    return {"DocumentMetadata": {"Pages": 1}, "Blocks": page.blocks, "AnalyzeDocumentModelVersion": "1.0"}


def _content(request: AwsRequest) -> dict[str, Any]:
    return pictures.content(
        request.document["Document"],
        _KINDS,
        AwsError("UnsupportedDocumentException", "Request has unsupported document format"),
        AwsError("BadDocumentException", "Request has bad document"),
    )


def _lines(page: _Page, shown: dict[str, Any]) -> None:
    lines = []
    for line in shown.get("lines", ()):
        box = list(line["box"])
        words = page.words(str(line["text"]), box)
        lines.append(page.add("LINE", box, words, Text=str(line["text"]), Confidence=99.0))
    page.add("PAGE", _WHOLE, lines)


def _table(page: _Page, rows: list[list[str]]) -> None:
    cells = []
    height, width = 1 / max(1, len(rows)), 1 / max(1, max(map(len, rows), default=1))
    for row, texts in enumerate(rows):
        for column, text in enumerate(texts):
            box = [column * width, row * height, width, height]
            place = {"RowIndex": row + 1, "ColumnIndex": column + 1, "RowSpan": 1, "ColumnSpan": 1}
            cells.append(page.add("CELL", box, page.words(str(text), box), Confidence=99.0, **place))
    page.add("TABLE", _WHOLE, cells, Confidence=99.0)


def _field(page: _Page, key: str, value: str) -> None:
    answer = page.add("KEY_VALUE_SET", _WHOLE, page.words(value, _WHOLE), EntityTypes=["VALUE"], Confidence=99.0)
    related = [{"Type": "VALUE", "Ids": [answer]}]
    words = page.words(key, _WHOLE)
    page.add("KEY_VALUE_SET", _WHOLE, words, EntityTypes=["KEY"], Confidence=99.0, related=related)
