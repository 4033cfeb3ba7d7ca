"""What the runner asks of a place where jobs run, and what it hears."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_benchmark_aws.core.model import Job

State = Literal["pending", "running", "stopping", "gone", "unknown"]


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be launched; it is on disk before it is done."""

    token: str
    zone: str
    subnet: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Handle:
    """One launch."""

    job: Job
    instance_id: str
    intent: Intent


@dataclass(frozen=True, slots=True)
class Status:
    """One look at a launch."""

    state: State
    reason: str = ""
    """Why it is gone, in AWS's words."""
    heartbeat: dict[str, Any] = field(default_factory=dict)
    done: bool = False
    """Its result is there, whole."""
    age_s: float | None = None
    """Since its launch, by AWS's clock; None: AWS does not say."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a launch brought home."""

    outcome: str
    """``passed``, ``failed``, ``timeout``, ``spot: ...`` or ``error: ...``, as the guest or the client saw it."""
    lines: tuple[dict[str, Any], ...]
    """The guest's checkpoint: session, start, test, collect-error and finish."""
    phases: dict[str, float]
    log: str
    whole: bool
    """Whether the guest delivered it, or it was put together from what had been uploaded before."""


class Backend(Protocol):
    """A place where jobs run. Calls come from one thread."""

    def intents(self, job: Job, attempt: int) -> Sequence[Intent]:
        """Where the job can be launched, best first; a zone without capacity is an attempt of its own."""

    def launch(self, job: Job, intent: Intent) -> Handle:
        """Launches it; raises CapacityError where there is none now.

        ThrottledError and UnreachableError: it may be launched or not, the same intent again is the same launch.
        CleanupError: something is launched that should not be, and the run must stop.
        """

    def poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        """The status of each by instance id, in one look for all."""

    def log(self, handle: Handle) -> str:
        """Its log as of the last poll."""

    def collect(self, handle: Handle) -> Outcome:
        """What it brought; never raises for a guest's failure."""

    def terminate(self, instance_ids: Sequence[str]) -> None:
        """Ends them; again and again if need be."""

    def alive(self) -> list[str]:
        """Ids of the run's instances that are not gone, from a fresh look; also of those that nobody has a handle of.

        One that was launched and is not shown yet is not gone.
        """
