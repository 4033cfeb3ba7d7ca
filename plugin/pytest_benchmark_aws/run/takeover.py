"""What was launched of a run before: by its journal, else, on another machine, by what its backends show of it.

What launches that a client cut off had finished is taken as it is, and the rest of their cases is launched anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.backends.protocol import Handle, Placement, SeenLaunch, Site
from pytest_benchmark_aws.backends.registry import Backends
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.guest_tests import cases_of
from pytest_benchmark_aws.core.values import json_fields
from pytest_benchmark_aws.run.history import age_s, utc_now
from pytest_benchmark_aws.run.journal_lines import read_run
from pytest_benchmark_aws.run.ledger import CUT_OFF, Finished, Past

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.model import Job


def earlier_launches(site: Site, backends: Backends) -> tuple[list[Past], list[str]]:
    """What was launched of the run that is to go on, and what is to be said of it.

    Raises:
        PlanError: nothing is known of such a run.
    """
    path = site.folder / "journal.jsonl"
    if path.exists():
        return past_launches(read_run(path), utc_now()), []
    launches = backends.launches()
    if not launches:
        raise PlanError(
            f"--aws-resume={site.run_id}: neither a journal in {site.folder} nor a launch with that run's tag in "
            f"{site.clients.region}; pytest-benchmark-aws runs lists those of this machine"
        )
    past = past_seen(launches, uploads(site.bucket.listing(f"runs/{site.run_id}/"), site.run_id))
    return past, [unknown_spend(past)]


def past_launches(lines: Iterable[Mapping[str, Any]], now: datetime) -> list[Past]:
    """Each job's last launch, or its intent to launch, of a journal's lines."""
    last: dict[str, Past] = {}
    parts: dict[str, dict[str, Past]] = {}
    """Job -> its launches that were cut off and followed by another for the rest, by their ids."""
    spent: dict[str, dict[str | None, Decimal]] = {}
    """Job -> what each of its launches cost, by its id."""
    for line in lines:
        if line["kind"] in {"terminating", "billed"}:
            if "usd" in line:  # not in journals of earlier versions
                spent.setdefault(line["job"], {})[line["instance_id"]] = Decimal(line["usd"])
        elif line["kind"] == "delivered" and line["job"] in last:
            before = last[line["job"]]
            cut_off = not line["whole"] and (before.cut_off or line.get("outcome") in CUT_OFF)
            last[line["job"]] = replace(before, cut_off=cut_off)
        elif line["kind"] == "intent":
            before_it = last.get(line["job"])
            if before_it is not None and before_it.instance_id is not None:  # its most, while nothing says what it cost
                spent.setdefault(line["job"], {}).setdefault(before_it.instance_id, before_it.last_usd)
            if before_it is not None and before_it.cut_off and before_it.instance_id is not None:
                parts.setdefault(line["job"], {})[before_it.instance_id] = before_it
            asked_s = age_s(line, now)
            if before_it is not None and not before_it.refused and before_it.placement == Placement.recorded(line):
                asked_s = max(asked_s, before_it.asked_s or 0.0)  # said again before a replay
            fallback = bool(line.get("fallback"))  # not in journals of earlier versions
            reserved_usd = Decimal(line.get("reserved_usd", "0"))
            last[line["job"]] = Past(
                line["job"],
                Placement.recorded(line),
                None,
                age_s(line, now),
                asked_s,
                fallback=fallback,
                last_usd=reserved_usd,
                time_limit_s=line.get("time_limit_s"),
                grace_s=line.get("grace_s"),
                usd_per_hour=json_fields.usd(line.get("usd_per_hour")),
            )
        elif line["kind"] == "launched" and line["job"] in last:
            last[line["job"]] = replace(
                last[line["job"]], instance_id=line["instance_id"], age_s=age_s(line, now), refused=False
            )
        elif line["kind"] == "refused" and line["job"] in last:
            last[line["job"]] = replace(last[line["job"]], refused=True, last_usd=Decimal(0))
    return [
        replace(
            _with_costs(launch, dict(spent.get(launch.job, {}))),
            parts=tuple(
                replace(part, last_usd=spent.get(launch.job, {}).get(part.instance_id, part.last_usd))
                for part in parts.get(launch.job, {}).values()
            ),
        )
        for launch in last.values()
    ]


def _with_costs(launch: Past, costs: dict[str | None, Decimal]) -> Past:
    ended = launch.instance_id in costs
    last_usd = costs.pop(launch.instance_id, launch.last_usd)
    return replace(launch, spent_usd=sum(costs.values(), Decimal(0)), last_usd=last_usd, ended=ended)


def past_seen(launches: Iterable[SeenLaunch], uploaded: Iterable[tuple[str, int]] = ()) -> list[Past]:
    """The same from what backends show, where the journal is on another machine.

    ``uploaded`` is of which jobs' attempts the bucket holds what a guest put there: those that are no longer shown
    count as the most that their job can cost.
    """
    shown: dict[str, list[SeenLaunch]] = {}
    for launch in sorted(launches, key=lambda launch: launch.placement.attempt):
        shown.setdefault(launch.job, []).append(launch)
    attempts: dict[str, set[int]] = {}
    """Job -> those that uploaded something."""
    for job, attempt in uploaded:
        attempts.setdefault(job, set()).add(attempt)
    past = []
    for job, (*before, last) in shown.items():
        costs = [launch.most_usd for launch in before]
        not_shown = attempts.get(job, set()) - {launch.placement.attempt for launch in (*before, last)}
        past.append(
            Past(
                job,
                last.placement,
                last.instance_id,
                last.age_s or 0.0,
                spent_usd=sum((cost for cost in costs if cost is not None), Decimal(0)),
                last_usd=last.most_usd or Decimal(0),
                unseen=costs.count(None) + len(not_shown),
                attempts=max(attempts.get(job, ()), default=0),
                fallback=last.fallback,
                time_limit_s=last.longest_s,
                grace_s=None if last.longest_s is None else 0,
                usd_per_hour=last.usd_per_hour,
            )
        )
    for job in (
        attempts.keys() - shown.keys()
    ):  # its launches are over for long: what is launched now is an attempt more
        over = Placement("", "", "", max(attempts[job]))
        past.append(Past(job, over, None, 0.0, refused=True, unseen=len(attempts[job])))
    return past


def uploads(keys: Iterable[str], run_id: str) -> set[tuple[str, int]]:
    """Job and attempt of the guests that put something into the bucket, from its keys."""
    launches = set()
    for key in keys:
        runs, run, job, attempt, name = (*key.split("/"), *[""] * 5)[:5]
        number = attempt.isascii() and attempt.isdecimal() and len(attempt) < 7
        if (runs, run) == ("runs", run_id) and number and name not in {"", "agent.pyz", "input"}:
            launches.add((job, int(attempt)))
    return launches


def unknown_spend(past: Sequence[Past]) -> str:
    """What a resume without the journal does not know of its run's money, to be said."""
    unseen = sum(launch.unseen for launch in past)
    spent_usd = sum((launch.spent_usd for launch in past), Decimal(0))
    return (
        f"the run's journal is on another machine: of its earlier launches, those that AWS shows count as "
        f"{spent_usd:.4f} USD, and {unseen} that only the bucket tells of as the most that their jobs can cost; a "
        "launch that AWS no longer shows, about an hour after its end, and that uploaded nothing is not counted "
        "against --aws-max-cost"
    )


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left to do of a run."""

    jobs: tuple[Job, ...]
    """With the cases that no launch that is over has finished."""
    past: tuple[Past, ...]
    """Of these jobs and of others."""
    finished: tuple[Finished, ...] = ()
    """What was cut off, each with the cases that it had finished."""
    notes: tuple[str, ...] = ()
    """Sentences on it."""


def rest_of(jobs: Sequence[Job], past: Sequence[Past], backends: Backends) -> Rest:
    """What is left to do once what earlier launches had finished when they were cut off is taken.

    Raises:
        UnreachableError: AWS cannot be asked what became of them.
    """
    earlier = {launch.job: launch for launch in past}
    over = _over(jobs, earlier, backends)
    left: list[Job] = []
    finished: list[Finished] = []
    notes: list[str] = []
    for job in jobs:
        launch = earlier.get(job.name)
        if launch is None:
            left.append(job)
            continue
        pieces = [_piece(job, part, backends) for part in launch.parts]
        if launch.instance_id in over:
            pieces.append(_piece(job, launch, backends))
            spent_usd = launch.spent_usd + launch.last_usd
            earlier[job.name] = replace(launch, refused=True, spent_usd=spent_usd, last_usd=Decimal(0))
        unfinished = job
        for piece in pieces:
            done, unfinished = _split(unfinished, piece)
            finished += [done] if done.job.cases else []
        if unfinished.cases:
            left.append(unfinished)
        if launch.instance_id in over:
            count, total = len(unfinished.cases), len(job.cases)
            notes.append(
                f"{job.name}: of {total:,} cases {total - count:,} had finished when the run was ended, "
                f"{count:,} to be launched now"
            )
    return Rest(tuple(left), tuple(earlier.values()), tuple(finished), tuple(notes))


def _over(jobs: Iterable[Job], earlier: dict[str, Past], backends: Backends) -> set[str | None]:
    """The ids of the launches that were cut off, are gone, and did not deliver after all."""
    handles = [
        _handle(job, launch)
        for job in jobs
        if (launch := earlier.get(job.name)) is not None and launch.cut_off and not launch.refused
    ]
    if not handles:
        return set()
    statuses = backends.poll(handles)
    looks = ((handle.instance_id, statuses.get(handle.instance_id)) for handle in handles)
    return {name for name, look in looks if look is None or (look.state in {"gone", "unknown"} and not look.done)}


def _handle(job: Job, launch: Past) -> Handle:
    return Handle(launch.launched_as(job), launch.instance_id or "", launch.placement)


def _piece(job: Job, launch: Past, backends: Backends) -> Finished:
    """A launch that is over, with all that it brought."""
    handle = _handle(job, launch)
    price = handle.job.price.usd_per_hour
    return Finished(
        handle.job,
        backends.of(job).collect(handle),
        handle.instance_id,
        launch.placement.zone,
        float(launch.last_usd / price) * 3600 if price else 0.0,
        launch.last_usd,
        launch.placement.attempt,
    )


def _split(job: Job, piece: Finished) -> tuple[Finished, Job]:
    """What a launch finished of a job's cases, as a launch of these alone; and the job with the others."""
    tests = cases_of(piece.outcome.lines, [case.bare_id for case in job.cases]).by_id
    done = tuple(case for case in job.cases if tests[case.bare_id].reports)
    failed = any(tests[case.bare_id].failed for case in done)
    outcome = replace(piece.outcome, outcome="failed" if failed else "passed", whole=True)
    rest = tuple(case for case in job.cases if case not in done)
    return replace(piece, job=replace(piece.job, cases=done), outcome=outcome), replace(job, cases=rest)
