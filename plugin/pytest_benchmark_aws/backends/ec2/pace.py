"""RunInstances is called no faster than EC2 allows."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from pytest_benchmark_aws.backends.ec2.limits import PACE_BURST, PACE_S


@dataclass(slots=True)
class Pace:
    """Keeps RunInstances within its bucket, so that the calls are never throttled by our own doing."""

    _calls: list[float] = field(default_factory=list)
    """When it was called."""

    def wait(self) -> None:
        """Waits until it may be called, and takes note of the call."""
        now = time.monotonic()
        recent = self._calls[-PACE_BURST:]
        if len(recent) == PACE_BURST and now - recent[0] < PACE_BURST * PACE_S:
            time.sleep(PACE_BURST * PACE_S - (now - recent[0]))
        self._calls.append(time.monotonic())
