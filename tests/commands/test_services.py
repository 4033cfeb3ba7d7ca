"""``pytest-benchmark-aws services``: the list of "Machine Learning at AWS" and what this version does with each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.aws import images
from pytest_benchmark_aws.backends import registry
from pytest_benchmark_aws.catalog.lifecycle import SERVICES
from pytest_benchmark_aws.cli import main
from pytest_benchmark_aws.commands import services

if TYPE_CHECKING:
    from pathlib import Path

NOTE = {
    "General Purpose Machine Learning Services": ["Elastic Inference", "SageMaker", "Deep Learning AMI (DLAMI)"],
    "Text and Speech Services": ["Polly", "Comprehend", "Lex", "Textract", "Transcribe", "Translate"],
    "Image and Video Services": ["Rekognition"],
    "Toy Services": ["DeepLens", "DeepRacer"],
    "Other Services": ["Forecast", "Personalize", "SageMaker Ground Truth", "SageMaker Neo"],
    "SageMaker types with GPUs": [
        "ml.p3.2xlarge (1 x V100, 16 GiB)",
        "ml.p3.8xlarge (4 x V100, 16 GiB each)",
        "ml.p3.16xlarge (8 x V100, 16 GiB each)",
        "ml.p2.xlarge (1 x K80, 12 GiB)",
        "ml.p2.8xlarge (8 x K80, 12 GiB each)",
        "ml.p2.16xlarge (16 x K80, 12 GiB each)",
    ],
    "Performance Experiment with EC2": ["m5.8xlarge", "r5.4xlarge", "c5.24xlarge"],
}
"""As the note has them: groups and names in its order, without Amazon's and AWS's."""


@pytest.fixture(autouse=True)
def without_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that has none: what was measured is tested in test_services_measured.py."""
    monkeypatch.chdir(tmp_path)


def rows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What ``--format json`` prints."""
    assert main(["services", "--format", "json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_the_list_is_the_notes_in_its_order(capsys: pytest.CaptureFixture[str]) -> None:
    """Every group with every name, the closed parts aside."""
    found: dict[str, list[str]] = {}
    for row in rows(capsys):
        if not row["part"]:
            name = row["name"].removeprefix("Amazon ").removeprefix("AWS ")
            found.setdefault(row["group"], []).append(name)
    assert found == NOTE
    assert list(found) == list(NOTE)


def test_a_closed_part_stands_below_its_service(capsys: pytest.CaptureFixture[str]) -> None:
    """The service itself lives."""
    found = rows(capsys)
    parts = {row["name"]: (found[place - 1]["name"], found[place - 1]["state"]) for place, row in enumerate(found)
             if row["part"]}  # fmt: skip
    assert parts == {
        "topic modeling, event detection, prompt safety": ("Amazon Comprehend", "live"),
        "V1": ("Amazon Lex", "live"),
        "streaming video, bulk image analysis": ("Amazon Rekognition", "live"),
    }
    assert len(found) == len(SERVICES) + 9


def test_what_is_not_measured_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    """No service but those that a launch or a request goes to is claimed, and the one that has others in its place."""
    claimed = {row["name"] for row in rows(capsys) if row["this_version"] != services.NOT_MEASURED}
    listed = {name for group in services.TYPES.values() for name in group}
    others = {name for name in claimed if name.split(" ")[0] not in listed}
    requests = ["Polly", "Comprehend", "Lex", "Textract", "Transcribe", "Translate", "Rekognition", "Personalize"]
    others -= {f"Amazon {name}" for name in requests}
    assert others - {"Amazon SageMaker", "Amazon SageMaker Neo"} == {
        "Amazon Elastic Inference",
        "AWS Deep Learning AMI (DLAMI)",
    }
    assert ("Amazon SageMaker" in others) == ("ml." in registry.MODULES)


def test_it_says_more_when_this_version_does_more(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a backend of SageMaker, and with an image of GPU types, each is said; without, neither."""
    monkeypatch.setattr(registry, "MODULES", {"": "a", "ml.": "b"})
    monkeypatch.setattr(images, "GPU_IMAGE", "/a/parameter", raising=False)
    told = {row["name"]: row["this_version"] for row in rows(capsys)}
    assert told["Amazon SageMaker"] == "benchmarks run on it: pytest --aws, as training jobs of ml. types"
    assert told["AWS Deep Learning AMI (DLAMI)"] == "the image of GPU types"
    monkeypatch.setattr(registry, "MODULES", {"": "a"})
    monkeypatch.delattr(images, "GPU_IMAGE")
    told = {row["name"]: row["this_version"] for row in rows(capsys)}
    assert told["Amazon SageMaker"] == services.NOT_MEASURED
    assert told["AWS Deep Learning AMI (DLAMI)"] == "usable with --aws-ami"


def test_every_row_has_a_source_and_a_day_where_one_is_confirmed(capsys: pytest.CaptureFixture[str]) -> None:
    """What does not live has a day, or says that none is confirmed."""
    for row in rows(capsys):
        assert row["source"]
        assert (row["since"] is None) == (row["state"] == "live")
        assert row["date"] is None or row["since"].startswith(row["date"])
        assert row["date"] or row["since"] in {None, "not confirmed"}


def test_the_table_is_aligned_below_its_groups(capsys: pytest.CaptureFixture[str]) -> None:
    """A group's title stands alone; each state begins where its heading does."""
    assert main(["services"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    place = first.index("state")
    states = [line[place:].split("  ")[0] for line in lines if line not in NOTE]
    assert [line for line in lines if line in NOTE] == list(NOTE)
    assert set(states) == {"live", "ended", "closed to new customers", "retired"}
    assert len(states) == len(SERVICES) + 9
    assert not any(line != line.rstrip() for line in lines)
