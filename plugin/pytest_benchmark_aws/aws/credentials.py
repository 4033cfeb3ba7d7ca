"""How credentials are looked for, without the seconds that boto3 waits where no metadata service answers."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def without_metadata_probe() -> Iterator[None]:
    """boto3 asks the metadata service for credentials; off EC2 nobody answers, and that takes seconds."""
    from pytest_benchmark_aws.machine.ec2_identity import is_ec2

    name = "AWS_EC2_METADATA_DISABLED"
    if name in os.environ or is_ec2():
        yield
        return
    os.environ[name] = "true"
    try:
        yield
    finally:
        del os.environ[name]
