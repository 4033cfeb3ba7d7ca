"""The machine over groups with a bug planted in what makes one launch of several machines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_benchmark_aws.backends.ec2 import groups
from pytest_benchmark_aws.backends.ec2.groups import Groups, Loss, Members
from pytest_benchmark_aws.core.model import Price
from pytest_benchmark_aws.run.follow import Follower
from pytest_benchmark_aws.run.runner import Runner
from tests.soak.groups import GroupRun, SimulatedGroups
from tests.soak.mutants import (
    FreshTokens,
    LateIntent,
    NoCap,
    OneLook,
    TrustingTerminate,
    never_found,
    with_parts,
)
from tests.soak.training import TrainingGroupRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from pytest_benchmark_aws.aws.ec2 import Instance
    from pytest_benchmark_aws.backends.protocol import Outcome
    from pytest_benchmark_aws.core.model import Job
    from pytest_benchmark_aws.run.ledger import Finished, Running
    from tests.soak.machine import Run


class OnlyTheLeader(Groups):
    """Ends the machine that leads, as if the others followed it."""

    def instance_ids(self, launch_ids: Iterable[str]) -> list[str]:
        """One for each group."""
        return [one for name in launch_ids for one in super(OnlyTheLeader, self).instance_ids([name])[:1]]


class _OtherMembers(Groups):
    """Groups whose members are of another kind."""

    kind: ClassVar[type[Members]]

    def look(self, instances: Sequence[Instance]) -> list[Instance]:
        """By these."""
        super().look(instances)
        self.members = {name: self.kind(one.instances, one.count) for name, one in self.members.items()}
        return [one.as_launch(self.now()) for one in self.members.values()]

    def now(self) -> datetime:
        """The cloud's."""
        return vars(groups)["datetime"].now(None)  # type: ignore[no-any-return]


class FirstIsAll(_OtherMembers):
    """Calls a group gone when its first machine is."""

    class kind(Members):  # noqa: N801
        """By the one that leads, as far as it is shown."""

        def as_launch(self, now: datetime) -> Instance:
            """As the first is."""
            return replace(super().as_launch(now), state=self.instances[0].state)


class ShownIsAll(_OtherMembers):
    """Takes the machines that are shown for all that there are."""

    class kind(Members):  # noqa: N801
        """By those."""

        def as_launch(self, now: datetime) -> Instance:
            """Gone when they are."""
            return Members(self.instances, len(self.instances)).as_launch(now)


class LateIsGone(_OtherMembers):
    """Takes a machine that is not shown yet for gone."""

    class kind(Members):  # noqa: N801
        """At once."""

        def loss(self, now: datetime, outcomes: Mapping[int, str]) -> Loss | None:
            """As soon as one is missing."""
            late = len(self.instances) < self.count
            return Loss("a machine is gone") if late else super().loss(now, outcomes)


class OnePrice(Runner):
    """Counts one machine's price for all."""

    def run(self, jobs: Sequence[Job], *args: Any, **kwargs: Any) -> list[Finished]:
        """For the job's."""
        cheap = [replace(job, price=Price(job.price.usd_per_hour / job.count, "soak")) for job in jobs]
        return super().run(cheap, *args, **kwargs)


class EndedIsGone(Follower):
    """Takes a group that it ended for gone, whatever of it was not shown by then."""

    def _over(self, name: str, launch: Running, outcome: Outcome) -> Finished:
        finished = super()._over(name, launch, outcome)
        self.state.ending.clear()
        self.state.leftover = False
        return finished


class FreshGroupTokens(FreshTokens, SimulatedGroups):
    """Each call of RunInstances has a token of its own."""


@dataclass
class OneGroupLook(OneLook, SimulatedGroups):
    """Fetches only what the last look had seen in the store."""


def _groups(name: str, **parts: Any) -> type[Run]:
    return type(name, (GroupRun,), parts)


def _by(kind: type[Groups]) -> type[SimulatedGroups]:
    return type(kind.__name__, (SimulatedGroups,), {"groups_kind": kind})


GROUP_MUTANTS: dict[str, tuple[type[Run], str]] = {
    "group: only the leader is ended": (
        _groups("Leader", backend=_by(OnlyTheLeader)),
        "alive past its deadline|alive after the end of its group|USD spent|it cannot be ended",
    ),
    "group: gone with its first machine": (
        _groups("First", backend=_by(FirstIsAll)),
        "the journal says gone|alive at the end|alive after the process|after the end of its",
    ),
    "group: gone with those that are shown": (
        _groups("Shown", backend=_by(ShownIsAll)),
        "the journal says gone|alive at the end|alive after the process|after the end of its",
    ),
    "group: a late machine is lost": (
        _groups("Late", backend=_by(LateIsGone)),
        "ended while their guests were well|USD counted",
    ),
    "group: one machine's price": (_groups("OnePriced", runner=OnePrice), "USD spent|USD counted"),
    "group: ended is gone": (
        _groups("Ended", runner=with_parts(follower=EndedIsGone)),
        "after the end of its group|USD spent|USD counted",
    ),
    "group: no token reuse": (
        _groups("NoGroupToken", backend=FreshGroupTokens),
        "instances of one attempt|USD spent",
    ),
    "group: intent written late": (
        _groups("LateGroup", runner=with_parts(launcher=LateIntent)),
        "the journal says gone|instances of one attempt",
    ),
    "group: trusting terminate": (
        _groups("TrustingGroup", runner=with_parts(follower=TrustingTerminate)),
        "the journal says gone|alive at the end|alive after the process|never delivered",
    ),
    "group: no second look at the store": (_groups("OneGroupLooked", backend=OneGroupLook), "never delivered"),
    "group: no dedupe": (_groups("TwiceGroup", find=staticmethod(never_found)), "delivered more than once"),
    "group: no cap": (_groups("GroupSpender", runner=NoCap), "USD spent"),
    "training of several instances: one's price": (
        type("OnePricedTraining", (TrainingGroupRun,), {"runner": OnePrice}),
        "USD spent|USD counted",
    ),
    "training of several instances: no cap": (
        type("TrainingGroupSpender", (TrainingGroupRun,), {"runner": NoCap}),
        "USD spent",
    ),
}
"""The machine with the bug, and what is to notice it."""
