"""SageMaker and its logs by AWS's own names, in each partition."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.waiting import wait_until
from tests.wire.test_names import ACCOUNT, REGIONS

if TYPE_CHECKING:
    from tests.wire.conftest import Wire

ALL = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}


def client(service: str, region: str) -> Any:
    """A client with nothing but the environment, which names no endpoint."""
    import boto3

    return boto3.Session(region_name=region).client(service)  # boto3's own session keeps the keys of another test


@pytest.mark.parametrize("region", REGIONS)
def test_a_training_job_by_name(wire: Wire, region: str) -> None:
    """The job is made, described and listed at api.sagemaker, and its output read at logs."""
    iam = wire.client("iam", region)
    role = iam.create_role(RoleName="training", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="training", PolicyName="only", PolicyDocument=json.dumps(ALL))
    wire.become(region)
    sagemaker, logs = client("sagemaker", region), client("logs", region)
    arn = sagemaker.create_training_job(
        TrainingJobName="by-name",
        AlgorithmSpecification={
            "TrainingImage": "image",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "-c", "print('hello')"],
        },
        RoleArn=role,
        OutputDataConfig={"S3OutputPath": "s3://results/output"},
        ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )["TrainingJobArn"]
    assert arn.split(":")[1:5] == [role.split(":")[1], "sagemaker", region, ACCOUNT]

    def is_over() -> bool:
        status = sagemaker.describe_training_job(TrainingJobName="by-name")["TrainingJobStatus"]
        return bool(status == "Completed")

    wait_until(is_over)
    assert len(sagemaker.list_training_jobs(NameContains="by-")["TrainingJobSummaries"]) == 1
    group = "/aws/sagemaker/TrainingJobs"
    [stream] = logs.describe_log_streams(logGroupName=group)["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    assert [event["message"] for event in events] == ["hello"]
    china = ".cn" if region.startswith("cn-") else ""
    assert set(wire.proxy.hosts) == {f"{name}.{region}.amazonaws.com{china}" for name in ("api.sagemaker", "logs")}


def test_a_region_signs_for_itself(wire: Wire) -> None:
    """A request for one region at another's host is refused."""
    wire.become("eu-central-1")
    import boto3

    url = "https://api.sagemaker.eu-west-1.amazonaws.com"
    elsewhere = boto3.Session(region_name="eu-central-1").client("sagemaker", endpoint_url=url)
    with pytest.raises(elsewhere.exceptions.ClientError, match="SignatureDoesNotMatch"):
        elsewhere.list_training_jobs()
