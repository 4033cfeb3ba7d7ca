"""Training jobs of an embedded AWS, by a real boto3 client: small programs that lie in S3."""

from __future__ import annotations

import itertools
import json
import urllib.error
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

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


def channel(name: str, uri: str, **more: Any) -> dict[str, Any]:
    """An input channel of all objects below an S3 URL."""
    return {"ChannelName": name, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri, **more}}}


RANK = """
import json, os, pathlib, signal, sys, time
root = pathlib.Path(os.environ["PYTEST_BENCHMARK_AWS_OPT_ML"])
hosts = json.loads((root / "input/config/resourceconfig.json").read_text())
rank = hosts["hosts"].index(hosts["current_host"])
"""


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
            merged = isinstance(request.get(key), dict) and value is not None
            request[key] = {**request[key], **value} if merged else value
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

    def record(self, name: str) -> dict[str, Any]:
        """What the control API says of a job."""
        return next(job for job in self.aws.control("training-jobs") if job["name"] == name)

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

    def control_status(self, path: str) -> int:
        """The status of a control request that is refused."""
        with pytest.raises(urllib.error.HTTPError) as caught:
            self.aws.control(path, {})
        caught.value.close()
        return caught.value.code

    def message(self, act: Any, **parameters: Any) -> str:
        """The message of the error that a call answers."""
        from botocore.exceptions import ClientError

        with pytest.raises(ClientError) as caught:
            act(**parameters)
        error = caught.value.response["Error"]
        return f"{error['Code']}: {error['Message']}"


class Served:
    """An embedded AWS of another process."""

    def __init__(self, environment: dict[str, str]) -> None:
        from pytest_benchmark_aws.embedded.iam.authorization import Key

        self._environment = environment
        self.endpoint = environment["AWS_ENDPOINT_URL"]
        self.key = Key(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])

    def control(self, path: str, payload: dict[str, Any] | None = None) -> Any:
        """The answer of a control path."""
        from pytest_benchmark_aws.embedded.control_client import control

        return control(self._environment, path, payload)


def as_served(output: IO[str] | None) -> Served:
    """The embedded AWS that says on its standard output how to reach it."""
    assert output is not None
    lines = itertools.takewhile(lambda line: not line.startswith("#"), output)
    return Served(dict(line.rstrip("\n").split("=", 1) for line in lines))


@contextmanager
def training_world(root: Path, settings: dict[str, Any]) -> Iterator[TrainingWorld]:
    """A fresh embedded AWS with short delays."""
    pytest.importorskip("moto", reason="the embedded AWS needs moto")
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from pytest_benchmark_aws.embedded.state import Settings

    with EmbeddedAWS(root, Settings(**{"state_delay": 0.05, **settings})) as aws:
        yield TrainingWorld(aws)


@pytest.fixture
def settings() -> dict[str, Any]:
    """What a test changes in the settings, by parametrizing this."""
    return {}


@pytest.fixture
def world(tmp_path: Path, settings: dict[str, Any]) -> Iterator[TrainingWorld]:
    """A fresh embedded AWS for the test."""
    with training_world(tmp_path / "aws", settings) as world:
        yield world
