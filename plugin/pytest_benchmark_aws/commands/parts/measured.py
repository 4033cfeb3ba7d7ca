"""What saved results say of the services that ``services`` lists."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from pytest_benchmark_aws.catalog import lifecycle
from pytest_benchmark_aws.commands.parts.inputs import Loaded, add_files, load
from pytest_benchmark_aws.core.compare.records import Record
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.values.service_requests import ServiceRequests
from pytest_benchmark_aws.report.services import shown
from pytest_benchmark_aws.report.text import few

Measured: TypeAlias = Mapping[str, Sequence[tuple[Record, ServiceRequests]]]
"""A service's name in the list -> its newest results, by benchmark and region."""


def add_measured(parser: argparse.ArgumentParser) -> None:
    """The files, and which of their results count."""
    add_files(parser, default=True)
    parser.add_argument("--since", metavar="WHEN", help="only results made since then: 2026-11-01, or 12h, 7d, 2w")
    parser.add_argument(
        "--filter", action="append", metavar="EXPR", help="as in compare: region=eu-*, embedded=no; repeatable"
    )
    parser.set_defaults(throughput=None, scale_parameter=None)


def measured_services(options: argparse.Namespace) -> Measured:
    """The newest result of each benchmark in each region; what cannot be shown is said on stderr.

    Raises:
        PlanError: files, a filter or a time that are none.
    """
    loaded = _load(options)
    if loaded is None:
        return {}
    for line in loaded.refused:
        print(f"! left out: {line}", file=sys.stderr)
    newest: dict[tuple[str, str], tuple[Record, ServiceRequests]] = {}
    for record in sorted(loaded.records, key=lambda record: (record.when, record.source)):
        if record.service is not None:
            newest[record.case, record.machine.name] = (record, record.service)
    if options.files and not newest:
        print(
            f"! none of {len(loaded.read):,} results is of a managed service's requests: docs/managed-services.md",
            file=sys.stderr,
        )
    measured: dict[str, list[tuple[Record, ServiceRequests]]] = {}
    without_times, not_listed = [], []
    for _, (record, requests) in sorted(newest.items()):
        entry = lifecycle.named(requests.service)
        if entry not in lifecycle.SERVICES:
            not_listed.append(shown(requests.service))
        elif requests.latency_s is None:
            without_times.append(shown(record.case))
        else:
            measured.setdefault(entry.name, []).append((record, requests))
    if without_times:
        _note(without_times, "without p50, p95 and p99 that are times in order")
    if not_listed:
        _note(not_listed, "of services that are not listed")
    return measured


def _load(options: argparse.Namespace) -> Loaded | None:
    """What the files hold; None where none are named, and the project has no results."""
    from pytest_benchmark_aws.results.finding import find_files

    if not options.files:
        try:
            find_files(())
        except PlanError:
            return None
    return load(options, options.files, newest=True)


def _note(names: Sequence[str], why: str) -> None:
    results = "1 result of a managed service" if len(names) == 1 else f"{len(names):,} results of managed services"
    print(f"! {results} left out, {why}: {few(names)}", file=sys.stderr)
