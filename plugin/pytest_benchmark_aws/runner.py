"""Launches a plan's jobs, follows them, brings their outcomes home and ends their instances.

One thread changes AWS: this one. What the outside world does comes in by the backend, the clock and ``stop``.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from pytest_benchmark_aws.backends.protocol import Handle, Outcome, Status
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.core.errors import (
    CapacityError,
    CleanupError,
    PytestBenchmarkAWSError,
    QuotaError,
    RemoteFailure,
    ThrottledError,
    UnreachableError,
)
from pytest_benchmark_aws.core.plan import GRACE_S, most_usd

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_benchmark_aws.backends.protocol import Backend, Intent
    from pytest_benchmark_aws.core.model import Job
    from pytest_benchmark_aws.journal import Journal

THROTTLED_ATTEMPTS = 6
SPOT_ATTEMPTS = 3
"""Launches of one job that AWS takes back before it is given up, or launched on demand where that was asked for."""
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux's that counts a suspended machine's time; macOS's CLOCK_MONOTONIC does by itself."""
LAUNCHES_A_LOOK = 4
"""Between two looks: a launch is paced, and what runs already must not wait for all others to start."""
NEVER_SEEN_S = 300
"""EC2 shows a new instance within seconds; one that is not there after this is taken for gone."""
UNHEARD_S = 120
"""A launch that was never confirmed was none, where no instance is shown for so long."""
TERMINATE_S = 300
"""How long an instance may take to go before its id is reported."""


class Clock(Protocol):
    """Time, passed in."""

    def monotonic(self) -> float:
        """Seconds that only grow."""

    def sleep(self, seconds: float) -> None:
        """Waits."""


class RealClock:
    """The machine's."""

    def monotonic(self) -> float:
        """Seconds that only grow, also while the machine sleeps: instances cost then, too."""
        return time.clock_gettime(_CLOCK)

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)


@dataclass(slots=True)
class Progress:
    """How far a job is, for whoever watches."""

    job: Job
    phase: str = "waiting"
    detail: str = ""
    seconds: float = 0.0
    spent_usd: Decimal = Decimal(0)
    log: str = ""

    @property
    def name(self) -> str:
        """The job's."""
        return self.job.name


@dataclass(frozen=True, slots=True)
class Finished:
    """A job that is over."""

    job: Job
    outcome: Outcome
    instance_id: str | None
    zone: str | None
    billed_seconds: float
    usd: Decimal
    attempts: int


@dataclass(frozen=True, slots=True)
class Past:
    """What an earlier process of the same run did for a job, last."""

    job: str
    intent: Intent
    instance_id: str | None
    """None: it meant to launch, and whether it did is not known."""
    age_s: float
    spent_usd: Decimal = Decimal(0)
    """On launches of the job before this one."""
    last_usd: Decimal = Decimal(0)
    """On this one, at most."""
    unseen: int = 0
    """Launches before this one of which nobody knows what they cost: each counts as the job's most."""
    attempts: int = 0
    """The highest of the job's attempts that anybody knows of, where that is not this one."""
    refused: bool = False
    """AWS said that nothing came of it."""
    fallback: bool = False
    """Spot was asked for and not to be had: it is on demand."""


@dataclass(slots=True)
class _Running:
    handle: Handle
    launched: float


