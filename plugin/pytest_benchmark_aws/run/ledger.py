"""A run while a process works on it: what is launched, spent and reserved, and how far each job is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol

from pytest_benchmark_aws.backends.protocol import Handle, Outcome, Placement
from pytest_benchmark_aws.core.model import Job
from pytest_benchmark_aws.core.plan import most_usd
from pytest_benchmark_aws.report.progress import Progress

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux's that counts a suspended machine's time; macOS's CLOCK_MONOTONIC does by itself."""


class Clock(Protocol):
    """Time, passed in."""

    def monotonic(self) -> float:
        """Seconds that only grow."""

    def sleep(self, seconds: float) -> None:
        """Waits."""


class RealClock:
    """The machine's."""

    def monotonic(self) -> float:
        """Seconds that only grow, also while the machine sleeps: instances cost then, too."""
        return time.clock_gettime(_CLOCK)

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)


STOPPED = "error: stopped after a failure (-x, --maxfail)"
"""The outcome of a launch that was ended, or never made, as another's test had failed."""
INTERRUPTED = "error: interrupted"
BROKE_OFF = "error: the run broke off"
CUT_OFF = frozenset({STOPPED, INTERRUPTED, BROKE_OFF})
"""Outcomes of launches that the client ended before they had delivered."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A job that is over."""

    job: Job
    outcome: Outcome
    instance_id: str | None
    """Of its last launch; None: it was never launched."""
    zone: str | None
    billed_seconds: float
    usd: Decimal
    attempts: int
    usd_per_hour: Decimal | None = None
    """What it was billed at, where that is not the job's price."""

    @property
    def broke_off(self) -> bool:
        """Whether it ended otherwise than by its tests' outcomes; the end of its log is shown then."""
        return not self.outcome.whole or self.outcome.outcome.startswith(("error", "timeout"))


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run must keep within."""

    max_parallel: int
    """Launches at once."""
    max_usd: Decimal
    spot_fallback: bool = False
    """Whether a job that spot cannot hold is launched on demand."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Whoever watches a run: what it is shown, and what it may say."""

    show: Callable[[Sequence[Progress]], object] = lambda _: None
    """How far each job is, after each look and each launch."""
    note: Callable[[str], object] = lambda _: None
    """A sentence that is to be read before the launches."""
    finished: Callable[[Finished], bool] = lambda _: False
    """Hears of each job that is over; True ends all others."""
    more: Callable[[Sequence[Finished], Decimal, Callable[[Job], Sequence[str]]], Sequence[Job]] = (
        lambda _ended, _left_usd, _problems: ()
    )
    """Asked when all jobs are over: what to launch then, given all ends, the USD that the cap leaves, and what a job's
    backend has against it."""
    stop: Callable[[], bool] = lambda: False
    """Asked between two looks: whether to end everything and bring home what is there."""
    follow_logs: bool = False
    """Whether it wants the guests' logs as they grow."""


@dataclass(frozen=True, slots=True)
class Past:
    """What an earlier process of the same run did for a job, last."""

    job: str
    placement: Placement
    instance_id: str | None
    """None: it meant to launch, and whether it did is not known."""
    age_s: float
    """Seconds since the launch."""
    asked_s: float | None = None
    """Seconds since it was first asked for, by its token; None: not known."""
    spent_usd: Decimal = Decimal(0)
    """On launches of the job before this one."""
    last_usd: Decimal = Decimal(0)
    """On this one, at most."""
    ended: bool = False
    """Its end was asked for, and ``last_usd`` is what it cost."""
    cut_off: bool = False
    """It was ended by the client before it had delivered, so that the rest of its cases is to be launched."""
    parts: tuple[Past, ...] = ()
    """The job's launches before that were cut off: what they had finished, this one does not run again."""
    unseen: int = 0
    """Launches before this one of which nobody knows what they cost: each counts as the job's most."""
    attempts: int = 0
    """The highest of the job's attempts that anybody knows of, where that is not this one."""
    refused: bool = False
    """AWS said that nothing came of it."""
    fallback: bool = False
    """Spot was asked for and not to be had: it is on demand."""
    time_limit_s: int | None = None
    """The limits and the price that it was launched with, by which it counts; None: not known."""
    grace_s: int | None = None
    usd_per_hour: Decimal | None = None

    def launched_as(self, job: Job) -> Job:
        """The job as this launch of it was made, whatever the limits and the prices of a later process are."""
        price = job.price if not self.usd_per_hour else replace(job.price, usd_per_hour=self.usd_per_hour)
        return replace(
            job,
            fallback=self.fallback,
            time_limit_s=job.time_limit_s if self.time_limit_s is None else self.time_limit_s,
            grace_s=job.grace_s if self.grace_s is None else self.grace_s,
            price=price,
        )


