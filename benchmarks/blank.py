"""The note's blank cell, predicted: ``python -m benchmarks.blank``.

The note trained with all vCPUs on m5.8xlarge (574 s) and r5.4xlarge (763 s), and left c5.24xlarge open. Its time there
is a published one, times how much faster a core of c5 is, times what the thread model of c5.metal, which has the CPUs
of c5.24xlarge, says of its threads over those of the published machine.

What nobody knows is averaged over. The note's 401-class trees wait less, or more, for each row than those that c5.metal
was measured with, so that they scale as those do at another number of rows; and a part of the time, such as the first
touch of 88 GiB, may be one thread's whatever their number. Each pair of the two is weighted by how well it explains the
ratio of the two published times.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.c5_metal import CURVES, Curve
from benchmarks.threadtimes import read_times
from benchmarks.workload import PUBLISHED_ROWS
from pytest_benchmark_aws.catalog.snapshot import PRICE_DATE, catalog
from pytest_benchmark_aws.predict.estimate import Estimate, LogPart, mixture
from pytest_benchmark_aws.predict.model import table as machine_table
from pytest_benchmark_aws.predict.model.machines import machines_of
from pytest_benchmark_aws.predict.model.posterior import combined, prior_of
from pytest_benchmark_aws.predict.placement import Placement, Topology, place
from pytest_benchmark_aws.predict.threads import fit
from pytest_benchmark_aws.report.text import aligned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_benchmark_aws.core.catalog import InstanceType


BLANK = "c5.24xlarge"
C5_24XLARGE = Topology(sockets=2, cores_per_socket=24, threads_per_core=2)
ALL_VCPUS, ALL_CORES, ONE_SOCKET = place(96, C5_24XLARGE), place(48, C5_24XLARGE), place(24, C5_24XLARGE)


STUDENTS_95 = 2.776
"""Of Student's t with four degrees of freedom, 95 % lie within so many scales of the middle."""


@dataclass(frozen=True, slots=True)
class Published:
    """One of the note's results: one run, to the second, with all vCPUs of a part of one socket."""

    instance_type: str
    seconds: float
    placement: Placement


PUBLISHED = (
    Published("m5.8xlarge", 574.0, Placement(threads=32, cores=16, sockets=1)),
    Published("r5.4xlarge", 763.0, Placement(threads=16, cores=8, sockets=1)),
)
CLOCK_SPREAD = 0.1
"""Share by which the ratio of two CPUs' times on one core is taken to differ from that of their clocks."""
RUN_SPREAD = 0.05
"""Of one run."""
FORM_SPREAD = 0.1
"""Share by which the best form misses c5.metal's times (9 to 11 %)."""
ROWS_SPREAD = 0.35
"""How far, in powers of ten, the rows at which c5.metal's trees scale as the note's do lie from the note's rows."""
SERIAL = {0.0: 0.3, 0.05: 0.2, 0.1: 0.17, 0.15: 0.13, 0.2: 0.08, 0.3: 0.07, 0.4: 0.05}
"""Share of m5.8xlarge's time that is one thread's, and how usual: 0.05 to 0.15 where 88 GiB are touched at 1 to 3 GiB a
second."""


def clock_ratio(slow: str, fast: str) -> Estimate:
    """Seconds on one core of ``fast`` over those on one of ``slow``, from the sustained clocks that AWS publishes.

    The machine model, where there is one, says the same from measurements.
    """
    slow_ghz, fast_ghz = (_listed(name).clock_ghz for name in (slow, fast))
    if slow_ghz is None or fast_ghz is None:
        raise ValueError(f"the clock of {slow} or {fast} is not in the catalog of {PRICE_DATE}: give a ratio")
    return mixture([LogPart(1.0, math.log(slow_ghz / fast_ghz), CLOCK_SPREAD)])


def _listed(name: str) -> InstanceType:
    entry = catalog().find(name)
    if entry is None:
        raise ValueError(f"{name} is not in the catalog of {PRICE_DATE}")
    return entry


def cell(
    curves: Sequence[Curve],
    ratios: Mapping[str, Estimate],
    placement: Placement,
    *,
    used: Sequence[Published] = PUBLISHED,
) -> Estimate:
    """Seconds of the note's training with ``placement`` on a machine whose ratio to each published one is given."""
    parts = []
    for curve, rows, serial, weight in _scenarios(curves, used):
        logs = [
            math.log(published.seconds)
            + math.log(ratios[published.instance_type].value)
            + _log_relative(curve, rows, serial, placement)
            - _log_relative(curve, rows, serial, published.placement)
            for published in used
        ]
        parts.append(LogPart(weight, math.fsum(logs) / len(logs), _spread(used, ratios)))
    return mixture(parts)


def from_the_other(curves: Sequence[Curve], of: Published, other: Published) -> Estimate:
    """A published result predicted from the other, which has the same CPU."""
    same = mixture([LogPart(1.0, 0.0, 0.02)])
    return cell(curves, {other.instance_type: same}, of.placement, used=(other,))


def _scenarios(curves: Sequence[Curve], used: Sequence[Published]) -> list[tuple[Curve, float, float, float]]:
    """A curve, the rows at which it scales as the note does, a serial share, and the weight of the three."""
    scenarios = []
    for curve in curves:
        for step in range(-10, 11):
            rows = PUBLISHED_ROWS * 10 ** (step / 10)
            for serial, usual in SERIAL.items():
                weight = curve.weight * usual * math.exp(-((step / 10 / ROWS_SPREAD) ** 2) / 2)
                if len(used) > 1:
                    first, second = used
                    expected = _log_relative(curve, rows, serial, first.placement) - _log_relative(
                        curve, rows, serial, second.placement
                    )
                    off = expected - math.log(first.seconds / second.seconds)
                    # Both runs and, in part, the form may be off.
                    weight *= math.exp(-(off**2) / 2 / (2 * RUN_SPREAD**2 + FORM_SPREAD**2))
                scenarios.append((curve, rows, serial, weight))
    return scenarios


def _log_relative(curve: Curve, rows: float, serial: float, placement: Placement) -> float:
    """Natural logarithm of a placement's time over that of m5.8xlarge's threads."""
    threaded = math.exp(curve.log_seconds(rows, placement) - curve.log_seconds(rows, PUBLISHED[0].placement))
    return math.log(serial + (1 - serial) * threaded)


def _spread(used: Sequence[Published], ratios: Mapping[str, Estimate]) -> float:
    """Of a cell's logarithm: the published runs' own, the form's and the machine ratio's, which is common to all."""
    each = ratios[used[0].instance_type]
    machine = math.log(each.width) / 2 / STUDENTS_95
    return math.sqrt(RUN_SPREAD**2 / len(used) + FORM_SPREAD**2 + machine**2)


def fitted_curves(folder: Path) -> list[Curve]:
    """c5.metal's curves, fitted to all its times in ``lightgbm-threads.csv``; the likelier half and its weights."""
    model = fit(read_times(folder)["c5.metal"].times, held_out=False)
    best = max(fitted.log_weight for fitted in model.fitted)
    curves = [
        Curve(
            math.exp(fitted.log_weight - best),
            fitted.form,
            tuple(a * b for a, b in zip(fitted.units, fitted.coefficients, strict=True)),
        )
        for fitted in model.fitted
    ]
    return [curve for curve in curves if curve.weight > 0.3]


def clock_ratios() -> dict[str, Estimate]:
    """The blank machine's time on one core over that of each published one, by their clocks."""
    return {published.instance_type: clock_ratio(published.instance_type, BLANK) for published in PUBLISHED}


def model_ratio(slow: str, fast: str) -> Estimate:
    """The same by the machine model: what benchmarks of one thread take, over all that were measured on both types.

    Its m5.8xlarge was measured on a Xeon 8259CL, Cascade Lake, where the note's was an 8175, Skylake; EC2 has both.
    """
    prior = prior_of(machine_table.load())
    machines = machines_of([_listed(slow), _listed(fast)], prior.table)
    pieces = [prior.pieces(machine, machines) for machine in machines]
    parts = []
    for part in prior.parts:
        if part.kind.name == "one thread" and part.spread.machines <= 1:
            (first, between), (_, second) = (combined(part, piece) for piece in pieces)
            own = sum(prior.own_variance(part, machine) for machine in machines)
            middle = part.mean(machines[1]) - part.mean(machines[0])
            parts.append(LogPart(part.spread.weight, middle, math.sqrt(first + second - 2 * between + own)))
    return mixture(parts)


def model_ratios() -> dict[str, Estimate]:
    """The blank machine's time on one core over that of each published one, by the machine model."""
    return {published.instance_type: model_ratio(published.instance_type, BLANK) for published in PUBLISHED}


def table(curves: Sequence[Curve], ratios: Mapping[str, Estimate]) -> list[str]:
    """The cell by threads, with a ratio of times on one core for each published machine; then how good that is."""
    rows = [("c5.24xlarge, predicted", "seconds", "95 % interval", "USD")]
    for name, placement in (
        ("all 96 vCPUs", ALL_VCPUS),
        ("all 48 cores", ALL_CORES),
        ("one socket, 24 cores", ONE_SOCKET),
    ):
        estimate = cell(curves, ratios, placement)
        usd = float(_listed(BLANK).usd_per_hour or 0) * estimate.value / 3600
        rows.append((name, f"{estimate.value:.0f}", f"{estimate.low:.0f} to {estimate.high:.0f}", f"{usd:.3f}"))
    checks = [("published", "seconds", "predicted from the other", "95 % interval", "off")]
    for of, other in (PUBLISHED, PUBLISHED[::-1]):
        estimate = from_the_other(curves, of, other)
        checks.append(
            (
                of.instance_type,
                f"{of.seconds:.0f}",
                f"{estimate.value:.0f}",
                f"{estimate.low:.0f} to {estimate.high:.0f}",
                f"{estimate.value / of.seconds - 1:+.1%}",
            )
        )
    return [*aligned(rows), "", *aligned(checks)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.blank", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="fit c5.metal anew to lightgbm-threads.csv there")
    parser.add_argument("--curves", action="store_true", help="print the fitted curves, to be shipped")
    options = parser.parse_args(arguments)
    curves = list(CURVES) if options.data is None else fitted_curves(options.data)
    if options.curves:
        for curve in curves:
            numbers = ", ".join(f"{number:.4g}" for number in curve.coefficients)
            form = curve.form
            fields = f"{form.overhead_power:.2f}, {form.work_power}, {form.gain}, {form.rooted}"
            print(f"    Curve({curve.weight:.3f}, Form({fields}), ({numbers})),")
        return 0
    clocks, model = clock_ratios()[PUBLISHED[0].instance_type], model_ratios()
    print("\n".join(table(curves, model)))
    print("\none core of c5.24xlarge over one of each published machine, time:")
    for name, ratio in (
        *((f"{name}, machine model", ratio) for name, ratio in model.items()),
        ("by the clocks", clocks),
    ):
        print(f"  {name:<28} {ratio.value:.3f}, {ratio.low:.3f} to {ratio.high:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
