"""One run from its plan to its results: ship, launch, follow, and keep what came back."""

from __future__ import annotations

import secrets
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.aws.regions import region_of_environment
from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.plan import make_plan
from pytest_benchmark_aws.machine.folders import cache_folder
from pytest_benchmark_aws.results import storage
from pytest_benchmark_aws.run import history, resume
from pytest_benchmark_aws.run.journal import read
from pytest_benchmark_aws.session.outcome import Launched, results_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pytest

    from pytest_benchmark_aws.aws.clients import Account, Clients
    from pytest_benchmark_aws.aws.s3 import Bucket
    from pytest_benchmark_aws.backends.agent_archive import Shipment
    from pytest_benchmark_aws.backends.ec2.backend import Ec2Backend
    from pytest_benchmark_aws.bundle.cargo import Cargo
    from pytest_benchmark_aws.core.model import Case, InstanceType, Plan
    from pytest_benchmark_aws.core.settings import Settings
    from pytest_benchmark_aws.run.ledger import Finished, Past
    from pytest_benchmark_aws.run.preflight import Checked

EMBEDDED_BEAT_S, CLOUD_BEAT_S = 0.5, 5.0


def plan(settings: Settings, cases: Sequence[Case], clients: Clients | None, *, embedded: bool) -> Plan:
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
    folder = cache_folder() / ("prices-embedded" if embedded else "prices")
    fetched = {} if clients is None else prices.fetch(clients, names, folder, source)
    price_of = prices.PriceList(settings.prices, fetched, catalog, region)
    unpriced = None
    if clients is None and region != "us-east-1":
        unpriced = _unpriced(region, [known for name in names if (known := catalog.find(name))])
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
        f"--aws-price {known.name}={f'{known.usd_per_hour.normalize():f}' if known.usd_per_hour else 'USD'}"
        for known in types[:shown]
    ]
    more = f" and so on for {len(types) - shown:,} more" if len(types) > shown else ""
    return (
        f"no prices of {region} are known without credentials, the shipped ones are us-east-1's: log in (aws sso "
        f"login, aws configure), or give {' '.join(examples)}{more}"
    )


def new_run_id() -> str:
    """A name that no other run has, in the order of their starts."""
    return f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def launch(
    config: pytest.Config,
    items: Sequence[pytest.Item],
    settings: Settings,
    the_plan: Plan,
    clients: Clients,
    reporter: Any,
    *,
    run_id: str,
    embedded: bool,
    imported: frozenset[str],
    stop: Callable[[], bool],
) -> Launched:
    """Runs the plan.

    Raises:
        PlanError: preflight, a wheel or a file says that it cannot be run; no instance was launched.
    """
    from pytest_benchmark_aws.aws import ec2
    from pytest_benchmark_aws.aws.clients import planning
    from pytest_benchmark_aws.bundle.cargo import load
    from pytest_benchmark_aws.report.progress import ProgressView
    from pytest_benchmark_aws.run.journal import Journal
    from pytest_benchmark_aws.run.ledger import RealClock
    from pytest_benchmark_aws.run.preflight import preflight
    from pytest_benchmark_aws.run.runner import Runner

    if settings.resume:
        with planning():
            bucket, names = _bucket(clients, settings, clients.account()), [job.name for job in the_plan.jobs]
            resume.refuse_gone(settings.resume, names, clients, bucket, results_folder(config))
    checked = preflight(clients, settings, the_plan)
    arches = sorted({job.arch for job in the_plan.jobs})
    cargos = {arch: load(config, items, settings, arch, imported, local=embedded) for arch in arches}
    for note in dict.fromkeys(note for cargo in cargos.values() for note in cargo.notes):
        reporter.write_line(f"  ! {note}", yellow=True)
    with planning():
        for one in history.overdue(clients, history.utc_now()):
            reporter.write_line(
                f"  ! {one.instance_id} of run {one.run} is past its deadline: it is ended now", yellow=True
            )
            ec2.terminate(clients, [one.instance_id])
    folder = history.runs_folder() / run_id
    with planning():
        bucket = _bucket(clients, settings, checked.account)
        past, notes = _past(clients, settings, folder, bucket)
    for note in notes:
        reporter.write_line(f"  ! {note}", yellow=True)
    journal = Journal.open(folder)
    journal.write(
        "resumed" if settings.resume else "run",
        run=run_id,
        region=clients.region,
        account=checked.account.account_id,
        embedded=embedded,
        max_usd=str(settings.max_cost_usd),
        jobs=[job.name for job in the_plan.jobs],
    )
    try:
        with planning():
            backend = _backend(clients, settings, checked, cargos, bucket, run_id, folder, embedded=embedded)
            _refuse_what_aws_would(backend, the_plan)
    except BaseException:
        journal.close()
        raise
    view = ProgressView(
        reporter, live=reporter.isatty and not config.option.verbose > 0, stream_logs=config.option.verbose > 0
    )
    maxfail = config.getoption("maxfail") or 0
    failures = 0

    def finished(one: Finished) -> bool:
        nonlocal failures
        _keep_log(folder, one)
        failures += _failures(one)
        return bool(maxfail) and failures >= maxfail

    runner = Runner(
        backend=backend,
        journal=journal,
        clock=RealClock(),
        poll_s=0.3 if embedded else 5.0,
        max_parallel=settings.max_parallel,
        max_usd=settings.max_cost_usd,
        vcpu_quota=checked.vcpu_quota,
        watch=view.show,
        spot_fallback=settings.spot_fallback,
        follow_logs=config.option.verbose > 0,
        stop=stop,
        finished=finished,
    )
    try:
        done = runner.run(the_plan.jobs, past, detach=settings.detach)
    finally:
        journal.close()
    order = [job.name for job in the_plan.jobs]
    done.sort(key=lambda one: order.index(one.job.name))
    return Launched(run_id, folder, tuple(done), backend, settings, clients.region, embedded, {})


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
    from pytest_benchmark_aws.aws.s3 import Bucket, default_bucket

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


def _keep_log(folder: Path, one: Finished) -> None:
    (folder / f"{storage.safe_name(one.job.name)}.log").write_text(one.outcome.log, encoding="utf-8")


def _failures(one: Finished) -> int:
    """Failed tests of a launch, as ``--maxfail`` counts them."""
    tests = [line for line in one.outcome.lines if line["kind"] == "test"]
    failed = sum(any(report["outcome"] == "failed" for report in line["reports"]) for line in tests)
    return failed + (len(one.job.cases) - len(tests) if one.outcome.outcome.startswith("error") else 0)
