"""A training job: what was asked for, where it stands, and how DescribeTrainingJob shows it."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded.ec2.spot import SPOT_SHARE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_benchmark_aws.embedded.moto_models import RoleSession
    from pytest_benchmark_aws.embedded.sagemaker.containers.container import Container

ALIVE = frozenset({"InProgress", "Stopping"})
"""The states that count against quotas."""
DEFAULT_RUNTIME_S = 86_400
"""MaxRuntimeInSeconds where none is given (botocore's model, StoppingCondition)."""
_SHOWN = frozenset(
    {"HyperParameters", "AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig"}
    | {"VpcConfig", "CheckpointConfig", "Environment", "RetryStrategy"}
)
"""Members of the request that DescribeTrainingJob answers as they were."""
REASON_CHARACTERS = 1024
"""Of FailureReason (botocore's model)."""
CLOSED = "closed"
"""The order to end with embedded AWS, when nothing is asked or said any more."""
MESSAGES = {
    "Starting": "Starting the training job",
    "Pending": "Training job waiting for capacity",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Interrupted": "Training job interrupted: its managed spot instances were taken back",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job wait time exceeded MaxWaitTimeInSeconds provided",
}
"""Secondary status -> its message. Those that people's logs show are AWS's (sagemaker-python-sdk issues 658 and 2000,
amazon-sagemaker-examples issue 842); AWS says that they change."""


@dataclass(slots=True)
class Transition:
    """A secondary status, with when it began and ended, in seconds since 1970."""

    status: str
    start: float
    end: float | None = None


@dataclass(slots=True, eq=False)
class TrainingJob:
    """A training job; whoever changes it holds the lock."""

    arn: str
    region: str
    request: Mapping[str, Any]
    """CreateTrainingJob's."""
    tags: dict[str, str]
    session: RoleSession
    """The execution role's credentials."""
    created: float = field(default_factory=time.time)
    modified: float = field(default_factory=time.time)
    status: str = "InProgress"
    transitions: list[Transition] = field(default_factory=list)
    failure_reason: str = ""
    training_start: float | None = None
    training_end: float | None = None
    trained_s: float = 0.0
    """Seconds from Downloading to the end, of all attempts that are over."""
    attempt_start: float | None = None
    """When the attempt that runs began to download, by the monotonic clock."""
    containers: list[Container] = field(default_factory=list)
    """Of the last attempt."""
    order: str = ""
    """What is to become of it: a secondary status in which to end, ``Interrupted``, or empty."""
    wake: threading.Event = field(default_factory=threading.Event)
    """Set where its thread is to look again."""

    @property
    def name(self) -> str:
        """TrainingJobName."""
        return str(self.request["TrainingJobName"])

    @property
    def instance_type(self) -> str:
        """With its prefix, ``ml.m5.xlarge``."""
        return str(self.request["ResourceConfig"]["InstanceType"])

    @property
    def instance_count(self) -> int:
        """How many instances it has."""
        return int(self.request["ResourceConfig"]["InstanceCount"])

    @property
    def spot(self) -> bool:
        """Whether it trains on managed spot instances."""
        return bool(self.request.get("EnableManagedSpotTraining"))

    @property
    def secondary_status(self) -> str:
        """The newest."""
        return self.transitions[-1].status

    @property
    def output(self) -> str:
        """The S3 URL below which its artifacts go."""
        return f"{self.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.name}/output"

    def enter(self, secondary_status: str, status: str | None = None) -> None:
        """Begins a secondary status, and with it perhaps a status."""
        now = time.time()
        if self.transitions:
            self.transitions[-1].end = now
        self.transitions.append(Transition(secondary_status, now))
        self.status = status or self.status
        self.modified = now

    def ordered(self, order: str) -> None:
        """Takes note of what is to become of it; of two orders the first holds, but for an interruption."""
        if self.order in {"", "Interrupted"}:
            self.order = order
        self.wake.set()

    def trained_so_far(self) -> float:
        """Seconds of training, those of the attempt that runs included."""
        running = 0.0 if self.attempt_start is None else time.monotonic() - self.attempt_start
        return self.trained_s + running

    def end_attempt(self) -> None:
        """Stops the clock that is paid for."""
        self.trained_s = self.trained_so_far()
        self.attempt_start = None

    def summary(self) -> dict[str, Any]:
        """As ListTrainingJobs shows it."""
        shown = {
            "TrainingJobName": self.name,
            "TrainingJobArn": self.arn,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self.secondary_status,
        }
        return shown | ({} if self.training_end is None else {"TrainingEndTime": self.training_end})

    def description(self) -> dict[str, Any]:
        """As DescribeTrainingJob shows it: what is not known yet is not there."""
        stopping = self.request.get("StoppingCondition", {})
        shown: dict[str, Any] = {name: self.request[name] for name in _SHOWN if name in self.request}
        shown |= self.summary()
        shown |= {
            "ModelArtifacts": {"S3ModelArtifacts": f"{self.output}/model.tar.gz"},
            "StoppingCondition": {"MaxRuntimeInSeconds": DEFAULT_RUNTIME_S, **stopping},
            "EnableNetworkIsolation": bool(self.request.get("EnableNetworkIsolation")),
            "EnableInterContainerTrafficEncryption": bool(self.request.get("EnableInterContainerTrafficEncryption")),
            "EnableManagedSpotTraining": self.spot,
            "SecondaryStatusTransitions": [
                {
                    "Status": transition.status,
                    "StartTime": transition.start,
                    **({} if transition.end is None else {"EndTime": transition.end}),
                    "StatusMessage": MESSAGES[transition.status],
                }
                for transition in self.transitions
            ],
        }
        shown |= {"FailureReason": self.failure_reason} if self.failure_reason else {}
        shown |= {} if self.training_start is None else {"TrainingStartTime": self.training_start}
        if self.training_end is not None:
            shown["TrainingTimeInSeconds"] = seconds = max(1, math.ceil(self.trained_s))
            # Of spot the seconds themselves are fewer: 1 - billable / training is the saving (botocore's model).
            shown["BillableTimeInSeconds"] = max(1, math.ceil(seconds * SPOT_SHARE)) if self.spot else seconds
        return shown
