"""SageMaker training jobs that get their agent by an input channel and put their results into S3 by their role."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws import quotas, sagemaker
from pytest_benchmark_aws.aws.errors import reaching, refusal
from pytest_benchmark_aws.aws.iam.roles import make_role
from pytest_benchmark_aws.backends import agent_archive, kept_requests, results
from pytest_benchmark_aws.backends.group_agents import GroupAgents
from pytest_benchmark_aws.backends.protocol import Handle, Outcome, Placement, Quota, SeenLaunch, State, Status
from pytest_benchmark_aws.backends.sagemaker import check, errors, request
from pytest_benchmark_aws.backends.sagemaker.candidates import launchable
from pytest_benchmark_aws.backends.sagemaker.check import Options, Place
from pytest_benchmark_aws.backends.sagemaker.limits import ENDS_S, LEAST_BILLED_S, LOG_LINES, SHOWN_S
from pytest_benchmark_aws.backends.sagemaker.request import grace_s
from pytest_benchmark_aws.core.errors import CleanupError, RemoteFailure
from pytest_benchmark_aws.core.model import LONGEST_URL_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_benchmark_aws.backends.agent_archive import Shipment
    from pytest_benchmark_aws.backends.protocol import Site
    from pytest_benchmark_aws.core.model import Job
    from pytest_benchmark_aws.core.settings import Settings

__all__ = ["SageMakerBackend", "grace_s", "launchable", "make"]
_TAKEN_BACK = "spot: SageMaker took the machines of the managed spot training back"


def make(site: Site, settings: Settings) -> SageMakerBackend:
    """The backend of a run; AWS is asked nothing."""
    options = Options(settings.sagemaker_role, settings.sagemaker_image, settings.tags, settings.disk_gib)
    return SageMakerBackend(site, options=options)


@dataclass(slots=True)
class SageMakerBackend:
    """One run's training jobs; see ``Backend`` for the methods that say nothing here."""

    site: Site
    place: Place = field(default_factory=Place)
    """What ``check`` found."""
    shipments: Mapping[str, Shipment] = field(default_factory=dict)
    """Platform -> what is shipped."""
    options: Options = field(default_factory=Options)
    result_limit: int = results.RESULT_LIMIT
    """Bytes."""
    _uploads: results.Uploads = field(init=False)
    _agents: GroupAgents = field(default_factory=GroupAgents)
    _known: dict[str, float] = field(default_factory=dict)
    """Name -> when this process heard of it first."""

    noun = "training job"
    least_billed_s = LEAST_BILLED_S
    ends_within_s = ENDS_S

    def __post_init__(self) -> None:
        self._uploads = results.Uploads(self.site.bucket, self.site.run_id)

    # Before the first launch.

    def check(self, jobs: Sequence[Job]) -> list[str]:
        """Asks for the jobs there are, quotas by name, the bucket's region; and whether there are role and image."""
        place, problems = check.look(self.site.clients, self.options, jobs, self.place.quotas)
        self.place = self.place.beside(place)
        return [*problems, *self.site.bucket.problems()]

    @property
    def notes(self) -> tuple[str, ...]:
        """What ``check`` found that is no reason to refuse."""
        return self.place.notes

    def prepare(self, jobs: Sequence[Job], shipments: Mapping[str, Shipment]) -> None:
        """Makes the bucket and uploads the archives; SageMaker has no dry run."""
        self.shipments = shipments
        agent_archive.upload(self.site.bucket, shipments.values())
        self._agents.check_rights(self.site.bucket, jobs, request.agent_key(f"runs/{self.site.run_id}/none"))
        if self.place.embedded and not self.options.role:
            make_role(self.site.clients, check.EMBEDDED_ROLE, self.site.bucket.name)

    def launches(self) -> list[SeenLaunch]:
        """Those whose names are of the run; SageMaker shows them for ever."""
        now = datetime.now(timezone.utc)
        return [_seen(job, now) for job in sagemaker.jobs_of_run(self.site.clients, self.site.run_id)]

    def end_overdue(self) -> Iterator[SeenLaunch]:
        """Of this region, by the deadline in their tag."""
        now = datetime.now(timezone.utc)
        for job in sagemaker.managed_jobs(self.site.clients):
            if job.status == "InProgress" and job.deadline is not None and job.deadline < now:
                yield _seen(job, now)
                sagemaker.stop(self.site.clients, job.name)

    # Launches.

    def placements(self, job: Job, attempt: int) -> list[Placement]:
        """One: SageMaker chooses the zone itself."""
        words = (self.site.run_id, job.name, "sagemaker", str(attempt))
        token = hashlib.sha256("/".join(words).encode()).hexdigest()[:48]
        return [Placement(token, self.site.clients.region, "sagemaker", attempt)]

    def quota(self, job: Job) -> Quota | None:
        """Of instances, of the type in its market."""
        name = quotas.training_quota_name(job.instance_type.name, job.market)
        limit = self.place.quotas.get(name)
        return None if limit is None else Quota(name, job.count, limit, "instances")

    def launch(self, job: Job, placement: Placement) -> Handle:
        """Puts the agent into S3 and creates a training job whose input it is."""
        from botocore.exceptions import ClientError

        clients, name = self.site.clients, request.job_name(self.site.run_id, placement.token)
        try:
            with reaching(clients):
                launch = kept_requests.keep(
                    self.site.folder,
                    placement.token,
                    sagemaker.TrainingRequest,
                    lambda: self._new_request(job, placement),
                )
                key = request.agent_key(self.site.prefix(job, placement.attempt))
                self._agents.check(self.site.bucket, job, key)
                try:
                    with errors.creating(quotas.training_quota_name(job.instance_type.name, job.market)):
                        sagemaker.create(clients, launch)
                except errors.ExistsError as error:
                    self._refuse_another(name, placement.token, error)
        except ClientError as error:
            raise RemoteFailure(f"{job.name} could not be launched: {refusal(error)}") from error
        except OSError as error:
            raise RemoteFailure(f"{job.name} was not launched, its request cannot be kept: {error}") from error
        self._known.setdefault(name, time.monotonic())
        return Handle(job, name, placement)

    def _refuse_another(self, name: str, token: str, error: Exception) -> None:
        """A job of that name was created before: by this very launch, whose answer was lost, else by somebody else."""
        job = sagemaker.describe(self.site.clients, name, tags=True)
        if job is not None and job.token != token:
            raise CleanupError(
                f"{error}; its tags are not this launch's: the run ends here, and with it its training jobs. See that "
                f"none is left: pytest-benchmark-aws reap --run {self.site.run_id}"
            )

    def _new_request(self, job: Job, placement: Placement) -> sagemaker.TrainingRequest:
        agent, key = self._agent(job, placement), request.agent_key(self.site.prefix(job, placement.attempt))
        self._agents.note(job, key)
        self.site.bucket.put(key, agent)
        return request.training_request(self.site, job, placement, self.place, self.options)

    def _agent(self, job: Job, placement: Placement) -> bytes:
        """The agent and its job in one archive that Python runs."""
        bucket = self.site.bucket

        def url(method: str, key: str, **signed: str) -> str:
            return bucket.url(method, key, LONGEST_URL_S, **signed).partition("?")[0]  # the role signs by itself

        shipment, region = self.shipments[job.platform], self.site.clients.region
        manifest = agent_archive.manifest(self.site, job, placement.attempt, shipment, url, role_region=region)
        return agent_archive.pack({**manifest, "place": "training job", "packages": []})

    def poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        """A DescribeTrainingJob for each, and one listing for all; of the heartbeats, those that changed."""
        with reaching(self.site.clients):
            jobs = {handle.instance_id: sagemaker.describe(self.site.clients, handle.instance_id) for handle in handles}
            self._uploads.look()
            return {handle.instance_id: self._status(handle, jobs[handle.instance_id]) for handle in handles}

    def _status(self, handle: Handle, job: sagemaker.TrainingJob | None) -> Status:
        prefix = self._prefix(handle)
        self._agents.note(handle.job, request.agent_key(prefix))
        heartbeat, done = self._uploads.json(f"{prefix}/heartbeat"), self._uploads.has(f"{prefix}/done")
        if job is None:
            return Status("unknown", heartbeat=heartbeat, done=done)
        age_s = job.age_s(datetime.now(timezone.utc))
        if job.interrupted:  # it would go on by itself on other machines, with the time that this launch has left
            return Status("gone", _TAKEN_BACK, "taken back", heartbeat, done, age_s, job.secondary)
        reason = f"{job.secondary}: {job.reason}" if job.reason and job.status != "Failed" else job.reason
        cause = errors.cause_of_end(job, job.reason) if job.status == "Failed" else ""
        status = Status(_state(job), reason, cause, heartbeat, done, age_s, job.secondary)
        failed = results.failed_member(handle.job.count, results.member_outcomes(self._uploads, handle, prefix))
        if failed is None or cause:  # what made the others fail, and says whose doing
            return status
        return replace(status, state="gone", reason=failed)

    def log(self, handle: Handle) -> str:
        """Read again only where it changed."""
        with reaching(self.site.clients):
            return self._uploads.text(f"{self._prefix(handle)}/log")

    def collect(self, handle: Handle) -> Outcome:
        """The result, checked against its digest; without one, what was uploaded until the end."""
        with reaching(self.site.clients):
            hosts = tuple(f"algo-{place}" for place in range(1, handle.job.count + 1))
            place = results.Place(
                self.noun, errors.cause_of, self._console, self.result_limit,
                hosts, lambda host: self._host_console(handle, host),
            )  # fmt: skip
            return results.collect(self.site, self._uploads, handle, place)

    def _console(self, handle: Handle) -> str:
        """The end of what the host that leads logged, and why the job failed."""
        from botocore.exceptions import BotoCoreError, ClientError

        clients, name = self.site.clients, handle.instance_id
        try:
            job = sagemaker.describe(clients, name)
        except (BotoCoreError, ClientError) as error:
            return f"no log, neither here nor in CloudWatch Logs ({error})"
        text = self._host_console(handle, "algo-1")
        reason = job.reason if job is not None and job.status == "Failed" else ""
        return "\n".join(filter(None, (text, reason)))

    def _host_console(self, handle: Handle, host: str) -> str:
        """The end of what a host logged."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return sagemaker.log_end(self.site.clients, handle.instance_id, LOG_LINES, host)
        except (BotoCoreError, ClientError) as error:
            return f"no log, neither here nor in CloudWatch Logs ({error})"

    def billed_s(self, handle: Handle) -> float | None:
        """By DescribeTrainingJob's BillableTimeInSeconds: of each machine, as the job's price is of all of them."""
        from botocore.exceptions import ClientError

        job = None
        with suppress(ClientError), reaching(self.site.clients):
            job = sagemaker.describe(self.site.clients, handle.instance_id)
        if job is None or job.alive:
            return None
        if job.billable_s is None and job.started is None:
            return 0.0  # what never started is not billed
        return None if job.billable_s is None else float(job.billable_s)

    def terminate(self, instance_ids: Sequence[str]) -> None:
        """Stops them."""
        from botocore.exceptions import ClientError

        for name in instance_ids:
            self._known.setdefault(name, time.monotonic())
            try:
                with reaching(self.site.clients):
                    sagemaker.stop(self.site.clients, name)
            except ClientError as error:
                raise CleanupError(
                    f"AWS refuses to stop {name}, which ends at its time limit: {refusal(error)}"
                ) from error

    def alive(self) -> list[str]:
        """Names of the run's training jobs that are not over: by a listing, and by name those that it lacks."""
        clients, now = self.site.clients, time.monotonic()
        with reaching(clients):
            listed = dict(sagemaker.jobs(clients, f"{sagemaker.PREFIX}{self.site.run_id}-"))
            for name, heard in self._known.items():
                if name not in listed:
                    job = sagemaker.describe(clients, name)
                    listed[name] = now - heard < SHOWN_S if job is None else job.alive
        living = [name for name, is_alive in listed.items() if is_alive]
        if not living:
            with reaching(clients):
                self._agents.delete(self.site.bucket)
        return living

    def _prefix(self, handle: Handle) -> str:
        return self.site.prefix(handle.job, handle.placement.attempt)


def _state(job: sagemaker.TrainingJob) -> State:
    """A job that has not started is pending: it is not billed. One that stops is running: its guest still uploads."""
    if not job.alive:
        return "gone"
    return "pending" if job.started is None else "running"


def _seen(job: sagemaker.TrainingJob, now: datetime) -> SeenLaunch:
    """What a job's tags tell of its launch; its most costs is of now."""
    return SeenLaunch(
        run_id=job.run,
        job=job.job,
        instance_id=job.name,
        placement=Placement(job.token, "", "sagemaker", job.attempt),
        age_s=job.age_s(now),
        most_usd=job.most_usd(now),
        fallback=job.fallback,
        longest_s=job.longest_s,
        usd_per_hour=job.usd_per_hour,
    )
