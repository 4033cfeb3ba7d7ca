"""Amazon Comprehend: what a text feels and names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.services import texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.session.services.measure import ManagedService

UNITS = texts.comprehend_units(texts.REVIEW)


@pytest.mark.aws_service("comprehend", price="comprehend.sentiment", units=UNITS)
def test_sentiment(service: Callable[[str], ManagedService]) -> None:
    """A review that loves a hotel is positive."""
    answer = service("comprehend").time(
        lambda comprehend: comprehend.detect_sentiment(Text=texts.REVIEW, LanguageCode="en"),
        {"operation": "DetectSentiment", "characters": len(texts.REVIEW)},
    )
    assert answer["Sentiment"] == "POSITIVE"
    assert abs(sum(answer["SentimentScore"].values()) - 1) < 0.05


@pytest.mark.aws_service("comprehend", price="comprehend.entities", units=UNITS)
def test_entities(service: Callable[[str], ManagedService]) -> None:
    """The person, the place, the company and the day are named where they stand."""
    answer = service("comprehend").time(
        lambda comprehend: comprehend.detect_entities(Text=texts.REVIEW, LanguageCode="en"),
        {"operation": "DetectEntities", "characters": len(texts.REVIEW)},
    )
    entities = {entity["Text"]: entity for entity in answer["Entities"]}
    assert {entity["Type"] for entity in answer["Entities"]} >= {"PERSON", "LOCATION", "ORGANIZATION", "DATE"}
    paris = entities["Paris"]
    assert texts.REVIEW[paris["BeginOffset"] : paris["EndOffset"]] == "Paris"


@pytest.mark.aws_service("comprehend", price="comprehend.language", units=UNITS)
def test_language(service: Callable[[str], ManagedService]) -> None:
    """The language is told."""
    answer = service("comprehend").time(
        lambda comprehend: comprehend.detect_dominant_language(Text=texts.REVIEW),
        {"operation": "DetectDominantLanguage", "characters": len(texts.REVIEW)},
    )
    assert answer["Languages"][0]["LanguageCode"] == "en"
