"""The peak of this process's resident memory, and its reset before a measurement."""

from __future__ import annotations

import platform
from pathlib import Path


def process_peak_rss() -> int | None:
    """This process's peak resident memory in bytes since its start or the last reset (VmHWM, proc(5))."""
    peak = _of_status("VmHWM")
    if peak is not None:
        return peak
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024  # getrusage(2): bytes on macOS, KiB elsewhere


def process_rss() -> int | None:
    """This process's resident memory now, in bytes (VmRSS, proc(5)); None where the system does not tell."""
    return _of_status("VmRSS")


def _of_status(name: str) -> int | None:
    status = Path("/proc/self/status")
    for line in status.read_text(encoding="utf-8").splitlines() if status.exists() else ():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None


def reset_peak_rss() -> bool:
    """Starts the peak anew by writing 5 to clear_refs (proc(5)); False where the kernel refuses."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True
