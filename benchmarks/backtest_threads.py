"""How well the thread model predicts what it was not shown: ``python -m benchmarks.backtest_threads --data FOLDER``.

Each machine of ``lightgbm-threads.csv`` is shown at 0.1 and 1 million rows, and 10 million are predicted with each of
its thread counts; what is usual of threads is taken from the other machines alone. The naive prediction is the straight
line through the two scales, for each thread count, and its choice the count that is best by it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.threadtimes import FILE_NAME, MachineTimes, medians, read_times, usual
from pytest_benchmark_aws.predict.threads.model import fit
from pytest_benchmark_aws.report.text import aligned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_benchmark_aws.predict.threads.forms import ThreadPrior
    from pytest_benchmark_aws.predict.threads.placement import Placement

SHOWN = (1e5, 1e6)
HIDDEN = 1e7
MOST_ERROR = 0.20
MOST_REGRET = 0.05


@dataclass(frozen=True, slots=True)
class Backtest:
    """One machine's figures, as shares."""

    machine: str
    placements: int
    error: float
    """Median over the thread counts."""
    naive_error: float
    within: int
    """Of the thread counts, those whose time lies in the 95 % interval."""
    width: float
    """Median of the intervals' upper ends over their lower ones."""
    chosen: str
    regret: float
    """By how much the chosen thread count is slower than the best."""
    naive_regret: float
    held_out_error: float | None
    """What the model, shown 0.1 and 1 million rows, says of itself: 1 million from 0.1."""


def backtest(machine: MachineTimes, prior: ThreadPrior) -> Backtest:
    """The figures of one machine, predicted with what is usual elsewhere."""
    model = fit([time for time in machine.times if time.scale in SHOWN], prior)
    measured = medians(machine.times, HIDDEN)
    predicted = {placement: model.predict(HIDDEN, placement) for placement in measured}
    chosen = model.best(HIDDEN, list(measured)).placement
    naive = _straight_lines(machine)
    return Backtest(
        machine=machine.name,
        placements=len(measured),
        error=_error({placement: estimate.value for placement, estimate in predicted.items()}, measured),
        naive_error=_error(naive, measured),
        within=sum(estimate.holds(measured[placement]) for placement, estimate in predicted.items()),
        width=statistics.median(estimate.width for estimate in predicted.values()),
        chosen=str(chosen),
        regret=measured[chosen] / min(measured.values()) - 1,
        naive_regret=measured[min(naive, key=naive.__getitem__)] / min(measured.values()) - 1,
        held_out_error=model.held_out_error,
    )


def table(results: Sequence[Backtest]) -> list[str]:
    """The lines of the table, the medians last."""
    head = ("machine", "threads", "error", "naive", "in 95 %", "width", "chosen", "slower", "naive", "held out")
    rows = [head]
    rows += [
        (
            result.machine,
            str(result.placements),
            f"{result.error:.1%}",
            f"{result.naive_error:.1%}",
            f"{result.within} of {result.placements}",
            f"{result.width:.2f}",
            result.chosen,
            f"{result.regret:.1%}",
            f"{result.naive_regret:.1%}",
            "-" if result.held_out_error is None else f"{result.held_out_error:.1%}",
        )
        for result in results
    ]
    count = sum(result.placements for result in results)
    rows.append(
        (
            "median",
            str(count),
            f"{statistics.median(result.error for result in results):.1%}",
            f"{statistics.median(result.naive_error for result in results):.1%}",
            f"{sum(result.within for result in results)} of {count}",
            f"{statistics.median(result.width for result in results):.2f}",
            "",
            f"{statistics.median(result.regret for result in results):.1%}",
            f"{statistics.median(result.naive_regret for result in results):.1%}",
            f"{statistics.median(result.held_out_error or 0.0 for result in results):.1%}",
        )
    )
    return aligned(rows, left=(0, 6))


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; the exit code is 1 where a machine is beyond what issue 11 asks for, 2 without the data."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backtest_threads", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help=f"the folder that holds {FILE_NAME}")
    parser.add_argument("--prior", action="store_true", help="print what is usual of all machines, to be shipped")
    options = parser.parse_args(arguments)
    try:
        machines = read_times(options.data)
    except OSError as error:
        print(f"{options.data / FILE_NAME}: {error.strerror}; give the folder that holds it", file=sys.stderr)
        return 2
    whole = [machine for machine in machines.values() if {*SHOWN, HIDDEN} <= {time.scale for time in machine.times}]
    if options.prior:
        print(usual(whole))
        return 0
    results = [backtest(machine, usual([other for other in whole if other.name != machine.name])) for machine in whole]
    print("10 million rows predicted from 0.1 and 1 million, leave-machine-out; naive: a straight line each")
    print("\n".join(table(results)))
    missed = [result.machine for result in results if result.error > MOST_ERROR or result.regret > MOST_REGRET]
    if missed:
        print(f"beyond {MOST_ERROR:.0%} error or {MOST_REGRET:.0%} slower than the best: {', '.join(missed)}")
    return 1 if missed else 0


def _error(predicted: Mapping[Placement, float], measured: Mapping[Placement, float]) -> float:
    return statistics.median(abs(predicted[placement] / seconds - 1) for placement, seconds in measured.items())


def _straight_lines(machine: MachineTimes) -> dict[Placement, float]:
    """The seconds at the hidden scale on the line through the two shown ones, for each thread count."""
    small, large = (medians(machine.times, scale) for scale in SHOWN)
    return {
        placement: seconds + (seconds - small[placement]) / (SHOWN[1] - SHOWN[0]) * (HIDDEN - SHOWN[1])
        for placement, seconds in large.items()
    }


if __name__ == "__main__":
    sys.exit(main())
