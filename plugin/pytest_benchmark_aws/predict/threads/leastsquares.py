"""Least squares for a few unknowns: symmetric systems, and coefficients that cannot be negative."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROUNDS = 30
"""Times the unknowns; Lawson and Hanson's own limit is 3, and each round lowers the sum of squares."""


def cholesky(matrix: Sequence[Sequence[float]]) -> list[list[float]]:
    """The lower triangle L of L times its transpose, for a symmetric positive definite matrix.

    Raises:
        ValueError: the matrix is not positive definite.
    """
    lower: list[list[float]] = []
    for row, line in enumerate(matrix):
        entries: list[float] = []
        for column in range(row):
            others = sum(a * b for a, b in zip(entries, lower[column], strict=False))
            entries.append((line[column] - others) / lower[column][column])
        rest = line[row] - sum(entry * entry for entry in entries)
        if not rest > 0:
            raise ValueError(f"the matrix is not positive definite at row {row}")
        lower.append([*entries, math.sqrt(rest)])
    return lower


def forward(lower: Sequence[Sequence[float]], vector: Sequence[float]) -> list[float]:
    """The solution y of L y = ``vector``; the sum of its squares is the quadratic form of the inverse matrix."""
    solution: list[float] = []
    for line, value in zip(lower, vector, strict=True):
        solution.append((value - sum(a * b for a, b in zip(line, solution, strict=False))) / line[-1])
    return solution


def solve(matrix: Sequence[Sequence[float]], vector: Sequence[float]) -> list[float]:
    """The solution of a symmetric positive definite system."""
    lower = cholesky(matrix)
    half = forward(lower, vector)
    size = len(vector)
    solution = [0.0] * size
    for row in reversed(range(size)):
        later = sum(lower[other][row] * solution[other] for other in range(row + 1, size))
        solution[row] = (half[row] - later) / lower[row][row]
    return solution


def non_negative(matrix: Sequence[Sequence[float]], vector: Sequence[float]) -> list[float]:
    """The x >= 0 that minimises x' ``matrix`` x / 2 - ``vector``' x, for a positive definite matrix.

    Lawson and Hanson, Solving Least Squares Problems, 1974, chapter 23, on the normal equations, as there are few
    unknowns and a prior keeps the matrix far from singular.
    """
    size = len(vector)
    values = [0.0] * size
    free: set[int] = set()
    tolerance = 1e-12 * max(map(abs, vector), default=0.0)
    for _ in range(_ROUNDS * size):
        slopes = [vector[i] - sum(a * b for a, b in zip(matrix[i], values, strict=True)) for i in range(size)]
        steepest = max((i for i in range(size) if i not in free), key=slopes.__getitem__, default=None)
        if steepest is None or slopes[steepest] <= tolerance:
            break
        free.add(steepest)
        while free:
            order = sorted(free)
            part = solve([[matrix[i][j] for j in order] for i in order], [vector[i] for i in order])
            wanted = dict(zip(order, part, strict=True))
            falling = [i for i in order if wanted[i] <= 0]
            if not falling:
                values = [wanted.get(i, 0.0) for i in range(size)]
                break
            # As far towards the solution as none turns negative; what reaches zero stays there.
            step = min(values[i] / (values[i] - wanted[i]) if values[i] > 0 else 0.0 for i in falling)
            values = [values[i] + step * (wanted[i] - values[i]) if i in free else 0.0 for i in range(size)]
            free -= {i for i in falling if values[i] <= 1e-15 * max(1.0, abs(wanted[i]))}
            values = [values[i] if i in free else 0.0 for i in range(size)]
    return values
