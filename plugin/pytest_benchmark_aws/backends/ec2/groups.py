"""Groups of instances that one RunInstances launched, as one launch: named by their reservation, alive as long as any.

The tag ``count`` says how many belong together, so that one that EC2 does not show yet is missed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pytest_benchmark_aws.backends.ec2 import errors
from pytest_benchmark_aws.backends.ec2.limits import FORGOTTEN_S, SHOWN_S
from pytest_benchmark_aws.backends.results import failed_member

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_benchmark_aws.aws.ec2 import Instance
    from pytest_benchmark_aws.backends.protocol import Cause
    from pytest_benchmark_aws.core.model import Job


@dataclass(frozen=True, slots=True)
class Loss:
    """Why a group is over before it has delivered."""

    reason: str
    cause: Cause = ""


@dataclass(frozen=True, slots=True)
class Members:
    """The instances of a group that EC2 shows, in the order of their launch index."""

    instances: tuple[Instance, ...]
    count: int

    def age_s(self, now: datetime) -> float:
        """Seconds since their launch; 0 where EC2 does not say."""
        ages = [age for instance in self.instances if (age := instance.age_s(now)) is not None]
        return max(ages, default=0.0)

    def as_launch(self, now: datetime) -> Instance:
        """The group in the shape of an instance, with its id, price and state.

        It is alive as long as any member is, or may be: EC2 shows all within ``SHOWN_S`` of their launch.
        """
        first = self.instances[0]
        alive = [instance.state for instance in self.instances if instance.alive]
        state, share = next(iter(alive), first.state), first.usd_per_hour
        if "running" in alive:
            state = "running"
        elif not alive and len(self.instances) < self.count and self.age_s(now) < SHOWN_S:
            state = "pending"
        return replace(
            first,
            instance_id=first.reservation,
            state=state,
            reason=next((instance.reason for instance in self.instances if not instance.alive), ""),
            usd_per_hour=None if share is None else share * self.count,
        )

    def loss(self, now: datetime, outcomes: Mapping[int, str]) -> Loss | None:
        """Why the group is over while others of it may be alive; None while it is not.

        ``outcomes`` is how members that do not lead said that they ended, by their place.
        """
        gone = [member for member in self.instances if not member.alive and member.index not in outcomes]
        lost = [
            member for member in gone if errors.cause_of(member.reason)
        ]  # what made the others fail, and says whose doing
        failed = None if lost else failed_member(self.count, outcomes)
        if failed is not None:
            return Loss(failed)
        if gone:
            first = (lost or gone)[0]
            reason = f" ({first.reason})" if first.reason else ""
            text = f"{first.instance_id}, machine {first.index + 1} of {self.count}, is gone{reason}"
            return Loss(text, errors.cause_of(first.reason))
        missing = set(range(self.count)) - {instance.index for instance in self.instances} - set(outcomes)
        if missing and self.age_s(now) > FORGOTTEN_S:
            return Loss(f"machine {min(missing) + 1} of {self.count} is gone, EC2 shows it no more")
        return None


@dataclass(slots=True)
class Groups:
    """The groups of one run, by the ids of their reservations."""

    members: dict[str, Members] = field(default_factory=dict)
    """As of the last look."""
    launched: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Ids of the instances of those that this process launched."""

    def look(self, instances: Sequence[Instance]) -> list[Instance]:
        """The launches of a look: each instance that is one, and each group as one."""
        self.members = groups_of(instances)
        now = datetime.now(timezone.utc)
        alone = [instance for instance in instances if instance.count == 1]
        return [*alone, *(members.as_launch(now) for members in self.members.values())]

    def name(self, job: Job, reservation: str, instance_ids: tuple[str, ...]) -> str:
        """The id of a launch that was made just now: of one instance its own, of a group the reservation's."""
        if job.count == 1:
            return instance_ids[0]
        self.launched[reservation] = instance_ids
        return reservation

    def instance_ids(self, launch_ids: Iterable[str]) -> list[str]:
        """The instances of launches: of a group all that are known, of an instance its own id."""
        ids: dict[str, None] = {}
        for launch_id in launch_ids:
            members = self.members.get(launch_id)
            shown = [instance.instance_id for instance in members.instances] if members else []
            if shown or launch_id in self.launched:
                ids |= dict.fromkeys((*self.launched.get(launch_id, ()), *shown))
            elif not launch_id.startswith("r-"):
                ids[launch_id] = None
        return list(ids)


def groups_of(instances: Iterable[Instance]) -> dict[str, Members]:
    """The groups among instances, by the ids of their reservations."""
    by_reservation: dict[str, list[Instance]] = {}
    for instance in instances:
        if instance.count > 1:
            by_reservation.setdefault(instance.reservation, []).append(instance)
    return {
        reservation: Members(tuple(sorted(members, key=lambda member: member.index)), members[0].count)
        for reservation, members in by_reservation.items()
    }
