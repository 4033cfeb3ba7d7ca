"""Amazon Rekognition: DetectLabels and DetectFaces, by what a picture says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.managed import pictures

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.aws_request import AwsRequest

_KINDS = ("png", "jpeg")
_CONFIDENCE = 97.0
_LEAST_CONFIDENCE = 55.0
"""Rekognition API reference, DetectLabels, MinConfidence: the default."""


def detect_labels(request: AwsRequest) -> dict[str, Any]:
    """The answer to DetectLabels."""
    document = request.document
    enough = float(document.get("MinConfidence", _LEAST_CONFIDENCE)) <= _CONFIDENCE
    labels = []
    for label in _content(request).get("labels", ()) if enough else ():
        boxes = [{"BoundingBox": pictures.bounding_box(box), "Confidence": _CONFIDENCE} for box in label["boxes"]]
        labels.append(
            {
                "Name": str(label["name"]), "Confidence": _CONFIDENCE, "Instances": boxes, "Parents": [],
                "Aliases": [], "Categories": [],
            }
        )  # fmt: skip
    return {"Labels": labels[: document.get("MaxLabels", len(labels))], "LabelModelVersion": "3.0"}


def detect_faces(request: AwsRequest) -> dict[str, Any]:
    """The answer to DetectFaces, with the default attributes."""
    faces = []
    for box in _content(request).get("faces", ()):
        left, top, width, height = box
        eyes = (("eyeLeft", 0.3), ("eyeRight", 0.7))
        landmarks = [{"Type": name, "X": left + share * width, "Y": top + 0.4 * height} for name, share in eyes]
        faces.append(
            {
                "BoundingBox": pictures.bounding_box(box),
                "Landmarks": landmarks,
                "Pose": {"Roll": 0.0, "Yaw": 0.0, "Pitch": 0.0},
                "Quality": {"Brightness": 80.0, "Sharpness": 80.0},
                "Confidence": _CONFIDENCE,
            }
        )
    return {"FaceDetails": faces}


def _content(request: AwsRequest) -> dict[str, Any]:
    refused = AwsError("InvalidImageFormatException", "Request has invalid image format")
    return pictures.content(request.document["Image"], _KINDS, refused, refused)
