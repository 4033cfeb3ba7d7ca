"""A session with ``--aws``: plan, run, and then every test reported as if it had run here.

``_run`` is the list of the steps, in their order.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.errors import PlanError, PytestBenchmarkAWSError
from pytest_benchmark_aws.core.settings import Settings
from pytest_benchmark_aws.machine.folders import Folders, cache_folder, own_folder
from pytest_benchmark_aws.report.plan import misfit_lines
from pytest_benchmark_aws.report.text import printable_lines
from pytest_benchmark_aws.results import storage
from pytest_benchmark_aws.session import expand, here, outcome, shared_storage, shipping
from pytest_benchmark_aws.session import plan as plan_shown
from pytest_benchmark_aws.session.options import read_settings
from pytest_benchmark_aws.session.services import cap

if TYPE_CHECKING:
    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.bundle.project import Project
    from pytest_benchmark_aws.core.model import Case, Plan
    from pytest_benchmark_aws.session.search.state import Search

_SETTINGS = pytest.StashKey[Settings]()
_EMBEDDED = pytest.StashKey[bool]()
AT_ONCE = """
aws: ended at once; instances may be alive until their time limit. See them, and end them, with
  pytest-benchmark-aws reap --dry-run{of}
  pytest-benchmark-aws reap{of}"""
AT_ONCE_OWN = """
aws: ended at once; the embedded AWS of this session ends with it, and its instances too"""


def configure(config: pytest.Config) -> None:
    """Refuses what cannot go together, and takes over the saving and comparing of files.

    Raises:
        pytest.UsageError: pytest-xdist is to run the tests, pytest-benchmark is missing or disabled, the region is
            none, or the run to go on with has no such name or is another process's.
    """
    from pytest_benchmark_aws.aws.regions import check_region

    if getattr(config.option, "dist", "no") != "no" or getattr(config.option, "numprocesses", None):
        raise pytest.UsageError(
            "--aws cannot be used with pytest-xdist's -n: instances run side by side by themselves; give -n 0 where "
            "addopts of the ini file or PYTEST_ADDOPTS ask for more"
        )
    if not config.pluginmanager.hasplugin("benchmark"):
        raise pytest.UsageError("--aws needs pytest-benchmark, which -p no:benchmark turned off")
    settings, options = settings_of(config), config.option
    if options.benchmark_disable and not options.benchmark_enable:  # first: pytest-benchmark knows nothing of addopts
        raise pytest.UsageError(f"aws: {shipping.disabled_words(config)}")
    if options.benchmark_compare_fail and not options.benchmark_compare:  # which it says once all is measured
        raise pytest.UsageError("--benchmark-compare-fail needs --benchmark-compare, which says what to compare with")
    from pytest_benchmark_aws.run.resume import refuse_name

    try:
        if settings.resume is not None:
            refuse_name(settings.resume)
        with here.importing(config):
            check_region(settings.region)
    except PlanError as error:
        raise pytest.UsageError(f"aws: {printable_lines(str(error))}") from error
    expand.check_types(settings, snapshot.catalog())
    config.stash[outcome.SAVING] = outcome.Saving(
        options.benchmark_save or options.benchmark_autosave or None, options.benchmark_compare
    )
    options.benchmark_save, options.benchmark_autosave, options.benchmark_compare = None, False, None


def settings_of(config: pytest.Config) -> Settings:
    """This session's settings, read once."""
    if _SETTINGS not in config.stash:
        config.stash[_SETTINGS] = read_settings(config)
    return config.stash[_SETTINGS]


def is_embedded(config: pytest.Config) -> bool:
    """Whether this session goes to embedded AWS; found out once.

    Raises:
        pytest.UsageError: there are credentials, and they cannot be used.
    """
    if _EMBEDDED not in config.stash:
        from pytest_benchmark_aws.run.preflight import wants_embedded

        try:
            with here.importing(config):
                config.stash[_EMBEDDED] = wants_embedded(settings_of(config))
        except PlanError as error:
            raise pytest.UsageError(f"aws: {printable_lines(str(error))}") from error
    return config.stash[_EMBEDDED]


def header(config: pytest.Config) -> list[str]:
    """Where the marked tests will run."""
    settings = settings_of(config)
    if not is_embedded(config):
        return [f"aws: your account{f', profile {settings.profile}' if settings.profile else ''}"]
    why = "asked for" if settings.target == "embedded" else "no credentials were found"
    return [f"aws: embedded AWS ({why}): instances are processes on this machine, and the times are its own"]


