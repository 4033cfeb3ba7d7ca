"""What the instance's kernel and its metadata service tell while the guest measures.

Standard library only, Python 3.9 and later.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import time
import urllib.request
from pathlib import Path


def oom_kills() -> int:
    """Processes that the kernel has killed for memory since it runs, in any group (/proc/vmstat, Linux 4.13)."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        words = Path("/proc/vmstat").read_text(encoding="ascii").split()
        return int(words[words.index("oom_kill") + 1])
    return 0


def canary() -> float:
    """Seconds of a fixed piece of work, the best of five: it tells whether the machine's speed changed meanwhile."""
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        total = 0
        for number in range(400_000):
            total += number & 7
        best = min(best, time.perf_counter() - started)
    return best


def cpu_ticks() -> list[int]:
    """The machine's CPU counters (proc(5), /proc/stat); none where they cannot be read."""
    try:
        return [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").split("\n")[0].split()[1:9]]
    except (OSError, ValueError):
        return []


def stolen(before: list[int], after: list[int]) -> float:
    """Share of CPU time between two readings that the hypervisor gave to others."""
    total = sum(after) - sum(before)
    return (after[7] - before[7]) / total if total > 0 and len(before) == 8 else 0.0


def spot_notice() -> str | None:
    """When AWS takes this spot instance back, by the metadata service, version 2; None while it does not say."""
    base = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254").rstrip("/")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    headers = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    try:
        ask = urllib.request.Request(f"{base}/latest/api/token", method="PUT", headers=headers)
        with opener.open(ask, timeout=2) as answer:
            headers = {"X-aws-ec2-metadata-token": answer.read(4096).decode()}
        ask = urllib.request.Request(f"{base}/latest/meta-data/spot/instance-action", headers=headers)
        with opener.open(ask, timeout=2) as answer:
            found = json.loads(answer.read(4096))
    except (OSError, ValueError, http.client.HTTPException):
        return None
    return str(found.get("time", "a time that it does not say")) if isinstance(found, dict) else None
