"""What else the machine did during a measurement: competing processes, stolen CPU time, load."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_benchmark_aws.machine.cpu_times import CpuTimes, read_cpu_times

if TYPE_CHECKING:
    from collections.abc import Callable

COMPETING_CPUS = 0.2
"""CPUs that other processes may use without a warning; a quiet machine's daemons stay below 0.05."""
STEAL = 0.01
"""Share of CPU time that the hypervisor may give to others without a warning."""
SHORTEST_S = 0.5
"""Seconds: /proc/stat counts in steps of 10 ms, and says nothing of a shorter window."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the machine did in a window of time."""

    wall_s: float
    load_average: float | None
    """Of the minute before the window, so without our own work."""
    competing_cpus: float | None
    """CPUs that other processes used, on average."""
    steal: float | None
    """Share of the machine's CPU time that the hypervisor gave to others, 0 to 1."""
    cpu_seconds: float
    """CPU time of this process and its children."""

    def warning(self, threads: int, vcpus: int) -> str | None:
        """A sentence with the numbers where others took CPUs that ``threads`` threads need; else None."""
        if self.wall_s < SHORTEST_S:
            return None
        competing, steal = self.competing_cpus or 0.0, self.steal or 0.0
        crowded = competing >= COMPETING_CPUS and threads + competing > vcpus
        if not crowded and steal <= STEAL:
            return None
        average = "unknown" if self.load_average is None else f"{self.load_average:.2f}"
        return (
            f"other processes used {competing:.2f} of {vcpus} CPUs while {threads} threads were timed, "
            f"steal {steal:.1%}, load average before {average}. OpenMP threads can be 10 to 100 times slower then; "
            f"quiet the machine, or trust the results with one thread only"
        )


class LoadMeter:
    """Reads the machine's counters before and after a window, never within it."""

    def __init__(
        self,
        times: Callable[[], CpuTimes | None] = read_cpu_times,
        clock: Callable[[], float] = time.monotonic,
        own: Callable[[], float] = lambda: sum(os.times()[:4]),
    ) -> None:
        self._times, self._clock, self._own = times, clock, own
        self._average: float | None = None
        self._started: tuple[float, CpuTimes | None, float] | None = None

    def start(self) -> None:
        """Opens the window."""
        self._average = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        self._started = self._clock(), self._times(), self._own()

    def stop(self) -> Load:
        """Closes the window.

        Raises:
            RuntimeError: it was never opened.
        """
        if self._started is None:
            raise RuntimeError("the load meter was not started")
        clock, before, own = self._started
        wall, after, used = self._clock() - clock, self._times(), self._own() - own
        competing = steal = None
        if before is not None and after is not None and after.total > before.total and wall > 0:
            competing = max(0.0, (after.busy - before.busy - used) / wall)
            steal = (after.steal - before.steal) / (after.total - before.total)
        return Load(wall, self._average, competing, steal, used)
