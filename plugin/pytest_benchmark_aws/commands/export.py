"""``pytest-benchmark-aws export``: results as the files of other benchmark trackers."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.commands.parts.inifile import project_settings
from pytest_benchmark_aws.commands.parts.inputs import add_files, local
from pytest_benchmark_aws.core.compare.records import Reading, RecordError
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.report.text import printable
from pytest_benchmark_aws.results import files, storage
from pytest_benchmark_aws.results.finding import find_files
from pytest_benchmark_aws.results.reading import read_files, read_json

if TYPE_CHECKING:
    from pytest_benchmark_aws.report.export.measurements import Export

_FORMATS = ("asv", "bencher", "github-action-benchmark")
"""Each is a module of report.export, its dashes as underscores."""
_DESCRIPTION = """Writes results as another tool's files: asv's results folder, Bencher Metric Format, or
github-action-benchmark's customSmallerIsBetter. What the format has no place for is said on stderr, and so is a file
that is no result; the exit code is then 1."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser(
        "export", help="write results as the files of asv, Bencher or github-action-benchmark", description=_DESCRIPTION
    )
    add_files(parser, default=False)
    parser.add_argument("--format", required=True, choices=_FORMATS)
    parser.add_argument(
        "-o", "--output", required=True, type=Path, metavar="PATH", help="a file; for asv its results_dir, which grows"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Exports the results; 0, or 1 where a file was refused.

    Raises:
        PlanError: no file, nothing in them that the format can hold, or an output that cannot be written.
    """
    settings = project_settings(Path.cwd())
    # Scales are tests of their own in tools that know of none.
    how = Reading(snapshot.catalog(), settings.get("aws_throughput") or None, None)
    read = read_files(find_files(local(options, options.files)), how)
    for line in read.refused:
        print(f"not exported: {line}", file=sys.stderr)
    if not read.records:
        raise PlanError(f"nothing to export: no benchmark in {read.files} files")
    module = importlib.import_module(f"pytest_benchmark_aws.report.export.{options.format.replace('-', '_')}")
    export: Export = module.export(read.records)
    output: Path = options.output
    try:
        _write(output, export)
    except OSError as error:
        raise PlanError(f"{output}: cannot be written: {error.strerror or error}") from None
    print(f"{printable(str(output))}: {export.count:,} results of {read.files} files for {options.format}")
    for line in export.lost:
        print(f"{options.format} cannot hold: {printable(line)}", file=sys.stderr)
    return 1 if read.refused else 0


def _write(output: Path, export: Export) -> None:
    """Writes all files or none: what another export wrote is never lost."""
    texts = {}
    for name, data in export.files.items():
        path = output / name if name else output
        if path.exists() and name in export.stays:
            continue
        if path.exists() and name in export.grows:
            texts[path] = storage.as_text({**_object(path), **data})
            continue
        texts[path] = storage.as_text(data)
        if path.exists() and not (path.is_file() and path.read_bytes() == texts[path].encode()):
            raise PlanError(f"{path}: is there and holds something else; delete it, or give another path")
    for path, text in texts.items():
        files.replace(path, text.encode())


def _object(path: Path) -> dict[str, Any]:
    """The JSON object of a file that grows."""
    try:
        data = read_json(path)
    except RecordError as error:
        raise PlanError(f"{path}: cannot be added to: {error}") from None
    if not isinstance(data, dict):
        raise PlanError(f"{path}: cannot be added to, it is no object")
    return data
