"""What the guest uploads: heartbeat, log and checkpoint while it runs, the result and ``done`` at its end."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from .s3 import AgentError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path

    from .launch import Launch

LOG_LIMIT = 1 << 20
"""Bytes of the log's end that are uploaded."""
PART = 1 << 18
"""Bytes of the checkpoint's first part; each part after it is twice as long."""
EVERY_BEAT = 1 << 20
"""Bytes up to which a part that grew is sent again at each beat; a longer one when it grew by a quarter."""
RESULT_LIMIT = 200 * 2**20
"""Bytes of the lines of a result: with a quarter more the client would refuse all of it."""
MOST_VALUES = 8_000_000
"""The same of values."""
MORE = 0.1
"""Of both, for what stands in the place of lines that have no room, and once more for why others are left out."""
SHORT = 10_000
"""Bytes of a line that may use the first of these as it is."""
MOST_OUTCOME = 1 << 16
"""Characters of the outcome, which may be a traceback: its end."""


def beat(launch: Launch, stopping: threading.Event) -> None:
    """Uploads the heartbeat at each interval until ``stopping``, the log where it grew, and the checkpoint's growth."""
    logged, log, checkpoint = 0, LogEnd(launch.log_path), Checkpoint(launch)
    while not stopping.wait(launch.job["beat_s"]):
        try:
            checkpoint.read()
            launch.uploader.put("heartbeat", checkpoint.heartbeat(), attempts=2)
            size = launch.log_path.stat().st_size if launch.log_path.exists() else 0
            if size != logged:
                launch.uploader.put("log", log.read(), attempts=2)
                logged = size
            checkpoint.upload()
        except (AgentError, OSError) as error:
            print("heartbeat:", error, flush=True)
    if launch.stopped:
        try:
            checkpoint.upload(whole=True)
            launch.uploader.put("log", log.read(), attempts=3)
        except (AgentError, OSError) as error:
            print("upload:", error, flush=True)


def beat_log(launch: Launch, stopping: threading.Event) -> None:
    """The same of a machine that does not lead: its log alone."""
    logged, log = 0, LogEnd(launch.log_path)
    while not stopping.wait(launch.job["beat_s"]):
        try:
            size = launch.log_path.stat().st_size if launch.log_path.exists() else 0
            if size != logged:
                launch.uploader.put("log", log.read(), attempts=2)
                logged = size
        except (AgentError, OSError) as error:
            print("log:", error, flush=True)


class Checkpoint:
    """The checkpoint file as it grows: what is new in it is read once, and uploaded in parts."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._read = self._done = 0
        self._test: str | None = None
        self._part = self._start = self._sent = 0
        """The part that grows, where in the file it begins, and how much of it is uploaded."""

    def read(self) -> None:
        """Takes note of the lines that were finished since the last time."""
        for text in _bytes(self._launch.checkpoint, self._read).splitlines(keepends=True):
            if not text.endswith(b"\n"):
                break
            self._read += len(text)
            line = _object(text)
            self._test = line.get("nodeid") if line.get("kind") == "start" else self._test
            self._done += line.get("kind") == "test"

    def heartbeat(self) -> bytes:
        """The heartbeat as JSON: phase, seconds since the start, tests done and in all, and the test that runs."""
        launch = self._launch
        status = {"phase": launch.phase, "seconds": round(launch.seconds(), 1), "done": self._done}
        return json.dumps({**status, "of": len(launch.job["node_ids"]), "test": self._test}).encode()

    def upload(self, *, whole: bool = False) -> None:
        """Uploads the part that grows, where it is worth it or ``whole``; once it is full, the next one grows.

        Raises:
            AgentError: S3 refuses it, or does not answer.
        """
        while True:
            name = f"checkpoint-{self._part}" if self._part else "checkpoint"
            last = f"checkpoint-{self._part + 1}" not in self._launch.job["put"]
            limit = -1 if last else PART << self._part
            data = _bytes(self._launch.checkpoint, self._start, limit)
            full = len(data) == limit
            if len(data) == self._sent or not (
                whole or full or len(data) <= EVERY_BEAT or len(data) - self._sent >= self._sent // 4
            ):
                return
            self._launch.uploader.put(name, data, attempts=2)
            self._sent = len(data)
            if not full:
                return
            self._part, self._start, self._sent = self._part + 1, self._start + len(data), 0


def checkpoint_lines(launch: Launch) -> list[dict[str, Any]]:
    """The checkpoint's lines as objects, without one that is half written, as many as a result may hold.

    A test's line that has no room costs what it is large by: its params, extra_info and captured output are left out
    or, where even so there is no room, all but the reason. The lines after it are taken as they are.
    """
    lines: list[dict[str, Any]] = []
    size, values, left_out = 0, 0, 0
    for text in _bytes(launch.checkpoint, 0).split(b"\n"):
        line = _object(text)
        for number, candidate in enumerate(_smaller(line, len(text))):
            own_size = sum(len(json.dumps(part)) for part in candidate) if number else len(text)
            own_values, share = sum(map(_values, candidate)), 1 + number * MORE
            if size + own_size <= RESULT_LIMIT * share and values + own_values <= MOST_VALUES * share:
                size, values = size + own_size, values + own_values
                lines += candidate
                break
        else:
            left_out += bool(line)
    if left_out:
        lines.append({"kind": "note", "nodeid": "", "text": f"{left_out:,} lines are left out: {_bounds()}"})
    return lines


def _smaller(line: dict[str, Any], size: int) -> Iterator[list[dict[str, Any]]]:
    """What may be sent of a line, less each time: the line; a test's without what is large; why it is left out."""
    if not line:
        return
    yield [line]
    if size <= SHORT:
        yield [line]
    if line.get("kind") != "test":
        return
    names = {"kind": "note", "nodeid": str(line.get("nodeid", ""))}
    if size > SHORT:
        note = {**names, "text": f"params, extra_info and captured output are left out: {_bounds()}"}
        with contextlib.suppress(KeyError, TypeError):  # no line of ours: the next one says so
            reports = [{**report, "sections": []} for report in line["reports"]]
            benchmarks = [{**bench, "params": None, "extra_info": {}} for bench in line["benchmarks"]]
            yield [{**line, "reports": reports, "benchmarks": benchmarks}, note]
    yield [{**names, "kind": "left-out", "of": "test", "text": f"its line of {size:,} bytes is left out: {_bounds()}"}]


