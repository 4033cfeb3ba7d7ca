"""The trained model, compiled by what compiles LightGBM's trees, and timed beside it: ``pytest -m compiled``.

Each compiler, and LightGBM itself, predicts in a process of its own, and each time between predictions of LightGBM in
another. One that is not installed, or is not ready within ``--compile-limit``, is skipped with the reason.
"""

from __future__ import annotations

import os
import statistics
from dataclasses import astuple
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.compiled.agreement import agreement
from benchmarks.compiled.child import MODEL, ROWS, Child, NotCompiledError, Task, compile_within
from benchmarks.compiled.compilers import COMPILERS, has_gpu
from benchmarks.compiled.table import REFERENCE
from benchmarks.load import LoadMeter
from benchmarks.measure import measure, record_throughput, rounds_of
from benchmarks.ratios import PAIRS, ratio
from benchmarks.training import PREDICT_ROWS
from benchmarks.workload import thread_count, training_memory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import lightgbm as lgb
    from pytest_benchmark.fixture import BenchmarkFixture

    from benchmarks.compiled.child import Compilation, Timing
    from benchmarks.problem import Problem
    from benchmarks.workload import Workload

_timings: list[Timing] = []


def seconds_in_children() -> float:
    """A clock of the calls alone: a round is one call, however often it was repeated to be timed."""
    return sum(timing.seconds for timing in _timings)


@pytest.fixture(scope="session")
def folder(problem: Problem, booster: lgb.Booster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model as LightGBM writes it, and the rows of a batch: at most 8,192 of the validation set."""
    path = tmp_path_factory.mktemp("compiled")
    booster.save_model(path / MODEL)
    np.save(path / ROWS, problem.x_val[:PREDICT_ROWS])
    return path


@pytest.fixture(scope="session")
def compiled(request: pytest.FixtureRequest, folder: Path) -> Callable[[str], Compilation]:
    """Compiles once for all cases of a compiler, and skips each of them where that came to nothing."""
    limit = request.config.getoption("compile_limit")
    results: dict[str, Compilation | NotCompiledError] = {}

    def compile_once(name: str) -> Compilation:
        if name not in results:
            try:
                results[name] = compile_within(Task(name, str(folder)), limit)
            except NotCompiledError as error:
                results[name] = error
        result = results[name]
        if isinstance(result, NotCompiledError):
            pytest.skip(str(result))
        return result

    return compile_once


@pytest.mark.compiled
@pytest.mark.benchmark(group="compiled", timer=seconds_in_children)
@pytest.mark.requires(memory=training_memory)  # the model is trained first
@pytest.mark.parametrize("rows", ["batch", "row"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_predict_compiled(
    benchmark: BenchmarkFixture,
    request: pytest.FixtureRequest,
    workload: Workload,
    compiler: str,
    rows: str,
    threads: str,
) -> None:
    library = COMPILERS[compiler]
    if library.missing:
        pytest.skip(library.missing)
    folder: Path = request.getfixturevalue("folder")  # a model is trained for what is installed alone
    compilation: Compilation = request.getfixturevalue("compiled")(compiler)
    count, single_row = thread_count(threads), rows == "row"
    timings: list[Timing] = []
    reference: list[Timing] = []
    with Child(Task(REFERENCE, str(folder), count, single_row)) as lightgbm:
        lightgbm.loaded()
        expected = np.load(lightgbm.task.probabilities)
        with Child(Task(compiler, str(folder), count, single_row)) as child:
            loaded = child.loaded()
            agrees = agreement(np.load(child.task.probabilities), expected)

            def predict() -> Timing:
                timings.append(child.predict())
                _timings.append(timings[-1])
                return timings[-1]

            def predict_lightgbm() -> None:
                reference.append(lightgbm.predict())

            # The children's CPU time, too, which the system adds to ours when they are over.
            meter = LoadMeter(own=lambda: sum(os.times()[:4]) + lightgbm.cpu_seconds + child.cpu_seconds)
            measured = measure(
                benchmark, workload, count, {}, predict, rounds=PAIRS, before=predict_lightgbm, meter=meter
            )
            if rounds_of(benchmark):
                predict_lightgbm()
    extra = benchmark.extra_info
    if rounds_of(benchmark):
        seconds, cpu = ([timing.seconds for timing in reference], [timing.cpu_seconds for timing in reference])
        extra.update(
            wall_ratio=astuple(ratio(rounds_of(benchmark), seconds)),
            cpu_ratio=astuple(ratio([timing.cpu_seconds for timing in timings], cpu)),
        )
    rows_per_call = 1 if single_row else len(expected)
    record_throughput(benchmark, measured, rows_per_call * workload.boosting_rounds * workload.classes)
    del extra["lightgbm_parameters"]
    extra.update(
        compiler=compiler,
        compiler_version=library.version,
        compiler_does=library.does,
        compile_seconds=compilation.seconds if library.compile else None,
        compile_cpu_seconds=compilation.cpu_seconds if library.compile else None,
        compile_peak_bytes=compilation.peak_rss_bytes,
        size_bytes=compilation.size_bytes,
        load_seconds=loaded.load_seconds,
        grown_bytes=loaded.grown_bytes,
        peak_rss_bytes=None,
        cpu_seconds=statistics.median(timing.cpu_seconds for timing in timings),
        rows_per_call=rows_per_call,
        largest_difference=agrees.largest_difference,
        equal_classes=agrees.equal_classes,
        is_gpu=compiler == "nvforest" and has_gpu(),
    )
    is_rounded = library.single and workload.itemsize > np.dtype("float32").itemsize
    trouble = agrees.trouble(compiler, library.tolerance, is_rounded=is_rounded)
    assert trouble is None, trouble
