"""What a run does where AWS refuses, or does not answer just when it ends: it looks until nothing is left."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.core.errors import CleanupError, RemoteFailure, UnreachableError
from pytest_benchmark_aws.run.journal import read
from pytest_benchmark_aws.run.ledger import Past
from pytest_benchmark_aws.run.takeover import past_launches
from tests.run.fake_backend import World, make_job, make_jobs, opened
from tests.soak.process import world_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A run of lists."""
    with opened(tmp_path, "lists") as made:
        yield made


def once(method: str, error: Exception) -> Callable[[str], None]:
    """A hook that raises the error at the first call of the method."""
    calls = Counter[str]()

    def hook(name: str) -> None:
        calls[name] += 1
        if name == method and calls[name] == 1:
            raise error

    return hook


def test_an_interrupt_while_aws_does_not_answer_is_seen_to_its_end(world: World) -> None:
    """What was uploaded is fetched once everything is gone, and the journal says that it is."""
    job = make_job()
    world.backend.seconds[job.name] = 30.0
    world.backend.states[job.name] = "running"
    hook = once("collect", UnreachableError("no way to AWS"))
    world.backend.hook = hook

    def stop() -> bool:
        world.clock.now = max(world.clock.now, 30.0)
        return True

    (done,) = world.runner(stop=stop).run([job], [_past(world)])
    assert done.outcome.outcome == "passed"
    assert world.kinds()[-1] == "gone"
    assert world.all_ended()


def _past(world: World) -> Past:
    """An earlier process's launch of the job."""
    job = make_job()
    placement = world.backend.placements(job, 1)[0]
    world.journal.write("intent", job=job.name, **placement.record())
    handle = world.backend.launch(job, placement)
    return Past(job.name, placement, handle.instance_id, 0.0)


@pytest.mark.parametrize("immortal", [False, True])
def test_a_run_that_breaks_off_looks_until_all_is_gone(world: World, immortal: bool) -> None:
    """A request to end that was not heard is said again; what stays is named beside what went wrong."""
    world.backend.immortal = immortal
    world.backend.hook = once("poll", RemoteFailure("UnauthorizedOperation"))
    expected = CleanupError if immortal else RemoteFailure
    with pytest.raises(
        expected, match=r"^UnauthorizedOperation" + (r"; still alive after .*: i-0; " if immortal else "")
    ):
        world.runner().run([make_job()])
    assert ("gone" in world.kinds()) is not immortal
    assert world.backend.terminated.count("i-0") == 1 or immortal


def test_what_aws_refused_to_launch_is_no_launch_of_a_later_resume(world: World) -> None:
    """The journal says so, so that its place within the cap is free for others, and nobody asks for it by its token."""
    first, second = make_jobs(2)
    world.backend.hook = once("launch", RemoteFailure("UnauthorizedOperation"))
    refused, done = world.runner().run([first, second])
    assert refused.outcome.outcome == "error: UnauthorizedOperation"
    assert done.outcome.outcome == "passed"
    assert [line["job"] for line in read(world.journal.path) if line["kind"] == "refused"] == [first.name]
    past = {launch.job: launch for launch in past_launches(read(world.journal.path), world_time(0))}
    assert past[first.name].refused
    assert past[first.name].last_usd == 0


def test_a_launch_that_may_be_and_is_refused_again_fails_alone(world: World) -> None:
    """Whether it runs is not known: it counts as the most that it can cost, and the others go on."""
    first, second = make_jobs(2)
    world.backend.hook = once("launch", RemoteFailure("UnauthorizedOperation"))
    past = Past(first.name, world.backend.placements(first, 1)[0], None, 0.0)
    ends = {end.job.name: end for end in world.runner().run([first, second], [past])}
    assert ends[first.name].outcome.outcome == "error: UnauthorizedOperation"
    assert ends[second.name].outcome.outcome == "passed"
    assert "refused" not in world.kinds()
    (gone,) = (line for line in read(world.journal.path) if line["kind"] == "gone")
    assert float(gone["usd"]) > 1  # the most of one, and what the other took
