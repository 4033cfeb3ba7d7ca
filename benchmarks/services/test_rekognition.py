"""Amazon Rekognition: what a picture shows that is drawn here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.services import drawing

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.session.services.measure import ManagedService


@pytest.mark.aws_service("rekognition", price="rekognition.image")
def test_labels(service: Callable[[str], ManagedService]) -> None:
    """The picture of a face and a ball has labels, each as sure as was asked."""
    picture = drawing.face()
    answer = service("rekognition").time(
        lambda rekognition: rekognition.detect_labels(Image={"Bytes": picture}, MaxLabels=10, MinConfidence=50.0),
        {"operation": "DetectLabels", "picture_bytes": len(picture)},
    )
    assert 0 < len(answer["Labels"]) <= 10
    assert all(label["Confidence"] >= 50 for label in answer["Labels"])


@pytest.mark.aws_service("rekognition", price="rekognition.image")
def test_faces(service: Callable[[str], ManagedService]) -> None:
    """A face is found where it was drawn; AWS may say that a drawing is none."""
    picture = drawing.face()
    rekognition = service("rekognition")
    answer = rekognition.time(
        lambda client: client.detect_faces(Image={"Bytes": picture}),
        {"operation": "DetectFaces", "picture_bytes": len(picture)},
    )
    faces = answer["FaceDetails"]
    assert len(faces) == 1 if rekognition.embedded else len(faces) <= 1
    for found in faces:
        box = found["BoundingBox"]
        assert box["Left"] + box["Width"] / 2 < 0.6
