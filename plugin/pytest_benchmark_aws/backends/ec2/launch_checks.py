"""What EC2 must have and allow for a plan, asked read-only, so that everything that is wrong is said at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws import ec2, images, quotas
from pytest_benchmark_aws.aws.errors import refusal
from pytest_benchmark_aws.aws.images import RootDevice
from pytest_benchmark_aws.aws.vpc import security_groups
from pytest_benchmark_aws.aws.vpc.routes import without_a_way_out
from pytest_benchmark_aws.core.errors import RemoteFailure
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
    tags: tuple[tuple[str, str], ...] = ()
    """Of all that is made, as governed accounts ask for."""
    disk_gib: int | None = None
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
    """VPC -> group of single machines."""
    images: Mapping[str, str] = field(default_factory=dict)
    """Kind of image, as ``aws.images`` names it -> machine image."""
    roots: Mapping[str, RootDevice] = field(default_factory=dict)
    """Machine image -> its root."""
    notes: tuple[str, ...] = ()
    """Sentences on what may go wrong and is no reason to refuse."""
    vcpu_quotas: Mapping[str, int] = field(default_factory=dict)
    """Code of a quota -> vCPUs that may run at once; without those that the account may not ask for."""
    open_groups: Mapping[str, str | None] = field(default_factory=dict)
    """VPC -> security group of machines that reach each other."""

    def beside(self, later: Place) -> Place:
        """What a later look found, and what was known of other jobs and made for them."""
        return Place(
            later.subnets,
            {**self.zones, **later.zones},
            self.security_groups,
            {**self.images, **later.images},
            {**self.roots, **later.roots},
            tuple(dict.fromkeys((*self.notes, *later.notes))),
            {**self.vcpu_quotas, **later.vcpu_quotas},
            self.open_groups,
        )


def look(clients: Clients, options: Options, jobs: Sequence[Job]) -> tuple[Place, list[str]]:
    """Where the jobs can go, its security groups aside; and each reason why they cannot, with the next step."""
    from botocore.exceptions import BotoCoreError, ClientError

    problems = _not_of_the_image(options, jobs)
    notes, roots = list[str](), dict[str, RootDevice]()
    subnets: list[ec2.Subnet] = []
    zones: dict[str, frozenset[str]] = {}
    image_ids: dict[str, str] = {}
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
        for kind in sorted({images.kind_of(job) for job in jobs}):
            image_ids[kind] = options.ami or images.image(clients, kind)
            roots[image_ids[kind]] = images.root_device(clients, image_ids[kind])
        group = options.security_group
        if group and any(job.count > 1 for job in jobs) and not security_groups.is_open_to_itself(clients, group):
            problems.append(
                f"--aws-security-group={group} does not let its own members in, so that the machines of a group would "
                "not reach each other: add the rule (aws ec2 authorize-security-group-ingress --protocol all "
                f"--group-id {group} --source-group {group}), or leave the option out"
            )
        notes += [
            f"{subnet_id}: {why}, so that an instance may not reach S3; name another subnet with --aws-subnet"
            for subnet_id, why in without_a_way_out(clients, subnets).items()
        ]
    except (BotoCoreError, ClientError) as error:
        problems.append(f"AWS refused to answer: {refusal(error)}")
    codes = {code for job in jobs if (code := quotas.quota_code(job.instance_type.name, job.market))}
    limits = {code: limit for code in sorted(codes) if (limit := quotas.vcpu_quota(clients, code)) is not None}
    for job in jobs:
        code = quotas.quota_code(job.instance_type.name, job.market)
        if code is not None and vcpus(job) > limits.get(code, vcpus(job)):
            problems.append(_beyond_quota(job, code, limits[code]))
    if not options.instance_profile:  # with a profile, the guest signs by its own role
        needed = max((job.longest_s for job in jobs), default=0)
        problems += expiring(clients, needed, grace_s=max((job.grace_s for job in jobs), default=0))
        if clients.are_temporary() and clients.credentials_expire() is None:
            notes.append(
                "these credentials are temporary and do not say when they end; what an instance uploads after that is "
                f"refused, and it may need {format_duration(needed)}: see that they last, or give it a role of its own "
                "with --aws-instance-profile"
            )
    place = Place(
        tuple(subnets), zones, images=image_ids, roots=roots, notes=tuple(dict.fromkeys(notes)), vcpu_quotas=limits
    )
    return place, problems


def _not_of_the_image(options: Options, jobs: Sequence[Job]) -> list[str]:
    """Types that the default images do not boot on, or whose accelerator they do not drive."""
    if options.ami is not None:
        return []
    types = {job.instance_type.name: job.instance_type for job in jobs}
    return [why for name in sorted(types) if (why := images.unsupported(types[name])) is not None]


def with_security_groups(clients: Clients, options: Options, place: Place, jobs: Sequence[Job]) -> Place:
    """The place with the security groups of the jobs' machines, in each VPC; those that are missing are made.

    Raises:
        PlanError: somebody has changed the rules of ours.
    """
    tags, named = dict(options.tags), options.security_group
    vpcs = list(dict.fromkeys(subnet.vpc_id for subnet in place.subnets))
    single = {vpc: named or security_groups.security_group(clients, vpc, make=True, tags=tags) for vpc in vpcs}
    if all(job.count == 1 for job in jobs):
        return replace(place, security_groups=single)
    together = {vpc: named or security_groups.open_to_itself(clients, vpc, tags) for vpc in vpcs}
    return replace(place, security_groups=single, open_groups=together)


def vcpus(job: Job) -> int:
    """What a launch of the job takes of the quota."""
    return job.count * (job.instance_type.vcpus or 0)


def _beyond_quota(job: Job, code: str, quota: int) -> str:
    machines = job.instance_type.name if job.count == 1 else f"a group of {job.count} {job.instance_type.name}"
    return (
        f"{machines} has {vcpus(job)} vCPUs, the account's quota for running instances is {quota}: ask "
        f"for more in Service Quotas, EC2, {code} ({'spot' if job.market == 'spot' else 'on demand'})"
    )


def expiring(clients: Clients, needed: float, *, grace_s: int) -> list[str]:
    """Why launches that may need their URLs for so many seconds cannot begin now; nothing where they can.

    Presigned URLs end with the credentials that signed them.
    """
    expiry = clients.credentials_expire()
    left = None if expiry is None else (expiry - datetime.now(timezone.utc)).total_seconds()
    if left is None or left >= needed:
        return []
    minutes = int(left - grace_s) // 60
    lower = f"lower --aws-time-limit, to {minutes}m at most now" if minutes > 0 else "lower --aws-time-limit"
    return [
        f"the credentials end in {format_duration(max(0, left))}, the instances may need them for "
        f"{format_duration(needed)}: log in again, choose a role with longer sessions, {lower}, "
        "or let the instances use a role of their own with --aws-instance-profile"
    ]


def refuse_expiring(clients: Clients, job: Job) -> None:
    """Refuses a launch that may outlive the credentials, once they were renewed.

    Raises:
        RemoteFailure: saying when they end, and what to do.
    """
    if expiring(clients, job.longest_s, grace_s=job.grace_s):
        clients.renew()
        ending = expiring(clients, job.longest_s, grace_s=job.grace_s)
        if ending:
            raise RemoteFailure(f"{job.name} was not launched: {ending[0]}; then go on with --aws-resume")
