"""Whole runs on accounts that enforce exactly the printed policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.aws.tenant import BUCKET, KILLER, printed, ran

if TYPE_CHECKING:
    from tests.aws.tenant import Ran


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """With the client's policy alone."""
    return ran(tmp_path_factory.mktemp("plain"), printed("client"))


@pytest.fixture(scope="session")
def with_profile(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """With an instance profile, whose role holds the instance's policy."""
    client = printed("client", "--role", "bench")
    words = ("--aws-instance-profile=bench-profile",)
    return ran(tmp_path_factory.mktemp("profile"), client, *words, instance=printed("instance", "--bucket", BUCKET))


@pytest.fixture(scope="session")
def with_scheduler(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """With the cloud's own kill switch."""
    client = printed("client", "--scheduler-role", "killer")
    return ran(tmp_path_factory.mktemp("scheduler"), client, f"--aws-scheduler-role={KILLER}")
