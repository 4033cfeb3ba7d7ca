"""What callers set and ask of an embedded AWS: its settings, faults, capacity, quotas, and the record of calls."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_benchmark_aws.embedded.aws_error import AwsError

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.aws_request import AwsRequest


@dataclass(frozen=True, slots=True)
class Settings:
    """How one embedded AWS behaves; the defaults suit a test."""

    region: str = "us-east-1"
    port: int = 0
    """TCP port; 0 is any free one."""
    vcpu_quota: int = 256
    """vCPUs of running standard on-demand instances, quota L-1216C47A."""
    spot_vcpu_quota: int = 256
    """vCPUs of running standard spot instances, quota L-34B43A08."""
    gpu_vcpu_quota: int = 256
    """vCPUs of running G and VT instances, and of P, in each market; of new accounts often 0."""
    state_delay: float = 0.2
    """Seconds that an instance stays pending, shutting-down or stopping."""
    shutting_down_delay: float | None = None
    """Seconds that an instance stays shutting-down; None: ``state_delay``. On AWS a minute for c5.large, over 19 for
    c5.metal, over 5 for GPU types (packer-plugin-amazon #682, bottlerocket-test-system #337, terraform #5807)."""
    quota_release_delay: float = 0.0
    """Seconds that the vCPUs of an instance that is shutting down or terminated still count against the quota, which
    on AWS is minutes (cml #649)."""
    console_is_late: bool = False
    """Whether GetConsoleOutput shows nothing yet to who does not ask for the latest, as of an instance's end."""
    driver_delay: float = 0.0
    """Seconds after the start of an instance with GPUs until its NVIDIA driver answers; its image loads it by a
    service."""
    kill_grace: float = 5.0
    """Seconds between SIGTERM and SIGKILL for the processes of an instance that ends."""
    training_quota: int = 20
    """Instances of each type in training jobs, on demand and managed spot; of new accounts often 0."""
    training_start_delay: float | None = None
    """Seconds that a training job is Starting; None: ``state_delay``. On AWS it is minutes."""
    training_stop_grace: float = 120.0
    """Seconds between SIGTERM and SIGKILL for a training job that is stopped (botocore's model, StopTrainingJob)."""
    minute: float = 60.0
    """Seconds that a minute of a guest's ``shutdown +MINUTES`` lasts; tests shorten it."""
    service_latency: float = 0.0
    """Seconds that each answer of a managed service takes, where the control API sets no other."""
    guest_environment: tuple[tuple[str, str], ...] = ()
    """Environment variables of every guest, such as those of a proxy; they stand for what its image is set up with."""


@dataclass(slots=True)
class Fault:
    """An error that the next calls of one action answer with."""

    action: str
    code: str
    status: int = 400
    times: int = 1
    """How many calls are still to fail."""
    message: str = ""
    after: bool = False
    """The call takes effect and its answer is lost, as when a connection breaks: this tests idempotency."""

    def error(self) -> AwsError:
        """The error that a call answers with."""
        return AwsError(self.code, self.message or f"{self.code}, injected by a test.", self.status)


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS call, as it came in."""

    service: str
    action: str
    time: float
    """Seconds since 1970."""
    path: str = ""
    """The URL's path; of S3 it is bucket and key."""
    presigned: bool = False
    """Whether it came by a presigned URL, as guests call."""


@dataclass(slots=True)
class TrainingCapacity:
    """What is left of an instance type for training jobs."""

    available: int
    """Instances that jobs may still get."""
    fails: bool = False
    """Whether a job that gets none fails, as on AWS after a while, or waits as long as it may."""


@dataclass(frozen=True, slots=True)
class ServiceLoad:
    """How a managed service answers."""

    latency_s: float = 0.0
    requests_a_second: float | None = None
    """It throttles what comes faster, after a burst; None: never."""
    burst: int = 1
    """Requests that pass at once."""


@dataclass(slots=True)
class State:
    """What all requests of one embedded AWS share; a thread that uses it holds the lock."""

    settings: Settings
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Also the lock of all EC2 calls and state changes: moto's models are not made for threads."""
    faults: list[Fault] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    capacity: dict[tuple[str, str], int | None] = field(default_factory=dict)
    """(zone, instance type) -> launches that still succeed; a pair that is absent or None has no limit."""

    service_loads: dict[str, ServiceLoad] = field(default_factory=dict)
    """Managed service, as signatures name it -> how it answers, where a caller has set it."""
    training_quotas: dict[str, int] = field(default_factory=dict)
    """Name of a quota of SageMaker -> its value, of those that differ from the settings."""
    training_capacity: dict[tuple[str, bool], TrainingCapacity] = field(default_factory=dict)
    """(instance type, whether spot) -> what is left for training jobs; a pair that is absent has no limit."""

    def note_call(self, request: AwsRequest, path: str) -> None:
        """Adds a call to the record."""
        presigned = "X-Amz-Signature" in request.params
        with self.lock:
            self.calls.append(Call(request.service, request.action, time.time(), path, presigned))

    def service_load(self, service: str) -> ServiceLoad:
        """How a managed service answers now."""
        with self.lock:
            return self.service_loads.get(service, ServiceLoad(self.settings.service_latency))

    def take_fault(self, action: str) -> Fault | None:
        """The fault that this call of an action meets, counted down by one; None where there is none."""
        with self.lock:
            fault = next((fault for fault in self.faults if fault.action == action and fault.times > 0), None)
            if fault is not None:
                fault.times -= 1
            return fault
