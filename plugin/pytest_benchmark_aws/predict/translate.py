"""Baselines of other machines, carried over to the machine of new results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.compare.gate import Identity, Translated, has, identity
from pytest_benchmark_aws.core.compare.inference import Ratio
from pytest_benchmark_aws.core.compare.tables import CONFIDENCE
from pytest_benchmark_aws.predict.measured import CaseResults, Measured, cases_of, without_gpus
from pytest_benchmark_aws.predict.model.posterior import Posterior, Prior, condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_benchmark_aws.core.compare.records import Record
    from pytest_benchmark_aws.core.compare.rows import How, Row
    from pytest_benchmark_aws.predict.model.machines import Machine

_Z_975 = 1.96
"""Of the normal distribution, 97.5 %."""


def translations(
    prior: Prior,
    target: Machine,
    machines: Mapping[str, Machine],
    rows: Iterable[Row],
    baselines: Sequence[Record],
    how: How,
) -> dict[Identity, Translated]:
    """What the baselines would take on the rows' machine, for the rows that have baselines of other types alone.

    The machine model is conditioned on all baselines of a case. Embedded AWS's times are those of the machine that it
    ran on: they are not translated.

    Args:
        prior: the machine model.
        target: the machine of the rows that count.
        machines: all that the baselines may be of, by instance type.
        rows: new results without a baseline of their machine.
        baselines: of all machines.
        how: what of a launch's rounds counts.
    """
    cases = cases_of(without_gpus(baselines)[0], machines, how)
    results = {(case.case, case.scale): case for case in cases if not case.embedded}
    translated = {}
    for row in rows:
        case = results.get((row.case, row.scale))
        new = _measured(row, target, how)
        if case is None or not case.measured or new is None:
            continue
        probes = [measured.probe for measured in case.measured]
        if all(probe.machine.name != target.name for probe in probes):
            posterior = condition(prior, probes, [target])
            translated[identity(row)] = _translated(row, new, case, posterior, how)
    return translated


def _measured(row: Row, target: Machine, how: How) -> Measured | None:
    """The row's launches; None where it is not of the machine, or of embedded AWS."""
    if row.machine.instance_type != target.name or row.machine.embedded or not has(row, how):
        return None
    cases = cases_of(row.records, {target.name: target}, how)
    return cases[0].measured[0] if cases and cases[0].measured else None


def _translated(row: Row, new: Measured, case: CaseResults, posterior: Posterior, how: How) -> Translated:
    low, middle, high = (posterior.quantile(share, 0) for share in (0.025, 0.5, 0.975))
    seconds = math.log(fmean(getattr(record, how) for record in row.records))
    away = _Z_975 * math.sqrt(new.probe.variance)
    origins = tuple(measured.probe.machine.name for measured in case.measured)
    ratio = Ratio(
        math.exp(seconds - middle),
        math.exp(seconds - away - high),
        math.exp(seconds + away - low),
        CONFIDENCE,
        _p_value(posterior, seconds, middle, away),
    )
    return Translated(origins, math.exp(middle), math.exp(low), math.exp(high), ratio)


def _p_value(posterior: Posterior, seconds: float, middle: float, away: float) -> float:
    """Two-sided, of the baseline taking as long; of the row's interval the end that is nearest to the middle counts."""
    if abs(seconds - middle) <= away:
        return 1.0
    nearest = seconds - math.copysign(away, seconds - middle)
    below = posterior.below(nearest, 0)
    return min(1.0, 2 * min(below, 1 - below))
