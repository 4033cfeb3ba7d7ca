"""An instance as a local process: its folder, environment, commands and console."""

from __future__ import annotations

import os
import secrets
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.embedded.guests import commands, nvidia_smi, processes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_benchmark_aws.core.catalog import InstanceType

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CONSOLE_LIMIT = 64 * 1024
"""Bytes: GetConsoleOutput answers the newest 64 KiB."""


class Guest:
    """The processes that an instance's user data starts."""

    def __init__(self, root: Path, instance_id: str, endpoint: str, more: Mapping[str, str] | None = None) -> None:
        self.instance_id = instance_id
        self.endpoint = endpoint
        self.directory = root / "instances" / instance_id
        self.turn = root / "turn.lock"
        self._more = more or {}
        self.token = secrets.token_urlsafe(32)
        """What the guest's processes show where they ask embedded AWS; no other user of the machine sees it."""
        self.gpu_type: InstanceType | None = None
        """Of an instance with GPUs whose image brings their driver."""
        self.driver_delay = 0.0
        """Seconds from the start until that driver answers."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def console_path(self) -> Path:
        """The file that holds what the user data printed."""
        return self.directory / "console.log"

    @property
    def metadata_service(self) -> str:
        """The URL of its metadata service."""
        return f"{self.endpoint}/_embedded/imds/{self.instance_id}.{self.token}"

    @property
    def started(self) -> bool:
        """Whether the user data was ever run."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """The process id of the user data; None where it was never run."""
        return None if self._process is None else self._process.pid

    @property
    def exit_status(self) -> int | None:
        """The exit status of the user data; None while it runs, or where it was never run."""
        if self._process is None:
            return None
        try:  # looked at, not reaped: see ``kill``
            ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return self._process.returncode
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def console(self) -> bytes:
        """The newest 64 KiB of the console."""
        try:
            return self.console_path.read_bytes()[-_CONSOLE_LIMIT:]
        except OSError:
            return b""

    def environment(self) -> dict[str, str]:
        """The guest's environment variables, with none of the host's, and so none of its credentials."""
        return {
            "HOME": str(self.directory / "root"),
            "TMPDIR": str(self.directory / "tmp"),
            "PATH": f"{self.directory / 'bin'}:{_SYSTEM_PATH}",
            "LANG": "C.UTF-8",
            "PYTEST_BENCHMARK_AWS_ROOT": str(self.directory / "work"),
            "PYTEST_BENCHMARK_AWS_TURN": str(self.turn),
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.metadata_service,
            **self._more,
        }

    def start(self, user_data: bytes) -> None:
        """Runs the user data as cloud-init does at the first boot: as a script, by its shebang."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in ("root", "tmp", "bin", "work"):
            (self.directory / name).mkdir(exist_ok=True)
        self.turn.touch(mode=0o600)
        write_commands(self.directory / "bin", self.endpoint, self.instance_id, self.token)
        if self.gpu_type is not None:
            write_nvidia_smi(self.directory / "bin", self.gpu_type, time.time() + self.driver_delay)
        script = self.directory / "user-data"
        script.write_bytes(user_data)
        script.chmod(0o700)
        with self.console_path.open("ab") as console:
            first = user_data.split(b"\n", 1)[0].decode(errors="replace").strip()
            if not first.startswith("#!"):
                console.write(b"cloud-init: unhandled non-multipart (text/x-not-multipart) userdata\n")
                return
            # The shebang is read here as the kernel reads it. Executing the file itself fails with ETXTBSY where
            # another thread forks between this file's write and its close.
            interpreter = first[2:].split(None, 1)
            try:
                self._process = subprocess.Popen(
                    [*interpreter, str(script)],
                    cwd=self.directory / "root",
                    env=self.environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                console.write(f"cloud-init: cannot run user-data: {error}\n".encode())
                return

    def kill(self, grace: float) -> bool:
        """Ends every process of this guest, with SIGKILL after ``grace`` seconds; returns whether none is left."""
        if self._process is None:
            return True
        mark = f"PYTEST_BENCHMARK_AWS_ROOT={self.directory / 'work'}"
        # The user data's process is not reaped before: while it is a zombie its number, which names the group and the
        # session, is no other process's, so that none but the guest's are found by it.
        if self._process.returncode is None:
            gone = processes.kill(self._process.pid, mark, grace)
            if gone:
                self._process.wait()
            return gone
        return processes.kill(None, mark, grace)


def write_commands(directory: Path, endpoint: str, instance_id: str, token: str) -> None:
    """Writes an instance's commands, which do to it what Amazon Linux's do to theirs."""
    python = host_python()
    tool = Path(commands.__file__).resolve()
    for name in commands.COMMANDS:
        words = [python, "-I", "-S", str(tool), name, f"{endpoint}/_embedded/instances/{instance_id}"]
        # In the environment, as all users of this machine may read the arguments of a process.
        write_command(directory / name, words, f"export {commands.TOKEN_VARIABLE}={token}\n")
    write_command(directory / "python3", [python])


def write_nvidia_smi(directory: Path, instance_type: InstanceType, ready_at: float) -> None:
    """Writes the command of an instance with GPUs that shows them, from ``ready_at`` on, by the system's clock."""
    name = instance_type.gpu or "GPU"
    words = [str(ready_at), str(instance_type.gpus), name, str(nvidia_smi.MEMORY_MIB.get(name, 16_384))]
    write_command(directory / "nvidia-smi", [host_python(), "-I", "-S", str(Path(nvidia_smi.__file__)), *words])


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
