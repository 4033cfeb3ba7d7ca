"""Finds and kills every process of a guest, whatever group or session it moved itself to."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

_PROC = Path("/proc")


def members(leader: int | None, mark: str) -> list[int]:
    """The ids of a guest's live processes: its leader's group and session, and all that inherited its mark.

    A leader of None has no group. The mark is a ``NAME=value`` of the environment that no other process has. It finds
    what a plain ``killpg`` misses: a pytest run that was started in a session of its own.
    """
    wanted = mark.encode()
    pids = []
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            # The name of a process, in parentheses, may hold blanks and parentheses itself.
            state, _, group, session = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:4]
            led = leader in {int(group), int(session)}
            # A dead process that nobody reaped stays in /proc; no signal ends it, and it runs nothing.
            if state not in "ZX" and (led or wanted in (entry / "environ").read_bytes().split(b"\0")):
                pids.append(int(entry.name))
        except (OSError, ValueError):  # ended meanwhile, or another user's
            continue
    return pids


def kill(leader: int | None, mark: str, grace: float, limit: float = 10.0) -> bool:
    """Ends a guest's processes with SIGTERM, and after ``grace`` seconds those that are left with SIGKILL.

    Returns whether all are gone within ``limit`` seconds of the first SIGKILL.
    """
    if grace > 0:
        _signal(members(leader, mark), signal.SIGTERM)
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline:
            if not members(leader, mark):
                return True
            time.sleep(0.02)
    deadline = time.monotonic() + limit
    # Again and again: a process that forks while it is looked for leaves a child.
    while alive := members(leader, mark):
        if time.monotonic() > deadline:
            return False
        _signal(alive, signal.SIGKILL)
        time.sleep(0.02)
    return True


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue
