"""A session that names what AWS has withdrawn, or what SageMaker never had: refused before anything is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.acceptance.awsproject import make_project, pytest_aws

if TYPE_CHECKING:
    from pathlib import Path

TEST = """\
import pytest

@pytest.mark.instance_type("p3.2xlarge", "ml.p3.2xlarge", "m5.large")
def test_old(benchmark): benchmark(int)

@pytest.mark.instance_type("ml.m5.8xlarge")
def test_never(benchmark): benchmark(int)
"""
SENTENCES = (
    "test_it.py::test_old[p3.2xlarge]: p3.2xlarge (1 x V100, 16 GiB) has been gone since 2025-12-20: name g6.xlarge (1 "
    "x L4, 22 GiB, 0.8048 USD an hour) or g5.xlarge (1 x A10G, 22 GiB, 1.0060 USD an hour) instead",
    "test_it.py::test_old[ml.p3.2xlarge]: ml.p3.2xlarge (1 x V100, 16 GiB) has been gone with EC2 P3 since 2025-12-20: "
    "name ml.g6.xlarge (1 x L4, 22 GiB) or ml.g5.xlarge (1 x A10G, 22 GiB) instead",
    "test_it.py::test_never[ml.m5.8xlarge]: ml.m5.8xlarge: SageMaker's training jobs have no such type among their 225 "
    "(botocore 1.44.8); nearest are ml.m6i.8xlarge, ml.m7i.8xlarge, ml.m8i.8xlarge",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """One test for retired types and a living one, one for a type that never was."""
    return make_project(tmp_path, {"test_it.py": TEST})


def test_each_case_says_since_when_and_what_to_name(project: Path) -> None:
    """Exit code 4, a line for each, nothing made; no credentials are needed."""
    done = pytest_aws(project, "--aws")
    assert done.code == 4, done.text
    for sentence in SENTENCES:
        assert f"{sentence}\n" in done.err, done.text
    assert "3 cases cannot be run as planned, nothing was launched" in done.err


def test_the_rest_is_planned_and_these_are_skipped(project: Path) -> None:
    """``--aws-misfit=skip`` leaves them out."""
    done = pytest_aws(project, "--aws", "--aws-dry-run", "--aws-misfit=skip")
    assert done.code == 0, done.text
    assert "  m5.large" in done.out
    assert all(sentence in done.out for sentence in SENTENCES)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            "p2.xlarge",
            "--aws-instance-type: p2.xlarge (1 x K80, 12 GiB) has been gone since 2025-04-17 at the latest: ",
        ),
        (
            "family=p3",
            "--aws-instance-type: filter 'family=p3': p3.2xlarge (1 x V100, 16 GiB) has been gone since 2025",
        ),
        ("ml.c5.24xlarge", "--aws-instance-type: ml.c5.24xlarge: SageMaker's training jobs have no such type among "),
    ],
)
def test_the_command_line_is_refused_at_once(project: Path, option: str, said: str) -> None:
    """A name, or a filter that holds for nothing else."""
    done = pytest_aws(project, "--aws-dry-run", f"--aws-instance-type={option}")
    assert done.code == 4
    assert said in done.err


def test_without_aws_the_tests_run_here(project: Path) -> None:
    """A marker of old is no reason not to run on this machine."""
    done = pytest_aws(project)
    assert done.code == 0, done.text
    assert "2 passed" in done.out
