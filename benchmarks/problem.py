"""The arrays that one benchmark run trains on and validates with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A multiclass classification problem.

    ``x_train`` is (rows, features) and ``x_val`` (validation rows, features), both C-contiguous float32 or float64;
    ``y_train`` and ``y_val`` are int32 class indices in ``range(classes)``. Arrays may be read-only memory maps.
    """

    x_train: NDArray[np.floating[Any]]
    y_train: NDArray[np.int32]
    x_val: NDArray[np.floating[Any]]
    y_val: NDArray[np.int32]
    classes: int
    categorical_features: tuple[int, ...] = ()
