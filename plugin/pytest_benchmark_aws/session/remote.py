"""A session with ``--aws``: plan, run, and then every test reported as if it had run here."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.errors import PlanError, PytestBenchmarkAWSError
from pytest_benchmark_aws.core.settings import Settings
from pytest_benchmark_aws.core.values.units import format_usd
from pytest_benchmark_aws.session import expand
from pytest_benchmark_aws.session import here as marks_session
from pytest_benchmark_aws.session.options import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_benchmark_aws.core.model import Case, Plan
    from pytest_benchmark_aws.session.outcome import Launched
    from pytest_benchmark_aws.session.replay import Replayed

_SETTINGS = pytest.StashKey[Settings]()
_RUN = pytest.StashKey["RemoteSession"]()
AT_ONCE = """
aws: ended at once; instances may be alive until their time limit. See them, and end them, with
  pytest-benchmark-aws reap --dry-run{of}
  pytest-benchmark-aws reap{of}"""
AT_ONCE_OWN = """
aws: ended at once; the embedded AWS of this session ends with it, and its instances too"""
_EMBEDDED = pytest.StashKey[bool]()
_SAVING = pytest.StashKey["Saving"]()


@dataclass(frozen=True, slots=True)
class Saving:
    """pytest-benchmark's options for files, which with ``--aws`` count for each instance type."""

    name: str | None
    compare: str | bool | None


@dataclass(slots=True)
class RemoteSession:
    """What became of this session's cases."""

    launched: Launched | None = None
    replayed: dict[str, Replayed] = field(default_factory=dict)
    interrupted: bool = False


def configure(config: pytest.Config) -> None:
    """Refuses what cannot go together, and takes over the saving and comparing of files.

    Raises:
        pytest.UsageError: pytest-xdist is to run the tests, pytest-benchmark is missing or disabled, the region is
            none, or the run to go on with has no such name or is another process's.
    """
    from pytest_benchmark_aws.aws.regions import check_region

    if getattr(config.option, "dist", "no") != "no" or getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("--aws cannot be used with pytest-xdist's -n: instances run side by side by themselves")
    if not config.pluginmanager.hasplugin("benchmark"):
        raise pytest.UsageError("--aws needs pytest-benchmark, which -p no:benchmark turned off")
    settings = settings_of(config)
    from pytest_benchmark_aws.run.resume import refuse_name

    try:
        if settings.resume is not None:
            refuse_name(settings.resume)
        with marks_session.importing(config):
            check_region(settings.region)
    except PlanError as error:
        raise pytest.UsageError(f"aws: {error}") from error
    expand.given_types(settings, snapshot.catalog())
    options = config.option
    config.stash[_SAVING] = Saving(
        options.benchmark_save or options.benchmark_autosave or None, options.benchmark_compare
    )
    options.benchmark_save, options.benchmark_autosave, options.benchmark_compare = None, False, None


def settings_of(config: pytest.Config) -> Settings:
    """This session's settings, read once."""
    if _SETTINGS not in config.stash:
        config.stash[_SETTINGS] = read_settings(config)
    return config.stash[_SETTINGS]


def is_embedded(config: pytest.Config) -> bool:
    """Whether this session goes to embedded AWS; found out once."""
    if _EMBEDDED not in config.stash:
        from pytest_benchmark_aws.run.preflight import wants_embedded

        with marks_session.importing(config):
            config.stash[_EMBEDDED] = wants_embedded(settings_of(config))
    return config.stash[_EMBEDDED]


def header(config: pytest.Config) -> list[str]:
    """Where the marked tests will run."""
    settings = settings_of(config)
    if not is_embedded(config):
        return [f"aws: your account{f', profile {settings.profile}' if settings.profile else ''}"]
    why = "asked for" if settings.target == "embedded" else "no credentials were found"
    return [f"aws: embedded AWS ({why}): instances are processes on this machine, and the times are its own"]


