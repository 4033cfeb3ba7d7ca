"""Which container a training job runs in, and what of it is known."""

from __future__ import annotations

import sys

import pytest

from pytest_benchmark_aws.backends.sagemaker import images

HERE = f"3.{sys.version_info.minor}"


@pytest.mark.parametrize(
    ("region", "python", "gpu", "uri"),
    [
        (
            "us-east-1",
            "3.12",
            False,
            "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.6.0-cpu-py312-ubuntu22.04-sagemaker",
        ),
        (
            "eu-south-1",
            "3.11",
            True,
            "692866216735.dkr.ecr.eu-south-1.amazonaws.com/pytorch-training:2.5.1-gpu-py311-cu124-ubuntu22.04-sagemaker",
        ),
        (
            "cn-north-1",
            "3.10",
            False,
            "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/pytorch-training:2.2.0-cpu-py310-ubuntu20.04-sagemaker",
        ),
        (
            "us-gov-west-1",
            "3.13",
            False,
            "442386744353.dkr.ecr.us-gov-west-1.amazonaws.com/pytorch-training:2.10.0-cpu-py313-ubuntu22.04-sagemaker",
        ),
    ],
)
def test_aws_own_container(region: str, python: str, *, gpu: bool, uri: str) -> None:
    """By region, its account and its partition's domain; by Python; with CUDA where there are GPUs."""
    assert images.image(region, python, gpu=gpu) == uri
    assert images.python_of(uri) == python


@pytest.mark.parametrize(("region", "python"), [("us-iso-east-1", "3.12"), ("us-east-1", "3.14")])
def test_none_is_known(region: str, python: str) -> None:
    """Of a region whose account is in no list, and for a Python that AWS has no container of."""
    assert images.image(region, python, gpu=False) is None


@pytest.mark.parametrize(
    ("uri", "python"),
    [
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1.0-py310", "3.10"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:py39-cuda", "3.9"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/mine-py312-x:latest", None),
        ("localhost:5000/mine", None),
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3", None),
    ],
)
def test_the_python_of_a_tag(uri: str, python: str | None) -> None:
    """Where the tag names one between dashes."""
    assert images.python_of(uri) == python


def test_the_python_there_and_what_is_said_of_it() -> None:
    """Nothing where it is the one here; else which one, and of a tag that does not tell what is assumed."""
    assert images.guest_python("x:1-py39-y", local=True) == (HERE, None)
    assert images.guest_python(f"x:1-py3{sys.version_info.minor}", local=False) == (HERE, None)
    python, said = images.guest_python("x:1-py38-y", local=False)
    assert (python, "has Python 3.8" in str(said)) == ("3.8", True)
    python, said = images.guest_python("x:latest", local=False)
    assert (python, "does not name its Python" in str(said)) == (HERE, True)


def test_without_an_image_the_nearest_python_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of those that AWS has containers of."""
    monkeypatch.setattr("sys.version_info", (3, 14, 1))
    monkeypatch.setattr(images.sys, "version_info", type("V", (), {"major": 3, "minor": 14}))
    python, said = images.guest_python(None, local=False)
    assert (python, "no container of Python 3.14" in str(said)) == ("3.13", True)


@pytest.mark.parametrize(
    ("uri", "python", "glibc"),
    [(None, "3.10", (2, 31)), (None, "3.12", (2, 35)), ("x:1-py312-amzn2023", "3.12", (2, 34)), ("x", "3.12", (2, 31))],
)
def test_the_c_library(uri: str | None, python: str, glibc: tuple[int, int]) -> None:
    """By the system that the tag names; of one that names none the oldest."""
    assert images.glibc_of(uri, python) == glibc
