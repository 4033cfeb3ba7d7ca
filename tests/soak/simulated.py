"""EC2 and S3 as the runner meets them, in numbers: no process, no socket, and time that only moves when told."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from pytest_benchmark_aws.backends.ec2.errors import cause_of
from pytest_benchmark_aws.backends.ec2.limits import SHOWN_S
from pytest_benchmark_aws.backends.protocol import Handle, Outcome, Placement, State, Status
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.core.errors import CapacityError, RemoteFailure, ThrottledError, UnreachableError
from pytest_benchmark_aws.core.model import GRACE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    from pytest_benchmark_aws.core.model import Job

    T = TypeVar("T")

RUN = "soak"
ZONES = ("a", "b")
CALL_S = 1.0
"""A call takes so long; what it does happens in the middle."""
BOOT_S, STOPPING_S, OFF_S = 20.0, 10.0, 30.0
"""From launch to running, from shutting down to terminated, and from a guest's last upload to its power-off."""
LOST_LAUNCH, LOST_TERMINATE = "launch", "terminate"


class Crash(BaseException):
    """The process is killed here: nothing that it does after this has an effect."""


@dataclass
class Instance:
    """One launch and its guest."""

    instance_id: str
    job: Job
    placement: Placement
    launched: float
    visible: float
    """When DescribeInstances begins to show it."""
    due: float | None = None
    """When its guest delivers; None: it hangs."""
    outcome: str = "passed"
    dies: float = float("inf")
    reason: str = ""
    deaf: bool = False
    """It never booted, so that nothing powers it off."""
    result: str | None = None
    """What its guest has put into the store, which outlives it."""
    ended: float | None = None

    @property
    def deadline(self) -> float:
        """When it must be gone, as its tag says."""
        return self.launched + self.job.time_limit_s + GRACE_S

    def advance(self, now: float) -> None:
        """Lives on until now."""
        if self.ended is not None:
            return
        off = self.launched + (float("inf") if self.deaf else self.job.time_limit_s + GRACE_S / 2)
        due = float("inf") if self.due is None or self.deaf else self.due
        end = min(off, self.dies, due + OFF_S)
        if self.result is None and due <= min(end, now):
            self.result = self.outcome
        if end <= now:
            self.ended = end

    def state(self, now: float) -> State:
        """As EC2 tells it."""
        if self.ended is not None:
            return "gone" if now >= self.ended + STOPPING_S else "stopping"
        return "running" if now >= self.launched + BOOT_S else "pending"

    def usd(self, now: float) -> Decimal:
        """Billed so far, a minute at least, and not while it is pending; of one that never booted, see the machine."""
        until = self.ended if self.ended is not None else now
        until = min(until, self.deadline) if self.deaf else until
        return usd(self.job.price.usd_per_hour, max(60.0, until - self.launched - (0.0 if self.deaf else BOOT_S)))


@dataclass
class Cloud:
    """The account, and the world's time."""

    cap: Decimal
    now: float = 0.0
    instances: dict[str, Instance] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    full: set[str] = field(default_factory=set)
    """Zones without capacity."""
    visible_after: float = 0.0
    throttled: int = 0
    """So many launches more are refused."""
    unreachable: int = 0
    """So many calls more do not arrive."""
    outage_until: float = 0.0
    denied: bool = False
    """One call more is refused, which ends the run."""
    missed: bool = False
    """A call of this look did not arrive."""
    lost: list[str] = field(default_factory=list)
    """Kinds of calls that arrive, and whose next reply does not."""
    cut: list[str] = field(default_factory=list)
    """Ended by the client while their guests were well and in time."""
    broken: str = ""
    kind: ClassVar[type[Instance]] = Instance
    prefix: ClassVar[str] = "i"
    """Of its launches' ids."""

    def heal(self) -> None:
        """All is well from now on, but for what runs already."""
        self.full.clear()
        self.lost.clear()
        self.throttled = self.unreachable = 0
        self.denied = False
        self.visible_after = self.outage_until = 0.0

    def advance(self, seconds: float) -> None:
        """Time passes; what is billed meanwhile keeps within the cap."""
        self.promise(True, "")
        self.now += seconds
        for one in self.instances.values():
            one.advance(self.now)
        spent = self.spent()
        self.promise(spent <= self.cap, f"{spent} USD spent, {self.cap} allowed")

    def promise(self, kept: bool, else_: str) -> None:
        """Holds now and held before.

        Raises:
            AssertionError: the first promise that was broken, whatever else breaks on the way out.
        """
        if not kept and not self.broken:
            self.broken = else_
        assert not self.broken, self.broken

    def spent(self) -> Decimal:
        """Billed so far."""
        return sum((one.usd(self.now) for one in self.instances.values()), Decimal(0))

    def alive(self) -> list[Instance]:
        """What is billed now, whether EC2 shows it yet or not."""
        return [one for one in self.instances.values() if one.ended is None]

    def shown(self) -> list[Instance]:
        """Those that EC2 shows by now."""
        return [one for one in self.instances.values() if one.visible <= self.now]

    def reach(self) -> None:
        """The way to AWS.

        Raises:
            UnreachableError: there is none now.
            RemoteFailure: the caller may not.
        """
        self.unreachable, cut = max(0, self.unreachable - 1), self.unreachable > 0
        if cut or self.now < self.outage_until:
            self.missed = True
            raise UnreachableError("no way to AWS")
        if self.denied:
            self.denied, self.missed = False, True
            raise RemoteFailure("UnauthorizedOperation")

    def run_instance(self, job: Job, placement: Placement) -> str:
        """One instance for a token, whenever and however often it is asked for."""
        if self.throttled:
            self.throttled -= 1
            raise ThrottledError("RequestLimitExceeded")
        if placement.token not in self.tokens:
            if placement.zone in self.full:
                raise CapacityError("InsufficientInstanceCapacity")
            instance_id = f"{self.prefix}-{len(self.instances):03}"
            made = self.kind(instance_id, job, placement, self.now, self.now + self.visible_after)
            self.instances[instance_id] = made
            self.tokens[placement.token] = instance_id
            same = [one for one in self.instances.values() if _launch_of(one) == _launch_of(made)]
            self.promise(len(same) == 1, f"{len(same)} instances of one attempt: {same}")
        known = self.instances[self.tokens[placement.token]]
        self.promise(known.job.market == job.market, f"{known} is asked for again in another market")
        return known.instance_id

    def terminate(self, instance_ids: Iterable[str]) -> None:
        """Ends those that EC2 shows; of others it says NotFound, which the client takes for nothing to do."""
        for instance_id in instance_ids:
            one = self.instances[instance_id]
            if one.ended is None and one.visible <= self.now:
                if one.result is None and not one.deaf and self.now < one.launched + one.job.time_limit_s:
                    self.cut.append(instance_id)
                one.ended = self.now


