"""What SageMaker asks of its callers in time and space, each with its reason."""

from __future__ import annotations

LEAST_BILLED_S = 1.0
"""Training is billed by the second, without a least amount (SageMaker's pricing page, "pay by the second")."""
START_S = 1200
"""Seconds that a job may be Starting beside what instances need: its machines are provisioned and prepared, minutes by
SageMaker's guide ("Train using SageMaker managed warm pools", which is there to save that time), and not billed:
billed is from TrainingStartTime on (DescribeTrainingJob)."""
SPOT_START_S = 1800
"""The same beyond it for managed spot training, which waits for capacity ("Managed Spot Training")."""
STOP_S = 120
"""Between SIGTERM and SIGKILL (StopTrainingJob)."""
UPLOAD_S = 60
"""For what SageMaker uploads at the end, an empty model: billed until it is there (DescribeTrainingJob)."""
SHOWN_S = 120.0
"""A job that was created just now and is not listed yet is not gone."""
VOLUME_GIB = 30
"""Of the volume at /opt/ml, where the user names no other size."""
LOG_LINES = 200
"""Of each host's log in CloudWatch Logs that are read, from its end."""
ENDS_S = 900.0
"""How long a job that was stopped may be Stopping: SIGTERM's time and the upload, and where it is Starting until its
machines are there, minutes which are not billed."""
