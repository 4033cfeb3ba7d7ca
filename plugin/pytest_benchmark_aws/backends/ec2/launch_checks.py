"""What EC2 must have and allow for a plan, asked read-only, so that everything that is wrong is said at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws import ec2, quotas
from pytest_benchmark_aws.aws.errors import refusal
from pytest_benchmark_aws.core.values.durations import format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.core.model import Job


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked of EC2; ``None`` and no subnets: what is there by default."""

    subnets: tuple[str, ...] = ()
    security_group: str | None = None
    ami: str | None = None
    instance_profile: str | None = None
    """Where it is given, instances sign their requests by its role."""
    scheduler_role: str | None = None
    """Where it is given, EventBridge ends each instance at its deadline, too."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where instances can go."""

    subnets: tuple[ec2.Subnet, ...] = ()
    """Best first."""
    zones: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Instance type -> the zones that offer it."""
    security_groups: Mapping[str, str | None] = field(default_factory=dict)
    """VPC -> group."""
    images: Mapping[str, str] = field(default_factory=dict)
    """Architecture -> machine image."""
    vcpu_quotas: Mapping[str, int] = field(default_factory=dict)
    """Code of a quota -> vCPUs that may run at once; without those that the account may not ask for."""


def look(clients: Clients, options: Options, jobs: Sequence[Job]) -> tuple[Place, list[str]]:
    """Where the jobs can go, its security groups aside; and each reason why they cannot, with the next step."""
    from botocore.exceptions import BotoCoreError, ClientError

    problems: list[str] = []
    subnets: list[ec2.Subnet] = []
    zones: dict[str, frozenset[str]] = {}
    images: dict[str, str] = {}
    names = sorted({job.instance_type.name for job in jobs})
    try:
        subnets = ec2.subnets(clients, options.subnets)
        if not subnets:
            problems.append(
                f"region {clients.region} has no default VPC: make one (aws ec2 create-default-vpc), or name a subnet "
                "with --aws-subnet"
            )
        zones = {name: frozenset(offers) for name, offers in ec2.offered_zones(clients, names).items()}
        reachable = {subnet.zone for subnet in subnets}
        for name, offers in zones.items():
            if not offers:
                problems.append(f"{name} is not offered in {clients.region}: choose another type or --aws-region")
            elif subnets and not offers & reachable:
                problems.append(f"{name} is offered in {', '.join(sorted(offers))}, the subnets are in other zones")
        for arch in sorted({job.arch for job in jobs}):
            images[arch] = options.ami or ec2.image(clients, arch)
    except (BotoCoreError, ClientError) as error:
        problems.append(f"AWS refused to answer: {refusal(error)}")
    codes = {code for job in jobs if (code := quotas.quota_code(job.instance_type.name, job.market))}
    limits = {code: limit for code in sorted(codes) if (limit := quotas.vcpu_quota(clients, code)) is not None}
    for job in jobs:
        code = quotas.quota_code(job.instance_type.name, job.market)
        if code is not None and vcpus(job) > limits.get(code, vcpus(job)):
            problems.append(_beyond_quota(job, code, limits[code]))
    if not options.instance_profile:  # with a profile, the guest signs by its own role
        problems += _expiring(clients, jobs)
    return Place(tuple(subnets), zones, images=images, vcpu_quotas=limits), problems


def vcpus(job: Job) -> int:
    """What a launch of the job takes of the quota."""
    return job.instance_type.vcpus or 0


def _beyond_quota(job: Job, code: str, quota: int) -> str:
    return (
        f"{job.instance_type.name} has {vcpus(job)} vCPUs, the account's quota for running instances is {quota}: ask "
        f"for more in Service Quotas, EC2, {code} ({'spot' if job.market == 'spot' else 'on demand'})"
    )


def _expiring(clients: Clients, jobs: Sequence[Job]) -> list[str]:
    """Presigned URLs end with the credentials that signed them."""
    expiry = clients.credentials_expire()
    needed = max((job.longest_s for job in jobs), default=0)
    left = None if expiry is None else (expiry - datetime.now(timezone.utc)).total_seconds()
    if left is None or left >= needed:
        return []
    return [
        f"the credentials end in {format_duration(max(0, left))}, the instances may need them for "
        f"{format_duration(needed)}: log in again, choose a role with longer sessions, lower "
        "--aws-time-limit, or let the instances use a role of their own with --aws-instance-profile"
    ]
