"""Whether a compiled model still predicts what LightGBM does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

EQUAL_CLASSES = 0.999
"""The least share of rows whose most likely class is the same: two classes may be as likely but for the last digit."""
EQUAL_CLASSES_ROUNDED = 0.99
"""The same where rows of double precision are rounded to single: some then fall on a threshold's other side."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two models' probabilities of the same rows."""

    largest_difference: float
    equal_classes: float
    """Share of rows whose most likely class is the same."""

    def trouble(self, name: str, tolerance: float, *, is_rounded: bool) -> str | None:
        """A sentence with the numbers where they do not agree."""
        least = EQUAL_CLASSES_ROUNDED if is_rounded else EQUAL_CLASSES
        close = self.largest_difference <= (1.0 if is_rounded else tolerance)  # what is not a number is never close
        if close and self.equal_classes >= least:
            return None
        return (
            f"{name} does not predict what LightGBM does: probabilities differ by up to {self.largest_difference:.1e} "
            f"(at most {tolerance:.1e} was expected), the class is the same for {self.equal_classes:.2%} of the rows "
            f"(at least {least:.1%})"
        )


def agreement(probabilities: NDArray[Any], reference: NDArray[Any]) -> Agreement:
    """What is not a number agrees with nothing.

    Raises:
        ValueError: they are of other rows or classes.
    """
    if probabilities.shape != reference.shape:
        raise ValueError(f"probabilities of shape {probabilities.shape}, LightGBM's have {reference.shape}")
    apart = np.abs(probabilities.astype(np.float64) - reference)
    largest = float(apart.max()) if np.isfinite(apart).all() else float("inf")
    return Agreement(largest, float((probabilities.argmax(axis=1) == reference.argmax(axis=1)).mean()))
