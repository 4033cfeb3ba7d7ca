"""10,000 result files compared by this plugin, intervals included, and by stock pytest-benchmark, in turn."""

from __future__ import annotations

import os
import subprocess
import sys
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.measure import rounds_of
from benchmarks.overhead import corpus
from benchmarks.overhead.pairs import median_interval

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

FILES, PAIRS = 10_000, 7


def test_compare(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    count = corpus.make(tmp_path / "corpus", FILES)
    ours = [sys.executable, "-m", "pytest_benchmark_aws.cli", "compare", str(tmp_path / "corpus")]
    theirs = [sys.executable, "-m", "pytest_benchmark", f"--storage=file://{tmp_path / 'corpus'}", "compare"]
    peaks: list[int] = []
    stock: list[float] = []
    stock_peaks: list[int] = []

    def run(command: list[str]) -> int:
        """Peak resident bytes of the command."""
        with (tmp_path / "out.txt").open("wb") as out:
            process = subprocess.Popen(command, cwd=tmp_path, stdout=out)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        return int(usage.ru_maxrss) * 1024

    def run_stock() -> None:
        started = perf_counter()
        stock_peaks.append(run(theirs))
        stock.append(perf_counter() - started)

    run(ours)  # the files are in the page cache now, for both
    benchmark.pedantic(lambda: peaks.append(run(ours)), setup=run_stock, rounds=PAIRS)
    ratio = median_interval([ours / theirs for ours, theirs in zip(rounds_of(benchmark), stock, strict=True)])
    benchmark.extra_info |= {
        "files": FILES,
        "benchmarks": count,
        "ratio_to_stock": ratio.median,
        "ratio_interval": [ratio.low, ratio.high],
        "stock_seconds": stock,
        "peak_rss_bytes": max(peaks),
        "stock_peak_rss_bytes": max(stock_peaks),
    }
    print(
        f"\n{FILES:,} files, {count:,} benchmarks: {ratio.text(3)} of stock compare's time; "
        f"peak {max(peaks) / 1e6:.0f} MB, stock's {max(stock_peaks) / 1e6:.0f} MB"
    )
