"""The rows of the fault table that can happen to a training job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")

from pytest_benchmark_aws.aws import sagemaker
from pytest_benchmark_aws.backends.sagemaker import request
from pytest_benchmark_aws.core.errors import CleanupError
from pytest_benchmark_aws.core.plan import most_usd
from tests.faults.training import HANGS, RUN, TYPE, TrainingWorld, make_backend, make_jobs
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path, no_backoff: list[float]) -> Iterator[TrainingWorld]:
    """A fresh embedded AWS with short delays, and a machine that runs training jobs on it."""
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from pytest_benchmark_aws.embedded.state import Settings

    with EmbeddedAWS(tmp_path / "aws", Settings(state_delay=0.03, training_stop_grace=5)) as aws:
        yield TrainingWorld(aws, tmp_path / "here")


def test_a_job_delivers_and_is_billed_as_sagemaker_says(world: TrainingWorld) -> None:
    """The end, the journal and the run's money have BillableTimeInSeconds times the price."""
    (done,) = world.run(make_jobs())
    assert (done.outcome.outcome, done.outcome.log, world.alive()) == ("passed", "the guest's log", [])
    job = sagemaker.describe(world.clients(), done.instance_id or "", tags=True)
    assert job is not None
    assert (job.run, job.job, job.managed) == (RUN, TYPE, True)
    assert job.billable_s == done.billed_seconds
    assert float(world.lines("billed")[-1]["usd"]) == pytest.approx(done.billed_seconds * 1e-4)
    assert float(world.lines("gone")[0]["usd"]) == pytest.approx(float(done.usd))
    assert done.usd <= most_usd(done.job)


def test_a_created_job_whose_answer_was_lost_is_found_by_its_name(world: TrainingWorld) -> None:
    """The same is asked for again, ResourceInUse is the answer, and there is one job."""
    world.fault("CreateTrainingJob", "InternalFailure", 500, times=9, after=True)
    (done,) = world.run(make_jobs())
    assert done.outcome.outcome == "passed"
    assert len(world.jobs()) == 1
    assert world.calls("CreateTrainingJob") > 1


def test_a_name_that_is_anothers_job_ends_the_run(world: TrainingWorld) -> None:
    """A job of that name whose tags are not this launch's is none of ours to follow or to stop."""
    clients, (job,) = world.clients(), make_jobs()
    backend = make_backend(clients, world.folder / "other", script=HANGS)
    (placement,) = backend.placements(job, 1)
    backend.launch(job, placement)
    arn = sagemaker.describe(clients, request.job_name(RUN, placement.token)).arn  # type: ignore[union-attr]
    tags = [{"Key": "pytest-benchmark-aws:token", "Value": "another"}]
    clients("sagemaker").add_tags(ResourceArn=arn, Tags=tags)
    with pytest.raises(CleanupError, match="its tags are not this launch's"):
        world.run([job])


@pytest.mark.parametrize(
    "die_at", ["before-send.sagemaker.CreateTrainingJob", "after-call.sagemaker.CreateTrainingJob"]
)
def test_a_client_killed_between_intent_and_create_is_replayed(world: TrainingWorld, die_at: str) -> None:
    """Whether the job had been created or not, the resumed run creates no second one, and it passes."""
    world.killed_client(die_at)
    assert [len(world.lines(kind)) for kind in ("intent", "launched")] == [1, 0]
    assert len(world.jobs()) == die_at.startswith("after")
    (done,) = world.run(make_jobs(), resume=True)
    assert (done.outcome.outcome, len(world.jobs()), world.alive()) == ("passed", 1, [])


