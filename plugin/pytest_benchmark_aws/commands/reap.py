"""``pytest-benchmark-aws reap``: ends instances and training jobs that runs left alive, found by their tags."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, NamedTuple

from pytest_benchmark_aws.commands.parts.inputs import add_account
from pytest_benchmark_aws.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from pytest_benchmark_aws.aws.clients import Clients

_CAN_BE_ENDED = frozenset({"pending", "running", "stopping", "stopped"})
"""EC2's states of an instance that it still has."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser(
        "reap", help="end instances and training jobs that runs left alive, found by their tags"
    )
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
    from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

    from pytest_benchmark_aws.aws import ec2, sagemaker
    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.aws.errors import is_denied, refusal
    from pytest_benchmark_aws.core.errors import CleanupError

    home = Clients(options.region, options.profile)
    home.account()  # one clear error where there are no credentials
    try:
        others = ec2.regions(home) if options.all_regions else []
    except (BotoCoreError, ClientError) as error:
        raise CleanupError(f"the regions cannot be listed: {error}") from error
    regions = list(dict.fromkeys([home.region, *others]))  # where runs are most likely comes first
    ended, jobs, failed = 0, 0, []
    for region in regions:
        clients = home.in_region(region)
        try:
            ended += _end(clients, options, _instances(clients), ec2.terminate)
        except (BotoCoreError, ClientError) as error:
            failed.append(f"{region}: {error}")
        try:
            jobs += _end(clients, options, _training_jobs(clients), sagemaker.stop_all)
        except EndpointConnectionError:
            continue  # SageMaker is not in every region
        except (BotoCoreError, ClientError) as error:
            if not is_denied(error):
                failed.append(f"{region}, training jobs: {error}")
            else:  # a policy without training jobs is enough for who has none
                print(f"{region}: training jobs were not looked for: {refusal(error)}", file=sys.stderr)
    counts = f"{ended} instances" + (f", {jobs} training jobs" if jobs else "")
    print(f"{counts} {'would be ended' if options.dry_run else 'ended'} in {len(regions)} region(s)")
    if jobs and not options.dry_run:  # SIGTERM, and SIGKILL two minutes later (SageMaker API, StopTrainingJob)
        print("training jobs have up to 2 min to stop, and are billed until then")
    for line in failed:
        print(f"could not look: {line}", file=sys.stderr)
    return 1 if failed else 0


class _Launch(NamedTuple):
    """What is alive of a run, or may be."""

    name: str
    state: str
    run: str
    deadline: datetime | None


def _instances(clients: Clients) -> list[_Launch]:
    from pytest_benchmark_aws.aws import ec2

    return [
        _Launch(instance.instance_id, instance.state, instance.run, instance.deadline)
        for instance in ec2.managed_instances(clients)
        if instance.state in _CAN_BE_ENDED
    ]


def _training_jobs(clients: Clients) -> list[_Launch]:
    """Those that can be stopped: one that is Stopping already is on its way."""
    from pytest_benchmark_aws.aws import sagemaker

    return [
        _Launch(job.name, job.status, job.run, job.deadline)
        for job in sagemaker.managed_jobs(clients)
        if job.status == "InProgress"
    ]


def _end(
    clients: Clients,
    options: argparse.Namespace,
    launches: Sequence[_Launch],
    end: Callable[[Clients, Sequence[str]], object],
) -> int:
    """Ends those of a region's launches that the options mean, or shows them alone; gives their number.

    A run that a process of this machine works on is left to it, unless it is named.
    """
    from pytest_benchmark_aws.run import history

    now = history.utc_now()
    working = history.working()
    chosen = []
    for launch in launches:
        late = launch.deadline is not None and launch.deadline < now
        of_another_run = options.run_id and launch.run != options.run_id
        if of_another_run or (options.overdue and not late):
            continue
        about = f"{launch.name}  {launch.state}"
        if launch.run in working and not options.run_id:
            print(f"{about}  run {printable(launch.run)}  left to the process that works on it")
            continue
        deadline = "unknown" if launch.deadline is None else launch.deadline.isoformat(timespec="seconds")
        print(f"{about}  {clients.region}  run {printable(launch.run)}  deadline {deadline}")
        chosen.append(launch.name)
    if chosen and not options.dry_run:
        end(clients, chosen)
    return len(chosen)
