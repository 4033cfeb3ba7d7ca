"""What makes the same training faster, and what that does to the model: the variants of ``pytest -m levers``.

Each is the regularized default, 401 classes and ``lambda_l2=1``, with a few parameters changed; rows, rounds and the
learning rate stay. Each training of a variant stands between two of the default in the same process, so that a ratio
is of what the machine was like at that time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.ratios import how, loads, read_ratios, shape_of
from pytest_benchmark_aws.report.text import aligned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from benchmarks.ratios import Ratios

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
    ratios: Ratios
    log_loss: float
    log_loss_difference: float
    log_loss_margin: float
    accuracy: float
    load: float | None
    """The machine's load average before it."""

    @property
    def no_worse(self) -> bool:
        """By the validation log loss as it is, whatever its margin."""
        return self.log_loss_difference <= 0


def read(median: float, extra: Mapping[str, Any]) -> LeverResult | None:
    """A result from a benchmark's ``extra_info``; None where nothing was timed."""
    ratios = read_ratios(extra)
    if ratios is None:
        return None
    return LeverResult(
        name=extra["lever"],
        shape=shape_of(extra),
        seconds=median,
        ratios=ratios,
        log_loss=extra["validation_log_loss"],
        log_loss_difference=extra["log_loss_difference"],
        log_loss_margin=extra["log_loss_margin"],
        accuracy=extra["validation_accuracy"],
        load=extra["load_average"],
    )


def lines_of(results: Sequence[LeverResult]) -> list[str]:
    """A table for each shape, and below it the levers that are faster at no worse log loss, the fastest first."""
    lines: list[str] = []
    for shape in dict.fromkeys(result.shape for result in results):
        same = [result for result in results if result.shape == shape]
        lines += ["", f"levers: {shape}; {loads([result.load for result in same])}", *_table(same)]
        lines.append(
            f"  {how([result.ratios for result in same], 'the default')}; ±: of the rows that it was judged on"
        )
        best = sorted(
            (result for result in same if result.ratios.time.below_one and result.no_worse),
            key=lambda result: result.ratios.time.value,
        )
        named = ", ".join(f"{result.name} ({result.ratios.time.value:.2f})" for result in best)
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
            f"{result.ratios.time.value:.2f}",
            result.ratios.time.interval(),
            f"{result.ratios.wall.value:.2f}",
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
    time = result.ratios.time
    if time.low is None:
        return "too few pairs"
    if time.above_one:
        return "slower"
    if not time.below_one:
        return "no difference in time"
    return "faster" if result.no_worse else "faster, worse log loss"
