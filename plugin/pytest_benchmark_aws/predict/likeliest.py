"""The machines that are the likeliest to be the cheapest or the fastest for a case, without a row for each type."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_benchmark_aws.predict.answer import PredictedRow, predict_case
from pytest_benchmark_aws.predict.model.best import Goal, offset
from pytest_benchmark_aws.predict.model.posterior import Prior, condition

if TYPE_CHECKING:
    from pytest_benchmark_aws.predict.measured import CaseResults, Measured
    from pytest_benchmark_aws.predict.model.machines import Machine
    from pytest_benchmark_aws.predict.model.posterior import Posterior

MOST_PROBES = 16
_SHORTLIST = 16
"""Machines that may be the best by money, and as many by time, among which chances are drawn."""
_BETWEEN = 4
"""Machines of the front between the cheapest and the fastest, beside those with the greatest chances."""
_LEAST_WEIGHT = 0.02
"""Parts of the model that are less likely do not choose the shortlist."""


@dataclass(frozen=True, slots=True)
class Likeliest:
    """A case's machines, predicted and measured."""

    predicted: tuple[PredictedRow, ...]
    """Those with the greatest chances and some of the front between them, the cheapest first."""
    measured: tuple[PredictedRow, ...]
    notes: tuple[str, ...]


def likeliest(prior: Prior, results: CaseResults, candidates: Sequence[Machine], most: int) -> Likeliest:
    """At most so many of the candidates that were not measured, by their chances to be the cheapest and the fastest.

    Chances are among these and what was measured; whatever is not on the shortlist has hardly any.
    """
    results = replace(results, measured=_few(results.measured))
    names = {measured.probe.machine.name for measured in results.measured}
    probes = [measured.probe for measured in results.measured]
    parts = [part for part in condition(prior, probes, ()).parts if part.weight > _LEAST_WEIGHT]
    rough = Prior(prior.table, tuple(part.part for part in parts) or prior.parts)
    posterior = condition(rough, probes, [machine for machine in candidates if machine.name not in names])
    between = _front(posterior)
    places = sorted({*_best(posterior, "usd"), *_best(posterior, "time"), *between})
    prediction = predict_case(prior, results, [posterior.machines[place] for place in places], "usd", 0)
    rows = [row for row in prediction.rows if not row.measured and row.usd_run is not None]
    rows.sort(key=lambda row: (-max(row.cheapest, row.fastest), row.usd_run or 0.0, row.seconds, row.machine.name))
    middle = {posterior.machines[place].name for place in between}
    first = rows[: max(most - _BETWEEN, 1)]
    rest = sorted(rows[len(first) :], key=lambda row: row.machine.name not in middle)  # else by their chances
    chosen = sorted([*first, *rest][:most], key=lambda row: (row.usd_run or 0.0, row.seconds, row.machine.name))
    measured = [row for row in prediction.rows if row.measured]
    return Likeliest(tuple(chosen), tuple(measured), prediction.notes)


def _best(posterior: Posterior, goal: Goal) -> list[int]:
    """The places with the least lower bounds."""
    bounds = []
    for place, machine in enumerate(posterior.machines):
        extra = offset(machine, goal)
        if extra is not None:
            low = math.fsum(
                part.weight * (part.means[place] - 1.64 * math.sqrt(part.variances[place])) for part in posterior.parts
            )
            bounds.append((low + extra, place))
    return [place for _, place in sorted(bounds)[:_SHORTLIST]]


def _front(posterior: Posterior) -> list[int]:
    """Places on the expected front of time against money, evenly from the cheapest to the fastest, without these."""
    middles = []
    for place, machine in enumerate(posterior.machines):
        extra = offset(machine, "usd")
        if extra is not None:
            middle = math.fsum(part.weight * part.means[place] for part in posterior.parts)
            middles.append((middle, middle + extra, place))
    front: list[tuple[float, float, int]] = []
    for point in sorted(middles):
        if not front or point[1] < front[-1][1]:
            front.append(point)
    if len(front) <= _BETWEEN + 2:
        return [place for *_, place in front[1:-1]]
    low, high = front[0][0], front[-1][0]
    wanted = [low + (high - low) * step / (_BETWEEN + 1) for step in range(1, _BETWEEN + 1)]
    return list(dict.fromkeys(min(front[1:-1], key=lambda point: abs(point[0] - time))[2] for time in wanted))


def _few(measured: Sequence[Measured]) -> tuple[Measured, ...]:
    """The best of the results by time and by money, and others of all sizes: the time grows with their cube."""
    if len(measured) <= MOST_PROBES:
        return tuple(measured)
    by_time = sorted(measured, key=lambda result: result.seconds)
    by_usd = sorted(measured, key=lambda result: result.seconds * (result.probe.machine.usd_per_hour or math.inf))
    best = {result.probe.machine.name for result in (*by_time[:3], *by_usd[:3])}
    others = [result for result in measured if result.probe.machine.name not in best]
    others.sort(key=lambda result: (result.probe.machine.vcpus, result.probe.machine.name))
    left = MOST_PROBES - len(best)
    best |= {others[place * len(others) // left].probe.machine.name for place in range(left)}
    return tuple(result for result in measured if result.probe.machine.name in best)
