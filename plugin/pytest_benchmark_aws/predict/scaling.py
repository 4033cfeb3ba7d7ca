"""A case at a scale that it was not measured at: the machine model at one that it was, times what scales tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.predict.scale import ScalePoint, fit

if TYPE_CHECKING:
    from pytest_benchmark_aws.predict.answer import PredictedRow, Prediction
    from pytest_benchmark_aws.predict.estimate import Estimate
    from pytest_benchmark_aws.predict.measured import CaseResults


def number_of(scale: str | None) -> float | None:
    """A scale as a number, ``100_000`` included; None where it is none, or not positive."""
    try:
        number = float((scale or "").replace(",", ""))
    except ValueError:
        return None
    return number if math.isfinite(number) and number > 0 else None


def base_of(results: Sequence[CaseResults], scale: float) -> tuple[CaseResults, Estimate | None]:
    """The results of a case that a prediction at the scale begins with, and what their times are multiplied with.

    None of the latter where the case was measured at that very scale. The base is the scale that most machines were
    measured at, the largest of several; how times grow is told by the machines that were measured at several scales.

    Raises:
        PlanError: no scale of the case is a number.
    """
    numbered = [(number, case) for case in results if (number := number_of(case.scale)) is not None and case.measured]
    if not numbered:
        shown = ", ".join(sorted({str(case.scale) for case in results}))
        raise PlanError(
            f"{results[0].case} was measured at no scale that is a number ({shown}); name the parameter that scales "
            "the work with --scale-parameter, or choose tests with --filter"
        )
    exact = [case for number, case in numbered if math.isclose(number, scale)]
    if exact:
        return exact[0], None
    at, base = max(numbered, key=lambda pair: (len(pair[1].measured), pair[0]))
    level = {measured.probe.machine.name: measured.seconds for measured in base.measured}
    points = [
        ScalePoint(number, measured.seconds / level[measured.probe.machine.name])
        for number, case in numbered
        for measured in case.measured
        if measured.probe.machine.name in level
    ]
    model = fit(points)
    estimate, here = model.predict(scale), model.predict(at)
    notes = [note for note in estimate.notes if note]
    notes.append(
        f"Scale {scale:g} was not measured: times at {at:g} are multiplied with {estimate.value / here.value:.4g} "
        f"({estimate.low:.4g} to {estimate.high:.4g}), by {len({point.scale for point in points})} measured scales."
    )
    if model.held_out_error is not None:
        notes.append(f"The largest of them is predicted from the others within {model.held_out_error:.0%}.")
    return base, replace(estimate, notes=tuple(notes))


def at_scale(prediction: Prediction, ratio: Estimate, scale: float) -> Prediction:
    """The prediction with its times multiplied; nothing is measured at that scale, and intervals are wider."""
    rows = tuple(_scaled(row, ratio) for row in prediction.rows)
    return replace(prediction, scale=f"{scale:g}", rows=rows, notes=(*prediction.notes, *ratio.notes))


def _scaled(row: PredictedRow, ratio: Estimate) -> PredictedRow:
    def end(own: float, growth: float) -> float:
        return math.hypot(math.log(own / row.seconds), math.log(growth / ratio.value))

    seconds = row.seconds * ratio.value
    return replace(
        row,
        seconds=seconds,
        low=seconds * math.exp(-end(row.low, ratio.low)),
        high=seconds * math.exp(end(row.high, ratio.high)),
        measured=False,
    )