def expand_case(metafunc: pytest.Metafunc) -> None:
    """Makes a case for each instance type."""
    expand.expand(metafunc, settings_of(metafunc.config))


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
    cases = [case for item in session.items if (case := remote_case(item)) is not None]
    if not cases:
        reporter.write_line("aws: no collected test names an instance type, so nothing is launched; mark one with "
                            "@pytest.mark.instance_type(...), or give --aws-instance-type")  # fmt: skip
        return True if settings.dry_run else None
    try:
        return _run(session, settings, cases, reporter)
    except PlanError as error:
        raise pytest.UsageError(f"aws: {error}") from error
    except PytestBenchmarkAWSError as error:  # loud, and without a traceback: the message says what to do
        pytest.exit(f"aws: {error}", returncode=int(pytest.ExitCode.INTERNAL_ERROR))


def remote_case(item: pytest.Item) -> Case | None:
    """The case of an item that is to run on an instance; one that is skipped in any case runs nowhere."""
    return None if item.get_closest_marker("skip") else expand.case_of(item)


def _run(session: pytest.Session, settings: Settings, cases: Sequence[Case], reporter: Any) -> bool | None:
    from pytest_benchmark_aws.bundle import wheels
    from pytest_benchmark_aws.bundle.cargo import imported_distributions
    from pytest_benchmark_aws.report.plan import misfit_lines, plan_lines
    from pytest_benchmark_aws.run import start
    from pytest_benchmark_aws.run.preflight import connected

    config = session.config
    embedded = is_embedded(config)
    imported = imported_distributions(config.stash[marks_session.OURS])
    items = {item.nodeid: item for item in session.items}
    with ExitStack() as stack:
        clients = None if settings.dry_run else stack.enter_context(connected(settings, embedded=embedded))
        if clients is not None:
            embedded = embedded or clients.account().embedded  # AWS_ENDPOINT_URL may lead there
        plan = start.plan(settings, cases, clients, embedded=embedded)
        reporter.write_line("")
        title = "aws: the plan" + (" (embedded AWS: everything runs on this machine)" if embedded else "")
        reporter.write_line(title, bold=True)
        for line in plan_lines(plan, settings.max_cost_usd, embedded=embedded):
            reporter.write_line(line)
        other_python = wheels.guest_python(embedded)[1]
        if other_python:
            reporter.write_line(f"  ! {other_python}", yellow=True)
        refuse(plan, settings, misfit_lines(plan.misfits))
        for misfit in plan.misfits:
            marks_session.skip_later(items[misfit.case.node_id], "; ".join(misfit.reasons))
        if clients is None:
            _show_bundle(config, items, plan, settings, reporter, imported, embedded=embedded)
            reporter.write_line("nothing launched", bold=True)
            return True
        if not plan.jobs:
            return None
        if settings.detach and is_embedded(config):
            raise PlanError("--aws-detach: the embedded AWS of this session ends with it; start one by itself first")
        state = config.stash[_RUN] = RemoteSession()
        run_id = settings.resume or start.new_run_id()
        own = is_embedded(config)
        at_once = AT_ONCE_OWN if own else AT_ONCE.format(of=f" --run {run_id} --region {clients.region}")
        with draining(at_once) as interrupted:
            state.launched = start.launch(
                config,
                [items[case.node_id] for job in plan.jobs for case in job.cases],
                settings,
                plan,
                clients,
                reporter,
                run_id=run_id,
                embedded=embedded,
                imported=imported,
                stop=interrupted,
            )
        state.interrupted = interrupted()
        if settings.detach:
            for job in plan.jobs:
                for case in job.cases:
                    marks_session.skip_later(items[case.node_id], f"detached as run {state.launched.run_id}")
            config.add_cleanup(stack.pop_all().close)
            return None
        state.replayed = {one.case.node_id: one for one in state.launched.replayed()}
        saving = config.stash[_SAVING]
        state.launched.save(config, saving.name)
        state.launched.load_compared(config, saving.compare)
        config.add_cleanup(stack.pop_all().close)  # the last look for instances is still to come
    return None


