"""The thread model: a benchmark's time by rows and threads on one machine, and the number of threads that is best.

Every form of ``thread_forms`` is fitted to the measured times by least squares of relative errors, with coefficients
that are not negative and are drawn towards what is usual; forms are weighted by how well they explain what was
measured. What a placement took beyond that at the greatest scale, it is taken to take at others too, in part: cores
that share a cache are in no form.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_benchmark_aws.predict.estimate import Estimate, LogPart, mixture
from pytest_benchmark_aws.predict.leastsquares import cholesky, forward, non_negative
from pytest_benchmark_aws.predict.scale import ScaleDataError
from pytest_benchmark_aws.predict.thread_forms import LIGHTGBM, TERMS, Form, ThreadPrior, forms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_benchmark_aws.predict.placement import Placement

MISFIT = 0.12
"""What the best form misses a machine's times by, as a share: 4 to 14 % in lightgbm-threads; up to 0.2 all backtest
alike."""
LOOSE = 3.0
"""A coefficient is usual within so many times itself."""
LEAST = 0.01
"""No coefficient is less than this share of what is usual, so that no threads take no time."""
CARRIED = 0.5
"""Of what a placement took beyond its form at the greatest scale, how much it is taken to take at any."""
BEYOND = 0.1
"""Share by which a prediction is less sure for each tenfold scale outside what was measured."""
CALIBRATED = 0.75
"""By this the spread is less than its parts': 53 of 55 times lie in their intervals so, leave-machine-out."""
RESULTS_OF_PRIOR = 4
"""What is said of the misfit beforehand counts as so many results."""
FAR_BEYOND = 10.0
CONTRADICTING = 0.3


@dataclass(frozen=True, slots=True)
class ThreadTime:
    """One launch's time at a scale, such as rows, with its threads where they ran."""

    scale: float
    placement: Placement
    seconds: float


@dataclass(frozen=True, slots=True)
class Cell:
    """The launches of one scale and placement; the scale is relative to the reference."""

    scale: float
    placement: Placement
    seconds: float
    spread: float
    """Standard deviation of the logarithms between launches."""


@dataclass(frozen=True, slots=True)
class FittedForm:
    """A form with its coefficients."""

    form: Form
    units: tuple[float, ...]
    """What is usual of each coefficient on this machine, in seconds."""
    coefficients: tuple[float, ...]
    """Over these."""
    lower: tuple[tuple[float, ...], ...]
    """Cholesky's triangle of the precision of the coefficients."""
    log_weight: float
    misfit: float
    carried: dict[Placement, float]
    """Logarithm of what a placement took beyond the form at its greatest scale."""

    def part(self, scale: float, placement: Placement, outside: float) -> LogPart:
        """What this form says of a time."""
        terms = [a * b for a, b in zip(self.form.terms(scale, placement), self.units, strict=True)]
        seconds = math.fsum(a * b for a, b in zip(terms, self.coefficients, strict=True))
        unsure = math.sqrt(sum(x * x for x in forward(self.lower, terms))) / seconds
        spread = CALIBRATED * math.sqrt(unsure**2 + self.misfit**2 + (BEYOND * outside) ** 2)
        return LogPart(self.log_weight, math.log(seconds) + CARRIED * self.carried.get(placement, 0.0), spread)


