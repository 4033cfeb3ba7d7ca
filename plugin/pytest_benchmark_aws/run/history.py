"""The runs of this machine, by their journals."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

from pytest_benchmark_aws.core.values import json_fields
from pytest_benchmark_aws.machine.folders import cache_folder
from pytest_benchmark_aws.run.journal import JournalError
from pytest_benchmark_aws.run.journal_lines import read_run


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run, as its journal tells it."""

    run_id: str
    started: str
    region: str
    account: str
    embedded: bool
    jobs: tuple[str, ...]
    """By name; those of a search with the type that they ran on, as in ``search-1 (m7i.large)``."""
    instance_types: frozenset[str]
    """Of what was to be launched."""
    state: str
    """``running`` (a process works on it), ``gone`` (all ended), or ``open``: resume or reap it."""
    usd: Decimal
    problem: str = ""
    project: str = ""
    """Its rootdir; not in journals of earlier versions."""


def runs_folder() -> Path:
    """Where the journals are."""
    return cache_folder() / "runs"


def runs(folder: Path | None = None, *, newest: int | None = None) -> list[RunRecord]:
    """The runs of this machine, or the newest of them, oldest first; one with a damaged journal says so."""
    records = []
    for path in sorted((folder or runs_folder()).glob("*/journal.jsonl"))[-(newest or 0) :]:
        try:
            lines, problem = read_run(path), ""
        except JournalError as error:
            lines, problem = [], str(error)
        records.append(_record(path, lines, problem))
    return records


def count() -> int:
    """How many runs of this machine have a journal."""
    return sum(1 for _ in runs_folder().glob("*/journal.jsonl"))


def _record(path: Path, lines: Sequence[Mapping[str, Any]], problem: str) -> RunRecord:
    about = next((line for line in lines if line["kind"] == "run"), {})
    gone: Mapping[str, Any] = next((line for line in reversed(lines) if line["kind"] in {"gone", "intent"}), {})
    ended = gone.get("kind") == "gone" or not any(line["kind"] == "intent" for line in lines)
    # Each of these lines tells the whole run's money, that of earlier processes too.
    spent = next((Decimal(line["usd"]) for line in reversed(lines) if line["kind"] == "gone"), Decimal(0))
    types = {str(line["job"]): str(line.get("instance_type", "")) for line in lines if line["kind"] == "intent"}
    state = "running" if is_locked(path) else "gone" if ended and not problem else "open"
    return RunRecord(
        run_id=path.parent.name,
        started=str(about.get("time", "")),
        region=str(about.get("region", "")),
        account=str(about.get("account", "")),
        embedded=bool(about.get("embedded")),
        # A search's later steps are known by their launches alone.
        jobs=tuple(
            _with_type(job, types.get(job, "")) for job in dict.fromkeys([*map(str, about.get("jobs", ())), *types])
        ),
        instance_types=frozenset(types.values()),
        state=state,
        usd=spent,
        problem=problem,
        project=str(about.get("project", "")),
    )


def _with_type(job: str, instance_type: str) -> str:
    return job if job.startswith(instance_type) else f"{job} ({instance_type})"


def is_locked(path: Path) -> bool:
    """Whether a process is writing the journal."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False  # no process of ours has what may not be opened
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def working() -> set[str]:
    """The runs that a process of this machine works on, whatever their journals hold."""
    return {path.parent.name for path in runs_folder().glob("*/journal.jsonl") if is_locked(path)}


def age_s(line: Mapping[str, Any], now: datetime) -> float:
    """Seconds since a journal's line was written."""
    time = json_fields.moment(line["time"])
    return 0.0 if time is None else max(0.0, (now - time).total_seconds())


def utc_now() -> datetime:
    """Now."""
    return datetime.now(timezone.utc)
