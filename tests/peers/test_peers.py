"""Benchmark suites of public projects, from their source releases: here and on embedded AWS, with the same outcomes."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.zoo.running import LAUNCHED, TYPE, interpreter, pip, run

if TYPE_CHECKING:
    from pathlib import Path

SHORT = ("--benchmark-warmup=off", "--benchmark-min-rounds=2", "--benchmark-max-time=0.02", "--benchmark-only")
"""What is compared are outcomes."""


@dataclass(frozen=True)
class Peer:
    """A release on the index, and which of its tests are its benchmarks."""

    release: str
    paths: tuple[str, ...]
    needs: tuple[str, ...] = ()
    """Beside the release itself."""
    args: tuple[str, ...] = ()


PEERS = {
    # Its settings are in [tool.pytest] of pyproject.toml, addopts as a list.
    "cattrs": Peer("cattrs==26.2.1", ("bench",), ("msgspec", "orjson", "immutables")),
    # A pytest plugin itself; filterwarnings = error and importlib mode.
    "boost-histogram": Peer("boost_histogram==1.8.1", ("tests/test_benchmark_1d.py", "tests/test_benchmark_2d.py")),
    # The benchmarks are inside the package, which is there twice: installed, and beside the tests.
    "pint": Peer("pint==0.25.3", ("pint/testsuite/benchmarks/test_10_registry.py",), ("pytest-subtests",)),
}


@pytest.mark.parametrize("name", PEERS)
def test_a_public_suite_has_the_same_outcomes_there(name: str, tmp_path: Path) -> None:
    """Every benchmark that passes here passes there, and is stored for that machine."""
    peer = PEERS[name]
    pip("download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(tmp_path), peer.release)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as release:
        release.extractall(tmp_path / "release", filter="data")
    (root,) = (tmp_path / "release").iterdir()
    python = interpreter(tmp_path / "venv", [peer.release, *peer.needs])
    args = (*peer.paths, *peer.args, *SHORT)
    code, here, text = run(python, root, tmp_path / "here.xml", *args)
    assert code == 0, text
    assert ("passed",) in here.values(), text
    code, there, text = run(
        python, root, tmp_path / "there.xml", *args, "--aws", f"--aws-instance-type={TYPE}", "--aws-max-cost=100"
    )
    assert (code, there) == (0, here), text
    assert LAUNCHED.search(text), text
    assert list(root.glob(f".benchmarks/embedded-{TYPE}/*.json")), text
    print(f"{name}: {len(here)} tests, the same outcomes here and there")
