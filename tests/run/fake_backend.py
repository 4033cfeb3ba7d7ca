"""A place where jobs run that is made of lists, and a clock that somebody has to move."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.backends.protocol import Handle, Outcome, Placement, Quota, Status
from pytest_benchmark_aws.backends.registry import Backends
from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.errors import CapacityError
from pytest_benchmark_aws.core.model import Case, Job, Price, Requirements, Target
from pytest_benchmark_aws.run.journal import Journal, read
from pytest_benchmark_aws.run.ledger import Limits, Watcher
from pytest_benchmark_aws.run.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pytest_benchmark_aws.backends.protocol import Backend
    from pytest_benchmark_aws.core.model import Market
    from pytest_benchmark_aws.run.ledger import Clock, Progress

POLL_S = 5.0
LIMIT_S = 3600
TYPES = ("m5.large", "m5.xlarge", "m5.2xlarge", "m5.4xlarge", "m5.8xlarge")


@dataclass
class FakeClock:
    """Time that passes when somebody sleeps."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def make_job(name: str = "m5.large", launch: int = 1, price: str = "1", market: Market = "on-demand") -> Job:
    target = Target(name, market, launch)
    case = Case(f"t[{target}]", "t", target, Requirements())
    return Job(target, catalog().types[name], (case,), Price(Decimal(price), "test"), LIMIT_S)


def make_jobs(count: int, **kwargs: Any) -> list[Job]:
    return [make_job(launch=number, **kwargs) for number in range(1, count + 1)]


def vcpus_of(job: Job, limit: int | None) -> Quota | None:
    return None if limit is None else Quota("instances", job.instance_type.vcpus or 0, limit, "vCPUs")


def make_runner(
    backend: Backend,
    journal: Journal,
    clock: Clock,
    *,
    poll_s: float = POLL_S,
    max_parallel: int = 8,
    max_usd: Decimal = Decimal(1000),
    spot_fallback: bool = False,
    watch: Callable[[Sequence[Progress]], object] = lambda _: None,
    **watcher: Any,
) -> Runner:
    """A runner of one backend, with much of everything; ``watcher`` has what a Watcher may say."""
    limits = Limits(max_parallel, max_usd, spot_fallback)
    return Runner(Backends({"": backend}), journal, clock, limits, poll_s, Watcher(watch, **watcher))


@dataclass
class FakeBackend:
    """A place whose instances deliver after ``seconds`` by job name (None: never), in zones with room or without."""

    clock: FakeClock
    journal: Path
    seconds: dict[str, float | None] = field(default_factory=dict)
    zones: tuple[str, ...] = ("a", "b", "c")
    has_room: Callable[[FakeBackend, Job, Placement], bool] = lambda *_: True
    outcome: str = "passed"
    immortal: bool = False
    hook: Callable[[str], Any] = lambda _: None
    """Called with the name of each method; may raise."""
    states: dict[str, str] = field(default_factory=dict)
    up: dict[str, tuple[Handle, float]] = field(default_factory=dict)
    launched: list[Handle] = field(default_factory=list)
    refused: list[Placement] = field(default_factory=list)
    terminated: list[str] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)
    """Those that had delivered before they were ended."""
    most_vcpus: int = 0
    vcpu_quota: int | None = None

    noun = "instance"
    least_billed_s = 60.0

    def quota(self, job: Job) -> Quota | None:
        return vcpus_of(job, self.vcpu_quota)

    def placements(self, job: Job, attempt: int) -> list[Placement]:
        if not self.zones:
            raise CapacityError(f"{job.instance_type.name} is offered in no zone of the subnets")
        return [Placement(f"{job.name}/{zone}/{attempt}", zone, f"subnet-{zone}", attempt) for zone in self.zones]

    def launch(self, job: Job, placement: Placement) -> Handle:
        last = read(self.journal)[-1]
        assert (last["kind"], last["token"]) == ("intent", placement.token)
        self.hook("launch")
        if not self.has_room(self, job, placement):
            self.refused.append(placement)
            raise CapacityError("no room")
        handle = Handle(job, f"i-{len(self.launched)}", placement)
        self.launched.append(handle)
        self.up[handle.instance_id] = (handle, self.clock.now)
        self.most_vcpus = max(self.most_vcpus, sum(one.job.instance_type.vcpus or 0 for one, _ in self.up.values()))
        return handle

    def _delivered(self, handle: Handle) -> bool:
        wanted = self.seconds.get(handle.job.name, 100.0)
        if handle.instance_id not in self.up:
            return handle.instance_id in self.kept
        return wanted is not None and self.clock.now - self.up[handle.instance_id][1] >= wanted

    def poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        self.hook("poll")
        return {
            one.instance_id: Status(self.states.get(one.job.name, "running"), done=self._delivered(one))  # type: ignore[arg-type]
            for one in handles
        }

    def collect(self, handle: Handle) -> Outcome:
        self.hook("collect")
        whole = self._delivered(handle)
        return Outcome(self.outcome if whole else "error: cut", ({"kind": "session"},), {}, "log", whole=whole)

    def terminate(self, instance_ids: Sequence[str]) -> None:
        self.terminated += instance_ids
        self.hook("terminate")
        for one in instance_ids:
            if not self.immortal and one in self.up:
                if self._delivered(self.up[one][0]):
                    self.kept.add(one)
                self.up.pop(one)

    def alive(self) -> list[str]:
        return list(self.up)


@dataclass
class World:
    """A run in a folder, with all that it talks to."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.journal = Journal.open(self.folder)
        self.backend = FakeBackend(self.clock, self.journal.path)

    def runner(self, *, vcpu_quota: int | None = None, **options: Any) -> Runner:
        self.backend.vcpu_quota = vcpu_quota
        return make_runner(self.backend, self.journal, self.clock, **options)

    def kinds(self) -> list[str]:
        return [line["kind"] for line in read(self.journal.path)]

    def all_ended(self) -> bool:
        return {one.instance_id for one in self.backend.launched} == set(self.backend.terminated)


@contextmanager
def opened(folder: str | Path) -> Iterator[World]:
    """A run's world, whose journal is closed at the end."""
    from pathlib import Path

    made = World(Path(folder))
    try:
        yield made
    finally:
        made.journal.close()
