"""What a run asks of a place where jobs run, and what it hears; the docstrings are the contract of a backend."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal
    from pathlib import Path

    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.aws.s3_run_bucket import Bucket
    from pytest_benchmark_aws.backends.agent_archive import Shipment
    from pytest_benchmark_aws.core.model import Job

State = Literal["pending", "running", "stopping", "gone", "unknown"]
Cause = Literal["", "lost", "taken back"]
"""Whose doing a launch's end was: its own, a fault of the place, or the place that wanted a spot launch back."""


@dataclass(frozen=True, slots=True)
class Site:
    """What the launches of one run have in common, wherever they run."""

    run_id: str
    folder: Path
    """Of the run on this machine: its journal, and what a backend must find again after a crash."""
    clients: Clients
    bucket: Bucket
    beat_s: float
    """Seconds between two heartbeats of a guest."""

    def prefix(self, job: Job, attempt: int) -> str:
        """Of the keys in the bucket under which a launch's guest uploads."""
        return f"runs/{self.run_id}/{job.name}/{attempt}"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and under which token a launch is made; it is on disk before it is done."""

    token: str
    """The same token is the same launch, however often it is asked for."""
    zone: str
    where: str
    """For its backend alone, which finds the place again by it; EC2: the subnet."""
    attempt: int

    def record(self) -> dict[str, Any]:
        """Its part of a journal's line. ``subnet`` is what ``where`` is called in every journal there is."""
        return {"token": self.token, "zone": self.zone, "subnet": self.where, "attempt": self.attempt}

    @classmethod
    def recorded(cls, line: Mapping[str, Any]) -> Placement:
        """The placement of a journal's line."""
        return cls(line["token"], line["zone"], line["subnet"], int(line["attempt"]))


@dataclass(frozen=True, slots=True)
class Handle:
    """A launch that was made."""

    job: Job
    instance_id: str
    """The backend's name of the launch: an instance's id, a training job's name."""
    placement: Placement
    usd_per_hour: Decimal | None = None
    """What it is billed at, where that is less than the job's price: spot's own."""


@dataclass(frozen=True, slots=True)
class Status:
    """One look at a launch."""

    state: State
    reason: str = ""
    """Why it is gone, in AWS's words."""
    cause: Cause = ""
    heartbeat: dict[str, Any] = field(default_factory=dict)
    done: bool = False
    """Its result is there, whole."""
    age_s: float | None = None
    """Seconds since its launch, by AWS's clock; None: AWS does not say."""
    phase: str = ""
    """What the place says that it is at, in its words, where it says more than the state."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a launch brought home."""

    outcome: str
    """``passed``, ``failed``, ``timeout``, ``spot: ...`` or ``error: ...``, as the guest or the client saw it."""
    lines: tuple[dict[str, Any], ...]
    """The guest's checkpoint: session, start, test, collect-error and finish."""
    phases: dict[str, float]
    """Seconds by the name of each phase, and what tells how steady the machine was."""
    log: str
    whole: bool
    """Whether the guest delivered it, or it was put together from what had been uploaded before."""
    cause: Cause = ""


@dataclass(frozen=True, slots=True)
class Quota:
    """What a launch takes of one of the account's quotas."""

    pool: str
    """Launches of the same pool share it."""
    takes: int
    limit: int
    unit: str
    """``vCPUs``, ``instances``."""


@dataclass(frozen=True, slots=True)
class SeenLaunch:
    """A launch as the backend itself shows it, to those who have no journal of it."""

    run_id: str
    job: str
    instance_id: str
    placement: Placement
    age_s: float | None
    """Seconds since its launch; None: AWS does not say."""
    most_usd: Decimal | None
    """The most that it costs: until its deadline, or its end; None: it does not tell."""
    fallback: bool
    """On demand in place of spot."""
    longest_s: int | None = None
    """Seconds that it was launched to live at most; None: it does not tell."""
    usd_per_hour: Decimal | None = None
    """The price that it was reserved at; None: it does not tell."""


class Backend(Protocol):
    """A place where jobs run, and one run's launches there. Calls come from one thread.

    Every method that asks AWS may raise UnreachableError: no network, ended credentials, AWS out of breath; the same
    may be asked again later.
    """

    noun: str
    """What a launch is, for messages: ``instance``."""
    least_billed_s: float
    """The smallest billing step: seconds that every launch costs, however short.

    A backend may have ``ends_within_s``, too: how long a launch may take to go, where that is more than the run's own.
    """

    # Before the first launch.

    def check(self, jobs: Sequence[Job]) -> Sequence[str]:
        """Everything that is wrong with these jobs here, each with the next step; none where all is well.

        It only asks, and makes nothing.
        """

    def prepare(self, jobs: Sequence[Job], shipments: Mapping[str, Shipment]) -> None:
        """Makes what launches need, none of which costs by the hour, and asks whether AWS would launch, by a dry run.

        ``shipments`` is by the jobs' platforms. Only after ``check``.

        Raises:
            PlanError: AWS would refuse, in its words.
        """

    def launches(self) -> Sequence[SeenLaunch]:
        """All launches of this run that the backend shows, ended ones too, in no order."""

    def end_overdue(self) -> Iterator[SeenLaunch]:
        """Ends the launches of any run of ours that are alive past their deadline; gives each before it is ended."""

    # Launches.

    def placements(self, job: Job, attempt: int) -> Sequence[Placement]:
        """Where this attempt of the job can be launched, best first; each is tried until one has room.

        Every placement has a token of its own, which run, job, place and attempt decide and nothing else.

        Raises:
            CapacityError: there is no place for it at all.
        """

    def quota(self, job: Job) -> Quota | None:
        """What a launch of the job takes of which quota; None: no limit is known."""

    def launch(self, job: Job, placement: Placement) -> Handle:
        """Launches the job. The same placement again, from whatever process, is the same launch.

        Raises:
            CapacityError: there is no room now, here; QuotaError: nor anywhere else.
            ThrottledError, UnreachableError: it may be launched or not.
            CleanupError: something is launched that should not be, and the run must stop.
            RemoteFailure: AWS refuses this launch; others may go on.
        """

    def poll(self, handles: Sequence[Handle]) -> Mapping[str, Status]:
        """The status of each by instance id, in one look for all.

        A launch that is not shown yet, or no more, is ``unknown``, never ``gone``.
        """

    def log(self, handle: Handle) -> str:
        """The guest's log as of the last poll; empty where a backend shows none while it runs."""

    def collect(self, handle: Handle) -> Outcome:
        """What it brought home so far; never raises for a guest's failure, nor takes what is not whole for whole."""

    def billed_s(self, handle: Handle) -> float | None:
        """Seconds that a launch which is over was billed for, at its job's price; None: the place does not say."""

    def terminate(self, instance_ids: Sequence[str]) -> None:
        """Asks for their end, and does not wait for it; one that is gone, or was never there, is no error.

        Raises:
            CleanupError: AWS answers that the caller may not.
        """

    def alive(self) -> Sequence[str]:
        """Ids of this run's launches that are not gone, from a fresh look; also of those that nobody has a handle of.

        One that was launched and is not shown yet is not gone.
        """
