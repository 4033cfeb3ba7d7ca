"""Launches a run's jobs: each attempt is announced in the journal, reserved for, paced, and replayed by its token."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from pytest_benchmark_aws.backends.protocol import Handle
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
from pytest_benchmark_aws.core.values.usd import format_usd
from pytest_benchmark_aws.run.ledger import Finished, Running

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Sequence

    from pytest_benchmark_aws.backends.protocol import Backend, Intent
    from pytest_benchmark_aws.core.model import Job
    from pytest_benchmark_aws.run.journal import Journal
    from pytest_benchmark_aws.run.ledger import Clock, Past, RunState

THROTTLED_ATTEMPTS = 6
LAUNCHES_A_LOOK = 4
"""Between two looks: a launch is paced, and what runs already must not wait for all others to start."""


@dataclass(slots=True)
class Launcher:
    """One run's launches, within its limits."""

    backend: Backend
    journal: Journal
    clock: Clock
    state: RunState
    max_parallel: int
    max_usd: Decimal
    vcpu_quota: int | None
    spot_fallback: bool
    stop: Callable[[], bool]

    def take_over(self, jobs: Sequence[Job], past: Sequence[Past]) -> list[Job]:
        """Follows what was launched before, and launches by the same token what may have been; gives the rest."""
        known = {one.job: one for one in past}
        self.state.leftover = bool(past)
        wanted = {job.name for job in jobs}
        self.state.spent_usd += sum((one.spent_usd + one.last_usd for one in past if one.job not in wanted), Decimal(0))
        rest = []
        for job in jobs:
            one = known.get(job.name)
            if one is None:
                rest.append(job)
                continue
            self.state.attempts[job.name] = max(one.intent.attempt, one.attempts)
            self.state.spent_usd += one.spent_usd + one.unseen * most_usd(job)
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
            self.state.launched.append(handle)
            age = 0.0 if one.instance_id is None else one.age_s  # an intent tells no launch: the first look does
            paid = one.last_usd if one.ended else None
            self.state.running[job.name] = Running(handle, self.clock.monotonic() - age, paid)
            self.state.note(job, "taken over", one.intent.zone)
        return rest

    def launch_some(self, pending: deque[Job]) -> list[Finished]:
        """Launches what the quota, the cap and the capacity allow now; gives the jobs that never can be."""
        state, failed = self.state, list[Finished]()
        most = min(self.max_parallel, len(state.running) + LAUNCHES_A_LOOK)
        while pending and len(state.running) < most:
            job = pending[0]
            vcpus = job.instance_type.vcpus or 0
            if state.running and self.vcpu_quota is not None and state.vcpus() + vcpus > self.vcpu_quota:
                in_use = f"{state.vcpus()} of {self.vcpu_quota} vCPUs in use"
                state.progress[job.name].detail = f"waits for its wave: {in_use}"
                break
            if state.most_usd_with(job) > self.max_usd:
                pending.popleft()
                failed.append(state.never_ran(job, self._beyond_the_cap(job)))
                continue
            try:
                launched = self._launch(job)
            except CapacityError as error:
                if state.running:  # another's end may make room
                    state.progress[job.name].detail = f"waits: {error}"
                    break
                pending.popleft()
                if job.market == "spot" and self.spot_fallback:
                    pending.appendleft(replace(job, fallback=True))
                    continue
                failed.append(state.never_ran(job, f"error: {error}"))
                continue
            except CleanupError:
                raise
            except PytestBenchmarkAWSError as error:
                pending.popleft()
                failed.append(state.never_ran(job, f"error: {error}"))
                continue
            pending.popleft()
            state.running[job.name] = launched
            state.note(job, "pending", launched.handle.intent.zone)
            state.show()
        return failed

    def _beyond_the_cap(self, job: Job) -> str:
        most = most_usd(job)
        cap, used = format_usd(self.max_usd), format_usd(self.state.most_usd_with(job) - most)
        return (
            f"error: not launched, --aws-max-cost {cap} USD would be passed: {used} USD of it are spent or reserved, "
            f"and this launch could cost {format_usd(most)} USD; raise it, or lower --aws-time-limit"
        )

    def _launch(self, job: Job) -> Running:
        attempt = self.state.attempts[job.name] = self.state.attempts.get(job.name, 0) + 1
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
            self.state.launched.append(handle)
            try:
                self.journal.write("launched", job=job.name, attempt=attempt, instance_id=handle.instance_id)
            except BaseException:
                self.backend.terminate([handle.instance_id])
                raise
            return Running(handle, self.clock.monotonic())
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
                    self.state.unheard, self.state.leftover = self.clock.monotonic(), True
                    self.state.spent_usd += most_usd(job)  # it may run
                    raise RemoteFailure(f"{job.name} could not be launched: {last}") from last
                self.state.progress[job.name].detail = f"waits for AWS: {last}"
                self.state.show()
            attempt = min(attempt + 1, 5)
            self.clock.sleep(2.0**attempt)
            self._intend(job, intent)  # a fresh line before every replay of a launch

    def _intend(self, job: Job, intent: Intent) -> None:
        self.journal.write("intent", job=job.name, attempt=intent.attempt, token=intent.token, zone=intent.zone,
                           subnet=intent.subnet, fallback=job.fallback, reserved_usd=str(most_usd(job)))  # fmt: skip

    def _refuse(self, job: Job, intent: Intent) -> None:
        """Says that nothing came of an intent: replayed later, it would launch what nothing is reserved for."""
        self.journal.write("refused", job=job.name, attempt=intent.attempt, token=intent.token)
