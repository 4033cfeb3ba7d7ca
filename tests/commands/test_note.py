"""Every row of "Machine Learning at AWS" has an answer: it runs, and how, or since when not, and what instead."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.aws import images
from pytest_benchmark_aws.aws.services.policies import ACTIONS
from pytest_benchmark_aws.backends import registry
from pytest_benchmark_aws.catalog import lifecycle, training_types
from pytest_benchmark_aws.catalog.replacements import why_gone
from pytest_benchmark_aws.catalog.service_prices import service_prices
from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.cli import main
from pytest_benchmark_aws.commands import services

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
REQUESTS = {
    "Amazon Polly": "polly", "Amazon Comprehend": "comprehend", "Amazon Lex": "lex", "Amazon Textract": "textract",
    "Amazon Transcribe": "transcribe", "Amazon Translate": "translate", "Amazon Rekognition": "rekognition",
    "Amazon Personalize": "personalize",
}  # fmt: skip
"""Services whose requests are benchmarks -> the name that marks and policies have."""
ENDED: Mapping[str, tuple[str, str | None, str | None]] = {
    "Amazon Elastic Inference": ("ended", "2025-03-05 at the latest", "AWS Inferentia"),
    "AWS DeepLens": ("ended", "2024-01-31", None),
    "AWS DeepRacer": ("ended", "not confirmed", "the solution DeepRacer on AWS, self-hosted"),
    "Amazon Forecast": ("closed to new customers", "2024-07-31 at the latest", "Amazon SageMaker Canvas"),
    "Amazon SageMaker Ground Truth": ("closed to new customers", "not confirmed", None),
}
"""State, since when, and what instead; where no source has it, none."""
RETIRED = {
    "ml.p3.2xlarge": ("2025-12-20", "ml.g6.xlarge or ml.g5.xlarge"),
    "ml.p3.8xlarge": ("2025-12-20", "ml.g6.12xlarge or ml.g5.12xlarge"),
    "ml.p3.16xlarge": ("2025-12-20", "ml.g6.48xlarge or ml.g5.48xlarge"),
    "ml.p2.xlarge": ("2025-04-17 at the latest", "ml.g4dn.xlarge or ml.g6.xlarge"),
    "ml.p2.8xlarge": ("2025-04-17 at the latest", "ml.g6.48xlarge or ml.g5.48xlarge"),
    "ml.p2.16xlarge": ("2025-04-17 at the latest", "ml.g7e.12xlarge or ml.p4d.24xlarge"),
}
EXPERIMENT = ("m5.8xlarge", "r5.4xlarge", "c5.24xlarge")
OTHERWISE = {
    "Amazon SageMaker": "benchmarks run on it: pytest --aws, as training jobs of ml. types",
    "AWS Deep Learning AMI (DLAMI)": "the image of GPU types",
    "Amazon SageMaker Neo": "other compilers are measured in its place: docs/neo.md",
}


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Name -> row, without the parts of services and the GPUs beside a type's name."""
    monkeypatch.chdir(tmp_path)
    assert main(["services", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    return {row["name"].partition(" (1")[0].partition(" (4")[0].partition(" (8")[0]: row
            for row in rows if not row["part"]}  # fmt: skip


def test_each_row_is_answered_here(answers: dict[str, Any]) -> None:
    """By name, in one of the groups below."""
    assert answers.keys() == {*REQUESTS, *ENDED, *RETIRED, *EXPERIMENT, *OTHERWISE}


@pytest.mark.parametrize("name", REQUESTS)
def test_service_that_answers_requests_has_benchmarks(answers: dict[str, Any], name: str) -> None:
    """It lives; its module's tests are marked with it and with prices, its policy has actions."""
    service = REQUESTS[name]
    assert (answers[name]["state"], answers[name]["this_version"]) == ("live", services.REQUESTS)
    source = (ROOT / "benchmarks" / "services" / f"test_{service}.py").read_text()
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    marks = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "aws_service"]
    assert marks
    for mark in marks:
        assert ast.literal_eval(mark.args[0]) == service
        [price] = [keyword.value for keyword in mark.keywords if keyword.arg == "price"]
        keys = [ast.literal_eval(price)] if isinstance(price, ast.Constant) else [f"{service}.standard"]
        assert all(key in service_prices() for key in keys)
    assert ACTIONS[service]


@pytest.mark.parametrize("name", ENDED)
def test_what_does_not_live_says_since_when_and_what_instead(
    answers: dict[str, Any], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a source; it is skipped as a benchmark and refused by policy with the same sentence."""
    row = answers[name]
    assert (row["state"], row["since"], row["instead"]) == ENDED[name]
    assert row["source"]
    assert main(["services"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.strip().startswith(name))
    assert (row["instead"] or services.NONE_FOUND) in line
    withdrawn = (ROOT / "benchmarks" / "services" / "test_withdrawn.py").read_text()
    [names] = [ast.literal_eval(node.value) for node in ast.parse(withdrawn).body
               if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "NAMES"]  # fmt: skip
    entries = [lifecycle.named(word) for word in names]
    [entry] = [entry for entry in entries if entry is not None and entry.name == name]
    assert not entry.live
    with pytest.raises(SystemExit):
        main(["policy", entry.name])
    assert entry.sentence in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("name", RETIRED)
def test_retired_type_says_since_when_and_names_living_ones(answers: dict[str, Any], name: str) -> None:
    """The sentence that refuses it has the same day and the same types, which SageMaker has."""
    row, (since, instead) = answers[name], RETIRED[name]
    assert (row["state"], row["since"], row["instead"]) == ("retired", since, instead)
    assert row["this_version"] == services.REFUSED
    sentence = why_gone(name, catalog())
    assert sentence is not None
    assert f"since {since}" in sentence
    for living in instead.split(" or "):
        assert living in sentence
        assert living in training_types.training_types()
        assert lifecycle.family(living) is None


@pytest.mark.parametrize("name", EXPERIMENT)
def test_type_of_the_experiment_runs(answers: dict[str, Any], name: str) -> None:
    """The catalog has it with a price, and a backend launches it."""
    assert (answers[name]["state"], answers[name]["this_version"]) == ("live", services.RUNS)
    listed = catalog().find(name)
    assert listed is not None
    assert listed.usd_per_hour
    assert "" in registry.MODULES


@pytest.mark.parametrize("name", OTHERWISE)
def test_the_others_say_what_is_done(answers: dict[str, Any], name: str) -> None:
    """And what they name is there."""
    assert (answers[name]["state"], answers[name]["this_version"]) == ("live", OTHERWISE[name])
    assert "ml." in registry.MODULES
    assert images.GPU_IMAGE
    assert (ROOT / "docs" / "neo.md").is_file()
