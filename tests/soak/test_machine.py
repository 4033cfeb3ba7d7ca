"""Whatever people, networks and guests do to a run, and wherever its clients are killed, the promises hold."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.soak.groups import GroupRun
from tests.soak.machine import Run
from tests.soak.training import TrainingGroupRun, TrainingRun

EXAMPLES = int(os.environ.get("PYTEST_BENCHMARK_AWS_SOAK", "100"))
SETTINGS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


def test_a_run_keeps_its_promises() -> None:
    """Nothing outlives its deadline, nothing finished is lost or stored twice, nothing passes the cap."""
    run_state_machine_as_test(Run, settings=SETTINGS)


def test_a_run_of_training_jobs_keeps_its_promises() -> None:
    """The same of jobs that start late or never, and that stop slowly."""
    run_state_machine_as_test(TrainingRun, settings=SETTINGS)


def test_a_run_of_training_jobs_of_several_instances_keeps_its_promises() -> None:
    """The same again, at the price of all of them."""
    run_state_machine_as_test(TrainingGroupRun, settings=SETTINGS)


def test_a_run_of_groups_keeps_its_promises() -> None:
    """The same of several machines in one launch, of which any may die, fail or be shown late."""
    run_state_machine_as_test(GroupRun, settings=SETTINGS)
