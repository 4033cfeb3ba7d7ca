"""AWS's words -> ours: the codes that refuse a launch, and the reasons why an instance ended."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws.errors import code_of
from pytest_benchmark_aws.core.errors import CapacityError, CleanupError, QuotaError, ThrottledError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_benchmark_aws.backends.protocol import Cause

_NO_CAPACITY = frozenset(
    {"InsufficientInstanceCapacity", "InsufficientHostCapacity", "Unsupported", "SpotMaxPriceTooLow"}
    # EC2 API, "Error codes": it is the subnet's, another may have some.
    | {"InsufficientFreeAddressesInSubnet"}
)
_NO_QUOTA = frozenset({"VcpuLimitExceeded", "MaxSpotInstanceCountExceeded"})
_THROTTLED = frozenset(
    {"RequestLimitExceeded", "Throttling", "ThrottlingException", "ServiceUnavailable"}
    # EC2 API, "Error codes": an account's first launch is looked at, which passes by itself.
    | {"PendingVerification"}
)


class TerminatedError(Exception):
    """The token's launch is over: EC2 launches nothing by it any more (boto3 #4406)."""


@contextmanager
def launching(run_id: str, token: str, quota: str | None = None) -> Iterator[None]:
    """What RunInstances answers to a launch of that token, as our errors; ``quota`` is the code of what counts it.

    Raises:
        CapacityError: the zone has no such instance now; QuotaError: the account's quota of vCPUs is used up.
        ThrottledError: AWS asks to slow down.
        TerminatedError: the token's instance is over.
        CleanupError: the token stands for another launch than this one.
        botocore.exceptions.ClientError: any other answer.
    """
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        code = code_of(error)
        if code in _NO_QUOTA:
            hint = "end other instances, or ask for more in Service Quotas, EC2" + (f", {quota}" if quota else "")
            raise QuotaError(f"{error}; {hint}") from error
        if code == "IdempotentInstanceTerminated":
            raise TerminatedError(str(error)) from error
        if code in _NO_CAPACITY:
            raise CapacityError(str(error)) from error
        if code in _THROTTLED:
            raise ThrottledError(str(error)) from error
        if code == "IdempotentParameterMismatch":
            raise CleanupError(
                f"{error}; AWS knows the token {token} from another launch than this: the run ends here, "
                f"and with it its instances. See that none is left: pytest-benchmark-aws reap --run {run_id}"
            ) from error
        raise


def cause_of(reason: str) -> Cause:
    """Whose doing an instance's end was, by EC2's state reason or by the guest's outcome; empty: nobody's but its own.

    ``Server.SpotInstanceTermination: ...`` and ``spot: ...`` are ``taken back``, any other ``Server. ...`` is ``lost``.
    """
    if "spot" in reason.lower():
        return "taken back"
    return "lost" if reason.startswith("Server.") else ""
