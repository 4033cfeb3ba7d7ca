"""Pictures as Textract and Rekognition take them: what is refused, and what a picture shows by its description."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

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
    """The description without what is of another shape than in the benchmarks' drawings: any picture may have one."""
    said = shown.content if isinstance(shown.content, dict) else {}
    return {name: said[name] for name, fits in _SHAPES.items() if name in said and fits(said[name])}


def _are(value: object, fits: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(map(fits, value))


def _is_box(value: object) -> bool:
    """Four shares of the picture."""
    numbers = _are(value, lambda share: type(share) in {int, float} and 0 <= share <= 1)
    return numbers and len(cast("list[float]", value)) == 4


def _is_line(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("text"), str) and _is_box(value.get("box"))


def _is_label(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("name"), str) and _are(value.get("boxes"), _is_box)


_SHAPES: dict[str, Callable[[Any], bool]] = {
    "lines": lambda value: _are(value, _is_line),
    "tables": lambda value: _are(value, lambda table: _are(table, lambda row: isinstance(row, list))),
    "form": lambda value: isinstance(value, dict),
    "labels": lambda value: _are(value, _is_label),
    "faces": lambda value: _are(value, _is_box),
}
