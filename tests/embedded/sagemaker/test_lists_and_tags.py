"""ListTrainingJobs and the tags of training jobs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.embedded.sagemaker.conftest import TrainingWorld


def names(world: TrainingWorld, **parameters: Any) -> list[str]:
    """The names of the jobs of all pages."""
    pages = world.sagemaker.get_paginator("list_training_jobs").paginate(**parameters)
    return [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]


def test_jobs_by_name_and_state(world: TrainingWorld) -> None:
    """The newest first; filters hold together."""
    for name in ("run-a-1", "run-a-2", "run-b-1"):
        world.train(TrainingJobName=name)
        world.ended(name)
    world.train("import time; time.sleep(600)", TrainingJobName="run-a-3")
    assert names(world) == ["run-a-3", "run-b-1", "run-a-2", "run-a-1"]
    assert names(world, NameContains="run-a") == ["run-a-3", "run-a-2", "run-a-1"]
    assert names(world, NameContains="run-a", StatusEquals="Completed") == ["run-a-2", "run-a-1"]
    assert names(world, StatusEquals="Stopped") == []
    assert names(world, SortBy="Name", SortOrder="Ascending") == ["run-a-1", "run-a-2", "run-a-3", "run-b-1"]
    [summary] = world.sagemaker.list_training_jobs(NameContains="b-1")["TrainingJobSummaries"]
    job = world.job("run-b-1")
    assert all(summary[member] == job[member] for member in summary)
    assert summary["TrainingEndTime"]


@pytest.mark.parametrize("what", ["CreationTime", "LastModifiedTime"])
def test_jobs_by_time(world: TrainingWorld, what: str) -> None:
    """Of before and after a time, to the second, which is what boto3 sends."""
    name = world.train()
    job = world.ended(name)
    second = timedelta(seconds=1)
    assert names(world, **{f"{what}After": job[what] - second, f"{what}Before": job[what] + second}) == [name]
    assert names(world, **{f"{what}After": job[what] + second}) == []
    assert names(world, **{f"{what}Before": job[what] - second}) == []


def test_pages(world: TrainingWorld) -> None:
    """A page has ten jobs where nobody asks for another number."""
    world.aws.control("training-capacity", {"instance_type": "ml.m5.xlarge", "available": 0})
    made = [world.train(TrainingJobName=f"job-n{number}") for number in range(12)]
    first = world.sagemaker.list_training_jobs()
    assert len(first["TrainingJobSummaries"]) == 10
    second = world.sagemaker.list_training_jobs(NextToken=first["NextToken"])
    assert len(second["TrainingJobSummaries"]) == 2
    assert "NextToken" not in second
    assert names(world, MaxResults=5, SortOrder="Ascending") == made
    with pytest.raises(world.sagemaker.exceptions.ClientError, match="ValidationException"):
        world.sagemaker.list_training_jobs(NextToken="elsewhere")


def test_jobs_are_of_a_region(world: TrainingWorld) -> None:
    """A name is free in another region, which has lists of its own."""
    elsewhere = world.client("sagemaker", region="eu-central-1")
    name = world.train()
    assert elsewhere.list_training_jobs()["TrainingJobSummaries"] == []
    assert world.message(elsewhere.describe_training_job, TrainingJobName=name).startswith("ValidationException")
    request = {**world.request(), "TrainingJobName": name}
    request.pop("InputDataConfig")
    request["AlgorithmSpecification"]["ContainerEntrypoint"] = ["python3", "-c", ""]
    arn = elsewhere.create_training_job(**request)["TrainingJobArn"]
    assert arn == f"arn:aws:sagemaker:eu-central-1:123456789012:training-job/{name}"


def test_tags_of_a_job(world: TrainingWorld) -> None:
    """Those of its making, more, and fewer."""
    name = world.train(Tags=[{"Key": "run", "Value": "r1"}, {"Key": "owner", "Value": ""}])
    arn = world.job(name)["TrainingJobArn"]

    def tags() -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in world.sagemaker.list_tags(ResourceArn=arn)["Tags"]}

    assert tags() == {"run": "r1", "owner": ""}
    world.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "run", "Value": "r2"}, {"Key": "attempt", "Value": "1"}])
    assert tags() == {"run": "r2", "owner": "", "attempt": "1"}
    world.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["owner", "no such"])
    assert tags() == {"run": "r2", "attempt": "1"}
    assert world.record(name)["tags"] == tags()
    too_many = [{"Key": f"k{number}", "Value": ""} for number in range(49)]
    assert world.message(world.sagemaker.add_tags, ResourceArn=arn, Tags=too_many).startswith("ResourceLimitExceeded")
    missing = f"{arn}-2"
    assert world.message(world.sagemaker.list_tags, ResourceArn=missing).startswith("ValidationException")
