"""The table at the end of a session: what ran on instances, or what ran here next to the baselines."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.compare.inference import LEAST_LAUNCHES
from pytest_benchmark_aws.core.compare.records import Reading, Record, RecordError, parse_records
from pytest_benchmark_aws.core.compare.tables import Table, compare_records, with_baselines
from pytest_benchmark_aws.core.values.plain_json import shortened
from pytest_benchmark_aws.report import columns
from pytest_benchmark_aws.report.formats import sentences
from pytest_benchmark_aws.report.formats.text import lines_of
from pytest_benchmark_aws.report.formats.view import View
from pytest_benchmark_aws.report.text import printable, printable_block
from pytest_benchmark_aws.results.baselines import load_baselines
from pytest_benchmark_aws.session.outcome import OUTCOME, SEARCHED, SessionOutcome, result_json
from pytest_benchmark_aws.session.remote import is_embedded

if TYPE_CHECKING:
    import pytest

    from pytest_benchmark_aws.core.settings import Settings

_VARIABLE = re.compile(r"^((?:--aws-env=)?[A-Za-z_][A-Za-z0-9_]*)=.*", re.DOTALL)
THIS_MACHINE = "this machine"
_EMBEDDED = (
    "! embedded AWS: these times are this machine's, not the instance types'; money is what these times cost on them"
)
_COLUMNS = (
    *(name for name in columns.DEFAULT if name not in {"price-date", "launches", "choice", "flags"}),
    "billed", "vs-baseline", "launches", "choice", "flags",
)  # fmt: skip
_SAID_BELOW = ("scale", "launches")
_SAID_BELOW_TESTS = (*_SAID_BELOW, "vcpus", "cores", "memory", "usd-hour", "billed", "flags")
_HERE_COLUMNS = (
    "machine", "scale", "vcpus", "time", "throughput", "per-vcpu", "relative", "usd-hour", "usd-run", "choice", "flags",
)  # fmt: skip
_FEW = 15
"""Tests that have a table each, also of one row."""
_LOG_TAIL, _LOG_WIDTH = 25, 1_000
"""Lines of a log, and characters of each."""


def summarize(reporter: pytest.TerminalReporter) -> None:
    """Writes the comparison, the files, the failed launches' logs, and as the last line how many launches are alive."""
    outcome = reporter.config.stash.get(OUTCOME, None)
    if outcome is None:
        return
    run = outcome.run
    _write_tables(outcome, reporter)
    if SEARCHED in reporter.config.stash:
        from pytest_benchmark_aws.session.search import begin

        begin.write(reporter)
    for launch in run.finished:
        if launch.broke_off:
            reporter.write_line(f"  ✗ {launch.job.name}: {printable_block(launch.outcome.outcome)}", red=True)
            for line in launch.outcome.log.splitlines()[-_LOG_TAIL:]:
                reporter.write_line(f"    | {printable(shortened(line, _LOG_WIDTH))}")
    for note in outcome.notes:
        reporter.write_line(f"  ! {printable(note)}", yellow=True)
    for line in outcome.regressions.lines():
        reporter.write_line(printable(line), yellow=True)
    for path in outcome.saved.values():
        reporter.write_line(f"  saved {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
    total = sum(float(launch.usd) for launch in run.finished)
    billed = "would have cost" if run.embedded else "cost"
    reporter.write_line(f"  run {run.run_id} {billed} ≈ {total:.4f} USD; logs in {run.folder}")
    if run.unclean:
        reporter.write_line(f"aws: {printable(run.unclean)}", red=True)
    alive = run.backends.alive()
    left = [instance_id for ids in alive.values() for instance_id in ids]
    detached = outcome.settings.detach
    if detached:
        reporter.write_line(f"  left to themselves; fetch their results with: {_resume(reporter.config, run.run_id)}")
    elif outcome.interrupted and not (run.embedded and is_embedded(reporter.config)):
        reporter.write_line(f"  launch what is left with: {_resume(reporter.config, run.run_id)}")
    where = " on embedded AWS" if run.embedded else ""
    names = f": {', '.join(left)}" if left else ""
    counts = ", ".join(f"{len(ids)} {noun}s" for noun, ids in alive.items())
    reporter.write_line(f"{counts} of this run are alive{where}{names}", bold=True, red=bool(left) and not detached)


def _resume(config: pytest.Config, run_id: str) -> str:
    """The command that fetches a run's results: with this session's tests and options, which no run keeps."""
    words = [str(word) for word in config.invocation_params.args if word not in {"--aws", "--aws-detach"}]
    # A value may be a secret; by the name alone it is the variable's value here.
    words = [_VARIABLE.sub(r"\1", word) if is_variable else word for word, is_variable in _with_kind(words)]
    return printable(shlex.join(["pytest", "--aws-resume", run_id, *words]))


def _with_kind(words: Sequence[str]) -> list[tuple[str, bool]]:
    """Each word with whether it is a variable of ``--aws-env``, joined to it or behind it."""
    before = ["", *words]
    return [
        (word, word.startswith("--aws-env=") or last == "--aws-env") for last, word in zip(before, words, strict=False)
    ]


def _write_tables(outcome: SessionOutcome, reporter: pytest.TerminalReporter) -> None:
    """A table for each test, its launches by instance type, below the verdict over all tests.

    Of more than a few tests without anything beside them, as on one instance type, a table for each instance type.
    """
    run, reading = outcome.run, _reading(outcome.settings)
    baselines, problems = load_baselines(outcome.settings.baselines, reading)
    problems = [f"baseline left out: {problem}" for problem in problems]
    records: list[Record] = []
    for launch in run.finished:
        records += _records(result_json(run, launch), launch.job.name, reading, problems)
    for problem in problems:
        reporter.write_line(f"aws: {printable(problem)}", yellow=True)
    compared = with_baselines(compare_records(records), baselines)
    if not compared.tables:
        return
    where = " (embedded AWS)" if run.embedded else ""
    alone = len(compared.tables) > _FEW and all(len(table.rows) == 1 for table in compared.tables)
    group_by = columns.COLUMNS["machine" if alone else "test"]
    parts = _sections(compared.tables, f"{'by test' if alone else 'by instance type'}{where}", group_by)
    rows = [row for part in parts for row in part.rows]
    is_search = SEARCHED in reporter.config.stash
    every = {**columns.COLUMNS, columns.VS_BASELINE.name: columns.VS_BASELINE}
    names = list(_COLUMNS)
    notes = sentences.notes(compared, "median", None, embedded="")
    if alone:
        names = ["test", *(name for name in _COLUMNS if name not in {"machine", "relative", "interval", "choice"})]
        notes[0] = notes[0].partition(" relative:")[0]
    if not any(row.speed is not None and row.speed.enough for row in rows):
        names = [name for name in names if name != "interval"]
        if len(rows) > len(compared.tables):
            how = f"--aws-launches {LEAST_LAUNCHES}" + (" without --aws-search" if is_search else "")
            notes.append(f"not enough launches for intervals: {how} makes them.")
    shown, agreed = columns.without_agreed(
        columns.not_blank([every[name] for name in names], parts), parts, _SAID_BELOW_TESTS if alone else _SAID_BELOW
    )
    notes.append("spread: fastest to slowest round. billed: the whole launch, boot too.")
    if any(row.baseline is not None for row in rows):
        notes.append("vs baseline: throughput over the saved baseline's of that instance type, at its scale.")
    sources = sorted({launch.job.price.source for launch in run.finished})
    notes.append(f"prices: {', '.join(sources)}; on demand, Linux, {run.region}")
    notes += [_EMBEDDED] if run.embedded else []
    verdict = sentences.verdict(compared.tables)
    if verdict:
        verdict.insert(0, f"{len(compared.tables):,} tests: by instance type{where}")
    view = View(parts, shown, "median", [*agreed, *notes], verdict=verdict, accent="" if alone else None)
    _write(reporter, view)


def write_here(reporter: pytest.TerminalReporter, benchmarks: Iterable[Any], settings: Settings) -> None:
    """This machine's results next to the baselines of the same tests; nothing where there are none.

    ``benchmarks`` are pytest-benchmark's of this session. Speeds are over the fastest baseline's.
    """
    from pytest_benchmark_aws.session.here import describe_machine

    reading = _reading(settings)
    info: dict[str, Any] = {}
    describe_machine(info)
    baselines, problems = load_baselines(settings.baselines, reading)
    problems = [f"baseline left out: {problem}" for problem in problems]
    document = {"machine_info": info, "benchmarks": _as_stored(benchmarks, problems)}
    here = [_named_here(record) for record in _records(document, THIS_MACHINE, reading, problems)]
    for problem in problems:
        reporter.write_line(f"aws: {printable(problem)}", yellow=True)
    tables, references = _beside(here, baselines)
    if not tables:
        return
    mixed = any(table.mixed for table in tables)
    parts = _sections(tables, "this machine next to the baselines", columns.COLUMNS["test"])
    # Seconds of other amounts of work say nothing.
    names = [name for name in _HERE_COLUMNS if not (mixed and name == "time")]
    shown = columns.not_blank([columns.COLUMNS[name] for name in names], parts)
    notes = [sentences.relative(references[0] if len(references) == 1 else "the fastest baseline")]
    if mixed:
        notes.append(
            "Scales differ: compare throughput, not seconds; it grows with the scale, so ≈ is a projection that a run "
            "at full scale replaces."
        )
    scales = sorted({table.full_scale for table in tables if table.mixed and table.full_scale})
    work = f"the work of scale {', '.join(scales)} at this pace" if mixed else "one run"
    notes.append(f"USD/run: {work}, on demand, Linux, us-east-1, prices of {reading.catalog.price_date}.")
    if any(record.machine.usd_per_hour is None for record in here):
        notes.append(f"{columns.BLANK}: this machine is no EC2 instance with a known price.")
    _write(reporter, View(parts, shown, "median", notes, accent=here[0].machine.name))


def _sections(tables: Sequence[Table], about: str, group_by: columns.Column) -> list[columns.Section]:
    parts = columns.sections(tables, group_by, None)
    return [replace(part, title=f"{part.title}: {about}") for part in parts]


def _beside(here: Iterable[Record], baselines: Sequence[Record]) -> tuple[list[Table], list[str]]:
    """A table for each result that has a baseline, and the machines that their speeds are over."""
    tables: list[Table] = []
    references: dict[str, None] = {}
    for record in here:
        saved = [base for base in baselines if base.case == record.case]
        if not saved:
            continue
        reference = compare_records(saved).tables[0].rows[0].machine.name
        for table in compare_records([record, *saved], reference=reference).tables:
            if len(table.rows) > 1 and any(row.machine == record.machine for row in table.rows):
                tables.append(table)
                references[reference] = None
    return tables, list(references)


def _named_here(record: Record) -> Record:
    """The record under the name of this machine, which may be an instance of a type that has a baseline."""
    machine = record.machine
    name = THIS_MACHINE if machine.instance_type is None else f"{machine.name}, here"
    return record._replace(machine=replace(machine, name=name))


def _as_stored(benchmarks: Iterable[Any], problems: list[str]) -> list[Any]:
    """The benchmarks as a file would hold them; of one that none can hold, the reason is a problem."""
    from pytest_benchmark.utils import safe_dumps

    stored = []
    for bench in benchmarks:
        if bench and not bench.has_error:
            try:
                stored.append(json.loads(safe_dumps(bench.as_dict(include_data=False))))
            except (TypeError, ValueError, RecursionError) as error:
                problems.append(f"{bench.fullname} is not compared: {error}")
    return stored


def _reading(settings: Settings) -> Reading:
    return Reading(snapshot.catalog(), settings.throughput, settings.scale_parameter)


def _records(document: Mapping[str, Any], source: str, reading: Reading, problems: list[str]) -> list[Record]:
    """The records of a file's benchmarks; one that is faulty is a problem, and the others are compared."""
    records = []
    for bench in document["benchmarks"]:
        try:
            records += parse_records({**document, "benchmarks": [bench]}, source, reading)
        except RecordError as error:
            problems.append(f"{source}: not compared: {error}")
    return records


def _write(reporter: pytest.TerminalReporter, view: View) -> None:
    for line, paint in lines_of(view):
        reporter.write_line(line, **({paint: True} if paint else {}))
