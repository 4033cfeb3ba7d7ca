"""Results come home whatever they are: on embedded AWS, by the real command line."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.awsproject import Done, make_project, pytest_aws

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")

QUICK = """\
import pytest
pytestmark = pytest.mark.instance_type("m5.large")

@pytest.mark.parametrize("number", range(20))
def test_len(benchmark, number):
    assert benchmark(len, "abc") == 3
"""


def test_a9_quick_benchmarks_come_home_in_a_file_of_stocks_size(tmp_path: Path) -> None:
    """All pass, and what is stored is at most four times what stock pytest-benchmark stores of the same tests.

    In less than the default time of a second each, on which the sizes do not depend.
    """
    root = make_project(tmp_path, {"test_it.py": QUICK, "pytest.ini": "[pytest]\n"})
    quick = "--benchmark-max-time=0.02"
    stock = pytest_aws(root, quick, "-q", "--benchmark-save=stock", "-p", "no:benchmark_aws", "-W", "ignore")
    assert stock.code == 0, stock.text
    done = pytest_aws(root, quick, "-q", "--aws")
    assert done.code == 0, done.text
    assert "20 passed" in done.out
    (stored,) = (root / ".benchmarks/embedded-m5.large").glob("*.json")
    (stocks,) = (root / ".benchmarks").glob("*/*_stock.json")
    data = json.loads(stored.read_text())["benchmarks"]
    assert len(data) == 20
    assert all(bench["stats"]["rounds"] > len(bench["stats"]["data"]) == 64 for bench in data)
    assert stored.stat().st_size < 4 * stocks.stat().st_size


MANY = """\
import os, pytest
pytestmark = pytest.mark.instance_type("m5.large")
tries = []

def test_subtests(benchmark, subtests):
    benchmark.pedantic(int, rounds=2)
    for number in range(2):
        with subtests.test(number=number):
            assert number == 0

@pytest.mark.flaky(reruns=2)
def test_flaky(benchmark):
    benchmark.pedantic(int, rounds=1 + len(tries))
    tries.append(1)
    assert len(tries) == 2

@pytest.mark.parametrize("key", [2**2048 - 1], ids=["rsa2048"])
def test_key(benchmark, key):
    benchmark.extra_info["rows_per_second"] = [1]
    benchmark.extra_info["launch_usd"] = ["dear"]
    benchmark.pedantic(int, rounds=2)

def test_honest(benchmark):
    benchmark.pedantic(int, rounds=2)

def test_breaks_its_own_result(benchmark):
    benchmark.extra_info["x"] = 1
    benchmark.pedantic(int, rounds=2)
    benchmark.stats.stats.data[:] = [-1.0]
"""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A launch of tests each of which is odd in its own way, and an honest one."""
    source = (
        MANY
        if hasattr(pytest, "Subtests")
        else MANY.replace(", subtests", "").replace("subtests.test(number=number)", "open(os.devnull)")
    )
    root = make_project(tmp_path_factory.mktemp("many"), {"test_it.py": source, "pytest.ini": "[pytest]\n"})
    return pytest_aws(root, "--aws", "-rA", "--benchmark-json=out.json")


def test_a5_only_the_case_whose_line_is_refused_fails_for_it(many: Done) -> None:
    """It says what is wrong, and where the bytes are; the others are stored."""
    assert many.code == 1, many.text
    assert "it ran there, but what it brought cannot be taken: line " in many.out
    assert "stats." in many.out
    kept = many.out.split("; kept as ")[1].split("\n")[0].split(" ")[0]
    assert kept.endswith(".quarantined")
    (data,) = many.saved("embedded-m5.large")
    names = {bench["name"] for bench in data["benchmarks"]}
    assert {"test_key[rsa2048]", "test_honest"} <= names
    assert "test_breaks_its_own_result" not in names
    assert "it never began" not in many.out
    assert "0 instances of this run are alive" in many.out


def test_a2_a_huge_parameter_is_kept_as_text(many: Done) -> None:
    """And a later compare reads the file."""
    (data,) = many.saved("embedded-m5.large")
    (key,) = (bench["params"]["key"] for bench in data["benchmarks"] if bench["name"] == "test_key[rsa2048]")
    assert key == str(2**2048 - 1)


def test_a6_a_list_where_a_rate_or_a_price_belongs_is_no_rate(many: Done) -> None:
    """The table has the test with its runs a second, and what the launch cost."""
    assert "test_key[rsa2048]: by instance type" in many.out
    assert "Traceback" not in many.err


@pytest.mark.skipif(not hasattr(pytest, "Subtests"), reason="pytest has subtests since 9.0")
def test_a1_subtests_fail_their_test_as_here(many: Done) -> None:
    """The failed subtest is shown, and so is its test, whose time is stored nowhere."""
    assert "SUBFAILED(number=" in many.out
    assert "contains 1 failed subtest" in many.out


def test_h1_a_rerun_is_told_and_one_benchmark_is_stored(many: Done) -> None:
    """Where pytest-rerunfailures is installed, the second attempt counts, with its two rounds."""
    pytest.importorskip("pytest_rerunfailures")
    (data,) = many.saved("embedded-m5.large")
    (flaky,) = (bench for bench in data["benchmarks"] if bench["name"] == "test_flaky")
    assert flaky["stats"]["rounds"] == 2
    assert "1 rerun" in many.out


