"""Places where jobs run, with faults that a test injects, and a clock that somebody has to move."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.backends.protocol import Handle, Outcome, Placement, Quota, Status
from pytest_benchmark_aws.backends.registry import Backends
from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.errors import CapacityError
from pytest_benchmark_aws.core.model import Case, Job, Price, Requirements, Target
from pytest_benchmark_aws.run.journal import Journal, read
from pytest_benchmark_aws.run.ledger import Limits, Watcher
from pytest_benchmark_aws.run.runner import Runner
from tests.run.process_backend import ProcessBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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
class ListBackend:
    """A place that is made of lists."""

    folder: Path
    zones: tuple[str, ...] = ("a", "b", "c")
    handles: dict[str, Handle] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    noun = "instance"
    least_billed_s = 60.0

    def placements(self, job: Job, attempt: int) -> list[Placement]:
        return [Placement(f"{job.name}/{zone}/{attempt}", zone, f"subnet-{zone}", attempt) for zone in self.zones]

    def launch(self, job: Job, placement: Placement) -> Handle:
        for earlier in self.handles.values():
            if earlier.placement.token == placement.token:
                return earlier
        handle = Handle(job, f"i-{len(self.handles)}", placement)
        self.handles[handle.instance_id] = handle
        return handle

    def deliver(self, instance_id: str, outcome: str) -> None:
        """Lets a guest deliver."""
        self.results[instance_id] = outcome

    def poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        return {
            handle.instance_id: Status(
                "gone" if handle.instance_id in self.ended else "running", done=handle.instance_id in self.results
            )
            for handle in handles
        }

    def log(self, _: Handle) -> str:
        return "log"

    def collect(self, handle: Handle) -> Outcome:
        result = self.results.get(handle.instance_id)
        return Outcome(result or "error: cut", ({"kind": "session"},), {}, "log", whole=result is not None)

    def billed_s(self, _: Handle) -> float | None:
        return None

    def terminate(self, instance_ids: Sequence[str]) -> None:
        self.ended |= set(instance_ids)

    def alive(self) -> list[str]:
        return [instance_id for instance_id in self.handles if instance_id not in self.ended]

    def close(self) -> None:
        """Nothing is left."""


PLACES: dict[str, type[ListBackend | ProcessBackend]] = {"lists": ListBackend, "processes": ProcessBackend}


@dataclass
class FaultyBackend:
    """A place whose guests deliver after ``seconds`` by job name (None: never), in zones with room or without."""

    place: ListBackend | ProcessBackend
    clock: FakeClock
    journal: Path
    seconds: dict[str, float | None] = field(default_factory=dict)
    has_room: Callable[[FaultyBackend, Job, Placement], bool] = lambda *_: True
    outcome: str = "passed"
    immortal: bool = False
    hook: Callable[[str], Any] = lambda _: None
    """Called with the name of each method; may raise."""
    states: dict[str, str] = field(default_factory=dict)
    """Job -> what a look says of it, whatever it is."""
    launched: list[Handle] = field(default_factory=list)
    refused: list[Placement] = field(default_factory=list)
    terminated: list[str] = field(default_factory=list)
    polled: list[list[str]] = field(default_factory=list)
    """Ids of each look."""
    most_vcpus: int = 0
    vcpu_quota: int | None = None
    billed: dict[str, float] = field(default_factory=dict)
    """Id -> seconds that the place says were billed."""
    _started: dict[str, float] = field(default_factory=dict)
    _delivered: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.noun, self.least_billed_s = self.place.noun, self.place.least_billed_s

    @property
    def up(self) -> dict[str, Handle]:
        """What is alive, by id."""
        return {instance_id: self.place.handles[instance_id] for instance_id in self.place.alive()}

    def quota(self, job: Job) -> Quota | None:
        limit = self.vcpu_quota
        return None if limit is None else Quota("instances", job.instance_type.vcpus or 0, limit, "vCPUs")

    def placements(self, job: Job, attempt: int) -> list[Placement]:
        placements = self.place.placements(job, attempt)
        if not placements:
            raise CapacityError(f"{job.instance_type.name} is offered in no zone of the subnets")
        return placements

    def launch(self, job: Job, placement: Placement) -> Handle:
        last = read(self.journal)[-1]
        assert (last["kind"], last["token"]) == ("intent", placement.token)
        self.hook("launch")
        if not self.has_room(self, job, placement):
            self.refused.append(placement)
            raise CapacityError("no room")
        handle = self.place.launch(job, placement)
        self.launched.append(handle)
        self._started[handle.instance_id] = self.clock.now
        self.most_vcpus = max(self.most_vcpus, sum(up.job.instance_type.vcpus or 0 for up in self.up.values()))
        return handle

    def _guests_work(self) -> None:
        """Each that is alive delivers when it is due by the clock."""
        for instance_id, handle in self.up.items():
            due = self.seconds.get(handle.job.name, 100.0)
            age = self.clock.now - self._started.get(instance_id, 0.0)
            if due is not None and age >= due and instance_id not in self._delivered:
                self._delivered.add(instance_id)
                self.place.deliver(instance_id, self.outcome)

    def poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        self.hook("poll")
        self._guests_work()
        self.polled.append([handle.instance_id for handle in handles])
        statuses = self.place.poll(handles)
        for handle in handles:
            if handle.job.name in self.states:
                injected: Any = self.states[handle.job.name]
                statuses[handle.instance_id] = replace(statuses[handle.instance_id], state=injected, reason="")
        return statuses

    def log(self, handle: Handle) -> str:
        return self.place.log(handle)

    def collect(self, handle: Handle) -> Outcome:
        self.hook("collect")
        self._guests_work()
        return self.place.collect(handle)

    def billed_s(self, handle: Handle) -> float | None:
        self.hook("billed")
        return self.billed.get(handle.instance_id)

    def terminate(self, instance_ids: Sequence[str]) -> None:
        self._guests_work()
        self.terminated += instance_ids
        self.hook("terminate")
        if not self.immortal:
            self.place.terminate(instance_ids)

    def alive(self) -> list[str]:
        return self.place.alive()


@dataclass
class World:
    """A run in a folder, with all that it talks to."""

    folder: Path
    place: str = "lists"
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.journal = Journal.open(self.folder)
        self.backend = FaultyBackend(PLACES[self.place](self.folder), self.clock, self.journal.path)

    def runner(self, *, vcpu_quota: int | None = None, **options: Any) -> Runner:
        self.backend.vcpu_quota = vcpu_quota
        return make_runner(self.backend, self.journal, self.clock, **options)

    def kinds(self) -> list[str]:
        return [line["kind"] for line in read(self.journal.path)]

    def all_ended(self) -> bool:
        return {handle.instance_id for handle in self.backend.launched} == set(self.backend.terminated)


@contextmanager
def opened(folder: str | Path, place: str) -> Iterator[World]:
    """A run's world, whose journal is closed at the end."""
    world = World(Path(folder), place)
    try:
        yield world
    finally:
        world.backend.place.close()
        world.journal.close()
