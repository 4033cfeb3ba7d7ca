"""Jobs are launched, followed and ended, whatever happens."""

from __future__ import annotations

import tempfile
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws.backends.registry import Backends
from pytest_benchmark_aws.core.errors import CleanupError, RemoteFailure, UnreachableError
from pytest_benchmark_aws.core.model import GRACE_S
from pytest_benchmark_aws.core.plan import most_usd
from pytest_benchmark_aws.run.journal import JournalError, read
from pytest_benchmark_aws.run.ledger import Finished, Past
from pytest_benchmark_aws.run.timeouts import NEVER_SEEN_S, TERMINATE_S
from tests.run.fake_backend import LIMIT_S, PLACES, POLL_S, TYPES, FaultyBackend, World, make_job, make_jobs, opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_benchmark_aws.backends.protocol import Placement
    from pytest_benchmark_aws.core.model import Job


@pytest.fixture(params=PLACES)
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """A run's folder, clock and backend: of each kind."""
    with opened(tmp_path, request.param) as made:
        yield made


in_each_place = pytest.mark.parametrize("place", PLACES)


SIZES = st.lists(st.sampled_from(TYPES), min_size=1, max_size=8)


def numbered(names: Sequence[str]) -> list[Job]:
    return [make_job(name, launch) for launch, name in enumerate(names, 1)]


@in_each_place
@settings(deadline=None, max_examples=30)
@given(SIZES, st.integers(32, 80), st.integers(1, 4), st.data())
def test_waves_keep_within_the_quota_and_everything_runs(
    place: str, names: list[str], quota: int, parallel: int, data: st.DataObject
) -> None:
    """Whatever the jobs, no more vCPUs and instances live at once than may, every job passes, all are ended."""
    jobs = numbered(names)
    seconds = {job.name: data.draw(st.floats(0, LIMIT_S)) for job in jobs}
    with tempfile.TemporaryDirectory() as made, opened(made, place) as one:
        one.backend.seconds = seconds
        done = one.runner(vcpu_quota=quota, max_parallel=parallel).run(jobs)
        assert one.backend.most_vcpus <= quota
        assert sorted(end.job.name for end in done) == sorted(job.name for job in jobs)
        assert {end.outcome.outcome for end in done} == {"passed"}
        assert one.all_ended()


@in_each_place
@settings(deadline=None, max_examples=30)
@given(SIZES, st.decimals("0.01", 20, places=2), st.integers(1, 4), st.data())
def test_spend_never_passes_the_most(
    place: str, names: list[str], most: Decimal, parallel: int, data: st.DataObject
) -> None:
    """Whatever the jobs do, what they cost together is at most what was allowed, and the rest is told so."""
    jobs = numbered(names)
    seconds = {job.name: data.draw(st.none() | st.floats(0, 9000)) for job in jobs}
    with tempfile.TemporaryDirectory() as made, opened(made, place) as one:
        one.backend.seconds = seconds
        done = one.runner(max_usd=most, max_parallel=parallel).run(jobs)
        assert sum(end.usd for end in done) <= most
        assert len(done) == len(jobs)
        for end in done:
            assert end.usd <= most_usd(end.job)
            assert (end.instance_id is None) == ("--aws-max-cost" in end.outcome.outcome)
        assert one.all_ended()


def test_the_next_zone_is_tried_with_a_new_token(world: World) -> None:
    """Where a zone has no room, the next one is asked, each attempt announced under a token of its own."""
    world.backend.has_room = lambda _, __, intent: intent.zone == "c"
    (done,) = world.runner().run([make_job()])
    assert done.zone == "c"
    assert [one.zone for one in world.backend.refused] == ["a", "b"]
    tokens = [line["token"] for line in read(world.journal.path) if line["kind"] == "intent"]
    assert len(set(tokens)) == 3


def test_where_no_zone_has_room_the_job_fails_with_the_reason(world: World) -> None:
    """A job for which there is no room anywhere is over, unlaunched, and costs nothing."""
    world.backend.has_room = lambda *_: False
    (done,) = world.runner().run([make_job()])
    assert (done.instance_id, done.usd) == (None, 0)
    assert done.outcome.outcome == "error: no capacity for m5.large in 3 zones; c: no room"


def test_a_type_that_no_zone_offers_fails(world: World) -> None:
    """Without a zone there is nothing to try."""
    world.backend.place.zones = ()
    (done,) = world.runner().run([make_job()])
    assert done.outcome.outcome == "error: m5.large is offered in no zone of the subnets"


def test_a_job_waits_where_anothers_end_makes_room(world: World) -> None:
    """While others run, no room is a reason to wait, and later tokens are new."""
    world.backend.has_room = lambda backend, *_: not backend.up
    done = world.runner().run(make_jobs(2))
    assert [one.outcome.outcome for one in done] == ["passed", "passed"]
    tokens = [line["token"] for line in read(world.journal.path) if line["kind"] == "intent"]
    assert len(set(tokens)) == len(tokens) > 2


