"""SageMaker as the runner meets it, in numbers, and the machine over it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from pytest_benchmark_aws.backends.protocol import Handle, Placement, State, Status
from pytest_benchmark_aws.backends.sagemaker.errors import cause_of
from pytest_benchmark_aws.backends.sagemaker.limits import SHOWN_S, START_S, STOP_S, UPLOAD_S
from pytest_benchmark_aws.backends.sagemaker.request import most_runtime_s
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.core.model import GRACE_S
from tests.soak.group_cloud import MACHINE_USD
from tests.soak.groups import as_group
from tests.soak.machine import JOBS, Run
from tests.soak.simulated import LOST_TERMINATE, Cloud, Instance, SimulatedBackend, token_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from pytest_benchmark_aws.core.model import Job

NEVER = float("inf")


@dataclass
class TrainingJob(Instance):
    """One training job and its container; ``deaf``: nothing in it hears SIGTERM."""

    starts_after: float = 20.0
    """Seconds from its creation until it is billed; infinite: it never gets a machine."""
    told: float = NEVER
    """When StopTrainingJob came."""

    @property
    def deadline(self) -> float:
        """When it must be gone, as its tag says, but for what stopping takes."""
        return self.launched + self.job.longest_s + STOP_S + UPLOAD_S

    @property
    def started(self) -> float:
        """When it was billed first."""
        return self.launched + self.starts_after

    def advance(self, now: float) -> None:
        """Lives on until now."""
        if self.ended is not None:
            return
        due = NEVER if self.due is None else max(self.due, self.started)
        told = min(self.told, self.started + most_runtime_s(self.job))
        patience = 0.0 if told < self.started else STOP_S if self.deaf else 5.0
        end = min(told + patience, max(self.dies, self.started), due + UPLOAD_S)
        if self.result is None and due <= min(told, end, now):
            self.result = self.outcome
        if end <= now:
            self.ended = end

    def state(self, now: float) -> State:
        """As DescribeTrainingJob tells it."""
        if self.ended is not None:
            return "gone"
        return "running" if now >= self.started else "pending"

    def billed_s(self, now: float) -> float:
        """From its start on."""
        return max(0.0, (now if self.ended is None else self.ended) - self.started)

    def usd(self, now: float) -> Decimal:
        """Billed so far, each of its instances, whatever a client takes the price for."""
        return usd(MACHINE_USD * self.job.count, self.billed_s(now))


@dataclass
class SageMaker(Cloud):
    """The account's training jobs."""

    kind: ClassVar[type[Instance]] = TrainingJob
    starts_after: float = 20.0

    def run_instance(self, job: Job, placement: Placement) -> str:
        """One job of a name, whenever and however often it is created; a lack of capacity fails it later."""
        before = set(self.instances)
        name = super().run_instance(job, placement)
        made = self.instances[name]
        if name not in before and isinstance(made, TrainingJob):
            made.starts_after = self.starts_after
        return name

    def terminate(self, instance_ids: Iterable[str]) -> None:
        """Stops them, which takes a while; one that is over is no error."""
        for name in instance_ids:
            one = self.instances[name]
            assert isinstance(one, TrainingJob)
            if one.ended is None and one.told == NEVER:
                if one.result is None and not one.deaf and self.now < one.launched + one.job.time_limit_s:
                    self.cut.append(name)
                one.told = self.now

    def heal(self) -> None:
        """What waits for a machine gets one."""
        super().heal()
        self.starts_after = 20.0


@dataclass
class SimulatedTraining(SimulatedBackend):
    """The runner's view of SageMaker, as ``SageMakerBackend`` has it."""

    heard: dict[str, float] = field(default_factory=dict)
    noun = "training job"
    least_billed_s = 1.0

    def placements(self, job: Job, attempt: int) -> list[Placement]:
        """One."""
        return [Placement(token_of(job, "sagemaker", attempt), "region", "sagemaker", attempt)]

    def launch(self, job: Job, placement: Placement) -> Handle:
        """By its name."""
        handle = super().launch(job, placement)
        self.heard.setdefault(handle.instance_id, self.cloud.now)
        return handle

    def _poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        statuses = {}
        for handle in handles:
            one = self.cloud.instances[handle.instance_id]
            gone, age_s = one.ended is not None, self.cloud.now - one.launched
            cause = cause_of(one.reason) if gone else ""
            statuses[handle.instance_id] = Status(
                one.state(self.cloud.now), one.reason, cause, done=one.result is not None, age_s=age_s
            )
        return statuses

    def billed_s(self, handle: Handle) -> float | None:
        """BillableTimeInSeconds."""
        one = self.cloud.instances[handle.instance_id]
        assert isinstance(one, TrainingJob)
        return self._call(lambda: one.billed_s(self.cloud.now) if one.ended is not None else None)

    def terminate(self, instance_ids: Sequence[str]) -> None:
        """Asks for it."""
        for name in instance_ids:
            self.heard.setdefault(name, self.cloud.now)
        self._call(lambda: self.cloud.terminate(instance_ids), LOST_TERMINATE)

    def _alive(self) -> list[str]:
        """The listing, and by their names those that it does not show."""
        listed = {one.instance_id: one.ended is None for one in self.cloud.shown()}
        for name, at in self.heard.items():
            if name not in listed:
                one = self.cloud.instances.get(name)
                listed[name] = self.cloud.now - at < SHOWN_S if one is None else one.ended is None
        return [name for name, alive in listed.items() if alive]


class TrainingRun(Run):
    """A run of training jobs alone: they start late or never, end slowly, and are told what they were billed."""

    backend: ClassVar[type[SimulatedBackend]] = SimulatedTraining
    cloud_kind: ClassVar[type[Cloud]] = SageMaker
    all_jobs: ClassVar[tuple[Job, ...]] = tuple(replace(job, grace_s=GRACE_S + START_S) for job in JOBS)

    @initialize(seconds=st.sampled_from([20.0, 300.0]))
    def queue(self, seconds: float) -> None:
        """How long a job waits for its machine."""
        assert isinstance(self.cloud, SageMaker)
        self.cloud.starts_after = seconds

    @rule(seconds=st.sampled_from([20.0, 900.0, 5000.0, NEVER]))
    def queue_changes(self, seconds: float) -> None:
        """The next jobs wait longer, or for ever."""
        assert isinstance(self.cloud, SageMaker)
        self.cloud.starts_after = seconds


class TrainingGroupRun(TrainingRun):
    """The same of jobs of several instances each, which SageMaker starts, fails, stops and bills as one."""

    all_jobs: ClassVar[tuple[Job, ...]] = tuple(map(as_group, TrainingRun.all_jobs, (3, 2, 2)))
