"""Follows a run's launches, brings their outcomes home, ends them, and sees that none is left."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal

from pytest_benchmark_aws.backends.protocol import Backend, Outcome, Status
from pytest_benchmark_aws.backends.registry import Backends
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.core.errors import CleanupError, UnreachableError
from pytest_benchmark_aws.run.journal import Journal
from pytest_benchmark_aws.run.ledger import Clock, Finished, Running, RunState
from pytest_benchmark_aws.run.timeouts import NEVER_SEEN_S, TERMINATE_S, UNHEARD_S

_MOST_PHASE, _MOST_DETAIL = 20, 300
"""Characters that are shown of what a guest says of itself."""


@dataclass(slots=True)
class Follower:
    """One run's launches, from the first look to the last."""

    backends: Backends
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
            if self.state.ending:  # what may be launched waits for it
                self._end_leftover()
            return []
        try:
            statuses = self.backends.poll([launch.handle for launch in self.state.running.values()])
        except UnreachableError as error:
            return self._wait_for_aws(error)
        self._silent = None
        ended: list[Finished] = []
        for name, launch in list(self.state.running.items()):
            status = statuses.get(launch.handle.instance_id, Status("unknown"))
            if status.age_s is not None:  # its launch may have been asked for long before the answer came
                launch.launched = min(launch.launched, self.clock.monotonic() - status.age_s)
            age_s = self.clock.monotonic() - launch.launched
            launch.seen |= status.age_s is not None
            if status.state in {"pending", "running"}:
                launch.paid = None  # AWS did not hear that it should end
            if status.state == "pending":
                launch.pending = self.clock.monotonic()
            gone = status.state == "gone" or (
                status.state == "unknown" and (age_s > NEVER_SEEN_S or launch.paid is not None)
            )
            late = age_s + self.poll_s > launch.handle.job.longest_s  # the next look would be too late
            self._show(launch, status, age_s)
            if status.done or gone or late or status.state == "stopping":
                try:
                    ended.append(self._end(name, launch, status, late=late))
                except UnreachableError as error:
                    self._wait_for_aws(error)
        self._end_leftover()
        return ended

    def _end_leftover(self) -> None:
        """Ends what is alive and not followed: AWS did not hear that it should end, or not say that it was launched."""
        if not self.state.leftover:
            return
        followed = {launch.handle.instance_id for launch in self.state.running.values()}
        try:
            living = self.backends.living()
            self._count_on({instance_id for _, ids in living for instance_id in ids})
            any_left = False
            for backend, ids in living:
                left = [instance_id for instance_id in ids if instance_id not in followed]
                if left:
                    backend.terminate(left)
                    any_left = True
            recent = self.state.unheard is not None and self.clock.monotonic() - self.state.unheard < UNHEARD_S
            self.state.leftover = any_left or recent
        except UnreachableError:
            self._count_on(None)

    def _count_on(self, alive: set[str] | None) -> None:
        """Counts what launches cost that were alive after their end was asked for; None: AWS does not say which are."""
        now = self.clock.monotonic()
        for name, launch in list(self.state.ending.items()):
            job, age_s = launch.handle.job, now - launch.launched
            launch.heard &= alive is not None and name not in alive
            if alive is None and age_s < job.longest_s:
                continue
            cost = usd(launch.usd_per_hour, min(launch.billed_s(now), job.longest_s))
            if cost > self.state.costs[name] and (alive is None or name in alive or not launch.heard):
                self.state.spent_usd += cost - self.state.costs[name]
                self.state.costs[name] = cost
            if alive is None or name not in alive:
                del self.state.ending[name]
                self._write_billed(launch)

    def _write_billed(self, launch: Running) -> None:
        """Only once a launch is known to end: a process that comes later counts one that is not until it is gone."""
        handle = launch.handle
        usd_billed = str(self.state.costs[handle.instance_id])
        self.journal.write("billed", job=handle.job.name, instance_id=handle.instance_id, usd=usd_billed)

    def _wait_for_aws(self, error: UnreachableError) -> list[Finished]:
        """Nothing can be asked: the guests go on and end by themselves, so this waits, until none can be alive.

        Raises:
            CleanupError: the last of them is past its deadline, and still nothing answers, nor did for a while.
        """
        now = self.clock.monotonic()
        self._silent = now if self._silent is None else self._silent  # a machine that wakes has no network at first
        launches = list(self.state.running.values())
        for launch in launches:
            self.state.progress[launch.handle.job.name].detail = f"waits for AWS: {error}"
        grace_s = max(launch.handle.job.grace_s for launch in launches)
        end = max(launch.launched + launch.handle.job.longest_s for launch in launches) + grace_s
        if now > end and now - self._silent > grace_s:
            ids = ", ".join(launch.handle.instance_id for launch in launches)
            raise CleanupError(
                f"{error}; past their deadline, but not seen to be gone: {ids}. Look with reap --dry-run"
            )
        return []

    def _show(self, launch: Running, status: Status, age_s: float) -> None:
        job, heartbeat = launch.handle.job, status.heartbeat
        progress = self.state.progress[job.name]
        progress.phase = str(heartbeat.get("phase") or status.phase or status.state)[:_MOST_PHASE]
        progress.seconds = age_s
        progress.spent_usd = usd(launch.usd_per_hour, launch.billed_s(self.clock.monotonic()))
        test, count, total = heartbeat.get("test"), heartbeat.get("done", 0), heartbeat.get("of", len(job.cases))
        progress.detail = (
            f"{str(count)[:_MOST_PHASE]}/{str(total)[:_MOST_PHASE]} {str(test)[:_MOST_DETAIL]}" if test else ""
        )
        if self.follow_logs:
            with suppress(UnreachableError):  # what it logged is shown at the next look
                progress.log = self.backends.of(job).log(launch.handle)

    def _end(self, name: str, launch: Running, status: Status, *, late: bool) -> Finished:
        self.state.progress[name].phase = "collect"
        backend = self.backends.of(launch.handle.job)
        outcome = backend.collect(launch.handle)
        if not outcome.whole:
            why = f"{status.reason or status.state}" + (", past its time limit" if late else "")
            text = f"error: the {backend.noun} ended before it delivered a result ({why})"
            outcome = replace(outcome, outcome=text, cause=status.cause)
        return self._over(name, launch, outcome)

    def _over(self, name: str, launch: Running, outcome: Outcome) -> Finished:
        handle, job = launch.handle, launch.handle.job
        backend = self.backends.of(job)
        # Who comes back days later did not pay for a launch that was off long before.
        seconds = max(backend.least_billed_s, min(launch.billed_s(self.clock.monotonic()), job.longest_s))
        cost = usd(launch.usd_per_hour, seconds)
        if launch.paid is not None:
            seconds = seconds * float(launch.paid / cost) if cost else backend.least_billed_s
            cost = launch.paid
        finished = Finished(
            job,
            outcome,
            handle.instance_id,
            handle.placement.zone,
            seconds,
            cost,
            self.state.attempts[name],
            handle.usd_per_hour,
        )
        self.state.ended[name], self.state.last_end = finished, self.clock.monotonic()
        try:
            self.journal.write("delivered", job=name, outcome=outcome.outcome, whole=outcome.whole)
            self.journal.write("terminating", job=name, instance_id=handle.instance_id)
        finally:
            del self.state.running[name]
            # What EC2 does not show yet it does not end, without saying so.
            launch.heard = launch.seen or launch.paid is not None
            try:
                backend.terminate([handle.instance_id])
            except UnreachableError:
                launch.heard = False  # asked again at the next look
        self.state.spent_usd += cost
        self.state.costs[handle.instance_id] = cost
        if job.count > 1 or not launch.heard:
            self.state.ending[handle.instance_id], self.state.leftover = launch, True
        else:
            self._write_billed(launch)
        progress = self.state.progress[name]
        progress.phase, progress.detail, progress.spent_usd = (
            "done",
            outcome.outcome.partition("\n")[0][:_MOST_DETAIL],
            cost,
        )
        progress.log = outcome.log
        return finished

    # Ending.

    def end_all(self, why: str) -> list[Finished]:
        """Ends what runs, and brings home what it had uploaded."""
        ended = []
        for name, launch in list(self.state.running.items()):
            try:
                outcome = self.backends.of(launch.handle.job).collect(launch.handle)
            except UnreachableError:  # fetched once AWS says that it is gone, which is looked for in any case
                outcome = Outcome(why, (), {}, "", whole=False)
            if not outcome.whole:
                outcome = replace(outcome, outcome=why)
            ended.append(self._over(name, launch, outcome))
        return ended

    def terminate_rest(self, *, also_unknown: bool) -> None:
        """Ends what is left where bringing an outcome home failed: a launch costs, whatever else is lost.

        Also what the run launched without hearing so, which its tag tells.
        """
        with ExitStack() as stack:  # each backend is asked, whatever another answers
            for backend in self.backends.by_prefix.values():
                stack.callback(self._terminate_rest, backend, also_unknown=also_unknown)
        self.state.running.clear()

    def _terminate_rest(self, backend: Backend, *, also_unknown: bool) -> None:
        handles = [launch.handle for launch in self.state.running.values()]
        left = [handle.instance_id for handle in handles if self.backends.of(handle.job) is backend]
        if also_unknown:
            with suppress(UnreachableError):
                left = list(dict.fromkeys([*left, *backend.alive()]))
        if left:
            backend.terminate(left)

    def confirm_gone(self, done: list[Finished]) -> list[Finished]:
        """Looks until every launch is gone, asks again for those that are not, and fetches what came last."""
        started = self.clock.monotonic()
        alive = [handle.instance_id for handle in self.state.launched]
        backends = self.backends.by_prefix.values()
        patience_s = max([TERMINATE_S, *(getattr(backend, "ends_within_s", 0.0) for backend in backends)])
        while True:
            try:
                living = self.backends.living()
                alive = [instance_id for _, ids in living for instance_id in ids]
                self._count_on(set(alive))
                for backend, ids in living:
                    backend.terminate(ids)
                unheard = self.state.unheard
                if not alive and (unheard is None or self.clock.monotonic() - unheard > UNHEARD_S):
                    done = self._as_billed([self._as_counted(self._look_again(job_end)) for job_end in done])
                    break
            except UnreachableError:
                self._count_on(None)
                if not alive:
                    alive = ["unknown, AWS does not answer"]
            if alive and self.clock.monotonic() - started > patience_s:
                with suppress(UnreachableError):
                    self.state.ended |= {job_end.job.name: self._look_again(job_end) for job_end in done}
                raise CleanupError(
                    f"still alive after {patience_s:.0f} s: {', '.join(alive)}; end them with pytest-benchmark-aws reap"
                )
            self.clock.sleep(self.poll_s)
        self.journal.write("gone", usd=str(self.state.spent_usd))
        return done

    def _as_counted(self, job_end: Finished) -> Finished:
        """With what its launch cost until it was gone, where it lived on after its end was asked for."""
        cost = self.state.costs.get(job_end.instance_id or "", job_end.usd)
        if cost <= job_end.usd or not job_end.usd:
            return job_end
        return replace(job_end, usd=cost, billed_seconds=job_end.billed_seconds * float(cost / job_end.usd))

    def _as_billed(self, done: list[Finished]) -> list[Finished]:
        """The ends with what their places say that was billed, where they say it; the run's money follows."""
        for handle in self.state.launched:
            seconds = None
            with suppress(UnreachableError):  # what was counted stays
                seconds = self.backends.of(handle.job).billed_s(handle)
            if seconds is None:
                continue
            cost = usd(handle.job.price.usd_per_hour, seconds)
            self.state.spent_usd += cost - self.state.costs.get(handle.instance_id, cost)
            self.state.costs[handle.instance_id] = cost
            self.journal.write("billed", job=handle.job.name, instance_id=handle.instance_id, usd=str(cost))
            done = [
                replace(end, billed_seconds=seconds, usd=cost) if end.instance_id == handle.instance_id else end
                for end in done
            ]
        # Of 28 digits the last do not cancel out, which is no amount that a journal may hold.
        self.state.spent_usd = max(Decimal(0), self.state.spent_usd.quantize(Decimal("1e-12"), ROUND_CEILING))
        return done

    def _look_again(self, job_end: Finished) -> Finished:
        """A launch that was given up may have delivered before it was gone: what is finished is not lost."""
        handles = (handle for handle in self.state.launched if handle.instance_id == job_end.instance_id)
        handle = next(handles, None)
        if handle is None or job_end.outcome.whole:
            return job_end
        outcome = self.backends.of(handle.job).collect(handle)
        if not outcome.whole:  # a console is shown some time after the end, and a guest that was told uploads the last
            log = max(job_end.outcome.log, outcome.log, key=len)
            lines = max(job_end.outcome.lines, outcome.lines, key=len)
            return replace(job_end, outcome=replace(job_end.outcome, log=log, lines=lines))
        self.journal.write("delivered", job=job_end.job.name, outcome=outcome.outcome, whole=True)
        return replace(job_end, outcome=outcome)
