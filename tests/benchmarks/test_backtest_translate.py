"""The test of translated baselines on the measured table."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("numpy", reason="the machine model is fitted with NumPy: the extra [bench]")

from benchmarks.backtest_translate import TRIALS, outcomes
from tests.predict.machines_here import prior, some


def test_an_outcome_has_the_truth_and_the_ends_over_the_middle() -> None:
    """Baselines of the new type's size and of any; the interval has the middle inside."""
    machines = some(40)
    truth = {machine.name: 1.0 for machine in machines}
    found = outcomes(prior(), machines, truth, 2, random.Random(1))
    assert sum(not same for same, *_ in found) == TRIALS
    assert all(low < 0 < high for *_, low, high in found)
    assert {name for name, *_ in found} <= {True, False}
    assert sum(low <= off <= high for _, off, low, high in found) >= 0.8 * len(found)
