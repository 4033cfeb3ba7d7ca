"""Launches a run's jobs: each attempt is announced in the journal, reserved for, paced, and replayed by its token."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from pytest_benchmark_aws.backends.protocol import Handle, Placement
from pytest_benchmark_aws.backends.registry import Backends
from pytest_benchmark_aws.core import errors
from pytest_benchmark_aws.core.model import Job
from pytest_benchmark_aws.core.plan import most_usd
from pytest_benchmark_aws.core.values.usd import format_usd
from pytest_benchmark_aws.run.journal import Journal
from pytest_benchmark_aws.run.ledger import Clock, Finished, Limits, Past, Running, RunState, Watcher
from pytest_benchmark_aws.run.timeouts import (
    LAUNCHES_A_LOOK,
    QUOTA_RELEASE_S,
    QUOTA_RETRY_S,
    THROTTLED_ATTEMPTS,
    backoff_s,
)


@dataclass(slots=True)
class Launcher:
    """One run's launches, within its limits."""

    backends: Backends
    journal: Journal
    clock: Clock
    state: RunState
    limits: Limits
    watcher: Watcher
    _retry_at: float = 0.0
    """When a launch that the quota refused is tried again, by the clock."""
    failed: list[Finished] = field(default_factory=list)
    """Jobs taken over of which AWS does not say what became of their launch."""

    def take_over(self, jobs: Sequence[Job], past: Sequence[Past]) -> list[Job]:
        """Follows what was launched before, and launches by the same token what may have been; gives the rest."""
        earlier_launches = {launch.job: launch for launch in past}
        self.state.leftover = bool(past)
        planned = {job.name for job in jobs}
        self.state.spent_usd += sum(
            (launch.spent_usd + launch.last_usd for launch in past if launch.job not in planned), Decimal(0)
        )
        rest = []
        for job in jobs:
            earlier = earlier_launches.get(job.name)
            anew = job if earlier is None else self._take_over(job, earlier)
            if anew is not None:
                rest.append(anew)
        return rest

    def _take_over(self, job: Job, earlier: Past) -> Job | None:
        """Follows the earlier launch; gives the job that is to be launched anew where nothing came of it."""
        placement, instance_id = earlier.placement, earlier.instance_id
        self.state.attempts[job.name] = max(placement.attempt, earlier.attempts)
        as_launched = earlier.launched_as(job)
        self.state.spent_usd += earlier.spent_usd + earlier.unseen * max(most_usd(job), most_usd(as_launched))
        anew = replace(job, fallback=earlier.fallback and self.limits.spot_fallback)  # only where still asked for
        if earlier.refused:
            return anew
        job = as_launched  # whatever is asked for now
        if instance_id is None:
            self._intend(job, placement)
            try:
                instance_id = self._launch_paced(job, placement, unsure=True).instance_id
            except errors.CapacityError:
                self._refuse(job, placement)
                return anew  # nothing came of it: an attempt of its own
            except errors.RemoteFailure as error:  # it may run, so that a later resume is to ask again
                self.failed.append(self.state.never_ran(job, f"error: {error}"))
                return None
            self.journal.write("launched", job=job.name, attempt=placement.attempt, instance_id=instance_id)
        handle = Handle(job, instance_id, placement)
        self.state.launched.append(handle)
        now, launched = self.clock.monotonic(), earlier.instance_id is not None
        paid = earlier.last_usd if earlier.ended else None
        running = Running(handle, now - earlier.age_s if launched else now, paid)
        running.intended = None if earlier.asked_s is None else now - earlier.asked_s
        self.state.running[job.name] = running
        self.state.note(job, "taken over", placement.zone)
        return None

    def launch_some(self, pending: deque[Job]) -> list[Finished]:
        """Launches what the quotas, the cap and the capacity allow now; gives the jobs that never can be."""
        state, failed = self.state, list[Finished]()
        most = min(self.limits.max_parallel, len(state.running) + LAUNCHES_A_LOOK)
        while pending and len(state.running) < most:
            job = pending[0]
            if not state.running and self.clock.monotonic() < self._retry_at:
                break
            full = self._full_quota(job)
            if full:
                state.progress[job.name].detail = f"waits for its wave: {full}"
                break
            if state.most_usd_with(job) > self.limits.max_usd:
                pending.popleft()
                failed.append(state.never_ran(job, self._beyond_the_cap(job)))
                continue
            if state.ending and state.most_usd_with(job) + state.ending_usd() > self.limits.max_usd:
                state.progress[job.name].detail = f"waits for the end of {', '.join(state.ending)}"
                break
            try:
                launched = self._launch(job)
            except errors.CapacityError as error:
                if state.running or self._is_released_soon(error):  # another's end may make room
                    state.progress[job.name].detail = f"waits: {error}"
                    break
                pending.popleft()
                if job.market == "spot" and self.limits.spot_fallback:
                    pending.appendleft(replace(job, fallback=True))
                    continue
                failed.append(state.never_ran(job, f"error: {error}"))
                continue
            except errors.CleanupError:
                raise
            except errors.PytestBenchmarkAWSError as error:
                pending.popleft()
                failed.append(state.never_ran(job, f"error: {error}"))
                continue
            pending.popleft()
            state.running[job.name] = launched
            state.note(job, "pending", launched.handle.placement.zone)
            self._show()
        return failed

    def _is_released_soon(self, error: errors.CapacityError) -> bool:
        """Whether the quota is used up by launches of this run that are over: AWS counts them for minutes more."""
        now, last_end = self.clock.monotonic(), self.state.last_end
        waits = isinstance(error, errors.QuotaError) and last_end is not None and now - last_end < QUOTA_RELEASE_S
        self._retry_at = now + QUOTA_RETRY_S if waits else 0.0
        return waits

    def _full_quota(self, job: Job) -> str:
        """What is in use of the job's quota, where the job must wait until there is more of it; else empty."""
        quota = self.backends.of(job).quota(job)
        if quota is None or not self.state.running:
            return ""
        jobs = [running.handle.job for running in self.state.running.values()]
        quotas = [self.backends.of(running_job).quota(running_job) for running_job in jobs]
        in_use = sum(other.takes for other in quotas if other is not None and other.pool == quota.pool)
        return f"{in_use} of {quota.limit} {quota.unit} in use" if in_use + quota.takes > quota.limit else ""

    def _beyond_the_cap(self, job: Job) -> str:
        most = most_usd(job)
        cap, used = format_usd(self.limits.max_usd), format_usd(self.state.most_usd_with(job) - most)
        return (
            f"error: not launched, --aws-max-cost {cap} USD would be passed: {used} USD of it are spent or reserved, "
            f"and this launch could cost {format_usd(most)} USD; raise it, or lower --aws-time-limit"
        )

    def _launch(self, job: Job) -> Running:
        """The next attempt of the job, where there is room for it.

        Raises:
            CapacityError: there is none in any of its places.
            PytestBenchmarkAWSError: it cannot be launched.
        """
        attempt = self.state.attempts[job.name] = self.state.attempts.get(job.name, 0) + 1
        placements = self.backends.of(job).placements(job, attempt)
        refused = []
        for placement in placements:
            self._intend(job, placement)
            asked = self.clock.monotonic()
            try:
                handle = self._launch_paced(job, placement)
            except errors.CapacityError as error:
                self._refuse(job, placement)
                if isinstance(error, errors.QuotaError):
                    raise  # it is of the region: no other zone has more
                refused.append(f"{placement.zone}: {error}")
                continue
            self.state.launched.append(handle)
            try:
                self.journal.write("launched", job=job.name, attempt=attempt, instance_id=handle.instance_id)
            except BaseException:
                self.backends.of(job).terminate([handle.instance_id])
                raise
            return Running(handle, self.clock.monotonic(), intended=asked)
        raise errors.CapacityError(
            f"no capacity for {job.instance_type.name} in {len(placements)} zones; {refused[-1]}"
        )

    def _launch_paced(self, job: Job, placement: Placement, *, unsure: bool = False) -> Handle:
        """Launches; where AWS is out of breath or does not answer, waits and says the same again, by the same token.

        ``unsure``: it may be launched already, so that a refusal to answer is no proof that it is not.

        Raises:
            CapacityError: there is none; QuotaError: AWS said each time that it is asked too often.
            RemoteFailure: AWS refuses it, or did not say whether it is launched; what is, is ended with the run, found
                by its tag.
        """
        started, tries, throttled = self.clock.monotonic(), 0, 0
        while True:
            try:
                return self.backends.of(job).launch(job, placement)
            except errors.ThrottledError as error:
                throttled += 1
                if throttled >= THROTTLED_ATTEMPTS and not unsure:
                    raise errors.QuotaError(f"AWS throttled the launch {throttled} times: {error}") from error
                last: Exception = error
            except errors.UnreachableError as error:
                unsure, last = True, error
            except errors.RemoteFailure:
                if unsure:
                    self._reserve_unheard(job)
                else:
                    self._refuse(job, placement)
                raise
            if unsure:
                if self.watcher.stop() or self.clock.monotonic() - started > job.grace_s:
                    self._reserve_unheard(job)
                    raise errors.RemoteFailure(f"{job.name} could not be launched: {last}") from last
                self.state.progress[job.name].detail = f"waits for AWS: {last}"
                self._show()
            tries += 1
            self.clock.sleep(backoff_s(tries))
            self._intend(job, placement)  # a fresh line before every replay of a launch

    def _reserve_unheard(self, job: Job) -> None:
        """It may run: it counts as the most that it can cost, and what is alive and not followed is ended."""
        self.state.unheard, self.state.leftover = self.clock.monotonic(), True
        self.state.spent_usd += most_usd(job)

    def _show(self) -> None:
        self.watcher.show(list(self.state.progress.values()))

    def _intend(self, job: Job, placement: Placement) -> None:
        self.journal.write(
            "intent",
            job=job.name,
            instance_type=job.instance_type.name,
            **placement.record(),
            fallback=job.fallback,
            reserved_usd=str(most_usd(job)),
            time_limit_s=job.time_limit_s,
            grace_s=job.grace_s,
            usd_per_hour=str(job.price.usd_per_hour),
        )

    def _refuse(self, job: Job, placement: Placement) -> None:
        """Says that nothing came of an intent: replayed later, it would launch what nothing is reserved for."""
        self.journal.write("refused", job=job.name, attempt=placement.attempt, token=placement.token)
