"""CPU models that the table lacks, guessed from those that it has: a Gaussian process over their specifications."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from pytest_benchmark_aws.predict.model.normals import cholesky, dot, inverse_lower
from pytest_benchmark_aws.predict.model.specifications import Guessing, Specification, covariance, sameness
from pytest_benchmark_aws.predict.model.table import Cpu, TypeRow

_SAME = 0.6
"""What is as sure to be of one CPU model is taken for it."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a CPU model is thought to be, and what others of the same doubt share with it."""

    specification: Specification
    guessing: Guessing
    measured: bool
    """Whether the table has a CPU model of that specification; its name is the row's."""
    row: TypeRow
    """Of a type of it."""
    projection: tuple[float, ...]
    """On what the table knows; a covariance without its products is what is not known."""

    def shared(self, other: Guess) -> float:
        """The covariance of what is wrong in both, in units: all of it where both are the same."""
        own, others = self.specification, other.specification
        rest = covariance(own, others, self.guessing) - dot(self.projection, other.projection)
        return rest + sameness(own, others) * (self.guessing.own + math.sqrt(own.doubt * others.doubt))


class Guesses:
    """The CPU models of a table's rows, to guess others from.

    Args:
        rows: of types that are not special.
        guessing: how they follow from specifications.
    """

    def __init__(self, rows: Iterable[TypeRow], guessing: Guessing) -> None:
        by_cpu: dict[str, list[TypeRow]] = {}
        self._measured: dict[str, Specification] = {}
        for row in rows:
            if row.cpu.specification is not None:
                self._measured[row.cpu.name] = row.cpu.specification
                by_cpu.setdefault(row.cpu.name, []).append(row)
        self._guessing = guessing
        self._rows = list(by_cpu.values())
        values = [values_of(own, measured) for own, measured in zip(self._rows, self._measured.values(), strict=True)]
        self._middle = [fmean(column) for column in zip(*values, strict=True)]
        self._inverse = inverse_lower(cholesky(covariances(list(self._measured.values()), guessing)))
        self._scores = [
            [dot(line, [value - middle for value in column[: len(line)]]) for line in self._inverse]
            for column, middle in zip(zip(*values, strict=True), self._middle, strict=True)
        ]
        self._made: dict[Specification, Guess] = {}

    def of(self, specification: Specification) -> Guess:
        """The guess of a CPU model."""
        if specification not in self._made:
            self._made[specification] = self._guess(specification)
        return self._made[specification]

    def _guess(self, specification: Specification) -> Guess:
        with_measured = [covariance(specification, measured, self._guessing) for measured in self._measured.values()]
        projection = tuple(dot(line, with_measured[: len(line)]) for line in self._inverse)
        single, total, *rest = (
            middle + dot(projection, score) for middle, score in zip(self._middle, self._scores, strict=True)
        )
        sure, _, name = max(  # the more usual one of two that are alike
            (sameness(specification, measured), len(rows), name)
            for (name, measured), rows in zip(self._measured.items(), self._rows, strict=True)
        )
        measured = sure >= _SAME and not specification.doubt
        if not measured:
            ghz = math.exp(specification.log_clock)
            name = f"{specification.maker}, generation {specification.generation:.0f}, {ghz:.1f} GHz"
        return Guess(
            specification,
            self._guessing,
            measured,
            self._row(specification, name, single, total - single, rest),
            projection,
        )

    def _row(
        self, specification: Specification, name: str, mean: float, mean_multi: float, rest: Sequence[float]
    ) -> TypeRow:
        """Its own variance is the mean of its maker's types'."""
        own = [
            row
            for rows, measured in zip(self._rows, self._measured.values(), strict=True)
            for row in rows
            if measured.maker == specification.maker
        ] or [row for rows in self._rows for row in rows]
        first = own[0]
        count = len(first.cpu.single)
        return TypeRow(
            cpu=Cpu(name, tuple(rest[:count]), tuple(rest[count:-3])),
            sockets=1,
            threads_per_core=1 if specification.one_thread else 2,
            features=(rest[-3], rest[-2], rest[-1]),
            mean=mean - specification.log_clock,
            mean_multi=mean_multi,
            variance=fmean(row.variance for row in own),
            variance_multi=fmean(row.variance_multi for row in own),
            single=(0.0,) * len(first.single),
            multi=(0.0,) * len(first.multi),
        )


def values_of(rows: Sequence[TypeRow], specification: Specification) -> list[float]:
    """What is guessed of a CPU model: two means at a clock of 1 GHz, factors, features."""
    first = rows[0]
    single = fmean(row.mean for row in rows) + specification.log_clock
    return [
        single,
        single + fmean(row.mean_multi for row in rows),
        *first.cpu.single,
        *first.cpu.multi,
        *first.features,
    ]


def covariances(measured: Sequence[Specification], guessing: Guessing) -> list[list[float]]:
    """Of CPU models that were measured."""
    rows = [[covariance(own, other, guessing) for other in measured] for own in measured]
    for place, specification in enumerate(measured):
        rows[place][place] += guessing.own + specification.doubt
    return rows
