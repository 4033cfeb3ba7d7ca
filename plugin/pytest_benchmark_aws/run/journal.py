"""The record of a run on disk, written before each act: what a later process needs to clean up or to go on."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from io import FileIO
from pathlib import Path
from typing import Any

from pytest_benchmark_aws.core.errors import PlanError, PytestBenchmarkAWSError
from pytest_benchmark_aws.core.values import json_fields
from pytest_benchmark_aws.machine.regular_files import read_regular

_MOST_BYTES = 64 * 2**20
"""Of a journal: a launch has some ten lines of 300 bytes."""


class JournalError(PytestBenchmarkAWSError):
    """The journal cannot be written or read; nothing may be launched without it."""


class RunInUseError(JournalError, PlanError):
    """Another process works on the run."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"run {run_id} is being followed by another process; wait for its end, or end that process first"
        )


@dataclass(slots=True)
class Journal:
    """One run's journal: JSON lines, each with a checksum, forced to disk; one writer at a time."""

    path: Path
    _file: FileIO = field(repr=False)

    @classmethod
    def open(cls, folder: Path) -> Journal:
        """The journal in a run's folder, made where it is missing.

        Raises:
            RunInUseError: another process writes it.
            JournalError: the disk refuses.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = folder / "journal.jsonl"
            file = path.open("ab", buffering=0)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                raise RunInUseError(folder.name) from None
            except OSError:
                file.close()
                raise
            _drop_torn_line(path)
            _sync_folder(folder)
        except OSError as error:
            raise JournalError(f"{folder}: the journal cannot be written ({error}); nothing was launched") from error
        return cls(path, file)

    def write(self, kind: str, **what: Any) -> None:
        """Adds a line and forces it to disk.

        Raises:
            JournalError: the disk refuses; the act that the line announces must not be done.
        """
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        text = json.dumps({"kind": kind, "time": now, **what}, sort_keys=True)
        line = f"{_checksum(text)} {text}\n".encode()
        try:
            written = self._file.write(line)
            if written != len(line):
                raise OSError(f"{written} of {len(line)} bytes written")
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                _drop_torn_line(self.path)
            raise JournalError(f"{self.path}: {error}") from error

    def close(self) -> None:
        """Ends the writing and lets others."""
        self._file.close()


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a journal; a torn last line, which its writer never finished, is not there.

    Raises:
        JournalError: a line before the last is damaged.
    """
    try:
        texts = read_regular(path, _MOST_BYTES).split(b"\n")
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror or error}") from error
    lines: list[dict[str, Any]] = []
    for number, checked in enumerate(texts):
        if not checked:
            continue
        digest, _, text = checked.partition(b" ")
        good = digest.decode("ascii", "replace") == _checksum(text.decode("utf-8", "replace"))
        line = _line(text) if good else None
        if line is not None and number < len(texts) - 1:
            lines.append(line)
        elif number < len(texts) - 1:
            raise JournalError(f"{path}: line {number + 1} is damaged; look at the account by tag instead")
    return lines


def _line(text: bytes) -> dict[str, Any] | None:
    """A line's object, of a kind and a time; None where it is none, whatever its checksum says."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(line, dict) or not isinstance(line.get("kind"), str):
        return None
    return line if json_fields.moment(line.get("time")) is not None else None


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _drop_torn_line(path: Path) -> None:
    """Cuts off a line that was never finished, which the next line would else be joined to."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
