"""SageMaker's training jobs as a run needs them: create, look, stop, and the end of their logs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.aws.ec2 import MOST_SECONDS, TAG, tag_time
from pytest_benchmark_aws.aws.errors import code_of
from pytest_benchmark_aws.core.cost import usd
from pytest_benchmark_aws.core.values import json_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal

    from pytest_benchmark_aws.aws.clients import Clients

PREFIX = "pba-"
"""How the names of our jobs begin: policies are scoped by it."""
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
"""With a stream ``JOB/HOST-EPOCH`` for each host (SageMaker guide, "CloudWatch Logs")."""
_LONGEST_LIFE = timedelta(days=8)
"""The longest time limit is 167 hours, its grace an hour and a half."""
_ALIVE = frozenset({"InProgress", "Stopping"})
_NOT_FOUND = ("ResourceNotFound", "Requested resource not found", "Could not find")
"""DescribeTrainingJob and StopTrainingJob of a name that is none: their model has ResourceNotFound, what comes is a
ValidationException with "Requested resource not found." (aws-sdk #165)."""
_OVER = "rejected because the training job is in status"
"""StopTrainingJob of a job that is over (awslabs/benchmark-ai #928), as a ValidationException."""


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What one CreateTrainingJob call asks for."""

    name: str
    instance_type: str
    count: int
    image: str
    role: str
    entrypoint: Sequence[str]
    input_uri: str
    """Of the prefix whose objects the container finds below /opt/ml/input/data/agent."""
    output_uri: str
    most_runtime_s: int
    """SageMaker ends the job when it has run for so long."""
    most_wait_s: int | None
    """On the spot market: the same with the time that it waits for capacity; None: on demand."""
    volume_gib: int
    tags: Mapping[str, str]
    environment: Mapping[str, str]

    def parameters(self) -> dict[str, Any]:
        """The keyword arguments of boto3's ``create_training_job``."""
        source = {"S3DataType": "S3Prefix", "S3Uri": self.input_uri, "S3DataDistributionType": "FullyReplicated"}
        spot = self.most_wait_s is not None
        return {
            "TrainingJobName": self.name,
            "RoleArn": self.role,
            "AlgorithmSpecification": {
                "TrainingImage": self.image,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": list(self.entrypoint),
            },
            "InputDataConfig": [
                {"ChannelName": "agent", "InputMode": "File", "DataSource": {"S3DataSource": source}},
            ],
            "OutputDataConfig": {"S3OutputPath": self.output_uri},
            "ResourceConfig": {
                "InstanceType": self.instance_type,
                "InstanceCount": self.count,
                "VolumeSizeInGB": self.volume_gib,
            },
            "StoppingCondition": {
                "MaxRuntimeInSeconds": self.most_runtime_s,
                **({"MaxWaitTimeInSeconds": self.most_wait_s} if spot else {}),
            },
            "EnableManagedSpotTraining": spot,
            "Environment": dict(self.environment),
            "Tags": [{"Key": key, "Value": value} for key, value in {**self.tags, "managed-by": TAG}.items()],
        }


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """A training job as one look at SageMaker shows it; our own fields are from its tags, where they were read."""

    name: str
    arn: str
    status: str
    """``InProgress``, ``Stopping``, ``Completed``, ``Failed`` or ``Stopped``."""
    secondary: str
    reason: str
    """Why it failed, in SageMaker's words; else the last message of its secondary status."""
    created: datetime
    started: datetime | None = None
    """From when on it is billed."""
    billable_s: int | None = None
    """Seconds that it was billed for on each of its machines, once it is over."""
    spot: bool = False
    interrupted: bool = False
    """Whether managed spot training took its machines back, be it that it goes on on others since."""
    run: str = ""
    job: str = ""
    attempt: int = 1
    token: str = ""
    deadline: datetime | None = None
    fallback: bool = False
    usd_per_hour: Decimal | None = None
    managed: bool = False
    """Whether it has our tag."""

    @property
    def alive(self) -> bool:
        """Whether it may still cost money: also while it stops (DescribeTrainingJob, TrainingEndTime)."""
        return self.status in _ALIVE

    def age_s(self, now: datetime) -> float:
        """Seconds since it was created."""
        return max(0.0, (now - self.created).total_seconds())

    @property
    def longest_s(self) -> int | None:
        """Seconds from its creation to its deadline; None where the tag is missing or senseless."""
        if self.deadline is None:
            return None
        seconds = round((self.deadline - self.created).total_seconds())
        return seconds if 0 < seconds <= MOST_SECONDS else None

    def most_usd(self, now: datetime) -> Decimal | None:
        """The most that it costs: what it was billed for or, where that is not known, until its deadline."""
        if self.usd_per_hour is None or self.deadline is None:
            return None
        if self.billable_s is not None:
            return usd(self.usd_per_hour, self.billable_s)
        end = self.deadline if self.alive else min(now, self.deadline)
        return usd(self.usd_per_hour, max(0.0, (end - self.created).total_seconds()))


def create(clients: Clients, request: TrainingRequest) -> None:
    """Creates the job; a second one of its name is ResourceInUse."""
    clients("sagemaker").create_training_job(**request.parameters())


def describe(clients: Clients, name: str, *, tags: bool = False) -> TrainingJob | None:
    """The job of a name, on demand with what its tags say; None where there is none, or it is not shown yet."""
    from botocore.exceptions import ClientError

    try:
        item = clients("sagemaker").describe_training_job(TrainingJobName=name)
    except ClientError as error:
        if _is(error, *_NOT_FOUND):
            return None
        raise
    return _job(item, _tags(clients, item["TrainingJobArn"]) if tags else {})


def jobs(clients: Clients, name_contains: str, *, living: bool = False) -> Iterator[tuple[str, bool]]:
    """Names of ours that contain a text, newest first, and whether each is alive, from one listing.

    ``living``: only of those that were created so lately that they can be; all others stay listed for ever.
    """
    since = {"CreationTimeAfter": datetime.now(timezone.utc) - _LONGEST_LIFE} if living else {}
    pages = clients("sagemaker").get_paginator("list_training_jobs")
    for page in pages.paginate(NameContains=name_contains, PaginationConfig={"PageSize": 100}, **since):
        for item in page["TrainingJobSummaries"]:
            if item["TrainingJobName"].startswith(PREFIX):
                yield str(item["TrainingJobName"]), item["TrainingJobStatus"] in _ALIVE


def jobs_of_run(clients: Clients, run_id: str) -> list[TrainingJob]:
    """All jobs of a run with their tags, those that are over too."""
    names = [name for name, _ in jobs(clients, f"{PREFIX}{run_id}-")]
    found = (describe(clients, name, tags=True) for name in names)
    return [job for job in found if job is not None and job.run == run_id]


def managed_jobs(clients: Clients) -> list[TrainingJob]:
    """The jobs of any run of ours in the region that are alive, with their tags."""
    names = [name for name, alive in jobs(clients, PREFIX, living=True) if alive]
    found = (describe(clients, name, tags=True) for name in names)
    return [job for job in found if job is not None and job.managed]


def stop(clients: Clients, name: str) -> None:
    """Stops a job; one that is over, or never was, is no error."""
    from botocore.exceptions import ClientError

    try:
        clients("sagemaker").stop_training_job(TrainingJobName=name)
    except ClientError as error:
        if not _is(error, _OVER, *_NOT_FOUND):
            raise


def stop_all(clients: Clients, names: Sequence[str]) -> None:
    """Stops each of them."""
    for name in names:
        stop(clients, name)


def log_end(clients: Clients, name: str, lines: int) -> str:
    """The last lines of what a job's hosts logged; empty where there is nothing."""
    from botocore.exceptions import ClientError

    logs, texts = clients("logs"), []
    with suppress(ClientError):
        streams = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]
        for stream in streams:
            events = logs.get_log_events(
                logGroupName=LOG_GROUP, logStreamName=stream["logStreamName"], limit=lines, startFromHead=False
            )["events"]
            texts += [str(event["message"]) for event in events]
    return "\n".join(texts)


