"""Competing load, from counters given and from a real busy process."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load import Load, LoadMeter
from pytest_benchmark_aws.machine.cpu_times import CpuTimes, read_cpu_times, steal_since_boot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HERTZ = os.sysconf("SC_CLK_TCK")


def meter(before: CpuTimes, after: CpuTimes, wall: float, own: float) -> Load:
    """What a meter says for these counters."""
    times, clock, used = iter([before, after]), iter([0.0, wall]), iter([0.0, own])
    made = LoadMeter(lambda: next(times), lambda: next(clock), lambda: next(used))
    made.start()
    return made.stop()


def test_the_counters_are_read_in_seconds(tmp_path: Path) -> None:
    """Guest time is part of user time and is counted once."""
    (tmp_path / "proc").mkdir()
    ticks = [100, 20, 30, 800, 10, 5, 5, 40, 60, 0]
    (tmp_path / "proc/stat").write_text("cpu  " + " ".join(str(t * HERTZ) for t in ticks) + "\ncpu0 1 2\n")
    assert read_cpu_times(tmp_path) == CpuTimes(busy=160, steal=40, total=1010)
    assert steal_since_boot(tmp_path) == pytest.approx(40 / 1010)


@pytest.mark.parametrize("text", ["", "cpu 1 2", "cpu a b c d e f g h", "intr 1 2 3 4 5 6 7 8 9"])
def test_other_counters_are_unknown(tmp_path: Path, text: str) -> None:
    """A file of another form gives None."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/stat").write_text(text)
    assert read_cpu_times(tmp_path) is None


def test_our_own_work_is_no_competition() -> None:
    """Two busy CPUs, both ours: nothing competes, nothing is warned of."""
    load = meter(CpuTimes(0, 0, 0), CpuTimes(20, 0, 20), wall=10, own=20)
    assert load.competing_cpus == 0
    assert load.warning(threads=2, vcpus=2) is None


def test_a_busy_neighbour_is_warned_of_with_the_numbers() -> None:
    """One of two CPUs used by others while two threads ran."""
    load = meter(CpuTimes(0, 0, 0), CpuTimes(20, 0, 20), wall=10, own=10)
    assert load.competing_cpus == 1
    assert "other processes used 1.00 of 2 CPUs while 2 threads were timed" in (load.warning(2, 2) or "")


def test_a_neighbour_on_a_free_cpu_is_no_trouble() -> None:
    """One thread on a machine of two has room for another process."""
    load = meter(CpuTimes(0, 0, 0), CpuTimes(19, 0, 20), wall=10, own=10)
    assert load.warning(threads=1, vcpus=2) is None


def test_steal_is_warned_of() -> None:
    """The hypervisor gave 5 percent to others."""
    load = meter(CpuTimes(0, 0, 0), CpuTimes(10, 1, 20), wall=10, own=10)
    assert load.steal == pytest.approx(0.05)
    assert "steal 5.0%" in (load.warning(1, 2) or "")


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0.001, 1e6), st.integers(1, 512))
def test_shares_stay_shares(busy: float, idle: float, steal: float, own: float, threads: int) -> None:
    """Whatever the counters, steal is 0 to 1, competition not negative, and a warning is text or None."""
    load = meter(CpuTimes(0, 0, 0), CpuTimes(busy, steal, busy + idle + steal), wall=10, own=own)
    assert load.competing_cpus is None or load.competing_cpus >= 0
    assert load.steal is None or 0 <= load.steal <= 1
    assert load.warning(threads, 8) is None or isinstance(load.warning(threads, 8), str)


def test_a_meter_that_was_not_started_says_so() -> None:
    """There is no window to close."""
    with pytest.raises(RuntimeError, match="not started"):
        LoadMeter().stop()


@pytest.fixture
def busy_process() -> Iterator[None]:
    """Another process that keeps a CPU busy, from when it says so."""
    program = "print('busy', flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.kill()


@pytest.mark.skipif(read_cpu_times() is None, reason="the counters are Linux's /proc/stat")
def test_a_real_busy_process_is_seen(busy_process: None) -> None:
    """A loop in another process counts as competing CPU; the wait here is until the counters show a second of work."""
    start = read_cpu_times()
    assert start is not None
    made = LoadMeter()
    made.start()
    while (now := read_cpu_times()) is not None and now.busy - start.busy < 1.0:
        os.sched_yield()
    assert (made.stop().competing_cpus or 0) > 0.1
