"""Kill switch 2: an EventBridge schedule that ends an instance, whatever becomes of the instance and of us."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_benchmark_aws.aws.errors import unless

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_benchmark_aws.aws.clients import Clients

TARGET = "arn:{partition}:scheduler:::aws-sdk:ec2:terminateInstances"
"""EventBridge Scheduler's universal target for EC2's TerminateInstances."""


def schedule_name(instance_id: str) -> str:
    """The name of an instance's schedule."""
    return f"pytest-benchmark-aws-{instance_id}"


def arm(clients: Clients, instance_id: str, at: datetime, role_arn: str) -> None:
    """Schedules the instance's end, once, at that time (UTC); the schedule deletes itself afterwards.

    It names the instance, so that it can be made right after the launch and not before; until then the instance's own
    power-off, armed by its first command, is what bounds it.
    """
    partition = role_arn.split(":")[1]
    with unless("ConflictException"):  # armed already, by this launch's earlier attempt
        clients("scheduler").create_schedule(
            Name=schedule_name(instance_id),
            ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target={
                "Arn": TARGET.format(partition=partition),
                "RoleArn": role_arn,
                "Input": json.dumps({"InstanceIds": [instance_id]}),
                "RetryPolicy": {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86_400},
            },
        )


def disarm(clients: Clients, instance_id: str) -> None:
    """Removes the instance's schedule, if it is still there."""
    with unless("ResourceNotFoundException"):
        clients("scheduler").delete_schedule(Name=schedule_name(instance_id))
