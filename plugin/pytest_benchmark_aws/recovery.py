"""What earlier processes left: runs by their journals, launches to take over, instances past their deadline."""

from __future__ import annotations

import fcntl
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.backends.protocol import Intent
from pytest_benchmark_aws.journal import JournalError, read
from pytest_benchmark_aws.runner import Past
from pytest_benchmark_aws.wheels import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.aws.ec2 import Instance


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
    found = []
    for path in sorted((folder or runs_folder()).glob("*/journal.jsonl")):
        try:
            lines, problem = read(path), ""
        except JournalError as error:
            lines, problem = [], str(error)
        found.append(_record(path, lines, problem))
    return found


def _record(path: Path, lines: Sequence[Mapping[str, Any]], problem: str) -> RunRecord:
    about = next((line for line in lines if line["kind"] == "run"), {})
    gone: Mapping[str, Any] = next((line for line in reversed(lines) if line["kind"] in {"gone", "intent"}), {})
    ended = gone.get("kind") == "gone" or not any(line["kind"] == "intent" for line in lines)
    spent = sum((Decimal(line["usd"]) for line in lines if line["kind"] == "gone"), Decimal(0))
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


def past_launches(lines: Iterable[Mapping[str, Any]], now: datetime) -> list[Past]:
    """Each job's last launch, or its intent to launch, of a journal's lines."""
    found: dict[str, Past] = {}
    spent: dict[str, dict[str, Decimal]] = {}
    for line in lines:
        if line["kind"] == "terminating":
            spent.setdefault(line["job"], {})[line["instance_id"]] = Decimal(line.get("usd", "0"))
        elif line["kind"] == "intent":
            intent = Intent(line["token"], line["zone"], line["subnet"], int(line["attempt"]))
            fallback = bool(line.get("fallback"))  # not in journals of earlier versions
            found[line["job"]] = Past(line["job"], intent, None, _age(line, now), fallback=fallback)
        elif line["kind"] == "launched" and line["job"] in found:
            one = found[line["job"]]
            found[line["job"]] = replace(one, instance_id=line["instance_id"], age_s=_age(line, now), refused=False)
        elif line["kind"] == "refused" and line["job"] in found:
            found[line["job"]] = replace(found[line["job"]], refused=True)
    return [
        replace(one, spent_usd=sum((cost for known, cost in spent.get(one.job, {}).items() if known != one.instance_id),
                                   Decimal(0)))
        for one in found.values()
    ]  # fmt: skip


def past_instances(instances: Iterable[Instance], now: datetime) -> list[Past]:
    """The same from the instances' tags, where the journal is on another machine."""
    found: dict[str, Past] = {}
    for one in sorted(instances, key=lambda each: each.attempt):
        intent = Intent(one.token, one.zone, one.subnet, one.attempt)
        found[one.job] = Past(one.job, intent, one.instance_id, one.age_s(now) or 0.0, fallback=one.fallback)
    return list(found.values())


def overdue(clients: Clients, now: datetime) -> list[Instance]:
    """Instances of any run of ours in this region that are alive past the deadline in their tag."""
    from pytest_benchmark_aws.aws.ec2 import managed_instances

    return [one for one in managed_instances(clients) if one.alive and one.deadline is not None and one.deadline < now]


def _age(line: Mapping[str, Any], now: datetime) -> float:
    return max(0.0, (now - datetime.fromisoformat(line["time"])).total_seconds())


def utc_now() -> datetime:
    """Now."""
    return datetime.now(timezone.utc)
