"""Groups of machines by the real command line: a training by Dask on two of them, and what is refused."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.awsproject import Done, make_project, pytest_aws
from tests.aws.tenant import needs_a_launch

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")

GROUP = """\
import pytest

def machine():
    import os
    return os.environ["PYTEST_BENCHMARK_AWS_ROOT"]

@pytest.mark.instance_type("c5.large", count=(1, 2))
def test_group(benchmark, dask_client, aws_instance_type):
    machines = benchmark.pedantic(dask_client.run, args=(machine,), rounds=3)
    schemes = {address.partition(":")[0] for address in machines}
    benchmark.extra_info["schemes"] = sorted(schemes)
    benchmark.extra_info["machines"] = len(set(machines.values()))
"""
INI = "[pytest]\nfilterwarnings = error\n"


def run(folder: Path, source: str, *words: str) -> Done:
    """A project of one file, on embedded AWS."""
    return pytest_aws(make_project(folder / "project", {"test_it.py": source, "pytest.ini": INI}), "--aws", *words)


def test_a_search_of_groups_is_refused(tmp_path: Path) -> None:
    """It compares single types."""
    done = run(tmp_path, GROUP, "--aws-search=cheapest", "--aws-dry-run", "--aws-target=embedded")
    assert "is for a group of machines, and --aws-search compares single instance types" in done.text
    assert done.code == 4


def test_what_is_not_installed_here_is_said_before_a_launch(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of distributed nobody knows then which version the test is for."""
    from pytest_benchmark_aws.backends import cluster_keys

    monkeypatch.setattr(cluster_keys, "NEEDED", ("no_such_module",))
    source = "import pytest\n@pytest.mark.instance_type('c5.large', count=2)\ndef test_it(benchmark): benchmark(int)\n"
    pytester.makepyfile(source)
    done = pytester.runpytest_inprocess("--aws", "--aws-dry-run", "--aws-target=embedded")
    assert "a group of machines needs no_such_module, not installed here" in done.stderr.str()
    assert done.ret == pytest.ExitCode.USAGE_ERROR


def test_a_cluster_of_one_machine_needs_it_too(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a launch is paid for whose tests are skipped there; a fixture of the project's own is its own affair."""
    from pytest_benchmark_aws.backends import cluster_keys

    monkeypatch.setattr(cluster_keys, "find_spec", lambda name: None)
    source = "import pytest\n@pytest.mark.instance_type('c5.large')\ndef test_it(benchmark, dask_client): pass\n"
    pytester.makepyfile(source)
    done = pytester.runpytest_inprocess("--aws", "--aws-dry-run", "--aws-target=embedded")
    assert "dask_client needs distributed, not installed here" in done.stderr.str()
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef dask_client(): pass\n")
    assert pytester.runpytest_inprocess("--aws", "--aws-dry-run", "--aws-target=embedded").ret == 0


def test_each_machine_must_have_what_a_test_requires(pytester: pytest.Pytester) -> None:
    """Two of 4 GiB hold nothing that needs 6."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.instance_type("c5.large", count=2)
        @pytest.mark.requires(memory="6 GiB")
        def test_it(benchmark): benchmark(int)
        """
    )
    said = pytester.runpytest_inprocess("--aws", "--aws-dry-run", "--aws-target=embedded").stderr.str()
    assert "needs ≈ 6 GiB of memory, c5.large has 4 GiB; what a test requires each of the 2 machines of a group" in said


def test_the_plan_names_machines_and_prices_of_all(tmp_path: Path) -> None:
    """A row for one, and one for the group."""
    pytest.importorskip("distributed", reason="groups of machines need the extra [group]")
    done = run(tmp_path, GROUP, "--aws-dry-run", "--aws-target=embedded")
    lines = [re.split(r" {2,}", line.strip()) for line in done.out.splitlines() if line.startswith("  c5.large")]
    assert [(line[0], line[6]) for line in lines] == [("c5.large", "0.0850"), ("c5.large ×2", "0.1700")], done.text


UNTIDY = """\
import time

def test_leaves_tasks(dask_client):
    dask_client.submit(time.sleep, 1000, pure=False)

def test_after_them(dask_client):
    assert dask_client.submit(int, pure=False).result(timeout=60) == 0

def test_closes_the_client(dask_client):
    dask_client.close()

def test_after_it(dask_client):
    assert dask_client.submit(int, pure=False).result(timeout=60) == 0
    dask_client.shutdown()

def test_after_all(dask_client):
    assert dask_client.submit(int, pure=False).result(timeout=60) == 0
"""


def test_no_test_finds_what_another_left_or_closed(pytester: pytest.Pytester) -> None:
    """Its time would be that of both, or it would fail for the other; what was left is said."""
    pytest.importorskip("distributed", reason="groups of machines need the extra [group]")
    pytester.makepyfile(UNTIDY)
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    done.assert_outcomes(passed=5, warnings=1)
    done.stdout.fnmatch_lines(
        ["*PytestWarning: dask_client: a task was left running, so that the workers are started*"]
    )


