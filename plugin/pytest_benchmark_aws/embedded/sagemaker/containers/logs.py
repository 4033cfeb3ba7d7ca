"""What containers print, in CloudWatch Logs: the group ``/aws/sagemaker/TrainingJobs``, a stream for each host."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_benchmark_aws.embedded.sagemaker.containers.role_client import RoleError

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.sagemaker.containers.container import Container
    from pytest_benchmark_aws.embedded.sagemaker.containers.role_client import RoleClient

GROUP = "/aws/sagemaker/TrainingJobs"
"""SageMaker guide, "CloudWatch Logs for Amazon SageMaker AI"; streams are ``JOB/algo-NUMBER-TIME`` there."""


class JobLogs:
    """The streams of one job, written with its role's rights; without them the job goes on and has no logs."""

    def __init__(self, client: RoleClient, job: str) -> None:
        self._client = client
        self._job = job
        self._streams: set[str] = set()
        self._refused = False

    def ship(self, container: Container, *, all_of_it: bool = False) -> None:
        """Sends what a container has printed since; with ``all_of_it`` everything, as at its end."""
        while not self._refused and (events := container.new_lines(all_of_it=all_of_it)):
            stream = f"{self._job}/{container.host}-{container.started_at}"
            try:
                self._make(stream)
                self._client.logs("PutLogEvents", logGroupName=GROUP, logStreamName=stream, logEvents=events)
            except RoleError:
                self._refused = True

    def _make(self, stream: str) -> None:
        if stream in self._streams:
            return
        with suppress(RoleError):  # it exists, or somebody else may have made it: the stream's making tells
            self._client.logs("CreateLogGroup", logGroupName=GROUP)
        self._client.logs("CreateLogStream", logGroupName=GROUP, logStreamName=stream)
        self._streams.add(stream)
