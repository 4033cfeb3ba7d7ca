"""Dataset construction from raw arrays, and the load of a saved binary one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lightgbm as lgb
import pytest

from benchmarks.measure import measure
from benchmarks.training import dataset, parameters, warm_up
from benchmarks.workload import dataset_memory, thread_count

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

    from benchmarks.problem import Problem
    from benchmarks.workload import Workload

pytestmark = [
    pytest.mark.instance_type("m5.8xlarge", "r5.4xlarge", "c5.24xlarge"),
    pytest.mark.requires(memory=dataset_memory),
]


@pytest.mark.benchmark(group="dataset")
def test_dataset(benchmark: BenchmarkFixture, problem: Problem, workload: Workload, threads: str) -> None:
    count = thread_count(threads)
    params = parameters("regularized", workload.classes, count)
    warm_up(problem, params)
    measured = measure(benchmark, workload, count, params, lambda: dataset(problem, params), rounds=5)
    benchmark.extra_info["dataset_seconds"] = measured.seconds
    assert measured.result.num_data() == workload.rows
    assert measured.result.num_feature() == workload.features


@pytest.mark.benchmark(group="load")
def test_load(benchmark: BenchmarkFixture, problem: Problem, workload: Workload, threads: str, tmp_path: Path) -> None:
    count = thread_count(threads)
    params = parameters("regularized", workload.classes, count)
    path = tmp_path / "train.bin"
    dataset(problem, params).save_binary(path)
    measured = measure(
        benchmark, workload, count, params, lambda: lgb.Dataset(path, params=params).construct(), rounds=5
    )
    benchmark.extra_info["dataset_seconds"] = measured.seconds
    assert measured.result.num_data() == workload.rows
    path.unlink()  # 30 bytes a row: pytest keeps the folders of three sessions
