"""Least squares with coefficients that are not negative."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from pytest_benchmark_aws.predict.threads.leastsquares import cholesky, forward, non_negative, solve

SIZES = st.tuples(st.integers(1, 7), st.integers(1, 20), st.integers(0, 2**32 - 1))


@given(SIZES)
def test_it_is_scipys_answer(shape: tuple[int, int, int]) -> None:
    """With a weak prior on the coefficients the least squares are those of SciPy's nnls."""
    unknowns, rows, seed = shape
    random = np.random.default_rng(seed)
    matrix = np.vstack([random.normal(size=(rows, unknowns)), 0.1 * np.eye(unknowns)])
    target = np.concatenate([random.normal(size=rows), np.zeros(unknowns)])
    values = non_negative((matrix.T @ matrix).tolist(), (matrix.T @ target).tolist())
    _, least = nnls(matrix, target)
    assert min(values) >= 0
    assert np.linalg.norm(matrix @ values - target) == pytest.approx(least, rel=1e-7)


@given(SIZES)
def test_a_system_is_solved(shape: tuple[int, int, int]) -> None:
    """The solution times the matrix is the vector, and the half way one gives the quadratic form of the inverse."""
    unknowns, rows, seed = shape
    random = np.random.default_rng(seed)
    part = random.normal(size=(rows, unknowns))
    matrix = part.T @ part + np.eye(unknowns)
    vector = random.normal(size=unknowns)
    solution = solve(matrix.tolist(), vector.tolist())
    assert matrix @ solution == pytest.approx(vector, abs=1e-9)
    half = forward(cholesky(matrix.tolist()), vector.tolist())
    assert sum(value * value for value in half) == pytest.approx(vector @ solution)


def test_a_matrix_that_is_not_positive_definite_is_refused() -> None:
    """The error names the row."""
    with pytest.raises(ValueError, match="row 1"):
        cholesky([[1.0, 2.0], [2.0, 1.0]])
