"""How training jobs end that do not end by themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.embedded.sagemaker.conftest import BUCKET, OVER, RANK, TrainingWorld, as_served
from tests.waiting import wait_until

SAVES = (
    RANK
    + """
def end(*_):
    (root / "model/so-far").write_text("half")
    (root / "checkpoints/step").write_text(str(step))
    print("saved", flush=True)
    sys.exit(0)
earlier = root / "checkpoints/step"
step = int(earlier.read_text()) + 1 if earlier.exists() else 1
signal.signal(signal.SIGTERM, end)
print("step", step, flush=True)
time.sleep(600)
"""
)
"""Ends by SIGTERM with a model and a checkpoint; counts how often it was begun."""
DEAF = RANK + "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
SPOT: dict[str, Any] = {"EnableManagedSpotTraining": True, "StoppingCondition": {"MaxWaitTimeInSeconds": 600}}


def stop(world: TrainingWorld, name: str) -> None:
    world.sagemaker.stop_training_job(TrainingJobName=name)


def test_stopped_job_saves_what_it_has(world: TrainingWorld) -> None:
    """SIGTERM comes first; what the entrypoint writes then is uploaded, and the time is billed."""
    name = world.train(SAVES)
    world.wait_for_print(name, "step 1")
    stop(world, name)
    assert world.job(name)["TrainingJobStatus"] in {"Stopping", "Stopped"}
    job = world.ended(name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert world.statuses(name) == ["Starting", "Downloading", "Training", "Stopping", "Uploading", "Stopped"]
    assert world.printed(name) == ["step 1", "saved"]
    assert world.keys(f"{name}/output/") == [f"{name}/output/{name}/output/model.tar.gz"]
    assert job["BillableTimeInSeconds"] >= 1
    assert "FailureReason" not in job


@pytest.mark.parametrize("settings", [{"training_stop_grace": 0.3}])
def test_entrypoint_that_does_not_listen_is_killed(world: TrainingWorld) -> None:
    """SIGKILL comes after the grace, which is 120 s on AWS."""
    name = world.train(DEAF)
    world.wait_for_print(name, "deaf")
    stop(world, name)
    assert world.ended(name)["TrainingJobStatus"] == "Stopped"
    assert world.record(name)["containers"][0]["exit_status"] == -9


def test_grace_is_two_minutes() -> None:
    """Unless a test shortens it."""
    from pytest_benchmark_aws.embedded.state import Settings

    assert Settings().training_stop_grace == 120


def test_job_that_is_over_is_not_stopped(world: TrainingWorld) -> None:
    """The refusal names its state; so does that of a job that there is not."""
    name = world.train()
    world.ended(name)
    assert world.message(world.sagemaker.stop_training_job, TrainingJobName=name) == (
        "ValidationException: The request was rejected because the training job is in status Completed."
    )
    for act in (world.sagemaker.stop_training_job, world.sagemaker.describe_training_job):
        assert world.message(act, TrainingJobName="none") == "ValidationException: Requested resource not found."


def test_stop_that_fails_stops_nothing(world: TrainingWorld) -> None:
    """A fault of StopTrainingJob comes before its effect, or after it."""
    name = world.train("import time; time.sleep(600)")
    world.entered(name, "Training")
    world.aws.control("faults", {"action": "StopTrainingJob", "code": "ThrottlingException"})
    assert world.error(world.sagemaker.stop_training_job, TrainingJobName=name) == ("ThrottlingException", 400)
    assert world.job(name)["TrainingJobStatus"] == "InProgress"
    fault = {"action": "StopTrainingJob", "code": "InternalFailure", "status": 500, "after": True}
    world.aws.control("faults", fault)
    assert world.error(world.sagemaker.stop_training_job, TrainingJobName=name) == ("InternalFailure", 500)
    assert world.ended(name)["TrainingJobStatus"] == "Stopped"


def test_maximum_runtime(world: TrainingWorld) -> None:
    """AWS itself ends the job, by SIGTERM; its artifacts are kept."""
    name = world.train(SAVES, StoppingCondition={"MaxRuntimeInSeconds": 1})
    job = world.ended(name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert world.statuses(name)[-3:] == ["Stopping", "Uploading", "MaxRuntimeExceeded"]
    assert world.keys(f"{name}/output/") == [f"{name}/output/{name}/output/model.tar.gz"]


def test_processes_that_the_entrypoint_leaves_end_with_it(world: TrainingWorld) -> None:
    """A container ends with its first process, whatever session the others are in."""
    program = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(child.pid)
"""
    name = world.train(program)
    assert world.ended(name)["TrainingJobStatus"] == "Completed"
    [pid] = world.printed(name)
    status = Path(f"/proc/{pid}/stat")
    assert not status.exists() or status.read_text().rpartition(")")[2].split()[0] in "ZX"


def test_spot_interruption_restarts_from_the_checkpoint(world: TrainingWorld) -> None:
    """SIGTERM, then SageMaker starts again with what checkpoints had; the model is that of the last attempt."""
    request = world.request(SAVES, **SPOT)
    name = request["TrainingJobName"]
    request["CheckpointConfig"] = {"S3Uri": f"s3://{BUCKET}/{name}/checkpoints"}
    world.sagemaker.create_training_job(**request)
    world.wait_for_print(name, "step 1")
    world.aws.control(f"training-jobs/{name}/spot-interrupt", {})
    world.wait_for_print(name, "step 2")
    attempt = ["Starting", "Downloading", "Training"]
    assert world.statuses(name) == [*attempt, "Interrupted", *attempt]
    assert world.job(name)["TrainingJobStatus"] == "InProgress"
    assert world.keys(f"{name}/checkpoints/") == [f"{name}/checkpoints/step"]
    stop(world, name)
    job = world.ended(name)
    assert job["TrainingJobStatus"] == "Stopped"
    assert 1 <= job["BillableTimeInSeconds"] <= job["TrainingTimeInSeconds"]


