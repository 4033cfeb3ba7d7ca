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
    from pathlib import Path

    from .launch import Launch

LOG_LIMIT = 1 << 20
"""Bytes of the log's end that are uploaded."""


def beat(launch: Launch, stopping: threading.Event) -> None:
    """Uploads the heartbeat at each interval until ``stopping``, and log and checkpoint where they grew."""
    sizes: dict[str, int] = {}
    while not stopping.wait(launch.job["beat_s"]):
        try:
            launch.uploader.put("heartbeat", heartbeat(launch), attempts=2)
            for name, path in (("log", launch.log_path), ("checkpoint", launch.checkpoint)):
                size = path.stat().st_size if path.exists() else 0
                if size != sizes.get(name, 0):
                    launch.uploader.put(name, log_end(path) if name == "log" else path.read_bytes(), attempts=2)
                    sizes[name] = size
        except (AgentError, OSError) as error:
            print("heartbeat:", error, flush=True)


def heartbeat(launch: Launch) -> bytes:
    """The heartbeat as JSON: phase, seconds since the start, tests done and in all, and the test that runs."""
    test, done = None, 0
    for line in checkpoint_lines(launch):
        test = line.get("nodeid") if line["kind"] == "start" else test
        done += line["kind"] == "test"
    seconds = round(launch.seconds(), 1)
    status = {"phase": launch.phase, "seconds": seconds, "done": done, "of": len(launch.job["node_ids"]), "test": test}
    return json.dumps(status).encode()


def checkpoint_lines(launch: Launch) -> list[dict[str, Any]]:
    """The checkpoint's lines as objects, without one that is half written."""
    try:
        text = launch.checkpoint.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    lines = []
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            lines.append(json.loads(line))
    return lines


def finish(launch: Launch, outcome: str) -> None:
    """Uploads the log, then the result, then ``done`` with its digest: whoever sees ``done`` sees all.

    Raises:
        AgentError: the result or ``done`` could not be uploaded.
    """
    try:
        launch.uploader.put("log", log_end(launch.log_path))
    except (AgentError, OSError) as error:
        print("log:", error, flush=True)
    head = {"schema": 1, "outcome": outcome}
    facts = {**head, "phases": launch.phases, "validity": launch.validity, "lines": checkpoint_lines(launch)}
    data = json.dumps(facts).encode()
    launch.uploader.put("data", data)
    done = {**head, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    launch.uploader.put("done", json.dumps(done).encode())


def log_end(path: Path) -> bytes:
    """The log, or its last ``LOG_LIMIT`` bytes after a line ``[...]`` where it is longer."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LOG_LIMIT))
        return (b"" if size <= LOG_LIMIT else b"[...]\n") + file.read()
