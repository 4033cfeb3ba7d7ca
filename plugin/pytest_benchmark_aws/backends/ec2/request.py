"""The request of a launch: all that RunInstances is told."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws import ec2
from pytest_benchmark_aws.aws.images import RootDevice, kind_of

if TYPE_CHECKING:
    from pytest_benchmark_aws.backends.ec2.launch_checks import Options, Place
    from pytest_benchmark_aws.backends.protocol import Placement
    from pytest_benchmark_aws.core.model import Job


DISK_GIB = 30
"""Of the root, where the image does not ask for more."""


def launch_request(
    run_id: str, job: Job, placement: Placement, place: Place, script: str, options: Options
) -> ec2.LaunchRequest:
    """All that the launch says; ``script`` is its user data."""
    image_id = place.images[kind_of(job)]
    root = place.roots.get(image_id, RootDevice())
    subnet = next(subnet for subnet in place.subnets if subnet.subnet_id == placement.where)
    deadline = datetime.now(timezone.utc) + timedelta(seconds=job.longest_s)
    return ec2.LaunchRequest(
        instance_type=job.instance_type.name,
        market=job.market,
        image_id=image_id,
        subnet_id=subnet.subnet_id,
        security_group_id=(place.open_groups if job.count > 1 else place.security_groups).get(subnet.vpc_id),
        token=placement.token,
        user_data=script,
        tags={
            **dict(options.tags),
            "Name": f"{ec2.TAG} {run_id} {job.name}",
            f"{ec2.TAG}:run": run_id,
            f"{ec2.TAG}:job": job.name,
            f"{ec2.TAG}:attempt": str(placement.attempt),
            f"{ec2.TAG}:token": placement.token,
            f"{ec2.TAG}:deadline": deadline.isoformat(timespec="seconds"),
            f"{ec2.TAG}:price": str(job.price.usd_per_hour / job.count),
            **({f"{ec2.TAG}:count": str(job.count)} if job.count > 1 else {}),
            **({f"{ec2.TAG}:fallback": "on-demand"} if job.fallback else {}),
        },
        instance_profile=options.instance_profile,
        disk_gib=max(options.disk_gib or DISK_GIB, root.gib),
        root_device=root.name,
        encrypted=True,
        cpu_credits="standard" if job.instance_type.burstable else "",
        count=job.count,
    )


def awaited_gpus(job: Job, options: Options) -> int:
    """GPUs whose driver must be there before the tests; on an image of the user's, where a case asks for a GPU."""
    asked = any(case.requirements.gpu for case in job.cases)
    return job.instance_type.gpus if options.ami is None or asked else 0