@dataclass(frozen=True, slots=True)
class Choice:
    """The number of threads that is taken to be best."""

    placement: Placement
    estimate: Estimate
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ThreadModel:
    """What a machine's times tell of other rows and other threads."""

    reference: float
    """The greatest measured scale."""
    smallest: float
    fitted: tuple[FittedForm, ...]
    shown: frozenset[Placement]
    """Placements that were measured."""
    notes: tuple[str, ...]
    source: str
    """Of what is usual."""
    held_out_error: float | None = None
    """Median share by which the largest scale's times are missed when predicted from the others'; with one scale, each
    placement's from the others'. None where nothing can be held out."""

    def predict(self, scale: float, placement: Placement) -> Estimate:
        """The seconds of one new launch.

        Raises:
            ScaleDataError: the scale is not a positive number.
        """
        if not (math.isfinite(scale) and scale > 0):
            raise ScaleDataError(f"scale {scale}: give a positive number, such as rows")
        relative = scale / self.reference
        outside = math.log10(max(relative, self.smallest / scale, 1.0))
        parts = [fitted.part(relative, placement, outside) for fitted in self.fitted]
        best = max(part.weight for part in parts)
        notes = (*self.notes, *self._never_shown(placement))
        if relative > FAR_BEYOND * 1.001:
            notes = (*notes, f"{scale:,.6g} is {relative:,.3g} times the largest scale measured, {self.reference:,.6g}")
        return mixture([replace(part, weight=math.exp(part.weight - best)) for part in parts], notes)

    def _never_shown(self, placement: Placement) -> Iterable[str]:
        if placement.sockets > 1 and all(shown.sockets == 1 for shown in self.shown):
            yield "no second socket was measured: what one costs is what is usual elsewhere"
        if placement.second_threads and not any(shown.second_threads for shown in self.shown):
            yield "no second thread of a core was measured: what one is worth is what is usual elsewhere"

    def best(self, scale: float, candidates: Sequence[Placement]) -> Choice:
        """The placement with the least predicted time; of equal ones the first.

        Raises:
            ValueError: there is none to choose from.
        """
        if not candidates:
            raise ValueError("there is no placement to choose from: give one at least")
        predicted = [(self.predict(scale, placement), placement) for placement in candidates]
        estimate, chosen = min(predicted, key=lambda pair: pair[0].value)
        near = [str(placement) for each, placement in predicted if placement != chosen and each.low < estimate.value]
        notes = (f"not surely faster than {', '.join(near)}",) if near else ()
        return Choice(chosen, estimate, notes)


def fit(times: Iterable[ThreadTime], prior: ThreadPrior = LIGHTGBM, *, held_out: bool = True) -> ThreadModel:
    """The model of one benchmark on one machine; several launches of a scale and placement are each a time.

    Raises:
        ScaleDataError: there is no time, or one that is not positive and finite.
    """
    whole = list(times)
    for time in whole:
        if not all(math.isfinite(number) and number > 0 for number in (time.scale, time.seconds)):
            raise ScaleDataError(f"{time.seconds} s at scale {time.scale}: give positive numbers")
    if not whole:
        raise ScaleDataError(
            "no time was given: give at least one, and better two scales with three thread counts each"
        )
    scales = sorted({time.scale for time in whole})
    cells = cells_of(whole, scales[-1])
    fitted = [fit_form(form, cells, prior) for form in forms(prior)]
    best = max(each.log_weight for each in fitted)
    likely = [each for each in fitted if each.log_weight > best - 7]
    error = _held_out_error(whole, scales, prior) if held_out else None
    notes = tuple(_notes(cells, scales, likely))
    shown = frozenset(time.placement for time in whole)
    return ThreadModel(scales[-1], scales[0], tuple(likely), shown, notes, prior.source, error)


def cells_of(times: Sequence[ThreadTime], reference: float) -> list[Cell]:
    """The launches by scale, over ``reference``, and placement."""
    launches: dict[tuple[float, Placement], list[float]] = {}
    for time in times:
        launches.setdefault((time.scale, time.placement), []).append(time.seconds)
    return [
        Cell(
            scale / reference,
            placement,
            statistics.median(seconds),
            statistics.stdev(map(math.log, seconds)) if len(seconds) > 1 else 0.0,
        )
        for (scale, placement), seconds in launches.items()
    ]


