"""The credentials of a training job's execution role, as its container gets them: those of ECS's tasks.

The document's shape is that of the ECS guide, "Task IAM role". AWS serves it at 169.254.170.2, to whoever is in the
container. Here a token in the URL shows who asks, which the container's processes alone are told.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.sagemaker.training_jobs import TrainingJobs


def answer(jobs: TrainingJobs, method: str, token: str) -> tuple[int, str]:
    """HTTP status and text that answer a request of a container's URL."""
    job = jobs.of_container(token)
    if job is None:
        return 404, ""
    if method != "GET":
        return 405, ""
    until = datetime.now(timezone.utc) + timedelta(hours=1)
    document = {
        "RoleArn": job.request["RoleArn"],
        "AccessKeyId": job.session.key_id,
        "SecretAccessKey": job.session.secret,
        "Token": job.session.token,
        "Expiration": f"{until:%Y-%m-%dT%H:%M:%SZ}",
    }
    return 200, json.dumps(document)
