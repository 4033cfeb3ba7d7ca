"""Groups of machines as EC2 launches, shows and loses them, in numbers, and the machine over them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from pytest_benchmark_aws.aws import ec2
from pytest_benchmark_aws.backends.ec2.errors import cause_of
from pytest_benchmark_aws.backends.ec2.groups import Groups
from pytest_benchmark_aws.backends.ec2.limits import FORGOTTEN_S
from pytest_benchmark_aws.backends.ec2.sightings import Sightings
from pytest_benchmark_aws.backends.protocol import Handle, Placement, State, Status
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.core.errors import CapacityError
from pytest_benchmark_aws.core.model import GRACE_S, Price
from pytest_benchmark_aws.guest.group.cluster import IN_ORDER
from tests.soak.machine import DELAYS, INSTANCES, JOBS, VISIBLE_S, Run
from tests.soak.process import world_time
from tests.soak.simulated import (
    BOOT_S,
    LOST_LAUNCH,
    LOST_TERMINATE,
    OFF_S,
    STOPPING_S,
    ZONES,
    Cloud,
    Instance,
    SimulatedBackend,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, tzinfo

    from pytest_benchmark_aws.core.model import Job

NEVER = float("inf")
MACHINE_USD = Decimal(1)
"""An hour of one machine, whatever a client takes it for."""
SHOWN_AFTER_END_S = 3600.0
"""EC2 shows an instance for about an hour after its end (EC2 user guide, "Terminate an instance")."""
MACHINES = st.integers(0, 2)
ROOM = "pytest_benchmark_aws.backends.ec2"


@dataclass
class Machine:
    """One of a group's machines."""

    instance_id: str
    index: int
    visible: float
    dies: float = NEVER
    reason: str = ""
    deaf: bool = False
    """It never booted, so that nothing in it powers it off."""
    fails: float = NEVER
    """When its worker ends otherwise than by the cluster's end, so that it says so and powers itself off."""
    said: str = ""
    """What it put into the store of how it ended; of those that do not lead."""
    ended: float | None = None

    def state(self, launched: float, now: float) -> str:
        """In EC2's words."""
        if self.ended is not None:
            return "terminated" if now >= self.ended + STOPPING_S else "shutting-down"
        return "running" if now >= launched + BOOT_S else "pending"


@dataclass
class Group(Instance):
    """One launch of several machines, the first of which leads; ``dies`` is of all at once."""

    machines: list[Machine] = field(default_factory=list)
    looked: float = 0.0
    """Until when it has lived."""

    def advance(self, now: float) -> None:
        """Lives on until now."""
        if self.ended is not None:
            return
        leader, *others = self.machines
        due = NEVER if self.due is None or self._deaf(leader) else self.due
        delivers = due <= self._end(leader, now)
        self._live(leader, min(self._end(leader, now), due + OFF_S), now)
        if self.result is None and delivers and due <= now:
            self.result = self.outcome
        for machine in others:
            end = self._end(machine, now)
            closed = max(due, self.looked) if delivers else NEVER
            if not machine.said and not self._deaf(machine) and machine.ended is None:
                if machine.fails <= min(end, now, closed):
                    machine.said = "error: its worker ended with exit code 1"
                elif closed <= min(end, now):
                    machine.said = IN_ORDER
            self._live(machine, min(end, NEVER if self._deaf(machine) else min(machine.fails, closed) + OFF_S), now)
        self.looked = now
        self.look_over()

    def _deaf(self, machine: Machine) -> bool:
        return self.deaf or machine.deaf

    def _end(self, machine: Machine, now: float) -> float:
        """When it ends, whatever its tests do."""
        if machine.ended is not None:
            return machine.ended
        off = NEVER if self._deaf(machine) else self.launched + self.job.time_limit_s + GRACE_S / 2
        return min(off, self.dies, machine.dies)

    def _live(self, machine: Machine, end: float, now: float) -> None:
        if machine.ended is None and end <= now:
            machine.ended = end
            if self.dies <= end:
                machine.reason = self.reason
            elif machine.dies > end:
                machine.reason = "Client.InstanceInitiatedShutdown: Instance initiated shutdown"

    def look_over(self) -> None:
        """It is over when all of its machines are."""
        ends = [machine.ended for machine in self.machines if machine.ended is not None]
        if len(ends) == len(self.machines):
            self.ended = max(ends)

    @property
    def well(self) -> bool:
        """Whether nothing of it has failed yet."""
        failed = any(one.ended is not None or one.said not in {"", IN_ORDER} for one in self.machines)
        return self.result is None and not failed and not any(map(self._deaf, self.machines))

    def usd(self, now: float) -> Decimal:
        """Billed so far, each machine by itself."""
        total = Decimal(0)
        for machine in self.machines:
            until = now if machine.ended is None else machine.ended
            deaf = self._deaf(machine)
            until = min(until, self.deadline) if deaf else until
            total += usd(MACHINE_USD, max(60.0, until - self.launched - (0.0 if deaf else BOOT_S)))
        return total

    def described(self, now: float) -> list[ec2.Instance]:
        """Its machines that DescribeInstances shows, each with its tags."""
        return [
            ec2.Instance(
                instance_id=machine.instance_id,
                state=machine.state(self.launched, now),
                reason=machine.reason if machine.ended is not None else "",
                zone=self.placement.zone,
                job=self.job.name,
                attempt=self.placement.attempt,
                token=self.placement.token,
                launched=world_time(self.launched),
                deadline=world_time(self.deadline),
                usd_per_hour=self.job.price.usd_per_hour / self.job.count,
                reservation=self.instance_id,
                count=self.job.count,
                index=machine.index,
            )
            for machine in self.machines
            if machine.visible <= now and (machine.ended is None or now < machine.ended + SHOWN_AFTER_END_S)
        ]


