"""Launches a plan's jobs, follows them, brings their outcomes home and ends their instances.

One thread changes AWS: this one. What the outside world does comes in by the backend, the clock and ``stop``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from pytest_benchmark_aws.run.follow import Follower
from pytest_benchmark_aws.run.launch import Launcher
from pytest_benchmark_aws.run.ledger import Finished, Progress, RunState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from pytest_benchmark_aws.backends.protocol import Backend, Outcome
    from pytest_benchmark_aws.core.model import Job
    from pytest_benchmark_aws.run.journal import Journal
    from pytest_benchmark_aws.run.ledger import Clock, Past

SPOT_ATTEMPTS = 3
"""Launches of one job that AWS takes back before it is given up, or launched on demand where that was asked for."""


@dataclass(slots=True)
class Runner:
    """One run."""

    # Who launches and who follows: what proves the tests worth something exchanges them.
    launcher: ClassVar[type[Launcher]] = Launcher
    follower: ClassVar[type[Follower]] = Follower

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

    def run(self, jobs: Sequence[Job], past: Sequence[Past] = (), *, detach: bool = False) -> list[Finished]:
        """All jobs to their end, in waves that keep within the quota; every instance that it made is gone after it.

        ``past`` is what an earlier process of this run did; its launches are taken over. ``detach`` returns as soon as
        everything is launched, and leaves the instances to themselves.

        Raises:
            CleanupError: an instance that could not be seen to end, named.
        """
        state = RunState(self.watch, {job.name: Progress(job) for job in jobs})
        limits = (self.max_parallel, self.max_usd, self.vcpu_quota, self.spot_fallback)
        launcher = self.launcher(self.backend, self.journal, self.clock, state, *limits, self.stop)
        follower = self.follower(self.backend, self.journal, self.clock, state, self.poll_s, self.follow_logs)
        done, broken = [], True
        try:
            pending = deque(launcher.take_over(jobs, past))
            while pending or state.running:
                if self.stop():
                    done += follower.end_all("error: interrupted")
                    done += [state.never_ran(job, "error: interrupted before it was launched") for job in pending]
                    break
                done += launcher.launch_some(pending)
                if not state.running and not pending:
                    break
                if detach and not pending:
                    state.running.clear()
                    broken = False
                    return done
                ended = self._again(follower.look(), pending, state)
                done += ended
                stops = [self.finished(one) for one in ended]  # each is told, also after one says stop
                if any(stops):
                    done += follower.end_all("error: stopped after a failure (-x, --maxfail)")
                    done += [state.never_ran(job, "error: stopped after a failure (-x, --maxfail)") for job in pending]
                    break
                state.show()
                if pending or state.running:
                    self.clock.sleep(self.poll_s)
            broken = False
        finally:
            try:
                follower.end_all("error: the run broke off")
            finally:
                follower.terminate_rest(also_unknown=broken)
            state.show()
        return follower.confirm_gone(done)

    def _again(self, ended: list[Finished], pending: deque[Job], state: RunState) -> list[Finished]:
        """Puts a job whose instance AWS took back or lost in line again, within the budget; gives those that are over.

        Each launch is whole or not at all: what one of them measured is never mixed with another's.
        """
        over = []
        for one in ended:
            taken = one.job.market == "spot" and _taken_back(one.outcome)
            affordable = state.most_usd_with(one.job) <= self.max_usd
            if (taken or _lost(one.outcome)) and affordable and one.attempts < SPOT_ATTEMPTS:
                pending.append(one.job)
                state.note(one.job, "waiting", f"{one.outcome.outcome}; attempt {one.attempts} of {SPOT_ATTEMPTS}")
            elif taken and self.spot_fallback:
                pending.append(replace(one.job, fallback=True))
                state.note(one.job, "waiting", f"{one.outcome.outcome}; now on demand")
            else:
                over.append(one)
        return over


def _lost(outcome: Outcome) -> bool:
    """Whether the instance ended by AWS's own fault, as at its start: EC2's state reason begins with ``Server.``."""
    return not outcome.whole and "(Server." in outcome.outcome


def _taken_back(outcome: Outcome) -> bool:
    """Whether a spot instance ended because AWS wanted it."""
    return outcome.outcome.startswith("spot:") or (not outcome.whole and "spot" in outcome.outcome.lower())
