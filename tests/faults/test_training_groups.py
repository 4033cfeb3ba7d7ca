"""Training jobs of several machines: each row of the fault table that can happen to one, and its cluster's keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")
pytest.importorskip("cryptography", reason="groups of machines need the extra [group]")

from pytest_benchmark_aws.aws import sagemaker
from pytest_benchmark_aws.aws.s3_run_bucket import default_bucket
from pytest_benchmark_aws.core.errors import ThrottledError
from pytest_benchmark_aws.core.plan import most_usd
from pytest_benchmark_aws.run.ledger import Past
from tests.faults.training import PRICE, RUN, TYPE, TrainingWorld, make_backend, make_jobs
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLACE = """
import os, urllib.error, urllib.request
root = pathlib.Path(os.environ["PYTEST_BENCHMARK_AWS_OPT_ML"])
config = json.loads((root / "input" / "config" / "resourceconfig.json").read_text())
place = config["hosts"].index(config["current_host"])
signer = Signer(job["role_region"])

def end(outcome):
    own = Uploader(job["group"]["members"][place - 1], signer)
    own.put("log", b"a member's log", attempts=1)
    own.put("done", json.dumps({"outcome": outcome}).encode(), attempts=1)
"""
IN_ORDER = f"""{PLACE}
if place:
    end("passed")
else:
    for url in job["group"]["ends"]:
        while True:
            try:
                urllib.request.urlopen(signer.request("GET", url, None, {{}}))
                break
            except urllib.error.HTTPError:
                time.sleep(0.05)
    deliver()
