"""EC2 instances that fetch their work from S3 and put their results there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws import ec2, quotas, scheduler
from pytest_benchmark_aws.aws.errors import reaching, refusal
from pytest_benchmark_aws.aws.prices import spot_price
from pytest_benchmark_aws.backends import agent_archive, kept_requests, results
from pytest_benchmark_aws.backends.ec2 import errors, launch_checks, request
from pytest_benchmark_aws.backends.ec2.candidates import launchable
from pytest_benchmark_aws.backends.ec2.console import console
from pytest_benchmark_aws.backends.ec2.groups import Groups
from pytest_benchmark_aws.backends.ec2.launch_checks import Options, Place
from pytest_benchmark_aws.backends.ec2.limits import AGENT_URL_S, FORGOTTEN_S, LEAST_BILLED_S, METAL_START_S
from pytest_benchmark_aws.backends.ec2.pace import Pace
from pytest_benchmark_aws.backends.ec2.sightings import Sightings, seen_launch
from pytest_benchmark_aws.backends.group_agents import GroupAgents
from pytest_benchmark_aws.backends.protocol import Handle, Outcome, Placement, Quota, SeenLaunch, State, Status
from pytest_benchmark_aws.core.errors import CapacityError, CleanupError, PlanError, RemoteFailure
from pytest_benchmark_aws.core.model import GRACE_S, LONGEST_URL_S
from pytest_benchmark_aws.guest.user_data import user_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_benchmark_aws.backends.agent_archive import Shipment
    from pytest_benchmark_aws.backends.protocol import Site
    from pytest_benchmark_aws.core.model import Job, Target
    from pytest_benchmark_aws.core.settings import Settings

__all__ = ["Ec2Backend", "grace_s", "launchable", "make"]
_STATES: dict[str, State] = {"pending": "pending", "running": "running", "shutting-down": "gone", "terminated": "gone"}


def grace_s(target: Target) -> int:
    """Seconds that a launch of the target may live beyond the time limit: metal takes long to begin."""
    return GRACE_S + (METAL_START_S if target.instance_type.partition(".")[2].startswith("metal") else 0)


def make(site: Site, settings: Settings) -> Ec2Backend:
    """The backend of a run; AWS is asked nothing."""
    options = Options(
        subnets=settings.subnets,
        security_group=settings.security_group,
        ami=settings.ami,
        instance_profile=settings.instance_profile,
        scheduler_role=settings.scheduler_role,
        tags=settings.tags,
        disk_gib=settings.disk_gib,
    )
    return Ec2Backend(site, options=options)


@dataclass(slots=True)
class Ec2Backend:
    """One run's launches; see ``Backend`` for the methods that say nothing here."""

    site: Site
    place: Place = field(default_factory=Place)
    """What ``check`` found and ``prepare`` made."""
    shipments: Mapping[str, Shipment] = field(default_factory=dict)
    """Architecture -> what is shipped."""
    options: Options = field(default_factory=Options)
    result_limit: int = results.RESULT_LIMIT  # bytes
    _uploads: results.Uploads = field(init=False)
    _pace: Pace = field(default_factory=Pace)
    _sightings: Sightings = field(default_factory=Sightings)
    _groups: Groups = field(default_factory=Groups)
    _agents: GroupAgents = field(default_factory=GroupAgents)

    noun = "instance"
    least_billed_s = LEAST_BILLED_S

    def __post_init__(self) -> None:
        self._uploads = results.Uploads(self.site.bucket, self.site.run_id)

    # Before the first launch.

    def check(self, jobs: Sequence[Job]) -> list[str]:
        """Asks for subnets, zones, images, quotas of vCPUs, the credentials' end and the bucket's region."""
        place, problems = launch_checks.look(self.site.clients, self.options, jobs)
        self.place = self.place.beside(place)
        return [*problems, *self.site.bucket.problems()]

    @property
    def notes(self) -> tuple[str, ...]:
        """What ``check`` found that is no reason to refuse."""
        return self.place.notes

    def prepare(self, jobs: Sequence[Job], shipments: Mapping[str, Shipment]) -> None:
        """Makes bucket and security groups, uploads the archives; and a dry run for each market."""
        self.shipments = shipments
        agent_archive.upload(self.site.bucket, shipments.values())
        self.place = launch_checks.with_security_groups(self.site.clients, self.options, self.place, jobs)
        self._agents.check_rights(self.site.bucket, jobs, agent_archive.agent_key(f"runs/{self.site.run_id}/none"))
        first_jobs: dict[tuple[str, bool], Job] = {}
        for job in jobs:
            first_jobs.setdefault((job.market, job.count > 1), job)
        for job in first_jobs.values():
            refused = self.refusal(job)
            if refused is not None:
                raise PlanError(f"AWS would refuse to launch {job.name}, nothing was launched: {refused}")

    def refusal(self, job: Job) -> str | None:
        """What AWS would say against such a launch, by a dry run; None where it would launch."""
        with reaching(self.site.clients):
            launch = self._request(job, self.placements(job, 1)[0], "#!/bin/sh\npoweroff\n")
            return ec2.dry_run(self.site.clients, launch)

    def launches(self) -> list[SeenLaunch]:
        """Those with the run's tag; EC2 shows one for about an hour after its end."""
        now = datetime.now(timezone.utc)
        instances = ec2.instances_of_run(self.site.clients, self.site.run_id)
        return [seen_launch(launch, now) for launch in Groups().look(instances)]

    def end_overdue(self) -> Iterator[SeenLaunch]:
        """Of this region, by the deadline in their tag."""
        now = datetime.now(timezone.utc)
        groups = Groups()
        for launch in groups.look(ec2.managed_instances(self.site.clients)):
            if launch.alive and launch.deadline is not None and launch.deadline < now:
                yield seen_launch(launch, now)
                ec2.terminate(self.site.clients, groups.instance_ids([launch.instance_id]))

    # Launches.

    def placements(self, job: Job, attempt: int) -> list[Placement]:
        """One for each subnet in a zone that offers the type."""
        offered = self.place.zones.get(job.instance_type.name, frozenset())
        placements = []
        for subnet in self.place.subnets:
            if subnet.zone in offered:
                words = (self.site.run_id, job.name, subnet.subnet_id, str(attempt))
                token = hashlib.sha256("/".join(words).encode()).hexdigest()[:48]
                placements.append(Placement(token, subnet.zone, subnet.subnet_id, attempt))
        if not placements:
            raise CapacityError(f"{job.instance_type.name} is offered in no zone of the subnets")
        return placements

    def quota(self, job: Job) -> Quota | None:
        """Of vCPUs, of the type's family in its market."""
        code = quotas.quota_code(job.instance_type.name, job.market) or ""
        limit = self.place.vcpu_quotas.get(code)
        return None if limit is None else Quota(code, launch_checks.vcpus(job), limit, "vCPUs")

    def launch(self, job: Job, placement: Placement) -> Handle:
        """Puts the agent into S3 and launches an instance, or a group of them, that fetches it."""
        from botocore.exceptions import ClientError

        clients = self.site.clients
        try:
            with reaching(clients):
                launch = kept_requests.keep(
                    self.site.folder, placement.token, ec2.LaunchRequest, lambda: self._new_request(job, placement)
                )
                prefix = self.site.prefix(job, placement.attempt)
                self._agents.check(self.site.bucket, job, agent_archive.agent_key(prefix))
                self._pace.wait()
                code = quotas.quota_code(job.instance_type.name, job.market)
                with errors.launching(self.site.run_id, placement.token, code):
                    reservation, instance_ids = ec2.run_instances(clients, launch)
        except errors.TerminatedError:
            return Handle(job, self._terminated(placement), placement)
        except ClientError as error:
            raise RemoteFailure(f"{job.name} could not be launched: {error}") from error
        except OSError as error:
            raise RemoteFailure(f"{job.name} was not launched, its request cannot be kept: {error}") from error
        launch_id = self._groups.name(job, reservation, instance_ids)
        self._sightings.launch(launch_id)
        if self.options.scheduler_role:
            try:
                with reaching(clients):
                    deadline = datetime.fromisoformat(launch.tags[f"{ec2.TAG}:deadline"])
                    for instance_id in instance_ids:
                        scheduler.arm(clients, instance_id, deadline, self.options.scheduler_role)
            except ClientError as error:  # a switch that was asked for and is not there ends the run, and its instances
                raise CleanupError(
                    f"{launch_id} has no schedule that ends it, the run ends here: {refusal(error)}"
                ) from error
        spot = job.market == "spot"
        price = spot_price(clients, job.instance_type.name, placement.zone) if spot else None
        return Handle(job, launch_id, placement, None if price is None else price * job.count)

    def _terminated(self, placement: Placement) -> str:
        """The id of a token's instance that is over, whose uploads are there; made up where EC2 shows it no more."""
        with reaching(self.site.clients):
            instances = self._instances().values()
        shown = next((instance for instance in instances if instance.token == placement.token), None)
        instance_id = f"terminated-{placement.token[:12]}" if shown is None else shown.instance_id
        if shown is None or not shown.alive:  # of a group others may be alive
            self._sightings.over.add(instance_id)
        return instance_id

    def _new_request(self, job: Job, placement: Placement) -> ec2.LaunchRequest:
        if not self.options.instance_profile:  # they may have ended since ``check``, as launches come in waves
            launch_checks.refuse_expiring(self.site.clients, job)
        agent = self._agent(job, placement)
        key = agent_archive.agent_key(self.site.prefix(job, placement.attempt))
        self._agents.note(job, key)
        self.site.bucket.put(key, agent)
        minutes = -(-(job.time_limit_s + GRACE_S // 2) // 60)  # by the instance's own clock, which begins with its boot
        url = self.site.bucket.url("get_object", key, AGENT_URL_S)
        return self._request(job, placement, user_data(url, hashlib.sha256(agent).hexdigest(), minutes))

    def _request(self, job: Job, placement: Placement, script: str) -> ec2.LaunchRequest:
        return request.launch_request(self.site.run_id, job, placement, self.place, script, self.options)

    def _agent(self, job: Job, placement: Placement) -> bytes:
        """The agent and its job in one archive that Python runs."""
        bucket, by_role = self.site.bucket, self.options.instance_profile is not None

        def url(method: str, key: str, **signed: str) -> str:
            # Until when the guest may still upload; the URLs end with the credentials that sign them. An instance with
            # a role signs the plain ones itself.
            presigned = bucket.url(method, key, min(job.longest_s, LONGEST_URL_S), **signed)
            return presigned.partition("?")[0] if by_role else presigned

        shipment, region = self.shipments[job.arch], self.site.clients.region if by_role else None
        gpus = request.awaited_gpus(job, self.options)
        return agent_archive.pack(
            agent_archive.manifest(self.site, job, placement.attempt, shipment, url, role_region=region, gpus=gpus)
        )

    def poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        """One DescribeInstances and one listing for all; of the heartbeats, those that changed."""
        with reaching(self.site.clients):
            instances = self._instances()
            self._uploads.look()
            return {handle.instance_id: self._status(handle, instances.get(handle.instance_id)) for handle in handles}

    def _status(self, handle: Handle, instance: ec2.Instance | None) -> Status:
        prefix = self._prefix(handle)
        heartbeat, done = self._uploads.json(f"{prefix}/heartbeat"), self._uploads.has(f"{prefix}/done")
        members = self._groups.members.get(handle.instance_id)
        self._agents.note(handle.job, agent_archive.agent_key(prefix))
        if instance is None:  # just after the launch EC2 may not show it yet, which is not the same as gone
            if kept_requests.age_s(self.site.folder, handle.placement.token) > FORGOTTEN_S:
                self._sightings.is_not_shown(handle.instance_id)
            state: State = "gone" if handle.instance_id in self._sightings.over else "unknown"
            return Status(state, heartbeat=heartbeat, done=done)
        now = datetime.now(timezone.utc)
        status = Status(
            state=_STATES.get(instance.state, "stopping"),
            reason=instance.reason,
            cause=errors.cause_of(instance.reason),
            heartbeat=heartbeat,
            done=done,
            age_s=instance.age_s(now),
        )
        loss = None if members is None else members.loss(now, results.member_outcomes(self._uploads, handle, prefix))
        return status if loss is None else replace(status, state="gone", reason=loss.reason, cause=loss.cause)

    def log(self, handle: Handle) -> str:
        """Read again only where it changed."""
        with reaching(self.site.clients):
            return self._uploads.text(f"{self._prefix(handle)}/log")

    def collect(self, handle: Handle) -> Outcome:
        """The result, checked against its digest; without one, what was uploaded until the end."""
        with reaching(self.site.clients):
            clients, ids = self.site.clients, self._groups.instance_ids([handle.instance_id]) or [handle.instance_id]
            place = results.Place(
                self.noun, errors.cause_of, lambda _: console(clients, ids[0]), self.result_limit,
                tuple(ids), lambda instance_id: console(clients, instance_id),
            )  # fmt: skip
            return results.collect(self.site, self._uploads, handle, place)

    def billed_s(self, handle: Handle) -> float | None:
        """EC2 does not say."""

    def terminate(self, instance_ids: Sequence[str]) -> None:
        """Terminates them; one that EC2 does not show yet is followed from now on, and so asked for again."""
        from botocore.exceptions import ClientError

        sightings = self._sightings
        instance_ids = sightings.follow(instance_ids)
        try:
            with reaching(self.site.clients):
                if not all(map(sightings.can_be_asked_for, instance_ids)):
                    self._instances()
                asked = [name for name in instance_ids if sightings.can_be_asked_for(name)]
                ec2.terminate(self.site.clients, self._groups.instance_ids(asked))
        except ClientError as error:
            if not sightings.shown.intersection(instance_ids):
                return
            raise CleanupError(
                f"AWS refuses to end {', '.join(instance_ids)}, which power themselves off at their time limit: "
                f"{refusal(error)}"
            ) from error
        try:
            with reaching(self.site.clients):
                for instance_id in self._groups.instance_ids(instance_ids) if self.options.scheduler_role else ():
                    scheduler.disarm(self.site.clients, instance_id)
        except ClientError as error:
            raise CleanupError(f"the schedule that ends {', '.join(instance_ids)} stays: {refusal(error)}") from error

    def alive(self) -> list[str]:
        """Ids of the run's instances that are neither terminated nor on their way there, from a fresh look."""
        with reaching(self.site.clients):
            self._instances()
            alive = self._sightings.alive()
            if not alive:
                self._agents.delete(self.site.bucket)
        return alive

    def machines(self, launch_ids: Iterable[str]) -> list[str]:
        """The instances of launches, as of the last look."""
        return [name for launch_id in launch_ids for name in self._groups.instance_ids([launch_id]) or [launch_id]]

    def _instances(self) -> dict[str, ec2.Instance]:
        """The run's launches by id, a group as one, from a fresh look."""
        return self._sightings.look(self._groups.look(ec2.instances_of_run(self.site.clients, self.site.run_id)))

    def _prefix(self, handle: Handle) -> str:
        return self.site.prefix(handle.job, handle.placement.attempt)
