"""Result files for tests, in pytest-benchmark's shape."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def benchmark(seconds: Sequence[float], name: str = "test_it", **extra: object) -> dict[str, Any]:
    """One benchmark of these rounds."""
    params: Any = extra.pop("params", None)
    return {
        "group": None,
        "name": name,
        "fullname": f"tests/test_one.py::{name}",
        "params": params,
        "param": None,
        "extra_info": extra,
        "options": {},
        "stats": {
            "min": min(seconds), "max": max(seconds), "mean": statistics.fmean(seconds),
            "median": statistics.median(seconds), "stddev": 0.0, "rounds": len(seconds), "iterations": 1,
            "data": list(seconds),
        },
    }  # fmt: skip


def result(
    *benchmarks: dict[str, Any],
    instance_type: str | None = None,
    launch: str = "i-1",
    when: str = "2026-11-01T10:00:00+00:00",
    commit: str = "a" * 40,
    dirty: bool = False,
    machine: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A file of one launch: on an instance type, or on a machine as stock pytest-benchmark describes it."""
    info: dict[str, Any] = {"node": "here", "machine": "x86_64", "cpu": {"brand_raw": "A CPU", "count": 4}}
    info |= machine or {}
    if instance_type:
        info["ec2"] = {"instance_type": instance_type, "instance_id": launch, **info.get("ec2", {})}
    found = []
    for one in benchmarks:
        extra = {"instance_type": instance_type, "instance_id": launch} if instance_type else {}
        found.append({**one, "extra_info": {**extra, **one["extra_info"]}})
    return {
        "machine_info": info,
        "commit_info": {"id": commit, "dirty": dirty, "branch": "main", "time": None},
        "benchmarks": found,
        "datetime": when,
        "version": "5.3.1",
    }


def write(path: Path, data: object) -> Path:
    """The file, its folders made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")
    return path
