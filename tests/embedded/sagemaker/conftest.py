"""Training jobs of an embedded AWS, by a real boto3 client: small programs that lie in S3."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded.conftest import World
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCOUNT = "123456789012"
BUCKET = "training"
TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}
ALL = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
GROUP = "/aws/sagemaker/TrainingJobs"
OVER = {"Completed", "Failed", "Stopped"}


class TrainingWorld(World):
    """An embedded AWS with a bucket and an execution role."""

    def __init__(self, aws: Any) -> None:
        super().__init__(aws)
        self.sagemaker = self.client("sagemaker")
        self.s3 = self.client("s3")
        self.logs = self.client("logs")
        self.role = self.make_role("training", ALL)
        self.s3.create_bucket(Bucket=BUCKET)
        self._numbers = itertools.count(1)

    def make_role(self, name: str, policy: dict[str, Any], trust: dict[str, Any] = TRUST) -> str:
        """An execution role with that policy alone; its ARN."""
        iam = self.client("iam")
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="only", PolicyDocument=json.dumps(policy))
        return arn

    def request(self, program: str = "", **changes: Any) -> dict[str, Any]:
        """A CreateTrainingJob request that runs a program of Python, which is put into S3."""
        name = f"job-{next(self._numbers)}"
        self.s3.put_object(Bucket=BUCKET, Key=f"{name}/input/program.py", Body=program.encode())
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{name}/input/"}
        request: dict[str, Any] = {
            "TrainingJobName": name,
            "AlgorithmSpecification": {
                "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/program.py"],
            },
            "RoleArn": self.role,
            "InputDataConfig": [{"ChannelName": "code", "DataSource": {"S3DataSource": source}}],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/{name}/output"},
            "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        }
        for key, value in changes.items():
            request[key] = {**request[key], **value} if isinstance(request.get(key), dict) else value
        return request

    def train(self, program: str = "", **changes: Any) -> str:
        """Create a training job that runs a program; its name."""
        request = self.request(program, **changes)
        self.sagemaker.create_training_job(**request)
        name: str = request["TrainingJobName"]
        return name

    def job(self, name: str) -> dict[str, Any]:
        """What DescribeTrainingJob says."""
        answer: dict[str, Any] = self.sagemaker.describe_training_job(TrainingJobName=name)
        return answer

    def statuses(self, name: str) -> list[str]:
        """The secondary statuses that it has gone through."""
        return [entry["Status"] for entry in self.job(name)["SecondaryStatusTransitions"]]

    def ended(self, name: str) -> dict[str, Any]:
        """Wait until a job is over; its description."""
        return wait_until(
            lambda: (job := self.job(name))["TrainingJobStatus"] in OVER and job, state=lambda: self.job(name)
        )

    def entered(self, name: str, secondary_status: str) -> dict[str, Any]:
        """Wait until a job has a secondary status; its description."""
        return wait_until(
            lambda: (job := self.job(name))["SecondaryStatus"] == secondary_status and job, state=lambda: self.job(name)
        )

    def printed(self, name: str, host: str = "algo-1") -> list[str]:
        """What a host of a job has printed, by CloudWatch Logs."""
        from botocore.exceptions import ClientError

        try:
            streams = self.logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/{host}-")
        except ClientError:
            return []
        names = [stream["logStreamName"] for stream in streams["logStreams"]]
        pages = [self.logs.get_log_events(logGroupName=GROUP, logStreamName=stream) for stream in names]
        return [event["message"] for page in pages for event in page["events"]]

    def wait_for_print(self, name: str, text: str, host: str = "algo-1") -> None:
        """Wait until a host has printed a line."""
        wait_until(lambda: text in self.printed(name, host), state=lambda: (self.job(name), self.printed(name, host)))

    def keys(self, prefix: str) -> list[str]:
        """The keys of the bucket below a prefix."""
        answer = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [entry["Key"] for entry in answer.get("Contents", ())]

    def message(self, act: Any, **parameters: Any) -> str:
        """The message of the error that a call answers."""
        from botocore.exceptions import ClientError

        with pytest.raises(ClientError) as caught:
            act(**parameters)
        error = caught.value.response["Error"]
        return f"{error['Code']}: {error['Message']}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[TrainingWorld]:
    """A fresh embedded AWS with short delays."""
    pytest.importorskip("moto", reason="the embedded AWS needs moto")
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from pytest_benchmark_aws.embedded.state import Settings

    settings = Settings(state_delay=0.05, training_stop_grace=5.0)
    with EmbeddedAWS(tmp_path / "aws", settings) as aws:
        yield TrainingWorld(aws)
