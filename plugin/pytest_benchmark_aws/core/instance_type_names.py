"""The parts of an instance type's name, and the names nearest to one that is none."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from math import log2

SAGEMAKER_PREFIX = "ml."
"""``ml.p3.2xlarge`` is the instance type ``p3.2xlarge`` as SageMaker rents it."""
_SMALL = {"nano": 1 / 32, "micro": 1 / 16, "small": 1 / 8, "medium": 1 / 4, "large": 1 / 2, "xlarge": 1.0}
"""Sizes in units of ``xlarge``: the ratios of EC2's normalization factors (EC2 user guide, reserved instances)."""


def ec2_name(name: str) -> str:
    """The name of the same machine on EC2: ``m5.xlarge`` of ``ml.m5.xlarge``."""
    return name.removeprefix(SAGEMAKER_PREFIX)


def family_of(name: str) -> str:
    """The family, ``m5`` of ``m5.8xlarge`` and of ``ml.m5.8xlarge``."""
    return ec2_name(name).partition(".")[0]


def size_of(name: str) -> str:
    """The size, ``8xlarge`` of ``m5.8xlarge``; empty where the name has none."""
    return ec2_name(name).partition(".")[2]


def is_meant(name: str, wanted: str) -> bool:
    """Whether a name is the wanted one or fits it as a pattern of shell wildcards.

    A group may be named as its tests are, ``c5.large-x2`` of ``c5.large ×2``, which is quicker typed.
    """
    return any(each == wanted or fnmatchcase(each, wanted) for each in (name, name.replace(" ×", "-x")))


def nearest_names(name: str, names: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """The ``count`` of the names that are nearest to an unknown one, best first.

    Those of its family come first, then those of the families that are most like it; in a family the nearest sizes:
    for ``m5.9xlarge``, ``m5.8xlarge`` and ``m5.12xlarge``. A name without a size is compared as a whole. One with
    SageMaker's prefix gets names with it.
    """
    prefix = SAGEMAKER_PREFIX if name.startswith(SAGEMAKER_PREFIX) else ""
    wanted = name.removeprefix(SAGEMAKER_PREFIX).strip().lower()
    family, size = family_of(wanted), size_of(wanted)

    def rank(candidate: str) -> tuple[float, float, str]:
        if not size:
            return -_likeness(wanted, candidate), 0.0, candidate
        return -likeness[family_of(candidate)], _size_distance(size, size_of(candidate)), candidate

    candidates = list(names)
    likeness = {other: _likeness(family, other) for other in {family_of(candidate) for candidate in candidates}}
    return tuple(prefix + nearest for nearest in sorted(candidates, key=rank)[:count])


def _size_distance(size: str, other: str) -> float:
    """How far two sizes are apart, in doublings; more than any two numbered ones where one is as ``metal``."""
    ours, theirs = _xlarges(size), _xlarges(other)
    return abs(log2(ours / theirs)) if ours and theirs else 100 * (1 - _likeness(size, other))


def _xlarges(size: str) -> float | None:
    """The size in units of ``xlarge``: 8.0 of ``8xlarge``; None where it has no number, as ``metal``."""
    digits = size.removesuffix("xlarge")
    return float(digits) if digits.isdecimal() else _SMALL.get(size)


def _likeness(text: str, other: str) -> float:
    """How alike two texts are, from 0 to 1."""
    from difflib import SequenceMatcher

    return SequenceMatcher(None, other, text, autojunk=False).ratio()
