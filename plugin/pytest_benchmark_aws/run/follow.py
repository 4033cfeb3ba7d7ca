"""Follows a run's launches, brings their outcomes home, ends their instances, and sees that none is left."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_benchmark_aws.backends.protocol import Outcome, Status
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.core.errors import CleanupError, UnreachableError
from pytest_benchmark_aws.core.plan import GRACE_S
from pytest_benchmark_aws.run.ledger import Finished

if TYPE_CHECKING:
    from pytest_benchmark_aws.backends.protocol import Backend
    from pytest_benchmark_aws.run.journal import Journal
    from pytest_benchmark_aws.run.ledger import Clock, Running, RunState

NEVER_SEEN_S = 300
"""EC2 shows a new instance within seconds; one that is not there after this is taken for gone."""
UNHEARD_S = 120
"""A launch that was never confirmed was none, where no instance is shown for so long."""
TERMINATE_S = 300
"""How long an instance may take to go before its id is reported."""


@dataclass(slots=True)
class Follower:
    """One run's launches, from the first look to the last."""

    backend: Backend
    journal: Journal
    clock: Clock
    state: RunState
    poll_s: float
    follow_logs: bool
    _silent: float | None = None
    """Since when AWS does not answer."""

    def look(self) -> list[Finished]:
        """One look at all that runs; what is over is brought home, ended and given."""
        if not self.state.running:
            return []
        try:
            statuses = self.backend.poll([one.handle for one in self.state.running.values()])
        except UnreachableError as error:
            return self._wait_for_aws(error)
        self._silent = None
        self._end_leftover()
        ended: list[Finished] = []
        for name, one in list(self.state.running.items()):
            status = statuses.get(one.handle.instance_id, Status("unknown"))
            if status.age_s is not None:  # its launch may have been asked for long before the answer came
                one.launched = min(one.launched, self.clock.monotonic() - status.age_s)
            age = self.clock.monotonic() - one.launched
            if status.state in {"pending", "running"}:
                one.paid = None  # AWS did not hear that it should end
            gone = status.state == "gone" or (
                status.state == "unknown" and (age > NEVER_SEEN_S or one.paid is not None)
            )
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
        if not self.state.leftover:
            return
        followed = {one.handle.instance_id for one in self.state.running.values()}
        with suppress(UnreachableError):
            left = [known for known in self.backend.alive() if known not in followed]
            if left:
                self.backend.terminate(left)
            recent = self.state.unheard is not None and self.clock.monotonic() - self.state.unheard < UNHEARD_S
            self.state.leftover = bool(left) or recent

    def _wait_for_aws(self, error: UnreachableError) -> list[Finished]:
        """Nothing can be asked: the guests go on and end by themselves, so this waits, until none can be alive.

        Raises:
            CleanupError: the last of them is past its deadline, and still nothing answers, nor did for a while.
        """
        now = self.clock.monotonic()
        self._silent = now if self._silent is None else self._silent  # a machine that wakes has no network at first
        for one in self.state.running.values():
            self.state.progress[one.handle.job.name].detail = f"waits for AWS: {error}"
        ends = [one.launched + one.handle.job.time_limit_s + 2 * GRACE_S for one in self.state.running.values()]
        if now > max(ends) and now - self._silent > GRACE_S:
            ids = ", ".join(one.handle.instance_id for one in self.state.running.values())
            raise CleanupError(
                f"{error}; past their deadline, but not seen to be gone: {ids}. Look with reap --dry-run"
            )
        return []

    def _show(self, one: Running, status: Status, age: float) -> None:
        progress = self.state.progress[one.handle.job.name]
        beat = status.heartbeat
        progress.phase = str(beat.get("phase") or status.state)
        progress.seconds = age
        progress.spent_usd = usd(one.handle.job.price.usd_per_hour, age)
        test, count, total = beat.get("test"), beat.get("done", 0), beat.get("of", len(one.handle.job.cases))
        progress.detail = f"{count}/{total} {test}" if test else ""
        if self.follow_logs:
            progress.log = self.backend.log(one.handle)

    def _end(self, name: str, one: Running, status: Status, *, late: bool) -> Finished:
        self.state.progress[name].phase = "collect"
        outcome = self.backend.collect(one.handle)
        if not outcome.whole:
            why = f"{status.reason or status.state}" + (", past its time limit" if late else "")
            told = f"error: the instance ended before it delivered a result ({why})"
            outcome = Outcome(told, outcome.lines, outcome.phases, outcome.log, whole=False)
        return self._over(name, one, outcome)

    def _over(self, name: str, one: Running, outcome: Outcome) -> Finished:
        # EC2 bills a minute at least; who comes back days later did not pay for an instance that was off long before.
        seconds = max(60.0, min(self.clock.monotonic() - one.launched, one.handle.job.time_limit_s + GRACE_S))
        cost = usd(one.handle.job.price.usd_per_hour, seconds)
        if one.paid is not None:
            seconds, cost = seconds * float(one.paid / cost) if cost else 60.0, one.paid
        try:
            self.journal.write("delivered", job=name, outcome=outcome.outcome, whole=outcome.whole)
            self.journal.write("terminating", job=name, instance_id=one.handle.instance_id, usd=str(cost))
        finally:
            del self.state.running[name]
            try:
                self.backend.terminate([one.handle.instance_id])
            except UnreachableError:
                self.state.leftover = True  # asked again at the next look
        self.state.spent_usd += cost
        progress = self.state.progress[name]
        progress.phase, progress.detail, progress.spent_usd = "done", outcome.outcome.partition("\n")[0], cost
        progress.log = outcome.log
        attempts = self.state.attempts[name]
        return Finished(
            one.handle.job, outcome, one.handle.instance_id, one.handle.intent.zone, seconds, cost, attempts
        )

    # Ending.

    def end_all(self, why: str) -> list[Finished]:
        """Ends what runs, and brings home what it had uploaded."""
        ended = []
        for name, one in list(self.state.running.items()):
            outcome = self.backend.collect(one.handle)
            if not outcome.whole:
                outcome = Outcome(why, outcome.lines, outcome.phases, outcome.log, whole=False)
            ended.append(self._over(name, one, outcome))
        return ended

    def terminate_rest(self, *, also_unknown: bool) -> None:
        """Ends what is left where bringing an outcome home failed: an instance costs, whatever else is lost.

        Also what the run launched without hearing so, which its tag tells.
        """
        left = [one.handle.instance_id for one in self.state.running.values()]
        if also_unknown:
            with suppress(UnreachableError):
                left = list(dict.fromkeys([*left, *self.backend.alive()]))
        if left:
            self.backend.terminate(left)
        self.state.running.clear()

    def confirm_gone(self, done: list[Finished]) -> list[Finished]:
        """Looks until every instance is terminated, asks again for those that are not, and fetches what came last."""
        started = self.clock.monotonic()
        alive = [handle.instance_id for handle in self.state.launched]
        while True:
            try:
                alive = self.backend.alive()
                if alive:
                    self.backend.terminate(alive)
                elif self.state.unheard is None or self.clock.monotonic() - self.state.unheard > UNHEARD_S:
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
        self.journal.write("gone", usd=str(self.state.spent_usd))
        return done

    def _look_again(self, one: Finished) -> Finished:
        """A launch that was given up may have delivered before it was gone: what is finished is not lost."""
        handle = next((known for known in self.state.launched if known.instance_id == one.instance_id), None)
        if handle is None or one.outcome.whole:
            return one
        outcome = self.backend.collect(handle)
        if not outcome.whole:
            return one
        self.journal.write("delivered", job=one.job.name, outcome=outcome.outcome, whole=True)
        return replace(one, outcome=outcome)
