"""A process that answers each line that it is sent with a line of JSON, and waits the rest of the time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self


class ProcessEndedError(RuntimeError):
    """The process ended without an answer."""


class AnsweringProcess:
    """A module of the benchmarks, run by this interpreter with a number of OpenMP threads of its own.

    It imports what this process does, and ends with the ``with`` block. Each answer has a certain key, which what its
    libraries print has not.
    """

    def __init__(self, name: str, module: str, arguments: Sequence[str], threads: int, key: str) -> None:
        self.name = name
        """As errors call it."""
        self._key = key
        self._written = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115  # until __exit__
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            **surroundings(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._written,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._written.close()

    def ask(self, request: str) -> dict[str, Any]:
        """Sends a line, and gives its answer.

        Raises:
            ProcessEndedError: it ended, as where memory was short.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{request}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer says so
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """The next answer.

        Raises:
            ProcessEndedError: it ended.
        """
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                answer = json.loads(line)
            except ValueError:
                continue  # what a library prints
            if isinstance(answer, dict) and self._key in answer:
                return answer
        code = self._process.wait()
        self._written.seek(0)
        hint = ", as when memory is short: take a smaller --scale" if code == -signal.SIGKILL else ""
        raise ProcessEndedError(
            f"{self.name}: its process ended with {ending(code)}{hint}\n{self._written.read()[-2000:]}"
        )


def surroundings(threads: int) -> dict[str, Any]:
    """What ``Popen`` is given: the repository's folder, what can be imported here, and the number of threads."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    environment["OMP_NUM_THREADS"] = str(threads)
    return {"cwd": Path(__file__).parent.parent, "env": environment, "text": True}


def ending(code: int) -> str:
    """How a process ended, in words."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"
