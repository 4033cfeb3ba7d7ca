"""The runs of this machine, by their journals."""

from __future__ import annotations

import fcntl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

from pytest_benchmark_aws.machine.folders import cache_folder
from pytest_benchmark_aws.run.journal import JournalError, read


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run, as its journal tells it."""

    run_id: str
    started: str
    region: str
    account: str
    embedded: bool
    jobs: tuple[str, ...]
    state: str
    """``running`` (a process works on it), ``gone`` (all ended), or ``open``: resume or reap it."""
    usd: Decimal
    problem: str = ""


def runs_folder() -> Path:
    """Where the journals are."""
    return cache_folder() / "runs"


def runs(folder: Path | None = None) -> list[RunRecord]:
    """The runs of this machine, oldest first; one with a damaged journal says so."""
    records = []
    for path in sorted((folder or runs_folder()).glob("*/journal.jsonl")):
        try:
            lines, problem = read(path), ""
        except JournalError as error:
            lines, problem = [], str(error)
        records.append(_record(path, lines, problem))
    return records


def _record(path: Path, lines: Sequence[Mapping[str, Any]], problem: str) -> RunRecord:
    about = next((line for line in lines if line["kind"] == "run"), {})
    gone: Mapping[str, Any] = next((line for line in reversed(lines) if line["kind"] in {"gone", "intent"}), {})
    ended = gone.get("kind") == "gone" or not any(line["kind"] == "intent" for line in lines)
    # Each of these lines tells the whole run's money, that of earlier processes too.
    spent = next((Decimal(line["usd"]) for line in reversed(lines) if line["kind"] == "gone"), Decimal(0))
    state = "running" if is_locked(path) else "gone" if ended and not problem else "open"
    return RunRecord(
        run_id=path.parent.name,
        started=str(about.get("time", "")),
        region=str(about.get("region", "")),
        account=str(about.get("account", "")),
        embedded=bool(about.get("embedded")),
        jobs=tuple(about.get("jobs", ())),
        state=state,
        usd=spent,
        problem=problem,
    )


def is_locked(path: Path) -> bool:
    """Whether a process is writing the journal."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def age_s(line: Mapping[str, Any], now: datetime) -> float:
    """Seconds since a journal's line was written."""
    return max(0.0, (now - datetime.fromisoformat(line["time"])).total_seconds())


def utc_now() -> datetime:
    """Now."""
    return datetime.now(timezone.utc)