"""
"""The others deliver and end; then the first does."""
WAITS = "put('heartbeat', b'{}'); signal.pause()"


@pytest.fixture
def world(tmp_path: Path, no_backoff: list[float]) -> Iterator[TrainingWorld]:
    """A fresh embedded AWS with short delays, and a machine that runs training jobs on it."""
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from pytest_benchmark_aws.embedded.state import Settings

    with EmbeddedAWS(tmp_path / "aws", Settings(state_delay=0.03, training_stop_grace=5)) as aws:
        yield TrainingWorld(aws, tmp_path / "here")


def agents(world: TrainingWorld) -> list[str]:
    """Keys in the bucket of what holds the keys of clusters."""
    clients = world.clients()
    return [key for key in default_bucket(clients, clients.account()).listing("runs/") if key.endswith("agent.pyz")]


def once_training(world: TrainingWorld, act: Any) -> None:
    """Acts on each job, as soon as it is Training."""
    acted: set[str] = set()

    def on_sleep(_: object) -> None:
        for job in world.jobs():
            if job["name"] not in acted and job["secondary_status"] == "Training":
                acted.add(job["name"])
                act(job["name"])

    world.clock.on_sleep = on_sleep


def test_a_group_is_one_job_of_all_its_machines(world: TrainingWorld) -> None:
    """One call, one name; billed for each machine; their logs come home, and no keys are left."""
    (job,) = make_jobs(machines=3)
    (done,) = world.run([job], script=IN_ORDER)
    assert done.outcome.outcome == "passed"
    assert done.outcome.log.count("a member's log") == 2
    assert done.outcome.log.endswith("the guest's log")
    assert (len(world.jobs()), world.alive(), world.calls("CreateTrainingJob")) == (1, [], 1)
    item = world.clients()("sagemaker").describe_training_job(TrainingJobName=done.instance_id)
    assert item["ResourceConfig"]["InstanceCount"] == 3
    assert job.price.usd_per_hour == 3 * PRICE
    # DescribeTrainingJob: "The formula is BillableTimeInSeconds * InstanceCount".
    assert float(done.usd) == pytest.approx(3 * float(PRICE) * item["BillableTimeInSeconds"] / 3600)
    assert agents(world) == []
    kept = [path for path in world.folder.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert kept == []


def test_the_keys_are_there_while_the_group_runs(world: TrainingWorld) -> None:
    """And gone once it is over, though it never delivered."""
    seen: list[list[str]] = []

    def look_and_stop(name: str) -> None:
        seen.append(agents(world))
        sagemaker.stop(world.clients(), name)

    once_training(world, look_and_stop)
    world.run(make_jobs(machines=2), script=WAITS)
    assert seen == [[f"runs/{RUN}/{TYPE}-x2/1/input/agent.pyz"]]
    assert (world.alive(), agents(world)) == ([], [])


def test_a_machine_that_could_not_begin_ends_the_group(world: TrainingWorld) -> None:
    """Its own words are the reason; the first, which waits for it, is stopped at once."""
    script = f"{PLACE}\nif place: end('error: no wheel of lightgbm'); signal.pause()\nelse: {WAITS}\n"
    (done,) = world.run(make_jobs(machines=2), script=script)
    assert "machine 2 of 2: error: no wheel of lightgbm" in done.outcome.outcome
    assert (done.attempts, world.alive(), agents(world)) == (1, [], [])
    assert done.usd <= most_usd(done.job)


@pytest.mark.parametrize("place", [0, 1])
def test_a_host_that_dies_ends_the_job(world: TrainingWorld, place: int) -> None:
    """Whichever it is: SageMaker fails the whole job, and its words are in the log under its name."""
    script = f"{PLACE}\nif place == {place}: sys.exit('no route to host')\nelse: {WAITS}\n"
    (done,) = world.run(make_jobs(machines=2), script=script)
    assert "AlgorithmError" in done.outcome.outcome
    before, _, after = done.outcome.log.partition(f"--- machine {place + 1} of 2 algo-{place + 1} ---")
    assert "no route to host" in after
    assert "no route to host" not in before
    assert (world.alive(), agents(world)) == ([], [])


def test_half_a_group_is_refused_for_capacity(world: TrainingWorld) -> None:
    """There is one of two machines: SageMaker fails the job, nothing runs and nothing is paid, no keys are left."""
    world.aws.control("training-capacity", {"instance_type": TYPE, "available": 1, "fails": True})
    (done,) = world.run(make_jobs(machines=2), script=IN_ORDER)
    assert "CapacityError" in done.outcome.outcome
    assert (done.attempts, done.usd, world.alive(), agents(world)) == (3, 0, [], [])


def test_a_group_that_never_starts_is_stopped_at_its_deadline(world: TrainingWorld) -> None:
    """It waits for its second machine for as long as it may live; nothing of it is billed."""
    world.aws.control("training-capacity", {"instance_type": TYPE, "available": 1, "fails": False})
    (done,) = world.run(make_jobs(machines=2), script=IN_ORDER, poll_s=300.0)
    assert "past its time limit" in done.outcome.outcome
    assert (done.usd, done.billed_seconds, world.alive(), agents(world)) == (0, 0, [], [])


def test_the_quotas_count_all_machines(world: TrainingWorld) -> None:
    """Before a launch, with their names: of the type, and of one job."""
    backend = make_backend(world.clients(), world.folder / "checked")
    world.aws.control("training-quota", {"name": f"{TYPE} for training job usage", "value": 2})
    (problem,) = type(backend)(backend.site).check(make_jobs(machines=3))
    assert f"'{TYPE} for training job usage' is 2 instances, a launch takes 3" in problem
    world.aws.control("training-quota", {"name": f"{TYPE} for training job usage", "value": 99})
    (problem,) = type(backend)(backend.site).check(make_jobs(machines=21))
    assert "'Maximum number of instances per training job' is 20, count=21 is more" in problem


def test_groups_that_a_quota_does_not_hold_together_come_in_waves(world: TrainingWorld) -> None:
    """Three instances hold one group of two at a time."""
    world.aws.control("training-quota", {"name": f"{TYPE} for training job usage", "value": 3})
    done = world.run(make_jobs(2, machines=2), script=IN_ORDER)
    assert [end.outcome.outcome for end in done] == ["passed", "passed"]
    assert any("2 of 3 instances in use" in line for line in world.watched)
    assert agents(world) == []


def test_an_interrupted_spot_group_is_launched_anew_with_other_keys(world: TrainingWorld) -> None:
    """As a job of one machine is."""
    keys: list[str] = []

    def interrupt_the_first(name: str) -> None:
        keys.extend(agents(world))
        if len(world.jobs()) == 1:
            world.aws.control(f"training-jobs/{name}/spot-interrupt", {})

    once_training(world, interrupt_the_first)
    first = f"{WAITS!r} if job['put']['done']['url'].split('/')[-2] == '1' else {IN_ORDER!r}"
    (done,) = world.run(make_jobs(market="spot", machines=2), script=f"exec({first})")
    assert (done.outcome.outcome, done.attempts, world.alive(), agents(world)) == ("passed", 2, [], [])
    assert {key.split("/")[-3] for key in keys} == {"1", "2"}


def test_a_created_group_whose_answer_was_lost_is_found_by_its_name(world: TrainingWorld) -> None:
    """There is one job, and it delivers."""
    world.fault("CreateTrainingJob", "InternalFailure", 500, times=9, after=True)
    (done,) = world.run(make_jobs(machines=2), script=IN_ORDER)
    assert (done.outcome.outcome, len(world.jobs()), agents(world)) == ("passed", 1, [])


@pytest.mark.parametrize(
    "die_at", ["before-send.sagemaker.CreateTrainingJob", "after-call.sagemaker.CreateTrainingJob"]
)
def test_a_killed_client_is_gone_on_with(world: TrainingWorld, die_at: str) -> None:
    """Whether the job had been created or not, there is one in the end, it passes, and its keys are gone."""
    world.killed_client(die_at, f"{IN_ORDER}\nsignal.pause()", 2)
    assert len(agents(world)) == 1
    (done,) = world.run(make_jobs(machines=2), script=IN_ORDER, resume=True)
    assert done.outcome.outcome == "passed"
    assert (len(world.jobs()), world.alive(), agents(world)) == (1, [], [])


def test_a_request_whose_keys_are_gone_is_never_launched(world: TrainingWorld) -> None:
    """A run that was ended before AWS answered has deleted them: gone on with, it makes an attempt with new ones."""
    (job,) = make_jobs(machines=2)
    backend = make_backend(world.clients(), world.journal_path.parent, script=IN_ORDER)
    placement = backend.placements(job, 1)[0]
    world.fault("CreateTrainingJob", "ThrottlingException", 400, times=20)
    with pytest.raises(ThrottledError):
        backend.launch(job, placement)
    assert (backend.alive(), agents(world)) == ([], [])
    clients = world.clients()
    wait_until(lambda: world.calls("CreateTrainingJob") > 1)
    past, after = Past(job.name, placement, None, 0.0), make_backend(clients, world.journal_path.parent)
    with pytest.raises(Exception, match="the keys of its cluster were deleted"):
        after.launch(job, past.placement)
    assert world.jobs() == []


def test_a_stop_that_fails_is_asked_for_again(world: TrainingWorld) -> None:
    """Until AWS has heard it; the keys go after."""
    world.fault("StopTrainingJob", "InternalFailure", 500, times=20)
    (done,) = world.run(make_jobs(machines=2), script=f"{IN_ORDER}\nsignal.pause()")
    assert (done.outcome.outcome, world.alive(), agents(world)) == ("passed", [], [])


def test_keys_that_may_not_be_deleted_are_said_before_a_launch(world: TrainingWorld) -> None:
    """The policy lacks s3:DeleteObject: nothing is launched."""
    backend = make_backend(world.clients(), world.journal_path.parent)
    world.fault("DeleteObject", "AccessDenied", 403)
    with pytest.raises(Exception, match="AccessDenied"):
        backend.prepare(make_jobs(machines=2), backend.shipments)
    assert world.jobs() == []


def test_reap_stops_the_whole_job(
    world: TrainingWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one training job."""
    from pytest_benchmark_aws import cli

    backend = make_backend(world.clients(), world.journal_path.parent, script=WAITS)
    (job,) = make_jobs(machines=2)
    backend.launch(job, backend.placements(job, 1)[0])
    for name, value in world.aws.environment().items():
        monkeypatch.setenv(name, value)
    assert cli.main(["reap", "--run", RUN]) == 0
    assert "1 training jobs ended" in capsys.readouterr().out
    wait_until(lambda: world.alive() == [])