def _bounds() -> str:
    """Why something is left out, and what to do about it."""
    return (
        f"the result of a launch has {RESULT_LIMIT:,} bytes and {MOST_VALUES:,} values at most; "
        "make large data in the test or a fixture instead of params, or select fewer tests"
    )


def _values(line: dict[str, Any]) -> int:
    count = 0
    waiting: list[Any] = [line]
    while waiting:
        value: Any = waiting.pop()
        items: list[Any] = list(value.values()) if isinstance(value, dict) else value
        count += 1 + len(items)
        waiting += [item for item in items if isinstance(item, (dict, list))]
    return count


def finish_member(launch: Launch, outcome: str | None) -> None:
    """Uploads the log of a machine that does not lead, then how it ended; None: it was told to, which is no end.

    Raises:
        AgentError: how it ended could not be uploaded.
    """
    try:
        launch.uploader.put("log", LogEnd(launch.log_path).read())
    except (AgentError, OSError) as error:
        print("log:", error, flush=True)
    if outcome is not None:
        launch.uploader.put("done", json.dumps({"schema": 1, "outcome": outcome[-MOST_OUTCOME:]}).encode())


def finish(launch: Launch, outcome: str) -> None:
    """Uploads the log, then the result, then ``done`` with its digest: whoever sees ``done`` sees all.

    Raises:
        AgentError: the result or ``done`` could not be uploaded.
    """
    try:
        launch.uploader.put("log", LogEnd(launch.log_path).read())
    except (AgentError, OSError) as error:
        print("log:", error, flush=True)
    head = {"schema": 1, "outcome": outcome[-MOST_OUTCOME:]}
    facts = {**head, "phases": launch.phases, "validity": launch.validity, "lines": checkpoint_lines(launch)}
    data = json.dumps(facts).encode()
    launch.uploader.put("data", data)
    done = {**head, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    launch.uploader.put("done", json.dumps(done).encode())


class LogEnd:
    """The last ``LOG_LIMIT`` bytes of a log that grows, after a line that says how many lines are before them.

    Each of those is counted once, however often the end is read: what is measured meanwhile loses no time to it.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._counted, self._lines = path, 0, 0

    def read(self) -> bytes:
        """The log, or its end."""
        with self._path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - LOG_LIMIT)
            file.seek(self._counted)
            while self._counted < start:
                part = file.read(min(LOG_LIMIT, start - self._counted))
                if not part:
                    break  # it was cut off meanwhile
                self._counted, self._lines = self._counted + len(part), self._lines + part.count(b"\n")
            file.seek(start)
            return (f"[... {self._lines:,} lines are left out ...]\n".encode() if start else b"") + file.read()


def _bytes(path: Path, start: int, most: int = -1) -> bytes:
    """What a file holds from a place on; nothing where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(most)
    except OSError:
        return b""


def _object(text: bytes) -> dict[str, Any]:
    """The object that a line is; an empty one for anything else."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return line if isinstance(line, dict) else {}
