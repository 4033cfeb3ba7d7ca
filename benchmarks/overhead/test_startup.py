"""What importing and loading the plugin adds to an empty pytest run."""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.measure import rounds_of
from benchmarks.overhead.pairs import median_interval

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

PAIRS = 31


def test_startup(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_empty.py").write_text("def test_empty(): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    without: list[float] = []

    def run(*extra: str) -> None:
        subprocess.run([*command, *extra], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)

    def run_without() -> None:
        started = perf_counter()
        run("-p", "no:benchmark_aws")
        without.append(perf_counter() - started)

    run()
    benchmark.pedantic(run, setup=run_without, rounds=PAIRS)
    run_without()
    with_plugin = rounds_of(benchmark)
    # Each run with the plugin stands between two without, so drift cancels.
    triples = zip(without, with_plugin, without[1:], strict=False)  # n + 1 runs without stand around n with
    added = [1e3 * (mid - (before + after) / 2) for before, mid, after in triples]
    interval = median_interval(added)
    benchmark.extra_info["added_ms"] = interval.median
    benchmark.extra_info["added_ms_interval"] = [interval.low, interval.high]
    print(f"\nthe plugin adds {interval.text(1, ' ms')} to an empty pytest run")
