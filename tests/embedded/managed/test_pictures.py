"""Textract and Rekognition, by real clients and by pictures that the benchmarks draw."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from benchmarks.services import drawing

if TYPE_CHECKING:
    from collections.abc import Callable

PNG = b"\x89PNG\r\n\x1a\n"


def texts(answer: dict[str, Any], kind: str) -> list[str]:
    """The texts of the blocks of a kind."""
    return [block["Text"] for block in answer["Blocks"] if block["BlockType"] == kind]


def without_description(said: bytes | None = None) -> bytes:
    """A white picture that says nothing of itself, or this."""
    header = struct.pack(">IIBBBBB", 100, 100, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\x00" + b"\xff" * 100) * 100)
    text = () if said is None else ((b"tEXt", b"Description\x00" + said),)
    return PNG + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), *text, (b"IDAT", pixels), (b"IEND", b""))
    )


def test_page_has_its_lines_and_words(client: Callable[..., Any]) -> None:
    """Lines hold their words, in boxes within the page."""
    page = drawing.page(["TOTAL DUE 451"])
    answer = client("textract").detect_document_text(Document={"Bytes": page})
    assert texts(answer, "LINE") == ["TOTAL DUE 451"]
    assert texts(answer, "WORD") == ["TOTAL", "DUE", "451"]
    assert answer["DocumentMetadata"]["Pages"] == 1
    for block in answer["Blocks"]:
        box = block["Geometry"]["BoundingBox"]
        assert 0 <= box["Left"] <= box["Left"] + box["Width"] <= 1
    words = {block["Id"]: block["Text"] for block in answer["Blocks"] if block["BlockType"] == "WORD"}
    [line] = [block for block in answer["Blocks"] if block["BlockType"] == "LINE"]
    assert [words[child] for child in line["Relationships"][0]["Ids"]] == ["TOTAL", "DUE", "451"]


@pytest.mark.parametrize("features", [["TABLES"], ["FORMS"], ["TABLES", "FORMS"]])
def test_features_are_those_asked_for(client: Callable[..., Any], features: list[str]) -> None:
    """Tables come with TABLES, keys and values with FORMS, neither without."""
    page = drawing.page(["A"], table=[["B", "C"]], form={"KEY": "VALUE"})
    answer = client("textract").analyze_document(Document={"Bytes": page}, FeatureTypes=features)
    kinds = {block["BlockType"] for block in answer["Blocks"]}
    assert ("TABLE" in kinds, "KEY_VALUE_SET" in kinds) == ("TABLES" in features, "FORMS" in features)


def test_page_that_says_nothing_is_empty(client: Callable[..., Any]) -> None:
    """Without a description embedded AWS sees nothing."""
    answer = client("textract").detect_document_text(Document={"Bytes": without_description()})
    assert [block["BlockType"] for block in answer["Blocks"]] == ["PAGE"]
    assert client("rekognition").detect_labels(Image={"Bytes": without_description()})["Labels"] == []
    assert client("rekognition").detect_faces(Image={"Bytes": without_description()})["FaceDetails"] == []


HOSTILE = (
    b"\xff", b"[" * 100_000, b"7", b"[1]", b'"a page"', b'{"lines": "a page", "labels": {}, "faces": 3}',
    b'{"lines": [{"text": 3, "box": [0, 0, 1, 1]}], "tables": [[1]], "form": ["a"], "faces": [[0, 0, 1]]}',
    b'{"lines": [{"text": "a", "box": [0, 0, 1, "x"]}], "labels": [{"name": "a"}], "faces": [[0, 0, 1, 1e999]]}',
    b'{"tables": [[["a"], "b"]], "labels": [{"name": "a", "boxes": [[true, 0, 1, 1]]}], "faces": [NaN]}',
)  # fmt: skip


@pytest.mark.parametrize("said", HOSTILE)
def test_description_of_another_kind_says_nothing(client: Callable[..., Any], said: bytes) -> None:
    """Anybody's picture may have one: it is a picture that shows nothing, and every request is answered."""
    picture = without_description(said)
    textract, rekognition = client("textract"), client("rekognition")
    assert texts(textract.detect_document_text(Document={"Bytes": picture}), "LINE") == []
    answer = textract.analyze_document(Document={"Bytes": picture}, FeatureTypes=["TABLES", "FORMS"])
    assert {block["BlockType"] for block in answer["Blocks"]} == {"PAGE"}
    assert rekognition.detect_labels(Image={"Bytes": picture})["Labels"] == []
    assert rekognition.detect_faces(Image={"Bytes": picture})["FaceDetails"] == []


