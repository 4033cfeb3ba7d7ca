"""A project outside this repository, with its own layout, dependency and marked benchmarks, run with --aws."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

CLEARED = ("AWS_", "PYTEST_XDIST", "PYTEST_BENCHMARK_AWS")

PYPROJECT = """\
[project]
name = "calc"
version = "1"
dependencies = ["iniconfig"]

[tool.pytest.ini_options]
pythonpath = ["src"]
filterwarnings = ["error", "default:told", "ignore::pytest_benchmark.logger.PytestBenchmarkWarning"]
"""
CONFTEST = """\
import pytest

def pytest_addoption(parser):
    parser.addoption("--size", default="10")

@pytest.fixture
def size(request):
    return int(request.config.getoption("--size"))
"""
SOURCE = """\
def work(size):
    import iniconfig  # its own dependency, imported late
    return sum(range(size))
"""
TESTS = """\
import time, warnings
import pytest
from calc import work

pytestmark = pytest.mark.instance_type("m5.large", "c5.large")

@pytest.mark.parametrize("kind", ["a", "$(touch /tmp/pwned) b/../c"])
def test_work(benchmark, size, kind):
    benchmark.extra_info["size"] = size
    assert benchmark.pedantic(work, args=(size,), rounds=7) == size * (size - 1) // 2

def test_fails(benchmark):
    benchmark.pedantic(int, rounds=3)
    print("said before it failed")
    left = {"a": 1}
    assert left == {"a": 2}

def test_skips(benchmark):
    pytest.skip("not today")

@pytest.mark.xfail(reason="known")
def test_xfails(benchmark):
    assert 0

def test_warns(benchmark):
    warnings.warn("told by a test", UserWarning)
    benchmark.pedantic(int, rounds=1)

@pytest.fixture
def broken():
    raise RuntimeError("the fixture broke")

def test_error(benchmark, broken): ...
"""
LOCAL = """\
import os

def test_local():
    assert "PYTEST_BENCHMARK_AWS_GUEST" not in os.environ
"""


@dataclass(frozen=True)
class Done:
    """One finished pytest."""

    code: int
    out: str
    err: str
    root: Path

    @property
    def text(self) -> str:
        """Both streams, for messages."""
        return self.out + self.err

    def saved(self, folder: str) -> list[dict[str, Any]]:
        """The stored results of a folder, oldest first."""
        return [json.loads(path.read_text()) for path in sorted((self.root / ".benchmarks" / folder).glob("*.json"))]


def make_project(root: Path, files: dict[str, str] | None = None, *, git: bool = True) -> Path:
    """Writes the project, under git unless told otherwise."""
    whole = {
        "pyproject.toml": PYPROJECT,
        "conftest.py": CONFTEST,
        "src/calc/__init__.py": SOURCE,
        "tests/test_calc.py": TESTS,
        "tests/test_local.py": LOCAL,
        ".gitignore": ".benchmarks\n__pycache__\n*.xml\n*.json\n",
    }
    for name, text in (files or whole).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if git:
        for command in (["init", "-q"], ["add", "-A"]):
            subprocess.run(["git", *command], cwd=root, check=True, capture_output=True)
    return root


def environment(**extra: str) -> dict[str, str]:
    """This process's environment without credentials and without what belongs to the outer pytest."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(CLEARED)}
    cache = {key: os.environ[key] for key in ("PYTEST_BENCHMARK_AWS_CACHE",) if key in os.environ}
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return {**kept, **cache, **nowhere, **extra}


def pytest_aws(root: Path, *args: str, timeout: float = 300, **extra: str) -> Done:
    """Runs pytest in the project, by the real command line."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *args]
    done = subprocess.run(
        command, cwd=root, env=environment(**extra), capture_output=True, text=True, timeout=timeout, check=False
    )
    return Done(done.returncode, done.stdout, done.stderr, root)
