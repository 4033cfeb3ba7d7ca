"""``pytest-benchmark-aws export``, by the real command line, on files that real runs wrote, read by the real tools."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.awsproject import environment, make_project, pytest_aws

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")
needs_asv = pytest.mark.skipif(importlib.util.find_spec("asv") is None, reason="asv is not installed: tox -e asv")

TESTS = """\
import pytest

@pytest.mark.instance_type("m5.large", "c5.large")
@pytest.mark.parametrize("kind", ["a", "b/../c"])
def test_work(benchmark, kind):
    benchmark.extra_info["items_per_second"] = 1000
    benchmark.pedantic(sum, args=(range(1000),), rounds=7)

def test_here(benchmark):
    benchmark.pedantic(int, rounds=7)
"""
ASV = {
    "version": 1, "project": "calc", "repo": ".", "branches": ["main"], "dvcs": "git", "environment_type": "existing",
    "results_dir": "asv/results", "html_dir": "asv/html", "benchmark_dir": "asv", "env_dir": "asv/env",
}  # fmt: skip


@dataclass(frozen=True)
class Project:
    """A git repository with results of two commits."""

    root: Path
    commits: tuple[str, str]


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A Python module's command line."""
    return subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=cwd, env=environment(NO_COLOR="1"), capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip


