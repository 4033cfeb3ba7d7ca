"""Names, lost answers and quotas of training jobs that are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.embedded.sagemaker.conftest import ALL, TRUST

if TYPE_CHECKING:
    from tests.embedded.sagemaker.conftest import TrainingWorld

HANGS = "import time; time.sleep(600)"


def test_second_job_of_a_name_is_refused(world: TrainingWorld) -> None:
    """While the first lives and when it is over; this is what makes a create idempotent."""
    request = world.request()
    arn = world.sagemaker.create_training_job(**request)["TrainingJobArn"]
    said = (
        "ResourceInUse: Training job names must be unique within an AWS account and region, and a training job with "
        f"this name already exists ({arn})"
    )
    assert world.message(world.sagemaker.create_training_job, **request) == said
    world.ended(request["TrainingJobName"])
    assert world.message(world.sagemaker.create_training_job, **request) == said
    with pytest.raises(world.sagemaker.exceptions.ResourceInUse):
        world.sagemaker.create_training_job(**request)


def test_lost_answer_of_a_create_leaves_the_job(world: TrainingWorld) -> None:
    """A call that takes effect and whose answer is lost is found by the name."""
    world.aws.control(
        "faults", {"action": "CreateTrainingJob", "code": "InternalFailure", "status": 500, "after": True}
    )
    request = world.request()
    assert world.error(world.sagemaker.create_training_job, **request) == ("InternalFailure", 500)
    assert world.error(world.sagemaker.create_training_job, **request) == ("ResourceInUse", 400)
    assert world.ended(request["TrainingJobName"])["TrainingJobStatus"] == "Completed"


def test_limits_themselves_are_allowed(world: TrainingWorld) -> None:
    """Of the longest entrypoint, environment and name the job is made."""
    padding = "#" * (256 - len("import os"))
    algorithm = {"ContainerEntrypoint": ["python3", "-c", f"import os{padding}"]}
    name = world.train("", TrainingJobName="n" * 63, AlgorithmSpecification=algorithm, Environment={"X": "x" * 512})
    assert world.ended(name)["TrainingJobStatus"] == "Completed"


def test_role_that_trusts_several_services(world: TrainingWorld) -> None:
    """SageMaker may be one of many."""
    services = {"Service": ["ec2.amazonaws.com", "sagemaker.amazonaws.com"]}
    trust = {**TRUST, "Statement": [{**TRUST["Statement"], "Principal": services}]}
    name = world.train(RoleArn=world.make_role("several", ALL, trust))
    assert world.ended(name)["TrainingJobStatus"] == "Completed"


def test_quota_of_a_type_and_market(world: TrainingWorld) -> None:
    """Instances of jobs that live are counted, by type and market; what is over counts no more."""
    world.aws.control("training-quota", {"name": "ml.m5.xlarge for training job usage", "value": 2})
    world.aws.control("training-quota", {"name": "ml.m5.xlarge for spot training job usage", "value": 0})
    first = world.train(HANGS, ResourceConfig={"InstanceCount": 2})
    create = world.sagemaker.create_training_job
    assert world.message(create, **world.request(HANGS)) == (
        "ResourceLimitExceeded: The account-level service limit 'ml.m5.xlarge for training job usage' is 2 Instances, "
        "with current utilization of 2 Instances and a request delta of 1 Instances. Please contact AWS support to "
        "request an increase for this limit."
    )
    spot = {"EnableManagedSpotTraining": True, "StoppingCondition": {"MaxWaitTimeInSeconds": 600}}
    said = world.message(create, **world.request(**spot))
    assert "'ml.m5.xlarge for spot training job usage' is 0 Instances" in said
    world.train(ResourceConfig={"InstanceType": "ml.m5.large"})
    world.sagemaker.stop_training_job(TrainingJobName=first)
    world.ended(first)
    assert world.ended(world.train())["TrainingJobStatus"] == "Completed"