def fit_form(form: Form, cells: Sequence[Cell], prior: ThreadPrior, loose: float = LOOSE) -> FittedForm:
    """The form's coefficients for the times of ``cells``; usual ones are right within ``loose`` times themselves."""
    size = len(TERMS)
    rows = [form.terms(cell.scale, cell.placement) for cell in cells]
    usual = [math.fsum(a * b for a, b in zip(row, prior.coefficients, strict=True)) for row in rows]
    level = math.exp(
        statistics.fmean(math.log(cell.seconds / seconds) for cell, seconds in zip(cells, usual, strict=True))
    )
    units = [level * coefficient for coefficient in prior.coefficients]
    precision = [[0.0] * size for _ in range(size)]
    target = [1 / loose**2] * size
    variances = [MISFIT**2 + cell.spread**2 for cell in cells]
    shares = [
        [term * unit / cell.seconds for term, unit in zip(row, units, strict=True)]
        for row, cell in zip(rows, cells, strict=True)
    ]
    for share, variance in zip(shares, variances, strict=True):
        for i in range(size):
            target[i] += share[i] / variance
            for j in range(i + 1):
                precision[i][j] += share[i] * share[j] / variance
    for i in range(size):
        precision[i][i] += 1 / loose**2
        for j in range(i):
            precision[j][i] = precision[i][j]
    # Least is added after the fit of what is more than it.
    above = [wanted - LEAST * math.fsum(line) for wanted, line in zip(target, precision, strict=True)]
    coefficients = [LEAST + coefficient for coefficient in non_negative(precision, above)]
    errors = [-math.log(math.fsum(a * b for a, b in zip(share, coefficients, strict=True))) for share in shares]
    # One result that nothing explains must not decide on the form, so that none counts for more than three deviations.
    squares = [error**2 / variance for error, variance in zip(errors, variances, strict=True)]
    away = math.fsum((coefficient - 1) ** 2 for coefficient in coefficients) / loose**2
    log_weight = form.usual - (math.fsum(min(square, 9.0) for square in squares) + away) / 2
    missed = math.fsum(error**2 + cell.spread**2 for error, cell in zip(errors, cells, strict=True))
    misfit = math.sqrt((RESULTS_OF_PRIOR * MISFIT**2 + missed) / (RESULTS_OF_PRIOR + len(cells)))
    carried: dict[Placement, float] = {}
    for cell, error, variance in sorted(zip(cells, errors, variances, strict=True), key=lambda entry: entry[0].scale):
        carried[cell.placement] = error * MISFIT**2 / variance
    lower = tuple(map(tuple, cholesky(precision)))
    return FittedForm(form, tuple(units), tuple(coefficients), lower, log_weight, misfit, carried)


def _held_out_error(times: Sequence[ThreadTime], scales: Sequence[float], prior: ThreadPrior) -> float | None:
    held: list[tuple[list[ThreadTime], list[ThreadTime]]] = []
    if len(scales) > 1:
        held.append(([t for t in times if t.scale != scales[-1]], [t for t in times if t.scale == scales[-1]]))
    else:
        for placement in {time.placement for time in times}:
            others = [time for time in times if time.placement != placement]
            held.append((others, [time for time in times if time.placement == placement]))
    errors = []
    for shown, hidden in held:
        if not shown:
            return None
        model = fit(shown, prior, held_out=False)
        errors += [abs(model.predict(time.scale, time.placement).value / time.seconds - 1) for time in hidden]
    return statistics.median(errors)


def _notes(cells: Sequence[Cell], scales: Sequence[float], fitted: Sequence[FittedForm]) -> Iterable[str]:
    placements = {cell.placement for cell in cells}
    if len(scales) == 1:
        yield f"measured at one scale alone, {scales[0]:,.6g}: how threads scale depends on it, give another scale"
    if len(placements) == 1:
        yield f"measured with {next(iter(placements))} alone: what others do is what is usual elsewhere"
    if min(each.misfit for each in fitted) > CONTRADICTING:
        yield f"no form explains the times, the best misses them by {min(each.misfit for each in fitted):.0%}"
