"""Waiting for what another process or thread does: the one place of the tests where time passes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def wait_until(
    condition: Callable[[], Any],
    timeout: float = 60.0,
    *,
    every: float = 0.02,
    state: Callable[[], object] = lambda: "it did not become true",
) -> Any:
    """What the condition answers, once that is true; looked at every so many seconds.

    Raises:
        AssertionError: it was not within ``timeout`` seconds; with the ``state`` of what was waited for.
    """
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"after {timeout:g} s: {state()}"
        time.sleep(every)
    return answer