@dataclass
class GroupCloud(Cloud):
    """The account's groups."""

    kind: ClassVar[type[Instance]] = Group
    prefix: ClassVar[str] = "r"
    gap: float = 0.0
    """Seconds between two machines of a group that EC2 shows one after the other."""
    leader_last: bool = False
    room: dict[str, int] = field(default_factory=dict)
    """Zone -> machines that it has capacity for, where that is not any number."""

    def run_instance(self, job: Job, placement: Placement) -> str:
        """All machines or none, as MinCount is MaxCount."""
        if placement.token not in self.tokens and self.room.get(placement.zone, job.count) < job.count:
            raise CapacityError("InsufficientInstanceCapacity")
        before = len(self.instances)
        name = super().run_instance(job, placement)
        group = self.instances[name]
        if len(self.instances) > before:
            assert isinstance(group, Group)
            group.looked = self.now
            for index in range(job.count):
                place = job.count - 1 - index if self.leader_last else index
                visible = self.now + min(VISIBLE_S, self.visible_after + place * self.gap)
                group.machines.append(Machine(f"{name}-{index}", index, visible))
            group.visible = max(machine.visible for machine in group.machines)
        return name

    def groups(self) -> list[Group]:
        """All that ever were."""
        return [one for one in self.instances.values() if isinstance(one, Group)]

    def described(self) -> list[ec2.Instance]:
        """What DescribeInstances shows."""
        return [machine for group in self.groups() for machine in group.described(self.now)]

    def terminate(self, instance_ids: Iterable[str]) -> None:
        """Ends those machines that EC2 shows; of others it says NotFound."""
        asked = set(instance_ids)
        for group in self.groups():
            machines = [one for one in group.machines if one.instance_id in asked]
            ending = [one for one in machines if one.ended is None and one.visible <= self.now]
            if ending and group.well and self.now < group.launched + group.job.time_limit_s:
                self.cut.append(group.instance_id)
            for machine in ending:
                machine.ended, machine.reason = self.now, "Client.UserInitiatedShutdown: User initiated shutdown"
            if group.ended is None:
                group.look_over()

    def heal(self) -> None:
        """There is room, and all is shown at once."""
        super().heal()
        self.gap = 0.0
        self.room.clear()


@dataclass
class SimulatedGroups(SimulatedBackend):
    """The runner's view of groups, as ``Ec2Backend`` has it, by the real ``Groups`` and ``Sightings``."""

    groups_kind: ClassVar[type[Groups]] = Groups
    groups: Groups = field(init=False)
    sightings: Sightings = field(default_factory=Sightings)

    def __post_init__(self) -> None:
        self.groups = self.groups_kind()

    def launch(self, job: Job, placement: Placement) -> Handle:
        """By its token."""
        reservation = self._call(lambda: self.cloud.run_instance(job, placement), LOST_LAUNCH)
        ids = tuple(machine.instance_id for machine in self._group(reservation).machines)
        name = self.groups.name(job, reservation, ids)
        self.sightings.launch(name)
        return Handle(job, name, placement)

    def _group(self, name: str) -> Group:
        group = self.cloud.instances[name]
        assert isinstance(group, Group)
        return group

    def _look(self) -> dict[str, ec2.Instance]:
        assert isinstance(self.cloud, GroupCloud)
        return self.sightings.look(self.groups.look(self.cloud.described()))

    def _poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        launches = self._look()
        return {one.instance_id: self._status(one.instance_id, launches.get(one.instance_id)) for one in handles}

    def _status(self, name: str, launch: ec2.Instance | None) -> Status:
        group, now = self._group(name), world_time(self.cloud.now)
        done = group.result is not None
        if launch is None:
            if self.cloud.now - group.launched > FORGOTTEN_S:
                self.sightings.is_not_shown(name)
            return Status("gone" if name in self.sightings.over else "unknown", done=done)
        states: dict[str, State] = {"pending": "pending", "running": "running"}
        state = states.get(launch.state, "gone")
        status = Status(state, launch.reason, cause_of(launch.reason), done=done, age_s=launch.age_s(now))
        outcomes = {one.index: one.said for one in group.machines if one.said}
        loss = self.groups.members[name].loss(now, outcomes)
        return status if loss is None else replace(status, state="gone", reason=loss.reason, cause=loss.cause)

    def terminate(self, instance_ids: Sequence[str]) -> None:
        """Asks for it; of one that is not shown yet at a later look, too."""
        names = self.sightings.follow(instance_ids)

        def ask() -> None:
            if not all(map(self.sightings.can_be_asked_for, names)):
                self._look()
            asked = [name for name in names if self.sightings.can_be_asked_for(name)]
            self.cloud.terminate(self.groups.instance_ids(asked))

        self._call(ask, LOST_TERMINATE)

    def _alive(self) -> list[str]:
        self._look()
        return self.sightings.alive()


