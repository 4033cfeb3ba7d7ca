"""What a training job does with its entrypoint, its data and its artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.embedded.sagemaker.conftest import TrainingWorld


def test_entrypoint_runs_and_the_job_completes(world: TrainingWorld) -> None:
    """The program comes by its channel and runs; the statuses, their times and what is billed are as AWS's."""
    name = world.train("print('trained')")
    job = world.ended(name)
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed"
    assert world.statuses(name) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"]
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] >= 1
    assert job["TrainingJobArn"] == f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}"
    for earlier, later in zip(job["SecondaryStatusTransitions"], job["SecondaryStatusTransitions"][1:], strict=False):
        assert earlier["StartTime"] <= earlier["EndTime"] <= later["StartTime"]
    assert world.printed(name) == ["trained"]
