"""What launches that a client cut off had finished is taken as it is, and the rest of their cases is launched anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from pytest_benchmark_aws.backends.protocol import Handle
from pytest_benchmark_aws.core.guest_tests import cases_of
from pytest_benchmark_aws.run.ledger import Finished, Past

if TYPE_CHECKING:
    from pytest_benchmark_aws.backends.registry import Backends
    from pytest_benchmark_aws.core.model import Job


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