def test_the_journal_has_each_act_in_order(world: World) -> None:
    """Placement, launch, delivery and end are written, and that nothing is alive last."""
    world.runner().run([make_job()])
    assert world.kinds() == ["intent", "launched", "delivered", "terminating", "billed", "gone"]


def test_a_job_that_never_delivers_ends_by_its_limit_and_grace(world: World) -> None:
    """It is ended within one look of the time limit and the grace, never later, with what it had uploaded."""
    world.backend.seconds["m5.large"] = None
    (done,) = world.runner().run([make_job()])
    assert LIMIT_S + GRACE_S - POLL_S <= done.billed_seconds <= LIMIT_S + GRACE_S
    assert "past its time limit" in done.outcome.outcome
    assert done.outcome.lines == ({"kind": "session"},)
    assert world.all_ended()


@pytest.mark.parametrize(("state", "after"), [("gone", 0.0), ("stopping", 0.0), ("unknown", NEVER_SEEN_S)])
def test_an_instance_that_goes_by_itself_is_over(world: World, state: str, after: float) -> None:
    """Gone or on its way, it is collected at once; unseen, after some minutes. Each is billed, the least at least."""
    world.backend.seconds["m5.large"] = None
    world.backend.states["m5.large"] = state
    (done,) = world.runner().run([make_job()])
    least = world.backend.least_billed_s
    assert max(least, after) <= done.billed_seconds <= max(least, after + 2 * POLL_S)
    assert done.outcome.outcome == f"error: the {world.backend.noun} ended before it delivered a result ({state})"
    assert world.all_ended()


def test_stop_ends_all_and_brings_home_what_is_there(world: World) -> None:
    """Asked to stop, every instance is ended, each job is told of, and what was uploaded is kept."""
    jobs = make_jobs(5)
    world.backend.seconds = dict.fromkeys((job.name for job in jobs), None)
    done = world.runner(max_parallel=2, stop=lambda: world.clock.now >= 50).run(jobs)
    assert [one.job for one in done] == jobs
    assert [one.outcome.outcome for one in done[:2]] == ["error: interrupted"] * 2
    assert [one.outcome.lines for one in done[:2]] == [({"kind": "session"},)] * 2
    assert {one.outcome.outcome for one in done[2:]} == {"error: interrupted before it was launched"}
    assert world.all_ended()
    assert world.clock.now == 50


def test_a_result_that_is_there_when_stopped_is_whole(world: World) -> None:
    """What was delivered in the last moment is no interruption."""
    world.backend.seconds["m5.large"] = 50
    (done,) = world.runner(stop=lambda: world.clock.now >= 50).run([make_job()])
    assert done.outcome.outcome == "passed"


def test_a_failure_ends_the_others_with_x(world: World) -> None:
    """Where the first that is over says so, all others end and none is launched any more."""
    jobs = make_jobs(4)
    world.backend.seconds = {jobs[0].name: None, jobs[1].name: 20.0}
    told: list[Finished] = []
    done = world.runner(max_parallel=2, finished=lambda one: not told.append(one)).run(jobs)
    assert [one.job for one in told] == [jobs[1]]
    assert [one.job for one in done] == [jobs[1], jobs[0], *jobs[2:]]
    assert [one.outcome.outcome for one in done[1:]] == ["error: stopped after a failure (-x, --maxfail)"] * 3
    assert len(world.backend.launched) == 2
    assert world.all_ended()


def test_what_cannot_be_seen_to_end_is_named(world: World) -> None:
    """An instance that stays is asked again to end, and named in the error."""
    world.backend.immortal = True
    with pytest.raises(CleanupError, match=r"i-0, i-1; end them with pytest-benchmark-aws reap"):
        world.runner().run(make_jobs(2))
    assert world.clock.now >= TERMINATE_S
    assert "gone" not in world.kinds()
    assert min(Counter(world.backend.terminated).values()) > 2


@pytest.mark.parametrize("method", ["launch", "poll", "collect", "terminate", "watch", "finished", "stop"])
@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("times", [1, 99])
def test_whatever_raises_every_instance_is_ended(world: World, method: str, after: int, times: int) -> None:
    """An error of the backend or of whoever watches, once or each time, leaves no launch that was not ended."""
    calls = Counter[str]()

    def counted(name: str, answer: Any = False) -> Any:
        calls[name] += 1
        if name == method and after < calls[name] <= after + times:
            raise RuntimeError(f"{name} broke")
        return answer

    if method in {"launch", "poll", "collect", "terminate"}:
        world.backend.hook = counted
    own = {name: lambda *_, name=name: counted(name) for name in ("watch", "finished", "stop")}
    with pytest.raises(RuntimeError, match=f"{method} broke"):
        world.runner(**own).run(make_jobs(3))
    assert world.all_ended()


