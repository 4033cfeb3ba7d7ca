"""Small linear algebra and the normal distribution, on lists: a prediction needs matrices of a few probes alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul

Vector = Sequence[float]
Matrix = Sequence[Vector]
_ROOT_2 = math.sqrt(2)
_DENSITY = 1 / math.sqrt(2 * math.pi)
_SLOPE = 2 / math.sqrt(math.pi)
_LEAST_SLOPE, _NEAR, _MOST_STEPS = 1e-9, 1e-4, 60


def dot(left: Vector, right: Vector) -> float:
    """The sum of the products."""
    total: float = sum(map(mul, left, right))
    return total


def cholesky(matrix: Matrix) -> list[list[float]]:
    """The lower triangle whose product with its transpose is the matrix, symmetric and positive definite.

    Raises:
        ValueError: it is not positive definite.
    """
    lower: list[list[float]] = []
    for row, values in enumerate(matrix):
        line: list[float] = []
        for column in range(row):
            above = lower[column]
            line.append((values[column] - dot(line, above)) / above[column])
        rest = values[row] - dot(line, line)
        if rest <= 0:
            raise ValueError(f"row {row + 1} of {len(matrix)} makes it not positive definite")
        line.append(math.sqrt(rest))
        lower.append(line)
    return lower


def inverse_lower(lower: Matrix) -> list[list[float]]:
    """The inverse of a lower triangle, lower too; a row as long as its number."""
    inverse: list[list[float]] = []
    for row, values in enumerate(lower):
        diagonal = values[row]
        line = [
            -sum(values[middle] * inverse[middle][column] for middle in range(column, row)) / diagonal
            for column in range(row)
        ]
        inverse.append([*line, 1 / diagonal])
    return inverse


def solve_lower(lower: Matrix, values: Vector) -> list[float]:
    """What the lower triangle makes the values of."""
    solved: list[float] = []
    for row, line in enumerate(lower):
        solved.append((values[row] - dot(line[:row], solved)) / line[row])
    return solved


def below(score: float) -> float:
    """The standard normal's probability of less."""
    return 0.5 * math.erfc(-score / _ROOT_2)


def density(score: float) -> float:
    """The standard normal's."""
    return _DENSITY * math.exp(-0.5 * score * score)


def mixture_quantile(share: float, weights: Vector, means: Vector, deviations: Vector) -> float:
    """What a mixture of normals is below of with that probability, to 0.0001; weights add up to 1.

    Newton's steps, and halves of the bracket where one would leave it.
    """
    if len(weights) == 1:
        low = means[0] - 8 * deviations[0]
        high = means[0] + 8 * deviations[0]
    else:
        low = min(mean - 8 * deviation for mean, deviation in zip(means, deviations, strict=True))
        high = max(mean + 8 * deviation for mean, deviation in zip(means, deviations, strict=True))
    parts = [
        (weight / 2, mean, 1 / (deviation * _ROOT_2))
        for weight, mean, deviation in zip(weights, means, deviations, strict=True)
    ]
    erfc, exp = math.erfc, math.exp
    middle: float = dot(weights, means)
    for _ in range(_MOST_STEPS):
        reached = slope = 0.0
        for weight, mean, inverse in parts:
            score = (middle - mean) * inverse
            reached += weight * erfc(-score)
            slope += weight * inverse * exp(-score * score)
        reached -= share
        if reached < 0:
            low = middle
        else:
            high = middle
        step = reached / (slope * _SLOPE) if slope > _LEAST_SLOPE else math.inf
        following = middle - step if low < middle - step < high else (low + high) / 2
        if abs(following - middle) < _NEAR:
            return following
        middle = following
    return middle
