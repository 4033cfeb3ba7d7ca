"""Events in a fixed order after which a launch lives on though its end was asked for, and counts all the same."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.soak.groups import GroupRun
from tests.soak.machine import Run
from tests.soak.simulated import LOST_LAUNCH, Cloud

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class CutOff(Cloud):
    """The network goes when the first end is asked for."""

    for_s = 0.0

    def terminate(self, instance_ids: Iterable[str]) -> None:
        """Nothing arrives, for so long."""
        if self.for_s:
            self.outage_until, self.for_s = self.now + self.for_s, 0.0
            self.reach()
        super().terminate(instance_ids)


class CutOffRun(Run):
    """Over that network."""

    cloud_kind = CutOff


@contextmanager
def run_of(kind: type[Run], jobs: int, launches: int, shown: float = 0.0) -> Iterator[Run]:
    """A run with money for so many launches; when it is at its end, what was billed is counted and within the cap."""
    run = kind()
    run.plan(jobs=jobs, launches=launches, shown=shown)
    try:
        yield run
    finally:
        run.teardown()


def test_a_launch_that_is_not_shown_counts_until_it_is_gone() -> None:
    """Ended before EC2 showed it, which ends nothing, it lives on while its client sleeps."""
    with run_of(Run, jobs=2, launches=2, shown=45.0) as run:
        run.start_or_resume(fallback=False)
        run.guest_hangs(number=0, deaf=True)
        run.interrupt(number=0, delay=0.0)
        run.tick(seconds=890.0)
        run.guest_dies(number=0, delay=0.0, notice=False)


def test_a_launch_whose_end_was_not_heard_counts_until_it_is_gone() -> None:
    """The network goes as it is interrupted, and it lives on while its client sleeps."""
    with run_of(CutOffRun, jobs=1, launches=2) as run:
        run.start_or_resume(fallback=False)
        run.poll(count=3)
        run.guest_hangs(number=0, deaf=True)
        assert isinstance(run.cloud, CutOff)
        run.cloud.for_s = 600.0
        run.interrupt(number=0, delay=1e6)
        run.tick(seconds=500.0)
        run.guest_dies(number=0, delay=0.0, notice=False)


@pytest.mark.parametrize("count", range(1, 16))
def test_a_launch_counts_that_its_client_was_killed_before_it_could_end(count: int) -> None:
    """Killed between the journal's line and the request, and resumed when the launch is gone by itself."""
    with run_of(Run, jobs=1, launches=2) as run:
        run.start_or_resume(fallback=False)
        run.poll(count=3)
        run.guest_hangs(number=0, deaf=True)
        assert run.process is not None
        run.process.stopping = True
        run.crash_at_step(count=count, after=True, torn=False, fallback=False)
        run.tick(seconds=890.0)
        run.guest_dies(number=0, delay=0.0, notice=False)
        run.tick(seconds=30.0)


def test_a_launch_whose_reply_was_lost_counts_from_its_first_request() -> None:
    """Asked for again a day later by its token, it is long gone, and EC2 does not show since when it was."""
    with run_of(GroupRun, jobs=1, launches=1) as run:
        run.fault(kind=LOST_LAUNCH, count=1)
        run.start_or_resume(fallback=False)
        run.tick(seconds=100_000.0)


def test_a_launch_that_a_killed_client_had_asked_for_counts_from_then() -> None:
    """Its process was killed before it heard the reply, and the next is interrupted before it has looked."""
    with run_of(Run, jobs=1, launches=1) as run:
        run.crash_at_step(count=3, after=True, torn=False, fallback=False)
        run.tick(seconds=299.0)
        run.fault(kind="throttled", count=1)
        run.start_or_resume(fallback=False)
        run.interrupt(number=0, delay=0.0)
