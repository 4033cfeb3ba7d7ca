"""The instance types that SageMaker's training jobs have, and which of them are nearest to one that they have not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from math import log2
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.catalog import gpus, lifecycle
from pytest_benchmark_aws.core.instance_type_names import SAGEMAKER_PREFIX, family_of, nearest_names

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.catalog import Catalog, InstanceType

SOURCE = "botocore 1.44.8"
"""Whose ``TrainingInstanceType`` the list is; it has the retired ml.p2 and ml.p3 still."""
_LACK = 2.0
"""A halving counts as much as two doublings: what a test needs may not fit the smaller machine."""
_FLEX = "-flex"
"""Of families that have their full CPU performance most of the time, not always (EC2 user guide, flex instances)."""
_NEURON = {"inf", "trn", "dl"}
_OTHERS = {"f", "vt", "mac"}
"""Families of FPGAs, of video encoders and of Macs, like which SageMaker has none."""


@lru_cache(maxsize=1)
def training_types() -> frozenset[str]:
    """The names of all, with SageMaker's prefix; read once for each process."""
    text = (Path(__file__).parent / "data" / "sagemaker-training-types.csv").read_text(encoding="utf-8")
    return frozenset(text.split()[1:])


def nearest_training_types(name: str, catalog: Catalog, count: int = 3) -> tuple[str, ...]:
    """The names of the living training types nearest to an instance type, best first, at most ``count``.

    Nearest are those with the same GPUs, then those with as many vCPUs and as much memory, then those of its kind of
    family (general, compute, memory), then of the nearest generation, the newer of two, then those whose name has the
    same letters, then the cheapest on EC2. A type with GPUs is answered with such, a burstable or a flex one with its
    like first. A name that the catalog does not know, or knows by its price alone, is answered by its spelling.
    """
    row = catalog.find(name.removeprefix(SAGEMAKER_PREFIX))
    alike = [candidate for candidate in _candidates(catalog) if row is None or _kind(candidate) == _kind(row)]
    if row is None or row.vcpus is None or row.memory_bytes is None:
        names = {candidate.name for candidate in alike}
        return nearest_names(SAGEMAKER_PREFIX + name.removeprefix(SAGEMAKER_PREFIX), names, count)
    alike = [candidate for candidate in alike if row.burstable or not candidate.burstable]
    alike.sort(key=lambda candidate: _rank(row, candidate))
    return tuple(SAGEMAKER_PREFIX + candidate.name for candidate in alike[:count])


def why_none(name: str, catalog: Catalog) -> str | None:
    """A sentence where the name has SageMaker's prefix and training jobs have no such type; None where they have."""
    if not name.startswith(SAGEMAKER_PREFIX) or name in training_types():
        return None
    nearest = nearest_training_types(name, catalog)
    instead = f"nearest are {', '.join(nearest)}" if nearest else "none is like it: name the EC2 type"
    among = f"among their {len(training_types())} ({SOURCE})"
    return f"{name}: SageMaker's training jobs have no such type {among}; {instead}"


def _candidates(catalog: Catalog) -> Iterator[InstanceType]:
    """The rows of those training types that the catalog has and AWS has not retired."""
    for name in sorted(training_types()):
        row = catalog.types.get(name.removeprefix(SAGEMAKER_PREFIX))
        if row is not None and row.vcpus and row.memory_bytes and lifecycle.family(name) is None:
            yield row


def _kind(row: InstanceType) -> str:
    """What a type has besides CPUs."""
    letters = _parts(row.name)[0]
    if row.gpu is not None:
        return "gpu"
    return "neuron" if letters in _NEURON else letters if letters in _OTHERS else "cpu"


def _rank(row: InstanceType, candidate: InstanceType) -> tuple[object, ...]:
    letters, generation, marks = _parts(row.name)
    their_letters, their_generation, their_marks = _parts(candidate.name)
    return (
        candidate.burstable != row.burstable,
        _gpu_distance(row, candidate),
        (_FLEX in their_marks) != (_FLEX in marks),
        round(_octaves(row.vcpus, candidate.vcpus) + _octaves(row.memory_bytes, candidate.memory_bytes), 3),
        letters != their_letters,
        abs(generation - their_generation),
        their_generation < generation,
        len(marks ^ their_marks),
        candidate.usd_per_hour is None,
        candidate.usd_per_hour or 0,
        candidate.name,
    )


def _gpu_distance(row: InstanceType, candidate: InstanceType) -> float:
    """How far their GPUs are apart, in doublings of their number and of the memory of each."""
    ours, theirs = gpus.of(row.name), gpus.of(candidate.name)
    if ours is None or theirs is None:
        return 0.0
    number = _octaves(max(ours.count, 1), max(theirs.count, 1))
    return round(number + _octaves(ours.memory_mib, theirs.memory_mib), 3)


def _octaves(wanted: int | None, offered: int | None) -> float:
    """Doublings from what is wanted to what is offered; what lacks counts more."""
    if not wanted or not offered:
        return 0.0
    octaves = log2(offered / wanted)
    return octaves if octaves >= 0 else -octaves * _LACK


def _parts(name: str) -> tuple[str, int, frozenset[str]]:
    """The letters, the generation and the further marks of a family: ``("m", 7, {"i", "-flex"})`` of ``m7i-flex``."""
    match = re.match(r"([a-z]+)-?(\d*)([a-z0-9]*)(-.*)?", family_of(name))
    if match is None:
        return "", 0, frozenset()
    marks = {*match[3], match[4] or ""} - {""}
    return match[1], int(match[2] or 0), frozenset(marks)
