"""``pytest-benchmark-aws services``: AWS's services for machine learning, their state, what this does with each.

Where results of their requests exist, their latency and price stand below them.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_benchmark_aws.catalog import gpus, lifecycle
from pytest_benchmark_aws.commands.parts.measured import Measured, add_measured, measured_services
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.instance_type_names import SAGEMAKER_PREFIX
from pytest_benchmark_aws.report.services import EMBEDDED, MEASURED, benchmark_name, measured_cells, measured_fields
from pytest_benchmark_aws.report.text import aligned

if TYPE_CHECKING:
    from pytest_benchmark_aws.catalog.lifecycle import Lifecycle

SERVICES = {
    "General Purpose Machine Learning Services": (
        "Amazon Elastic Inference", "Amazon SageMaker", "AWS Deep Learning AMI (DLAMI)",
    ),
    "Text and Speech Services": (
        "Amazon Polly", "Amazon Comprehend", "Amazon Lex", "Amazon Textract", "Amazon Transcribe", "Amazon Translate",
    ),
    "Image and Video Services": ("Amazon Rekognition",),
    "Toy Services": ("AWS DeepLens", "AWS DeepRacer"),
    "Other Services": (
        "Amazon Forecast", "Amazon Personalize", "Amazon SageMaker Ground Truth", "Amazon SageMaker Neo",
    ),
}  # fmt: skip
"""The groups of "Machine Learning at AWS" with their services, in its order."""
TYPES = {
    "SageMaker types with GPUs": (
        "ml.p3.2xlarge", "ml.p3.8xlarge", "ml.p3.16xlarge", "ml.p2.xlarge", "ml.p2.8xlarge", "ml.p2.16xlarge",
    ),
    "Performance Experiment with EC2": ("m5.8xlarge", "r5.4xlarge", "c5.24xlarge"),
}  # fmt: skip
"""The instance types that it lists."""
NOT_MEASURED = "not measured by this version"
NONE_FOUND = "none was found"
REFUSED = "refused before any launch"
RUNS = "benchmarks run on it: pytest --aws"
REQUESTS = "its requests are benchmarks: tox -e services"
COMPILERS = "other compilers are measured in its place: docs/neo.md"


@dataclass(frozen=True, slots=True)
class Row:
    """A service, a part of one, or an instance type."""

    group: str
    name: str
    state: str
    date: str | None
    since: str
    instead: str
    this_version: str
    note: str
    source: str
    part: bool = False
    """Of the service above it."""
    service: str = ""
    """The name of its entry in ``catalog.lifecycle.SERVICES``; empty of an instance type."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser(
        "services",
        help="AWS's services for machine learning: their state, what this does, what was measured",
        description="Lists AWS's services for machine learning with their state; below each what saved results say of "
        "its requests: latency, price, region and day of the newest measurement.",
    )
    add_measured(parser)
    parser.add_argument("--format", choices=("table", "json"), default="table", help="json has the sources, too")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints a row for each, and what was measured of it; 0, or 2 for files that are none."""
    try:
        measured = measured_services(options)
    except PlanError as error:
        print(f"pytest-benchmark-aws services: {error}", file=sys.stderr)
        return 2
    rows = [*_services(), *_types()]
    if options.format == "json":
        print(json.dumps([_as_json(row, measured) for row in rows], indent=2))
    else:
        _print_table(rows, measured)
    return 0


def _print_table(rows: list[Row], measured: Measured) -> None:
    blank = ("",) * len(MEASURED) if measured else ()
    titles = ("service", *(MEASURED if measured else ()), "state", "since", "instead", "this version", "note")
    groups, cells = [""], [titles]
    for row in rows:
        groups.append(row.group)
        cells.append((f"{'  - ' if row.part else '  '}{row.name}", *blank, *_cells(row)))
        for record, requests in measured.get(row.service, ()):
            groups.append(row.group)
            cells.append(
                (f"    {benchmark_name(record, requests)}", *measured_cells(record, requests), "", "", "", "", "")
            )
    right = {titles.index(name) for name in ("requests", "p50", "p95", "USD per 1,000") if measured}
    lines = aligned(cells, left=set(range(len(titles))) - right)
    print(lines[0])
    group = ""
    for own, line in zip(groups[1:], lines[1:], strict=True):
        if own != group:
            group = own
            print(group)
        print(line)
    if any(requests.embedded for results in measured.values() for _, requests in results):
        print(EMBEDDED)


def _cells(row: Row) -> tuple[str, ...]:
    nothing = "-" if row.state == "live" else NONE_FOUND
    return (row.state, row.since or "-", row.instead or nothing, row.this_version, row.note)


def _as_json(row: Row, measured: Measured) -> dict[str, object]:
    results = [measured_fields(record, requests) for record, requests in measured.get(row.service, ())]
    return {
        "group": row.group,
        "name": row.name,
        "state": row.state,
        "date": row.date,
        "since": row.since or None,
        "instead": row.instead or None,
        "this_version": row.this_version,
        "note": row.note or None,
        "source": row.source,
        "part": row.part,
        **({"measured": results} if measured else {}),
    }


def _services() -> list[Row]:
    """The services in the order of the groups, each followed by its parts that are closed."""
    groups = {name: group for group, names in SERVICES.items() for name in names}
    rows = []
    group = whole = ""
    for entry in lifecycle.SERVICES:
        part = entry.name not in groups
        if not part:
            group, whole = groups[entry.name], entry.name
        shown = entry.name.removeprefix(whole).strip() if part else entry.name
        rows.append(replace(_row(group, shown, entry, _this_version(entry), part=part), service=entry.name))
    return rows


def _row(group: str, name: str, entry: Lifecycle, this_version: str, *, part: bool = False) -> Row:
    since = entry.since.removeprefix("since ") if entry.live or entry.date else "not confirmed"
    return Row(
        group, name, entry.state, entry.date, since, entry.instead, this_version, entry.note, entry.source, part
    )  # fmt: skip


def _this_version(entry: Lifecycle) -> str:
    from pytest_benchmark_aws.aws import images
    from pytest_benchmark_aws.backends import registry
    from pytest_benchmark_aws.catalog.service_prices import service_prices

    if entry.families:
        return REFUSED
    if entry.name == "Amazon SageMaker" and SAGEMAKER_PREFIX in registry.MODULES:
        return f"{RUNS}, as training jobs of {SAGEMAKER_PREFIX} types"
    if "DLAMI" in entry.name:
        return "the image of GPU types" if hasattr(images, "GPU_IMAGE") else "usable with --aws-ami"
    if entry.name.endswith("Neo"):
        return COMPILERS
    priced = {key.partition(".")[0] for key in service_prices()}
    return REQUESTS if entry.name.removeprefix("Amazon ").lower() in priced else NOT_MEASURED


def _types() -> list[Row]:
    """The instance types that are listed, with their GPUs and what is nearest to those that are gone."""
    from pytest_benchmark_aws.catalog.replacements import nearest_living
    from pytest_benchmark_aws.catalog.snapshot import catalog

    rows = []
    for group, names in TYPES.items():
        for name in names:
            entry = lifecycle.family(name)
            has = gpus.of(name)
            shown = f"{name} ({has})" if has else name
            if entry is None:
                rows.append(Row(group, shown, "live", None, "", "", RUNS, "", f"price list of {catalog().price_date}"))
                continue
            row = _row(group, shown, entry, REFUSED)
            instead = " or ".join(nearest_living(name, catalog()))
            rows.append(
                Row(
                    group,
                    shown,
                    row.state,
                    row.date,
                    row.since,
                    instead,
                    REFUSED,
                    f"with {entry.name}; old results are compared",
                    row.source,
                )
            )
    return rows
