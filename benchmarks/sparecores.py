"""Rates of workloads on EC2's instance types from Spare Cores' public database, as the machine model is fitted to.

The database (SQLite; CC BY-SA 4.0) is fetched and kept by the library ``sparecores-data`` (extra ``[scores]``), which
needs network. Its tables are those of sparecores-crawler 0.10 (``sc_crawler/table_bases.py``): ``server``,
``benchmark`` and ``benchmark_score``, a score for each server, benchmark and configuration.
"""

from __future__ import annotations

import json
import math
import sqlite3
import statistics
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.machinemodel import Measured, is_burstable

if TYPE_CHECKING:
    from pathlib import Path

LEAST_SHARE = 0.6
"""Of the types that a workload must have been measured on to count."""


def database() -> Path:
    """The newest database, fetched where it is not there yet.

    Raises:
        ImportError: the extra ``[scores]`` is not installed.
        OSError: there is no network, and none was fetched before.
    """
    from pathlib import Path

    from sc_data import db

    return Path(db.path)


def read(path: Path) -> Measured:
    """The measured table of a database, workloads named ``framework: benchmark {configuration}``."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        servers = {
            server_id: _facts(name, vcpus, cores, model, flags)
            for server_id, name, vcpus, cores, model, flags in connection.execute(
                "SELECT server_id, api_reference, vcpus, cpu_cores, cpu_model, cpu_flags FROM server "
                "WHERE vendor_id = 'aws' AND cpu_model IS NOT NULL ORDER BY api_reference"
            )
            if not is_burstable(name)
        }
        scores = connection.execute(
            "SELECT score.resource_id, about.framework, score.benchmark_id, score.config, about.higher_is_better, "
            "score.score FROM benchmark_score AS score JOIN benchmark AS about USING (benchmark_id) "
            "WHERE score.vendor_id = 'aws' AND lower(score.resource_type) = 'server' AND score.score > 0"
        ).fetchall()
    logs: dict[str, dict[str, list[float]]] = {}
    for server_id, framework, benchmark_id, config, higher, value in scores:
        if server_id in servers:
            settings = json.dumps(json.loads(config or "{}"), sort_keys=True)
            seconds = -math.log(value) if higher else math.log(value)
            logs.setdefault(f"{framework}: {benchmark_id} {settings}", {}).setdefault(server_id, []).append(seconds)
    usual = {name: by_type for name, by_type in logs.items() if len(by_type) >= LEAST_SHARE * len(servers)}
    workloads = tuple(sorted(usual))
    table = [
        [statistics.fmean(usual[name][server_id]) if server_id in usual[name] else math.nan for name in workloads]
        for server_id in servers
    ]
    return Measured(tuple(servers.values()), workloads, np.array(table).reshape(len(servers), len(workloads)))


def _facts(name: str, vcpus: int, cores: int | None, model: str, flags: str | None) -> dict[str, str]:
    """A row as the measured table has it; the database has no number of sockets."""
    words = set(json.loads(flags or "[]"))
    return {
        "instance_type": name,
        "cpu_model": model,
        "vcpus": str(vcpus),
        "threads_per_core": str(max(1, round(vcpus / cores)) if cores else 1),
        "sockets": "",
        "l3": "",
        "amx": str(int("amx_tile" in words)),
        "avx512": str(int("avx512f" in words)),
        "sve": str(int("sve" in words)),
    }
