"""``pytest-benchmark-aws merge``, by the real command line, on files that real runs wrote."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.awsproject import environment, make_project, pytest_aws

TESTS = """\
import pytest

@pytest.mark.parametrize("n", [1, 2])
def test_one(benchmark, n): benchmark.pedantic(sum, args=(range(n),), rounds=3)

def test_two(benchmark):
    benchmark.extra_info["mine"] = {"deep": [1, 2**70]}
    benchmark.pedantic(int, rounds=3)
"""


def command(name: str, *args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command of the two packages, as their scripts start it."""
    module = {"pytest-benchmark-aws": "pytest_benchmark_aws.cli", "pytest-benchmark": "pytest_benchmark"}[name]
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, args)],
        cwd=cwd, env=environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def merge(*args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return command("pytest-benchmark-aws", "merge", *args, cwd=cwd)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two jobs of a CI, each with a shard of the suite, on one machine; by stock pytest-benchmark alone."""
    root = tmp_path_factory.mktemp("shards")
    (root / "test_it.py").write_text(TESTS)
    for name, chosen in (("one", "test_one"), ("two", "test_two")):
        args = ("-p", "no:benchmark_aws", "-q", "-k", chosen, f"--benchmark-json={name}.json")
        done = pytest_aws(root, *args, f"--benchmark-save={name}", "--benchmark-disable-gc")
        assert done.code == 0, done.text
    return root


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session with --aws on two instance types: its --benchmark-json, and what it stored."""
    pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")
    root = make_project(tmp_path_factory.mktemp("several") / "project")
    done = pytest_aws(root, "--aws", "-q", "-k", "work or warns", "--benchmark-json=out.json")
    assert done.code == 0, done.text
    return root


def test_shards_of_a_suite_become_one_file(shards: Path, tmp_path: Path) -> None:
    """Both jobs' benchmarks are in one file, value for value, and the files of the jobs are as they were."""
    before = tree(shards)
    done = merge(shards / "one.json", shards / "two.json", "-o", tmp_path / "out", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (path,) = (tmp_path / "out").glob("*/*.json")
    given = [bench for name in ("one", "two") for bench in load(shards / f"{name}.json")["benchmarks"]]
    assert load(path)["benchmarks"] == given
    assert tree(shards) == before


def test_stock_compare_reads_the_merge(shards: Path, tmp_path: Path) -> None:
    """``pytest-benchmark compare`` finds the file one folder deep and shows each test once."""
    merge(shards / "*.json", "-o", "out", cwd=tmp_path)
    done = command("pytest-benchmark", "--storage=file://out", "compare", "*/0001*", "--columns=median", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "benchmark: 3 tests" in done.stdout
    for name in ("test_one[1]", "test_one[2]", "test_two"):
        assert done.stdout.count(f"{name} ") == 1


def test_stored_files_and_json_of_the_same_sessions_are_taken_once(shards: Path, tmp_path: Path) -> None:
    """What --benchmark-save stored without rounds is the same as what --benchmark-json has with them."""
    done = merge(shards, "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "3 benchmarks were in two files, and are taken once" in done.stdout
    (path,) = (tmp_path / "out").glob("*/*.json")
    assert all(len(bench["stats"]["data"]) == 3 for bench in load(path)["benchmarks"])


def test_merging_the_merge_changes_nothing(shards: Path, several: Path, tmp_path: Path) -> None:
    """Neither in place nor into another folder; any order of the files gives the same folder."""
    inputs = [shards / "one.json", several / "out.json", several / ".benchmarks", shards / "two.json"]
    merge(*inputs, "-o", "out", cwd=tmp_path)
    first = tree(tmp_path / "out")
    assert len(first) == 3
    again = merge("out", "-o", "out", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.count("as it was") == 3
    assert tree(tmp_path / "out") == first
    merge("out", "-o", "again", cwd=tmp_path)
    assert tree(tmp_path / "again") == first
    merge(*reversed(inputs), "-o", "reversed", cwd=tmp_path)
    assert tree(tmp_path / "reversed") == first


def test_a_session_on_several_machines_comes_to_what_it_stored(several: Path, tmp_path: Path) -> None:
    """--benchmark-json of a session on two instance types: a file for each, as stored, test names included."""
    done = merge(several / "out.json", "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for folder in ("embedded-m5.large", "embedded-c5.large"):
        (merged,), (stored,) = (
            sorted((place / folder).glob("*.json")) for place in (tmp_path / "out", several / ".benchmarks")
        )
        assert load(merged)["machine_info"] == load(stored)["machine_info"]
        assert load(merged)["benchmarks"] == sorted(load(stored)["benchmarks"], key=lambda one: one["fullname"])


def test_a_faulty_file_is_named_and_the_others_are_merged(shards: Path, tmp_path: Path) -> None:
    """Exit code 1, as a shard is missing; how many files and which, with the reason, is on stderr."""
    (tmp_path / "killed.json").write_text("")
    (tmp_path / "other.json").write_text('{"benchmarks": 1}')
    (tmp_path / "deep.json").write_text('{"a":' * 1000 + "1" + "}" * 1000)
    (tmp_path / "stats.json").write_text('{"benchmarks": [{"fullname": "a", "stats": []}]}')
    done = merge(shards / "one.json", ".", "-o", "out", cwd=tmp_path)
    assert done.returncode == 1
    assert "not in the merge: killed.json: it is empty" in done.stderr
    assert "not in the merge: other.json: no pytest-benchmark result" in done.stderr
    assert "not in the merge: deep.json: " in done.stderr
    assert "not in the merge: stats.json: benchmark a: stats are no object" in done.stderr
    assert "4 of 5 files are not in the merge" in done.stderr
    (path,) = (tmp_path / "out").glob("*/*.json")
    assert len(load(path)["benchmarks"]) == 2


def test_nothing_to_merge_is_an_error(tmp_path: Path) -> None:
    """No file of that name, or none that is a result: exit code 1, and no folder is made."""
    (tmp_path / "killed.json").write_text("")
    for name, told in (("absent.json", "no such file"), ("killed.json", "nothing to merge")):
        done = merge(name, "-o", "out", cwd=tmp_path)
        assert done.returncode == 1
        assert told in done.stderr
    assert not (tmp_path / "out").exists()


def test_one_file_holds_one_launch(shards: Path, several: Path, tmp_path: Path) -> None:
    """``-o FILE`` takes one launch, writes it once, never over another file, and refuses several launches."""
    one = merge(shards / "one.json", "-o", "out.json", cwd=tmp_path)
    assert one.returncode == 0, one.stderr
    assert merge(shards / "one.json", "-o", "out.json", cwd=tmp_path).returncode == 0
    before = tree(tmp_path)
    other = merge(shards / "two.json", "-o", "out.json", cwd=tmp_path)
    assert other.returncode == 1
    assert "out.json: is there and holds something else" in other.stderr
    machines = merge(several / "out.json", "-o", "two.json", cwd=tmp_path)
    assert machines.returncode == 1
    assert "these are 2 (embedded-c5.large, embedded-m5.large); give a folder" in machines.stderr
    assert tree(tmp_path) == before


def test_files_of_an_earlier_merge_stay(shards: Path, tmp_path: Path) -> None:
    """A shard that comes later makes a new file, with a note on the one that it stands for; nothing is overwritten."""
    merge(shards / "one.json", "-o", "out", cwd=tmp_path)
    before = tree(tmp_path / "out")
    done = merge("out", shards / "two.json", "-o", "out", cwd=tmp_path)
    assert done.returncode == 0
    after = tree(tmp_path / "out")
    assert before.items() <= after.items()
    assert len(after) == 2
    assert f"{Path('out') / next(iter(before))}: its benchmarks are in a merged file too now; delete it" in done.stderr


def test_different_results_of_one_machine_are_both_kept_and_named(shards: Path, tmp_path: Path) -> None:
    """A second run of the same suite there is a second file."""
    changed = load(shards / "one.json")
    changed["benchmarks"][0]["stats"]["median"] *= 2
    (tmp_path / "changed.json").write_text(json.dumps(changed))
    shutil.copy(shards / "one.json", tmp_path)
    done = merge("changed.json", "one.json", "-o", "out", cwd=tmp_path)
    assert done.returncode == 0
    assert len(tree(tmp_path / "out")) == 2
    assert "test_it.py::test_one[1]: measured 2 times on one machine at one commit" in done.stderr


def test_an_output_that_cannot_be_written_is_named(shards: Path, tmp_path: Path) -> None:
    """A file where a folder should be: exit code 1 with the path, not a traceback."""
    (tmp_path / "out").write_text("")
    done = merge(shards / "one.json", "-o", "out", cwd=tmp_path)
    assert done.returncode == 1
    assert "out: cannot be written: " in done.stderr
    assert "Traceback" not in done.stderr
