"""Groups of machines as EC2 launches, shows and loses them, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from pytest_benchmark_aws.aws import ec2
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.core.errors import CapacityError
from pytest_benchmark_aws.core.model import GRACE_S
from pytest_benchmark_aws.guest.group.cluster import IN_ORDER
from tests.soak.machine import VISIBLE_S
from tests.soak.process import world_time
from tests.soak.simulated import BOOT_S, OFF_S, STOPPING_S, Cloud, Instance

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_benchmark_aws.backends.protocol import Placement
    from pytest_benchmark_aws.core.model import Job

NEVER = float("inf")
MACHINE_USD = Decimal(1)
"""An hour of one machine, whatever a client takes it for."""
SHOWN_AFTER_END_S = 3600.0
"""EC2 shows an instance for about an hour after its end (EC2 user guide, "Terminate an instance")."""


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
    boots: bool = True
    """Whether the next launches do, or cost until they are ended."""
    stillborn: int | None = None
    """Which machine of the next launches EC2 terminates in place of starting it (EC2 user guide, "Troubleshoot
    instance launch issues": Internal error on launch)."""
    asked: dict[str, float] = field(default_factory=dict)
    """Group -> when its end was asked for first."""
    asked_here: dict[str, float] = field(default_factory=dict)
    """The same by the process that is at it now."""
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
            group.looked, group.deaf = self.now, not self.boots
            for index in range(job.count):
                place = job.count - 1 - index if self.leader_last else index
                visible = self.now + min(VISIBLE_S, self.visible_after + place * self.gap)
                group.machines.append(Machine(f"{name}-{index}", index, visible))
                if index == self.stillborn:
                    group.machines[index].dies = self.now + 2.0
                    group.machines[index].reason = "Server.InternalError: Internal error on launch"
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
            if machines:
                self.asked.setdefault(group.instance_id, self.now)
                self.asked_here.setdefault(group.instance_id, self.now)
            for machine in ending:
                machine.ended, machine.reason = self.now, "Client.UserInitiatedShutdown: User initiated shutdown"
            if group.ended is None:
                group.look_over()

    def heal(self) -> None:
        """There is room, and all is shown at once."""
        super().heal()
        self.gap, self.boots, self.stillborn = 0.0, True, None
        self.room.clear()