FAILS = """\
import pytest
@pytest.mark.instance_type("m5.large")
def test_fails(benchmark):
    benchmark.pedantic(int, rounds=3)
    assert 0, "the paid reason"
"""


def test_a10_a_warning_that_is_an_error_hides_no_failure(tmp_path: Path) -> None:
    """Stock's "Not saving anything" under ``filterwarnings = error`` ends no session before its failures are shown."""
    ini = "[pytest]\nfilterwarnings = error\n"
    done = pytest_aws(
        make_project(tmp_path, {"test_it.py": FAILS, "pytest.ini": ini}), "--aws", "--benchmark-json=o.json"
    )
    assert done.code == 1, done.text
    assert "E       AssertionError: the paid reason" in done.out
    assert "0 instances of this run are alive" in done.out


PASSES = """\
import pytest
@pytest.mark.instance_type("m5.large")
def test_passes(benchmark):
    benchmark.pedantic(int, rounds=3)
"""


def test_k13_a_storage_that_takes_nothing_is_refused_before_the_launch(tmp_path: Path) -> None:
    """A file where the folder belongs: exit code 4, the remedy, and nothing was launched."""
    root = make_project(tmp_path, {"test_it.py": PASSES, "pytest.ini": "[pytest]\n"})
    os.symlink("/proc/self", root / ".benchmarks")
    done = pytest_aws(root, "--aws")
    assert done.code == 4, done.text
    assert "results cannot be stored in" in done.text
    assert "--benchmark-storage=file://" in done.text
    assert "pending" not in done.out
    planned = pytest_aws(root, "--aws-dry-run")
    assert planned.code == 4, planned.text
    assert "aws: the plan" in planned.out
    assert "results cannot be stored in" in planned.text


LARGE = """\
import pytest
pytestmark = pytest.mark.instance_type("m5.large")

@pytest.mark.parametrize("data", [["," * 90_000] * 60, ["," * 90_001] * 60, b"hello world"], ids=["a", "b", "c"])
def test_large(benchmark, data): benchmark.pedantic(len, (data,), rounds=2)

def test_small(benchmark): benchmark.pedantic(len, ("x",), rounds=2)
"""


def test_a4_large_params_cost_no_test_its_result(tmp_path: Path) -> None:
    """5 MB of commas in the params of each of two tests: all pass, all are stored, and what is cut is said."""
    done = pytest_aws(make_project(tmp_path, {"test_it.py": LARGE, "pytest.ini": "[pytest]\n"}), "--aws")
    assert done.code == 0, done.text
    assert "4 passed" in done.out
    (data,) = done.saved("embedded-m5.large")
    params = {bench["name"]: bench["params"] for bench in data["benchmarks"]}
    assert list(params) == ["test_large[a]", "test_large[b]", "test_large[c]", "test_small"]
    assert len(params["test_large[b]"]["data"]) == 60
    assert params["test_large[c]"] == {"data": "UNSERIALIZABLE[b'hello world']"}
    why = "params is not sent whole, as it is too long or too deep: data"
    assert f"test_it.py::test_large[a]: {why}" in done.out


HOOKS = """\
def pytest_benchmark_group_stats(benchmarks):
    groups = {}
    for bench in benchmarks:
        engine, kind = bench["param"].split("-")
        groups.setdefault(f"kind {kind}", []).append(bench)
    return sorted(groups.items())

def pytest_benchmark_update_json(output_json):
    for bench in output_json["benchmarks"]:
        bench["params"].pop("data")
        bench["extra_info"]["engine"], _ = bench["param"].split("-")

def pytest_benchmark_update_machine_info(machine_info):
    machine_info["rack"] = 7

def pytest_benchmark_update_commit_info(commit_info):
    commit_info["rack"] = commit_info["nowhere"]
"""
HOOKED = """\
import pytest
@pytest.mark.parametrize("data", [list(range(20_000))], ids=["fast-100"])
def test_it(benchmark, data): benchmark.pedantic(len, args=(data,), rounds=2)
"""


def test_e7_the_hooks_of_a_project_group_and_store_what_ran_elsewhere(tmp_path: Path) -> None:
    """On two instance types in one group; of a hook that raises the file and line are said, and all is stored."""
    root = make_project(tmp_path, {"conftest.py": HOOKS, "test_it.py": HOOKED, "pytest.ini": "[pytest]\n"})
    done = pytest_aws(root, "--aws", "--aws-instance-type=m5.large,c5.large")
    assert done.code == 3, done.text
    assert "benchmark 'kind 100': 2 tests" in done.out
    assert (
        "stored without a commit: KeyError: 'nowhere' (pytest_benchmark_update_commit_info, conftest.py:17)" in done.out
    )
    for instance_type in ("m5.large", "c5.large"):
        (data,) = done.saved(f"embedded-{instance_type}")
        (bench,) = data["benchmarks"]
        assert (bench["params"], bench["extra_info"]["engine"]) == ({}, "fast")
        assert (data["machine_info"]["rack"], data["machine_info"]["ec2"]["instance_type"]) == (7, instance_type)
    assert "2 passed" in done.out
    assert "0 instances of this run are alive" in done.out
