"""One run from its plan to its results: ship, launch, follow, and keep what came back."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws.regions import region_of_environment
from pytest_benchmark_aws.backends import registry
from pytest_benchmark_aws.backends.protocol import Site
from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.catalog.replacements import refusal
from pytest_benchmark_aws.core.errors import CleanupError, PlanError
from pytest_benchmark_aws.core.guest_tests import cases_of
from pytest_benchmark_aws.core.plan import make_plan
from pytest_benchmark_aws.core.values.file_names import safe_name
from pytest_benchmark_aws.results import storage
from pytest_benchmark_aws.run import resume, takeover
from pytest_benchmark_aws.run.takeover import rest_of
from pytest_benchmark_aws.run.timeouts import CLOUD_BEAT_S, CLOUD_POLL_S, EMBEDDED_BEAT_S, EMBEDDED_POLL_S

if TYPE_CHECKING:
    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.backends.agent_archive import Shipment
    from pytest_benchmark_aws.backends.registry import Backends
    from pytest_benchmark_aws.core.catalog import InstanceType
    from pytest_benchmark_aws.core.model import Case, Plan
    from pytest_benchmark_aws.core.settings import Settings
    from pytest_benchmark_aws.machine.folders import Folders
    from pytest_benchmark_aws.run.ledger import Finished, Watcher


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
    project: Path
    """Its root."""

    @property
    def folder(self) -> Path:
        """Where the run has its journal and its logs."""
        return self.folders.runs / self.run_id


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
    backends: Backends
    """Which know what is alive of it."""
    unclean: str = ""
    """What could not be seen to end, and what to do; empty where all did."""


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
        cases,
        catalog,
        price_of,
        settings.time_limit_s,
        allow_burstable=settings.allow_burstable,
        unpriced=unpriced,
        grace_of=registry.grace_s,
        refusal_of=lambda name: refusal(name, catalog),
    )


def _who_knows_prices(settings: Settings) -> tuple[Clients | None, str, bool]:
    """The account that a dry run asks for prices, None where it does not answer; the region; whether it is embedded."""
    from pytest_benchmark_aws.aws.clients import Clients, without_metadata_probe

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


def check(order: Order, clients: Clients) -> tuple[Site, Backends]:
    """Where the run takes place, once AWS has nothing against it, as far as can be asked, read-only.

    Raises:
        PlanError: the plan cannot be run, with every reason at once, its results could not be stored, or the run to go
            on with is over.
    """
    from pytest_benchmark_aws.aws.errors import planning
    from pytest_benchmark_aws.aws.s3_run_bucket import run_bucket
    from pytest_benchmark_aws.run.preflight import refuse_problems

    storage.check(order.folders.results)
    bucket = run_bucket(clients, order.settings.bucket)
    site = Site(order.run_id, order.folder, clients, bucket, EMBEDDED_BEAT_S if order.embedded else CLOUD_BEAT_S)
    backends = registry.make_backends(order.plan.jobs, site, order.settings)
    if order.settings.resume:
        with planning():
            resume.refuse_gone(site, [job.name for job in order.plan.jobs], backends, order.folders.results)
    refuse_problems(backends, order.plan.jobs)
    return site, backends


def launch(
    order: Order, site: Site, backends: Backends, shipments: Mapping[str, Shipment], watcher: Watcher
) -> RunOutcome:
    """Launches the plan's jobs and follows them to their end; ``shipments`` is what goes to each architecture.

    Raises:
        PlanError: AWS would refuse, or nothing is known of the run to go on with; nothing was launched.
        CleanupError: a launch that could not be seen to end, named, of a run that has brought nothing home.
    """
    from pytest_benchmark_aws.aws.errors import planning
    from pytest_benchmark_aws.run.journal import Journal
    from pytest_benchmark_aws.run.ledger import Finished, Limits, RealClock
    from pytest_benchmark_aws.run.runner import Runner

    settings, jobs = order.settings, order.plan.jobs
    with planning():
        for overdue in backends.end_overdue():
            watcher.note(f"{overdue.instance_id} of run {overdue.run_id} is past its deadline: it is ended now")
        past, notes = takeover.earlier_launches(site, backends) if settings.resume else ([], [])
        left = rest_of(jobs, past, backends)
    for note in (*notes, *left.notes):
        watcher.note(note)
    names = [job.name for job in jobs]
    failures = 0

    def finished(launch: Finished) -> bool:
        nonlocal failures
        problem = _keep_log(site.folder, launch)
        if problem is not None:
            watcher.note(problem)
        failures += _failures(launch)
        return 0 < order.maxfail <= failures

    with closing(Journal.open(site.folder)) as journal:
        journal.write(
            "resumed" if settings.resume else "run",
            run=order.run_id,
            region=site.clients.region,
            account=site.bucket.owner,
            embedded=order.embedded,
            project=str(order.project),
            max_usd=str(settings.max_cost_usd),
            jobs=names,
        )
        with planning():
            backends.prepare(jobs, shipments)
        for note in backends.notes():
            watcher.note(note)
        runner = Runner(
            backends,
            journal,
            RealClock(),
            Limits(settings.max_parallel, settings.max_cost_usd, settings.spot_fallback),
            EMBEDDED_POLL_S if order.embedded else CLOUD_POLL_S,
            replace(watcher, finished=finished, follow_logs=order.follow_logs),
        )
        unclean = ""
        try:
            launches = [*left.finished, *runner.run(left.jobs, left.past, detach=settings.detach)]
        except CleanupError as error:
            launches = [*left.finished, *(launch for launch in error.finished if isinstance(launch, Finished))]
            if not any(launch.outcome.lines for launch in launches):
                raise
            unclean = str(error)
    order_of = {name: place for place, name in enumerate(names)}
    # What was launched later by what came back, as a search does, stands behind the plan's.
    launches.sort(key=lambda launch: (order_of.get(launch.job.name, len(names)), launch.job.target.step))
    finished_jobs = tuple(launches)
    return RunOutcome(order.run_id, site.folder, site.clients.region, order.embedded, finished_jobs, backends, unclean)


def _keep_log(folder: Path, launch: Finished) -> str | None:
    """Keeps a launch's log in the run's folder; what kept it from being kept, which ends no run, is to be said."""
    path = folder / f"{safe_name(launch.job.name)}.log"
    try:
        path.write_text(launch.outcome.log, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        return f"the log of {launch.job.name} is not kept in {path}: {error.strerror or error}"
    return None


def _failures(launch: Finished) -> int:
    """Failed tests of a launch, as ``--maxfail`` counts them; in one that broke off, also those without a result."""
    tests = cases_of(launch.outcome.lines, [case.bare_id for case in launch.job.cases]).by_id.values()
    broke_off = launch.outcome.outcome.startswith("error")
    return sum(test.failed or (broke_off and not test.reports) for test in tests)
