"""What the harness adds to a training, against a bare ``lgb.train`` in the same process."""

from __future__ import annotations

import statistics
from time import perf_counter
from timeit import repeat
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import datacache
from benchmarks.measure import measure, rounds_of
from benchmarks.overhead.pairs import median_interval
from benchmarks.training import ClockedDataset, PhaseClock, bare_train, parameters, train, warm_up
from benchmarks.workload import parse_scale

if TYPE_CHECKING:
    import pytest
    from pytest_benchmark.fixture import BenchmarkFixture

PAIRS = 31


def test_training(request: pytest.FixtureRequest, benchmark: BenchmarkFixture) -> None:
    shape = parse_scale(request.config.getoption("scale") or "smoke")
    problem = datacache.load(shape.rows, shape.validation_rows)
    params = parameters("regularized", shape.classes, threads=1)
    warm_up(problem, params)
    clock = PhaseClock()
    bare: list[float] = []

    def run_bare() -> None:
        started = perf_counter()
        bare_train(problem, params, shape.boosting_rounds)
        bare.append(perf_counter() - started)
        clock.__init__()  # type: ignore[misc]  # back to zero

    measure(
        benchmark,
        shape,
        1,
        params,
        lambda: train(problem, params, shape.boosting_rounds, clock),
        rounds=PAIRS,
        before=run_bare,
        phases=clock.phases,
    )
    run_bare()
    harness = rounds_of(benchmark)
    # Each training under the harness stands between two bare ones, so drift cancels.
    ratios = [mid / ((before + after) / 2) for mid, before, after in zip(harness, bare[:-1], bare[1:], strict=True)]
    interval = median_interval(ratios)
    benchmark.extra_info["ratio"] = interval.median
    benchmark.extra_info["ratio_interval"] = [interval.low, interval.high]
    print(f"\nharness over bare: {interval.text(4)}")


def test_timed_window(benchmark: BenchmarkFixture) -> None:
    """Times what runs inside the timed window besides ``lgb.train``: the call, and the clock readings."""
    clock = PhaseClock()
    env = SimpleNamespace(iteration=0, begin_iteration=0)
    constructed = ClockedDataset(np.arange(100.0).reshape(-1, 1), np.arange(100) % 2, params={"verbosity": -1})
    constructed.phase_clock = clock
    constructed.construct()
    readings = 4 * min(repeat(lambda: clock(env), number=1000, repeat=5)) / 1000
    # A training asks some ten times for a Dataset that is there; LightGBM's own construct would answer as well.
    again = min(repeat(constructed.construct, number=10_000, repeat=5)) / 1000
    benchmark.pedantic(lambda: None, rounds=1000)
    window = statistics.median(rounds_of(benchmark))
    total = 1e6 * (readings + again + window)
    benchmark.extra_info["microseconds"] = total
    print(
        f"\ninside the timed window besides the call: {total:.1f} µs "
        f"(empty call {window * 1e6:.2f}, four callbacks {readings * 1e6:.2f}, ten look-ups {again * 1e6:.2f})"
    )
