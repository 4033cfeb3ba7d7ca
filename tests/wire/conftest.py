"""Embedded AWS behind AWS's own names, and a client that is told of no endpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from tests.wire.forwarder import Forwarder

ACCOUNT = "123456789012"


@dataclass
class Wire:
    """Embedded AWS, reached by name."""

    aws: EmbeddedAWS
    proxy: Forwarder
    environment: dict[str, str]
    """How a process goes through the proxy, and trusts it."""
    monkeypatch: pytest.MonkeyPatch
    users: dict[str, str] = field(default_factory=dict)

    def client(self, service: str, region: str) -> Any:
        """A client of whoever made the account, straight to embedded AWS."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.aws.endpoint,
            region_name=region,
            aws_access_key_id=self.aws.key.key_id,
            aws_secret_access_key=self.aws.key.secret,
        )

    def become(self, region: str, policy: Mapping[str, Any] | None = None) -> dict[str, str]:
        """Makes this process a user with the policy, of any action without one, in the region's partition.

        From here on embedded AWS checks every signature and every permission.
        """
        self.aws.control("iam", {"enforced": False})
        iam = self.client("iam", region)
        everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        name = f"runner-{len(self.users)}"
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=json.dumps(policy or everything))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.users[name] = region
        own = {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "AWS_REGION": region,
        }
        for variable, value in own.items():
            self.monkeypatch.setenv(variable, value)
        self.aws.control("iam", {"enforced": True})
        return own

    def clients(self, region: str) -> Clients:
        """The product's own, with nothing but a region and the environment."""
        from pytest_benchmark_aws.aws.clients import Clients

        return Clients(region, None)


@pytest.fixture
def wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """A fresh embedded AWS, which this process and every guest reach by AWS's names alone."""
    pytest.importorskip("moto", reason="the embedded AWS needs moto")
    pytest.importorskip("trustme", reason="trustme makes the certificates")
    import os

    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from pytest_benchmark_aws.embedded.state import Settings
    from tests.wire.forwarder import forwarding

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    with forwarding(tmp_path) as (proxy, environment):
        settings = Settings(state_delay=0.03, kill_grace=0.2, guest_environment=tuple(environment.items()))
        with EmbeddedAWS(tmp_path / "aws", settings) as aws:
            proxy.target = aws.endpoint
            monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
            for variable, value in environment.items():
                monkeypatch.setenv(variable, value)
            yield Wire(aws, proxy, environment, monkeypatch)
