"""``pytest-benchmark-aws compare``: machines side by side, the choice between them, and a gate for CI."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from decimal import Decimal, InvalidOperation
from importlib import import_module
from typing import TYPE_CHECKING

from pytest_benchmark_aws.commands.parts import output
from pytest_benchmark_aws.commands.parts.inputs import Loaded, add_inputs, load
from pytest_benchmark_aws.core.errors import PlanError, UnitError

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.catalog import Catalog
    from pytest_benchmark_aws.core.compare.tables import Compared
    from pytest_benchmark_aws.report.formats.view import View

_DESCRIPTION = (
    "Compares machines by time and money, from any number of pytest-benchmark JSON files: ours or stock's, of this "
    "machine, of embedded AWS or of AWS."
)
_EXIT = (
    "Exit code: 0; 1 where a --fail-if condition failed, or a file of either side could not be read; 2 for wrong "
    "usage, or where nothing could be compared."
)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser(
        "compare", help="machines side by side, by time and money", description=_DESCRIPTION, epilog=_EXIT
    )
    add_inputs(parser)
    parser.add_argument(
        "--filter",
        action="append",
        metavar="EXPR",
        help="such as vcpus>=16 or 'machine=m5.*'; repeatable, all must hold",
    )
    parser.add_argument(
        "--reference", metavar="MACHINE", help="what 'relative' is relative to (default: each table's fastest)"
    )
    parser.add_argument(
        "--statistic",
        choices=("median", "mean", "min"),
        default="median",
        help="of a launch's rounds (default: median)",
    )
    parser.add_argument(
        "--rows",
        choices=("machine", "commit", "launch"),
        default="machine",
        help="a row for each machine with its newest commit (default), each commit, or each launch",
    )
    parser.add_argument(
        "--group-by", metavar="COLUMN", default="test", help="a table for each value of it (default: test)"
    )
    parser.add_argument(
        "--sort", metavar="COLUMN", help="of a table's rows; -COLUMN downwards (default: time of a run)"
    )
    parser.add_argument("--columns", metavar="NAMES", help="comma-separated; a wrong name lists all")
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--format", choices=("table", "markdown", "csv", "json"), default="table")
    formats.add_argument(
        "--markdown", action="store_const", dest="format", const="markdown", help="the same as --format markdown"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write there; - is standard output, the default")
    choice = parser.add_argument_group("choice")
    choice.add_argument("--max-seconds", metavar="S", help="name the cheapest machine that keeps this time of a run")
    choice.add_argument("--max-usd", metavar="USD", help="name the fastest machine that keeps this cost of a run")
    choice.add_argument(
        "--break-even",
        action="append",
        metavar="TYPE",
        help="below which time this instance type is cheaper than the others; repeatable",
    )
    gate = parser.add_argument_group("gate")
    gate.add_argument(
        "--fail-if",
        action="append",
        metavar="CONDITION",
        help="as 'median>5%%', 'usd>10%%': exit 1 where a machine is surely worse by more than its baseline",
    )
    gate.add_argument(
        "--baseline",
        action="append",
        metavar="FILES",
        help="what --fail-if compares with: earlier files, folders or patterns; repeatable",
    )
    gate.add_argument(
        "--translate-to",
        metavar="TYPE",
        help="carry baselines of other machines over to this instance type, that of the new results, by the machine "
        "model; worse is then what lies beyond the predicted interval",
    )
    gate.add_argument(
        "--fail-undecided",
        action="store_true",
        help="exit 1 too where a machine is worse by more, and has not enough launches to be sure",
    )
    gate.add_argument(
        "--fail-missing",
        action="store_true",
        help="exit 1 too where a baseline's test has no new result on its machine",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the comparison."""
    from pytest_benchmark_aws.results.reading import without_collector

    try:
        _parse_values(options)
        with without_collector():
            current = load(options, options.files, newest=options.rows == "machine")
            before = load(options, options.baseline, newest=True) if options.baseline else None
            compared, view, failed = _compare(options, current, before)
    except (PlanError, UnitError) as error:
        print(f"pytest-benchmark-aws compare: {error}", file=sys.stderr)
        return 2
    if not compared.tables:
        for line in view.refused:
            print(f"! left out: {line}", file=sys.stderr)
        print(f"pytest-benchmark-aws compare: {current.nothing()}", file=sys.stderr)
        return 2
    _write(options, view)
    return 1 if failed else 0


