"""A search as a step of a session with ``--aws``: made from what the session is, and shown at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.session.ending import file_hooks
from pytest_benchmark_aws.session.marks import wanted
from pytest_benchmark_aws.session.search.candidates import make, stored_results
from pytest_benchmark_aws.session.search.state import Search, steps_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.bundle.project import Project
    from pytest_benchmark_aws.core.model import Case, Job, Plan
    from pytest_benchmark_aws.core.settings import Settings
    from pytest_benchmark_aws.machine.folders import Folders
    from pytest_benchmark_aws.predict.measured import Measured
    from pytest_benchmark_aws.predict.model.machines import Machine

SEARCH = pytest.StashKey[Search]()


def begin(
    session: pytest.Session,
    settings: Settings,
    cases: Mapping[pytest.Item, Case],
    project: Project,
    clients: Clients | None,
    folders: Folders,
    *,
    embedded: bool,
) -> Search:
    """The search of this session.

    Raises:
        PlanError: nothing can be launched, or the project can be shipped nowhere.
    """
    from pytest_benchmark_aws.bundle import cargo
    from pytest_benchmark_aws.report.text import printable
    from pytest_benchmark_aws.run import start

    groups = [item.nodeid for item in cases if max(wanted(item, snapshot.catalog).counts) > 1]
    if groups:
        raise PlanError(
            f"{groups[0]} is for a group of machines, and --aws-search compares single instance types: name the types "
            "with --aws-instance-type, or leave the test out by -k or --deselect"
        )
    config = session.config
    reporter = config.pluginmanager.getplugin("terminalreporter")
    about, _ = file_hooks.commit_info_or_why_none(config)  # said once the results are stored
    commit = "" if about.get("dirty") else str(about.get("id") or "")[:10]

    def plan_of(chosen: Sequence[Case]) -> Plan:
        return start.plan(settings, tuple(chosen), clients, folders, embedded=embedded)

    def earlier(machines: Mapping[str, Machine], ids: Sequence[str]) -> Mapping[str, Measured]:
        return stored_results(folders.results, machines, ids, commit, embedded=embedded)

    def ships(jobs: Sequence[Job]) -> object:
        return cargo.examine(project, jobs, folders, local=embedded)

    def note(text: str) -> None:
        assert reporter is not None
        reporter.write_line(printable(f"aws: {text}"))

    search = make(
        settings, list(cases.values()), list(cases), clients=clients, plan_of=plan_of, earlier=earlier, ships=ships,
        note=note,
    )  # fmt: skip
    config.stash[SEARCH] = search
    return search


def first_plan(search: Search, folders: Folders) -> Plan:
    """What is launched first: of a run that is gone on with, what was launched of it.

    Raises:
        PlanError: nothing can be launched, or the run is none of a search, or of another machine.
    """
    run_id = search.settings.resume
    if run_id is None:
        return search.first_plan()
    from pytest_benchmark_aws.run.journal_lines import read_run

    path = folders.runs / run_id / "journal.jsonl"
    chosen = steps_in(read_run(path)) if path.exists() else {}
    if not chosen:
        raise PlanError(
            f"--aws-resume={run_id} with --aws-search: {path} tells of no step of a search; the run was none, or its "
            "journal is on another machine: give --aws-search without --aws-resume, earlier results count"
        )
    return search.resumed(chosen)


def write(reporter: pytest.TerminalReporter) -> None:
    """Writes the answer of the session's search, if it has one."""
    search = reporter.config.stash.get(SEARCH, None)
    if search is not None:
        search.write(reporter)
