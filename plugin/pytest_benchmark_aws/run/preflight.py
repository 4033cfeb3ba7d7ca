"""The account, or embedded AWS in a process beside this one; and everything that is wrong, before anything is made."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws.credentials import without_metadata_probe
from pytest_benchmark_aws.core.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_benchmark_aws.aws.clients import Account, Clients
    from pytest_benchmark_aws.aws.ec2 import Subnet
    from pytest_benchmark_aws.core.model import Job, Plan
    from pytest_benchmark_aws.core.settings import Settings

READY = "# embedded AWS is ready"


def wants_embedded(settings: Settings) -> bool:
    """Whether the run goes to embedded AWS: asked for, or ``auto`` with no credentials at all."""
    if settings.target != "auto":
        return settings.target == "embedded"
    from pytest_benchmark_aws.aws.clients import Clients

    with without_metadata_probe():
        return not Clients(settings.region, settings.profile).has_credentials()


@contextmanager
def connected(settings: Settings, *, embedded: bool) -> Iterator[Clients]:
    """Clients of the account, or of an embedded AWS that ends with this.

    Raises:
        PlanError: embedded AWS is not installed or did not start, or no region is given.
    """
    from pytest_benchmark_aws.aws.clients import Clients

    if not embedded:
        clients = Clients(settings.region, settings.profile)
        if not clients.region_is_given:
            raise PlanError("no region: give --aws-region, or set AWS_REGION")
        yield clients
        return
    from importlib.util import find_spec

    if find_spec("moto") is None:
        raise PlanError(
            "embedded AWS is not installed: pip install 'pytest-benchmark-aws[embedded]'; or run on an account with "
            "--aws-target=cloud and credentials"
        )
    command = [sys.executable, "-m", "pytest_benchmark_aws.embedded", "--watch-stdin"]
    if settings.region:
        command += ["--region", settings.region]
    # Its end is bound to ours by the pipe: where this process dies, however it does, its stdin ends.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        environment = {}
        for line in process.stdout:
            if line.startswith(READY):
                break
            key, _, value = line.strip().partition("=")
            environment[key] = value
        if "AWS_ENDPOINT_URL" not in environment:
            raise PlanError(f"embedded AWS did not start (exit code {process.wait()}); its words are above")
        try:
            yield Clients(settings.region, None, environment)
        finally:
            process.stdin.close()
            process.wait()


@dataclass(frozen=True, slots=True)
class Checked:
    """What preflight found."""

    account: Account
    subnets: tuple[Subnet, ...]
    zones: dict[str, frozenset[str]]
    images: dict[str, str]
    vcpu_quota: int | None


def preflight(clients: Clients, settings: Settings, plan: Plan) -> Checked:
    """Asks AWS, read-only, whether the plan can be run.

    Raises:
        PlanError: it cannot; every reason at once.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    from pytest_benchmark_aws.aws import ec2
    from pytest_benchmark_aws.aws.errors import refusal

    account = clients.account()
    problems: list[str] = []
    subnets: list[Subnet] = []
    zones: dict[str, frozenset[str]] = {}
    images: dict[str, str] = {}
    names = sorted({job.instance_type.name for job in plan.jobs})
    try:
        subnets = ec2.subnets(clients, settings.subnets)
        if not subnets:
            problems.append(
                f"region {clients.region} has no default VPC: make one (aws ec2 create-default-vpc), or name a subnet "
                "with --aws-subnet"
            )
        offered = ec2.offered_zones(clients, names)
        zones = {name: frozenset(found) for name, found in offered.items()}
        reachable = {subnet.zone for subnet in subnets}
        for name, found in offered.items():
            if not found:
                problems.append(f"{name} is not offered in {clients.region}: choose another type or --aws-region")
            elif subnets and not found & reachable:
                problems.append(f"{name} is offered in {', '.join(sorted(found))}, the subnets are in other zones")
        for arch in sorted({job.arch for job in plan.jobs}):
            images[arch] = settings.ami or ec2.image(clients, arch)
    except (BotoCoreError, ClientError) as error:
        problems.append(f"AWS refused to answer: {refusal(error)}")
    spot = any(job.target.market == "spot" for job in plan.jobs)
    quota = ec2.vcpu_quota(clients, spot=spot)
    problems += [_beyond_quota(job, quota) for job in plan.jobs if quota is not None and _vcpus(job) > quota]
    problems += _expiring(clients, settings)
    if problems:
        raise PlanError("\n".join(dict.fromkeys(problems)))
    return Checked(account, tuple(subnets), zones, images, quota)


def _vcpus(job: Job) -> int:
    return job.instance_type.vcpus or 0


def _beyond_quota(job: Job, quota: int | None) -> str:
    return (
        f"{job.instance_type.name} has {_vcpus(job)} vCPUs, the account's quota for running instances is {quota}: ask "
        "for more in Service Quotas, EC2, L-1216C47A (on demand) or L-34B43A08 (spot)"
    )


def _expiring(clients: Clients, settings: Settings) -> list[str]:
    """Presigned URLs end with the credentials that signed them."""
    from datetime import datetime, timezone

    from pytest_benchmark_aws.core.plan import GRACE_S
    from pytest_benchmark_aws.core.values.durations import format_duration

    expiry = clients.credentials_expire()
    if expiry is None or settings.instance_profile:  # with a profile, the guest signs by its own role
        return []
    left, needed = (expiry - datetime.now(timezone.utc)).total_seconds(), settings.time_limit_s + GRACE_S
    if left >= needed:
        return []
    return [
        f"the credentials end in {format_duration(max(0, left))}, the instances may need them for "
        f"{format_duration(needed)}: log in again, choose a role with longer sessions, lower "
        "--aws-time-limit, or let the instances use a role of their own with --aws-instance-profile"
    ]
