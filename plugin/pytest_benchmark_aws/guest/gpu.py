"""Waits for NVIDIA's driver on an instance with GPUs: its image loads it by a service, while user data already runs."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

from .s3 import AgentError

if TYPE_CHECKING:
    from .launch import Launch

DRIVER_S = 300
"""Seconds that the driver may take from here on. The first start reads modules and firmware of some hundred MB from a
disk that is still being filled from its snapshot (EBS user guide, "Initialize Amazon EBS volumes")."""
_ASK_S = 60
"""Seconds that one question may take: without a running persistence daemon each loads the driver anew."""
_PAUSE_S = 2
_MOST_WORDS = 500


class Answer(NamedTuple):
    """What ``nvidia-smi -L`` answered: its exit status and its words, a line for each GPU."""

    status: int
    words: str

    @property
    def gpus(self) -> int:
        """GPUs that it lists."""
        return sum(line.startswith("GPU ") for line in self.words.splitlines()) if self.status == 0 else 0


def wait_for_driver(launch: Launch) -> None:
    """Returns once ``nvidia-smi`` lists as many GPUs as the instance type has; at once where it has none.

    Raises:
        AgentError: it is not there, or does not in time; with its last words.
    """
    count = int(launch.job.get("gpus") or 0)
    if not count:
        return
    launch.enter("driver")
    command = shutil.which("nvidia-smi")
    if command is None:
        raise AgentError(
            f"this instance has {count} GPU and its image no nvidia-smi, so no NVIDIA driver: leave --aws-ami off, or "
            "name an image that brings the driver"
        )
    seconds = max(0.0, min(DRIVER_S, launch.left()))
    until = time.monotonic() + seconds
    while True:
        answer = _ask(command)
        if answer.gpus >= count:
            launch.say(f"the driver lists {answer.gpus} of {count} GPU")
            return
        if time.monotonic() + _PAUSE_S > until:
            break
        time.sleep(_PAUSE_S)
    last = " ".join(answer.words.split())[-_MOST_WORDS:] or "nothing"
    raise AgentError(
        f"the NVIDIA driver was not ready within {seconds:.0f} s, {answer.gpus} of {count} GPU listed; the last "
        f"words of nvidia-smi (exit code {answer.status}): {last}"
    )


def _ask(command: str) -> Answer:
    try:
        done = subprocess.run(
            [command, "-L"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_ASK_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(-1, f"no answer within {_ASK_S} s")
    except OSError as error:
        return Answer(-1, str(error))
    return Answer(done.returncode, done.stdout.decode("utf-8", "replace"))
