"""Training: one ``lgb.train`` from raw arrays to a model, the published experiment's measure."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import pytest

from benchmarks.measure import measure, record_quality, record_throughput
from benchmarks.training import VARIANTS, PhaseClock, judge, parameters, prior_log_loss, train, warm_up
from benchmarks.workload import thread_count, training_memory

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from benchmarks.problem import Problem
    from benchmarks.workload import Workload


class UnlearntWarning(UserWarning):
    """The model is no better than guessing, on data that is the user's own."""


@pytest.mark.benchmark(group="train")
@pytest.mark.instance_type("m5.8xlarge", "r5.4xlarge", "c5.24xlarge")
@pytest.mark.requires(memory=training_memory)
@pytest.mark.parametrize("variant", VARIANTS)
def test_train(
    request: pytest.FixtureRequest,
    benchmark: BenchmarkFixture,
    problem: Problem,
    workload: Workload,
    variant: str,
    threads: str,
) -> None:
    count = thread_count(threads)
    params = parameters(variant, workload.classes, count)
    warm_up(problem, params)
    clock = PhaseClock()
    measured = measure(
        benchmark,
        workload,
        count,
        params,
        lambda: train(problem, params, workload.boosting_rounds, clock),
        before=clock.__init__,  # type: ignore[misc]  # back to zero before each round
        phases=clock.phases,
    )
    record_throughput(benchmark, measured, workload.row_trees)
    booster = measured.result
    quality = judge(booster, problem, thread_count("vcpus"))
    record_quality(benchmark, quality)
    assert booster.num_trees() == workload.classes * workload.boosting_rounds
    assert math.isfinite(quality.log_loss)
    if variant == "note":
        return
    guess = min(math.log(workload.classes), prior_log_loss(problem.y_train, problem.y_val, workload.classes))
    verdict = f"validation log loss {quality.log_loss:.3f}, guessing by class frequency gives {guess:.3f}"
    if request.config.getoption("data") is None:
        assert quality.log_loss < guess, verdict
    elif quality.log_loss >= guess:
        warnings.warn(f"{verdict}: these features tell nothing of the label", UnlearntWarning, stacklevel=1)