def test_spot_job_is_interrupted_until_its_wait_is_over(world: TrainingWorld) -> None:
    """Where no instance is left after an interruption, MaxWaitTimeInSeconds ends the job."""
    stopping = {"MaxRuntimeInSeconds": 3, "MaxWaitTimeInSeconds": 3}
    name = world.train(SAVES, EnableManagedSpotTraining=True, StoppingCondition=stopping)
    world.wait_for_print(name, "step 1")
    world.aws.control("training-capacity", {"instance_type": "ml.m5.xlarge", "available": 0})
    world.aws.control(f"training-jobs/{name}/spot-interrupt", {})
    job = world.ended(name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")
    assert world.statuses(name)[3:] == ["Interrupted", "Starting", "Pending", "Stopping", "MaxWaitTimeExceeded"]


def test_spot_instances_never_launched(world: TrainingWorld) -> None:
    """The job waits for capacity, and ends unpaid."""
    world.aws.control("training-capacity", {"instance_type": "ml.m5.xlarge", "available": 1})
    stopping = {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}
    changes = {"ResourceConfig": {"InstanceCount": 2}, "StoppingCondition": stopping}
    name = world.train(EnableManagedSpotTraining=True, **changes)
    job = world.ended(name)
    assert world.statuses(name) == ["Starting", "Pending", "Stopping", "MaxWaitTimeExceeded"]
    assert not {"TrainingStartTime", "TrainingEndTime", "BillableTimeInSeconds"} & set(job)


def test_capacity_is_of_a_market(world: TrainingWorld) -> None:
    """Where spot has nothing left, on demand may have."""
    world.aws.control("training-capacity", {"instance_type": "ml.m5.xlarge", "available": 0, "spot": True})
    spot = world.train(**SPOT)
    assert world.ended(world.train())["TrainingJobStatus"] == "Completed"
    assert world.entered(spot, "Pending")["TrainingJobStatus"] == "InProgress"


def test_job_on_demand_is_not_interrupted(world: TrainingWorld) -> None:
    """Nor is one that does not train."""
    name = world.train("import time; time.sleep(600)")
    world.entered(name, "Training")
    assert world.control_status(f"training-jobs/{name}/spot-interrupt") == 404
    assert world.control_status("training-jobs/none/kill") == 404


def test_job_that_never_starts(world: TrainingWorld) -> None:
    """Without capacity it waits, is paid by nobody, and can be stopped; with capacity it trains."""
    world.aws.control("training-capacity", {"instance_type": "ml.m5.xlarge", "available": 0})
    first, second = world.train(), world.train()
    for name in (first, second):
        assert world.entered(name, "Pending")["TrainingJobStatus"] == "InProgress"
    stop(world, first)
    job = world.ended(first)
    assert world.statuses(first) == ["Starting", "Pending", "Stopping", "Stopped"]
    assert "BillableTimeInSeconds" not in job
    world.aws.control("training-capacity", {"instance_type": "ml.m5.xlarge", "available": 1})
    assert world.ended(second)["TrainingJobStatus"] == "Completed"


def test_capacity_error(world: TrainingWorld) -> None:
    """A group gets all of its instances or none."""
    world.aws.control("training-capacity", {"instance_type": "ml.m5.xlarge", "available": 1, "fails": True})
    name = world.train(ResourceConfig={"InstanceCount": 2})
    job = world.ended(name)
    assert job["FailureReason"] == (
        "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance "
        "type."
    )
    assert "TrainingStartTime" not in job
    assert world.ended(world.train())["TrainingJobStatus"] == "Completed"  # the one that is left is still there


@pytest.mark.parametrize("secondary_status", ["Pending", "Training"])
def test_internal_error(world: TrainingWorld, secondary_status: str) -> None:
    """A job that fails by no fault of its own says so."""
    if secondary_status == "Pending":
        world.aws.control("training-capacity", {"instance_type": "ml.m5.xlarge", "available": 0})
    name = world.train("import time; time.sleep(600)")
    world.entered(name, secondary_status)
    world.aws.control(f"training-jobs/{name}/fail", {"reason": "InternalServerError: it broke"})
    assert world.ended(name)["FailureReason"] == "InternalServerError: it broke"


def test_entrypoint_that_the_kernel_kills(world: TrainingWorld) -> None:
    """As one that takes too much memory: status 137, and no failure file."""
    name = world.train("import time; print('begun', flush=True); time.sleep(600)")
    world.wait_for_print(name, "begun")
    world.aws.control(f"training-jobs/{name}/kill", {})
    assert world.ended(name)["FailureReason"] == "AlgorithmError: , exit code: 137"


def test_all_ends_with_embedded_aws(world: TrainingWorld) -> None:
    """No process outlives it, and none is waited for."""
    name = world.train(DEAF, ResourceConfig={"InstanceCount": 2})
    world.wait_for_print(name, "deaf")
    world.wait_for_print(name, "deaf", "algo-2")
    pids = [container["pid"] for container in world.record(name)["containers"]]
    world.aws.stop()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_all_ends_with_embedded_aws_that_is_killed(tmp_path: Path) -> None:
    """Its guardian ends the processes of a start that gets SIGKILL."""
    command = [
        sys.executable,
        "-m",
        "pytest_benchmark_aws.embedded",
        "--root",
        str(tmp_path / "aws"),
        "--state-delay",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        world = TrainingWorld(as_served(process.stdout))
        name = world.train(DEAF)
        world.wait_for_print(name, "deaf")
        assert world.job(name)["TrainingJobStatus"] not in OVER
        [container] = world.record(name)["containers"]
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{container['pid']}").exists())