HELD = """\
import ctypes, time
from pytest_benchmark_aws.session.fixtures import dask_cluster

def hold(path):
    path.touch()
    ctypes.PyDLL(None).sleep(1000)  # PyDLL keeps the GIL

def test_holds_the_gil_and_closes_its_client(dask_client, tmp_path):
    held = dask_client.submit(hold, tmp_path / "held", pure=False)
    while not (tmp_path / "held").exists():
        time.sleep(0.01)
    dask_client.close()
    dask_cluster._ANSWER_S = 1

def test_retires_a_worker(dask_client):
    dask_cluster._ANSWER_S = 60
    assert dask_client.submit(int, pure=False).result(timeout=60) == 0
    dask_client.retire_workers(list(dask_client.nthreads()))

def test_after_it(dask_client):
    assert len(dask_client.nthreads()) == 1
"""


def test_each_test_finds_all_workers_at_rest(pytester: pytest.Pytester) -> None:
    """One holds the GIL for a test that closed its client, so that it never answers; the next was retired."""
    pytest.importorskip("distributed", reason="groups of machines need the extra [group]")
    pytester.makepyfile(HELD)
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    done.assert_outcomes(passed=3, warnings=1)
    done.stdout.fnmatch_lines(["*PytestWarning: dask_client: a worker gave no answer in 1 s, as one whose task*"])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """One run of the same test on one machine and on two."""
    for name in ("distributed", "cryptography"):
        if find_spec(name) is None:
            pytest.skip(f"groups of machines need {name}: the extra [group]")
    return run(tmp_path_factory.mktemp("group"), GROUP, "--aws-target=embedded")


def result(done: Done, folder: str) -> dict[str, Any]:
    """The stored benchmark."""
    (document,) = done.saved(folder)
    return {**document["benchmarks"][0]["extra_info"], "ec2": document["machine_info"]["ec2"]}


@needs_a_launch
def test_both_machines_work_by_tls(trained: Done) -> None:
    """The cluster has all machines; one machine's is its own process. Nothing is left alive."""
    assert trained.code == 0, trained.text
    assert "0 instances of this run are alive" in trained.out
    group, alone = result(trained, "embedded-c5.large-x2"), result(trained, "embedded-c5.large")
    assert (group["machines"], group["schemes"], group["count"], group["ec2"]["count"]) == (2, ["tls"], 2, 2)
    assert (alone["machines"], alone["schemes"]) == (1, ["tcp"])
    assert "count" not in alone
    assert group["usd_per_hour"] == 2 * alone["usd_per_hour"]


@needs_a_launch
def test_the_comparison_shows_the_speed_up(trained: Done) -> None:
    """The group's row has its own name, and what it gains and costs over one machine."""
    row = next(line for line in trained.out.splitlines() if "c5.large ×2 (embedded)" in line)
    assert " of 2 at " in row
    assert " x USD" in row
    assert "speed-up" in trained.out


@needs_a_launch
def test_the_logs_of_all_come_home_and_no_key_stays(trained: Done) -> None:
    """In the run's folder, and nothing else of the cluster."""
    folder = next(line for line in trained.out.splitlines() if "; logs in " in line).rpartition("; logs in ")[2]
    logs = {path.name: path.read_text() for path in Path(folder).glob("*.log")}
    assert "--- machine 2 of 2" in logs["c5.large-x2.log"]
    assert "works for tls://127.0.0.1:" in logs["c5.large-x2.log"]
    assert not [path for path in Path(folder).rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]


@pytest.fixture(scope="module")
def training_job(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The same on a training job of one host, and of two."""
    for name in ("distributed", "cryptography"):
        if find_spec(name) is None:
            pytest.skip(f"groups of machines need {name}: the extra [group]")
    source = GROUP.replace("c5.large", "ml.m5.large").replace("_ROOT", "_OPT_ML")
    return run(tmp_path_factory.mktemp("hosts"), source, "--aws-target=embedded")


@needs_a_launch
def test_the_hosts_of_a_training_job_work_by_tls(training_job: Done) -> None:
    """Of one job, whose price is that of both; its row of the comparison has the speed-up."""
    assert training_job.code == 0, training_job.text
    assert "0 training jobs of this run are alive" in training_job.out
    group, alone = result(training_job, "embedded-ml.m5.large-x2"), result(training_job, "embedded-ml.m5.large")
    assert (group["machines"], group["schemes"], group["count"], group["ec2"]["count"]) == (2, ["tls"], 2, 2)
    assert (alone["machines"], alone["schemes"]) == (1, ["tcp"])
    assert group["usd_per_hour"] == 2 * alone["usd_per_hour"]
    assert group["launch_usd"] == pytest.approx(group["usd_per_hour"] * group["launch_seconds"] / 3600)
    row = next(line for line in training_job.out.splitlines() if "ml.m5.large ×2 (embedded)" in line)
    assert " of 2 at " in row


@needs_a_launch
def test_the_logs_of_all_hosts_come_home_and_no_key_stays(training_job: Done) -> None:
    """As of instances; on embedded AWS all hosts are this machine."""
    folder = next(line for line in training_job.out.splitlines() if "; logs in " in line).rpartition("; logs in ")[2]
    logs = {path.name: path.read_text() for path in Path(folder).glob("*.log")}
    assert "--- machine 2 of 2 algo-2 ---" in logs["ml.m5.large-x2.log"]
    assert "works for tls://127.0.0.1:" in logs["ml.m5.large-x2.log"]
    assert not [path for path in Path(folder).rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
