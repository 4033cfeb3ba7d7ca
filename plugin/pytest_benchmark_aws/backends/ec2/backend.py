"""EC2 instances that fetch their work from S3 and put their results there."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.aws import ec2, scheduler
from pytest_benchmark_aws.aws.errors import code_of, reaching, refusal
from pytest_benchmark_aws.backends import agent_archive
from pytest_benchmark_aws.backends.ec2 import results
from pytest_benchmark_aws.backends.protocol import Handle, Intent, Outcome, State, Status
from pytest_benchmark_aws.core import guest_result
from pytest_benchmark_aws.core.errors import CapacityError, CleanupError, QuotaError, RemoteFailure, ThrottledError
from pytest_benchmark_aws.core.plan import GRACE_S
from pytest_benchmark_aws.core.values.file_names import safe_name
from pytest_benchmark_aws.guest.user_data import user_data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.aws.s3_run_bucket import Bucket
    from pytest_benchmark_aws.backends.agent_archive import Shipment
    from pytest_benchmark_aws.core.model import Job

RESULT_LIMIT = 256 * 2**20
"""Bytes of a result that are read; more is refused."""
LOG_LIMIT = 2 * 2**20
"""Bytes of a log that are read: twice what an agent sends."""
_STATES: dict[str, State] = {"pending": "pending", "running": "running", "terminated": "gone", "stopped": "stopping"}
_NO_CAPACITY = frozenset(
    {
        "InsufficientInstanceCapacity",
        "InsufficientHostCapacity",
        "Unsupported",
        "SpotMaxPriceTooLow",
    }
)
_NO_QUOTA = {
    "VcpuLimitExceeded": f"{ec2.ON_DEMAND_QUOTA} (on demand)",
    "MaxSpotInstanceCountExceeded": f"{ec2.SPOT_QUOTA} (spot)",
}
_THROTTLED = frozenset({"RequestLimitExceeded", "Throttling", "ThrottlingException", "ServiceUnavailable"})
_SHOWN_S = 120
"""EC2 shows an instance within seconds; one that is not there for longer is gone."""
_PACE_BURST, _PACE_S = 5, 0.5
"""RunInstances has a bucket of 5 calls that refills at 2 a second (EC2's API throttling)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where instances go."""

    subnets: tuple[ec2.Subnet, ...]
    zones: Mapping[str, frozenset[str]]
    """Instance type -> the zones that offer it."""
    security_groups: Mapping[str, str | None]
    """VPC -> group."""
    images: Mapping[str, str]
    """Architecture -> machine image."""
    instance_profile: str | None = None
    scheduler_role: str | None = None
    """Where given, EventBridge ends each instance at its deadline, too."""


@dataclass(slots=True)
class Ec2Backend:
    """One run's launches."""

    clients: Clients
    bucket: Bucket
    run_id: str
    place: Place
    shipments: Mapping[str, Shipment]
    """Architecture -> what is shipped."""
    beat_s: float
    folder: Path
    """Where each launch's request is kept: a token means the same launch only with the same words."""
    result_limit: int = RESULT_LIMIT
    _listing: dict[str, str] = field(default_factory=dict)
    _read: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    _seen: dict[str, ec2.Instance] = field(default_factory=dict)
    _calls: list[float] = field(default_factory=list)
    _known: dict[str, float] = field(default_factory=dict)
    """Instance -> when it was last known to be; until EC2 says that it is terminated."""

    def intents(self, job: Job, attempt: int) -> list[Intent]:
        """One for each subnet in a zone that offers the type."""
        offered = self.place.zones.get(job.instance_type.name, frozenset())
        found = []
        for subnet in self.place.subnets:
            if subnet.zone in offered:
                words = (self.run_id, job.name, subnet.subnet_id, str(attempt))
                token = hashlib.sha256("/".join(words).encode()).hexdigest()[:48]
                found.append(Intent(token, subnet.zone, subnet.subnet_id, attempt))
        return found

    def launch(self, job: Job, intent: Intent) -> Handle:
        """Puts the agent into S3 and launches an instance that fetches it.

        Raises:
            CapacityError: the zone has no such instance now, or the quota of vCPUs is used up.
            ThrottledError: AWS asks to slow down.
            UnreachableError: it may be launched or not; the same intent again is the same launch.
            CleanupError: the token stands for another launch than this one.
            RemoteFailure: AWS refuses, or the request cannot be kept.
        """
        from botocore.exceptions import ClientError

        try:
            with reaching(self.clients):
                request = self._kept_request(job, intent)
                self._pace()
                instance_id = self._run_instance(request)
        except ClientError as error:
            raise RemoteFailure(f"{job.name} could not be launched: {error}") from error
        except OSError as error:
            raise RemoteFailure(f"{job.name} was not launched, its request cannot be kept: {error}") from error
        self._known[instance_id] = time.monotonic()
        if self.place.scheduler_role:
            self._arm(instance_id, request, self.place.scheduler_role)
        return Handle(job, instance_id, intent)

    def _arm(self, instance_id: str, request: ec2.LaunchRequest, role: str) -> None:
        from botocore.exceptions import ClientError

        try:
            with reaching(self.clients):
                deadline = datetime.fromisoformat(request.tags[f"{ec2.TAG}:deadline"])
                scheduler.arm(self.clients, instance_id, deadline, role)
        except ClientError as error:  # a switch that was asked for and is not there ends the run, and its instances
            raise CleanupError(
                f"{instance_id} has no schedule that ends it, the run ends here: {refusal(error)}"
            ) from error

    def _run_instance(self, request: ec2.LaunchRequest) -> str:
        from botocore.exceptions import ClientError

        try:
            return ec2.run_instance(self.clients, request)
        except ClientError as error:
            code = code_of(error)
            if code in _NO_QUOTA:
                hint = f"end other instances, or ask for more in Service Quotas, EC2, {_NO_QUOTA[code]}"
                raise QuotaError(f"{error}; {hint}") from error
            if code in _NO_CAPACITY:
                raise CapacityError(str(error)) from error
            if code in _THROTTLED:
                raise ThrottledError(str(error)) from error
            if code == "IdempotentParameterMismatch":
                raise CleanupError(
                    f"{error}; AWS knows the token {request.token} from another launch than this: the run ends here, "
                    f"and with it its instances. See that none is left: pytest-benchmark-aws reap --run {self.run_id}"
                ) from error
            raise

    def refusal(self, job: Job) -> str | None:
        """What AWS would say against such a launch, by a dry run; None where it would launch."""
        intents = self.intents(job, 1)
        if not intents:
            return None
        with reaching(self.clients):
            return ec2.dry_run(self.clients, self.request(job, intents[0], "#!/bin/sh\npoweroff\n"))

    def _kept_request(self, job: Job, intent: Intent) -> ec2.LaunchRequest:
        """The request of this token: the one made before, be it by another process, else a new one."""
        path = self.folder / f"launch-{intent.token}.json"
        if path.exists():
            return ec2.LaunchRequest(**json.loads(path.read_text(encoding="utf-8")))
        agent = self._agent(job, intent)
        key = f"{self._prefix(job, intent.attempt)}/agent.pyz"
        self.bucket.put(key, agent)
        minutes = -(-(job.time_limit_s + GRACE_S // 2) // 60)
        script = user_data(self.bucket.url("get_object", key, 3600), hashlib.sha256(agent).hexdigest(), minutes)
        request = self.request(job, intent, script)
        new = path.with_suffix(".new")
        with open(new, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            json.dump(asdict(request), file)  # 0600: the script holds a URL that fetches the agent for an hour
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
        return request

    def request(self, job: Job, intent: Intent, script: str) -> ec2.LaunchRequest:
        """All that the launch says."""
        subnet = next(subnet for subnet in self.place.subnets if subnet.subnet_id == intent.subnet)
        deadline = datetime.now(timezone.utc) + timedelta(seconds=job.time_limit_s + GRACE_S)
        return ec2.LaunchRequest(
            instance_type=job.instance_type.name,
            market=job.market,
            image_id=self.place.images[job.arch],
            subnet_id=intent.subnet,
            security_group_id=self.place.security_groups.get(subnet.vpc_id),
            token=intent.token,
            user_data=script,
            tags={
                "Name": f"{ec2.TAG} {self.run_id} {job.name}",
                f"{ec2.TAG}:run": self.run_id,
                f"{ec2.TAG}:job": job.name,
                f"{ec2.TAG}:attempt": str(intent.attempt),
                f"{ec2.TAG}:token": intent.token,
                f"{ec2.TAG}:deadline": deadline.isoformat(timespec="seconds"),
                f"{ec2.TAG}:price": str(job.price.usd_per_hour),
                **({f"{ec2.TAG}:fallback": "on-demand"} if job.fallback else {}),
            },
            instance_profile=self.place.instance_profile,
        )

    def poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        """One DescribeInstances and one listing for all; of the heartbeats, those that changed."""
        with reaching(self.clients):
            return self._poll(handles)

    def _poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        self._seen = self._instances()
        self._listing = self.bucket.listing(f"runs/{self.run_id}/")
        found = {}
        for handle in handles:
            prefix = self._prefix(handle.job, handle.intent.attempt)
            instance = self._seen.get(handle.instance_id)
            # Just after the launch EC2 may not show it yet, which is not the same as gone.
            state: State = "unknown" if instance is None else _STATES.get(instance.state, "stopping")
            found[handle.instance_id] = Status(
                state=state,
                reason="" if instance is None else instance.reason,
                heartbeat=self._json(f"{prefix}/heartbeat") or {},
                done=f"{prefix}/done" in self._listing,
                age_s=None if instance is None else instance.age_s(datetime.now(timezone.utc)),
            )
        return found

    def log(self, handle: Handle) -> str:
        """The guest's log so far; read again only where it changed."""
        key = f"{self._prefix(handle.job, handle.intent.attempt)}/log"
        tag = self._listing.get(key)
        if tag is None:
            return ""
        kept = self._read.get(key)
        if kept is None or kept[0] != tag:
            data = self._bytes(key, LOG_LIMIT)
            kept = self._read[key] = (tag, {"text": data.decode("utf-8", "replace")})
        return str(kept[1]["text"])

    def collect(self, handle: Handle) -> Outcome:
        """The result, checked against its digest; without one, what was uploaded until the end."""
        with reaching(self.clients):
            return self._collect(handle)

    def _collect(self, handle: Handle) -> Outcome:
        prefix = self._prefix(handle.job, handle.intent.attempt)
        log = self._bytes(f"{prefix}/log", LOG_LIMIT).decode("utf-8", "replace")
        found = results.fetch(self.bucket, prefix, self.result_limit)
        if isinstance(found, results.Refused):  # nothing of such a guest is taken
            name = f"{safe_name(handle.job.name)}-{handle.intent.attempt}.quarantined"
            told = f"error: the result is refused: {found.why}; {found.keep(self.folder / name)}"
            return Outcome(told, (), {}, log, whole=True)
        if found is not None:
            return Outcome(found.outcome, found.lines, found.facts, log, whole=True)
        lines = guest_result.parse_lines(self._bytes(f"{prefix}/checkpoint", self.result_limit))
        if not log:
            log = self._console(handle)
        return Outcome("error: the instance ended before it delivered a result", lines, {}, log, whole=False)

    def terminate(self, instance_ids: Sequence[str]) -> None:
        """Terminates them; one that EC2 does not show yet is known from now on, and so asked for again.

        Raises:
            UnreachableError: AWS does not answer; again later.
            CleanupError: AWS answers that the caller may not.
        """
        from botocore.exceptions import ClientError

        for instance_id in instance_ids:
            self._known.setdefault(instance_id, time.monotonic())
        try:
            with reaching(self.clients):
                ec2.terminate(self.clients, instance_ids)
        except ClientError as error:
            raise CleanupError(
                f"AWS refuses to end {', '.join(instance_ids)}, which power themselves off at their time limit: "
                f"{refusal(error)}"
            ) from error
        try:
            with reaching(self.clients):
                for instance_id in instance_ids if self.place.scheduler_role else ():
                    scheduler.disarm(self.clients, instance_id)
        except ClientError as error:
            raise CleanupError(f"the schedule that ends {', '.join(instance_ids)} stays: {refusal(error)}") from error

    def alive(self) -> list[str]:
        """Ids of the run's instances that are not terminated, from a fresh look.

        What EC2 does not show is no proof: just after a launch, or from another of its servers, it is a look too early.
        """
        with reaching(self.clients):
            found = self._instances()
        now = time.monotonic()
        return [one for one, last in self._known.items() if one in found or now - last < _SHOWN_S]

    def _instances(self) -> dict[str, ec2.Instance]:
        found = {one.instance_id: one for one in ec2.instances_of_run(self.clients, self.run_id)}
        for one in found.values():
            if one.alive:
                self._known[one.instance_id] = time.monotonic()
            else:
                self._known.pop(one.instance_id, None)
        return found

    def _agent(self, job: Job, intent: Intent) -> bytes:
        """The agent and its job in one archive that Python runs."""
        shipment, prefix = self.shipments[job.arch], self._prefix(job, intent.attempt)
        # Until when the guest may still upload; the URLs end with the credentials that sign them.
        seconds = job.time_limit_s + GRACE_S

        def url(method: str, key: str, **signed: str) -> str:
            return self._url(method, key, seconds, **signed)

        region = self.clients.region if self.place.instance_profile else None
        return agent_archive.pack(agent_archive.manifest(self.run_id, job, shipment, prefix, url, self.beat_s, region))

    def _url(self, method: str, key: str, seconds: int, **extra: str) -> str:
        """A presigned URL; for an instance with a role the plain one, which it signs itself."""
        url = self.bucket.url(method, key, seconds, **extra)
        return url.partition("?")[0] if self.place.instance_profile else url

    def _prefix(self, job: Job, attempt: int) -> str:
        return f"runs/{self.run_id}/{job.name}/{attempt}"

    def _json(self, key: str) -> dict[str, Any] | None:
        tag = self._listing.get(key)
        if tag is None:
            return None
        kept = self._read.get(key)
        if kept is None or kept[0] != tag:
            kept = self._read[key] = (tag, self._load(key) or {})
        return kept[1]

    def _bytes(self, key: str, limit: int) -> bytes:
        """An object; nothing where there is none, or one that is too large to be a guest's."""
        try:
            return self.bucket.get(key, limit) or b""
        except ValueError:
            return b""

    def _load(self, key: str) -> dict[str, Any] | None:
        try:
            data = self.bucket.get(key, 2**20)
            found = None if data is None else json.loads(data)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def _console(self, handle: Handle) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return ec2.console_output(self.clients, handle.instance_id)
        except (BotoCoreError, ClientError) as error:
            return f"no log and no console output ({error})"

    def _pace(self) -> None:
        """Keeps RunInstances within its bucket, so that the calls are never throttled by our own doing."""
        now = time.monotonic()
        recent = self._calls[-_PACE_BURST:]
        if len(recent) == _PACE_BURST and now - recent[0] < _PACE_BURST * _PACE_S:
            time.sleep(_PACE_BURST * _PACE_S - (now - recent[0]))
        self._calls.append(time.monotonic())
