"""``pytest-benchmark-aws reap``: ends instances that runs left alive, found by their tags."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from pytest_benchmark_aws.commands.parts.inputs import add_account
from pytest_benchmark_aws.report.text import printable

if TYPE_CHECKING:
    from pytest_benchmark_aws.aws.clients import Clients

_CAN_BE_ENDED = frozenset({"pending", "running", "stopping", "stopped"})
"""EC2's states of an instance that it still has."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser("reap", help="end instances that runs left alive, found by their tags")
    parser.add_argument("--dry-run", action="store_true", help="show them, end nothing")
    parser.add_argument("--all-regions", action="store_true", help="in every region of the account, not only one")
    parser.add_argument("--run", metavar="RUN", dest="run_id", help="only those of this run")
    parser.add_argument("--overdue", action="store_true", help="only those past their deadline")
    add_account(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Ends what is alive, region by region; 0, or 1 where a region could not be looked into.

    Raises:
        PlanError: there are no credentials.
        CleanupError: the regions cannot be listed.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    from pytest_benchmark_aws.aws import ec2
    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.core.errors import CleanupError

    home = Clients(options.region, options.profile)
    home.account()  # one clear error where there are no credentials
    try:
        others = ec2.regions(home) if options.all_regions else []
    except (BotoCoreError, ClientError) as error:
        raise CleanupError(f"the regions cannot be listed: {error}") from error
    regions = list(dict.fromkeys([home.region, *others]))  # where runs are most likely comes first
    ended, failed = 0, []
    for region in regions:
        try:
            ended += _reap_region(home.in_region(region), options)
        except (BotoCoreError, ClientError) as error:
            failed.append(f"{region}: {error}")
    print(f"{ended} instances {'would be ended' if options.dry_run else 'ended'} in {len(regions)} region(s)")
    for line in failed:
        print(f"could not look: {line}", file=sys.stderr)
    return 1 if failed else 0


def _reap_region(clients: Clients, options: argparse.Namespace) -> int:
    """Ends a region's instances that the options mean, or shows them alone; gives their number.

    A run that a process of this machine works on is left to it, unless it is named.
    """
    from pytest_benchmark_aws.aws import ec2
    from pytest_benchmark_aws.run import history

    now = history.utc_now()
    working = history.working()
    chosen = []
    for instance in ec2.managed_instances(clients):
        late = instance.deadline is not None and instance.deadline < now
        of_another_run = options.run_id and instance.run != options.run_id
        if instance.state not in _CAN_BE_ENDED or of_another_run or (options.overdue and not late):
            continue
        about = f"{instance.instance_id}  {instance.state}"
        if instance.run in working and not options.run_id:
            print(f"{about}  run {printable(instance.run)}  left to the process that works on it")
            continue
        deadline = "unknown" if instance.deadline is None else instance.deadline.isoformat(timespec="seconds")
        print(f"{about}  {clients.region}  run {printable(instance.run)}  deadline {deadline}")
        chosen.append(instance.instance_id)
    if chosen and not options.dry_run:
        ec2.terminate(clients, chosen)
    return len(chosen)
