"""Prediction of the validation set by a trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.measure import measure, record_quality, record_throughput
from benchmarks.training import judge, parameters
from benchmarks.workload import thread_count, training_memory

if TYPE_CHECKING:
    import lightgbm as lgb
    from pytest_benchmark.fixture import BenchmarkFixture

    from benchmarks.problem import Problem
    from benchmarks.workload import Workload


@pytest.mark.benchmark(group="predict")
@pytest.mark.instance_type("m5.8xlarge", "r5.4xlarge", "c5.24xlarge")
@pytest.mark.requires(memory=training_memory)  # the model is trained first
def test_predict(
    benchmark: BenchmarkFixture, problem: Problem, workload: Workload, booster: lgb.Booster, threads: str
) -> None:
    count = thread_count(threads)
    params = parameters("regularized", workload.classes, count)
    booster.predict(problem.x_val[:1], num_threads=count)
    measured = measure(benchmark, workload, count, params, lambda: booster.predict(problem.x_val, num_threads=count))
    trees = workload.boosting_rounds * workload.classes
    record_throughput(benchmark, measured, workload.validation_rows * trees)
    record_quality(benchmark, judge(booster, problem, thread_count("vcpus")))
    assert measured.result.shape == (workload.validation_rows, workload.classes)
    assert np.isfinite(measured.result).all()
