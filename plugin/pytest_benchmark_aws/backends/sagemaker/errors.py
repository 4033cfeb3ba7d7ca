"""SageMaker's words -> ours: the codes that refuse a job, and the reasons why one ended."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws.errors import code_of
from pytest_benchmark_aws.core.errors import QuotaError, ThrottledError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_benchmark_aws.aws.sagemaker import TrainingJob
    from pytest_benchmark_aws.backends.protocol import Cause

_THROTTLED = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException", "ServiceUnavailable"})
_LOST = ("CapacityError", "InternalServerError")
"""How a FailureReason begins that is no fault of the job's (SageMaker guide, "Error messages": CapacityError is "Unable
to provision requested ML compute capacity")."""


class ExistsError(Exception):
    """There is a job of that name (ResourceInUse)."""


@contextmanager
def creating(quota: str) -> Iterator[None]:
    """What CreateTrainingJob answers, as our errors; ``quota`` is the name of what counts the job.

    Raises:
        QuotaError: the account's quota is used up; ThrottledError: AWS asks to slow down.
        ExistsError: there is a job of that name.
        botocore.exceptions.ClientError: any other answer.
    """
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        code = code_of(error)
        if code == "ResourceInUse":
            raise ExistsError(str(error)) from error
        if code == "ResourceLimitExceeded":
            raise QuotaError(
                f"{error}; end other training jobs, or ask for more in Service Quotas, SageMaker, {quota}"
            ) from error
        if code in _THROTTLED:
            raise ThrottledError(str(error)) from error
        raise


def cause_of(reason: str) -> Cause:
    """Whose doing an end was, by what a status or the guest's outcome says of it; empty: nobody's but its own."""
    if reason.startswith("spot:"):
        return "taken back"
    return "lost" if reason.startswith(_LOST) else ""


def cause_of_end(job: TrainingJob, reason: str) -> Cause:
    """Whose doing a job's end was; on the spot market a lack of capacity is as if it had been taken back."""
    cause = cause_of(reason)
    return "taken back" if cause == "lost" and job.spot and reason.startswith("CapacityError") else cause