def _parse_values(options: argparse.Namespace) -> None:
    """Puts what options mean that are more than a name in their place, before any file is read."""
    from pytest_benchmark_aws.catalog import snapshot

    if options.fail_if:
        from pytest_benchmark_aws.core.compare.gate import parse_condition

        for text in options.fail_if:
            parse_condition(text)
    if options.fail_if and not options.baseline:
        raise PlanError("--fail-if needs --baseline FILES: the earlier results that these must not be worse than")
    if (options.fail_undecided or options.fail_missing) and not options.fail_if:
        raise PlanError("--fail-undecided and --fail-missing need --fail-if, as in --fail-if 'median>5%'")
    if options.baseline and not options.fail_if and not options.translate_to:
        raise PlanError(
            "--baseline needs --fail-if, as in --fail-if 'median>5%'; to see both side by side, name all files"
        )
    if options.translate_to and not options.baseline:
        raise PlanError("--translate-to needs --baseline FILES: the earlier results, of other machines")
    catalog = snapshot.catalog()
    if options.max_seconds is not None:
        options.max_seconds = float(parse_amount("--max-seconds", options.max_seconds))
    if options.max_usd is not None:
        options.max_usd = parse_amount("--max-usd", options.max_usd)
    options.break_even = [_price(name, catalog) for name in options.break_even or ()]


def parse_amount(option: str, text: str) -> Decimal:
    """A positive number of seconds or USD.

    Raises:
        PlanError: it is none.
    """
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not Decimal("1e-18") <= amount <= Decimal("1e12"):
        raise PlanError(f"{option}={text}: give a positive number, as in 600 or 0.25")
    return amount


def _price(name: str, catalog: Catalog) -> tuple[str, Decimal]:
    instance_type = catalog.find(name)
    if instance_type is None or instance_type.usd_per_hour is None:
        raise PlanError(
            f"--break-even={name}: no instance type with a known price; nearest: {', '.join(catalog.nearest(name))}"
        )
    return name, instance_type.usd_per_hour


def _compare(options: argparse.Namespace, current: Loaded, before: Loaded | None) -> tuple[Compared, View, bool]:
    from pytest_benchmark_aws.commands.gate import judged
    from pytest_benchmark_aws.report import columns
    from pytest_benchmark_aws.report.formats import sentences
    from pytest_benchmark_aws.report.formats.view import View

    group_by = columns.parse_columns(options.group_by)[0]
    sort = columns.parse_sort(options.sort) if options.sort else None
    chosen = columns.parse_columns(options.columns) if options.columns else None
    how = options.statistic
    compared = current.compare(how, options.rows, options.reference)
    parts = columns.sections(compared.tables, group_by, sort)
    answers: dict[str, list[str]] = {}
    for table in compared.tables:
        lines = sentences.within(table, options.max_seconds, options.max_usd)
        for name, price in options.break_even:
            lines += sentences.break_even(table, name, price)
            lines += sentences.per_day(table, name, price)
        lines += [] if options.break_even else sentences.per_day(table)
        if lines:
            answers.setdefault(table.case, []).extend(lines)
    gate, failed = ([], False) if before is None else judged(options, current, before)
    shown_columns, agreed = chosen or columns.default_columns(parts, group_by), list[str]()
    if not chosen and options.format in {"table", "markdown"}:
        shown_columns, agreed = columns.without_agreed(shown_columns, parts)
    view = View(
        sections=parts,
        columns=shown_columns,
        how=how,
        answers=answers,
        gate=gate,
        notes=[*agreed, *sentences.notes(compared, how, options.reference)],
        refused=[*current.refused, *(before.refused if before else ())],
    )
    return compared, view, failed


def _write(options: argparse.Namespace, view: View) -> None:
    from pytest_benchmark_aws.report.formats import text

    if options.output in {None, output.STDOUT}:
        options.output = None
    colour = options.output is None and colours(sys.stdout)
    if options.format == "table":
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        rendered = text.render(view, colour=colour, columns=width)
    else:
        rendered = import_module(f"pytest_benchmark_aws.report.formats.{options.format}").render(view)
    for line in text.warnings(view, colour=colours(sys.stderr)):
        print(line, file=sys.stderr)
    if options.format == "csv":  # which holds rows alone
        for line in view.gate:
            print(line, file=sys.stderr)
    if options.output:
        output.write(options.output, rendered.encode(errors="backslashreplace"))
    else:
        sys.stdout.write(rendered)


def colours(stream: object) -> bool:
    """Whether a stream is a terminal that shows colours, and nobody asked for none."""
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
