"""An instance as a local process: its user data, commands and console."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.embedded.guests import commands, nvidia_smi
from pytest_benchmark_aws.embedded.guests.machine import Machine, host_python, write_command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_benchmark_aws.core.catalog import InstanceType

_CONSOLE_LIMIT = 64 * 1024
"""Bytes: GetConsoleOutput answers the newest 64 KiB."""


class Guest(Machine):
    """The processes that an instance's user data starts."""

    def __init__(self, root: Path, instance_id: str, endpoint: str, more: Mapping[str, str] | None = None) -> None:
        super().__init__(root / "instances" / instance_id, root / "turn.lock", endpoint, more)
        self.instance_id = instance_id
        self.gpu_type: InstanceType | None = None
        """Of an instance with GPUs whose image brings their driver."""
        self.driver_delay = 0.0
        """Seconds from the start until that driver answers."""

    @property
    def metadata_service(self) -> str:
        """The URL of its metadata service."""
        return f"{self.endpoint}/_embedded/imds/{self.instance_id}.{self.token}"

    def console(self) -> bytes:
        """The newest 64 KiB of the console."""
        try:
            return self.console_path.read_bytes()[-_CONSOLE_LIMIT:]
        except OSError:
            return b""

    def environment(self) -> dict[str, str]:
        """A machine's, and where its metadata service is."""
        return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.metadata_service, **super().environment()}

    def start(self, user_data: bytes) -> None:
        """Runs the user data as cloud-init does at the first boot: as a script, by its shebang."""
        self.make_folders()
        write_commands(self.directory / "bin", self.endpoint, self.instance_id, self.token)
        if self.gpu_type is not None:
            write_nvidia_smi(self.directory / "bin", self.gpu_type, time.time() + self.driver_delay)
        script = self.directory / "user-data"
        script.write_bytes(user_data)
        script.chmod(0o700)
        first = user_data.split(b"\n", 1)[0].decode(errors="replace").strip()
        if not first.startswith("#!"):
            self._say("unhandled non-multipart (text/x-not-multipart) userdata")
            return
        # The shebang is read here as the kernel reads it. Executing the file itself fails with ETXTBSY where another
        # thread forks between this file's write and its close.
        interpreter = first[2:].split(None, 1)
        try:
            self.run([*interpreter, str(script)])
        except OSError as error:
            self._say(f"cannot run user-data: {error}")

    def _say(self, text: str) -> None:
        with self.console_path.open("ab") as console:
            console.write(f"cloud-init: {text}\n".encode())


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
