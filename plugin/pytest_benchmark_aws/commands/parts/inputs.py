"""The results that a command reads: files, folders, patterns and shared storages, and how they are read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.errors import PlanError, UnreachableError
from pytest_benchmark_aws.report.text import few, printable

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.compare.heads import Result
    from pytest_benchmark_aws.core.compare.records import Reading, Record
    from pytest_benchmark_aws.core.compare.rows import How, RowOf
    from pytest_benchmark_aws.core.compare.tables import Compared

SHARED = "s3://"


def add_files(parser: argparse.ArgumentParser, *, default: bool) -> None:
    """The files; the same for every command that reads results."""
    parser.add_argument(
        "files",
        nargs="*" if default else "+",
        metavar="FILES",
        help="files, folders, patterns, or s3://bucket/prefix" + (" (default: .benchmarks)" if default else ""),
    )
    add_account(parser, "of s3://; ")


def add_account(parser: argparse.ArgumentParser, of: str = "") -> None:
    """The region and the account that are asked, by a profile of AWS's configuration."""
    parser.add_argument("--region", help=f"{of}default: AWS_REGION, AWS_DEFAULT_REGION or the profile's")
    parser.add_argument("--profile", help=f"{of}default: AWS_PROFILE")


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """The files, and how they are read."""
    add_files(parser, default=True)
    parser.add_argument("--since", metavar="WHEN", help="only results made since then: 2026-11-01, or 12h, 7d, 2w")
    parser.add_argument(
        "--throughput",
        metavar="KEY",
        help="key of extra_info with work done a second (default: the ini file's, else the one ending in _per_second)",
    )
    parser.add_argument(
        "--scale-parameter",
        metavar="NAME",
        help="test parameter that only scales the work (default: the ini file's aws_scale_parameter)",
    )


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the files of one side held, after --since and --filter."""

    records: Sequence[Record]
    refused: Sequence[str]
    read: Sequence[Result]
    """Before --since and --filter."""
    left_out: tuple[int, int] | None = None
    """How many results are no records as another file holds them too, and as their machine has a newer commit; None
    where all results are records."""

    def compare(self, how: How = "median", row_of: RowOf = "machine", reference: str | None = None) -> Compared:
        """The comparison of the records.

        Raises:
            PlanError: the reference is in no table.
        """
        from pytest_benchmark_aws.core.compare.tables import Compared, compare_records, tables_of

        if self.left_out is None:
            return compare_records(self.records, how=how, row_of=row_of, reference=reference)
        return Compared(tables_of(self.records, how=how, row_of=row_of, reference=reference), *self.left_out)

    def nothing(self) -> str:
        """Why there is nothing to compare."""
        if not self.read:
            return "no results: no file holds a benchmark"
        names = sorted({result.machine.name for result in self.read})
        count = f"0 of {len(self.read):,} results pass --filter and --since"
        return f"no results: {count}; they are of {printable(few(names, 5))}"


def load(options: argparse.Namespace, patterns: Sequence[str], *, newest: bool = False) -> Loaded:
    """Reads the files that patterns mean; with ``newest``, records are made of each machine's newest commit alone.

    Raises:
        PlanError: a pattern that means none, a filter that cannot be read, or a bucket that may not be.
    """
    from pytest_benchmark_aws.core.compare import filters
    from pytest_benchmark_aws.results.finding import find_files
    from pytest_benchmark_aws.results.reading import read_files, read_newest

    tests = [filters.parse_filter(text) for text in getattr(options, "filter", None) or ()]
    since = filters.parse_since(options.since, datetime.now(timezone.utc)) if options.since else None
    passes = filters.all_of(tests, since)
    files, how = find_files(local(options, patterns)), reading(options)
    if newest:
        read = read_newest(files, how, passes)
        loaded = Loaded(read.records, read.refused, read.heads, (read.duplicates, read.older))
        attempts = read.attempts
    else:
        whole = read_files(files, how)
        loaded = Loaded(list(filter(passes, whole.records)), whole.refused, whole.records)
        attempts = whole.attempts
    if attempts:
        print(f"! {attempts} earlier attempts of tests are left out: of each launch the last counts", file=sys.stderr)
    coarse = getattr(options, "statistic", "median")
    lacking = sum(getattr(record, coarse) is None for record in loaded.records)
    if lacking:
        print(
            f"! {lacking} results have no {coarse} above 0.0, as of a coarse clock: they are left out", file=sys.stderr
        )
    if options.throughput and loaded.records and all(record.unit == "runs" for record in loaded.records):
        print(
            f"! no result has {printable(options.throughput)} in its extra_info: runs a second count", file=sys.stderr
        )
    if options.scale_parameter and loaded.read and all(result.scale is None for result in loaded.read):
        print(f"! no result has a parameter {printable(options.scale_parameter)}", file=sys.stderr)
    return loaded


def local(options: argparse.Namespace, patterns: Sequence[str]) -> list[str]:
    """The patterns, each shared storage replaced by its cache, brought up to date.

    Where AWS cannot be asked now, the cache counts as of its last sync, and stderr says so.

    Raises:
        PlanError: the URL is none, the bucket is missing or may not be read, or there is no cache and no AWS.
    """
    return [_cache(options, pattern) if pattern.startswith(SHARED) else pattern for pattern in patterns]


def _cache(options: argparse.Namespace, url: str) -> str:
    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.results import s3_folder

    def clients() -> Clients:
        return Clients(options.region, options.profile, retries=s3_folder.RETRIES)

    try:
        return str(s3_folder.fetch(url, clients))
    except UnreachableError as error:
        mirror = s3_folder.open_mirror(url, clients)
        synced = mirror.last_synced()
        if synced is None:
            raise PlanError(f"{url}: it was never fetched here, and cannot be now: {error}") from error
        print(f"! {url} as of its last sync, {synced}: {error}", file=sys.stderr)
        return str(mirror.place)
    except OSError as error:
        raise PlanError(f"{url}: its cache cannot be written: {error}") from error


def reading(options: argparse.Namespace) -> Reading:
    """How files are read: by the command line, else by the project's ini file."""
    from pytest_benchmark_aws.catalog import snapshot
    from pytest_benchmark_aws.commands.parts.inifile import project_settings
    from pytest_benchmark_aws.core.compare.records import Reading

    ini = project_settings(Path.cwd())
    return Reading(
        snapshot.catalog(),
        options.throughput or ini.get("aws_throughput") or None,
        options.scale_parameter or ini.get("aws_scale_parameter") or None,
    )