@in_each_place
@settings(deadline=None, max_examples=40)
@given(st.integers(0, 16), st.booleans())
def test_a_journal_that_cannot_be_written_leaves_nothing_alive(place: str, whole: int, again: bool) -> None:
    """Wherever the disk fills up, once or for good, what was launched is ended."""
    with tempfile.TemporaryDirectory() as made, opened(made, place) as one:
        write, count = one.journal.write, 0

        class Full:
            path = one.journal.path

            def write(self, kind: str, **what: Any) -> None:
                nonlocal count
                count += 1
                if count == whole + 1 or (count > whole and not again):
                    raise JournalError("no space left")
                write(kind, **what)

        runner = one.runner()
        runner.journal = Full()  # type: ignore[assignment]
        try:
            done = runner.run(make_jobs(3))
        except JournalError:
            done = []
        assert one.all_ended()
        assert len({end.job.name for end in done}) == len(done)
        assert one.backend.up == {}


@pytest.mark.parametrize("instance_id", ["i-0", None])
def test_a_launch_on_demand_in_place_of_spot_says_so_after_a_resume(world: World, instance_id: str | None) -> None:
    """Taken over or launched again by its token, it is on demand, and the journal says so again."""
    job = make_job(market="spot")
    intent = world.backend.placements(job, 1)[0]
    past = Past(job.name, intent, instance_id, 0.0, fallback=True)
    if instance_id:
        world.backend.states[job.name] = "gone"
    (done,) = world.runner().run([job], [past])
    assert (done.job.fallback, done.job.market) == (True, "on-demand")
    assert [line["fallback"] for line in read(world.journal.path) if line["kind"] == "intent"] == [True] * (
        instance_id is None
    )


@pytest.mark.parametrize(
    "spent", [{"spent_usd": Decimal("0.9")}, {"unseen": 1}, {"job": "other", "last_usd": Decimal(1)}]
)
def test_what_was_spent_before_counts(world: World, spent: dict[str, Any]) -> None:
    """What a resumed run spent on launches that are over, of whatever job, leaves that much less for new ones."""
    job = make_job()
    words: dict[str, Any] = {"job": job.name, "instance_id": None, "age_s": 0.0, "refused": True, **spent}
    past = Past(placement=world.backend.placements(job, 1)[0], **words)
    (refused,) = world.runner(max_usd=most_usd(job) + Decimal("0.8")).run([job], [past])
    assert "--aws-max-cost" in refused.outcome.outcome
    (done,) = world.runner(max_usd=2 * most_usd(job)).run([job], [past])
    assert done.outcome.outcome == "passed"


@pytest.mark.parametrize("state", ["gone", "unknown", "stopping"])
def test_a_launch_that_was_ended_before_the_resume_costs_what_it_did(world: World, state: str) -> None:
    """Its money is what the journal recorded at its end, whatever time went by since, and no look waits for it."""
    job = make_job()
    world.backend.states[job.name], intent = state, world.backend.placements(job, 1)[0]
    past = Past(job.name, intent, "i-0", NEVER_SEEN_S / 2, spent_usd=Decimal(2), last_usd=Decimal("0.05"), ended=True)
    (done,) = world.runner().run([job], [past])
    assert (done.usd, done.billed_seconds) == (Decimal("0.05"), pytest.approx(180))
    assert world.clock.now == 0
    assert Decimal(read(world.journal.path)[-1]["usd"]) == Decimal("2.05")


def test_a_launch_that_did_not_hear_of_its_end_costs_its_whole_time(world: World) -> None:
    """Seen alive after the journal recorded its end, it went on costing."""
    job = make_job()
    past = Past(job.name, world.backend.placements(job, 1)[0], "i-0", 1800.0, last_usd=Decimal("0.05"), ended=True)
    world.backend.place.launch(job, past.placement)
    world.backend.seconds[job.name] = 0.0
    (done,) = world.runner().run([job], [past])
    assert done.usd == Decimal("0.5")


def test_a_replayed_launch_that_is_over_for_long_costs_the_most(world: World) -> None:
    """Nobody says since when it was: it may have run to its deadline; what is said in the end is what is counted."""
    job = make_job()
    world.backend.states[job.name] = "gone"
    past = Past(job.name, world.backend.placements(job, 1)[0], None, 86_400.0, 86_400.0)
    (done,) = world.runner().run([job], [past])
    assert done.usd == most_usd(job)
    assert Decimal(read(world.journal.path)[-1]["usd"]) == pytest.approx(most_usd(job))
    assert done.billed_seconds == pytest.approx(job.longest_s)


