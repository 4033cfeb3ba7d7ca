"""What a session shows of a run: the plan with what the storage tells of it, what is shipped, and who watches it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.instance_type_names import SAGEMAKER_PREFIX
from pytest_benchmark_aws.report.plan import plan_lines, time_limit_lines
from pytest_benchmark_aws.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from pytest_benchmark_aws.backends.agent_archive import Shipment
    from pytest_benchmark_aws.core.compare.heads import Head
    from pytest_benchmark_aws.core.compare.records import Record
    from pytest_benchmark_aws.core.model import Plan
    from pytest_benchmark_aws.core.settings import Settings
    from pytest_benchmark_aws.predict.expected import Expected, Stored
    from pytest_benchmark_aws.predict.model.machines import Machine
    from pytest_benchmark_aws.run.ledger import Watcher
    from pytest_benchmark_aws.run.start import Order
    from pytest_benchmark_aws.session.search.state import Search

NEWEST_FILES = 20
"""Of each folder of the storage, which is of one instance type: older ones are not read, however many there are."""


def show_plan(plan: Plan, settings: Settings, reporter: Any, folder: Path, *, embedded: bool) -> None:
    """Writes what would be launched, what that costs at most, and what it is expected to take by what is stored."""
    from pytest_benchmark_aws.backends.sagemaker import images
    from pytest_benchmark_aws.bundle.wheels import guest_python

    reporter.write_line("")
    title = "aws: the plan" + (" (embedded AWS: everything runs on this machine)" if embedded else "")
    reporter.write_line(title, bold=True)
    expected = expected_of(plan, folder, embedded=embedded)
    # Those that end the session here are said as the reason of its end.
    misfits = settings.misfit != "fail"
    lines = plan_lines(
        plan,
        settings.max_cost_usd,
        embedded=embedded,
        misfits=misfits,
        expected=expected,
        services_usd=settings.services_usd,
    )
    for line in lines:
        reporter.write_line(line)
    for line in time_limit_lines(plan, expected):
        reporter.write_line(line, yellow=True)
    in_jobs = [job.platform.startswith(SAGEMAKER_PREFIX) for job in plan.jobs]
    pythons = [] if in_jobs and all(in_jobs) else [guest_python(embedded)[1]]
    pythons += [images.guest_python(settings.sagemaker_image, local=embedded)[1]] if any(in_jobs) else []
    for other_python in filter(None, pythons):
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
    types = [found for name in sorted(names) if (found := catalog.find(name)) is not None]
    machines = {machine.name: machine for machine in machines_of(types, table)}
    launches = {
        job.name: (machines[job.instance_type.name], [case.bare_id for case in job.cases])
        for job in plan.jobs
        if job.instance_type.name in machines and job.count == 1
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


def show_bundle(shipments: Mapping[str, Shipment], reporter: Any) -> None:
    """Writes the files that would be shipped, and the distributions for each architecture."""
    from pytest_benchmark_aws.bundle.project import SHIPPED

    files = {
        arch: [name for name in shipment.project.names if not name.startswith(SHIPPED)]
        for arch, shipment in shipments.items()
    }
    size = max(shipment.project.size for shipment in shipments.values())
    reporter.write_line(f"files of the bundle for {' and '.join(files)} ({size:,} bytes packed):", bold=True)
    for name in dict.fromkeys(name for names in files.values() for name in names):
        own = [arch for arch, names in files.items() if name in names]
        alone = f" (for {' and '.join(own)} alone)" if len(own) < len(files) else ""
        reporter.write_line(f"  {printable(name)}{alone}")
    for name in dict.fromkeys(name for shipment in shipments.values() for name in shipment.project.left_out):
        reporter.write_line(f"  ! left out, looks like a secret: {printable(name)}", yellow=True)
    for arch, shipment in shipments.items():
        reporter.write_line(
            f"{arch}: Python {shipment.python} and these distributions ({shipment.wheels.size:,} bytes):", bold=True
        )
        for name in shipment.wheels.names:
            reporter.write_line(f"  {printable(name)}")
        write_notes(shipment.notes, reporter)


def write_notes(notes: Iterable[str], reporter: Any) -> None:
    """Writes what there is to say of a plan, a line each."""
    for note in notes:
        reporter.write_line(f"  ! {printable(note)}", yellow=True)


def watch(
    order: Order,
    shipments: Mapping[str, Shipment],
    reporter: Any,
    interrupted: Callable[[], bool],
    search: Search | None = None,
) -> Watcher:
    """Who shows the run on the terminal, having said what the shipments leave out; and what a search launches next."""
    from pytest_benchmark_aws.report.progress import ProgressView
    from pytest_benchmark_aws.run.ledger import Watcher

    notes = dict.fromkeys(text for shipment in shipments.values() for text in shipment.notes)
    write_notes(notes, reporter)
    live = reporter.isatty and not order.follow_logs
    view = ProgressView(reporter, live=live, stream_logs=order.follow_logs)

    def note(text: str) -> None:
        view.above(f"  ! {printable(text)}", yellow=True)

    watcher = Watcher(note=note, show=view.show, stop=interrupted)
    if search is None:
        return watcher
    search.note = lambda text: view.above(printable(f"aws: {text}"))
    return replace(watcher, more=search.more)
