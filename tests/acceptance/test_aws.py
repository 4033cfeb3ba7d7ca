"""``--aws`` in a project outside this repository, on embedded AWS, by the real command line."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.awsproject import Done, make_project, pytest_aws

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """One run of the whole project: two instance types, and a test that runs here."""
    root = make_project(tmp_path_factory.mktemp("outside") / "project")
    return pytest_aws(root, "--aws", "--size=1000", "--junitxml=out.xml", "--benchmark-json=out.json", "-rA", "-v")


def test_outcomes_are_those_that_would_have_been_here(first: Done) -> None:
    """Passed, failed, skipped, xfailed and broken fixtures count once for each instance type; exit code 1."""
    assert first.code == 1, first.text
    counts = "2 failed, 7 passed, 2 skipped, 2 xfailed, 1 warning, 2 errors"
    assert re.search(counts.replace("1 warning", r"\d+ warnings?"), first.out), first.out


def test_a_failure_shows_the_remote_traceback_and_output(first: Done) -> None:
    """Assertion introspection and captured output come home."""
    assert "E       AssertionError: assert {'a': 1} == {'a': 2}" in first.out
    assert "said before it failed" in first.out
    assert "RuntimeError: the fixture broke" in first.out


def test_skips_and_warnings_name_their_place_here(first: Done) -> None:
    """A skip's path is this project's, not the instance's; a warning is shown with its test."""
    assert re.search(r"SKIPPED \[2\] tests/test_calc.py:\d+: not today", first.out)
    assert "told by a test" in first.out


def test_a_case_is_named_by_its_instance_type_here(first: Done) -> None:
    """``test_work[a-m5.large]`` in this session."""
    assert "PASSED tests/test_calc.py::test_work[a-m5.large]" in first.out
    assert "PASSED tests/test_calc.py::test_work[a-c5.large]" in first.out


def test_a_stored_result_has_the_bare_node_id_and_its_machine(first: Done) -> None:
    """On disk a case has the same name on every machine, under a folder that says embedded."""
    (data,) = first.saved("embedded-m5.large")
    assert "tests/test_calc.py::test_work[a]" in {bench["fullname"] for bench in data["benchmarks"]}
    assert data["machine_info"]["ec2"]["instance_type"] == "m5.large"
    assert data["machine_info"]["ec2"]["embedded"] is True
    assert all(bench["extra_info"]["embedded"] is True for bench in data["benchmarks"])


def test_timings_are_the_remote_ones_bit_for_bit(first: Done) -> None:
    """Every round in --benchmark-json equals the stored one, and so do the statistics."""
    session = {bench["name"]: bench for bench in json.loads((first.root / "out.json").read_text())["benchmarks"]}
    for name in ("m5.large", "c5.large"):
        (data,) = first.saved(f"embedded-{name}")
        for bench in data["benchmarks"]:
            test = bench["name"]
            local = session[f"{test[:-1]}-{name}]" if test.endswith("]") else f"{test}[{name}]"]
            assert local["stats"] == bench["stats"]
            assert len(bench["stats"]["data"]) == bench["stats"]["rounds"]


def test_a_failed_test_leaves_no_timing(first: Done) -> None:
    """What measured and then failed is listed as failed and in no file."""
    (data,) = first.saved("embedded-m5.large")
    assert "test_fails" not in {bench["name"] for bench in data["benchmarks"]}


def test_this_sessions_options_reach_the_instance(first: Done) -> None:
    """``--size`` of the project's own conftest was 1000 there."""
    (data,) = first.saved("embedded-m5.large")
    work = next(bench for bench in data["benchmarks"] if bench["name"] == "test_work[a]")
    assert work["extra_info"]["size"] == 1000


def test_ids_with_shell_and_path_characters_do_nothing(first: Done, tmp_path: Path) -> None:
    """``$(touch ...)`` and ``..`` in an id are text."""
    assert r"test_work[$(touch /tmp/pwned) b/../c-m5.large] PASSED" in first.out


def test_an_unmarked_test_runs_here(first: Done) -> None:
    """A test without an instance type is no business of AWS."""
    assert "PASSED tests/test_local.py::test_local" in first.out


def test_junit_has_every_case(first: Done) -> None:
    """--junitxml lists the cases with their outcomes."""
    suite = ET.parse(first.root / "out.xml").getroot()[0]
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("2", "2", "4")


def test_the_last_line_says_that_nothing_is_alive(first: Done) -> None:
    """Our lines end with a fresh look-up."""
    ours = [line for line in first.out.splitlines() if line and not line.startswith("=")]
    assert ours[-1] == "0 instances of this run are alive on embedded AWS"


def test_the_table_compares_the_machines(first: Done) -> None:
    """A row for each instance type with time and money, and the word embedded."""
    table = first.out.split("test_work[a]: by instance type (embedded AWS)")[1]
    for name, price in (("m5.large", "0.0960"), ("c5.large", "0.0850")):
        assert re.search(rf"{re.escape(name)}\s.* 2 .*\d (ns|µs|ms) .*{price}", table)
    assert "fastest" in table
    assert "cheapest" in table


def test_the_summary_begins_with_the_verdict_over_all_tests(first: Done) -> None:
    """Which machine is the fastest and which the cheapest of how many tests, before the first table."""
    verdict, table = first.out.split(" tests: by instance type (embedded AWS)\n")[1].split(": by instance type", 1)
    assert re.match(r"▸ fastest( and cheapest)? in (all \d+|\d+ of \d+) tests: [cm]5\.large \(embedded\)\n", verdict)
    assert re.search(r"machine +fastest +cheapest +on the front +tests\n", verdict)
    assert "USD/hour" in table


