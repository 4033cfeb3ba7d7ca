"""A group of machines as the runner meets it, by what the product makes of EC2's looks, and the machine over groups."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from pytest_benchmark_aws.backends.ec2.errors import cause_of
from pytest_benchmark_aws.backends.ec2.groups import Groups
from pytest_benchmark_aws.backends.ec2.limits import FORGOTTEN_S
from pytest_benchmark_aws.backends.ec2.sightings import Sightings
from pytest_benchmark_aws.backends.protocol import Handle, Placement, State, Status
from pytest_benchmark_aws.core.model import Price
from tests.soak.group_cloud import MACHINE_USD, NEVER, Group, GroupCloud, Machine
from tests.soak.machine import DELAYS, INSTANCES, JOBS, VISIBLE_S, Run
from tests.soak.process import world_time
from tests.soak.simulated import LOST_LAUNCH, LOST_TERMINATE, ZONES, Cloud, SimulatedBackend

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo

    from pytest_benchmark_aws.aws import ec2
    from pytest_benchmark_aws.core.model import Job
    from tests.soak.process import Process

MACHINES = st.integers(0, 2)
STILLBORN = st.sampled_from([None, None, 0, 1])
GAPS = st.sampled_from([0.0, 25.0, 45.0, 60.0])
ROOM = "pytest_benchmark_aws.backends.ec2"


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
        self.looked = 0.0
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

    @initialize(gap=GAPS, leader_last=st.booleans(), boots=st.booleans(), stillborn=STILLBORN)
    def launches(self, gap: float, leader_last: bool, boots: bool, stillborn: int | None) -> None:
        """How EC2 shows the machines of the next groups, and whether these begin at all."""
        cloud = self._cloud
        cloud.gap, cloud.leader_last, cloud.boots, cloud.stillborn = gap, leader_last, boots, stillborn

    @rule(gap=GAPS, leader_last=st.booleans(), boots=st.booleans(), stillborn=STILLBORN)
    def launches_change(self, gap: float, leader_last: bool, boots: bool, stillborn: int | None) -> None:
        """Those after them otherwise."""
        self.launches(gap, leader_last, boots, stillborn)

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

    def _all_is_delivered(self, among: set[str]) -> None:
        """What a lost group's leader delivers that EC2 had not shown, so that its end was not heard, comes too late."""
        attempts = {(group.job.name, group.placement.attempt) for group in self._cloud.groups()}
        late = {
            group.instance_id
            for group in self._cloud.groups()
            if (group.job.name, group.placement.attempt + 1) in attempts  # its cases ran again, whole
            and group.due is not None
            and self._cloud.asked.get(group.instance_id, NEVER) <= group.due
        }
        super()._all_is_delivered(among - late)

    def _reap(self) -> None:
        """As ``reap`` does it: machine by machine, by their tags."""
        self.cloud.heal()
        empty_since = self.cloud.now
        while self.cloud.now - empty_since <= VISIBLE_S:
            alive = [machine.instance_id for machine in self._cloud.described() if machine.alive]
            self.cloud.terminate(alive)
            self.cloud.advance(5.0)
            empty_since = self.cloud.now if alive else empty_since

    def _body(self, process: Process) -> None:
        self._cloud.asked_here.clear()
        super()._body(process)

    def _ending(self, before: float) -> list[Group]:
        """Groups whose end was asked for before then.

        A process that goes on follows one that did not hear of it when another process asked, as it is whole.
        """
        asked, asked_here = self._cloud.asked, self._cloud.asked_here
        return [
            group
            for group in self._cloud.groups()
            if asked_here.get(group.instance_id, NEVER) < before
            or (asked.get(group.instance_id, NEVER) < before and any(one.ended is not None for one in group.machines))
        ]

    def _nothing_is_overdue(self, process: Process) -> None:
        """Nor is anything alive of a group whose end was asked for, and that EC2 has shown, before the look before."""
        before, self.looked, missed = self.looked, self.cloud.now, self.cloud.missed
        super()._nothing_is_overdue(process)
        if not process.steps.dead and not missed:
            ending = self._ending(before)
            late = [machine for group in ending for machine in group.machines if machine.ended is None]
            late = [machine for machine in late if machine.visible < before]
            assert not late, f"alive after the end of its group, at {self.cloud.now}: {late}"