def test_an_attempt_of_which_only_the_bucket_tells_is_not_made_again(world: World) -> None:
    """Its token is used up, whatever became of it: the next launch has the attempt after it."""
    job = make_job()
    past = Past(job.name, world.backend.placements(job, 2)[0], None, 0.0, refused=True, attempts=4)
    world.runner().run([job], [past])
    assert [line["attempt"] for line in read(world.journal.path) if line["kind"] == "intent"] == [5]


@pytest.mark.parametrize("asked", [True, False])
def test_a_refused_launch_in_place_of_spot_is_made_on_demand_only_where_that_is_asked_for(
    world: World, asked: bool
) -> None:
    """What a resume launches anew goes by the resume's own options."""
    job = make_job(market="spot")
    past = Past(job.name, world.backend.placements(job, 1)[0], None, 0.0, refused=True, fallback=True)
    (done,) = world.runner(spot_fallback=asked).run([job], [past])
    assert done.job.market == ("on-demand" if asked else "spot")


def test_a_launch_that_is_refused_fails_alone(world: World) -> None:
    """An error of AWS about one launch is that job's; the others go on."""
    first, second = make_jobs(2)

    def has_room(_: FaultyBackend, job: Job, __: Placement) -> bool:
        if job is first:
            raise RemoteFailure("not authorized")
        return True

    world.backend.has_room = has_room
    done = world.runner().run([first, second])
    assert [one.outcome.outcome for one in done] == ["error: not authorized", "passed"]


def test_a_run_holds_jobs_of_several_backends(world: World, tmp_path: Path) -> None:
    """Each job runs where its target says, one look of each backend is for all of its own, and all are ended."""
    (tmp_path / "other").mkdir()
    with opened(tmp_path / "other", "processes") as other:
        other.backend.clock, other.backend.journal = world.clock, world.journal.path
        here, there = make_jobs(2), make_jobs(2, name="m5.xlarge")
        runner = world.runner()
        runner.backends = Backends({"": world.backend, "m5.xlarge": other.backend})
        done = runner.run([*here, *there])
        assert {end.outcome.outcome for end in done} == {"passed"}
        assert [handle.job for handle in world.backend.launched] == here
        assert [handle.job for handle in other.backend.launched] == there
        assert world.backend.polled[0] == other.backend.polled[0] == ["i-0", "i-1"]
        assert world.all_ended()
        assert other.all_ended()


def test_where_one_backend_cannot_end_its_launches_the_others_end_theirs(world: World, tmp_path: Path) -> None:
    """A run that breaks off asks each of its backends, whatever another answers."""
    (tmp_path / "other").mkdir()
    with opened(tmp_path / "other", "processes") as other:
        other.backend.clock, other.backend.journal = world.clock, world.journal.path

        def broken(name: str) -> None:
            if name in {"terminate", "poll"}:
                raise RuntimeError(f"{name} broke")

        world.backend.hook = broken
        runner = world.runner()
        runner.backends = Backends({"": world.backend, "m5.xlarge": other.backend})
        with pytest.raises(RuntimeError, match="terminate broke"):
            runner.run([make_job(), make_job("m5.xlarge")])
        assert world.all_ended()
        assert other.all_ended()


@in_each_place
def test_the_same_placement_is_the_same_launch(place: str, tmp_path: Path) -> None:
    """However often it is asked for; and what is gone is asked to end without an error."""
    with opened(tmp_path, place) as made:
        backend, job = made.backend.place, make_job()
        first, second = backend.placements(job, 1)[:2]
        handle = backend.launch(job, first)
        assert backend.launch(job, first) == handle
        assert backend.launch(job, second) != handle
        assert len(backend.alive()) == 2
        for _ in range(2):
            backend.terminate(["i-0", "i-1"])
        assert backend.alive() == []


def test_what_a_place_says_was_billed_is_what_counts(world: World) -> None:
    """In the end that is given, and in the journal; what the place does not say stays as it was counted."""
    world.backend.billed = {"i-0": 7.0}
    first, second = world.runner(max_parallel=1).run(make_jobs(2, price="36"))
    assert (first.billed_seconds, first.usd) == (7.0, Decimal("0.07"))
    assert second.usd > 0
    lines = {line["kind"]: line for line in read(world.journal.path)}
    assert (lines["billed"]["instance_id"], Decimal(lines["billed"]["usd"])) == ("i-0", Decimal("0.07"))
    assert Decimal(lines["gone"]["usd"]) == round(first.usd + second.usd, 12)


def test_a_place_that_cannot_say_what_was_billed_leaves_it_as_it_was_counted(world: World) -> None:
    """The run is over, whoever answers."""

    def hook(method: str) -> None:
        if method == "billed":
            raise UnreachableError("no network")

    world.backend.hook = hook
    (done,) = world.runner().run([make_job()])
    assert done.outcome.outcome == "passed"
    assert done.usd > 0
