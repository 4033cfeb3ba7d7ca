"""Whether the instance's speed was steady while its tests ran: a fixed piece of work, and stolen CPU time."""

from __future__ import annotations

import time
from pathlib import Path


def canary() -> float:
    """Seconds of a fixed piece of work, the best of five: they tell whether the machine's speed has changed."""
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        total = 0
        for number in range(400_000):
            total += number & 7
        best = min(best, time.perf_counter() - started)
    return best


def cpu_ticks() -> list[int]:
    """The machine's eight CPU counters (proc(5), /proc/stat); empty where they cannot be read."""
    try:
        return [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").split("\n")[0].split()[1:9]]
    except (OSError, ValueError):
        return []


def stolen(before: list[int], after: list[int]) -> float:
    """The share of CPU time between two readings that the hypervisor gave to others, 0 to 1."""
    total = sum(after) - sum(before)
    return (after[7] - before[7]) / total if total > 0 and len(before) == 8 else 0.0
