"""What was launched of a run before: by its journal, else, on another machine, by what its backends show of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from pytest_benchmark_aws.backends.protocol import Placement, SeenLaunch, Site
from pytest_benchmark_aws.backends.registry import Backends
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.values import json_fields
from pytest_benchmark_aws.run.history import age_s, utc_now
from pytest_benchmark_aws.run.journal_lines import read_run
from pytest_benchmark_aws.run.ledger import CUT_OFF, Past


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
            f"--aws-resume={site.run_id}: neither a journal in {site.folder} nor an instance with that run's tag in "
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
        if line["kind"] == "terminating":
            if "usd" in line:  # not in journals of earlier versions
                spent.setdefault(line["job"], {})[line["instance_id"]] = Decimal(line["usd"])
        elif line["kind"] == "delivered" and line["job"] in last:
            before = last[line["job"]]
            cut_off = not line["whole"] and (before.cut_off or line.get("outcome") in CUT_OFF)
            last[line["job"]] = replace(before, cut_off=cut_off)
        elif line["kind"] == "intent":
            before_it = last.get(line["job"])
            if before_it is not None and before_it.cut_off and before_it.instance_id is not None:
                parts.setdefault(line["job"], {})[before_it.instance_id] = before_it
            fallback = bool(line.get("fallback"))  # not in journals of earlier versions
            reserved_usd = Decimal(line.get("reserved_usd", "0"))
            last[line["job"]] = Past(
                line["job"],
                Placement.recorded(line),
                None,
                age_s(line, now),
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
        if (runs, run) == ("runs", run_id) and number and name not in {"", "agent.pyz"}:
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
