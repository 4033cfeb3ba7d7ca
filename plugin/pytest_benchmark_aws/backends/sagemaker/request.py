"""The request of a training job, its name, and the times that bound it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws.ec2 import TAG
from pytest_benchmark_aws.aws.sagemaker import PREFIX, TrainingRequest
from pytest_benchmark_aws.backends.sagemaker.limits import SPOT_START_S, START_S, STOP_S, UPLOAD_S, VOLUME_GIB
from pytest_benchmark_aws.core.model import GRACE_S

if TYPE_CHECKING:
    from pytest_benchmark_aws.backends.protocol import Placement, Site
    from pytest_benchmark_aws.backends.sagemaker.check import Options, Place
    from pytest_benchmark_aws.core.model import Job, Target

ENTRYPOINT = ("python3", "/opt/ml/input/data/agent/agent.pyz")
"""Of the channel ``agent``, into which SageMaker puts what is below ``INPUT``."""
INPUT = "input"


def job_name(run_id: str, token: str) -> str:
    """The name of the training job of a token: of 63 characters at most, and unique in account and region."""
    return f"{PREFIX}{run_id}-{token[:16]}"


def grace_s(target: Target) -> int:
    """Seconds that a launch of the target may live beyond the time limit: a training job takes long to begin."""
    return GRACE_S + START_S + (SPOT_START_S if target.market == "spot" else 0)


def most_runtime_s(job: Job) -> int:
    """Seconds after which SageMaker ends the job: of what is billed before its tests begin a part of the grace.

    The image and the input are fetched in it; SIGTERM comes at its end, and what is billed after that is within the
    grace, too.
    """
    return job.time_limit_s + GRACE_S - STOP_S - UPLOAD_S


def training_request(site: Site, job: Job, placement: Placement, place: Place, options: Options) -> TrainingRequest:
    """All that the launch says."""
    deadline = datetime.now(timezone.utc) + timedelta(seconds=job.longest_s)
    prefix = f"s3://{site.bucket.name}/{site.prefix(job, placement.attempt)}"
    return TrainingRequest(
        name=job_name(site.run_id, placement.token),
        instance_type=job.instance_type.name,
        count=job.count,
        image=place.images[job.instance_type.name],
        role=place.role,
        entrypoint=ENTRYPOINT,
        input_uri=f"{prefix}/{INPUT}/",
        output_uri=f"{prefix}/output",
        most_runtime_s=most_runtime_s(job),
        most_wait_s=job.longest_s if job.market == "spot" else None,
        volume_gib=options.disk_gib or VOLUME_GIB,
        tags={
            **dict(options.tags),
            f"{TAG}:run": site.run_id,
            f"{TAG}:job": job.name,
            f"{TAG}:attempt": str(placement.attempt),
            f"{TAG}:token": placement.token,
            f"{TAG}:deadline": deadline.isoformat(timespec="seconds"),
            f"{TAG}:price": str(job.price.usd_per_hour),
            **({f"{TAG}:fallback": "on-demand"} if job.fallback else {}),
        },
        environment={"PYTHONUNBUFFERED": "1"},
    )
