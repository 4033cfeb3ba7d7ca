"""An embedded AWS that enforces IAM, and users and roles that hold exactly what the command line prints."""

from __future__ import annotations

import contextlib
import io
import json
import platform
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from pytest_benchmark_aws import cli
from pytest_benchmark_aws.aws.clients import Clients
from pytest_benchmark_aws.bundle.wheels import PACKAGED_PYTHONS
from tests.acceptance.awsproject import Done, make_project, pytest_aws

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_benchmark_aws.embedded.server import EmbeddedAWS

ACCOUNT, REGION = "123456789012", "us-east-1"
BUCKET = f"pytest-benchmark-aws-{ACCOUNT}-{REGION}"
KILLER = f"arn:aws:iam::{ACCOUNT}:role/killer"
RUNNER = f"arn:aws:iam::{ACCOUNT}:user/runner"
TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
}
TYPE = "m7g.medium" if platform.machine() in {"aarch64", "arm64"} else "m5.large"  # embedded guests are of this machine
PROJECT = {
    "test_it.py": f"""\
import pytest

@pytest.mark.instance_type("{TYPE}")
def test_it(benchmark):
    benchmark(int)  # a second: long enough that the guest uploads its checkpoint before the end
""",
    "pytest.ini": "[pytest]\n",
}
needs_a_launch = pytest.mark.skipif(
    f"{sys.version_info.major}.{sys.version_info.minor}" not in PACKAGED_PYTHONS,
    reason="Amazon Linux 2023 has no package of this Python, so a launch needs another one here",
)


def printed(*words: str) -> dict[str, Any]:
    """What ``pytest-benchmark-aws policy ...`` prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert cli.main(["policy", *words]) == 0
    policy: dict[str, Any] = json.loads(out.getvalue())
    return policy


@dataclass
class Tenant:
    """The account."""

    aws: EmbeddedAWS
    cache: Path
    """Of the machine that works on it."""

    def client(self, service: str, environment: Mapping[str, str] | None = None) -> Any:
        """A boto3 client of a user or a session; without one, of nobody, who may all while nothing is enforced."""
        settings = environment or self.aws.environment()
        return boto3.client(
            service,
            endpoint_url=self.aws.endpoint,
            region_name=REGION,
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=settings.get("AWS_SESSION_TOKEN"),
            config=Clients(REGION, None, self.aws.environment())._config,
        )

    def user(self, policy: Mapping[str, Any], name: str = "runner") -> dict[str, str]:
        """A user with that policy alone; what to export to be them."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        own = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        return {**self.aws.environment(), **own, "PYTEST_BENCHMARK_AWS_CACHE": str(self.cache)}

    def role(self, policy: Mapping[str, Any], name: str, profile: str | None = None) -> None:
        """A role with that policy alone, in an instance profile where one is named."""
        iam = self.client("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.put_role_policy(RoleName=name, PolicyName="only", PolicyDocument=json.dumps(policy))
        if profile is not None:
            iam.create_instance_profile(InstanceProfileName=profile)
            iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=name)

    def session(self, role: str) -> dict[str, str]:
        """What to export to be a session of a role."""
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        made = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="a-session")["Credentials"]
        names = {
            "ACCESS_KEY_ID": "AccessKeyId",
            "SECRET_ACCESS_KEY": "SecretAccessKey",
            "SESSION_TOKEN": "SessionToken",
        }
        return {f"AWS_{name}": made[key] for name, key in names.items()}

    def enforce(self) -> None:
        """From here on policies count."""
        self.aws.control("iam", {"enforced": True})

    @contextmanager
    def unenforced(self) -> Iterator[None]:
        """Whoever made the account works on it again."""
        self.aws.control("iam", {"enforced": False})
        try:
            yield
        finally:
            self.enforce()

    def decisions(self) -> list[dict[str, Any]]:
        """What IAM was asked, and what it said."""
        return list(self.aws.control("decisions"))

    def refused(self) -> set[str]:
        """The actions that were refused."""
        return {decision["question"]["action"] for decision in self.decisions() if not decision["allowed"]}

    def alive(self) -> list[str]:
        """Ids of the instances that are neither terminated nor on their way there, which nothing stops."""
        over = {"shutting-down", "terminated"}
        return [instance["id"] for instance in self.aws.control("instances") if instance["state"] not in over]


@contextmanager
def opened(folder: Path) -> Iterator[Tenant]:
    """A fresh account, on a machine that has no prices yet but the wheels of any run."""
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from pytest_benchmark_aws.embedded.state import Settings
    from pytest_benchmark_aws.machine.folders import cache_folder

    cache = folder / "cache"
    cache.mkdir(parents=True)
    (cache_folder() / "wheels").mkdir(parents=True, exist_ok=True)
    (cache / "wheels").symlink_to(cache_folder() / "wheels")
    with EmbeddedAWS(folder / "aws", Settings(state_delay=0.03, kill_grace=0.2)) as aws:
        yield Tenant(aws, cache)


@dataclass(frozen=True)
class Ran:
    """A whole run, the first of its account."""

    done: Done
    decisions: list[dict[str, Any]]
    instances: list[dict[str, Any]]

    def by(self, caller: str) -> set[tuple[str, str]]:
        """What a caller was allowed: actions and resources."""
        return {
            (decision["question"]["action"], decision["question"]["resource"])
            for decision in self.decisions
            if decision["caller"].startswith(caller) and decision["allowed"]
        }


def ran(folder: Path, policy: dict[str, Any], *words: str, instance: dict[str, Any] | None = None) -> Ran:
    """``pytest --aws`` by a user with that policy; ``instance`` is that of the role in an instance profile."""
    with opened(folder) as tenant:
        if instance is not None:
            tenant.role(instance, "bench", profile="bench-profile")
        environment = tenant.user(policy)
        tenant.enforce()
        done = pytest_aws(
            make_project(folder / "project", PROJECT), "--aws", "--aws-target=cloud", *words, **environment
        )
        return Ran(done, tenant.decisions(), tenant.aws.control("instances"))