def refuse(plan: Plan, settings: Settings, misfits: Sequence[str]) -> None:
    """Ends what must not start.

    Raises:
        PlanError: over the cost, nothing fits, or a case does not and misfits are failures.
    """
    if misfits and settings.misfit == "fail":
        raise PlanError(
            f"{len(plan.misfits):,} cases cannot be run as planned, nothing was launched; change what is said below, "
            "or leave these out with --aws-misfit=skip:\n" + "\n".join(misfits)
        )
    if plan.most_usd > settings.max_cost_usd:
        most = format_usd(plan.most_usd, settings.max_cost_usd)
        raise PlanError(
            f"the plan could cost {most} USD, --aws-max-cost allows "
            f"{format_usd(settings.max_cost_usd, plan.most_usd)}: "
            "raise it, or lower --aws-time-limit, --aws-launches or the number of instance types; nothing was launched"
        )


def _show_bundle(
    config: pytest.Config,
    items: dict[str, pytest.Item],
    plan: Plan,
    settings: Settings,
    reporter: Any,
    imported: frozenset[str],
    *,
    embedded: bool,
) -> None:
    if not settings.show_bundle or not plan.jobs:
        return
    from pytest_benchmark_aws.bundle.cargo import SHIPPED, load

    for arch in sorted({job.arch for job in plan.jobs}):
        cargo = load(config, list(items.values()), settings, arch, imported, local=embedded)
        reporter.write_line(f"files of the bundle for {arch} ({cargo.project.size:,} bytes packed):", bold=True)
        for name in cargo.project.names:
            if not name.startswith(SHIPPED):
                reporter.write_line(f"  {name}")
        for name in cargo.project.left_out:
            reporter.write_line(f"  ! left out, looks like a secret: {name}", yellow=True)
        reporter.write_line(f"Python {cargo.python} and these distributions ({cargo.wheels.size:,} bytes):", bold=True)
        for name in cargo.wheels.names:
            reporter.write_line(f"  {name}")
        for note in cargo.notes:
            reporter.write_line(f"  ! {note}", yellow=True)


def replay_item(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Reports an item that ran on an instance; None for one that is to run here."""
    state = item.config.stash.get(_RUN, None)
    what = None if state is None else state.replayed.get(item.nodeid)
    if state is None or what is None:
        return None
    from pytest_benchmark_aws.session.replay import replay

    if what.reports or not state.interrupted:
        replay(item, nextitem, what)
    if state.interrupted and nextitem is None:
        raise KeyboardInterrupt
    return True


def finish(session: pytest.Session) -> None:
    """Saves what ran here, as pytest-benchmark would have; a launch that ended in error makes no success."""
    config = session.config
    benchmarks: Any = getattr(config, "_benchmarksession", None)
    saving, state = config.stash.get(_SAVING, None), config.stash.get(_RUN, None)
    failed = state is not None and state.launched is not None and state.launched.failed
    if failed and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if benchmarks is None or saving is None or not saving.name:
        return
    remote = set() if state is None else set(state.replayed)
    local = [bench for bench in benchmarks.benchmarks if bench.fullname not in remote]
    if not local:
        return
    commit = config.hook.pytest_benchmark_generate_commit_info(config=config)
    config.hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit)
    data = config.hook.pytest_benchmark_generate_json(
        config=config,
        benchmarks=local,
        include_data=benchmarks.save_data,
        machine_info=benchmarks.get_machine_info(),
        commit_info=commit,
    )
    benchmarks.storage.save(data, saving.name)


def renumbered(config: pytest.Config, moved: Mapping[Path, Path]) -> None:
    """Takes note of files that got another number, as theirs was taken in a shared storage."""
    state = config.stash.get(_RUN, None)
    if state is not None and state.launched is not None:
        saved = state.launched.saved
        saved.update({name: moved[path] for name, path in saved.items() if path in moved})


def update_json(config: pytest.Config, output: dict[str, Any]) -> None:
    """Gives a file of remote results the machine that made them; of several, all of them."""
    state = config.stash.get(_RUN, None)
    if state is not None and state.launched is not None:
        state.launched.describe_machines(output)


def summarize(reporter: pytest.TerminalReporter) -> None:
    """The comparison of the machines, and as the last of our lines how many instances are alive."""
    state = reporter.config.stash.get(_RUN, None)
    if state is not None and state.launched is not None:
        from pytest_benchmark_aws.session import summary

        summary.summarize(state.launched, reporter)


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


__all__ = ["PytestBenchmarkAWSError", "configure", "expand_case", "finish", "replay_item", "run", "summarize"]
