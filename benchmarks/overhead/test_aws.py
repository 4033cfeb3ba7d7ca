"""What ``--aws`` costs besides the measured part: seconds to the first measurement, and API calls for a launch.

On embedded AWS, whose guests are processes on this machine: a real instance adds its boot, and AWS its answers' way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_benchmark_aws.embedded.control_client import control
from pytest_benchmark_aws.run.preflight import READY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

TEST = """\
import time

def test_it(benchmark):
    benchmark.extra_info["began"] = time.time()
    benchmark.pedantic(int, rounds=3)
"""
TYPES = ("m5.large", "c5.large", "r5.large")


@contextmanager
def embedded() -> Iterator[dict[str, str]]:
    """An embedded AWS of its own, so that its calls can be asked for afterwards."""
    command = [sys.executable, "-m", "pytest_benchmark_aws.embedded", "--watch-stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        pairs = (line.strip().partition("=") for line in iter(server.stdout.readline, f"{READY}\n"))
        yield {key: value for key, _, value in pairs}
        server.stdin.close()


def run(folder: Path, types: tuple[str, ...], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of the whole command, and from its start to the first measurement."""
    command = [sys.executable, "-m", "pytest", "--aws", "--aws-target=cloud", "-q", "-p", "no:cacheprovider"]
    command += [f"--benchmark-json={folder}/out.json", *(f"--aws-instance-type={name}" for name in types)]
    started = time.time()
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    seconds = time.time() - started
    benchmarks = json.loads((folder / "out.json").read_text())["benchmarks"]
    return seconds, min(bench["extra_info"]["began"] for bench in benchmarks) - started


def test_first_measurement(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    with embedded() as environment:
        run(tmp_path, TYPES[:1], environment)  # resolves and uploads what later runs find
        single, first = run(tmp_path, TYPES[:1], environment)
        before = _calls(environment)
        three, _ = benchmark.pedantic(run, args=(tmp_path, TYPES, environment), rounds=1)
        calls = _calls(environment) - before
    acts = sum(calls.values())
    benchmark.extra_info.update(
        one_s=single, three_s=three, first_s=first, calls=dict(calls), calls_per_launch=acts / 3
    )
    print(f"\n{first:.1f} s from the command to the first measurement; one type {single:.1f} s, three {three:.1f} s")
    print(f"{acts / 3:.1f} API calls a launch, the run's preflight included, polling apart: {dict(calls)}")
    assert "PutObject" in calls


def _calls(environment: dict[str, str]) -> Counter[str]:
    return Counter(call["action"] for call in control(environment, "calls") if not _is_polling(call))


def _is_polling(call: dict[str, str]) -> bool:
    """Looks at how far the guests are, and what the guests themselves upload and fetch."""
    looks = call["action"] in {"DescribeInstances", "ListObjectsV2"} or call["path"].endswith("/heartbeat")
    return looks or bool(call["presigned"])
