"""Other learners, each in a process of its own and each time between trainings of LightGBM: ``pytest -m peers``."""

from __future__ import annotations

import math
import statistics
from dataclasses import astuple
from typing import TYPE_CHECKING

import pytest

from benchmarks import learner_child
from benchmarks.learner_child import Child, Task
from benchmarks.learners import LEARNERS, learner_memory
from benchmarks.measure import measure, record_quality, record_throughput, rounds_of
from benchmarks.ratios import pairs_at, ratio
from benchmarks.training import Quality
from benchmarks.workload import thread_count

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

    from benchmarks.learner_child import Report
    from benchmarks.problem import Problem
    from benchmarks.workload import Workload

_reports: list[Report] = []


def seconds_in_children() -> float:
    """A clock that goes on while a child trains, and stands still while it starts, warms up and judges its model."""
    return sum(report.seconds for report in _reports)


@pytest.fixture(scope="session")
def arrays(problem: Problem, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data in a folder, for the children."""
    folder = tmp_path_factory.mktemp("arrays")
    learner_child.keep(problem, folder)
    return folder


@pytest.mark.peers
@pytest.mark.benchmark(group="peers", timer=seconds_in_children)
@pytest.mark.requires(memory=learner_memory)
@pytest.mark.parametrize("learner", LEARNERS)
def test_peer(benchmark: BenchmarkFixture, arrays: Path, workload: Workload, learner: str, threads: str) -> None:
    peer = LEARNERS[learner]
    if peer.missing:
        pytest.skip(peer.missing)
    count = thread_count(threads)
    lightgbm, task = (
        Task(name, str(arrays), workload.classes, workload.boosting_rounds, count) for name in ("lightgbm", learner)
    )
    reports: list[Report] = []
    reference: list[Report] = []
    with Child(lightgbm) as lightgbm_child, Child(task) as child:

        def train() -> Report:
            reports.append(child.train())
            _reports.append(reports[-1])
            return reports[-1]

        def train_lightgbm() -> None:
            reference.append(lightgbm_child.train())

        measured = measure(benchmark, workload, count, {}, train, rounds=pairs_at(workload), before=train_lightgbm)
        timings = rounds_of(benchmark)
        if timings:
            train_lightgbm()
    if timings:
        seconds, cpu = ([each.seconds for each in reference], [each.cpu_seconds for each in reference])
        benchmark.extra_info.update(
            wall_ratio=astuple(ratio(timings, seconds)),
            cpu_ratio=astuple(ratio([each.cpu_seconds for each in reports], cpu)),
        )
    report = reports[0]  # of a process that has not trained before, whose memory is none that it has kept
    record_throughput(benchmark, measured, workload.row_trees)
    record_quality(benchmark, Quality(report.log_loss, report.accuracy))
    for name in ("lightgbm_version", "lightgbm_parameters"):
        del benchmark.extra_info[name]
    benchmark.extra_info.update(
        learner=learner,
        learner_version=peer.version,
        learner_parameters=dict(report.parameters),
        cpu_seconds=statistics.median(each.cpu_seconds for each in reports),
        peak_rss_bytes=report.peak_rss_bytes,
        grown_bytes=report.grown_bytes,
    )
    assert math.isfinite(report.log_loss)
    assert report.log_loss < math.log(workload.classes)
