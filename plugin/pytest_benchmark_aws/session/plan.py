"""The plan as a session shows it before anything is launched, with what the storage tells of its launches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.report.plan import plan_lines, time_limit_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_benchmark_aws.core.compare.heads import Head
    from pytest_benchmark_aws.core.compare.records import Record
    from pytest_benchmark_aws.core.model import Plan
    from pytest_benchmark_aws.core.settings import Settings
    from pytest_benchmark_aws.predict.expected import Expected, Stored
    from pytest_benchmark_aws.predict.model.machines import Machine

NEWEST_FILES = 20
"""Of each folder of the storage, which is of one instance type: older ones are not read, however many there are."""


def show_plan(plan: Plan, settings: Settings, reporter: Any, folder: Path, *, embedded: bool) -> None:
    """Writes what would be launched, what that costs at most, and what it is expected to take by what is stored."""
    from pytest_benchmark_aws.bundle.wheels import guest_python

    reporter.write_line("")
    title = "aws: the plan" + (" (embedded AWS: everything runs on this machine)" if embedded else "")
    reporter.write_line(title, bold=True)
    expected = expected_of(plan, folder, embedded=embedded)
    # Those that end the session here are said as the reason of its end.
    misfits = settings.misfit != "fail"
    for line in plan_lines(plan, settings.max_cost_usd, embedded=embedded, misfits=misfits, expected=expected):
        reporter.write_line(line)
    for line in time_limit_lines(plan, expected):
        reporter.write_line(line, yellow=True)
    other_python = guest_python(embedded)[1]
    if other_python:
        reporter.write_line(f"  ! {other_python}", yellow=True)


def expected_of(plan: Plan, folder: Path, *, embedded: bool) -> dict[str, Expected]:
    """What is expected of the plan's jobs, by their names; of those alone of whose cases something is stored.

    Of each instance type the newest commit counts, whatever commit is to be measured; the results of embedded AWS
    tell of embedded AWS alone. The machine model is imported where there is something to predict from.
    """
    ids = {case.bare_id for job in plan.jobs for case in job.cases}
    records = _records(folder, ids, embedded=embedded) if ids else ()
    if not records:
        return {}
    from pytest_benchmark_aws.predict.expected import expect
    from pytest_benchmark_aws.predict.model import table as machine_table
    from pytest_benchmark_aws.predict.model.machines import machines_of
    from pytest_benchmark_aws.predict.model.posterior import prior_of

    catalog, table = snapshot.catalog(), machine_table.load()
    names = {job.instance_type.name for job in plan.jobs} | {record.machine.instance_type or "" for record in records}
    types = [found for name in sorted(names) if (found := catalog.types.get(name)) is not None]
    machines = {machine.name: machine for machine in machines_of(types, table)}
    launches = {
        job.name: (machines[job.instance_type.name], [case.bare_id for case in job.cases])
        for job in plan.jobs
        if job.instance_type.name in machines
    }
    return expect(prior_of(table), _stored(records, machines), launches)


def _records(folder: Path, ids: set[str], *, embedded: bool) -> Sequence[Record]:
    """The newest results of these bare node ids on instance types."""
    from pytest_benchmark_aws.results.finding import find_files

    try:
        files = find_files([str(folder)])
    except PlanError:  # nothing is stored yet
        return ()
    from pytest_benchmark_aws.core.compare.records import Reading
    from pytest_benchmark_aws.results.reading import read_newest

    def passes(head: Head) -> bool:
        machine = head.machine
        return head.case in ids and machine.instance_type is not None and machine.embedded == embedded

    return read_newest(_last(files), Reading(snapshot.catalog()), passes).records


def _last(files: Sequence[Path]) -> list[Path]:
    """The last files of each folder, in the order of all."""
    of_folder: dict[Path, list[Path]] = {}
    for path in files:
        of_folder.setdefault(path.parent, []).append(path)
    return [path for of_one in of_folder.values() for path in of_one[-NEWEST_FILES:]]


def _stored(records: Sequence[Record], machines: dict[str, Machine]) -> dict[str, dict[str, Stored]]:
    from pytest_benchmark_aws.predict.expected import Stored
    from pytest_benchmark_aws.predict.measured import cases_of

    by_place: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        by_place.setdefault((record.case, record.machine.instance_type or ""), []).append(record)
    stored: dict[str, dict[str, Stored]] = {}
    for results in cases_of(records, machines, "mean"):
        for measured in results.measured:
            name = measured.probe.machine.name
            of_type = by_place[results.case, name]
            runs = max(record.round_count * record.iterations for record in of_type)
            when = max(record.when for record in of_type)[:10]
            stored.setdefault(results.case, {})[name] = Stored(measured, float(runs), when)
    return stored
