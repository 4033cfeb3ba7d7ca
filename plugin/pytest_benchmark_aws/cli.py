"""``pytest-benchmark-aws``: compare, report, merge, export, runs, reap, policy."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from typing import TYPE_CHECKING

from pytest_benchmark_aws.commands import compare, export, merge, report
from pytest_benchmark_aws.core.errors import PytestBenchmarkAWSError
from pytest_benchmark_aws.report.text import aligned, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_benchmark_aws.aws.clients import Clients


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; 0 where all is well, 1 where something is alive or failed, 2 for wrong usage."""
    _make_writable()
    options = _parser().parse_args(argv)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except PytestBenchmarkAWSError as error:
        print(f"pytest-benchmark-aws: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, such as head, has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"pytest-benchmark-aws: {error.filename or 'output'}: {error.strerror or error}", file=sys.stderr)
        if not error.filename:  # what is left in the buffer would fail again at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _make_writable() -> None:
    """A closed output is none, and a terminal that cannot show a character shows its number."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 -- for the rest of the process
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pytest-benchmark-aws", description="Compares machines, and looks after runs of pytest --aws."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (compare, report, merge, export):
        command.add_parser(commands)
    listing = commands.add_parser("runs", help="this machine's runs: when, where, jobs, state, USD, instances alive")
    listing.add_argument("--offline", action="store_true", help="do not ask AWS what is alive")
    listing.set_defaults(run=_runs)
    reap = commands.add_parser("reap", help="end instances that runs left alive, found by their tags")
    reap.add_argument("--dry-run", action="store_true", help="show them, end nothing")
    reap.add_argument("--all-regions", action="store_true", help="in every region of the account, not only one")
    reap.add_argument("--run", metavar="RUN", dest="run_id", help="only those of this run")
    reap.add_argument("--overdue", action="store_true", help="only those past their deadline")
    reap.set_defaults(run=_reap)
    for asking in (listing, reap):
        asking.add_argument("--region", help="default: AWS_REGION, AWS_DEFAULT_REGION or the profile's")
        asking.add_argument("--profile", help="default: AWS_PROFILE")
    policy = commands.add_parser("policy", help="print the least IAM policy that a run, or a shared storage, needs")
    policy.add_argument("kind", choices=("client", "instance", "scheduler", "storage"))
    policy.add_argument("--account", default="123456789012", help="account id (12 digits)")
    policy.add_argument("--region", default="us-east-1")
    policy.add_argument(
        "--bucket", help="default: the bucket that is made for the account and region; storage has no default"
    )
    policy.add_argument("--prefix", default="", help="storage: the part of the bucket, as in s3://bucket/prefix")
    policy.add_argument("--read-only", action="store_true", help="storage: compare, and add nothing")
    policy.add_argument("--role", help="client: the role of --aws-instance-profile, so that it may be passed")
    policy.add_argument("--scheduler-role", help="client: the role of --aws-scheduler-role, likewise")
    policy.set_defaults(run=_policy)
    return parser


def _runs(options: argparse.Namespace) -> int:
    from pytest_benchmark_aws.run import history

    found = history.runs()
    if not found:
        print(f"no runs in {history.runs_folder()}")
        return 0
    rows = [("run", "started (UTC)", "where", "jobs", "state", "USD", "alive")]
    for one in found:
        alive = "0"
        if one.state != "gone" and not one.embedded:
            alive = "?" if options.offline else _alive(options, one.run_id, one.region)
        where = f"embedded {one.region}" if one.embedded else f"{one.region} {one.account}"
        jobs = ", ".join(one.jobs[:3]) + (f" and {len(one.jobs) - 3} more" if len(one.jobs) > 3 else "")
        state = f"{one.state} ({one.problem})" if one.problem else one.state
        rows.append(
            (one.run_id, one.started[:19].replace("T", " "), where, printable(jobs), state, f"{one.usd:.4f}", alive)
        )
    for line in aligned(rows, left=(0, 1, 2, 3, 4)):
        print(line)
    return 0


def _alive(options: argparse.Namespace, run_id: str, region: str) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.aws.ec2 import instances_of_run

    try:
        clients = Clients(options.region or region or None, options.profile)
        return str(sum(one.alive for one in instances_of_run(clients, run_id)))
    except (BotoCoreError, ClientError):
        return "?"


def _reap(options: argparse.Namespace) -> int:
    """Ends what is alive; a run that a process of this machine works on is left to it, unless it is named."""
    from botocore.exceptions import BotoCoreError, ClientError

    from pytest_benchmark_aws.aws import ec2
    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.core.errors import CleanupError

    home = Clients(options.region, options.profile)
    home.account()  # one clear error where there are no credentials
    try:
        others = ec2.regions(home) if options.all_regions else []
        regions = list(dict.fromkeys([home.region, *others]))  # where runs are most likely comes first
    except (BotoCoreError, ClientError) as error:
        raise CleanupError(f"the regions cannot be listed: {error}") from error
    left, failed = 0, []
    for region in regions:
        clients = home if region == home.region else Clients(region, options.profile)
        try:
            left += _reap_region(clients, options)
        except (BotoCoreError, ClientError) as error:
            failed.append(f"{region}: {error}")
    print(f"{left} instances {'would be ended' if options.dry_run else 'ended'} in {len(regions)} region(s)")
    for line in failed:
        print(f"could not look: {line}", file=sys.stderr)
    return 1 if failed else 0


def _reap_region(clients: Clients, options: argparse.Namespace) -> int:
    from pytest_benchmark_aws.aws import ec2
    from pytest_benchmark_aws.run import history

    now = history.utc_now()
    working = {one.run_id for one in history.runs() if one.state == "running"}
    found = [
        one for one in ec2.managed_instances(clients) if one.state in {"pending", "running", "stopping", "stopped"}
    ]
    chosen = []
    for one in found:
        late = one.deadline is not None and one.deadline < now
        if (options.run_id and one.run != options.run_id) or (options.overdue and not late):
            continue
        if one.run in working and one.run != options.run_id:
            print(f"{one.instance_id}  {one.state}  run {printable(one.run)}  left to the process that works on it")
            continue
        deadline = "unknown" if one.deadline is None else one.deadline.isoformat(timespec="seconds")
        print(f"{one.instance_id}  {one.state}  {clients.region}  run {printable(one.run)}  deadline {deadline}")
        chosen.append(one.instance_id)
    if chosen and not options.dry_run:
        ec2.terminate(clients, chosen)
    return len(chosen)


def _policy(options: argparse.Namespace) -> int:
    from pytest_benchmark_aws.aws import policies

    bucket = options.bucket or f"pytest-benchmark-aws-{options.account}-{options.region}"
    try:
        if options.kind == "client":
            policy = policies.client_policy(
                options.account, options.region, bucket, options.role, scheduler_role=options.scheduler_role
            )
        elif options.kind == "scheduler":
            policy = policies.scheduler_policy(options.account, options.region)
        elif options.kind == "storage":
            if not options.bucket:
                raise ValueError("storage needs --bucket, the one that you made for results")
            policy = policies.storage_policy(bucket, options.prefix.strip("/"), read_only=options.read_only)
        else:
            policy = policies.instance_policy(bucket)
    except ValueError as error:
        print(f"pytest-benchmark-aws policy: {error}", file=sys.stderr)
        return 2
    print(json.dumps(policy, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