def _is(error: Exception, *words: str) -> bool:
    """Whether an error has one of these as its code, or in the message of a ValidationException."""
    code = code_of(error)
    return code in words or (code == "ValidationException" and any(word in str(error) for word in words))


def _tags(clients: Clients, arn: str) -> dict[str, str]:
    pages = clients("sagemaker").get_paginator("list_tags").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def _job(item: Mapping[str, Any], tags: Mapping[str, str]) -> TrainingJob:
    """A job of DescribeTrainingJob."""
    transitions = item.get("SecondaryStatusTransitions") or []
    message = transitions[-1].get("StatusMessage", "") if transitions else ""
    attempt = str(tags.get(f"{TAG}:attempt", "1"))
    return TrainingJob(
        name=item["TrainingJobName"],
        arn=item["TrainingJobArn"],
        status=item["TrainingJobStatus"],
        secondary=item.get("SecondaryStatus", ""),
        reason=item.get("FailureReason") or message,
        created=item["CreationTime"],
        started=item.get("TrainingStartTime"),
        billable_s=item.get("BillableTimeInSeconds"),
        spot=bool(item.get("EnableManagedSpotTraining")),
        interrupted=any(transition["Status"] == "Interrupted" for transition in transitions),
        run=tags.get(f"{TAG}:run", ""),
        job=tags.get(f"{TAG}:job", ""),
        attempt=int(attempt) if attempt.isascii() and attempt.isdigit() and len(attempt) < 7 else 1,
        token=tags.get(f"{TAG}:token", ""),
        deadline=tag_time(tags.get(f"{TAG}:deadline", "")),
        fallback=f"{TAG}:fallback" in tags,
        usd_per_hour=json_fields.usd(tags.get(f"{TAG}:price")),
        managed=tags.get("managed-by") == TAG,
    )
