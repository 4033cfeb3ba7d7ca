"""Made-up result files in stock pytest-benchmark's shape, as many as years of CI leave behind."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from pathlib import Path

TYPES = tuple(
    f"{family}.{size}"
    for family in ("m5", "m6i", "m7i", "c5", "c6i", "c7i", "r5", "r6i", "r7i", "c7g")
    for size in ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge")
)
TESTS, ROUNDS = 10, 5
_DAY = datetime(2026, 1, 1, tzinfo=timezone.utc)


def make(
    folder: Path,
    files: int = 10_000,
    *,
    machines: int = len(TYPES),
    launches_per_commit: int | None = None,
    seed: int = 1,
) -> int:
    """``<folder>/<instance type>/NNNN_made-up.json``, ten benchmarks each; the number of benchmarks.

    All are of one commit, or so many launches of each machine are.
    """
    source = random.Random(seed)
    for number in range(files):
        kind = number % machines
        name = TYPES[kind] if kind < len(TYPES) else f"{TYPES[kind % len(TYPES)]}-{kind}"
        place = folder / name
        if number < machines:
            place.mkdir(parents=True)
        launch = number // machines
        commit = "f" * 40 if launches_per_commit is None else f"{launch // launches_per_commit:040x}"
        data = _file(name, kind, f"i-{number:017x}", commit, _DAY + timedelta(hours=launch, seconds=kind), source)
        (place / f"{launch + 1:04}_made-up.json").write_bytes(orjson.dumps(data, option=orjson.OPT_INDENT_2))
    return files * TESTS


def _file(name: str, kind: int, instance_id: str, commit: str, when: datetime, source: random.Random) -> dict[str, Any]:
    level = source.lognormvariate(0, 0.03)
    return {
        "machine_info": {
            "node": f"ip-10-0-{kind}-1", "processor": "x86_64", "machine": "x86_64", "system": "Linux",
            "python_compiler": "GCC 11.5.0", "python_implementation": "CPython", "python_version": "3.11.9",
            "python_build": ["main", "Apr  2 2024"], "release": "6.1.112",
            "cpu": {"brand_raw": "Intel(R) Xeon(R) Platinum 8275CL", "count": 2, "arch": "X86_64", "bits": 64},
            "hardware": {"vcpus": 2, "cores": None, "threads_per_core": None, "memory_bytes": None, "arch": "x86_64"},
            "ec2": {"instance_type": name, "instance_id": instance_id, "region": "us-east-1", "market": "on-demand"},
        },
        "commit_info": {
            "id": commit, "time": "2026-01-01T00:00:00+00:00", "author_time": "2026-01-01T00:00:00+00:00",
            "dirty": False, "project": "made-up", "branch": "main",
        },
        "benchmarks": [
            _benchmark(test, 0.01 * (test + 1) * (1 + kind / 10) * level, instance_id, source) for test in range(TESTS)
        ],
        "datetime": when.isoformat(),
        "version": "5.3.1",
    }  # fmt: skip


def _benchmark(test: int, seconds: float, instance_id: str, source: random.Random) -> dict[str, Any]:
    data = sorted(seconds * source.lognormvariate(0, 0.02) for _ in range(ROUNDS))
    name = f"test_case_{test}[x]"
    return {
        "group": None, "name": name, "fullname": f"tests/test_made_up.py::{name}", "params": {"kind": "x"},
        "param": "x", "extra_info": {"instance_id": instance_id},
        "options": {
            "disable_gc": False, "timer": "perf_counter", "min_rounds": 5, "max_time": 1.0, "min_time": 5e-06,
            "warmup": False,
        },
        "stats": {
            "min": data[0], "max": data[-1], "mean": sum(data) / ROUNDS, "stddev": data[-1] - data[0],
            "rounds": ROUNDS, "median": data[2], "iqr": data[3] - data[1], "q1": data[1], "q3": data[3],
            "iqr_outliers": 0, "stddev_outliers": 2, "outliers": "2;0", "ld15iqr": data[0], "hd15iqr": data[-1],
            "ops": ROUNDS / sum(data), "total": sum(data), "data": data, "iterations": 1,
        },
    }  # fmt: skip
