"""10,000 result files compared by this plugin, beside reading them alone and beside stock pytest-benchmark, in turn."""

from __future__ import annotations

import os
import subprocess
import sys
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from benchmarks.measure import rounds_of
from benchmarks.overhead import corpus
from benchmarks.overhead.pairs import median_interval

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

FILES, PAIRS = 10_000, 7
READING = """
import pathlib, sys
import orjson
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.json")):
    orjson.loads(path.read_bytes())
"""
"""What any comparison of JSON files has to do at the least."""


@pytest.mark.parametrize(
    "launches_per_commit",
    [pytest.param(5, id="newest-commit-of-40"), pytest.param(None, id="one-commit-all-shown")],
)
def test_compare(benchmark: BenchmarkFixture, tmp_path: Path, launches_per_commit: int | None) -> None:
    """In the common case a folder holds many commits, of which the newest is shown; in the worst all results are."""
    folder = tmp_path / "corpus"
    count = corpus.make(folder, FILES, launches_per_commit=launches_per_commit)
    commands = {
        "ours": [sys.executable, "-m", "pytest_benchmark_aws.cli", "compare", str(folder)],
        "stock": [sys.executable, "-m", "pytest_benchmark", f"--storage=file://{folder}", "compare"],
        "reading": [sys.executable, "-c", READING, str(folder)],
    }
    seconds: dict[str, list[float]] = {"reading": [], "stock": []}
    peaks: dict[str, list[int]] = {name: [] for name in commands}

    def run(name: str) -> None:
        with (tmp_path / "out.txt").open("wb") as out:
            process = subprocess.Popen(commands[name], cwd=tmp_path, stdout=out)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, commands[name])
        peaks[name].append(int(usage.ru_maxrss) * 1024)

    def run_others() -> None:
        for name, measured in seconds.items():
            started = perf_counter()
            run(name)
            measured.append(perf_counter() - started)

    run("ours")  # the files are in the page cache now, for all
    benchmark.pedantic(lambda: run("ours"), setup=run_others, rounds=PAIRS)
    ours = rounds_of(benchmark)
    ratios = {
        name: median_interval([time / other for time, other in zip(ours, measured, strict=True)])
        for name, measured in seconds.items()
    }
    benchmark.extra_info |= {"files": FILES, "benchmarks": count}
    for name, ratio in ratios.items():
        benchmark.extra_info |= {
            f"ratio_to_{name}": ratio.median,
            f"ratio_to_{name}_interval": [ratio.low, ratio.high],
            f"{name}_seconds": seconds[name],
        }
    benchmark.extra_info |= {f"{name}_peak_rss_bytes": max(measured) for name, measured in peaks.items()}
    print(
        f"\n{FILES:,} files, {count:,} benchmarks: {ratios['reading'].text(2)} times reading them alone, "
        f"{ratios['stock'].text(3)} of stock compare's time; peak {max(peaks['ours']) / 1e6:.0f} MB, "
        f"stock's {max(peaks['stock']) / 1e6:.0f} MB"
    )