def run(session: pytest.Session) -> bool | None:
    """Runs the remote cases; True where this was all, else the tests are to be reported.

    Raises:
        pytest.UsageError: the plan cannot be run; nothing was made.
        pytest.exit.Exception: the run broke off.
    """
    config = session.config
    if config.option.collectonly or (session.testsfailed and not config.option.continue_on_collection_errors):
        return None
    settings = settings_of(config)
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    cases = {item: case for item in session.items if (case := remote_case(item)) is not None}
    try:
        expand.refuse_single(session.items, settings)
        if not cases:
            expand.refuse_resume(settings)
    except PlanError as error:
        raise pytest.UsageError(f"aws: {printable_lines(str(error))}") from error
    of_launches = cap.announce(config, settings, reporter.write_line, is_embedded)
    if not cases:
        if config.getoption("benchmark_skip", False) and not config.getoption("benchmark_only", False):
            raise pytest.UsageError("aws: --benchmark-skip is in force, so that nothing would be measured")
        if of_launches is None:  # requests to services would go from here
            reporter.write_line(f"aws: {expand.why_nothing(session.items)}, so nothing is launched")
        elif settings.dry_run:
            reporter.write_line("nothing asked", bold=True)
        return True if settings.dry_run else None
    try:
        return _run(session, of_launches or settings, cases, reporter)
    except PlanError as error:
        raise pytest.UsageError(f"aws: {printable_lines(str(error))}") from error
    except PytestBenchmarkAWSError as error:  # loud, and without a traceback: the message says what to do
        pytest.exit(f"aws: {printable_lines(str(error))}", returncode=int(pytest.ExitCode.INTERNAL_ERROR))


def remote_case(item: pytest.Item) -> Case | None:
    """The case of an item that is to run on an instance; one that is skipped in any case runs nowhere."""
    return None if item.get_closest_marker("skip") else expand.case_of(item)


def _run(session: pytest.Session, settings: Settings, cases: Mapping[pytest.Item, Case], reporter: Any) -> bool | None:
    """Collect, plan, preflight, bundle, launch and follow, outcome: each step takes what those before it gave.

    Returns True where this was all, as for a dry run.
    """
    from pytest_benchmark_aws.bundle import cargo
    from pytest_benchmark_aws.run import start
    from pytest_benchmark_aws.run.preflight import connected

    config, began = session.config, time.time()
    unmeasured = shipping.refuse_unmeasured(config, list(cases))
    unmeasured += filter(None, [shipping.spare_coverage(config), shipping.spare_snapshots(config, cases)])
    project = shipping.collect(config, settings, cases)
    folders = Folders(cache_folder(), outcome.results_folder(config))
    for folder in () if settings.dry_run else (folders.runs, folders.wheels):
        own_folder(folder)  # before anything is asked or made
    embedded = own = is_embedded(config)
    with ExitStack() as stack:
        clients = None if settings.dry_run else stack.enter_context(connected(settings, embedded=own))
        if clients is not None:
            embedded = own or clients.account().embedded  # AWS_ENDPOINT_URL may lead there
        search, plan = planned(session, settings, cases, project, clients, folders, embedded=embedded)
        plan_shown.show_plan(plan, settings, reporter, folders.results, embedded=embedded)
        refuse(plan, settings)
        skip(session, {misfit.case.node_id: "; ".join(misfit.reasons) for misfit in plan.misfits})
        skip_unlaunched(session, None if plan.jobs else search, reporter)
        if clients is None:
            storage.check(folders.results)
            unmeasured += [config.stash[shared_storage.NOT_TRIED]] if shared_storage.NOT_TRIED in config.stash else []
            if settings.show_bundle and plan.jobs:
                plan_shown.show_bundle(cargo.load(project, plan.jobs, folders, local=embedded), reporter)
            else:
                unmeasured += cargo.examine(project, plan.jobs, folders, local=embedded)
            plan_shown.write_notes(unmeasured, reporter)
            reporter.write_line("nothing launched", bold=True)
            return True
        if not plan.jobs:
            return None
        if settings.detach and own:
            raise PlanError("--aws-detach: the embedded AWS of this session ends with it; start one by itself first")
        order = start.Order(
            run_id=settings.resume or start.new_run_id(),
            plan=plan,
            settings=settings,
            folders=folders,
            embedded=embedded,
            maxfail=config.getoption("maxfail") or 0,
            follow_logs=config.option.verbose > 0,
            project=config.rootpath,
        )
        at_once = AT_ONCE.format(of=f" --run {order.run_id} --region {clients.region}")
        with draining(AT_ONCE_OWN if own else at_once) as interrupted:
            site, backends = start.check(order, clients)
            to_ship = plan.jobs if search is None else search.examples()
            shipments = cargo.load(project, to_ship, folders, local=embedded)
            plan_shown.write_notes(unmeasured, reporter)
            watcher = plan_shown.watch(order, shipments, reporter, interrupted, search)
            run_outcome = start.launch(order, site, backends, shipments, watcher)
        config.add_cleanup(stack.pop_all().close)  # the last look for instances is still to come
    # Also where what follows fails, the summary is to say which instances are alive.
    config.stash[outcome.OUTCOME] = outcome.SessionOutcome(run_outcome, settings, interrupted())
    if settings.detach:
        skip(session, {case.node_id: f"detached as run {order.run_id}" for job in plan.jobs for case in job.cases})
    else:
        skip_unlaunched(session, search)
        config.stash[outcome.OUTCOME] = outcome.brought_home(config.stash[outcome.OUTCOME], config, folders.results)
    shipping.extend_session_timeout(config, time.time() - began)
    return None


