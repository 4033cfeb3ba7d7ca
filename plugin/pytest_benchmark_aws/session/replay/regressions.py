"""``--benchmark-compare-fail`` with --aws: what launches cannot tell from chance does not fail the session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_benchmark_aws.core.compare.inference import CENTERS, LEAST_LAUNCHES, ratio_of, sample
from pytest_benchmark_aws.report.text import few


@dataclass(frozen=True, slots=True)
class Sides:
    """The statistics of a test's launches on one instance type, now and as saved."""

    now: Sequence[Mapping[str, float]]
    before: Sequence[Mapping[str, float]]


@dataclass(slots=True)
class Regressions:
    """What the checks of a session found."""

    sides: Mapping[str, Sides]
    """By node id; the launches of one test on one instance type share one."""
    inside: list[str] = field(default_factory=list)
    """Node ids whose difference lies inside the interval."""
    unsure: list[str] = field(default_factory=list)
    """Node ids that failed without enough launches for an interval."""

    def wrapped(self, checks: Sequence[Any]) -> list[Any]:
        """pytest-benchmark's checks, of which one fails only where the difference is sure, or nobody can know."""
        return [_Sure(check.field, check, self) for check in checks]

    def lines(self) -> list[str]:
        """What is said of it at the end."""
        lines = []
        if self.inside:
            lines.append(
                f"aws: {few(self.inside)}: beyond --benchmark-compare-fail, but inside the 95 % interval over "
                "launches, so not failed"
            )
        if self.unsure:
            lines.append(
                f"aws: {few(self.unsure)}: not enough launches to be sure, {LEAST_LAUNCHES} now and before are "
                f"needed: --aws-launches {LEAST_LAUNCHES}"
            )
        return lines


@dataclass(frozen=True, slots=True)
class _Sure:
    field: str
    check: Any
    into: Regressions

    def fails(self, current: Any, compared: Any) -> str | None:
        failure: str | None = self.check.fails(current, compared)
        name = str(current["fullname"])
        sides = self.into.sides.get(name)
        if failure is None or sides is None or self.field not in CENTERS:
            return failure
        now, before = ([float(stats[self.field]) for stats in side] for side in (sides.now, sides.before))
        if min(len(now), len(before)) < LEAST_LAUNCHES:
            self.into.unsure.append(name)
            return failure
        if ratio_of(sample(now, seed=0), sample(before, seed=1)).differs:
            return failure
        self.into.inside.append(name)
        return None
