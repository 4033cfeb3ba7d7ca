"""Launches a plan's jobs, follows them, brings their outcomes home and ends their instances.

One thread changes AWS: this one. What the outside world does comes in by the backends, the clock and the watcher.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from pytest_benchmark_aws.backends.registry import Backends
from pytest_benchmark_aws.core.errors import CleanupError
from pytest_benchmark_aws.core.model import Job
from pytest_benchmark_aws.report.progress import Progress
from pytest_benchmark_aws.run.follow import Follower
from pytest_benchmark_aws.run.journal import Journal
from pytest_benchmark_aws.run.launch import Launcher
from pytest_benchmark_aws.run.ledger import (
    BROKE_OFF,
    INTERRUPTED,
    STOPPED,
    Clock,
    Finished,
    Limits,
    Past,
    RunState,
    Watcher,
)
from pytest_benchmark_aws.run.timeouts import SPOT_ATTEMPTS


@dataclass(slots=True)
class Runner:
    """One run."""

    # Who launches and who follows: what proves the tests worth something exchanges them.
    launcher: ClassVar[type[Launcher]] = Launcher
    follower: ClassVar[type[Follower]] = Follower

    backends: Backends
    journal: Journal
    clock: Clock
    limits: Limits
    poll_s: float
    watcher: Watcher = field(default_factory=Watcher)

    def run(self, jobs: Sequence[Job], past: Sequence[Past] = (), *, detach: bool = False) -> list[Finished]:
        """All jobs to their end, in waves that keep within the quotas; every launch that it made is gone after it.

        ``past`` is what an earlier process of this run did; its launches are taken over. ``detach`` returns as soon as
        everything is launched, and leaves the launches to themselves.

        Raises:
            CleanupError: a launch that could not be seen to end, named; its ``finished`` has an end for each job.
        """
        state = RunState({job.name: Progress(job.name) for job in jobs})
        try:
            return self._run(state, jobs, past, detach=detach)
        except CleanupError as error:
            error.finished = tuple(
                state.ended.get(job.name) or state.never_ran(job, f"error: not run, the run broke off: {error}")
                for job in jobs
            )
            raise

    def _run(self, state: RunState, jobs: Sequence[Job], past: Sequence[Past], *, detach: bool) -> list[Finished]:
        watcher = self.watcher
        launcher = self.launcher(self.backends, self.journal, self.clock, state, self.limits, watcher)
        follower = self.follower(self.backends, self.journal, self.clock, state, self.poll_s, watcher.follow_logs)
        try:
            return self._to_the_end(launcher, follower, jobs, past, detach=detach)
        except CleanupError:
            raise
        except Exception as error:
            # What EC2 does not show yet it does not end, and a request to end may be lost: an error waits for it too.
            try:
                follower.confirm_gone([])
            except CleanupError as left:
                raise CleanupError(f"{error}; {left}") from error
            except Exception as again:
                raise error from again
            raise

    def _to_the_end(
        self, launcher: Launcher, follower: Follower, jobs: Sequence[Job], past: Sequence[Past], *, detach: bool
    ) -> list[Finished]:
        """The ends of all launches, each seen to be gone, unless they were left to themselves."""
        state, watcher = launcher.state, self.watcher
        done: list[Finished] = []
        broken = True
        try:
            pending = deque(launcher.take_over(jobs, past))
            done += launcher.failed
            while pending or state.running or self._more(done, pending, state):
                if watcher.stop():
                    done += follower.end_all(INTERRUPTED)
                    done += [state.never_ran(job, "error: interrupted before it was launched") for job in pending]
                    break
                done += launcher.launch_some(pending)
                if not state.running and not pending:
                    continue
                if detach and not pending:
                    state.running.clear()
                    broken = False
                    return done
                ended = self._again(follower.look(), pending, state)
                done += ended
                stops = [watcher.finished(job_end) for job_end in ended]  # it hears of each, also after it says stop
                if any(stops):
                    done += follower.end_all(STOPPED)
                    done += [state.never_ran(job, STOPPED) for job in pending]
                    break
                watcher.show(list(state.progress.values()))
                if pending or state.running:
                    self.clock.sleep(self.poll_s)
            broken = False
        finally:
            try:
                follower.end_all(BROKE_OFF)
            finally:
                follower.terminate_rest(also_unknown=broken)
            watcher.show(list(state.progress.values()))
        return follower.confirm_gone(done)

    def _more(self, done: Sequence[Finished], pending: deque[Job], state: RunState) -> bool:
        """Puts in line what the watcher wants launched, now that everything is over; whether there is any."""
        left_usd = self.limits.max_usd - state.spent_usd - state.reserved_usd()
        jobs = self.watcher.more(done, left_usd, self._problems)
        for job in jobs:
            state.progress[job.name] = Progress(job.name)
        pending.extend(jobs)
        return bool(jobs)

    def _problems(self, job: Job) -> Sequence[str]:
        """What its backend has against a job that was not checked with the others."""
        return self.backends.of(job).check([job])

    def _again(self, ended: list[Finished], pending: deque[Job], state: RunState) -> list[Finished]:
        """Puts a job whose launch AWS took back or lost in line again, within the budget; gives those that are over.

        Each launch is whole or not at all: what one of them measured is never mixed with another's.
        """
        over = []
        for launch in ended:
            job, outcome = launch.job, launch.outcome
            taken = job.market == "spot" and outcome.cause == "taken back"
            affordable = state.most_usd_with(job) <= self.limits.max_usd
            if (taken or outcome.cause == "lost") and affordable and launch.attempts < SPOT_ATTEMPTS:
                pending.append(job)
                state.note(job, "waiting", f"{outcome.outcome}; attempt {launch.attempts} of {SPOT_ATTEMPTS}")
            elif taken and self.limits.spot_fallback:
                pending.append(replace(job, fallback=True))
                state.note(job, "waiting", f"{outcome.outcome}; now on demand")
            else:
                over.append(launch)
        return over