def test_no_job_with_a_failed_test_has_a_tick(first: Done) -> None:
    """Two tests failed on each machine."""
    assert re.search(r"✗ m5\.large\s+done .* failed", first.out)
    assert "✓" not in first.out


def test_progress_has_a_line_for_each_phase(first: Done) -> None:
    """Off a terminal: one line per change, with elapsed seconds and USD so far."""
    assert re.search(r"▸ m5\.large\s+run\s+[\d.]+ s\s+[\d.]+ USD", first.out)


def test_verbose_streams_the_guests_log(first: Done) -> None:
    """``-v`` shows what the guest writes, with the launch's name."""
    assert re.search(r"m5\.large \| .*phase: install", first.out)


THREE = {
    "test_it.py": """\
import pytest

pytestmark = pytest.mark.instance_type("m5.large")

def test_sure(benchmark):
    benchmark.pedantic(sorted, args=(range(1000),), rounds=5)

def test_chance(benchmark):
    benchmark.pedantic(sorted, args=(range(1000),), rounds=5)
""",
    "pytest.ini": "[pytest]\nfilterwarnings = ignore::pytest_benchmark.logger.PytestBenchmarkWarning\n",
}


def test_second_run_compares_and_ships_nothing_again(first: Done) -> None:
    """--benchmark-compare shows the first run's times of the same instance type; names of files count up."""
    done = pytest_aws(
        first.root, "--aws", "--size=1000", "-k", "work and m5", "--benchmark-compare", "--benchmark-save=again",
        "--benchmark-compare-fail=min:100000%",
    )  # fmt: skip
    assert done.code == 0, done.text
    assert re.search(r"test_work\[a-m5\.large\] \(NOW\)", done.out)
    assert re.search(r"test_work\[a-m5\.large\] \(.*0001_", done.out)
    assert "c5.large" not in done.out.split("instance type")[1].split("at most")[0]
    assert len(done.saved("embedded-m5.large")) == 2
    assert any((first.root / ".benchmarks/embedded-m5.large").glob("0002_again.json"))


def test_a_hanging_test_ends_at_the_time_limit(tmp_path: Path) -> None:
    """The finished tests are delivered, the hanging one fails with the limit, and nothing stays alive."""
    root = make_project(
        tmp_path,
        {
            "test_hang.py": "import time, pytest\n"
            "pytestmark = pytest.mark.instance_type('m5.large')\n"
            "def test_quick(benchmark): benchmark.pedantic(int, rounds=2)\n"
            "def test_hangs(benchmark):\n    while True: time.sleep(1)\n"
            "def test_after(benchmark): benchmark.pedantic(int, rounds=2)\n",
        },
    )
    done = pytest_aws(root, "--aws", "--aws-time-limit=25s")
    assert done.code == 1, done.text
    assert "1 passed" in done.out
    assert "2 failed" in done.out
    assert "it had not ended at the --aws-time-limit of 25 s and was interrupted" in done.out
    assert "--aws-time-limit of 25 s came before it began" in done.out
    assert "0 instances of this run are alive" in done.out


def test_a_project_without_git_and_without_metadata_runs(tmp_path: Path) -> None:
    """A folder with a test and a requirements file is a project too."""
    root = make_project(
        tmp_path,
        {
            "requirements.txt": "iniconfig  # late\n",
            "helper.py": "def value():\n    import iniconfig\n    return 1\n",
            "test_flat.py": "import pytest, helper\n"
            "@pytest.mark.instance_type('m5.large')\n"
            "def test_it(benchmark): assert benchmark.pedantic(helper.value, rounds=2) == 1\n",
        },
        git=False,
    )
    done = pytest_aws(root, "--aws", "-q")
    assert done.code == 0, done.text


def test_compare_fail_spares_what_launches_cannot_tell_from_chance(tmp_path: Path) -> None:
    """Three launches now and before: a sure regression fails the session, one inside the interval is said."""
    project = make_project(tmp_path / "project", THREE)
    launched = ("--aws", "--aws-launches=3")
    first = pytest_aws(project, *launched, "--benchmark-autosave")
    assert first.code == 0, first.text
    # The launches are one row, with their number, and an interval where there is another machine.
    assert re.search(r"\n[▸ ] m5\.large \(embedded\) .* 3 ", first.out)
    # What they were before: the first test ten thousand times as fast, the second now slower, now faster.
    for number, path in enumerate(sorted((project / ".benchmarks").glob("embedded-*/0001_*.json"))):
        data = json.loads(path.read_text())
        for bench, factor in zip(data["benchmarks"], (1e-4, (1e-2, 1.0, 1e2)[number]), strict=True):
            bench["stats"]["median"] *= factor
        path.write_text(json.dumps(data))
    done = pytest_aws(project, *launched, "--benchmark-compare", "--benchmark-compare-fail=median:50%")
    assert done.code != 0
    assert "PercentageRegressionCheck" in done.text
    regressed = done.text.split("Performance has regressed:")[1]
    assert regressed.count("test_sure") == 3
    assert "test_chance" not in regressed.split("aws:")[0]
    assert re.search(r"test_chance.*inside the 95 % interval", done.text)
