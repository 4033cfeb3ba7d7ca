"""A machine that notices nothing proves nothing: bugs that are planted on purpose are found."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.soak.group_mutants import GROUP_MUTANTS
from tests.soak.mutants import MUTANTS

ALL = MUTANTS | GROUP_MUTANTS


@pytest.mark.parametrize("name", ALL)
def test_a_planted_bug_is_found(name: str) -> None:
    """The machine fails on the mutant, by the promise that the bug breaks."""
    machine, broken = ALL[name]
    chosen = settings(
        max_examples=2000,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with pytest.raises(AssertionError, match=broken):
        run_state_machine_as_test(machine, settings=chosen)
