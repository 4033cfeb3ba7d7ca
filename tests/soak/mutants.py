"""The machine with a bug planted in the runner, its backend or what it is given: each must be noticed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.backends.protocol import Handle, Outcome, Placement, Status
from pytest_benchmark_aws.run.follow import Follower
from pytest_benchmark_aws.run.launch import Launcher
from pytest_benchmark_aws.run.runner import Runner
from tests.soak.machine import Run
from tests.soak.simulated import SimulatedBackend
from tests.soak.training import SimulatedTraining, TrainingRun

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_benchmark_aws.core.model import Job
    from pytest_benchmark_aws.run.ledger import Finished, Past


class FreshTokens(SimulatedBackend):
    """Each call of RunInstances has a token of its own."""

    def launch(self, job: Job, placement: Placement) -> Handle:
        """By a token that was never used."""
        token = f"{placement.token}-{self.cloud.now}"
        return replace(super().launch(job, replace(placement, token=token)), placement=placement)


class LateIntent(Launcher):
    """Says what it does when it is done."""

    def _intend(self, job: Job, placement: Placement) -> None:
        """Not yet."""

    def _launch_paced(self, job: Job, placement: Placement, **how: Any) -> Handle:
        handle = super()._launch_paced(job, placement, **how)
        super()._intend(job, placement)
        return handle


class ZoneDrift(Launcher):
    """Replays a launch in the zone that it likes best now."""

    def take_over(self, jobs: Sequence[Job], past: Sequence[Past]) -> list[Job]:
        known = {job.name: job for job in jobs}
        drifted = []
        for one in past:
            if one.instance_id is None:
                others = self.backends.of(known[one.job]).placements(known[one.job], one.placement.attempt)
                one = replace(one, placement=next(each for each in others if each.zone != one.placement.zone))  # noqa: PLW2901
            drifted.append(one)
        return super().take_over(jobs, drifted)


class HastyAbsence(SimulatedBackend):
    """Takes what EC2 does not show yet for gone."""

    def poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        """Gone or shown."""
        found = super().poll(handles)
        return {name: replace(one, state="gone") if one.state == "unknown" else one for name, one in found.items()}


class TrustingTerminate(Follower):
    """Believes that what it asked to end has ended."""

    def confirm_gone(self, done: list[Finished]) -> list[Finished]:
        """As it was told."""
        self.journal.write("gone", usd=str(self.state.spent_usd))
        return done


@dataclass
class OneLook(SimulatedBackend):
    """Fetches only what the last look had seen in the store."""

    seen: set[str] = field(default_factory=set)

    def poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        """As it is."""
        found = super().poll(handles)
        self.seen |= {name for name, one in found.items() if one.done}
        return found

    def collect(self, handle: Handle) -> Outcome:
        """What was there by then."""
        if handle.instance_id in self.seen:
            return super().collect(handle)
        return Outcome("error: nothing was delivered", (), {}, "", whole=False)


class NoCap(Runner):
    """Spends as it likes."""

    def run(self, *args: Any, **kwargs: Any) -> list[Finished]:
        """Without an end of money."""
        self.limits = replace(self.limits, max_usd=Decimal("Infinity"))
        return super().run(*args, **kwargs)


def never_found(place: Path, folder: str, instance_id: str) -> Path | None:
    """Nothing is stored yet, as it looks."""
    return None


def with_parts(**parts: Any) -> type[Runner]:
    """A runner with other parts."""
    return type("Mutant", (Runner,), parts)


def _machine(name: str, **parts: Any) -> type[Run]:
    return type(name, (Run,), parts)


def _training(name: str, **parts: Any) -> type[Run]:
    return type(name, (TrainingRun,), parts)


class FreshNames(SimulatedTraining):
    """Each CreateTrainingJob has a name of its own."""

    def launch(self, job: Job, placement: Placement) -> Handle:
        """By a name that was never used."""
        token = f"{placement.token}-{self.cloud.now}"
        return replace(super().launch(job, replace(placement, token=token)), placement=placement)


class NoPendingJobs(SimulatedTraining):
    """Takes a job that waits for its machine for one that is lost."""

    def poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        """Gone or begun."""
        statuses = super().poll(handles)
        return {n: replace(one, state="gone") if one.state == "pending" else one for n, one in statuses.items()}


@dataclass
class OneTrainingLook(SimulatedTraining):
    """Fetches only what the last look had seen in the store."""

    seen: set[str] = field(default_factory=set)

    def poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        """As it is."""
        statuses = super().poll(handles)
        self.seen |= {name for name, one in statuses.items() if one.done}
        return statuses

    def collect(self, handle: Handle) -> Outcome:
        """What was there by then."""
        if handle.instance_id in self.seen:
            return super().collect(handle)
        return Outcome("error: nothing was delivered", (), {}, "", whole=False)


MUTANTS: dict[str, tuple[type[Run], str]] = {
    "no token reuse": (_machine("NoToken", backend=FreshTokens), "instances of one attempt|USD spent"),
    "intent written late": (
        _machine("Late", runner=with_parts(launcher=LateIntent)),
        "the journal says gone|instances of one attempt",
    ),
    "zone drift on replay": (
        _machine("Drift", runner=with_parts(launcher=ZoneDrift)),
        "instances of one attempt|USD spent",
    ),
    "hasty absence": (_machine("Hasty", backend=HastyAbsence), "ended while their guests were well|USD counted"),
    "trusting terminate": (
        _machine("Trusting", runner=with_parts(follower=TrustingTerminate)),
        "the journal says gone|alive at the end|alive after the process|never delivered",
    ),
    "no second look at the store": (_machine("OneLooked", backend=OneLook), "never delivered"),
    "no dedupe": (_machine("Twice", find=staticmethod(never_found)), "delivered more than once"),
    "no cap": (_machine("Spender", runner=NoCap), "USD spent"),
    "training: no name reuse": (_training("NoName", backend=FreshNames), "instances of one attempt|USD spent"),
    "training: intent written late": (
        _training("LateTraining", runner=with_parts(launcher=LateIntent)),
        "the journal says gone|instances of one attempt",
    ),
    "training: pending is lost": (_training("NoPending", backend=NoPendingJobs), "ended while their guests were well"),
    "training: trusting stop": (
        _training("TrustingStop", runner=with_parts(follower=TrustingTerminate)),
        "the journal says gone|alive at the end|alive after the process|never delivered",
    ),
    "training: no second look at the store": (_training("OneTrainingLooked", backend=OneTrainingLook), "never deliv"),
    "training: no dedupe": (_training("TwiceTraining", find=staticmethod(never_found)), "delivered more than once"),
    "training: no cap": (_training("TrainingSpender", runner=NoCap), "USD spent"),
}
"""The machine with the bug, and what is to notice it."""
