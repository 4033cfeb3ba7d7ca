"""AWS's deep learning containers that training jobs run in: by region, Python and whether there are GPUs."""

from __future__ import annotations

import re
import sys

_MAIN = "763104351884"
_ACCOUNTS: dict[str, str] = {
    **dict.fromkeys(
        (
            "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
            "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2",
            "us-west-1", "us-west-2",
        ),
        _MAIN,
    ),
    "af-south-1": "626614931356",
    "ap-east-1": "871362719292",
    "ap-east-2": "975050140332",
    "ap-northeast-3": "364406365360",
    "ap-south-2": "772153158452",
    "ap-southeast-3": "907027046896",
    "ap-southeast-4": "457447274322",
    "ap-southeast-5": "550225433462",
    "ap-southeast-6": "633930458069",
    "ap-southeast-7": "590183813437",
    "ca-west-1": "204538143572",
    "cn-north-1": "727897471807",
    "cn-northwest-1": "727897471807",
    "eu-central-2": "380420809688",
    "eu-south-1": "692866216735",
    "eu-south-2": "503227376785",
    "il-central-1": "780543022126",
    "me-central-1": "914824155844",
    "me-south-1": "217643126080",
    "me-west-1": "124382933778",
    "mx-central-1": "637423239942",
    "us-gov-east-1": "446045086412",
    "us-gov-west-1": "442386744353",
}  # fmt: skip
"""Region -> the account of the containers (SageMaker Python SDK, image_uri_config/pytorch-amzn2023.json, 2.13)."""
_TAGS: dict[str, tuple[str, str]] = {
    "3.10": ("2.2.0-cpu-py310-ubuntu20.04-sagemaker", "2.2.0-gpu-py310-cu121-ubuntu20.04-sagemaker"),
    "3.11": ("2.5.1-cpu-py311-ubuntu22.04-sagemaker", "2.5.1-gpu-py311-cu124-ubuntu22.04-sagemaker"),
    "3.12": ("2.6.0-cpu-py312-ubuntu22.04-sagemaker", "2.6.0-gpu-py312-cu126-ubuntu22.04-sagemaker"),
    "3.13": ("2.10.0-cpu-py313-ubuntu22.04-sagemaker", "2.10.0-gpu-py313-cu130-ubuntu22.04-sagemaker"),
}
"""Python -> the tags of ``pytorch-training``, without and with GPUs (deep-learning-containers, available_images.md and
release notes)."""
PYTHONS = tuple(_TAGS)
_GLIBC = {"ubuntu20.04": (2, 31), "ubuntu22.04": (2, 35), "ubuntu24.04": (2, 39), "amzn2023": (2, 34)}
"""System in a tag -> its C library (glibc of focal, jammy, noble; of Amazon Linux 2023)."""
_OLDEST = (2, 31)
"""Assumed of an image whose tag does not tell: the oldest of AWS's that has a Python that is supported here."""


def account(region: str) -> str | None:
    """The account of AWS's containers in a region; None for one that is not known."""
    return _ACCOUNTS.get(region)


def image(region: str, python: str, *, gpu: bool) -> str | None:
    """The URI of the container for a Python, such as ``3.12``; None where AWS has none for it, or none there is known.

    The registry's host is of the region's partition, as ECR's endpoints are.
    """
    owner, tags = account(region), _TAGS.get(python)
    if owner is None or tags is None:
        return None
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"{owner}.dkr.ecr.{region}.{domain}/pytorch-training:{tags[gpu]}"


def python_of(uri: str) -> str | None:
    """The Python that an image's tag names, as ``3.12`` of ``...-py312-...``; None where it names none."""
    match = re.search(r"(?:^|-)py3(\d{1,2})(?=-|$)", uri.rpartition(":")[2])
    return None if match is None else f"3.{match[1]}"


def glibc_of(uri: str | None, python: str) -> tuple[int, int]:
    """The C library that wheels for an image, or AWS's own for a Python, may be built against."""
    tag = uri.rpartition(":")[2] if uri is not None else _TAGS[python][0]
    return next((version for system, version in _GLIBC.items() if system in tag), _OLDEST)


def guest_python(uri: str | None, *, local: bool) -> tuple[str, str | None]:
    """The minor version in the container, and a sentence where it is not the one here, or may not be.

    ``uri`` is the image that the user named; ``local``: the container is a process on this machine.
    """
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if local:
        return here, None
    if uri is not None:
        named = python_of(uri)
        if named is None:
            return here, (
                f"the tag of --aws-sagemaker-image does not name its Python (as in -py312-): it is taken to be {here}, "
                "and a training job with another ends at once"
            )
        differs = (
            f"the image of --aws-sagemaker-image has Python {named}, this session {here}: training jobs use {named}"
        )
        return named, None if named == here else differs
    if here in _TAGS:
        return here, None
    nearest = min(_TAGS, key=lambda python: abs(int(python.split(".")[1]) - sys.version_info.minor))
    return nearest, f"AWS has no container of Python {here} for training jobs: these use {nearest}"
