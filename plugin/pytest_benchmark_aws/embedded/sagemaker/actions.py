"""The SageMaker actions that embedded AWS answers; those of anything but training jobs are moto's."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.sagemaker import constraints, quotas
from pytest_benchmark_aws.embedded.sagemaker import create_training_job as creation
from pytest_benchmark_aws.embedded.sagemaker.job import TrainingJob

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.embedded.aws_request import AwsRequest
    from pytest_benchmark_aws.embedded.sagemaker.training_jobs import TrainingJobs
    from pytest_benchmark_aws.embedded.state import State

_JOB_ARN = re.compile(r"arn:[a-z-]+:sagemaker:(?P<region>[a-z0-9-]+):\d{12}:training-job/(?P<name>[^/]+)")
_MOST_TAGS = 50
_PAGE = 10
"""Jobs of a page where MaxResults does not say; the API reference has no number, so that nobody may count on more."""


class SageMaker:
    """SageMaker's training jobs."""

    def __init__(self, state: State, jobs: TrainingJobs) -> None:
        self._state = state
        self._jobs = jobs
        self._actions: dict[str, Callable[[AwsRequest], dict[str, Any]]] = {
            "CreateTrainingJob": self._create,
            "DescribeTrainingJob": lambda request: self._find(request).description(),
            "ListTrainingJobs": self._list,
            "StopTrainingJob": self._stop,
        }
        self._tag_actions: dict[str, Callable[[AwsRequest, TrainingJob], dict[str, Any]]] = {
            "AddTags": self._add_tags,
            "ListTags": lambda _, job: {"Tags": _tags(job)},
            "DeleteTags": self._delete_tags,
        }

    def __call__(self, request: AwsRequest) -> dict[str, Any] | None:
        """The document that answers a call; None where moto is to answer."""
        act = self._actions.get(request.action)
        if request.action == "CreateTrainingJob":
            return self._create(request)  # it asks S3, which waits for the lock
        with self._state.lock:
            if act is not None:
                constraints.check(request.action, request.document)
                return act(request)
            tag = self._tag_actions.get(request.action)
            arn = str(request.document.get("ResourceArn", ""))
            if tag is not None and _JOB_ARN.fullmatch(arn):
                constraints.check(request.action, request.document)
                return tag(request, self._of_arn(arn))
        return None

    def tags_of(self, arn: str) -> dict[str, str]:
        """The tags of the training job of an ARN; none of what is no training job."""
        match = _JOB_ARN.fullmatch(arn)
        job = self._jobs.by_name.get((match["region"], match["name"])) if match else None
        return {} if job is None else dict(job.tags)

    def _find(self, request: AwsRequest) -> TrainingJob:
        job = self._jobs.by_name.get((request.region, str(request.document["TrainingJobName"])))
        if job is None:  # not ResourceNotFound, as the model says: aws-sdk issue 165
            raise AwsError("ValidationException", "Requested resource not found.")
        return job

    def _of_arn(self, arn: str) -> TrainingJob:
        match = _JOB_ARN.fullmatch(arn)
        job = self._jobs.by_name.get((match["region"], match["name"])) if match else None
        if job is None:
            raise AwsError("ValidationException", "Requested resource not found.")
        return job

    def _create(self, request: AwsRequest) -> dict[str, Any]:
        document = request.document
        creation.check_request(request)
        name, role = str(document["TrainingJobName"]), str(document["RoleArn"])
        partition = moto_models.partition(request.region)
        arn = f"arn:{partition}:sagemaker:{request.region}:{moto_models.ACCOUNT}:training-job/{name}"
        with self._state.lock:
            self._refuse_again(request.region, name, arn)
            creation.check_role(role, request.region)
            session = moto_models.open_session(role, "SageMaker", request.region)
        creation.check_channels(self._jobs.client(session, request.region), request)
        with self._state.lock:
            self._refuse_again(request.region, name, arn)
            quotas.check(self._state, self._jobs.by_name.values(), request.region, document)
            tags = {tag["Key"]: tag["Value"] for tag in document.get("Tags", ())}
            self._jobs.launch(TrainingJob(arn, request.region, document, tags, session))
        return {"TrainingJobArn": arn}

    def _refuse_again(self, region: str, name: str, arn: str) -> None:
        if (region, name) in self._jobs.by_name:
            raise creation.name_in_use(arn)

    def _stop(self, request: AwsRequest) -> dict[str, Any]:
        job = self._find(request)
        if job.status not in {"InProgress", "Stopping"}:  # word for word, awslabs/benchmark-ai issue 928
            raise AwsError(
                "ValidationException", f"The request was rejected because the training job is in status {job.status}."
            )
        job.ordered("Stopped")
        job.status = "Stopping"
        return {}

    def _list(self, request: AwsRequest) -> dict[str, Any]:
        document = request.document
        times = {
            "CreationTimeAfter": lambda job, time: job.created > time,
            "CreationTimeBefore": lambda job, time: job.created < time,
            "LastModifiedTimeAfter": lambda job, time: job.modified > time,
            "LastModifiedTimeBefore": lambda job, time: job.modified < time,
        }
        limits = {name: _time(document[name]) for name in times if name in document}
        jobs = [
            job
            for (region, name), job in self._jobs.by_name.items()
            if region == request.region
            and str(document.get("NameContains", "")) in name
            and document.get("StatusEquals", job.status) == job.status
            and all(times[limit](job, time) for limit, time in limits.items())
        ]
        keys: dict[str, Callable[[TrainingJob], Any]] = {
            "Name": lambda job: job.name,
            "Status": lambda job: job.status,
            "CreationTime": lambda job: job.created,
        }
        by = keys[document.get("SortBy", "CreationTime")]
        # Descending by CreationTime, as boto3's documentation has it as the defaults.
        jobs.sort(
            key=lambda job: (by(job), job.created), reverse=document.get("SortOrder", "Descending") == "Descending"
        )
        start = _start(document.get("NextToken"))
        end = start + int(document.get("MaxResults", _PAGE))
        page: dict[str, Any] = {"TrainingJobSummaries": [job.summary() for job in jobs[start:end]]}
        return page | ({"NextToken": f"page-{end}"} if end < len(jobs) else {})

    @staticmethod
    def _add_tags(request: AwsRequest, job: TrainingJob) -> dict[str, Any]:
        tags = job.tags | {tag["Key"]: tag["Value"] for tag in request.document["Tags"]}
        if len(tags) > _MOST_TAGS:
            raise AwsError("ResourceLimitExceeded", f"The number of tags {len(tags)} exceeds the limit {_MOST_TAGS}.")
        job.tags = tags
        return {"Tags": _tags(job)}

    @staticmethod
    def _delete_tags(request: AwsRequest, job: TrainingJob) -> dict[str, Any]:
        for key in request.document["TagKeys"]:
            job.tags.pop(key, None)
        return {}


def _tags(job: TrainingJob) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in job.tags.items()]


def _start(token: Any) -> int:
    """Where the page of a token begins."""
    match = re.fullmatch(r"page-(\d+)", str(token or "page-0"))
    if match is None:
        raise AwsError("ValidationException", "Invalid pagination token.")
    return int(match[1])


def _time(value: Any) -> float:
    """A timestamp of the JSON protocol in seconds since 1970; some clients send ISO 8601."""
    if isinstance(value, str):
        return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
    return float(value)
