"""What AWS has withdrawn: each with a state, a source, and a day that somebody vouches for or none."""

from __future__ import annotations

from datetime import date

import pytest

from pytest_benchmark_aws.catalog.lifecycle import FAMILIES, SERVICES, Lifecycle, family, living, named
from pytest_benchmark_aws.catalog.snapshot import catalog

ENTRIES = (*FAMILIES, *SERVICES)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_each_has_a_source_and_a_day_or_none(entry: Lifecycle) -> None:
    """What lives has no day; what does not has one of the past, or says that none is confirmed."""
    assert entry.source
    if entry.live:
        assert entry.date is None
        assert entry.since == ""
    elif entry.date is None:
        assert entry.since == "since a day that is not confirmed"
        assert not entry.at_latest
    else:
        assert "2022" < entry.date < "2026-11"
        assert date.fromisoformat(entry.date).isoformat() in entry.since


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("forecast", "Amazon Forecast"),
        ("Deep-Racer", "AWS DeepRacer"),
        ("aws deeplens", "AWS DeepLens"),
        ("lex v1", "Amazon Lex V1"),
        ("ground_truth", "Amazon SageMaker Ground Truth"),
        ("sagemaker-ground-truth", "Amazon SageMaker Ground Truth"),
        ("Elastic Inference", "Amazon Elastic Inference"),
        ("rekognition bulk moderation", "Amazon Rekognition streaming video, bulk image analysis"),
        ("p3", "EC2 P3"),
        ("neo", "Amazon SageMaker Neo"),
    ],
)
def test_people_name_them_as_they_like(word: str, name: str) -> None:
    """With or without AWS's or Amazon's, with dashes, blanks or neither."""
    found = named(word)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("word", ["", "client", "storage", "aws", "amazon", "m5"])
def test_other_words_name_none(word: str) -> None:
    """A word that is no service's name is left to others."""
    assert named(word) is None


@pytest.mark.parametrize(
    ("name", "since"),
    [
        ("p3.2xlarge", "since 2025-12-20"),
        ("ml.p3dn.24xlarge", "since 2025-12-20"),
        ("p2.16xlarge", "since 2025-04-17 at the latest"),
        ("g3s.xlarge", "since 2025-10-31"),
        ("g2.8xlarge", "since 2023-10-11 at the latest"),
        ("ml.eia2.medium", "since 2025-03-05 at the latest"),
    ],
)
def test_an_instance_types_family_says_since_when(name: str, since: str) -> None:
    """SageMaker's prefix makes no difference."""
    found = family(name)
    assert found is not None
    assert found.since == since


@pytest.mark.parametrize("name", ["p4d.24xlarge", "ml.g5.xlarge", "g4dn.xlarge", "m5.8xlarge", "p30.large", "x"])
def test_nothing_is_said_against_others(name: str) -> None:
    """A family is known by its whole name."""
    assert family(name) is None


def test_living_types_are_all_but_the_retired() -> None:
    """The catalog has both, as AWS's price list does."""
    whole, alive = catalog().types, living(catalog()).types
    assert {name.partition(".")[0] for name in whole.keys() - alive.keys()} == {"g2", "g3", "g3s", "p2", "p3", "p3dn"}
    assert living(catalog()).price_date == catalog().price_date


def test_what_has_ended_is_said_in_a_sentence() -> None:
    """Its day, what else is known, and what AWS names instead."""
    assert {entry.name: entry.sentence for entry in SERVICES if entry.state == "ended"} == {
        "Amazon Elastic Inference": "Amazon Elastic Inference ended by 2025-03-05 (closed to new customers since "
        "2023-04-15): use AWS Inferentia instead",
        "Amazon Lex V1": "Amazon Lex V1 ended on 2025-09-15: use Amazon Lex V2 instead",
        "AWS DeepLens": "AWS DeepLens ended on 2024-01-31",
        "AWS DeepRacer": "AWS DeepRacer ended on a day that is not confirmed (December 2025 was announced): use the "
        "solution DeepRacer on AWS, self-hosted instead",
    }