def planned(
    session: pytest.Session,
    settings: Settings,
    cases: Mapping[pytest.Item, Case],
    project: Project,
    clients: Clients | None,
    folders: Folders,
    *,
    embedded: bool,
) -> tuple[Search | None, Plan]:
    """The plan; of a search that of its first round, and the search.

    Raises:
        PlanError: an instance type is unknown, or a search has no candidate.
    """
    from pytest_benchmark_aws.run import start

    if settings.search is None:
        return None, start.plan(settings, tuple(cases.values()), clients, folders, embedded=embedded)
    from pytest_benchmark_aws.session.search import begin

    search = begin.begin(session, settings, cases, project, clients, folders, embedded=embedded)
    return search, begin.first_plan(search, folders)


def skip_unlaunched(session: pytest.Session, search: Search | None, reporter: Any = None) -> None:
    """Has the cases of a search's steps skipped that were never launched, and the others named by their type.

    With a reporter, the answer is written at once, as no launch follows that a summary would be of.
    """
    if search is not None and reporter is not None:
        search.write(reporter)
    if search is not None:
        skip(session, search.skipped())
        session.config.stash[outcome.SEARCHED] = search.types()
        session.config.stash[outcome.UNLAUNCHED] = frozenset(search.skipped())


def refuse(plan: Plan, settings: Settings) -> None:
    """Ends what must not start.

    Raises:
        PlanError: over the cost, nothing fits, or a case does not and misfits are failures.
    """
    if plan.misfits and settings.misfit == "fail":
        cases = f"{len(plan.misfits):,} case{'s' * (len(plan.misfits) != 1)}"
        raise PlanError(
            f"{cases} cannot be run as planned, nothing was launched; change what is said below, "
            "or leave these out with --aws-misfit=skip:\n" + "\n".join(misfit_lines(plan.misfits))
        )
    cap.refuse(plan, settings)


def skip(session: pytest.Session, reasons: Mapping[str, str]) -> None:
    """Has each item whose node id has a reason skipped with it."""
    for item in session.items:
        if item.nodeid in reasons:
            here.skip_later(item, reasons[item.nodeid])


@contextmanager
def draining(at_once: str = AT_ONCE.format(of="")) -> Iterator[Callable[[], bool]]:
    """The first signal asks the run to end in order; the second ends it at once, saying how to clean up."""
    asked: list[bool] = []

    def handler(*_: object) -> None:
        if asked:
            print(at_once, file=sys.stderr, flush=True)
            os._exit(2)  # at once: any tidying up would talk to AWS again
        asked.append(True)
        print("\naws: ending the instances and fetching what they have; once more to end at once",
              file=sys.stderr, flush=True)  # fmt: skip

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield lambda: bool(asked)
    finally:
        for number, old in before.items():
            signal.signal(number, old)
