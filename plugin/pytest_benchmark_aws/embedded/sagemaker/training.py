"""The life of one training job, from Starting to its end."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING

from pytest_benchmark_aws.embedded.sagemaker.containers import data, image
from pytest_benchmark_aws.embedded.sagemaker.containers.container import Container
from pytest_benchmark_aws.embedded.sagemaker.containers.logs import JobLogs
from pytest_benchmark_aws.embedded.sagemaker.containers.role_client import RoleClient
from pytest_benchmark_aws.embedded.sagemaker.job import CLOSED, DEFAULT_RUNTIME_S, REASON_CHARACTERS, TrainingJob

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_benchmark_aws.embedded.iam.authorization import Authorization
    from pytest_benchmark_aws.embedded.state import State

_LOOK_S = 0.05
"""Seconds between two looks at the processes."""
CAPACITY_ERROR = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)
"""Word for word, rse-grand-challenge issue 2631."""


class JobFailedError(Exception):
    """The end in Failed, with its FailureReason."""


class Training:
    """A call lives the job's life; it returns when that is over."""

    def __init__(self, job: TrainingJob, root: Path, state: State, authorization: Authorization, endpoint: str) -> None:
        self._job = job
        self._root = root
        self._state = state
        self._authorization = authorization
        self._endpoint = endpoint
        self._client = RoleClient(endpoint, job.region, job.session)
        self._logs = JobLogs(self._client, job.name)
        self._attempt = 0

    def __call__(self) -> None:
        """Trains, again after each interruption."""
        try:
            end = "Interrupted"
            while end == "Interrupted":
                self._attempt += 1
                end = self._train_once()
            self._settle(end)
        except (JobFailedError, data.DataError) as failure:
            self._settle("Failed", str(failure))
        except Exception:
            self._settle("Failed", f"InternalServerError: {traceback.format_exc()[-900:]}")

    def _train_once(self) -> str:
        """Trains on instances that are got for it; returns the secondary status to end in, or ``Interrupted``."""
        job = self._job
        order = self._get_instances()
        if order:
            self._enter("Stopping", "Stopping")
            return order
        with self._state.lock:
            job.training_start = job.training_start or time.time()
            job.attempt_start = time.monotonic()
            job.containers = self._make_containers()
            job.enter("Downloading")
        try:
            end = self._run()
        finally:
            for container in job.containers:
                container.kill(grace=0)  # whatever the entrypoint has left
        if end == CLOSED:
            return end
        for container in job.containers:
            self._logs.ship(container, all_of_it=True)
        if end != "Interrupted":
            self._enter("Uploading")
            data.upload_artifacts(self._client, job.output, job.containers)
        data.upload_checkpoints(self._client, job.request, job.containers)
        if end == "Failed":
            raise JobFailedError(job.failure_reason)
        if end == "Interrupted":
            with self._state.lock:
                job.end_attempt()
                job.order = "" if job.order == end else job.order
                job.enter("Starting")
        return end

    def _get_instances(self) -> str:
        """Waits for the job's instances; returns the order that came before them, if one did."""
        settings = self._state.settings
        delay = settings.state_delay if settings.training_start_delay is None else settings.training_start_delay
        order = self._wait(lambda: False, delay)
        if not order and not self._take_capacity():
            self._enter("Pending")
            order = self._wait(self._take_capacity)
        if order == "Failed":
            raise JobFailedError(self._job.failure_reason)
        problem = "" if order else image.problem(self._authorization, self._job)
        if problem:
            raise JobFailedError(problem)
        return order

    def _take_capacity(self) -> bool:
        """Counts the job's instances against what a test has left of their type: all of them, or none."""
        job = self._job
        with self._state.lock:
            capacity = self._state.training_capacity.get((job.instance_type, job.spot))
            if capacity is None:
                return True
            if capacity.available < job.instance_count:
                if capacity.fails:
                    raise JobFailedError(CAPACITY_ERROR)
                return False
            capacity.available -= job.instance_count
            return True

    def _make_containers(self) -> list[Container]:
        """A container for each instance, which is not laid out yet."""
        job = self._job
        variables = {
            **job.request.get("Environment", {}),
            "TRAINING_JOB_NAME": job.name,
            "TRAINING_JOB_ARN": job.arn,
            "AWS_REGION": job.region,
        }
        folder = self._root / "training-jobs" / f"{job.name}.{job.region}.{self._attempt}"
        guests = dict(self._state.settings.guest_environment)
        return [
            Container(folder / f"algo-{number}", self._root / "turn.lock", self._endpoint, variables, guests)
            for number in range(1, job.instance_count + 1)
        ]

    def _run(self) -> str:
        """Fetches the data and runs the entrypoint on each host; returns the end."""
        job = self._job
        hosts = [container.host for container in job.containers]
        for container in job.containers:
            container.lay_out(job.request, hosts)
        data.download_channels(self._client, job.request, job.containers)
        data.download_checkpoints(self._client, job.request, job.containers)
        order = self._wait(lambda: False, 0)
        if order:
            return self._carry_out(order)
        algorithm = job.request["AlgorithmSpecification"]
        command = [*algorithm["ContainerEntrypoint"], *algorithm.get("ContainerArguments", ())]
        with self._state.lock:
            if job.order == CLOSED:
                return CLOSED
            job.enter("Training")
            for container in job.containers:
                try:
                    container.start(command)
                except OSError as error:
                    # The runtime's own status for a program that is not there (Docker's reference, "Exit status").
                    return self._failed(f"AlgorithmError: {error}, exit code: 127")
        order = self._wait(self._is_over, look=self._ship)
        if order:
            return self._carry_out(order)
        failed = next((container for container in job.containers if container.exit_status), None)
        if failed is None:
            return "Completed"
        # The job fails with the first of its hosts, whose others are stopped.
        self._end_processes()
        status = failed.exit_status or 0
        return self._failed(f"AlgorithmError: {failed.failure()}, exit code: {128 - status if status < 0 else status}")

    def _failed(self, reason: str) -> str:
        with self._state.lock:
            self._job.failure_reason = reason[:REASON_CHARACTERS]
        return "Failed"

    def _is_over(self) -> bool:
        statuses = [container.exit_status for container in self._job.containers]
        return any(statuses) or None not in statuses

    def _ship(self) -> None:
        for container in self._job.containers:
            self._logs.ship(container)

    def _carry_out(self, order: str) -> str:
        """Carries out an order on processes that may run; returns the end."""
        if order == "Interrupted":
            self._enter("Interrupted")
        elif order not in {CLOSED, "Failed"}:
            self._enter("Stopping", "Stopping")
        if order not in {CLOSED, "Failed"}:
            self._end_processes()
        return CLOSED if self._job.order == CLOSED else order

    def _end_processes(self) -> None:
        """SIGTERM to each entrypoint, and time to end; what is left is killed by who called."""
        containers = self._job.containers
        for container in containers:
            container.terminate()
        deadline = time.monotonic() + self._state.settings.training_stop_grace
        while time.monotonic() < deadline and self._job.order != CLOSED:
            if all(container.pid is None or container.exit_status is not None for container in containers):
                return
            self._ship()
            time.sleep(_LOOK_S)

    def _wait(
        self, condition: Callable[[], bool], most_s: float | None = None, look: Callable[[], None] | None = None
    ) -> str:
        """Waits for a condition, or so many seconds; returns the order that came first, if one did."""
        job = self._job
        until = None if most_s is None else time.monotonic() + most_s
        while True:
            job.wake.clear()
            order = job.order or self._limit_that_passed()
            if order or condition():
                return order
            left = _LOOK_S if until is None else until - time.monotonic()
            if left <= 0:
                return ""
            if look is not None:
                look()
            job.wake.wait(min(left, _LOOK_S))

    def _limit_that_passed(self) -> str:
        """The secondary status to end in for a time limit that has passed; empty where none has."""
        stopping = self._job.request.get("StoppingCondition", {})
        wait = stopping.get("MaxWaitTimeInSeconds")
        if wait is not None and time.time() - self._job.created > wait:
            return "MaxWaitTimeExceeded"
        if self._job.trained_so_far() > stopping.get("MaxRuntimeInSeconds", DEFAULT_RUNTIME_S):
            return "MaxRuntimeExceeded"
        return ""

    def _enter(self, secondary_status: str, status: str | None = None) -> None:
        with self._state.lock:
            self._job.enter(secondary_status, status)

    def _settle(self, secondary_status: str, reason: str = "") -> None:
        """Puts the job at its end, unless embedded AWS has come to its own."""
        job = self._job
        with self._state.lock:
            if job.order == CLOSED:
                return
            job.end_attempt()
            job.failure_reason = reason[:REASON_CHARACTERS]
            if job.training_start is not None:
                job.training_end = time.time()
            job.enter(secondary_status, secondary_status if secondary_status in {"Completed", "Failed"} else "Stopped")
            job.transitions[-1].end = job.transitions[-1].start
