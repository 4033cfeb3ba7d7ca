"""The CPUs that this process's threads may run on, and a time in which they are fewer."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


@contextmanager
def pinned(cpus: Collection[int]) -> Iterator[None]:
    """Every thread of this process runs on ``cpus`` alone, those too that OpenMP keeps from an earlier call.

    A thread inherits the CPUs of the one that starts it; afterwards each gets back what this one had. Without CPUs, or
    where the system cannot pin (macOS), nothing is changed.
    """
    if not cpus or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    _move(cpus)
    try:
        yield
    finally:
        _move(before)


def affinity() -> str | None:
    """The CPUs that this thread may use, as ``0-23,48-71``; None where the system does not tell."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    parts: list[list[int]] = []
    for cpu in sorted(os.sched_getaffinity(0)):
        if parts and cpu == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], cpu]
        else:
            parts.append([cpu])
    return ",".join("-".join(map(str, part)) for part in parts)


def _move(cpus: Collection[int]) -> None:
    for task in Path("/proc/self/task").iterdir():
        try:
            os.sched_setaffinity(int(task.name), cpus)
        except ProcessLookupError:  # the thread has ended
            continue
