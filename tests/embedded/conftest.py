"""An embedded AWS for each test, and real boto3 clients of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_benchmark_aws.embedded.server import EmbeddedAWS

ARM = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
X86 = ARM.replace("arm64", "x86_64")


class World:
    """An embedded AWS with its clients, and what tests ask of it again and again."""

    def __init__(self, aws: EmbeddedAWS) -> None:
        self.aws = aws
        self.ec2 = self.client("ec2")

    def client(self, service: str, region: str = "us-east-1", **options: Any) -> Any:
        """A boto3 client that tries once."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.aws.endpoint,
            region_name=region,
            aws_access_key_id=self.aws.key.key_id,
            aws_secret_access_key=self.aws.key.secret,
            config=Config(retries={"total_max_attempts": 1}, **options),
        )

    def ami(self, parameter: str = X86) -> str:
        """The image id of a public parameter."""
        return self.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"]

    def run(self, instance_type: str = "m5.large", **options: Any) -> dict[str, Any]:
        """Launch one instance; what RunInstances says of it."""
        options.setdefault("ImageId", self.ami())
        return self.ec2.run_instances(MinCount=1, MaxCount=1, InstanceType=instance_type, **options)["Instances"][0]

    def launch(self, script: str = "", **options: Any) -> str:
        """Launch one instance with a script as user data, and with ``terminate`` on shutdown; its id."""
        options.setdefault("InstanceInitiatedShutdownBehavior", "terminate")
        return self.run(UserData=script, **options)["InstanceId"]

    def describe(self, instance_id: str) -> dict[str, Any]:
        """What DescribeInstances says of an instance."""
        return self.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]

    def state(self, instance_id: str) -> str:
        """The name of its state."""
        return self.describe(instance_id)["State"]["Name"]

    def wait_for(self, instance_id: str, state: str) -> dict[str, Any]:
        """Wait until an instance is in a state; its description."""
        return wait_until(lambda: (found := self.describe(instance_id))["State"]["Name"] == state and found)

    def console(self, instance_id: str) -> str:
        """Its console."""
        return self.ec2.get_console_output(InstanceId=instance_id).get("Output", "")

    def wait_for_line(self, instance_id: str, text: str) -> str:
        """Wait until the console holds a text; the console."""
        return wait_until(lambda: text in (found := self.console(instance_id)) and found)

    def record(self, instance_id: str) -> dict[str, Any]:
        """What the control API says of an instance."""
        return next(instance for instance in self.aws.control("instances") if instance["id"] == instance_id)

    def metadata_service(self, instance_id: str) -> str:
        """The URL of an instance's metadata service; of an instance that there is not, one that leads nowhere."""
        instances = self.aws.control("instances")
        urls = [instance["metadata_service"] for instance in instances if instance["id"] == instance_id]
        return urls[0] if urls else f"{self.aws.endpoint}/_embedded/imds/{instance_id}"

    def error(self, act: Callable[..., Any], **parameters: Any) -> tuple[str, int]:
        """Code and status of the error that a call answers."""
        from botocore.exceptions import ClientError

        with pytest.raises(ClientError) as caught:
            act(**parameters)
        response = caught.value.response
        return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A fresh embedded AWS with short delays."""
    pytest.importorskip("moto", reason="the embedded AWS needs moto")
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from pytest_benchmark_aws.embedded.state import Settings

    settings = Settings(vcpu_quota=64, state_delay=0.1, kill_grace=0.3, minute=0.05)
    with EmbeddedAWS(tmp_path / "aws", settings) as aws:
        yield World(aws)
