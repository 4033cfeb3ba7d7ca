"""A run as a state machine: clients come, look, are killed and come again, while guests do what they do."""

from __future__ import annotations

import json
import shutil
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pytest_benchmark_aws.backends.registry import Backends
from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.errors import CleanupError
from pytest_benchmark_aws.core.model import Case, Job, Market, Price, Requirements, Target
from pytest_benchmark_aws.core.plan import most_usd
from pytest_benchmark_aws.results import storage
from pytest_benchmark_aws.run import history, takeover
from pytest_benchmark_aws.run.journal import Journal, JournalError, read
from pytest_benchmark_aws.run.ledger import Limits, Watcher
from pytest_benchmark_aws.run.runner import Runner
from tests.soak.process import FOLDER, Process, SimulatedClock, SteppedJournal, deliver, world_time
from tests.soak.simulated import LOST_LAUNCH, LOST_TERMINATE, RUN, ZONES, Cloud, Crash, Instance, SimulatedBackend

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.run.ledger import Past

POLL_S = 20.0
LIMIT_S = 600
VISIBLE_S = 60.0
"""EC2 shows a launch after so many seconds at most."""
DELAYS = st.sampled_from([0.0, 0.4, 0.9, 1.4, 2.0, 3.1, 21.0, 100.0])
"""Until something happens: also between two calls of one look."""
FAULTS = ("throttled", "unreachable", "denied", "outage", LOST_LAUNCH, LOST_TERMINATE)
INSTANCES = st.integers(0, 3)


def make_job(launch: int, market: Market = "on-demand") -> Job:
    """One USD an hour."""
    target = Target("m5.large", market, launch)
    case = Case(f"t[{target}]", "t", target, Requirements())
    return Job(target, catalog().types["m5.large"], (case,), Price(Decimal(1), "soak"), LIMIT_S)


JOBS = (make_job(2, "spot"), make_job(1), make_job(3))