def _launch_of(one: Instance) -> tuple[str, int]:
    return one.job.name, one.placement.attempt


@dataclass
class SimulatedBackend:
    """The runner's view of the cloud from one process; each call is a step at which the process may die."""

    cloud: Cloud
    step: Callable[[Callable[[], object]], object]
    known: dict[str, float] = field(default_factory=dict)
    """Instance -> when it was last known to be, as in ``Ec2Backend``."""

    noun = "instance"
    least_billed_s = 60.0

    def quota(self, _: Job) -> None:
        """No limit."""

    def placements(self, job: Job, attempt: int) -> list[Placement]:
        """One for each zone, with the token that only they decide."""
        return [Placement(token_of(job, zone, attempt), zone, f"subnet-{zone}", attempt) for zone in ZONES]

    def launch(self, job: Job, placement: Placement) -> Handle:
        """By its token."""
        instance_id = self._call(lambda: self.cloud.run_instance(job, placement), LOST_LAUNCH)
        self.known[instance_id] = self.cloud.now
        return Handle(job, instance_id, placement)

    def poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        """What is shown, and what is in the store."""
        return self._call(lambda: self._poll(handles))

    def _poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        shown, found = self._shown(), {}
        for handle in handles:
            one = shown.get(handle.instance_id)
            done = self.cloud.instances[handle.instance_id].result is not None
            if one is None:
                found[handle.instance_id] = Status("unknown", done=done)
            else:
                age = self.cloud.now - one.launched
                found[handle.instance_id] = Status(
                    one.state(self.cloud.now), one.reason, cause_of(one.reason), done=done, age_s=age
                )
        return found

    def _shown(self) -> dict[str, Instance]:
        """What DescribeInstances finds by the run's tag."""
        shown = {one.instance_id: one for one in self.cloud.shown()}
        for one in shown.values():
            if one.state(self.cloud.now) != "gone":
                self.known[one.instance_id] = self.cloud.now
            else:
                self.known.pop(one.instance_id, None)
        return shown

    def log(self, handle: Handle) -> str:
        """Nothing."""
        return ""

    def collect(self, handle: Handle) -> Outcome:
        """From the store."""
        return self._call(lambda: self._collect(handle))

    def _collect(self, handle: Handle) -> Outcome:
        result = self.cloud.instances[handle.instance_id].result
        if result is None:
            return Outcome("error: nothing was delivered", (), {}, "", whole=False)
        return Outcome(result, ({"kind": "test"},), {}, "", whole=True, cause=cause_of(result))

    def billed_s(self, _: Handle) -> float | None:
        """EC2 does not say."""
        return None

    def terminate(self, instance_ids: Sequence[str]) -> None:
        """Asks for it."""
        for instance_id in instance_ids:
            self.known.setdefault(instance_id, self.cloud.now)
        self._call(lambda: self.cloud.terminate(instance_ids), LOST_TERMINATE)

    def alive(self) -> list[str]:
        """Those that are not terminated, and those that it knows of and that are not shown yet."""
        return self._call(self._alive)

    def _alive(self) -> list[str]:
        shown = self._shown()
        return [one for one, last in self.known.items() if one in shown or self.cloud.now - last < SHOWN_S]

    def _call(self, act: Callable[[], T], kind: str = "") -> T:
        found: list[T] = []

        def whole() -> None:
            self.cloud.advance(CALL_S / 2)
            self.cloud.reach()
            found.append(act())
            self.cloud.advance(CALL_S / 2)
            if kind in self.cloud.lost:
                self.cloud.lost.remove(kind)
                raise UnreachableError("the reply was lost")

        self.step(whole)
        return found[0]


def token_of(job: Job, zone: str, attempt: int) -> str:
    return hashlib.sha256(f"{RUN}/{job.name}/{zone}/{attempt}".encode()).hexdigest()[:48]
