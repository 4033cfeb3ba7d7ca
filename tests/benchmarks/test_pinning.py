"""Threads stay where they are pinned."""

from __future__ import annotations

import os
import threading

import pytest

from benchmarks.pinning import affinity, pinned

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system cannot pin")


def test_every_thread_is_pinned_and_gets_its_cpus_back() -> None:
    """Also one that was started before, as OpenMP's are."""
    whole = os.sched_getaffinity(0)
    asked, answered, stop = threading.Event(), threading.Event(), threading.Event()
    seen: list[set[int]] = []

    def look() -> None:
        while not stop.is_set():
            if asked.wait(0.01):
                asked.clear()
                seen.append(os.sched_getaffinity(0))
                answered.set()

    def ask() -> None:
        answered.clear()
        asked.set()
        assert answered.wait(10)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        with pinned({min(whole)}):
            ask()
            assert affinity() == str(min(whole))
        ask()
    finally:
        stop.set()
        thread.join()
    assert seen == [{min(whole)}, whole]
    assert os.sched_getaffinity(0) == whole


def test_no_cpus_change_nothing() -> None:
    """Where the kernel does not tell the sockets, threads run where they may."""
    whole = os.sched_getaffinity(0)
    with pinned(()):
        assert os.sched_getaffinity(0) == whole


def test_cpus_are_given_back_after_an_error() -> None:
    """A benchmark that fails leaves nothing pinned."""
    whole = os.sched_getaffinity(0)
    with pytest.raises(RuntimeError), pinned({max(whole)}):
        raise RuntimeError
    assert os.sched_getaffinity(0) == whole


@pytest.mark.parametrize(("cpus", "text"), [({0}, "0"), ({0, 1, 2, 3}, "0-3"), ({0, 1, 8, 9, 11}, "0-1,8-9,11")])
def test_cpus_are_written_as_linux_does(monkeypatch: pytest.MonkeyPatch, cpus: set[int], text: str) -> None:
    """Ranges with a hyphen, as in cpuset(7)."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: cpus)
    assert affinity() == text