def test_a_run_is_taken_over_by_tags_where_its_journal_is_elsewhere(world: TrainingWorld) -> None:
    """Run, job, attempt, token, deadline and price are in the tags."""
    from pytest_benchmark_aws.run import takeover

    backend = make_backend(world.clients(), world.folder / "elsewhere", script=HANGS)
    (job,) = make_jobs()
    handle = backend.launch(job, backend.placements(job, 1)[0])
    (seen,) = backend.launches()
    assert (seen.run_id, seen.job, seen.instance_id) == (RUN, job.name, handle.instance_id)
    assert (seen.placement.token, seen.usd_per_hour) == (handle.placement.token, job.price.usd_per_hour)
    assert seen.longest_s == pytest.approx(job.longest_s, abs=2)
    assert seen.most_usd is not None
    assert seen.most_usd <= most_usd(job) * 2
    past = takeover.past_seen(backend.launches())
    assert [launch.instance_id for launch in past] == [handle.instance_id]
    backend.terminate([handle.instance_id])


def test_throttled_creates_wait_and_none_is_made_twice(world: TrainingWorld) -> None:
    """ThrottlingException, longer than botocore's own retries: the launch is asked for again, by the same name."""
    world.fault("CreateTrainingJob", "ThrottlingException", 400, times=20)
    (done,) = world.run(make_jobs())
    assert (done.outcome.outcome, len(world.jobs())) == ("passed", 1)


def test_a_quota_that_is_used_up_waits_for_its_wave(world: TrainingWorld) -> None:
    """Where the quota holds one job, the second waits for the first one's end, and passes."""
    world.aws.control("training-quota", {"name": f"{TYPE} for training job usage", "value": 1})
    done = world.run(make_jobs(2))
    assert [end.outcome.outcome for end in done] == ["passed", "passed"]
    assert any("1 of 1 instances in use" in line for line in world.watched)


def test_a_quota_of_0_is_refused_before_a_launch(world: TrainingWorld) -> None:
    """With its name, which is what Service Quotas is asked for more by."""
    backend = make_backend(world.clients(), world.folder / "checked")
    world.aws.control("training-quota", {"name": f"{TYPE} for spot training job usage", "value": 0})
    (problem,) = type(backend)(backend.site).check(make_jobs(market="spot"))
    assert f"'{TYPE} for spot training job usage' is 0 instances" in problem
    assert "Service Quotas, Amazon SageMaker" in problem
    assert type(backend)(backend.site).check(make_jobs()) == []


def test_a_job_that_never_starts_is_stopped_at_its_deadline_and_costs_nothing(world: TrainingWorld) -> None:
    """It waits for capacity for as long as it may live; nothing of it is billed, and it is no longer there."""
    world.aws.control("training-capacity", {"instance_type": TYPE, "available": 0, "fails": False})
    (done,) = world.run(make_jobs(), poll_s=300.0)
    assert done.outcome.outcome.startswith("error: the training job ended before it delivered a result")
    assert "past its time limit" in done.outcome.outcome
    assert (done.usd, done.billed_seconds, world.alive()) == (0, 0, [])


def test_a_lack_of_capacity_is_asked_for_again_and_then_told(world: TrainingWorld) -> None:
    """SageMaker takes the job and fails it later: three attempts, each a job of its own name."""
    world.aws.control("training-capacity", {"instance_type": TYPE, "available": 0, "fails": True})
    (done,) = world.run(make_jobs())
    assert "CapacityError" in done.outcome.outcome
    assert (done.attempts, len(world.jobs()), world.alive()) == (3, 3, [])


def test_a_lack_of_spot_capacity_falls_back_where_that_was_asked_for(world: TrainingWorld) -> None:
    """On demand, after three attempts; the request then has no MaxWaitTimeInSeconds."""
    world.aws.control("training-capacity", {"instance_type": TYPE, "available": 0, "fails": True})
    world.clock.on_sleep = lambda _: (
        world.aws.control("training-capacity", {"instance_type": TYPE, "available": 9, "fails": True})
        if len(world.jobs()) == 3
        else None
    )
    (done,) = world.run(make_jobs(market="spot"), spot_fallback=True)
    assert (done.outcome.outcome, done.job.fallback, len(world.jobs())) == ("passed", True, 4)


