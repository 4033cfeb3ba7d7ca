"""The run of pytest on the instance: started, interrupted where its time ends, and told by its outcome."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from .launch import StoppedError

if TYPE_CHECKING:
    from .launch import Launch

INTERRUPT_S = 20
"""Seconds that pytest gets to write its end after SIGINT, before it is killed."""
_PROGRAM = (
    "import json, signal, sys, pytest; sys.path.pop(0); signal.signal(signal.SIGINT, signal.default_int_handler); "
    "sys.exit(pytest.main(json.load(open(sys.argv[1]))))"
)
"""A process whose parent ignores SIGINT, such as one that a shell started in the background, would ignore it too."""


class PytestRun:
    """The one run of pytest of a launch."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._process: subprocess.Popen[bytes] | None = None
        self._over: str | None = None
        """The outcome of a run that something other than pytest ends."""

    def run(self, python: Path) -> str:
        """Runs pytest until it ends or the launch's time does.

        Returns the outcome: ``passed``, ``failed``, ``timeout``, ``error: ...`` or ``spot: ...``.
        """
        launch, arguments = self._launch, self._launch.root / "arguments.json"
        # Node ids reach pytest through a file: no shell and no command line ever sees one.
        folder = launch.root / "project" / launch.job["cwd"]
        folder.mkdir(parents=True, exist_ok=True)
        root = os.path.relpath(launch.root / "project", folder)
        node_ids = [node_id if root == "." else f"{root}/{node_id}" for node_id in launch.job["node_ids"]]
        arguments.write_text(json.dumps([*launch.job["args"], *node_ids]), encoding="utf-8")
        # Amazon Linux's /tmp is in memory: half of it, and a million files (AL2023 user guide, "/tmp is tmpfs").
        temporary = launch.root / "tmp"
        temporary.mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "TMPDIR": str(temporary),
            **launch.job["environment"],
            "PYTEST_BENCHMARK_AWS_GUEST": "1",
            "PYTEST_BENCHMARK_AWS_CHECKPOINT": str(launch.checkpoint),
        }
        if self._over is not None:
            return self._over
        kills = oom_kills()
        with launch.log_path.open("ab") as log:
            try:
                self._process = process = subprocess.Popen(
                    [str(python), "-c", _PROGRAM, str(arguments)],
                    cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL, start_new_session=True,
                )  # fmt: skip
                if self._over is not None:  # since it was asked above: nobody else has seen this process
                    self._end(process)
                ended = self._wait(process)
            except StoppedError:  # before a group's cluster closes: else its test would fail for that
                if self._process is not None:
                    self._end(self._process)
                raise
        if self._over is not None:
            return self._over
        if not ended:
            return "timeout"
        code = process.returncode
        if code < 0:
            return f"error: {killed_by('pytest', code, kills)}"
        return {0: "passed", 1: "failed", 5: "failed"}.get(code, f"error: pytest ended with exit code {code}")

    def take_back(self, when: str) -> None:
        """Interrupts pytest, as AWS takes the instance back: what is finished is uploaded in time."""
        self._over = f"spot: AWS takes the instance back at {when}"
        self._launch.say(self._over)
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGINT)

    def give_up(self, why: str) -> None:
        """Ends pytest, as what its tests need is lost: they would wait until the time limit, which costs."""
        self._over = self._over or f"error: {why}"
        self._launch.say(why)
        if self._process is not None:
            self._end(self._process)

    def _wait(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether pytest ended in time; else it gets SIGINT, which lets it write its end, and then SIGKILL."""
        try:
            process.wait(max(0.1, self._launch.left()))
            return True
        except subprocess.TimeoutExpired:
            self._launch.say(f"time limit of {self._launch.job['time_limit_s']} s: pytest is interrupted")
        self._end(process)
        return False

    def stopped(self) -> str:
        """Ends pytest where it runs, as the container is to end; gives the outcome.

        SIGTERM does not say whose doing it is: on the spot market it is taken for AWS's.
        """
        if self._process is not None and self._process.poll() is None:
            self._end(self._process)
        if self._launch.job.get("market") == "spot":
            return "spot: SIGTERM, as AWS takes the machine back"
        return "error: stopped by SIGTERM"

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        for number, patience in ((signal.SIGINT, INTERRUPT_S), (signal.SIGKILL, 10)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)
                break


def killed_by(what: str, code: int, kills: int) -> str:
    """How a process with a negative exit code ended; ``kills`` is what ``oom_kills`` said as it began."""
    killed = f"{what} was killed by {signal.Signals(-code).name}"
    if code == -signal.SIGKILL and oom_kills() > kills:
        return f"out of memory: {killed}, by the kernel"
    return killed


def oom_kills() -> int:
    """Processes that the kernel has killed for memory since it runs, in any group (/proc/vmstat, Linux 4.13)."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        words = Path("/proc/vmstat").read_text(encoding="ascii").split()
        return int(words[words.index("oom_kill") + 1])
    return 0