@dataclass(slots=True)
class Runner:
    """One run."""

    backend: Backend
    journal: Journal
    clock: Clock
    poll_s: float
    max_parallel: int
    max_usd: Decimal
    vcpu_quota: int | None
    watch: Callable[[Sequence[Progress]], None]
    spot_fallback: bool = False
    """Whether a job that spot cannot hold is launched on demand."""
    follow_logs: bool = False
    """Whether the watcher wants the guests' logs as they grow."""
    stop: Callable[[], bool] = lambda: False
    """Asked between two looks: whether to end everything and bring home what is there."""
    finished: Callable[[Finished], bool] = lambda _: False
    """Told of each job that is over; True ends all others (``-x``)."""
    _progress: dict[str, Progress] = field(default_factory=dict)
    _running: dict[str, _Running] = field(default_factory=dict)
    _spent: Decimal = Decimal(0)
    _attempts: dict[str, int] = field(default_factory=dict)
    _launched: list[Handle] = field(default_factory=list)
    _silent: float | None = None
    """Since when AWS does not answer."""
    _unheard: float | None = None
    """When a launch was given up of which AWS did not say whether it is one."""
    _leftover: bool = False
    """Whether something may be alive that is not followed."""

    def run(self, jobs: Sequence[Job], past: Sequence[Past] = (), *, detach: bool = False) -> list[Finished]:
        """All jobs to their end, in waves that keep within the quota; every instance that it made is gone after it.

        ``past`` is what an earlier process of this run did; its launches are taken over. ``detach`` returns as soon as
        everything is launched, and leaves the instances to themselves.

        Raises:
            CleanupError: an instance that could not be seen to end, named.
        """
        self._progress = {job.name: Progress(job) for job in jobs}
        done, broken = [], True
        try:
            pending = deque(self._take_over(jobs, past))
            while pending or self._running:
                if self.stop():
                    done += self._end_all("error: interrupted")
                    done += [self._never_ran(job, "error: interrupted before it was launched") for job in pending]
                    break
                done += self._launch_some(pending)
                if not self._running and not pending:
                    break
                if detach and not pending:
                    self._running.clear()
                    broken = False
                    return done
                ended = self._again(self._look(), pending)
                done += ended
                stops = [self.finished(one) for one in ended]  # each is told, also after one says stop
                if any(stops):
                    done += self._end_all("error: stopped after a failure (-x, --maxfail)")
                    done += [self._never_ran(job, "error: stopped after a failure (-x, --maxfail)") for job in pending]
                    break
                self.watch(list(self._progress.values()))
                if pending or self._running:
                    self.clock.sleep(self.poll_s)
            broken = False
        finally:
            try:
                self._end_all("error: the run broke off")
            finally:
                self._terminate_rest(also_unknown=broken)
            self.watch(list(self._progress.values()))
        return self._confirm_gone(done)

    def _take_over(self, jobs: Sequence[Job], past: Sequence[Past]) -> list[Job]:
        """Follows what was launched before, and launches by the same token what may have been; gives the rest."""
        known = {one.job: one for one in past}
        self._leftover = bool(past)
        wanted = {job.name for job in jobs}
        self._spent += sum((one.spent_usd + one.last_usd for one in past if one.job not in wanted), Decimal(0))
        rest = []
        for job in jobs:
            one = known.get(job.name)
            if one is None:
                rest.append(job)
                continue
            self._attempts[job.name] = max(one.intent.attempt, one.attempts)
            self._spent += one.spent_usd + one.unseen * most_usd(job)
            again = replace(job, fallback=one.fallback and self.spot_fallback)  # anew only where still asked for
            if one.refused:
                rest.append(again)
                continue
            job = replace(job, fallback=one.fallback)  # noqa: PLW2901  # what it is, whatever is asked for now
            instance_id = one.instance_id
            if instance_id is None:
                self._intend(job, one.intent)
                try:
                    instance_id = self._launch_paced(job, one.intent, unsure=True).instance_id
                except CapacityError:
                    self._refuse(job, one.intent)
                    rest.append(again)  # nothing came of it: an attempt of its own
                    continue
                self.journal.write("launched", job=job.name, attempt=one.intent.attempt, instance_id=instance_id)
            handle = Handle(job, instance_id, one.intent)
            self._launched.append(handle)
            age = 0.0 if one.instance_id is None else one.age_s  # an intent tells no launch: the first look does
            self._running[job.name] = _Running(handle, self.clock.monotonic() - age)
            self._set(job, "taken over", one.intent.zone)
        return rest

    # Launching.

    def _launch_some(self, pending: deque[Job]) -> list[Finished]:
        failed: list[Finished] = []
        most = min(self.max_parallel, len(self._running) + LAUNCHES_A_LOOK)
        while pending and len(self._running) < most:
            job = pending[0]
            vcpus = job.instance_type.vcpus or 0
            if self._running and self.vcpu_quota is not None and self._vcpus() + vcpus > self.vcpu_quota:
                self._progress[
                    job.name
                ].detail = f"waits for its wave: {self._vcpus()} of {self.vcpu_quota} vCPUs in use"
                break
            if self._spent + self._reserved() + most_usd(job) > self.max_usd:
                pending.popleft()
                failed.append(
                    self._never_ran(job, f"error: not launched, --aws-max-cost {self.max_usd} USD would be passed")
                )
                continue
            try:
                launched = self._launch(job)
            except CapacityError as error:
                if self._running:  # another's end may make room
                    self._progress[job.name].detail = f"waits: {error}"
                    break
                pending.popleft()
                if job.market == "spot" and self.spot_fallback:
                    pending.appendleft(replace(job, fallback=True))
                    continue
                failed.append(self._never_ran(job, f"error: {error}"))
                continue
            except CleanupError:
                raise
            except PytestBenchmarkAWSError as error:
                pending.popleft()
                failed.append(self._never_ran(job, f"error: {error}"))
                continue
            pending.popleft()
            self._running[job.name] = launched
            self._set(job, "pending", launched.handle.intent.zone)
            self.watch(list(self._progress.values()))
        return failed

    def _launch(self, job: Job) -> _Running:
        attempt = self._attempts[job.name] = self._attempts.get(job.name, 0) + 1
        intents = self.backend.intents(job, attempt)
        if not intents:
            raise CapacityError(f"{job.instance_type.name} is offered in no zone of the subnets")
        refused = []
        for intent in intents:
            self._intend(job, intent)
            try:
                handle = self._launch_paced(job, intent)
            except CapacityError as error:
                self._refuse(job, intent)
                if isinstance(error, QuotaError):
                    raise  # it is of the region: no other zone has more
                refused.append(f"{intent.zone}: {error}")
                continue
            self._launched.append(handle)
            try:
                self.journal.write("launched", job=job.name, attempt=attempt, instance_id=handle.instance_id)
            except BaseException:
                self.backend.terminate([handle.instance_id])
                raise
            return _Running(handle, self.clock.monotonic())
        raise CapacityError(f"no capacity for {job.instance_type.name} in {len(intents)} zones; {refused[-1]}")

    def _launch_paced(self, job: Job, intent: Intent, *, unsure: bool = False) -> Handle:
        """Launches; where AWS is out of breath or does not answer, waits and says the same again, by the same token.

        ``unsure``: it may be launched already, so that a refusal to answer is no proof that it is not.

        Raises:
            CapacityError: there is none; QuotaError: AWS said each time that it is asked too often.
            RemoteFailure: AWS did not say whether it is launched; what is, is ended with the run, found by its tag.
        """
        started, attempt, throttled = self.clock.monotonic(), 0, 0
        while True:
            try:
                return self.backend.launch(job, intent)
            except ThrottledError as error:
                throttled += 1
                if throttled >= THROTTLED_ATTEMPTS and not unsure:
                    raise QuotaError(f"AWS throttled the launch {throttled} times: {error}") from error
                last: Exception = error
            except UnreachableError as error:
                unsure, last = True, error
            if unsure:
                if self.stop() or self.clock.monotonic() - started > GRACE_S:
                    self._unheard, self._leftover = self.clock.monotonic(), True
                    self._spent += most_usd(job)  # it may run
                    raise RemoteFailure(f"{job.name} could not be launched: {last}") from last
                self._progress[job.name].detail = f"waits for AWS: {last}"
                self.watch(list(self._progress.values()))
            attempt = min(attempt + 1, 5)
            self.clock.sleep(2.0**attempt)
            self._intend(job, intent)  # a fresh line before every replay of a launch

    def _intend(self, job: Job, intent: Intent) -> None:
        self.journal.write("intent", job=job.name, attempt=intent.attempt, token=intent.token, zone=intent.zone,
                           subnet=intent.subnet, fallback=job.fallback, reserved_usd=str(most_usd(job)))  # fmt: skip

    def _refuse(self, job: Job, intent: Intent) -> None:
        """Says that nothing came of an intent: replayed later, it would launch what nothing is reserved for."""
        self.journal.write("refused", job=job.name, attempt=intent.attempt, token=intent.token)

    def _vcpus(self) -> int:
        return sum(one.handle.job.instance_type.vcpus or 0 for one in self._running.values())

    def _reserved(self) -> Decimal:
        return sum((most_usd(one.handle.job) for one in self._running.values()), Decimal(0))

    # Following.

    def _look(self) -> list[Finished]:
        if not self._running:
            return []
        try:
            statuses = self.backend.poll([one.handle for one in self._running.values()])
        except UnreachableError as error:
            return self._wait_for_aws(error)
        self._silent = None
        self._end_leftover()
        ended: list[Finished] = []
        for name, one in list(self._running.items()):
            status = statuses.get(one.handle.instance_id, Status("unknown"))
            if status.age_s is not None:  # its launch may have been asked for long before the answer came
                one.launched = min(one.launched, self.clock.monotonic() - status.age_s)
            age = self.clock.monotonic() - one.launched
            gone = status.state == "gone" or (status.state == "unknown" and age > NEVER_SEEN_S)
            late = age + self.poll_s > one.handle.job.time_limit_s + GRACE_S  # the next look would be too late
            self._show(one, status, age)
            if status.done or gone or late or status.state == "stopping":
                try:
                    ended.append(self._end(name, one, status, late=late))
                except UnreachableError as error:
                    self._wait_for_aws(error)
        return ended

    def _end_leftover(self) -> None:
        """Ends what is alive and not followed: AWS did not hear that it should end, or not say that it was launched."""
        if not self._leftover:
            return
        followed = {one.handle.instance_id for one in self._running.values()}
        with suppress(UnreachableError):
            left = [known for known in self.backend.alive() if known not in followed]
            if left:
                self.backend.terminate(left)
            recent = self._unheard is not None and self.clock.monotonic() - self._unheard < UNHEARD_S
            self._leftover = bool(left) or recent

    def _again(self, ended: list[Finished], pending: deque[Job]) -> list[Finished]:
        """Puts a job whose instance AWS took back or lost in line again, within the budget; gives those that are over.

        Each launch is whole or not at all: what one of them measured is never mixed with another's.
        """
        over = []
        for one in ended:
            taken = one.job.market == "spot" and _taken_back(one.outcome)
            affordable = self._spent + self._reserved() + most_usd(one.job) <= self.max_usd
            if (taken or _lost(one.outcome)) and affordable and one.attempts < SPOT_ATTEMPTS:
                pending.append(one.job)
                self._set(one.job, "waiting", f"{one.outcome.outcome}; attempt {one.attempts} of {SPOT_ATTEMPTS}")
            elif taken and self.spot_fallback:
                pending.append(replace(one.job, fallback=True))
                self._set(one.job, "waiting", f"{one.outcome.outcome}; now on demand")
            else:
                over.append(one)
        return over

    def _wait_for_aws(self, error: UnreachableError) -> list[Finished]:
        """Nothing can be asked: the guests go on and end by themselves, so this waits, until none can be alive.

        Raises:
            CleanupError: the last of them is past its deadline, and still nothing answers, nor did for a while.
        """
        now = self.clock.monotonic()
        self._silent = now if self._silent is None else self._silent  # a machine that wakes has no network at first
        for one in self._running.values():
            self._progress[one.handle.job.name].detail = f"waits for AWS: {error}"
        ends = [one.launched + one.handle.job.time_limit_s + 2 * GRACE_S for one in self._running.values()]
        if now > max(ends) and now - self._silent > GRACE_S:
            ids = ", ".join(one.handle.instance_id for one in self._running.values())
            raise CleanupError(
                f"{error}; past their deadline, but not seen to be gone: {ids}. Look with reap --dry-run"
            )
        return []

    def _show(self, one: _Running, status: Status, age: float) -> None:
        progress = self._progress[one.handle.job.name]
        beat = status.heartbeat
        progress.phase = str(beat.get("phase") or status.state)
        progress.seconds = age
        progress.spent_usd = usd(one.handle.job.price.usd_per_hour, age)
        test, count, total = beat.get("test"), beat.get("done", 0), beat.get("of", len(one.handle.job.cases))
        progress.detail = f"{count}/{total} {test}" if test else ""
        if self.follow_logs:
            progress.log = self.backend.log(one.handle)

    def _end(self, name: str, one: _Running, status: Status, *, late: bool) -> Finished:
        self._progress[name].phase = "collect"
        outcome = self.backend.collect(one.handle)
        if not outcome.whole:
            why = f"{status.reason or status.state}" + (", past its time limit" if late else "")
            told = f"error: the instance ended before it delivered a result ({why})"
            outcome = Outcome(told, outcome.lines, outcome.phases, outcome.log, whole=False)
        return self._over(name, one, outcome)

    def _over(self, name: str, one: _Running, outcome: Outcome) -> Finished:
        # EC2 bills a minute at least; who comes back days later did not pay for an instance that was off long before.
        seconds = max(60.0, min(self.clock.monotonic() - one.launched, one.handle.job.time_limit_s + GRACE_S))
        cost = usd(one.handle.job.price.usd_per_hour, seconds)
        try:
            self.journal.write("delivered", job=name, outcome=outcome.outcome, whole=outcome.whole)
            self.journal.write("terminating", job=name, instance_id=one.handle.instance_id, usd=str(cost))
        finally:
            del self._running[name]
            try:
                self.backend.terminate([one.handle.instance_id])
            except UnreachableError:
                self._leftover = True  # asked again at the next look
        self._spent += cost
        progress = self._progress[name]
        progress.phase, progress.detail, progress.spent_usd = "done", outcome.outcome.partition("\n")[0], cost
        progress.log = outcome.log
        attempts = self._attempts[name]
        return Finished(
            one.handle.job, outcome, one.handle.instance_id, one.handle.intent.zone, seconds, cost, attempts
        )

    # Ending.

    def _end_all(self, why: str) -> list[Finished]:
        """Ends what runs, and brings home what it had uploaded."""
        ended = []
        for name, one in list(self._running.items()):
            outcome = self.backend.collect(one.handle)
            if not outcome.whole:
                outcome = Outcome(why, outcome.lines, outcome.phases, outcome.log, whole=False)
            ended.append(self._over(name, one, outcome))
        return ended

    def _terminate_rest(self, *, also_unknown: bool) -> None:
        """Ends what is left where bringing an outcome home failed: an instance costs, whatever else is lost.

        Also what the run launched without hearing so, which its tag tells.
        """
        left = [one.handle.instance_id for one in self._running.values()]
        if also_unknown:
            with suppress(UnreachableError):
                left = list(dict.fromkeys([*left, *self.backend.alive()]))
        if left:
            self.backend.terminate(left)
        self._running.clear()

    def _confirm_gone(self, done: list[Finished]) -> list[Finished]:
        """Looks until every instance is terminated, asks again for those that are not, and fetches what came last."""
        started = self.clock.monotonic()
        alive = [handle.instance_id for handle in self._launched]
        while True:
            try:
                alive = self.backend.alive()
                if alive:
                    self.backend.terminate(alive)
                elif self._unheard is None or self.clock.monotonic() - self._unheard > UNHEARD_S:
                    done = [self._look_again(one) for one in done]
                    break
            except UnreachableError:
                if not alive:
                    alive = ["unknown, AWS does not answer"]
            if alive and self.clock.monotonic() - started > TERMINATE_S:
                raise CleanupError(
                    f"still alive after {TERMINATE_S} s: {', '.join(alive)}; end them with pytest-benchmark-aws reap"
                )
            self.clock.sleep(self.poll_s)
        self.journal.write("gone", usd=str(self._spent))
        return done

    def _look_again(self, one: Finished) -> Finished:
        """A launch that was given up may have delivered before it was gone: what is finished is not lost."""
        handle = next((known for known in self._launched if known.instance_id == one.instance_id), None)
        if handle is None or one.outcome.whole:
            return one
        outcome = self.backend.collect(handle)
        if not outcome.whole:
            return one
        self.journal.write("delivered", job=one.job.name, outcome=outcome.outcome, whole=True)
        return replace(one, outcome=outcome)

    def _never_ran(self, job: Job, why: str) -> Finished:
        self._set(job, "failed", why)
        return Finished(
            job, Outcome(why, (), {}, "", whole=False), None, None, 0.0, Decimal(0), self._attempts.get(job.name, 0)
        )

    def _set(self, job: Job, phase: str, detail: str) -> None:
        progress = self._progress[job.name]
        progress.phase, progress.detail = phase, detail


def _lost(outcome: Outcome) -> bool:
    """Whether the instance ended by AWS's own fault, as at its start: EC2's state reason begins with ``Server.``."""
    return not outcome.whole and "(Server." in outcome.outcome


def _taken_back(outcome: Outcome) -> bool:
    """Whether a spot instance ended because AWS wanted it."""
    return outcome.outcome.startswith("spot:") or (not outcome.whole and "spot" in outcome.outcome.lower())