def export(*args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run("pytest_benchmark_aws.cli", "export", *args, cwd=cwd)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The first commit by stock pytest-benchmark on this machine, the second with --aws on embedded AWS too."""
    files = {"test_calc.py": TESTS, "pytest.ini": "[pytest]\n", "asv.conf.json": json.dumps(ASV)}
    root = make_project(
        tmp_path_factory.mktemp("export") / "project", {**files, ".gitignore": ".*\nasv\n__pycache__\n"}
    )
    commits = []
    for number, args in enumerate((("-p", "no:benchmark_aws"), ("--aws",))):
        (root / "number.txt").write_text(str(number))
        for words in (["add", "-A"], ["commit", "-q", "-m", f"commit {number}"], ["branch", "-M", "main"]):
            git(root, *words)
        commits.append(git(root, "rev-parse", "HEAD"))
        done = pytest_aws(root, *args, "-q", "--benchmark-save=saved")
        assert done.code == 0, done.text
    # Beside those of the instance types, the second session stored what ran here.
    assert len(list((root / ".benchmarks").glob("*/*.json"))) >= 3
    return Project(root, (commits[0], commits[1]))


def git(root: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    return subprocess.run(
        ["git", *identity, *words], cwd=root, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_each_format_writes_its_file_and_says_what_is_lost(project: Project, tmp_path: Path) -> None:
    """Exit code 0, the number of results on stdout, what the format cannot hold on stderr."""
    for name in ("bencher", "github-action-benchmark", "asv"):
        done = export("--format", name, ".benchmarks", "-o", tmp_path / name, cwd=project.root)
        assert done.returncode == 0, done.stderr
        assert f" for {name}" in done.stdout
        assert f"{name} cannot hold: " in done.stderr


def test_bencher_names_carry_test_and_machine(project: Project, tmp_path: Path) -> None:
    """``test_calc.py::test_work[a] on m5.large (embedded)``, with money and the test's own throughput."""
    export("--format=bencher", ".benchmarks", "-o", tmp_path / "bmf.json", cwd=project.root)
    data = json.loads((tmp_path / "bmf.json").read_text())
    measures = data["test_calc.py::test_work[b/../c] on m5.large (embedded)"]
    assert measures.keys() == {"latency", "throughput", "items-per-second", "usd-per-run"}
    assert measures["latency"]["lower_value"] <= measures["latency"]["value"] <= measures["latency"]["upper_value"]
    assert measures["latency"]["value"] == pytest.approx(1e9 / measures["throughput"]["value"])


def test_an_output_is_never_written_over(project: Project, tmp_path: Path) -> None:
    """The same again is fine, another file's content is not touched."""
    path = tmp_path / "out.json"
    for _ in range(2):
        assert export("--format=bencher", ".benchmarks", "-o", path, cwd=project.root).returncode == 0
    before = path.read_bytes()
    done = export("--format=github-action-benchmark", ".benchmarks", "-o", path, cwd=project.root)
    assert done.returncode == 1
    assert f"{path}: is there and holds something else" in done.stderr
    assert path.read_bytes() == before


def test_a_faulty_file_is_named_and_the_others_are_exported(project: Project, tmp_path: Path) -> None:
    """Exit code 1, as with merge."""
    (tmp_path / "killed.json").write_text("")
    args = ("--format=bencher", ".benchmarks", tmp_path / "killed.json", "-o", tmp_path / "out.json")
    done = export(*args, cwd=project.root)
    assert done.returncode == 1
    assert f"not exported: {tmp_path / 'killed.json'}: it is empty" in done.stderr
    assert json.loads((tmp_path / "out.json").read_text())


@pytest.mark.parametrize("content", ["", "[]", "{", '{"version": 2'])
def test_an_asv_folder_that_is_broken_is_not_touched(project: Project, tmp_path: Path, content: str) -> None:
    """A benchmarks.json that cannot be added to is an error, before anything is written."""
    (tmp_path / "benchmarks.json").write_text(content)
    done = export("--format=asv", ".benchmarks", "-o", tmp_path, cwd=project.root)
    assert done.returncode == 1
    assert "benchmarks.json: cannot be added to" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["benchmarks.json"]


@pytest.fixture(scope="module")
def asv_results(project: Project) -> Project:
    """The results folder of asv, grown by an export for each machine, as CI jobs would."""
    for pattern in (".benchmarks/L*/*", ".benchmarks/embedded-m5.large/*", ".benchmarks/embedded-c5.large/*"):
        done = export("--format=asv", pattern, "-o", "asv/results", cwd=project.root)
        assert done.returncode == 0, done.stderr
    return project


@needs_asv
def test_asv_shows_each_machine_and_commit(asv_results: Project) -> None:
    """``asv show`` lists both commits here and the second one on the simulated machines."""
    done = run("asv", "show", cwd=asv_results.root)
    assert done.returncode == 0, done.stderr
    first, second = (commit[:8] for commit in asv_results.commits)
    machines = done.stdout.split("Machine    : ")
    here = next(text for text in machines if first in text)
    assert second in here
    for name in ("m5.large-embedded", "c5.large-embedded"):
        (text,) = (text for text in machines if text.startswith(name))
        assert second in text
        assert first not in text


@needs_asv
def test_asv_shows_times_and_money(asv_results: Project) -> None:
    """``asv show COMMIT`` has each test of each machine and the USD of a run, and warns of nothing."""
    done = run("asv", "show", "--details", asv_results.commits[1], cwd=asv_results.root)
    assert done.returncode == 0, done.stderr
    for machine in ("m5.large-embedded", "c5.large-embedded"):
        for name in ("test_calc.test_work[a]", "test_calc.test_work[b_.._c]", "test_calc.test_work[a].usd_per_run"):
            assert f"{name} [{machine}/python3." in done.stdout
    assert "Skipping" not in done.stdout + done.stderr


@needs_asv
def test_asv_compares_commits(asv_results: Project) -> None:
    """``asv compare`` has a row for the test that ran here at both commits."""
    listed = run("asv", "show", cwd=asv_results.root).stdout
    first = asv_results.commits[0]
    here = next(text.splitlines()[0] for text in listed.split("Machine    : ") if first[:8] in text)
    done = run("asv", "compare", "-m", here, *asv_results.commits, cwd=asv_results.root)
    assert done.returncode == 0, done.stderr
    assert "test_calc.test_here" in done.stdout


@needs_asv
def test_asv_publishes_a_graph_for_each_test_and_machine(asv_results: Project) -> None:
    """``asv publish`` makes the site, with the machines' labels and both commits."""
    done = run("asv", "publish", "--no-pull", cwd=asv_results.root)
    assert done.returncode == 0, done.stderr + done.stdout
    site = asv_results.root / "asv/html"
    index = json.loads((site / "index.json").read_text())
    assert {"m5.large-embedded", "c5.large-embedded"} <= index["machines"].keys()
    assert "simulated: embedded AWS" in index["machines"]["m5.large-embedded"]["cpu"]
    assert set(asv_results.commits) <= set(index["revision_to_hash"].values())
    graphs = [path for path in site.rglob("test_calc.test_work*.json") if "machine-m5.large-embedded" in str(path)]
    assert len(graphs) == 4  # time and money of two tests
