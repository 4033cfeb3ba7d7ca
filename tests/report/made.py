"""Made-up results of realistic shape: machines of different speed and price, launches, commits, tests over threads."""

from __future__ import annotations

import hashlib
import json
import math
import random
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.compare.records import Reading, parse_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_benchmark_aws.core.compare.records import Record

SPEED = {
    "m5.2xlarge": 1.0, "m6i.2xlarge": 1.22, "m7g.2xlarge": 1.31, "c6i.2xlarge": 1.26, "c7g.2xlarge": 1.42,
    "r5.2xlarge": 0.99, "m5.8xlarge": 1.02, "c5.24xlarge": 1.15, "c7i.2xlarge": 1.5, "r7i.2xlarge": 1.4,
}  # fmt: skip
"""A single thread's, over m5's; as orders of magnitude, not as a claim."""
TYPES = ("m5.2xlarge", "m6i.2xlarge", "m7g.2xlarge", "c6i.2xlarge", "c7g.2xlarge", "r5.2xlarge")
COMMITS = ("3f2a91c07bd4", "9c1e5507aa21", "e07b4d1f3c88")


def results(
    instance_type: str,
    *,
    launch: int = 1,
    commit: int = 0,
    tests: Sequence[str] = ("test_sum", "test_sort"),
    threads: Sequence[int] = (1, 2, 4, 8),
    rounds: int = 7,
    embedded: bool = False,
    extra: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One launch's file; the same arguments give the same numbers."""
    chance = random.Random(f"{instance_type} {launch} {commit}")
    speed = SPEED.get(instance_type, 1.0) * chance.gauss(1.0, 0.008)
    benches = []
    for place, test in enumerate(tests):
        # The second commit made the first test slower, the third mended it.
        base = 0.8 / (1 + place % 7) * (1.12 if commit == 1 and place == 0 else 1.0)
        for count in threads:
            serial = 0.06 + 0.04 * (place % 3)
            middle = base / speed * (serial + (1 - serial) / count)
            data = [middle * math.exp(abs(chance.gauss(0, 0.02))) for _ in range(rounds)]
            benches.append(
                {
                    "name": f"{test}[{count}]",
                    "fullname": f"tests/test_speed.py::{test}[{count}]",
                    "params": {"threads": count},
                    "extra_info": {
                        "instance_type": instance_type,
                        "instance_id": f"i-{instance_type}-{commit}-{launch}",
                        "embedded": embedded,
                        "market": "on-demand",
                        "region": "us-east-1",
                        **(extra or {}),
                    },
                    "stats": {
                        "min": min(data), "max": max(data), "mean": sum(data) / rounds,
                        "median": sorted(data)[rounds // 2], "rounds": rounds, "data": data,
                    },
                }
            )  # fmt: skip
    return {
        "machine_info": {"python_version": "3.11.7", "system": "Linux", "hardware": {}},
        "commit_info": {
            "id": COMMITS[commit] if commit < len(COMMITS) else hashlib.sha1(b"%d" % commit).hexdigest(),
            "dirty": False,
            "branch": "main",
        },
        "benchmarks": benches,
        "datetime": f"{2020 + commit // 12}-{1 + commit % 12:02}-{1 + launch % 28:02}T0{launch % 10}:00:00+00:00",
        "version": "5.3.1",
    }


def files(
    types: Sequence[str] = TYPES, *, launches: int = 5, commits: int = 3, **how: Any
) -> Iterator[tuple[str, dict[str, Any]]]:
    """A name and its contents for each launch of each type and commit."""
    for commit in range(commits):
        for instance_type in types:
            for launch in range(1, launches + 1):
                name = f"{instance_type}/{commit * launches + launch:04}_made.json"
                yield name, results(instance_type, launch=launch, commit=commit, **how)


def write(folder: Path, **how: Any) -> Path:
    """The same as files in a folder."""
    for name, data in files(**how):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data), encoding="utf-8")
    return folder


def records(data: dict[str, Any] | None = None, source: str = "made.json", **how: Any) -> list[Record]:
    """Records of one file's contents, or of all that ``files`` makes."""
    reading = Reading(catalog())
    if data is not None:
        return parse_records(data, source, reading)
    return [record for name, contents in files(**how) for record in parse_records(contents, name, reading)]
