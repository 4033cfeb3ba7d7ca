"""A machine as local processes: its folder, the processes' environment, what they print, and how they end."""

from __future__ import annotations

import os
import secrets
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.embedded.guests import processes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Machine:
    """The processes that one command starts, whatever group or session they move themselves to."""

    def __init__(self, directory: Path, turn: Path, endpoint: str, more: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.turn = turn
        self.endpoint = endpoint
        self._more = more or {}
        self.token = secrets.token_urlsafe(32)
        """What the machine's processes show where they ask embedded AWS; no other user of the machine sees it."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def console_path(self) -> Path:
        """The file that holds what the command printed."""
        return self.directory / "console.log"

    @property
    def started(self) -> bool:
        """Whether the command was ever run."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """The process id of the command; None where it was never run."""
        return None if self._process is None else self._process.pid

    @property
    def exit_status(self) -> int | None:
        """The exit status of the command; None while it runs, or where it was never run."""
        if self._process is None:
            return None
        try:  # looked at, not reaped: see ``kill``
            ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return self._process.returncode
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def environment(self) -> dict[str, str]:
        """The processes' environment variables, with none of the host's, and so none of its credentials."""
        return {
            "HOME": str(self.directory / "root"),
            "TMPDIR": str(self.directory / "tmp"),
            "PATH": f"{self.directory / 'bin'}:{_SYSTEM_PATH}",
            "LANG": "C.UTF-8",
            "PYTEST_BENCHMARK_AWS_ROOT": str(self.directory / "work"),
            "PYTEST_BENCHMARK_AWS_TURN": str(self.turn),
            **self._more,
        }

    def make_folders(self) -> None:
        """Makes the machine's folders, and the lock by which one machine of all measures at a time."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in ("root", "tmp", "bin", "work"):
            (self.directory / name).mkdir(exist_ok=True)
        self.turn.touch(mode=0o600)

    def run(self, command: Sequence[str]) -> None:
        """Runs the command in a session of its own.

        Raises:
            OSError: it cannot be run.
        """
        with self.console_path.open("ab") as console:
            self._process = subprocess.Popen(
                command,
                cwd=self.directory / "root",
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, grace: float) -> bool:
        """Ends every process of this machine, with SIGKILL after ``grace`` seconds; returns whether none is left."""
        if self._process is None:
            return True
        # The command's process is not reaped before: while it is a zombie its number, which names the group and the
        # session, is no other process's, so that none but the machine's are found by it.
        if self._process.returncode is None:
            gone = processes.kill(self._process.pid, mark(self.directory), grace)
            if gone:
                self._process.wait()
            return gone
        return processes.kill(None, mark(self.directory), grace)


def mark(directory: Path) -> str:
    """The ``NAME=value`` in the environment of every process of the machine of that folder."""
    return f"PYTEST_BENCHMARK_AWS_ROOT={directory / 'work'}"


def write_command(path: Path, words: list[str], before: str = "") -> None:
    """Writes a script that runs another command.

    It is no link: an interpreter that is called through one may look for its library beside the link.
    """
    path.touch(mode=0o700)
    path.write_text(f'#!/bin/sh\n{before}exec {shlex.join(words)} "$@"\n', encoding="utf-8")
    path.chmod(0o700)


def host_python() -> str:
    """The interpreter beneath this virtual environment, whose packages no guest may see."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)
