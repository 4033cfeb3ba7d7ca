"""What importing and loading the plugin adds to a pytest run of one empty test, pytest-benchmark loaded in both."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from benchmarks.overhead.pairs import median_interval

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

PAIRS = 31
LEFT_IN = ("benchmark", "benchmark_aws")
OTHERS = [f"-pno:{point.name}" for point in entry_points(group="pytest11") if point.name not in LEFT_IN]
"""Turns off all other plugins: their time says nothing and varies."""
COMPILING = "PYTHONDONTWRITEBYTECODE"


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "uncompiled"])
def test_startup(benchmark: BenchmarkFixture, tmp_path: Path, *, compiled: bool) -> None:
    """With modules compiled already, as after the first run, or where Python may not keep what it compiled."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_empty.py").write_text("def test_empty(): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *OTHERS]
    environment = {key: value for key, value in os.environ.items() if key != COMPILING}
    environment |= {"PYTHONPYCACHEPREFIX": str(tmp_path / "bytecode")} if compiled else {COMPILING: "1"}
    with_plugin: list[tuple[float, float]] = []
    without: list[tuple[float, float]] = []

    def run(to: list[tuple[float, float]], *extra: str) -> None:
        """Adds the milliseconds from start to end, and those of CPU time."""
        started = perf_counter()
        process = subprocess.Popen([*command, *extra], cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        to.append((1e3 * (perf_counter() - started), 1e3 * (usage.ru_utime + usage.ru_stime)))
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)

    def run_without() -> None:
        run(without, "-p", "no:benchmark_aws")

    run([])
    benchmark.pedantic(run, args=(with_plugin,), setup=run_without, rounds=PAIRS)
    run_without()
    # Each run with the plugin stands between two without, so drift cancels.
    triples = list(zip(without, with_plugin, without[1:], strict=False))
    for name, kind in (("added_ms", 0), ("added_cpu_ms", 1)):
        interval = median_interval([mid[kind] - (before[kind] + after[kind]) / 2 for before, mid, after in triples])
        benchmark.extra_info |= {name: interval.median, f"{name}_interval": [interval.low, interval.high]}
        what = "an empty pytest run" if kind == 0 else "its CPU time"
        print(f"\n{'compiled' if compiled else 'uncompiled'}: the plugin adds {interval.text(1, ' ms')} to {what}")
