"""Pictures as Textract and Rekognition take them: what is refused, and what a picture shows by its description."""

from __future__ import annotations

from typing import Any

from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.managed.described import Described, described


def content(picture: dict[str, Any], kinds: tuple[str, ...], refused: AwsError, bad: AwsError) -> dict[str, Any]:
    """The description in the bytes of a picture, which is ``refused`` for its kind, or as ``bad`` where it is none."""
    if "Bytes" not in picture:
        raise AwsError("InvalidS3ObjectException", "Unable to get object metadata from S3: give Bytes to embedded AWS.")
    shown = described(picture["Bytes"])
    if shown.kind not in kinds:
        raise refused
    if shown.kind == "png" and not (shown.width and shown.height):
        raise bad
    return _checked(shown)


def geometry(box: list[float]) -> dict[str, Any]:
    """A box of left, top, width and height, each a share of the picture, as both services say it."""
    left, top, width, height = box
    corners = ((left, top), (left + width, top), (left + width, top + height), (left, top + height))
    return {"BoundingBox": bounding_box(box), "Polygon": [{"X": x, "Y": y} for x, y in corners]}


def bounding_box(box: list[float]) -> dict[str, float]:
    """The box itself."""
    return dict(zip(("Left", "Top", "Width", "Height"), map(float, box), strict=True))


def _checked(shown: Described) -> dict[str, Any]:
    return shown.content if isinstance(shown.content, dict) else {}