@dataclass(frozen=True)
class CloudTime:
    """The cloud's time in place of ``datetime`` and of ``time``."""

    cloud: Cloud

    def now(self, _: tzinfo) -> datetime:
        """As ``datetime.now`` has it."""
        return world_time(self.cloud.now)

    def monotonic(self) -> float:
        """As ``time.monotonic`` has it."""
        return self.cloud.now


def as_group(job: Job, count: int) -> Job:
    """The same of so many machines."""
    target = replace(job.target, count=count)
    cases = tuple(replace(case, target=target) for case in job.cases)
    return replace(job, target=target, cases=cases, price=Price(MACHINE_USD * count, "soak"))


class GroupRun(Run):
    """A run of groups: machines of theirs die, fail, are shown late or power off by themselves."""

    backend: ClassVar[type[SimulatedBackend]] = SimulatedGroups
    cloud_kind: ClassVar[type[Cloud]] = GroupCloud
    all_jobs: ClassVar[tuple[Job, ...]] = tuple(map(as_group, JOBS, (3, 2, 2)))

    def __init__(self) -> None:
        super().__init__()
        self.patch.setattr(f"{ROOM}.groups.datetime", CloudTime(self.cloud))
        self.patch.setattr(f"{ROOM}.sightings.time", CloudTime(self.cloud))

    @property
    def _cloud(self) -> GroupCloud:
        assert isinstance(self.cloud, GroupCloud)
        return self.cloud

    def _machine(self, number: int, index: int) -> Machine | None:
        """One that is alive, of a group that is alive."""
        group: Any = self._alive(number)
        machines = [one for one in group.machines if one.ended is None] if group is not None else []
        return machines[index % len(machines)] if machines else None

    @initialize(gap=st.sampled_from([0.0, 25.0, 45.0]), leader_last=st.booleans())
    def shown_one_by_one(self, gap: float, leader_last: bool) -> None:
        """How EC2 shows the machines of a group."""
        self._cloud.gap, self._cloud.leader_last = gap, leader_last

    @rule(gap=st.sampled_from([0.0, 25.0, 45.0]), leader_last=st.booleans())
    def shown_otherwise(self, gap: float, leader_last: bool) -> None:
        """Those of the next groups sooner or later."""
        self._cloud.gap, self._cloud.leader_last = gap, leader_last

    @rule(zone=st.sampled_from(ZONES), machines=st.integers(1, 3))
    def few_left(self, zone: str, machines: int) -> None:
        """A zone has capacity for some of a group's machines."""
        self._cloud.room[zone] = machines

    @rule(number=INSTANCES, index=MACHINES, delay=DELAYS)
    def machine_dies(self, number: int, index: int, delay: float) -> None:
        """Its host breaks, and the others' do not."""
        if machine := self._machine(number, index):
            machine.dies, machine.reason = self.cloud.now + delay, "Server.InternalError: it died"

    @rule(number=INSTANCES, index=MACHINES, delay=DELAYS)
    def machine_powers_off(self, number: int, index: int, delay: float) -> None:
        """By itself, and says nothing: its system shuts down."""
        if machine := self._machine(number, index):
            machine.dies = self.cloud.now + delay
            machine.reason = "Client.InstanceInitiatedShutdown: Instance initiated shutdown"

    @rule(number=INSTANCES, index=MACHINES, delay=DELAYS)
    def worker_fails(self, number: int, index: int, delay: float) -> None:
        """It says so, and powers itself off."""
        if machine := self._machine(number, index):
            machine.fails = self.cloud.now + delay

    @rule(number=INSTANCES, index=MACHINES)
    def machine_never_boots(self, number: int, index: int) -> None:
        """Nothing in it powers it off."""
        if (machine := self._machine(number, index)) and not machine.said:
            machine.deaf = True

    def _reap(self) -> None:
        """As ``reap`` does it: machine by machine, by their tags."""
        self.cloud.heal()
        empty_since = self.cloud.now
        while self.cloud.now - empty_since <= VISIBLE_S:
            alive = [machine.instance_id for machine in self._cloud.described() if machine.alive]
            self.cloud.terminate(alive)
            self.cloud.advance(5.0)
            empty_since = self.cloud.now if alive else empty_since
