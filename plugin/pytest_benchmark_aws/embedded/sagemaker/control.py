"""What the control API does with training jobs: ``/_embedded/training-jobs`` and its kin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.sagemaker import quotas
from pytest_benchmark_aws.embedded.state import TrainingCapacity

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.sagemaker.job import TrainingJob
    from pytest_benchmark_aws.embedded.sagemaker.training_jobs import TrainingJobs
    from pytest_benchmark_aws.embedded.state import State


class TrainingControl:
    """Training jobs as tests see and change them."""

    def __init__(self, state: State, jobs: TrainingJobs) -> None:
        self._state = state
        self._jobs = jobs

    def listed(self) -> list[dict[str, Any]]:
        """All jobs, oldest first."""
        return [_shown(job) for job in self._jobs.by_name.values()]

    def capacity(
        self, *, instance_type: str, available: int | None, fails: bool = False, spot: bool | None = None
    ) -> dict[str, Any]:
        """Limits a type's instances for jobs to come: one that gets none waits as long as it may, or fails.

        ``spot`` says of which market; None: of both together.
        """
        left = None if available is None else TrainingCapacity(int(available), bool(fails))
        for market in (False, True) if spot is None else (bool(spot),):
            if left is None:
                self._state.training_capacity.pop((str(instance_type), market), None)
            else:
                self._state.training_capacity[str(instance_type), market] = left
        self._jobs.look_again()
        return {}

    def quota(self, *, name: str, value: int | None) -> dict[str, Any]:
        """Sets a quota by its name, such as ``ml.m5.xlarge for training job usage``; None: as the settings say."""
        if name not in quotas.names():
            raise ValueError(f"SageMaker has no quota {name!r}")
        if value is None:
            self._state.training_quotas.pop(name, None)
        else:
            self._state.training_quotas[name] = int(value)
        return {}

    def act(self, name: str, verb: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Does to a job what a test asks for by a verb.

        Raises:
            AwsError: there is no such job or verb, or the job is not in a state for it.
        """
        with self._state.lock:
            job = next((job for job in self._jobs.by_name.values() if job.name == name), None)
            if job is None:
                raise AwsError("NoSuchJob", f"there is no training job {name}")
            if verb == "fail":
                job.failure_reason = str(
                    payload.get("reason", "InternalServerError: We encountered an internal error.")
                )
                job.ordered("Failed")
            elif verb == "spot-interrupt" and job.spot and job.secondary_status in {"Downloading", "Training"}:
                job.ordered("Interrupted")
            elif verb == "kill" and job.secondary_status == "Training":
                for container in job.containers:
                    container.kill_entrypoint()
            else:
                raise AwsError(
                    "NotPossible",
                    f"the {'spot ' if job.spot else ''}training job {name} is {job.secondary_status}: it cannot {verb}",
                )
        return {}


def _shown(job: TrainingJob) -> dict[str, Any]:
    return {
        "name": job.name,
        "arn": job.arn,
        "region": job.region,
        "instance_type": job.instance_type,
        "instance_count": job.instance_count,
        "spot": job.spot,
        "status": job.status,
        "secondary_status": job.secondary_status,
        "failure_reason": job.failure_reason,
        "tags": job.tags,
        "containers": [
            {
                "host": container.host,
                "directory": str(container.directory),
                "credentials_url": container.credentials_url,
                "pid": container.pid,
                "exit_status": container.exit_status,
            }
            for container in job.containers
        ],
    }
