"""All training jobs of one embedded AWS."""

from __future__ import annotations

import hmac
import threading
from typing import TYPE_CHECKING

from pytest_benchmark_aws.embedded.sagemaker.containers.role_client import RoleClient
from pytest_benchmark_aws.embedded.sagemaker.job import ALIVE, CLOSED, TrainingJob
from pytest_benchmark_aws.embedded.sagemaker.training import Training

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark_aws.embedded.iam.authorization import Authorization
    from pytest_benchmark_aws.embedded.moto_models import RoleSession
    from pytest_benchmark_aws.embedded.state import State


class TrainingJobs:
    """Public methods take the lock themselves; no process is waited for under it."""

    def __init__(self, root: Path, state: State, authorization: Authorization) -> None:
        self.endpoint = ""
        """The server's URL; empty until it listens."""
        self.by_name: dict[tuple[str, str], TrainingJob] = {}
        """(region, name) -> job."""
        self._root = root
        self._state = state
        self._authorization = authorization
        self._threads: list[threading.Thread] = []
        self._closed = False

    def client(self, session: RoleSession, region: str) -> RoleClient:
        """What SageMaker calls AWS with for a job."""
        return RoleClient(self.endpoint, region, session)

    def launch(self, job: TrainingJob) -> None:
        """Takes over a new job, which lives in a thread of its own."""
        with self._state.lock:
            self.by_name[job.region, job.name] = job
            job.enter("Starting")
            if self._closed:
                return
            training = Training(job, self._root, self._state, self._authorization, self.endpoint)
            thread = threading.Thread(target=training, daemon=True)
            self._threads = [*(other for other in self._threads if other.is_alive()), thread]
            thread.start()

    def of_container(self, token: str) -> TrainingJob | None:
        """The job of the container that has a token; None where none has it, or its job is over."""
        with self._state.lock:
            for job in self.by_name.values():
                if job.status in ALIVE:
                    for container in job.containers:
                        if hmac.compare_digest(container.token.encode(), token.encode()):
                            return job
        return None

    def look_again(self) -> None:
        """Has the jobs that wait for capacity look at it."""
        with self._state.lock:
            for job in self.by_name.values():
                job.wake.set()

    def close(self) -> None:
        """Ends all jobs' processes at once.

        Raises:
            RuntimeError: a process outlives SIGKILL.
        """
        with self._state.lock:
            self._closed = True
            jobs = list(self.by_name.values())
            for job in jobs:
                job.order = CLOSED
                job.wake.set()
        for thread in self._threads:
            thread.join(20)
        alive = [job.name for job in jobs for container in job.containers if not container.kill(grace=0)]
        if alive:
            raise RuntimeError(f"processes of these embedded training jobs are still alive: {', '.join(alive)}")
