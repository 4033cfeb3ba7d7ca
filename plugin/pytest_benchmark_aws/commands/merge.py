"""``pytest-benchmark-aws merge``: the result files of parallel jobs, put together by machine and launch."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.commands.parts.inputs import add_files, local
from pytest_benchmark_aws.core.compare.merging import Merge, merge, parts_of
from pytest_benchmark_aws.core.compare.records import Reading, RecordError, parse_records
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.report.text import aligned, printable
from pytest_benchmark_aws.results import files, storage
from pytest_benchmark_aws.results.finding import find_files
from pytest_benchmark_aws.results.reading import read_json

_DESCRIPTION = """Puts result files together, stock pytest-benchmark's and ours: what the same launch measured comes
into one file, different machines stay different files, FOLDER/MACHINE/NNNN_name.json. The inputs are left as they
are. A file that is no result is named on stderr and the others are merged; the exit code is then 1."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser(
        "merge",
        help="put the result files of parallel jobs together, one file for each machine and launch",
        description=_DESCRIPTION,
    )
    add_files(parser, default=False)
    parser.add_argument(
        "-o", "--output", required=True, type=Path, metavar="FOLDER|FILE", help="FILE: ends in .json, of one launch"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Merges the files; 0, or 1 where one was left out.

    Raises:
        PlanError: no file at all, no benchmark in any of them, or an output that cannot be written.
    """
    paths = find_files(local(options, options.files))
    documents, faults = read_documents(paths)
    for fault in faults:
        print(f"not in the merge: {fault}", file=sys.stderr)
    if faults:
        print(f"{len(faults)} of {len(paths)} files are not in the merge", file=sys.stderr)
    merged = merge(document for _, document in documents)
    if not merged.files:
        raise PlanError(f"nothing to merge: no benchmark in {len(paths)} files")
    try:
        if options.output.suffix == ".json":
            written = _to_file(options.output, merged)
        else:
            written = [storage.save_once(options.output, file.folder, file.name, file.data) for file in merged.files]
    except OSError as error:
        raise PlanError(f"{options.output}: cannot be written: {error.strerror or error}") from None
    _print_files(merged, written)
    _print_conflicts(merged, written)
    _print_stale(documents, options.output, written)
    return 1 if faults else 0


def read_documents(paths: Sequence[Path]) -> tuple[list[tuple[Path, dict[str, Any]]], list[str]]:
    """The files' JSON as it is, and a line for each that is no result: its name and the reason."""
    how = Reading(snapshot.catalog())
    documents, faults = [], []
    for path in paths:
        try:
            document = read_json(path, verbatim=True)
            parse_records(document, str(path), how)
            parts_of(document)
            documents.append((path, document))
        except RecordError as error:
            faults.append(f"{printable(str(path))}: {printable(str(error))}")
            continue
        if not document["benchmarks"]:
            print(f"{printable(str(path))}: holds no benchmark", file=sys.stderr)
    return documents, faults


def _to_file(path: Path, merged: Merge) -> list[tuple[Path, bool]]:
    """Writes the one merged file: its path, and whether it is new."""
    if len(merged.files) > 1:
        folders = ", ".join(dict.fromkeys(file.folder for file in merged.files))
        raise PlanError(
            f"{path}: one file holds one launch, and these are {len(merged.files)} ({folders}); give a folder: "
            f"-o {path.with_suffix('')}"
        )
    try:
        return [(path, files.write_new(path, storage.as_text(merged.files[0].data).encode()))]
    except FileExistsError:
        raise PlanError(f"{path}: is there and holds something else; delete it, or give another name") from None


def _print_files(merged: Merge, written: Sequence[tuple[Path, bool]]) -> None:
    rows = [("file", "benchmarks", "shards", "")]
    for file, (path, new) in zip(merged.files, written, strict=True):
        count = f"{len(file.data['benchmarks']):,}"
        rows.append((printable(str(path)), count, str(file.shards), "" if new else "as it was"))
    for line in aligned(rows, left=(0, 3)):
        print(line)
    if merged.duplicates:
        print(f"{merged.duplicates:,} benchmarks were in two files, and are taken once")


def _print_conflicts(merged: Merge, written: Sequence[tuple[Path, bool]]) -> None:
    for conflict in merged.conflicts:
        names = ", ".join(printable(str(written[place][0])) for place in conflict.files)
        print(
            f"{printable(conflict.fullname)}: measured {len(conflict.files)} times on one machine at one commit with "
            f"different results, each kept in a file of its own: {names}",
            file=sys.stderr,
        )


def _print_stale(documents: Sequence[tuple[Path, object]], output: Path, written: Sequence[tuple[Path, bool]]) -> None:
    """An input within the output folder is never written over: what it held is now in another file too."""
    results = {path.resolve() for path, _ in written}
    for path, _ in documents:
        if path.resolve().is_relative_to(output.resolve()) and path.resolve() not in results:
            print(f"{printable(str(path))}: its benchmarks are in a merged file too now; delete it", file=sys.stderr)
