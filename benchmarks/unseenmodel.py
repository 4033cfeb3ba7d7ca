"""Fits how a CPU model follows from what is said of its instance types, for those that the table lacks.

What is fitted predicts CPU models that were left out, with all that have the same specification: a few variances, by a
search along the coordinates for the likeliest errors, and how much is wrong in a unit of variance. The error that
counts is a workload's: the mean's, and the factors' times what a workload's share in them varies.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean, pvariance
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.catalog import InstanceType
from pytest_benchmark_aws.core.instance_type_names import family_of
from pytest_benchmark_aws.predict.model.machines import is_special, maker_of
from pytest_benchmark_aws.predict.model.specifications import (
    Guessing,
    Specification,
    counted,
    number_of,
    sameness,
    specified,
)
from pytest_benchmark_aws.predict.model.unseen import covariances, values_of

if TYPE_CHECKING:
    from pytest_benchmark_aws.predict.model.table import TypeRow

START = Guessing(
    level=4.0, generation=0.15, one_thread=3.0, generation_width=1.0, clock_width=0.5, own=0.05, single=0.04,
    multi=0.07, middle=6.0, in_step_from=0, lag=0.0, lag_variance=0.0, clock=(1.0, 0.0, 0.1),
)  # fmt: skip
_SEARCHED = ("generation", "one_thread", "own", "generation_width", "clock_width")
_STEP, _ROUNDS, _PULL = math.log(2), 3, 0.02
"""Factors of two, so many times along all coordinates; the pull towards the start, which few CPU models need."""


@dataclass(frozen=True, slots=True)
class _Left:
    """What is known of the CPU models, and which of them are left out together."""

    specifications: list[Specification]
    values: Any
    """Of CPU models x what is guessed."""
    groups: list[list[int]]


def fit(rows: Mapping[str, TypeRow], amplitudes: Mapping[str, float]) -> tuple[Guessing, dict[str, Specification]]:
    """How CPU models are guessed, and the specification of each that others are guessed from.

    Args:
        rows: of all types.
        amplitudes: of the model.

    Raises:
        ValueError: the catalog lists none of the types.
    """
    types = snapshot.catalog().types
    by_cpu: dict[str, list[InstanceType]] = {}
    for name, row in rows.items():
        if name in types and not is_special(name):
            by_cpu.setdefault(row.cpu.name, []).append(types[name])
    clocks = {cpu: [math.log(each.clock_ghz) for each in own if each.clock_ghz] for cpu, own in by_cpu.items()}
    by_cpu = {cpu: own for cpu, own in by_cpu.items() if clocks[cpu]}
    if not by_cpu:
        raise ValueError(f"none of these {len(rows)} instance types is in the catalog with its clock")
    families = {cpu: Counter(family_of(each.name) for each in own) for cpu, own in by_cpu.items()}
    guessing = _counting(families, {cpu: fmean(clocks[cpu]) for cpu in by_cpu})
    specifications = {}
    for cpu, own in by_cpu.items():
        family = families[cpu].most_common(1)[0][0]
        threads = Counter(each.threads_per_core or 1 for each in own).most_common(1)[0][0]
        specification = specified(family, maker_of(own[0]), math.exp(fmean(clocks[cpu])), threads, guessing)
        generation = _generation(families[cpu])
        specifications[cpu] = (
            specification if generation is None else replace(specification, generation=float(generation), doubt=0.0)
        )
    own_rows = {
        cpu: [row for name, row in rows.items() if row.cpu.name == cpu and not is_special(name)]
        for cpu in specifications
    }
    left = _Left(
        list(specifications.values()),
        np.array([values_of(own_rows[cpu], specification) for cpu, specification in specifications.items()]),
        _groups(list(specifications.values())),
    )
    return _searched(left, guessing, _effects(rows, amplitudes)), specifications


def _generation(families: Counter[str]) -> int | None:
    """That of most of the types whose series counts."""
    numbers: Counter[int] = Counter()
    for family, count in families.items():
        number = number_of(family)
        if number is not None:
            numbers[number] += count
    return numbers.most_common(1)[0][0] if numbers else None


def _counting(families: Mapping[str, Counter[str]], clocks: Mapping[str, float]) -> Guessing:
    """How far other series are behind, and what clock is usual."""
    plain = replace(START, in_step_from=0)
    behind = []
    for own in families.values():
        generation = _generation(own)
        for family in own:
            number = counted(family, plain)[0]
            if generation is not None and number_of(family) is None:
                behind.append((number, generation - number))
    in_step_from = 1 + int(max((number for number, lag in behind if lag), default=-1))
    lags = [lag for number, lag in behind if number < in_step_from] or [0.0]
    generations = {cpu: _generation(own) for cpu, own in families.items()}
    counts = {cpu: float(number) for cpu, number in generations.items() if number is not None} or {
        next(iter(clocks)): 6.0
    }
    slope, start = (
        np.polyfit(list(counts.values()), [clocks[cpu] for cpu in counts], 1) if len(counts) > 2 else (0.0, 1.0)
    )
    spread = fmean((clocks[cpu] - start - slope * generation) ** 2 for cpu, generation in counts.items())
    return replace(
        START, middle=fmean(counts.values()), in_step_from=in_step_from, lag=fmean(lags), lag_variance=pvariance(lags),
        clock=(float(start), float(slope), spread),
    )  # fmt: skip


def _groups(specifications: Sequence[Specification]) -> list[list[int]]:
    groups: list[list[int]] = []
    for place, specification in enumerate(specifications):
        group = next((group for group in groups if sameness(specifications[group[0]], specification) > 0.5), None)
        if group is None:
            groups.append([place])
        else:
            group.append(place)
    return groups


def _effects(rows: Mapping[str, TypeRow], amplitudes: Mapping[str, float]) -> Any:
    """Of each guessed value on a workload's variance: of one thread, of all threads."""
    first = next(iter(rows.values()))
    single, multi, features = len(first.cpu.single), len(first.cpu.multi), len(first.features)
    shared = [amplitudes["features"]] * features
    return np.array(
        [
            [1.0, 0.0, *[amplitudes["cpu_single"]] * single, *[0.0] * multi, *shared],
            [0.0, 1.0, *[0.0] * single, *[amplitudes["cpu_multi"]] * multi, *shared],
        ]
    )


