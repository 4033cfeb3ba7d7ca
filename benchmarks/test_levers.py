"""Variants that make the same training faster, each between trainings of the default: ``pytest -m levers``."""

from __future__ import annotations

import math
from dataclasses import astuple
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import pytest

from benchmarks.levers import LEVERS, difference
from benchmarks.measure import measure, record_quality, record_throughput, rounds_of
from benchmarks.peak_memory import reset_peak_rss
from benchmarks.ratios import pairs_at, ratio
from benchmarks.training import PhaseClock, judge_rows, parameters, quality_of, train, warm_up
from benchmarks.workload import thread_count, training_memory

if TYPE_CHECKING:
    import lightgbm as lgb
    from pytest_benchmark.fixture import BenchmarkFixture

    from benchmarks.problem import Problem
    from benchmarks.workload import Workload


@pytest.mark.levers
@pytest.mark.benchmark(group="levers")
@pytest.mark.requires(memory=training_memory)
@pytest.mark.parametrize("lever", LEVERS)
def test_lever(benchmark: BenchmarkFixture, problem: Problem, workload: Workload, lever: str, threads: str) -> None:
    count = thread_count(threads)
    default = parameters("regularized", workload.classes, count)
    params = {**default, **LEVERS[lever].params}
    warm_up(problem, params)
    clock = PhaseClock()
    boosters: list[lgb.Booster] = []
    seconds: list[float] = []
    cpu_seconds: list[float] = []
    lever_cpu_seconds: list[float] = []

    def train_default() -> None:
        started, cpu = perf_counter(), process_time()
        boosters[:] = [train(problem, default, workload.boosting_rounds, PhaseClock())]
        seconds.append(perf_counter() - started)
        cpu_seconds.append(process_time() - cpu)
        clock.__init__()  # type: ignore[misc]  # back to zero
        reset_peak_rss()  # so that the peak is of the lever alone

    def train_lever() -> lgb.Booster:
        cpu = process_time()
        booster = train(problem, params, workload.boosting_rounds, clock, validate=LEVERS[lever].validated)
        lever_cpu_seconds.append(process_time() - cpu)
        return booster

    measured = measure(
        benchmark,
        workload,
        count,
        params,
        train_lever,
        rounds=pairs_at(workload),
        before=train_default,
        phases=clock.phases,
    )
    timings = rounds_of(benchmark)
    if timings:
        train_default()
        benchmark.extra_info.update(
            wall_ratio=astuple(ratio(timings, seconds)), cpu_ratio=astuple(ratio(lever_cpu_seconds, cpu_seconds))
        )
    record_throughput(benchmark, measured, workload.row_trees)
    rows = [judge_rows(booster, problem, thread_count("vcpus")) for booster in (measured.result, boosters[0])]
    record_quality(benchmark, quality_of(rows[0]))
    apart, margin = difference(rows[0].losses, rows[1].losses)
    benchmark.extra_info.update(lever=lever, log_loss_difference=apart, log_loss_margin=margin)
    assert measured.result.num_trees() == workload.classes * workload.boosting_rounds
    assert math.isfinite(apart)