@pytest.mark.parametrize("cut", range(8, 64, 3))
def test_torn_picture_is_refused_or_shows_nothing(client: Callable[..., Any], cut: int) -> None:
    """Wherever it ends; nothing breaks."""
    picture = drawing.page(["A"])[:cut]
    codes, lines = [], []
    try:
        lines = texts(client("textract").detect_document_text(Document={"Bytes": picture}), "LINE")
    except ClientError as error:
        codes.append(error.response["Error"]["Code"])
    assert (codes, lines) in ((["BadDocumentException"], []), ([], []))


@pytest.mark.parametrize(
    ("document", "features", "code"),
    [
        ({"Bytes": b"no picture"}, ["TABLES"], "UnsupportedDocumentException"),
        ({"Bytes": PNG + b"\x00"}, ["TABLES"], "BadDocumentException"),
        ({"Bytes": PNG + bytes(10 * 2**20)}, ["TABLES"], "ValidationException"),
        ({"Bytes": b""}, ["TABLES"], "ValidationException"),
        ({"S3Object": {"Bucket": "bucket", "Name": "key"}}, ["TABLES"], "InvalidS3ObjectException"),
        ({"Bytes": b"%PDF-1.7"}, [], "InvalidParameterException"),
        ({"Bytes": b"%PDF-1.7"}, ["QUERIES"], "InvalidParameterException"),
        ({"Bytes": b"%PDF-1.7"}, ["MAGIC"], "ValidationException"),
    ],
)
def test_limits_of_textract(
    client: Callable[..., Any],
    refused: Callable[..., tuple[str, str]],
    document: dict[str, Any],
    features: list[str],
    code: str,
) -> None:
    """What passes a limit is refused by its code, without its bytes in the message."""
    answered, message = refused(client("textract").analyze_document, Document=document, FeatureTypes=features)
    assert answered == code
    assert len(message) < 1000


def test_labels_and_faces_are_those_drawn(client: Callable[..., Any]) -> None:
    """A face and a ball, the face where it was drawn."""
    picture = {"Bytes": drawing.face()}
    labels = client("rekognition").detect_labels(Image=picture)["Labels"]
    assert [label["Name"] for label in labels] == ["Face", "Sphere"]
    [face] = client("rekognition").detect_faces(Image=picture)["FaceDetails"]
    assert face["BoundingBox"]["Left"] == pytest.approx(70 / 640, abs=0.001)


@pytest.mark.parametrize(
    ("more", "count"), [({"MaxLabels": 1}, 1), ({"MinConfidence": 99.0}, 0), ({"MaxLabels": 0}, 0)]
)
def test_labels_are_as_many_and_as_sure_as_asked(client: Callable[..., Any], more: dict[str, Any], count: int) -> None:
    """MaxLabels and MinConfidence hold."""
    assert len(client("rekognition").detect_labels(Image={"Bytes": drawing.face()}, **more)["Labels"]) == count


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (b"%PDF-1.7", "InvalidImageFormatException"),
        (b"", "ValidationException"),
        (PNG + bytes(5 * 2**20), "ValidationException"),
    ],
)
@pytest.mark.parametrize("operation", ["detect_labels", "detect_faces"])
def test_limits_of_rekognition(
    client: Callable[..., Any],
    refused: Callable[..., tuple[str, str]],
    operation: str,
    picture: bytes,
    code: str,
) -> None:
    """What passes a limit is refused by its code."""
    assert refused(getattr(client("rekognition"), operation), Image={"Bytes": picture})[0] == code
