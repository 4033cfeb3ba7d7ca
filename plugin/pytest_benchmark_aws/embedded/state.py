"""What tests set and ask of an embedded AWS: faults, capacity, quotas, and the record of calls."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_benchmark_aws.embedded.aws_error import AwsError

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.aws_request import AwsRequest
    from pytest_benchmark_aws.embedded.iam.authorization import Decision
    from pytest_benchmark_aws.embedded.settings import Settings


@dataclass(slots=True)
class Fault:
    """Calls of one action that are to fail."""

    action: str
    code: str
    status: int
    times: int
    message: str
    after: bool
    """The call takes effect and its answer is lost, as when a connection breaks: idempotency is for this."""


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS call, as it came in."""

    service: str
    action: str
    time: float
    path: str = ""
    """Of S3: bucket and key."""
    presigned: bool = False
    """By a presigned URL, as guests call."""


@dataclass(slots=True)
class State:
    """Shared by the request threads; every use of it holds the lock."""

    settings: Settings
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Also the lock of all EC2 calls and state changes: moto's models are not made for threads."""
    faults: list[Fault] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    capacity: dict[tuple[str, str], int] = field(default_factory=dict)
    """(zone, instance type) -> launches that still succeed; absent: any number."""
    iam_enforced: bool = False
    """Whether calls need a known signer and a policy that allows them."""
    decisions: list[Decision] = field(default_factory=list)
    """What IAM was asked while it was enforced."""
    vcpu_quota: int = 0
    spot_vcpu_quota: int = 0

    def __post_init__(self) -> None:
        self.vcpu_quota = self.settings.vcpu_quota
        self.spot_vcpu_quota = self.settings.spot_vcpu_quota

    def note_call(self, request: AwsRequest, path: str) -> None:
        """Record a call."""
        presigned = "X-Amz-Signature" in request.params
        with self.lock:
            self.calls.append(Call(request.service, request.action, time.time(), path, presigned))

    def take_fault(self, action: str) -> Fault | None:
        """The fault that is due for this call of an action, used up once."""
        with self.lock:
            fault = next((fault for fault in self.faults if fault.action == action and fault.times > 0), None)
            if fault is not None:
                fault.times -= 1
            return fault


def fault_error(fault: Fault) -> AwsError:
    """The error that a fault answers with."""
    return AwsError(fault.code, fault.message or f"{fault.code}, injected by a test.", fault.status)
