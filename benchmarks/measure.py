"""Runs a callable by pytest-benchmark's pedantic mode and records, outside the timed call, what explains the time."""

from __future__ import annotations

import statistics
import time
import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import lightgbm as lgb

from benchmarks.load import LoadMeter
from benchmarks.peak_memory import process_peak_rss, reset_peak_rss
from benchmarks.pinning import affinity
from pytest_benchmark_aws.machine.hardware import read_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_benchmark.fixture import BenchmarkFixture

    from benchmarks.training import Phases, Quality
    from benchmarks.workload import Workload


class CompetingLoadWarning(UserWarning):
    """Something else used the CPUs that the benchmark needed."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one benchmark gave."""

    result: Any
    seconds: float | None
    """Median of the rounds; None where benchmarks are disabled and nothing was timed."""


def measure(
    benchmark: BenchmarkFixture,
    workload: Workload,
    threads: int,
    params: Mapping[str, Any],
    call: Callable[[], Any],
    *,
    rounds: int | None = None,
    before: Callable[[], None] = lambda: None,
    phases: Callable[[], Phases] | None = None,
    meter: LoadMeter | None = None,
) -> Measured:
    """Times ``call`` for a fixed number of rounds; ``before`` runs ahead of each, untimed.

    Records the shape, CPU seconds, peak memory, the machine's load and the phases of the median round. ``meter`` is for
    work in processes that are waited for later, which the usual one takes for others'.
    """
    cpu: list[float] = []
    parts: list[Phases] = []

    def setup() -> None:
        before()
        cpu.append(time.process_time())

    def teardown() -> None:
        cpu[-1] = time.process_time() - cpu[-1]
        if phases is not None:
            parts.append(phases())

    reset_peak_rss()
    meter = meter or LoadMeter()
    meter.start()
    result = benchmark.pedantic(call, setup=setup, teardown=teardown, rounds=rounds or workload.timed_rounds)
    load = meter.stop()
    extra = benchmark.extra_info
    extra.update(_shape(workload, threads), lightgbm_version=lgb.__version__, lightgbm_parameters=dict(params))
    extra.update(peak_rss_bytes=process_peak_rss(), load_average=load.load_average, steal=load.steal)
    extra.update(competing_cpus=load.competing_cpus)
    timings = rounds_of(benchmark)
    if not timings:
        return Measured(result, None)
    median_round = timings.index(statistics.median_low(timings))
    extra["cpu_seconds"] = cpu[median_round]
    if parts:
        extra.update(asdict(parts[median_round]))
    trouble = load.warning(threads, read_facts().vcpus)
    if trouble:
        warnings.warn(f"competing load: {trouble}", CompetingLoadWarning, stacklevel=3)
    return Measured(result, statistics.median(timings))


def rounds_of(benchmark: BenchmarkFixture) -> list[float]:
    """The seconds of each round; none where benchmarks are disabled."""
    return [] if benchmark.stats is None else list(benchmark.stats.stats.data)


def record_throughput(benchmark: BenchmarkFixture, measured: Measured, row_trees: int) -> None:
    """Records rows x trees a second, the unit that is comparable across scales and machines."""
    if measured.seconds:
        benchmark.extra_info["row_trees_per_second"] = row_trees / measured.seconds


def record_quality(benchmark: BenchmarkFixture, quality: Quality) -> None:
    """Records how good the model is."""
    benchmark.extra_info.update(validation_log_loss=quality.log_loss, validation_accuracy=quality.accuracy)


def _shape(workload: Workload, threads: int) -> dict[str, Any]:
    """Every result has every key; what a benchmark does not have stays None."""
    return {
        "rows": workload.rows,
        "validation_rows": workload.validation_rows,
        "features": workload.features,
        "classes": workload.classes,
        "boosting_rounds": workload.boosting_rounds,
        "threads": threads,
        "cpus": affinity(),
        "row_trees_per_second": None,
        "dataset_seconds": None,
        "init_seconds": None,
        "rounds_seconds": None,
        "cpu_seconds": None,
        "validation_log_loss": None,
        "validation_accuracy": None,
    }
