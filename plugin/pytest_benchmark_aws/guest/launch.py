"""A launch on its instance: the job, the folder, the log, the clock, and commands that run within its time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from .s3 import AgentError, Signer, Uploader

STEP_S = 900
"""Seconds that a command of the installation may take: a mirror that hangs must leave time to say so."""


class OutOfTimeError(AgentError):
    """The launch's time limit came before its tests began."""


class StoppedError(AgentError):
    """The container is to end: SIGTERM came."""


class Launch:
    """One launch: what all steps of the agent read and note."""

    def __init__(self, job: dict[str, Any], root: Path) -> None:
        self.job, self.root = job, root
        self.log_path = root / "log.txt"
        self.checkpoint = root / "checkpoint.jsonl"
        self.signer = Signer(job.get("role_region"))
        self.uploader = Uploader(job["put"], self.signer)
        self.phase, self.phases = "boot", {}  # type: str, dict[str, float]
        self.validity: dict[str, float] = {}
        self.in_container = job.get("place") == "training job"
        """Whether it has no machine of its own to install packages on and to power off."""
        self.interruptible = self.stopped = False
        """Whether SIGTERM ends what goes on, and whether it came: a container has two minutes after it."""
        self._started = time.monotonic()

    def seconds(self) -> float:
        """Seconds since the agent started."""
        return time.monotonic() - self._started

    def left(self) -> float:
        """Seconds until the launch's time limit; negative after it."""
        return float(self.job["time_limit_s"]) - self.seconds()

    def say(self, text: str) -> None:
        """Writes a line to the log and the console."""
        line = f"[{self.seconds():8.1f} s] {text}\n"
        sys.stdout.write(line)
        sys.stdout.flush()
        # On a full disk the outcome is still to be uploaded.
        with contextlib.suppress(OSError), self.log_path.open("a", encoding="utf-8") as log:
            log.write(line)

    def enter(self, phase: str) -> None:
        """Notes that the next phase begins."""
        self.phases[phase] = round(self.seconds(), 3)
        self.phase = phase
        self.say(f"phase: {phase}")

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def run(self, *command: str) -> int:
        """Runs a command within a step's time and the launch's, its output in the log; returns the exit status.

        Raises:
            AgentError: it did not end in a step's time, and is killed with all that it started.
            OutOfTimeError: the same, by the launch's time limit.
            StoppedError: the same, as the container is to end.
        """
        left = max(1.0, self.left())
        seconds = min(STEP_S, left)
        with self.log_path.open("ab") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
            )
            try:
                return process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._kill(process)
            except StoppedError:
                self._kill(process)
                raise
        message = f"{Path(command[0]).name} did not end within {seconds:.0f} s and was killed; its words are in the log"
        raise AgentError(message) if left > STEP_S else OutOfTimeError(message)
