"""What an instance wrote to its console, for those who have no log of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws import ec2

if TYPE_CHECKING:
    from pytest_benchmark_aws.aws.clients import Clients


def console(clients: Clients, instance_id: str) -> str:
    """The console, or why there is none."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return ec2.console_output(clients, instance_id)
    except (BotoCoreError, ClientError) as error:
        return f"no log and no console output ({error})"
