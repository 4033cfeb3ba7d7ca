"""Rows 21 to 25 of the fault table: a guest that never speaks, cannot install, has no memory, no disk, or hangs."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.guest import agent
from pytest_benchmark_aws.run import start
from tests.faults.guests import job_of, loopback, real_guests
from tests.faults.world import make_jobs
from tests.guest.test_launch import delivered, finished
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.world import World
    from tests.guest.conftest import Launch

MEMORY_BYTES = 96 * 2**20


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """A launch against the loopback S3."""
    with loopback(tmp_path / "launch") as made:
        yield made


def run_agent(launch: Launch, monkeypatch: pytest.MonkeyPatch, python: Path = Path(sys.executable)) -> dict[str, Any]:
    """Runs the real agent on an interpreter that has pytest; the delivered result."""
    monkeypatch.setattr(agent, "install", lambda _: python)
    launch.run()
    return delivered(launch.storage)


def console(world: World) -> str:
    """What the only guest wrote to its console."""
    return "".join((Path(one["directory"]) / "console.log").read_text() for one in world.instances())


def test_fault_21_a_guest_that_never_speaks_leaves_its_console(world: World) -> None:
    """Without a heartbeat until the deadline, the console's words are kept as the log, and the instance is ended."""

    def spoken_and_settled() -> bool:
        """In five minutes, which pass in 30 ms here, a guest has spoken, and an instance that was ended is gone."""
        going = any(one["state"] in {"shutting-down", "stopping"} for one in world.instances())
        return "no route to host" in console(world) and not going

    world.clock.on_sleep = lambda _: wait_until(spoken_and_settled)
    silent = "print('eth0: no route to host', flush=True); signal.pause()"
    folder = world.journal_path.parent
    (one,) = world.run(
        make_jobs(), script=silent, poll_s=300.0, finished=lambda one: bool(start._keep_log(folder, one))
    )
    assert one.outcome.outcome.startswith("error: the instance ended before it delivered a result")
    assert "past its time limit" in one.outcome.outcome
    assert "eth0: no route to host" in (folder / "m5.large.log").read_text()
    assert world.alive() == []


def test_fault_22_a_failed_install_is_told_with_the_logs_tail(world: World) -> None:
    """The outcome names the step, pip's words are in the log, and the instance powers itself off."""
    backend = real_guests(world, "", lock=f"nowhere==1.0 --hash=sha256:{'0' * 64}\n")
    job = job_of(["test_it"])
    handle = backend.launch(job, backend.placements(job, 1)[0])
    wait_until(lambda: not world.alive())
    outcome = backend.collect(handle)
    assert (outcome.outcome, outcome.whole) == ("error: the wheels could not be installed", True)
    assert "No matching distribution found for nowhere==1.0" in outcome.log
    assert world.instances()[0]["state_reason"] == "Client.InstanceInitiatedShutdown"


@pytest.fixture
def small_memory(tmp_path: Path) -> Iterator[Path]:
    """An interpreter that runs in a memory cgroup of its own."""
    version_2 = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    group = Path("/sys/fs/cgroup" if version_2 else "/sys/fs/cgroup/memory") / f"pytest-benchmark-aws-{os.getpid()}"
    limit = group / ("memory.max" if version_2 else "memory.limit_in_bytes")
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no memory cgroup can be made here: {error}")
    try:
        try:
            limit.write_text(str(MEMORY_BYTES))
            with contextlib.suppress(OSError):  # where there is swap
                (group / "memory.swap.max").write_text("0")
        except OSError as error:
            pytest.skip(f"no memory limit can be set here: {error}")
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\necho $$ > {group}/cgroup.procs\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        yield python
    finally:
        wait_until(lambda: _removed(group))


def _removed(group: Path) -> bool:
    """A group can be removed once the last process in it is no more."""
    with contextlib.suppress(OSError):
        group.rmdir()
    return not group.exists()


