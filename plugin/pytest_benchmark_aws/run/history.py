"""What earlier processes left: runs by their journals, launches to take over, instances past their deadline."""

from __future__ import annotations

import fcntl
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.backends.protocol import Intent
from pytest_benchmark_aws.machine.folders import cache_folder
from pytest_benchmark_aws.run.journal import JournalError, read
from pytest_benchmark_aws.run.ledger import Past

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


def past_launches(lines: Iterable[Mapping[str, Any]], now: datetime) -> list[Past]:
    """Each job's last launch, or its intent to launch, of a journal's lines."""
    found: dict[str, Past] = {}
    spent: dict[str, dict[str | None, Decimal]] = {}
    for line in lines:
        if line["kind"] == "terminating":
            if "usd" in line:  # not in journals of earlier versions
                spent.setdefault(line["job"], {})[line["instance_id"]] = Decimal(line["usd"])
        elif line["kind"] == "intent":
            intent = Intent(line["token"], line["zone"], line["subnet"], int(line["attempt"]))
            fallback = bool(line.get("fallback"))  # not in journals of earlier versions
            most = Decimal(line.get("reserved_usd", "0"))
            found[line["job"]] = Past(line["job"], intent, None, _age(line, now), fallback=fallback, last_usd=most)
        elif line["kind"] == "launched" and line["job"] in found:
            one = found[line["job"]]
            found[line["job"]] = replace(one, instance_id=line["instance_id"], age_s=_age(line, now), refused=False)
        elif line["kind"] == "refused" and line["job"] in found:
            found[line["job"]] = replace(found[line["job"]], refused=True, last_usd=Decimal(0))
    whole = []
    for one in found.values():
        costs = dict(spent.get(one.job, {}))
        ended = one.instance_id in costs
        last_usd = costs.pop(one.instance_id, one.last_usd)
        whole.append(replace(one, spent_usd=sum(costs.values(), Decimal(0)), last_usd=last_usd, ended=ended))
    return whole


def past_instances(
    instances: Iterable[Instance], now: datetime, uploaded: Iterable[tuple[str, int]] = ()
) -> list[Past]:
    """The same from the instances' tags, where the journal is on another machine.

    What they cost is bounded by the price and the deadline in their tags. ``uploaded`` is of which jobs' attempts the
    bucket holds what a guest put there: those that EC2 no longer shows count as the most that their job can cost.
    """
    shown: dict[str, list[Instance]] = {}
    for one in sorted(instances, key=lambda each: each.attempt):
        shown.setdefault(one.job, []).append(one)
    told: dict[str, set[int]] = {}
    for job, attempt in uploaded:
        told.setdefault(job, set()).add(attempt)
    found = []
    for job, (*before, last) in shown.items():
        costs = [one.most_usd(now) for one in before]
        attempts = told.get(job, set())
        found.append(
            Past(
                job,
                Intent(last.token, last.zone, last.subnet, last.attempt),
                last.instance_id,
                last.age_s(now) or 0.0,
                spent_usd=sum((cost for cost in costs if cost is not None), Decimal(0)),
                last_usd=last.most_usd(now) or Decimal(0),
                unseen=costs.count(None) + len(attempts - {one.attempt for one in (*before, last)}),
                attempts=max(attempts, default=0),
                fallback=last.fallback,
            )
        )
    for job in told.keys() - shown.keys():  # its launches are over for long: what is launched now is an attempt more
        last_attempt = max(told[job])
        gone = Intent("", "", "", last_attempt)
        found.append(Past(job, gone, None, 0.0, refused=True, unseen=len(told[job])))
    return found


def uploads(keys: Iterable[str], run_id: str) -> set[tuple[str, int]]:
    """Job and attempt of the guests that put something into the bucket, from its keys."""
    found = set()
    for key in keys:
        runs_, run, job, attempt, name = (*key.split("/"), *[""] * 5)[:5]
        if (runs_, run) == ("runs", run_id) and attempt.isdecimal() and name not in {"", "agent.pyz"}:
            found.add((job, int(attempt)))
    return found


def unknown_spend(past: Sequence[Past]) -> str:
    """What a resume without the journal does not know of its run's money, to be said."""
    unseen = sum(one.unseen for one in past)
    known = sum((one.spent_usd for one in past), Decimal(0))
    return (
        f"the run's journal is on another machine: of its earlier launches, those that EC2 shows count as "
        f"{known:.4f} USD, and {unseen} that only the bucket tells of as the most that their jobs can cost; a launch "
        "that EC2 no longer shows, about an hour after its end, and that uploaded nothing is not counted against "
        "--aws-max-cost"
    )


def overdue(clients: Clients, now: datetime) -> list[Instance]:
    """Instances of any run of ours in this region that are alive past the deadline in their tag."""
    from pytest_benchmark_aws.aws.ec2 import managed_instances

    return [one for one in managed_instances(clients) if one.alive and one.deadline is not None and one.deadline < now]


def _age(line: Mapping[str, Any], now: datetime) -> float:
    return max(0.0, (now - datetime.fromisoformat(line["time"])).total_seconds())


def utc_now() -> datetime:
    """Now."""
    return datetime.now(timezone.utc)
