"""``pytest-benchmark-aws report``: results -> one page, and its charts as files."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.errors import PlanError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pytest_benchmark_aws.report.html.charts import Chart


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command's options."""
    parser = commands.add_parser(
        "report",
        help="write results as one HTML page: the choice, charts, a table",
        description="Writes one self-contained HTML page. Needs pip install 'pytest-benchmark-aws[report]'.",
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILES", help="result files, folders or patterns; default: .benchmarks"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("report.html"), metavar="FILE", help="%(default)s")
    parser.add_argument("--charts", type=Path, metavar="DIR", help="write the charts there too, as SVG and PNG")
    parser.add_argument("--title", default="Benchmarks by machine", help="default: %(default)s")
    parser.add_argument(
        "--reference",
        metavar="MACHINE",
        help="the machine that speeds are relative to: name, instance type or pattern; default: each test's fastest",
    )
    parser.add_argument(
        "--throughput", metavar="KEY", help="key of extra_info with a rate; default: ini aws_throughput, or the only one"
    )
    parser.add_argument(
        "--scale-parameter", metavar="NAME", help="parameter that scales the work; default: ini aws_scale_parameter"
    )
    parser.add_argument("--since", metavar="DATE", help="only results from then on, as in 2026-11-01; UTC")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0 where a page was written, 1 where nothing could be read, 2 for wrong usage.

    Raises:
        PlanError: no such file, or the extra is missing.
    """
    from pytest_benchmark_aws.report.html.page import need_extra

    need_extra()
    from pytest_benchmark_aws.core.records import Reading
    from pytest_benchmark_aws.inifile import project_settings
    from pytest_benchmark_aws.reading import find_files, read_files
    from pytest_benchmark_aws.snapshot import catalog

    try:
        since = _since(options.since)
    except ValueError as error:
        print(f"pytest-benchmark-aws report: {error}", file=sys.stderr)
        return 2
    settings = project_settings(Path.cwd())
    scale_parameter = options.scale_parameter or settings.get("aws_scale_parameter") or None
    throughput = options.throughput or settings.get("aws_throughput") or None
    read = read_files(find_files(options.files), Reading(catalog(), throughput, scale_parameter))
    for line in read.refused:
        print(f"refused: {line}", file=sys.stderr)
    records = [record for record in read.records if not since or record.when >= since]
    if not records:
        late = f", and none of {len(read.records):,} results is since {options.since}" if read.records else ""
        print(f"pytest-benchmark-aws report: no results in {read.files} files{late}", file=sys.stderr)
        return 1
    from pytest_benchmark_aws.report.html.page import render
    from pytest_benchmark_aws.report.html.view import all_charts, view

    try:
        page = view(
            records,
            title=options.title,
            reference=options.reference,
            scale_parameter=scale_parameter,
            refused=read.refused,
        )
    except PlanError as error:  # the reference is no machine here
        print(f"pytest-benchmark-aws report: {error}", file=sys.stderr)
        return 2
    _write(options.output, render(page).encode())
    print(f"{options.output}: {', '.join(page.facts)}")
    if options.charts is not None:
        charts = all_charts(page)
        _write_charts(options.charts, charts)
        print(f"{options.charts}: {len(charts)} charts as SVG and PNG")
    return 0


def _since(text: str | None) -> str | None:
    """ISO 8601 in UTC, as records have it.

    Raises:
        ValueError: the text is no date.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise ValueError(f"--since {text!r} is no date: write it as in 2026-11-01") from None
    moment = moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
    return moment.isoformat(timespec="microseconds")


def _write_charts(folder: Path, charts: Sequence[Chart]) -> None:
    """Two files for each chart, numbered as on the page."""
    from pytest_benchmark_aws.report.html.drawing import png_file, svg_file

    for number, chart in enumerate(charts, 1):
        svg = svg_file(chart)
        name = file_name(number, chart)
        _write(folder / f"{name}.svg", svg.encode())
        _write(folder / f"{name}.png", png_file(svg))


def file_name(number: int, chart: Chart) -> str:
    """Of letters, digits, dots, dashes and underscores alone, whatever the test is called; the number makes it one."""
    about = re.sub(r"[^A-Za-z0-9_]+", "-", chart.about.rsplit("::", 1)[-1]).strip("-")
    return f"{number:03}-{about[:60]}-{chart.kind}"


def _write(path: Path, content: bytes) -> None:
    """The whole file or none: written beside it, then renamed.

    Raises:
        PlanError: it cannot be written.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise PlanError(f"{path} cannot be written: {error.strerror or error}") from None


def _umask() -> int:
    """The process's: mkstemp makes files for their owner alone, and a report is to be shown."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