def _searched(left: _Left, guessing: Guessing, effects: Any) -> Guessing:
    best, least = guessing, _unlikely(left, guessing, effects)[0]
    for _ in range(_ROUNDS):
        before = least
        for name in _SEARCHED:
            for step in (_STEP, -_STEP):
                while True:
                    tried = replace(best, **{name: getattr(best, name) * math.exp(step)})
                    value = _unlikely(left, tried, effects)[0]
                    if value >= least:
                        break
                    best, least = tried, value
        if least == before:
            break
    single, multi = _unlikely(left, best, effects)[1]
    return replace(best, single=float(single), multi=float(multi))


def _unlikely(left: _Left, guessing: Guessing, effects: Any) -> tuple[float, Any]:
    """Minus the logarithm of how likely the errors are, and what a unit of variance is of both kinds of workload."""
    inverse = np.linalg.inv(np.array(covariances(left.specifications, guessing)))
    pulled = inverse @ (left.values - left.values.mean(0))
    units, logs = np.zeros(2), 0.0
    for group in left.groups:
        covariance = np.linalg.inv(inverse[np.ix_(group, group)])
        squares = (covariance @ pulled[group]) ** 2 @ effects.T / np.diag(covariance)[:, None]
        units += squares.mean(0) / len(left.groups)
        logs += float(np.log(np.diag(covariance)).mean()) / len(left.groups)
    pull = sum(math.log(getattr(guessing, name) / getattr(START, name)) ** 2 for name in _SEARCHED)
    return float(np.log(units).sum()) + 2 * logs + _PULL * pull, units


def as_document(guessing: Guessing) -> dict[str, Any]:
    """As it stands in the model's file."""
    rounded = {name: float(f"{value:.4g}") for name, value in asdict(guessing).items() if name != "clock"}
    clock = [float(f"{value:.4g}") for value in guessing.clock]
    return {**rounded, "in_step_from": guessing.in_step_from, "clock": clock}


def specification_document(specification: Specification) -> dict[str, Any]:
    """As it stands beside a CPU model."""
    log_clock, doubt = (float(f"{value:.4g}") for value in (specification.log_clock, specification.doubt))
    return {
        **asdict(specification),
        "log_clock": log_clock,
        "doubt": doubt,
        "generation": round(specification.generation, 2),
    }
