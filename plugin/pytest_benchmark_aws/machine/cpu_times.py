"""The machine's CPU time since its start: busy, and stolen by the hypervisor."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """The machine's CPU seconds since boot, over all CPUs."""

    busy: float
    steal: float
    total: float


def read_cpu_times(root: Path = Path("/")) -> CpuTimes | None:
    """The first line of /proc/stat (proc(5)) in seconds; None where it cannot be read.

    Guest time is part of user time, and not counted twice.
    """
    try:
        with (root / "proc/stat").open(encoding="ascii") as file:
            words = file.readline().split()
        ticks = [int(word) for word in words[1:9]]
    except (OSError, ValueError):
        return None
    if len(ticks) < 8 or words[0] != "cpu":
        return None
    hertz = os.sysconf("SC_CLK_TCK")
    user, nice, system, idle, iowait, irq, softirq, steal = ticks
    busy = user + nice + system + irq + softirq
    return CpuTimes(busy / hertz, steal / hertz, (busy + idle + iowait + steal) / hertz)


def steal_since_boot(root: Path = Path("/")) -> float | None:
    """Share of CPU time since boot that the hypervisor gave to others, 0 to 1."""
    times = read_cpu_times(root)
    return None if times is None or not times.total else times.steal / times.total
