"""What is known of a run's instances between two looks: what EC2 shows is late, and ends before the ids do."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_benchmark_aws.backends.ec2.limits import SHOWN_S
from pytest_benchmark_aws.backends.protocol import Placement, SeenLaunch

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pytest_benchmark_aws.aws.ec2 import Instance


@dataclass(slots=True)
class Sightings:
    """One run's instances, by their ids."""

    shown: frozenset[str] = frozenset()
    """At the last look."""
    over: set[str] = field(default_factory=set)
    """Of which EC2 said that they are terminated, whether it shows them or not."""
    _launched: set[str] = field(default_factory=set)
    """By this very process."""
    _last_seen: dict[str, float] = field(default_factory=dict)
    """When each was last seen or asked for; until EC2 says that it is over."""

    def launch(self, instance_id: str) -> None:
        """This process has launched it just now."""
        self._last_seen[instance_id] = time.monotonic()
        self._launched.add(instance_id)

    def look(self, instances: Iterable[Instance]) -> dict[str, Instance]:
        """Takes note of a look; gives its instances by id."""
        by_id = {instance.instance_id: instance for instance in instances}
        self.shown = frozenset(by_id)
        for instance_id, instance in by_id.items():
            if instance.alive:
                self._last_seen[instance_id] = time.monotonic()
            else:
                self._last_seen.pop(instance_id, None)
        return by_id

    def is_not_shown(self, instance_id: str) -> None:
        """It was launched long ago and is not shown: over, unless this process has seen it before."""
        if instance_id not in self._last_seen:
            self.over.add(instance_id)

    def follow(self, instance_ids: Iterable[str]) -> list[str]:
        """Follows them from now on; gives those that are not known to be over."""
        left = [instance_id for instance_id in instance_ids if instance_id not in self.over]
        for instance_id in left:
            self._last_seen.setdefault(instance_id, time.monotonic())
        return left

    def can_be_asked_for(self, instance_id: str) -> bool:
        """Whether EC2 shows it, or may show it soon, as this process has launched it.

        What EC2 does not show has no tags, so that a policy that allows to end what has ours alone refuses it
        (terraform-aws-runs-on #60).
        """
        return instance_id in self.shown or instance_id in self._launched

    def alive(self) -> list[str]:
        """Those that may be alive, after a look.

        What EC2 does not show is no proof: just after a launch, or from another of its servers, it is a look too early.
        """
        now = time.monotonic()
        return [name for name, seen in self._last_seen.items() if name in self.shown or now - seen < SHOWN_S]


def seen_launch(instance: Instance, now: datetime) -> SeenLaunch:
    """What an instance's tags tell of its launch; its most costs is of now."""
    return SeenLaunch(
        run_id=instance.run,
        job=instance.job,
        instance_id=instance.instance_id,
        placement=Placement(instance.token, instance.zone, instance.subnet, instance.attempt),
        age_s=instance.age_s(now),
        most_usd=instance.most_usd(now),
        fallback=instance.fallback,
        longest_s=instance.longest_s,
        usd_per_hour=instance.usd_per_hour,
    )
