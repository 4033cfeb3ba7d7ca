"""``pytest-benchmark-aws report``: results -> one page, and its charts as files."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.commands.parts import output
from pytest_benchmark_aws.commands.parts.inputs import add_inputs, load, reading
from pytest_benchmark_aws.core.errors import PlanError, UnitError

if TYPE_CHECKING:
    from pytest_benchmark_aws.report.html.charts.chart import Chart


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser(
        "report",
        help="write results as one HTML page: the choice, charts, a table",
        description="Writes one self-contained HTML page; of tests with three instance types or more also the "
        "likeliest best of the others, labelled predicted. Needs jinja2 and vl-convert-python, the extra [report].",
        epilog="Exit code: 0, 1 where nothing could be read or written, 2 for wrong usage.",
    )
    add_inputs(parser)
    parser.add_argument(
        "--filter", action="append", metavar="EXPR", help="as in compare: vcpus>=16, 'test=*test_train*'; repeatable"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("report.html"), metavar="FILE", help="%(default)s")
    parser.add_argument("--charts", type=Path, metavar="DIR", help="write the charts there too, as SVG and PNG")
    parser.add_argument("--title", default="Benchmarks by machine", help="default: %(default)s")
    parser.add_argument(
        "--reference",
        metavar="MACHINE",
        help="the machine that speeds are relative to: name, instance type or pattern; default: each test's fastest",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Writes the page; 0, or 1 where nothing could be read, 2 for wrong usage.

    Raises:
        PlanError: the extra is missing, or a file cannot be written.
    """
    from pytest_benchmark_aws.report.html.render import need_extra, render

    need_extra()
    from pytest_benchmark_aws.report.html.page import all_charts, view

    try:
        loaded = load(options, options.files)
        for line in loaded.refused:
            print(f"refused: {line}", file=sys.stderr)
        if not loaded.records:
            print(f"pytest-benchmark-aws report: {loaded.nothing()}: nothing is written", file=sys.stderr)
            return 1
        page = view(
            loaded.records,
            title=options.title,
            reference=options.reference,
            scale_parameter=reading(options).scale_parameter,
            refused=loaded.refused,
        )
    except (PlanError, UnitError) as error:
        print(f"pytest-benchmark-aws report: {error}", file=sys.stderr)
        return 2
    output.write(options.output, render(page).encode())
    stream = sys.stderr if str(options.output) == output.STDOUT else sys.stdout
    print(f"{options.output}: {', '.join(page.facts)}", file=stream)
    if options.charts is not None:
        charts = all_charts(page)
        _write_charts(options.charts, charts)
        print(f"{options.charts}: {len(charts)} charts as SVG and PNG", file=stream)
    return 0


def _write_charts(folder: Path, charts: Sequence[Chart]) -> None:
    """Two files for each chart, numbered as on the page."""
    from pytest_benchmark_aws.report.html.charts.drawing import png_file, svg_file

    for number, chart in enumerate(charts, 1):
        svg = svg_file(chart)
        name = file_name(number, chart)
        output.write(folder / f"{name}.svg", svg.encode())
        output.write(folder / f"{name}.png", png_file(svg))


def file_name(number: int, chart: Chart) -> str:
    """A chart's file, whatever its test is called: of letters, digits, dashes and underscores, and its number first."""
    about = re.sub(r"[^A-Za-z0-9_]+", "-", chart.about.rsplit("::", 1)[-1]).strip("-")
    return f"{number:03}-{about[:60]}-{chart.kind}"
