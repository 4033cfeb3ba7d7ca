"""``pytest-benchmark-aws runs``: this machine's runs by their journals, and what of them is alive."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from pytest_benchmark_aws.commands.parts.inputs import add_account
from pytest_benchmark_aws.report.text import aligned, few, printable

if TYPE_CHECKING:
    from pytest_benchmark_aws.run.history import RunRecord

_NEWEST = 20


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser("runs", help="this machine's runs: when, project, where, jobs, state, USD, alive")
    parser.add_argument("--limit", metavar="N", type=_count, help=f"the newest N alone (default: {_NEWEST})")
    parser.add_argument("--all", action="store_true", help="also the older ones")
    parser.add_argument("--offline", action="store_true", help="do not ask AWS what is alive")
    add_account(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints a row for each run, oldest first; 0."""
    from pytest_benchmark_aws.run import history

    records = history.runs(newest=None if options.all else options.limit or _NEWEST)
    if not records:
        print(f"no runs in {history.runs_folder()}")
        return 0
    rows: list[tuple[str, ...]] = [("run", "started (UTC)", "project", "where", "jobs", "state", "USD", "alive")]
    rows += [_row(record, options) for record in records]
    for line in aligned(rows, left=(0, 1, 2, 3, 4, 5)):
        print(line)
    older = 0 if options.limit else history.count() - len(records)
    if older > 0:
        print(f"{older:,} older: --all")
    return 0


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number, 1 or more")
    return int(text)


def _row(record: RunRecord, options: argparse.Namespace) -> tuple[str, ...]:
    alive = "0"
    # An embedded AWS ends with its session, but for one that was started by itself: its environment names it.
    if record.state != "gone" and (not record.embedded or "AWS_ENDPOINT_URL" in os.environ):
        alive = "?" if options.offline else _alive(options, record)
    where = f"embedded {record.region}" if record.embedded else f"{record.region} {record.account}"
    jobs = printable(few(record.jobs))
    state = f"{record.state} ({printable(record.problem)})" if record.problem else record.state
    where = printable(where)
    return (
        printable(record.run_id),
        record.started[:19].replace("T", " "),
        printable(record.project) or "-",
        where,
        jobs,
        state,
        f"{record.usd:.4f}",
        alive,
    )


def _alive(options: argparse.Namespace, record: RunRecord) -> str:
    """How many of the run's launches are alive; ``?`` where AWS does not say."""
    from botocore.exceptions import BotoCoreError, ClientError

    from pytest_benchmark_aws.aws import sagemaker
    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.aws.ec2 import instances_of_run
    from pytest_benchmark_aws.core.instance_type_names import SAGEMAKER_PREFIX

    try:
        clients = Clients(options.region or record.region or None, options.profile)
        alive = sum(instance.alive for instance in instances_of_run(clients, record.run_id))
        training = any(name.startswith(SAGEMAKER_PREFIX) for name in (*record.jobs, *record.instance_types))
        if training:  # others need not be allowed to ask for jobs
            alive += sum(living for _, living in sagemaker.jobs(clients, f"{sagemaker.PREFIX}{record.run_id}-"))
        return str(alive)
    except (BotoCoreError, ClientError):
        return "?"
