"""Acts that happen after a delay, and none after the timers are closed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Timers:
    """Threads that wait and then act; ``close`` drops what waits and joins what acts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: dict[threading.Thread, threading.Event] = {}
        self._closed = False

    def after(self, seconds: float, act: Callable[[], object]) -> threading.Event:
        """Calls ``act`` in a thread after so many seconds, unless the returned event is set before."""
        cancelled = threading.Event()

        def wait_and_act() -> None:
            try:
                if not cancelled.wait(seconds) and not self._closed:
                    act()
            finally:
                with self._lock:
                    self._threads.pop(thread, None)

        thread = threading.Thread(target=wait_and_act, daemon=True, name="embedded-aws-timer")
        with self._lock:
            if self._closed:
                cancelled.set()
                return cancelled
            self._threads[thread] = cancelled
        thread.start()
        return cancelled

    def close(self, wait: float = 10.0) -> None:
        """Cancels all acts that still wait, and waits at most ``wait`` seconds for each that has begun."""
        with self._lock:
            self._closed = True
            waiting = dict(self._threads)
        for event in waiting.values():
            event.set()
        for thread in waiting:
            if thread is not threading.current_thread():
                thread.join(wait)
