"""Whole launches of the agent, with a real pytest, against a loopback server that stands for S3."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pytest_benchmark_aws
from pytest_benchmark_aws.backends import agent_archive
from pytest_benchmark_aws.guest import agent, run_tests
from pytest_benchmark_aws.guest import launch as launch_module
from tests.guest.conftest import pack, pip_wheel, wheel
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.guest.conftest import Launch, Storage


def outcome_of(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Runs the launch on this Python's packages; the delivered result, checked against ``done``."""
    monkeypatch.setattr(agent, "install", lambda _: Path(sys.executable))
    launch.run()
    return delivered(launch.storage)


def delivered(storage: Storage) -> dict[str, Any]:
    """The result that was uploaded, as its ``done`` describes it."""
    data, done = storage.last("data"), json.loads(storage.last("done"))
    assert (done["size"], done["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    result: dict[str, Any] = json.loads(data)
    assert done["outcome"] == result["outcome"]
    assert [name for name, _, _ in storage.puts][-3:] == ["log", "data", "done"]
    return result


def finished(result: dict[str, Any]) -> list[str]:
    """The tests that came to their end."""
    return [line["nodeid"] for line in result["lines"] if line["kind"] == "test"]


def test_passing_tests_are_delivered(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outcome, phases, machine and tests are in the result, and ``done`` is put last."""
    launch.tests("def test_one(): pass\ndef test_two(): pass\n")
    result = outcome_of(launch, monkeypatch)
    assert (result["outcome"], finished(result)) == ("passed", ["test_it.py::test_one", "test_it.py::test_two"])
    assert list(result["phases"]) == ["fetch", "install", "wait", "run", "upload"]


def test_the_client_sees_it_run(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a test runs, the heartbeat names it, and the log and the checkpoint so far are there."""
    go = launch.root / "go"
    source = f"import pathlib, threading\ndef test_it():\n    while not pathlib.Path({str(go)!r}).exists():\n"
    launch.tests(source + "        threading.Event().wait(0.02)\n")
    launch.job["beat_s"] = 0.05
    seen: list[dict[str, Any]] = []

    def beat(storage: Storage = launch.storage) -> bool:
        names = [name for name, _, _ in list(storage.puts)]
        if {"heartbeat", "log", "checkpoint"} <= set(names):
            seen.append(json.loads(storage.last("heartbeat")))
        return bool(seen) and seen[-1]["test"] is not None

    class Watched(subprocess.Popen[bytes]):
        def wait(self, timeout: float | None = None) -> int:
            wait_until(beat)
            go.touch()
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    assert outcome_of(launch, monkeypatch)["outcome"] == "passed"
    assert {key: seen[-1][key] for key in ("phase", "done", "of", "test")} == {
        "phase": "run", "done": 0, "of": 1, "test": "test_it.py::test_it"
    }  # fmt: skip


HANG = "import signal, threading\ndef test_quick(): pass\ndef test_hang():\n    {}threading.Event().wait()\n"


@pytest.fixture
def limit_in_the_hang(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit comes as soon as test_hang has begun."""
    checkpoint, begun = launch.root / "checkpoint.jsonl", '"start", "nodeid": "test_it.py::test_hang"'

    class Limited(subprocess.Popen[bytes]):
        late = False

        def wait(self, timeout: float | None = None) -> int:
            if not self.late:
                self.late = True
                wait_until(lambda: checkpoint.exists() and begun in checkpoint.read_text())
                raise subprocess.TimeoutExpired(self.args, 0)
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", Limited)


@pytest.mark.usefixtures("limit_in_the_hang")
def test_a_hanging_pytest_is_interrupted(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the limit pytest gets SIGINT: it ends in order (exit code 2), and what was finished is delivered."""
    launch.tests(HANG.format(""))
    result = outcome_of(launch, monkeypatch)
    assert (result["outcome"], finished(result)) == ("timeout", ["test_it.py::test_quick"])
    assert result["lines"][-1] == {"kind": "finish", "exit": 2}
    assert b"time limit of 600 s: pytest is interrupted" in launch.storage.last("log")


@pytest.mark.usefixtures("limit_in_the_hang")
def test_a_pytest_that_ignores_the_interrupt_is_killed(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the patience is over it gets SIGKILL, and what was finished is delivered all the same."""
    monkeypatch.setattr(run_tests, "INTERRUPT_S", 1)
    source = HANG.format("signal.signal(signal.SIGINT, signal.SIG_IGN); ")
    marker = "import pathlib; pathlib.Path('deaf').touch(); "
    launch.tests(source.replace("threading.Event", f"{marker}threading.Event"))
    deaf = launch.root / "project/deaf"
    kill = os.killpg

    def killpg(group: int, number: int) -> None:
        wait_until(deaf.exists)
        kill(group, number)

    monkeypatch.setattr(os, "killpg", killpg)
    result = outcome_of(launch, monkeypatch)
    assert (result["outcome"], finished(result)) == ("timeout", ["test_it.py::test_quick"])
    assert "finish" not in {line["kind"] for line in result["lines"]}


def test_a_killed_pytest_is_told_as_such(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL, as the kernel sends where memory ends: the outcome names it, and what was finished is delivered."""
    launch.tests("import os\ndef test_quick(): pass\ndef test_killed(): os.kill(os.getpid(), 9)\n")
    result = outcome_of(launch, monkeypatch)
    assert result["outcome"] == "error: pytest was killed by SIGKILL"
    assert finished(result) == ["test_it.py::test_quick"]


def test_node_ids_never_meet_a_shell(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """An id of shell words, quotes and newlines reaches pytest as it is."""
    odd = "$(touch evil); `touch evil` '\"\\ \n é"
    source = f"import pytest\n@pytest.mark.parametrize('x', [1], ids=[{odd!r}])\ndef test_it(x): pass\n"
    launch.tests(source)
    launch.job["node_ids"] = ["test_it.py"]
    result = outcome_of(launch, monkeypatch)
    launch.job["node_ids"] = finished(result)
    assert outcome_of(launch, monkeypatch)["outcome"] == "passed"
    assert not list(launch.root.rglob("evil"))


def test_a_dnf_that_fails_is_told_with_its_words(
    launch: Launch, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    """After four attempts the outcome is the error, and dnf's own words are in the uploaded log."""
    dnf = launch.root / "bin/dnf"
    dnf.parent.mkdir()
    dnf.write_text("#!/bin/sh\necho 'Cannot find a valid baseurl for repo: amazonlinux'\nexit 1\n")
    dnf.chmod(0o755)
    monkeypatch.setenv("PATH", f"{dnf.parent}:{os.environ['PATH']}")
    launch.job["packages"] = ["python3.11", "libgomp"]
    launch.run()
    assert delivered(launch.storage)["outcome"] == "error: dnf could not install python3.11 libgomp"
    log = launch.storage.last("log").decode()
    assert (log.count("Cannot find a valid baseurl"), "attempt 4 of 4" in log) == (4, True)
    assert waits == [0, 5, 10, 15]


@pytest.mark.parametrize("limits", ["step", "launch"])
def test_a_dnf_that_hangs_is_told_with_its_words(launch: Launch, monkeypatch: pytest.MonkeyPatch, limits: str) -> None:
    """Whose time is up first, the step's, an error, or the launch's, a time-out: it is killed with what it started."""
    dnf, pid = launch.root / "bin/dnf", launch.root / "pid"
    dnf.parent.mkdir()
    dnf.write_text(f"#!/bin/sh\necho 'Waiting for the mirror'\nsleep 1000 &\necho $! > {pid}\nwait\n")
    dnf.chmod(0o755)
    monkeypatch.setenv("PATH", f"{dnf.parent}:{os.environ['PATH']}")
    launch.job |= {"packages": ["python3.11"]} | ({"time_limit_s": 1} if limits == "launch" else {})
    if limits == "step":
        monkeypatch.setattr(launch_module, "STEP_S", 1)
    launch.run()
    killed, log = "dnf did not end within 1 s and was killed", launch.storage.last("log").decode()
    outcome = f"error: {killed}; its words are in the log" if limits == "step" else "timeout"
    assert delivered(launch.storage)["outcome"] == outcome
    assert (log.count("Waiting for the mirror"), killed in log) == (1, True)
    wait_until(lambda: not runs(int(pid.read_text())))


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_an_unexpected_error_is_told_with_its_traceback(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """No exception keeps ``done`` from being put."""
    monkeypatch.setattr(agent, "install", lambda _: 1 / 0)
    launch.run()
    outcome = delivered(launch.storage)["outcome"]
    assert outcome.startswith("error: Traceback")
    assert "ZeroDivisionError" in outcome


def test_a_full_disk_does_not_silence_it(launch: Launch, waits: list[float]) -> None:
    """Where no log can be written, the outcome is still delivered, from memory."""
    guest = launch.on_the_instance()
    guest.log_path = launch.root / "no such folder" / "log.txt"
    launch.storage.faults["project"] = [403] * 6
    launch.job["packages"] = ["none"]
    agent.run(guest)
    data = json.loads(launch.storage.last("data"))
    assert re.match("error: ", data["outcome"])
    assert [name for name, _, _ in launch.storage.puts] == ["data", "done"]


# The real archive, as a process of its own.


def run_archive(launch: Launch, python: str) -> subprocess.CompletedProcess[str]:
    """Runs the archive with an interpreter, in an environment that has nothing but the system's commands."""
    name, content = wheel("shipped", "WORD = 'from its wheel'\n")
    lock = f"shipped==1.0 --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"
    launch.ship("wheels", pack(dict([(name, content), pip_wheel()]) | {"requirements.lock": lock}))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    # pytest itself is this environment's: the agent's .pth takes whole paths too.
    own = Path(pytest_benchmark_aws.__file__).parents[1]
    launch.job |= {"python": version, "packages": ["some-package"], "beat_s": 0.2}
    launch.job["sys_path"] = list(
        dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), str(own)])
    )
    commands = launch.root / "bin"
    commands.mkdir()
    base = getattr(sys, "_base_executable", sys.executable)
    for command, line in ((f"python{version}", f'exec {base} "$@"'), ("dnf", 'echo "dnf $*"')):
        (commands / command).write_text(f"#!/bin/sh\n{line}\n")
        (commands / command).chmod(0o755)
    archive = launch.root / "agent.pyz"
    archive.write_bytes(agent_archive.pack(launch.job))
    return subprocess.run(
        [python, "-W", "error", str(archive)],
        env={"PATH": f"{commands}:/usr/bin:/bin", "HOME": str(launch.root), "LANG": "C.UTF-8"},
        cwd=launch.root,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


SHIPPED = (
    "import shipped\ndef test_it(benchmark): assert benchmark.pedantic(lambda: shipped.WORD) == 'from its wheel'\n"
)


def check_archive(launch: Launch, python: str) -> None:
    """Runs the archive: it installs, measures, delivers, and says so on its console."""
    launch.tests(SHIPPED)
    ended = run_archive(launch, python)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "outcome: passed" in ended.stdout
    result = delivered(launch.storage)
    assert (result["outcome"], finished(result)) == ("passed", ["test_it.py::test_it"])
    test = next(line for line in result["lines"] if line["kind"] == "test")
    assert test["benchmarks"][0]["fullname"] == "test_it.py::test_it"
    assert b"dnf install -y -q some-package" in launch.storage.last("log")
    assert launch.storage.gets == ["project", "wheels"]


def test_the_archive_runs(launch: Launch) -> None:
    """The zip file with its job beside it fetches, installs, runs pytest, uploads, and warns of nothing."""
    check_archive(launch, sys.executable)


def test_the_archive_runs_on_python_39(launch: Launch) -> None:
    """Amazon Linux 2023's own Python runs the agent, whatever Python runs the tests."""
    found = shutil.which("python3.9") or "python3.9"
    try:  # what is found may be a version manager's script, which works in its own environment alone
        words = [found, "-c", "import sys; print(sys.executable)"]
        asked = subprocess.run(words, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no Python 3.9 is installed")
    check_archive(launch, asked.stdout.strip())


_LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    fcntl.ioctl(sock, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: IFF_UP, IFF_RUNNING
if len(sys.argv) > 1:
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def test_the_archive_needs_no_network_but_s3() -> None:
    """The same launch works where the loopback device is all there is: no index, no mirror, no metadata service."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("unshare is not installed")
    inside = [unshare, "--user", "--map-root-user", "--net", sys.executable, "-c", _LOOPBACK_UP]
    tried = subprocess.run(inside, capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no network namespace can be made here: {(tried.stderr.strip().splitlines() or ['?'])[-1]}")
    again = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"{Path(__file__)}::{test_the_archive_runs.__name__}"]
    ended = subprocess.run([*inside, *again], capture_output=True, text=True, check=False, timeout=300)
    assert (ended.returncode, "1 passed" in ended.stdout) == (0, True), ended.stdout + ended.stderr
