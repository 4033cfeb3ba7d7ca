"""Embedded AWS in a process beside this one."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.core.errors import CleanupError
from pytest_benchmark_aws.run.preflight import connected
from tests.session.test_expand import given_settings

if TYPE_CHECKING:
    from collections.abc import Iterator


def children() -> Iterator[int]:
    """This process's, by their command lines embedded AWS."""
    for path in Path("/proc/self/task").glob("*/children"):
        for pid in path.read_text().split():
            if b"pytest_benchmark_aws.embedded" in Path(f"/proc/{pid}/cmdline").read_bytes():
                yield int(pid)


def test_k14_an_embedded_aws_that_is_killed_is_seen_at_the_next_call(
    pytestconfig: pytest.Config,
) -> None:
    """No call is tried again, and nobody waits for an answer; how it ended is said."""
    pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")
    with connected(given_settings(pytestconfig), embedded=True) as clients:
        clients.account()
        (pid,) = children()
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        sent: list[str] = []
        clients.on("request-created", lambda event_name, **_: sent.append(event_name))
        with pytest.raises(CleanupError, match=r"embedded AWS of this session ended \(killed by signal 9\)"):
            clients("ec2").describe_instances()
        assert len(sent) == 1