class Run(RuleBasedStateMachine):
    """The rules, and what holds after each of them. A mutant is a subclass that exchanges a part."""

    runner: ClassVar[type[Runner]] = Runner
    backend: ClassVar[type[SimulatedBackend]] = SimulatedBackend
    find: ClassVar[Callable[[Path, str, str], Path | None]] = staticmethod(storage.find)
    cloud_kind: ClassVar[type[Cloud]] = Cloud
    all_jobs: ClassVar[tuple[Job, ...]] = JOBS

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="soak-"))
        self.folder = self.root / "runs" / RUN
        self.results = self.root / "results"
        self.jobs: tuple[Job, ...] = self.all_jobs
        self.cloud = self.cloud_kind(Decimal(0))
        self.process: Process | None = None
        self.fallback = False
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("pytest_benchmark_aws.run.journal.os.fsync", lambda _: None)

    # The client.

    def _body(self, process: Process) -> None:
        path = self.folder / "journal.jsonl"
        past = takeover.past_launches(read(path), world_time(self.cloud.now)) if path.exists() else []
        opened = Journal.open(self.folder)
        try:
            self._run(process, SteppedJournal(opened, self.cloud, process.steps), past)
        finally:
            opened.close()

    def _run(self, process: Process, stepped: SteppedJournal, past: list[Past]) -> None:
        stepped.write("run", run=RUN, jobs=[job.name for job in self.jobs])

        def hold(seconds: float) -> None:
            if seconds == POLL_S:
                self._nothing_is_overdue(process)
            process.hold()

        self.cloud.cut.clear()
        runner = self.runner(
            Backends({"": self.backend(self.cloud, process.steps)}),
            stepped,  # type: ignore[arg-type]
            SimulatedClock(self.cloud, process.steps, hold),
            Limits(8, self.cloud.cap, self.fallback),
            POLL_S,
            Watcher(stop=lambda: process.stopping),
        )
        done = runner.run(self.jobs, past)
        assert sorted(one.job.name for one in done) == sorted(job.name for job in self.jobs)
        # A launch whose reply never came is not this process's; the next one finds it by its token.
        heard = {line["instance_id"] for line in read(stepped.path) if line["kind"] == "launched"}
        # Nor is one that an interrupted process was ending when it was killed.
        cut = heard.intersection(self.cloud.cut) - {launch.instance_id for launch in past if launch.ended}
        assert process.stopping or not cut, f"ended while their guests were well: {cut}"
        deliver(self.results, done, type(self).find, process.steps)
        self._all_is_delivered(heard)

    def _go_on(self) -> None:
        assert self.process is not None
        try:
            self.process.go_on()
        finally:
            process = self.process
            if process.over:
                self.process = None
        if process.over and not isinstance(process.error, (Crash, CleanupError)):
            assert not self.cloud.alive(), f"alive after the process, {process.error!r}: {self.cloud.alive()}"

    def _gone(self) -> bool:
        """Whether the journal says that all is over."""
        records = history.runs(self.root / "runs")
        return bool(records) and records[0].state == "gone"

    # What people and networks do.

    @initialize(jobs=st.integers(1, len(JOBS)), launches=st.integers(1, 3), shown=st.sampled_from([0.0, 0.0, 45.0]))
    def plan(self, jobs: int, launches: int, shown: float) -> None:
        """So many jobs, and money for so many launches at once or one after the other."""
        self.jobs = self.all_jobs[:jobs]
        self.cloud.cap, self.cloud.visible_after = most_usd(self.all_jobs[0]) * launches, shown

    @precondition(lambda self: self.process is None)
    @rule(fallback=st.booleans())
    def start_or_resume(self, fallback: bool) -> None:
        """``pytest --aws``, or where there is a journal ``--aws-resume``, until its first sleep."""
        self.fallback = fallback
        self.process = Process(self._body)
        self._go_on()

    @precondition(lambda self: self.process is not None)
    @rule(count=st.sampled_from([1, 1, 1, 3, 40]))
    def poll(self, count: int) -> None:
        """So many looks more."""
        for _ in range(count):
            if self.process is not None:
                self._go_on()

    @rule(count=st.integers(1, 6) | st.integers(1, 25), after=st.booleans(), torn=st.booleans(), fallback=st.booleans())
    def crash_at_step(self, count: int, after: bool, torn: bool, fallback: bool) -> None:
        """SIGKILL at the n-th act from here."""
        if self.process is None:
            self.fallback = fallback
            self.process = Process(self._body)
        steps = self.process.steps
        steps.left, steps.after, steps.torn = count, after, torn
        self._go_on()

    @precondition(lambda self: self.process is not None)
    @rule(number=INSTANCES, delay=DELAYS)
    def interrupt(self, number: int, delay: float) -> None:
        """Ctrl-C, once, about when a guest delivers."""
        assert self.process is not None
        if one := self._alive(number):
            one.due, one.outcome = self.cloud.now + delay, "passed"
        self.process.stopping = True
        self._go_on()

    @precondition(lambda self: self.process is not None)
    @rule()
    def second_client(self) -> None:
        """Another process on the same run is refused."""
        with pytest.raises(JournalError, match="is being followed by another process"):
            Journal.open(self.folder)

    @rule(seconds=st.sampled_from([1.0, 30.0, 299.0, 890.0, 1201.0, 100_000.0]))
    def tick(self, seconds: float) -> None:
        """Time passes: a laptop sleeps, or nobody is there."""
        self.cloud.advance(seconds)

    @rule(seconds=st.integers(0, int(VISIBLE_S)), full=st.sets(st.sampled_from(ZONES)))
    def weather(self, seconds: int, full: set[str]) -> None:
        """EC2 shows new launches only after a while; some zones have no capacity."""
        self.cloud.visible_after, self.cloud.full = float(seconds), set(full)

    @rule(kind=st.sampled_from(FAULTS), count=st.integers(1, 8))
    def fault(self, kind: str, count: int) -> None:
        """Launches are throttled, calls do not arrive or one is denied, nothing arrives for a while, or no reply."""
        if kind == "throttled":
            self.cloud.throttled = count
        elif kind == "unreachable":
            self.cloud.unreachable = count
        elif kind == "denied":
            self.cloud.denied = True
        elif kind == "outage":
            self.cloud.outage_until = self.cloud.now + 10.0 * count**3
        else:
            self.cloud.lost.append(kind)

    # What guests do.

    def _alive(self, number: int) -> Instance | None:
        alive = self.cloud.alive()
        return alive[number % len(alive)] if alive else None

    @rule(number=INSTANCES, delay=DELAYS, outcome=st.sampled_from(["passed", "failed", "timeout"]))
    def guest_done(self, number: int, delay: float, outcome: str) -> None:
        """It delivers, and powers itself off."""
        if one := self._alive(number):
            one.due, one.outcome = self.cloud.now + delay, outcome

    @rule(number=INSTANCES, deaf=st.booleans())
    def guest_hangs(self, number: int, deaf: bool) -> None:
        """It never delivers; where it did not even boot, nothing in it powers it off."""
        if (one := self._alive(number)) and one.result is None:
            one.due = None
            one.deaf |= deaf

    @rule(number=INSTANCES, delay=DELAYS, notice=st.booleans())
    def guest_dies(self, number: int, delay: float, notice: bool) -> None:
        """Its host breaks; on the spot market AWS takes it back, with a notice or without one."""
        if one := self._alive(number):
            one.dies = self.cloud.now + delay + 120 * notice
            one.reason = "Server.InternalError: it died"
            if one.job.market == "spot":
                one.reason = "Server.SpotInstanceTermination: taken back"
                if notice and (one.due is None or one.due > one.dies):
                    one.due, one.outcome = self.cloud.now + delay, "spot: taken back soon"

    @precondition(lambda self: self.process is None)
    @rule()
    def reap(self) -> None:
        """``pytest-benchmark-aws reap`` until EC2 has shown nothing for longer than it may be late."""
        self._reap()
        assert self.cloud.alive() == []

    def _reap(self) -> None:
        self.cloud.heal()
        empty_since = self.cloud.now
        while self.cloud.now - empty_since <= VISIBLE_S:
            found = [one.instance_id for one in self.cloud.shown() if one.ended is None]
            self.cloud.terminate(found)
            self.cloud.advance(5.0)
            empty_since = self.cloud.now if found else empty_since

    # What holds.

    def _nothing_is_overdue(self, process: Process) -> None:
        """Called when the client has looked, and before it sleeps again; a look that did not arrive saw nothing."""
        missed, self.cloud.missed = self.cloud.missed, False
        if not process.steps.dead and not missed:
            late = [one for one in self.cloud.alive() if one.deadline < self.cloud.now and one.visible < self.cloud.now]
            assert not late, f"alive past its deadline, at {self.cloud.now}: {late}"

    def _files(self) -> dict[str, int]:
        """Stored files by instance id."""
        found: dict[str, int] = {}
        for path in (self.results / FOLDER).glob("*.json"):
            instance_id = json.loads(path.read_text())["benchmarks"][0]["extra_info"]["instance_id"]
            found[instance_id] = found.get(instance_id, 0) + 1
        return found

    def _all_is_delivered(self, among: set[str]) -> None:
        done = {one.instance_id for one in self.cloud.instances.values() if one.result and "spot" not in one.result}
        lost = (done & among) - set(self._files())
        assert not lost, f"in the store and never delivered: {lost}"

    def _all_is_counted(self) -> None:
        """By the time of a look and some calls for each machine."""
        gone = [line for line in read(self.folder / "journal.jsonl") if line["kind"] == "gone"]
        counted, billed = Decimal(gone[-1]["usd"]), self.cloud.spent()
        looks = sum((one.job.price.usd_per_hour for one in self.cloud.instances.values()), Decimal(0)) * 30 / 3600
        assert counted >= billed - looks, f"{counted} USD counted, {billed} billed"

    @invariant()
    def nothing_is_delivered_twice(self) -> None:
        """One file for each instance at most."""
        twice = {known: count for known, count in self._files().items() if count != 1}
        assert not twice, f"delivered more than once: {twice}"

    @invariant()
    def gone_is_gone(self) -> None:
        """Where the journal says that all is over, nothing is alive."""
        if self.process is None and self.cloud.alive():
            assert not self._gone(), f"the journal says gone, alive: {self.cloud.alive()}"

    def teardown(self) -> None:
        """All is well again: who works comes to an end in order, and a last resume finds nothing left to do."""
        try:
            self.cloud.heal()
            if self.process is not None:
                self._to_the_end()
            error = self._to_the_end()
            assert error is None, f"it cannot be ended: {error!r}"
            assert not self.cloud.alive(), f"alive at the end: {self.cloud.alive()}"
            assert self._gone(), f"the journal is not closed: {history.runs(self.root / 'runs')}"
            self.nothing_is_delivered_twice()
            self._all_is_delivered(set(self.cloud.instances))
            self._all_is_counted()
        finally:
            if self.process is not None:
                self.process.kill()
            self.patch.undo()
            shutil.rmtree(self.root, ignore_errors=True)

    def _to_the_end(self) -> BaseException | None:
        process = self.process = self.process or Process(self._body)
        process.steps.left, process.free = None, True
        self._go_on()
        return process.error
