"""The fixture ``dask_client``: the group's cluster on a group's first machine, else one of processes of this machine.

``distributed`` is imported where a test asks for the fixture.
"""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pytest_benchmark_aws.guest.cluster import DASK

_CLIENTS = pytest.StashKey[dict[int, Any]]()
"""Workers -> client, of this session; 0: the group's."""
_CONNECT_S = 60


class Note:
    """The plugin that says at the end that a cluster has fewer workers than the marker asks for."""

    def __init__(self, text: str) -> None:
        self._text = text

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """A line."""
        terminalreporter.write_line(f"aws: {self._text}", yellow=True)


def client_of(request: pytest.FixtureRequest) -> Any:
    """The client of the cluster that the requesting test is for; one cluster serves all tests of its size."""
    config = request.config
    clients = config.stash.setdefault(_CLIENTS, {})
    if DASK in os.environ:
        if 0 not in clients:
            clients[0] = _of_the_group(config, json.loads(Path(os.environ[DASK]).read_text(encoding="utf-8")))
        return clients[0]
    if find_spec("distributed") is None:
        pytest.skip("dask_client needs distributed: pip install 'pytest-benchmark-aws[group]'")
    asked = _count(request)
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(asked, cpus)
    if workers not in clients:
        clients[workers] = _of_this_machine(config, workers, cpus // workers)
    if workers < asked:
        text = f"dask_client has {workers} workers in place of {asked}: this machine has {cpus} CPUs"
        if not config.pluginmanager.has_plugin(text):
            config.pluginmanager.register(Note(text), text)
    return clients[workers]


def _count(request: pytest.FixtureRequest) -> int:
    """Workers that the requesting test is for: as its marker says, of several counts the largest; 1 on an instance."""
    mark = request.node.get_closest_marker("instance_type")
    if mark is None or "PYTEST_BENCHMARK_AWS_GUEST" in os.environ:
        return 1
    count = mark.kwargs.get("count", 1)
    return max(count) if isinstance(count, (list, tuple)) else int(count)


def _of_the_group(config: pytest.Config, settings: dict[str, Any]) -> Any:
    """The client of the cluster that this machine leads, once all its machines are present."""
    from distributed import Client

    from pytest_benchmark_aws.guest.dask_process import security

    client = Client(settings["address"], security=security(settings), timeout=_CONNECT_S)
    config.add_cleanup(lambda: _close(client))
    client.wait_for_workers(settings["count"], timeout=_CONNECT_S)
    return client


def _of_this_machine(config: pytest.Config, workers: int, threads: int) -> Any:
    """The client of a new cluster of processes, closed with the session."""
    from distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=workers,
        threads_per_worker=threads,
        processes=True,
        host="127.0.0.1",
        memory_limit=0,  # as on a group's machines
        dashboard_address="127.0.0.1:0",
    )
    config.add_cleanup(lambda: _close(cluster))
    client = Client(cluster, timeout=_CONNECT_S)
    config.add_cleanup(lambda: _close(client))  # before the cluster: what is added last comes first
    client.wait_for_workers(workers, timeout=_CONNECT_S)
    return client


def _close(connected: Any) -> None:
    connected.close()