def test_an_interrupted_spot_job_is_stopped_and_launched_anew(world: TrainingWorld) -> None:
    """SageMaker would go on with it on other machines: a launch is whole, or not at all."""

    def interrupt_the_first(_: object) -> None:
        jobs = world.jobs()
        if len(jobs) == 1 and jobs[0]["secondary_status"] == "Training":
            world.aws.control(f"training-jobs/{jobs[0]['name']}/spot-interrupt", {})

    world.clock.on_sleep = interrupt_the_first
    script = f"({HANGS!r} if job['put']['done']['url'].split('/')[-2] == '1' else 'deliver()')"
    (done,) = world.run(make_jobs(market="spot"), script=f"exec({script})")
    assert (done.outcome.outcome, done.attempts, world.alive()) == ("passed", 2, [])


def test_a_stop_that_is_denied_is_told_with_what_the_policy_lacks(world: TrainingWorld) -> None:
    """The job ends at its time limit by itself; the run ends as unclean, and says which is left."""
    world.fault("StopTrainingJob", "AccessDeniedException", 400, times=99)
    with pytest.raises(CleanupError, match="AWS refuses to stop pba-"):
        world.run(make_jobs(), script="deliver(); signal.pause()")


def test_a_stop_that_fails_is_asked_for_again(world: TrainingWorld) -> None:
    """Until AWS has heard it."""
    world.fault("StopTrainingJob", "InternalFailure", 500, times=20)
    (done,) = world.run(make_jobs(), script="deliver(); signal.pause()")
    assert (done.outcome.outcome, world.alive()) == ("passed", [])
    assert world.calls("StopTrainingJob") > 20


def test_a_container_that_ends_without_a_result_leaves_its_words(world: TrainingWorld) -> None:
    """What it printed, from CloudWatch Logs, and SageMaker's reason."""
    (done,) = world.run(make_jobs(), script="sys.exit('no route to host')")
    assert "AlgorithmError" in done.outcome.outcome
    assert "no route to host" in done.outcome.log


def test_overdue_jobs_of_any_run_are_ended(world: TrainingWorld) -> None:
    """By the deadline in their tags."""
    backend = make_backend(world.clients(), world.folder / "elsewhere", script=HANGS)
    (job,) = make_jobs()
    handle = backend.launch(job, backend.placements(job, 1)[0])
    assert list(backend.end_overdue()) == []
    clients = world.clients()
    arn = sagemaker.describe(clients, handle.instance_id).arn  # type: ignore[union-attr]
    tags = [{"Key": "pytest-benchmark-aws:deadline", "Value": "2026-01-01T00:00:00+00:00"}]
    clients("sagemaker").add_tags(ResourceArn=arn, Tags=tags)
    assert [launch.instance_id for launch in backend.end_overdue()] == [handle.instance_id]
    wait_until(lambda: world.alive() == [])


def test_ctrl_c_keeps_what_is_finished_and_a_resume_launches_the_rest(world: TrainingWorld) -> None:
    """The container is told by SIGTERM and uploads its last; what had ended is not launched again."""
    from pytest_benchmark_aws.backends.registry import Backends
    from pytest_benchmark_aws.run import history, takeover
    from pytest_benchmark_aws.run.journal import read

    cases = [f"test_it.py::{name}" for name in ("test_quick", "test_hangs")]
    source = "import threading\ndef test_quick(benchmark): benchmark.pedantic(int, rounds=2)\n"
    source += "def test_hangs(benchmark): threading.Event().wait()\n"
    jobs = make_jobs(cases=cases)

    def second_runs() -> bool:
        return any("1/2 test_it.py::test_hangs" in line for line in world.watched)

    (done,) = world.run(jobs, script=None, source=source, stop=second_runs)
    assert (done.outcome.outcome, done.outcome.whole, world.alive()) == ("error: interrupted", False, [])
    assert "SIGTERM: what is finished is uploaded" in done.outcome.log
    past = takeover.past_launches(read(world.journal_path), history.utc_now())
    backend = make_backend(world.clients(), world.journal_path.parent)
    rest = takeover.rest_of(jobs, past, Backends({"": backend}))
    assert [[case.bare_id for case in job.cases] for job in rest.jobs] == [[cases[1]]]
    (piece,) = rest.finished
    assert [bench["fullname"] for line in piece.outcome.lines for bench in line.get("benchmarks", ())] == [cases[0]]
