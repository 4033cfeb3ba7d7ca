"""Threads stay where they are pinned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from benchmarks.pinning import affinity, pinned

if TYPE_CHECKING:
    from pathlib import Path

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


def test_a_benchmark_of_one_socket_runs_there_alone(root: Path, tmp_path: Path) -> None:
    """Of a machine whose socket is said to be one CPU: that case is pinned to it, and the one after it is not."""
    pytest.importorskip("lightgbm", reason="the benchmarks need the extra [bench]")
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        pytest.skip("one CPU cannot be two sockets")
    (tmp_path / "two_sockets.py").write_text(
        f"from pytest_benchmark_aws.machine import hardware\nhardware.socket_cpus = lambda: frozenset({{{cpus[0]}}})\n"
    )
    out = tmp_path / "out.json"
    command = [sys.executable, "-m", "pytest", "-p", "two_sockets", "-p", "no:cacheprovider", "--benchmark-only"]
    command += [
        "--scale=smoke",
        f"--benchmark-json={out}",
        "benchmarks/test_dataset.py",
        "-k",
        "test_dataset and not load",
    ]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_XDIST")}
    environment["PYTHONPATH"] = os.pathsep.join((str(tmp_path), environment.get("PYTHONPATH", "")))
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    extras = {bench["name"]: bench["extra_info"] for bench in json.loads(out.read_text())["benchmarks"]}
    assert extras["test_dataset[smoke-socket]"]["cpus"] == str(cpus[0])
    assert extras["test_dataset[smoke-socket]"]["threads"] == 1
    assert extras["test_dataset[smoke-vcpus]"]["cpus"] != str(cpus[0])
