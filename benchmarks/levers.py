"""What makes the same training faster, and what that does to the model: the variants of ``pytest -m levers``.

Each is the regularized default, 401 classes and ``lambda_l2=1``, with a few parameters changed; rows, rounds and the
learning rate stay. Each training of a variant stands between two of the default in the same process, so that a ratio
is of what the machine was like at that time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.overhead.pairs import median_interval
from pytest_benchmark_aws.report.text import aligned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

PAIRS = 6
"""The fewest for an interval at 95 %."""
SAME = "nothing"
"""What a lever changes that gives the same model."""


@dataclass(frozen=True, slots=True)
class Lever:
    """Parameters beside the default's, and what they change in the model."""

    params: Mapping[str, Any]
    changes: str
    validated: bool = True
    """Whether the validation set is evaluated each round, as in the published training."""


def _quantized(steps: int) -> dict[str, Any]:
    return {"use_quantized_grad": True, "num_grad_quant_bins": steps, "quant_train_renew_leaf": True}


LEVERS: dict[str, Lever] = {
    "control": Lever({}, SAME),
    "bins63": Lever({"max_bin": 63}, "coarser features"),
    "bins15": Lever({"max_bin": 15}, "coarser features"),
    "quantized16": Lever(_quantized(16), "gradients in 16 steps"),
    "quantized4": Lever(_quantized(4), "gradients in 4 steps"),
    "bins63-quantized4": Lever({"max_bin": 63, **_quantized(4)}, "coarser features, gradients in 4 steps"),
    "bins63-quantized4-leaves15": Lever({"max_bin": 63, **_quantized(4), "num_leaves": 15}, "both, smaller trees"),
    "leaves15": Lever({"num_leaves": 15}, "smaller trees"),
    "bins15-leaves20": Lever({"max_bin": 15, "num_leaves": 20}, "coarser features, smaller trees"),
    "bins15-quantized4-leaves20": Lever({"max_bin": 15, **_quantized(4), "num_leaves": 20}, "all three"),
    "features80": Lever({"feature_fraction": 0.8}, "a tree sees 24 of 30 features"),
    "bagging50": Lever({"bagging_fraction": 0.5, "bagging_freq": 1}, "a round sees half of the rows"),
    "extra-trees": Lever({"extra_trees": True}, "one random threshold a feature"),
    "row-wise": Lever({"force_row_wise": True}, SAME),
    "column-wise": Lever({"force_col_wise": True}, SAME),
    "validated-after": Lever({}, f"{SAME}, it is judged afterwards", validated=False),
}
"""By the names in the tests' ids."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """How long a lever takes as a share of the default's time, with its interval at 95 %."""

    value: float
    low: float
    high: float


def ratio(lever: Sequence[float], default: Sequence[float]) -> Ratio | None:
    """The median of each time over the mean of the default's before and after it; None with too few for an interval."""
    if len(lever) < PAIRS:
        return None
    neighbours = zip(lever, default[:-1], default[1:], strict=True)
    interval = median_interval([2 * seconds / (before + after) for seconds, before, after in neighbours])
    return Ratio(interval.median, interval.low, interval.high)


def difference(lever: NDArray[np.float64], default: NDArray[np.float64]) -> tuple[float, float]:
    """A lever's log loss less the default's, and the 1.96 standard errors that it may be off.

    Both are of the same validation rows, which are a sample.
    """
    apart = lever - default
    return float(apart.mean()), 1.96 * float(apart.std(ddof=1)) / math.sqrt(len(apart))


@dataclass(frozen=True, slots=True)
class LeverResult:
    """A row of the table."""

    name: str
    shape: str
    """Rows, threads and machine; a table is of one shape."""
    seconds: float
    wall: Ratio
    cpu: Ratio
    log_loss: float
    log_loss_difference: float
    log_loss_margin: float
    accuracy: float
    threads: int
    load: float | None
    """The machine's load average before it."""

    @property
    def time(self) -> Ratio:
        """With one thread of CPU time, which other work on the machine moves least; else of time by the clock."""
        return self.cpu if self.threads == 1 else self.wall

    @property
    def faster(self) -> bool:
        """The whole interval is below the default's time."""
        return self.time.high < 1

    @property
    def no_worse(self) -> bool:
        """By the validation log loss as it is, whatever its margin."""
        return self.log_loss_difference <= 0


def read(name: str, median: float, extra: Mapping[str, Any]) -> LeverResult | None:
    """A result from a benchmark's ``extra_info``; None where it has no pairs."""
    if not extra.get("wall_ratio"):
        return None
    return LeverResult(
        name=name,
        shape=shape_of(extra),
        seconds=median,
        wall=Ratio(*extra["wall_ratio"]),
        cpu=Ratio(*extra["cpu_ratio"]),
        log_loss=extra["validation_log_loss"],
        log_loss_difference=extra["log_loss_difference"],
        log_loss_margin=extra["log_loss_margin"],
        accuracy=extra["validation_accuracy"],
        threads=extra["threads"],
        load=extra["load_average"],
    )


def shape_of(extra: Mapping[str, Any]) -> str:
    """What a table's rows have in common."""
    threads = f"{extra['threads']} thread{'s' if extra['threads'] > 1 else ''}"
    machine = f", {extra['instance_type']}" if extra.get("instance_type") else ""
    return (
        f"{extra['rows']:,} rows, {extra['classes']} classes, {extra['boosting_rounds']} rounds, "
        f"{extra['validation_rows']:,} validation rows, {threads}{machine}"
    )


def loads(averages: Sequence[float | None]) -> str:
    """How busy the machine was, for the line above a table."""
    known = [average for average in averages if average is not None]
    return f"load average {min(known):.1f} to {max(known):.1f}" if known else "load average unknown"


def lines_of(results: Sequence[LeverResult]) -> list[str]:
    """A table for each shape, and below it the levers that are faster at no worse log loss, the fastest first."""
    lines: list[str] = []
    for shape in dict.fromkeys(result.shape for result in results):
        same = [result for result in results if result.shape == shape]
        of = "CPU seconds" if same[0].threads == 1 else "seconds by the clock"
        lines += [f"levers: {shape}; {loads([result.load for result in same])}", *_table(same)]
        lines.append(f"  time ratio: of {of}, over the default's just before and after; margin: of the rows judged on")
        best = sorted((r for r in same if r.faster and r.no_worse), key=lambda result: result.time.value)
        named = ", ".join(f"{result.name} ({result.time.value:.2f})" for result in best)
        lines.append(f"  → faster at equal or better log loss: {named or 'none'}")
    return lines


def _table(results: Sequence[LeverResult]) -> list[str]:
    head = (
        "  lever", "seconds", "time ratio", "95 % interval", "by the clock", "log loss", "vs default", "accuracy",
        "changes", "verdict",
    )  # fmt: skip
    rows: list[Sequence[str]] = [head]
    rows += [
        (
            f"  {result.name}",
            f"{result.seconds:.2f}",
            f"{result.time.value:.2f}",
            f"{result.time.low:.2f} to {result.time.high:.2f}",
            f"{result.wall.value:.2f}",
            f"{result.log_loss:.4f}",
            f"{result.log_loss_difference:+.4f} ± {result.log_loss_margin:.4f}",
            f"{result.accuracy:.4f}",
            LEVERS[result.name].changes if result.name in LEVERS else "",
            _verdict(result),
        )
        for result in results
    ]
    return aligned(rows, left=(0, 8, 9))


def _verdict(result: LeverResult) -> str:
    if result.time.low > 1:
        return "slower"
    if not result.faster:
        return "no difference in time"
    return "faster" if result.no_worse else "faster, worse log loss"