def test_fault_23_out_of_memory_is_told_as_such(
    launch: Launch, monkeypatch: pytest.MonkeyPatch, small_memory: Path
) -> None:
    """A pytest that the kernel kills (a memory cgroup of 96 MiB) is told as out of memory, and the log arrives."""
    launch.tests(f"def test_quick(): pass\ndef test_big():\n    assert len(bytearray(b'x' * {MEMORY_BYTES}))\n")
    result = run_agent(launch, monkeypatch, small_memory)
    assert result["outcome"] == "error: out of memory: pytest was killed by SIGKILL, by the kernel"
    assert finished(result) == ["test_it.py::test_quick"]
    assert b"outcome: error: out of memory" in launch.storage.last("log")


def test_fault_23_a_kill_by_somebody_else_is_not_told_as_memory(
    launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pytest that dies of a SIGKILL which is not the kernel's (it sends it to itself) is told as killed, no more."""
    launch.tests("import os\ndef test_it(): os.kill(os.getpid(), 9)\n")
    assert run_agent(launch, monkeypatch)["outcome"] == "error: pytest was killed by SIGKILL"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    words = [str(mount), "-t", "tmpfs", "-o", "size=1m", "none", str(place)]
    if mount is None or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_fault_24_a_full_disk_at_the_download_is_told(small_disk: Path) -> None:
    """Where the project does not fit (a tmpfs of 1 MiB), the outcome says so, without tries that cannot help."""
    with loopback(small_disk) as launch:
        launch.ship("project", b"\0" * 2**21)
        launch.run()
        assert delivered(launch.storage)["outcome"] == "error: project: [Errno 28] No space left on device"
        assert launch.storage.gets == ["project"]


def test_fault_24_a_disk_filled_by_a_test_does_not_silence_the_guest(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test that fills the disk (a tmpfs of 1 MiB) ends in an error, and what was finished before is delivered."""
    with loopback(small_disk) as launch:
        fill = "    with open('junk', 'wb', 0) as junk:\n        while True: junk.write(bytes(4096))\n"
        launch.tests(f"def test_quick(): pass\ndef test_fills():\n{fill}")
        result = run_agent(launch, monkeypatch)
    assert result["outcome"] == "failed" or result["outcome"].startswith("error: ")
    assert finished(result)[0] == "test_it.py::test_quick"


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN], ids=["foreground", "background"])
def sigint(request: pytest.FixtureRequest) -> Iterator[None]:
    """What this process does on SIGINT; children of one that ignores it, as in a shell's background, ignore it too."""
    was = signal.signal(signal.SIGINT, request.param)
    yield
    signal.signal(signal.SIGINT, was)


@pytest.mark.usefixtures("sigint")
def test_fault_25_a_hang_is_interrupted_and_the_rest_delivered(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the limit a hanging test gets SIGINT, and the tests before it are delivered."""
    launch.tests("import threading\ndef test_quick(): pass\ndef test_hangs(): threading.Event().wait()\n")
    begun, sent = '"start", "nodeid": "test_it.py::test_hangs"', []
    wait, kill = subprocess.Popen.wait, os.killpg

    def wait_until_it_hangs(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        """The limit is reached as soon as the second test hangs, whatever this machine's speed."""
        if not sent:
            wait_until(lambda: any(path.read_text().count(begun) for path in launch.root.glob("checkpoint.jsonl")))
            raise subprocess.TimeoutExpired(process.args, 0)
        return wait(process, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", wait_until_it_hangs)
    monkeypatch.setattr(os, "killpg", lambda group, number: (sent.append(number), kill(group, number)))
    result = run_agent(launch, monkeypatch)
    assert (result["outcome"], finished(result), sent) == ("timeout", ["test_it.py::test_quick"], [signal.SIGINT])


def test_fault_25_a_hanging_guest_powers_itself_off(world: World) -> None:
    """An instance that is not done by the limit of 1 s, in its tests or before, says so and ends without a client."""
    backend = real_guests(world, "import threading\ndef test_hangs(): threading.Event().wait()\n")
    job = job_of(["test_hangs"], limit_s=1)
    handle = backend.launch(job, backend.placements(job, 1)[0])
    wait_until(lambda: not world.alive())
    outcome = backend.collect(handle)
    assert (outcome.outcome, outcome.whole) == ("timeout", True)
    assert world.instances()[0]["state_reason"] == "Client.InstanceInitiatedShutdown"
