"""One process of a run: the real runner over the simulated cloud, held at each look, killed at any step."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.errors import PytestBenchmarkAWSError
from pytest_benchmark_aws.results import storage
from tests.soak.simulated import Crash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pytest_benchmark_aws.run.journal import Journal
    from pytest_benchmark_aws.run.ledger import Finished
    from tests.soak.simulated import Cloud

EPOCH = datetime(2026, 11, 24, tzinfo=timezone.utc)
FOLDER = "simulated"
WAIT_S = 60
"""Real seconds until a process that does not come back is a failure of the test itself."""


def world_time(seconds: float) -> datetime:
    """The cloud's time, as journals tell it."""
    return EPOCH + timedelta(seconds=seconds)


@dataclass
class Steps:
    """Counts a process's acts, and kills it at one of them."""

    left: int | None = None
    after: bool = False
    """Whether it dies after what that step does, before it hears of it."""
    torn: bool = False
    """Whether a journal line is half written by then."""
    dead: bool = False

    def __call__(self, act: Callable[[], object], tear: Callable[[], object] = lambda: None) -> object:
        """Does it, dies before it or after it."""
        if self.dead:
            raise Crash
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                self.dead = True
                if self.after:
                    with suppress(PytestBenchmarkAWSError):
                        act()
                elif self.torn:
                    tear()
                raise Crash
        return act()


@dataclass
class SteppedJournal:
    """The real journal, with the cloud's time in its lines."""

    journal: Journal
    cloud: Cloud
    step: Steps

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.journal.path

    def write(self, kind: str, **what: Any) -> None:
        """A line, half a line, or none."""
        what["time"] = world_time(self.cloud.now).isoformat()
        self.step(lambda: self.journal.write(kind, **what), self._tear)

    def _tear(self) -> None:
        with self.path.open("ab") as file:
            file.write(b'0123456789abcdef {"kind": "int')


@dataclass
class SimulatedClock:
    """The cloud's time; whoever sleeps is held until told to go on."""

    cloud: Cloud
    step: Steps
    hold: Callable[[float], None]

    def monotonic(self) -> float:
        """Now."""
        return self.cloud.now

    def sleep(self, seconds: float) -> None:
        """Lets the others act, then the time pass."""

        def act() -> None:
            self.hold(seconds)
            self.step(lambda: self.cloud.advance(seconds))

        self.step(act)


@dataclass
class Process:
    """A thread that runs only while it is let."""

    body: Callable[[Process], None]
    steps: Steps = field(default_factory=Steps)
    free: bool = False
    """Whether it is held no more."""
    stopping: bool = False
    """Whether Ctrl-C was pressed."""
    over: bool = False
    error: BaseException | None = None
    _go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _held: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __post_init__(self) -> None:
        threading.Thread(target=self._main, daemon=True).start()

    def _main(self) -> None:
        self._go.acquire()
        try:
            self.body(self)
        except BaseException as error:
            self.error = error
        self.over = True
        self._held.release()

    def go_on(self) -> None:
        """Until its next sleep, or its end.

        Raises:
            AssertionError: it broke an invariant.
        """
        assert not self.over
        self._go.release()
        assert self._held.acquire(timeout=WAIT_S), "the process neither sleeps nor ends"
        if self.error is not None and not isinstance(self.error, (Crash, PytestBenchmarkAWSError)):
            raise self.error

    def hold(self) -> None:
        """Called by the process itself: waits until it may go on."""
        if not self.free:
            self._held.release()
            self._go.acquire()

    def kill(self) -> None:
        """At once."""
        self.steps.dead = True
        if not self.over:
            self._go.release()
            assert self._held.acquire(timeout=WAIT_S)


def deliver(place: Path, done: Iterable[Finished], find: Callable[[Path, str, str], Path | None], step: Steps) -> None:
    """Stores what came home whole, as the session's ``saved_files`` does."""
    for one in done:
        if one.outcome.lines and find(place, FOLDER, one.instance_id or "") is None:
            data = {"benchmarks": [{"extra_info": {"instance_id": one.instance_id}}]}
            step(lambda data=data: storage.save(place, FOLDER, "soak", data))  # type: ignore[misc]
