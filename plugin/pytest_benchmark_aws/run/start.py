"""One run from its plan to its results: ship, launch, follow, and keep what came back."""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.aws.regions import region_of_environment
from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.plan import make_plan
from pytest_benchmark_aws.results import storage
from pytest_benchmark_aws.run import history, resume
from pytest_benchmark_aws.run.journal import read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pytest_benchmark_aws.aws.clients import Account, Clients
    from pytest_benchmark_aws.aws.s3_run_bucket import Bucket
    from pytest_benchmark_aws.backends.agent_archive import Shipment
    from pytest_benchmark_aws.backends.ec2.backend import Ec2Backend
    from pytest_benchmark_aws.bundle.cargo import Cargo
    from pytest_benchmark_aws.core.model import Case, InstanceType, Plan
    from pytest_benchmark_aws.core.settings import Settings
    from pytest_benchmark_aws.machine.folders import Folders
    from pytest_benchmark_aws.run.ledger import Finished, Past, Progress
    from pytest_benchmark_aws.run.preflight import Checked

EMBEDDED_BEAT_S, CLOUD_BEAT_S = 0.5, 5.0


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is to do."""

    run_id: str
    plan: Plan
    settings: Settings
    folders: Folders
    embedded: bool
    maxfail: int
    """Failed tests after which everything is ended; 0: never."""
    follow_logs: bool
    """Whether the guests' logs are wanted as they grow."""

    @property
    def folder(self) -> Path:
        """Where the run has its journal and its logs."""
        return self.folders.runs / self.run_id


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who watches a run, and may end it."""

    note: Callable[[str], None]
    """Takes a sentence that is to be read before the launches."""
    show: Callable[[Sequence[Progress]], None]
    """Takes how far each job is, again and again."""
    stop: Callable[[], bool]
    """Whether to end everything and bring home what is there; asked between two looks."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """A run that is over, or left to itself."""

    run_id: str
    folder: Path
    """Of its journal and its logs."""
    region: str
    embedded: bool
    finished: tuple[Finished, ...]
    """Its jobs, in the order of the plan."""
    backend: Ec2Backend
    """Which knows what is alive of it."""


def plan(
    settings: Settings, cases: Sequence[Case], clients: Clients | None, folders: Folders, *, embedded: bool
) -> Plan:
    """The plan, with prices by the Pricing API where there is an account, else by the snapshot.

    Raises:
        PlanError: an instance type is unknown.
    """
    from pytest_benchmark_aws.aws import prices

    region = clients.region if clients else (settings.region or region_of_environment() or "us-east-1")
    if clients is None and not embedded:
        clients, region, embedded = _who_knows_prices(settings)
    wanted = sorted({case.target.instance_type for case in cases})
    names = sorted(set(wanted) - set(settings.prices))
    catalog = snapshot.catalog()
    # Embedded AWS answers from the snapshot: that is said, and never kept where real prices are.
    source = f"embedded Pricing API, snapshot of {catalog.price_date}" if embedded else "Pricing API, {today}"
    fetched = {} if clients is None else prices.fetch(clients, names, folders.prices(embedded=embedded), source)
    price_of = prices.PriceList(settings.prices, fetched, catalog, region)
    unpriced = None
    if clients is None and region != "us-east-1":
        unpriced = _unpriced(region, [row for name in names if (row := catalog.find(name))])
    return make_plan(
        cases, catalog, price_of, settings.time_limit_s, allow_burstable=settings.allow_burstable, unpriced=unpriced
    )


def _who_knows_prices(settings: Settings) -> tuple[Clients | None, str, bool]:
    """The account that a dry run asks for prices, None where it does not answer; the region; whether it is embedded."""
    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.aws.credentials import without_metadata_probe

    with without_metadata_probe():
        clients = Clients(settings.region, settings.profile, retries=1)
        try:
            return clients, clients.region, clients.account().embedded
        except PlanError:
            return None, clients.region, False


def _unpriced(region: str, types: Sequence[InstanceType], shown: int = 3) -> str:
    """Why no price is known of any of the types, and what to do."""
    examples = [
        f"--aws-price {row.name}={f'{row.usd_per_hour.normalize():f}' if row.usd_per_hour else 'USD'}"
        for row in types[:shown]
    ]
    more = f" and so on for {len(types) - shown:,} more" if len(types) > shown else ""
    return (
        f"no prices of {region} are known without credentials, the shipped ones are us-east-1's: log in (aws sso "
        f"login, aws configure), or give {' '.join(examples)}{more}"
    )


def new_run_id() -> str:
    """A name that no other run has, in the order of their starts."""
    return f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def check(order: Order, clients: Clients) -> Checked:
    """What AWS says of the run, read-only.

    Raises:
        PlanError: the plan cannot be run, with every reason at once, or the run to go on with is over.
    """
    from pytest_benchmark_aws.aws.errors import planning
    from pytest_benchmark_aws.run.preflight import preflight

    if order.settings.resume:
        with planning():
            bucket = _bucket(clients, order.settings, clients.account())
            names = [job.name for job in order.plan.jobs]
            resume.refuse_gone(order.run_id, names, clients, bucket, order.folders.results)
    return preflight(clients, order.settings, order.plan)


def launch(
    order: Order, clients: Clients, checked: Checked, cargos: Mapping[str, Cargo], watcher: Watcher
) -> RunOutcome:
    """Launches the plan's jobs and follows them to their end; ``cargos`` is what goes to each architecture.

    Raises:
        PlanError: AWS would refuse, or nothing is known of the run to go on with; no instance was launched.
        CleanupError: an instance that could not be seen to end, named.
    """
    from pytest_benchmark_aws.aws import ec2
    from pytest_benchmark_aws.aws.errors import planning
    from pytest_benchmark_aws.run.journal import Journal
    from pytest_benchmark_aws.run.ledger import RealClock
    from pytest_benchmark_aws.run.runner import Runner

    settings, folder = order.settings, order.folder
    with planning():
        for instance in history.overdue(clients, history.utc_now()):
            watcher.note(f"{instance.instance_id} of run {instance.run} is past its deadline: it is ended now")
            ec2.terminate(clients, [instance.instance_id])
        bucket = _bucket(clients, settings, checked.account)
        past, notes = _past(clients, settings, folder, bucket)
    for note in notes:
        watcher.note(note)
    names = [job.name for job in order.plan.jobs]
    failures = 0

    def finished(launch: Finished) -> bool:
        nonlocal failures
        _keep_log(folder, launch)
        failures += _failures(launch)
        return 0 < order.maxfail <= failures

    with closing(Journal.open(folder)) as journal:
        journal.write(
            "resumed" if settings.resume else "run",
            run=order.run_id,
            region=clients.region,
            account=checked.account.account_id,
            embedded=order.embedded,
            max_usd=str(settings.max_cost_usd),
            jobs=names,
        )
        with planning():
            backend = _backend(
                clients, settings, checked, dict(cargos), bucket, order.run_id, folder, embedded=order.embedded
            )
            _refuse_what_aws_would(backend, order.plan)
        runner = Runner(
            backend=backend,
            journal=journal,
            clock=RealClock(),
            poll_s=0.3 if order.embedded else 5.0,
            max_parallel=settings.max_parallel,
            max_usd=settings.max_cost_usd,
            vcpu_quota=checked.vcpu_quota,
            watch=watcher.show,
            spot_fallback=settings.spot_fallback,
            follow_logs=order.follow_logs,
            stop=watcher.stop,
            finished=finished,
        )
        launches = runner.run(order.plan.jobs, past, detach=settings.detach)
    launches.sort(key=lambda launch: names.index(launch.job.name))
    return RunOutcome(order.run_id, folder, clients.region, order.embedded, tuple(launches), backend)


def _refuse_what_aws_would(backend: Ec2Backend, the_plan: Plan) -> None:
    """Asks AWS, by a dry run, for a launch in each market of the plan.

    Raises:
        PlanError: it would refuse.
    """
    for market in dict.fromkeys(job.market for job in the_plan.jobs):
        job = next(job for job in the_plan.jobs if job.market == market)
        refusal = backend.refusal(job)
        if refusal is not None:
            raise PlanError(f"AWS would refuse to launch {job.name}, nothing was launched: {refusal}")


def _past(clients: Clients, settings: Settings, folder: Path, bucket: Bucket) -> tuple[list[Past], list[str]]:
    """What was launched of the run that is to go on: by its journal, else, on another machine, by its tags.

    And what is to be said of it.

    Raises:
        PlanError: nothing is known of such a run.
    """
    from pytest_benchmark_aws.aws import ec2

    if settings.resume is None:
        return [], []
    now, path = history.utc_now(), folder / "journal.jsonl"
    if path.exists():
        return history.past_launches(read(path), now), []
    instances = ec2.instances_of_run(clients, settings.resume)
    if not instances:
        raise PlanError(
            f"--aws-resume={settings.resume}: neither a journal in {folder} nor an instance with that run's tag in "
            f"{clients.region}; pytest-benchmark-aws runs lists those of this machine"
        )
    uploads = history.uploads(bucket.listing(f"runs/{settings.resume}/"), settings.resume)
    past = history.past_instances(instances, now, uploads)
    return past, [history.unknown_spend(past)]


def _bucket(clients: Clients, settings: Settings, account: Account) -> Bucket:
    """The bucket of the run; nothing is asked or made."""
    from pytest_benchmark_aws.aws.s3_run_bucket import Bucket, default_bucket

    if settings.bucket:
        return Bucket(clients, settings.bucket, account.account_id)
    return default_bucket(clients, account)


def _backend(
    clients: Clients,
    settings: Settings,
    checked: Checked,
    cargos: dict[str, Cargo],
    bucket: Bucket,
    run_id: str,
    folder: Path,
    *,
    embedded: bool,
) -> Ec2Backend:
    """Makes what launches need: bucket, security group, shipped archives. Nothing of it costs by the hour."""
    from pytest_benchmark_aws.aws import ec2
    from pytest_benchmark_aws.backends.agent_archive import Shipment
    from pytest_benchmark_aws.backends.ec2.backend import Ec2Backend, Place

    bucket.ensure()
    groups: dict[str, str | None] = {}
    for vpc in dict.fromkeys(subnet.vpc_id for subnet in checked.subnets):
        groups[vpc] = settings.security_group or ec2.security_group(clients, vpc, make=True)
    shipments: dict[str, Shipment] = {}
    for arch, cargo in cargos.items():
        archives: dict[str, dict[str, Any]] = {}
        for name, archive, data in (
            ("project", cargo.project, cargo.project.data),
            ("wheels", cargo.wheels, cargo.wheels.path),
        ):
            key = f"bundles/{archive.sha256}.tar"
            if not bucket.has(key, archive.size):
                bucket.put(key, data)
            archives[name] = {"key": key, "sha256": archive.sha256, "size": archive.size}
        shipments[arch] = Shipment(
            **archives,
            python=cargo.python,
            packages=cargo.packages,
            args=cargo.args,
            sys_path=cargo.sys_path,
            environment={},
        )
    place = Place(
        checked.subnets, checked.zones, groups, checked.images, settings.instance_profile, settings.scheduler_role
    )
    return Ec2Backend(clients, bucket, run_id, place, shipments, EMBEDDED_BEAT_S if embedded else CLOUD_BEAT_S, folder)


def _keep_log(folder: Path, launch: Finished) -> None:
    (folder / f"{storage.safe_name(launch.job.name)}.log").write_text(launch.outcome.log, encoding="utf-8")


def _failures(launch: Finished) -> int:
    """Failed tests of a launch, as ``--maxfail`` counts them."""
    tests = [line for line in launch.outcome.lines if line["kind"] == "test"]
    failed = sum(any(report["outcome"] == "failed" for report in line["reports"]) for line in tests)
    return failed + (len(launch.job.cases) - len(tests) if launch.outcome.outcome.startswith("error") else 0)