@dataclass(slots=True)
class Running:
    """A launch that is followed."""

    handle: Handle
    launched: float
    """By the clock."""
    paid: Decimal | None = None
    """What it cost, where an earlier process ended it: its time since then is nobody's."""
    pending: float | None = None
    """When it was last seen to be pending, which is billed no more than what has not begun."""
    seen: bool = False
    """Whether AWS has shown this process since when it is."""
    intended: float | None = None
    """When it was first asked for: it may cost since then, while AWS has not shown since when."""
    heard: bool = True
    """Whether AWS heard that it should end, once it was told."""

    def billed_s(self, now: float) -> float:
        """Seconds that it was billed for until now (EC2 user guide, "Instance lifecycle": pending is not billed)."""
        launched = self.launched if self.seen or self.intended is None else min(self.launched, self.intended)
        return now - max(launched, launched if self.pending is None else self.pending)

    @property
    def usd_per_hour(self) -> Decimal:
        """What it is billed at."""
        own = self.handle.usd_per_hour
        price = self.handle.job.price.usd_per_hour
        return price if own is None else min(own, price)


@dataclass(slots=True)
class RunState:
    """What is launched, spent and seen; of one process, whoever launches and whoever follows share it."""

    progress: dict[str, Progress]
    running: dict[str, Running] = field(default_factory=dict)
    spent_usd: Decimal = Decimal(0)
    """On launches that are over."""
    costs: dict[str, Decimal] = field(default_factory=dict)
    """What each of them cost, by its id."""
    attempts: dict[str, int] = field(default_factory=dict)
    launched: list[Handle] = field(default_factory=list)
    ended: dict[str, Finished] = field(default_factory=dict)
    """Job -> its last launch that is over, whether or not AWS has heard that it should end."""
    last_end: float | None = None
    """When a launch of this process ended last, by the clock."""
    unheard: float | None = None
    """When a launch was given up of which AWS did not say whether it is one."""
    leftover: bool = False
    """Whether something may be alive that is not followed."""
    ending: dict[str, Running] = field(default_factory=dict)
    """Launches whose end was asked for, by their ids, until nothing of theirs is alive: groups, as a machine that is
    not shown yet does not end; and others that AWS did not show yet, or of whose end it may not have heard."""

    def reserved_usd(self) -> Decimal:
        """The most that what runs can cost."""
        return sum((most_usd(launch.handle.job) for launch in self.running.values()), Decimal(0))

    def ending_usd(self) -> Decimal:
        """The most that launches whose end was asked for can cost beyond what is counted."""
        rests = (most_usd(end.handle.job) - self.costs.get(name, Decimal(0)) for name, end in self.ending.items())
        return sum((max(Decimal(0), rest) for rest in rests), Decimal(0))

    def most_usd_with(self, job: Job) -> Decimal:
        """The most that the run can cost with one launch more, of this job."""
        return self.spent_usd + self.reserved_usd() + most_usd(job)

    def note(self, job: Job, phase: str, detail: str) -> None:
        """How far a job is, to be shown."""
        progress = self.progress[job.name]
        progress.phase, progress.detail = phase, detail

    def never_ran(self, job: Job, why: str) -> Finished:
        """A job that is over without a launch."""
        self.note(job, "failed", why)
        return Finished(
            job, Outcome(why, (), {}, "", whole=False), None, None, 0.0, Decimal(0), self.attempts.get(job.name, 0)
        )
