"""``pytest-benchmark-aws predict`` as its users type it."""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.result_files import benchmark, result, write

if TYPE_CHECKING:
    from pathlib import Path

PROBES = {"m5.8xlarge": 10.0, "c6i.large": 98.0, "c8g.48xlarge": 2.4, "m7a.4xlarge": 9.0}


def predict(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """The real command, in a folder."""
    command = [sys.executable, "-m", "pytest_benchmark_aws.cli", "predict", *args]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A folder with results on four instance types in its ``.benchmarks``."""
    for name, seconds in PROBES.items():
        data = result(benchmark([seconds] * 3), instance_type=name, launch=f"i-{name}")
        write(tmp_path / ".benchmarks" / name / "0001_x.json", data)
    return tmp_path


def test_json_has_the_keys_that_other_programs_read(stored: Path) -> None:
    """Schema 1: cases with their probes, a row for each candidate, and what is next."""
    done = predict(stored, "--format", "json", "--candidates", "vcpus>=16 and memory>=96GiB", "--next", "2")
    assert (done.returncode, done.stderr) == (0, "")
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["schema"] == 1
    (case,) = document["cases"]
    assert case["case"] == "tests/test_one.py::test_it"
    assert case["probes"] == sorted(PROBES)
    rows = {row["instance_type"]: row for row in case["rows"]}
    assert set(PROBES) <= set(rows)
    assert rows["m5.8xlarge"]["measured"] is True
    assert rows["m5.8xlarge"]["seconds"] == pytest.approx(10)
    for row in case["rows"]:
        assert 0 < row["low"] <= row["seconds"] <= row["high"] < math.inf
        assert row["measured"] or row["vcpus"] >= 16
    assert [set(step) for step in case["next"]] == [{"instance_type", "usd", "why"}] * 2


def test_rows_are_in_order_of_what_is_looked_for(stored: Path) -> None:
    """By money, or by time."""
    for goal, key in (("usd", "usd_run"), ("time", "seconds")):
        case = json.loads(predict(stored, "--format", "json", "--for", goal).stdout)["cases"][0]
        values = [row[key] for row in case["rows"]]
        assert values == sorted(values)


def test_limits_leave_out_what_does_not_keep_them(stored: Path) -> None:
    """And the number of those is said."""
    done = predict(stored, "--max-seconds", "5", "--max-usd", "0.01", "--format", "json")
    (case,) = json.loads(done.stdout)["cases"]
    assert case["rows"]
    assert all(row["seconds"] <= 5 and row["usd_run"] <= 0.01 for row in case["rows"])
    assert any("do not keep the limit" in note for note in case["notes"])


def test_without_a_result_the_first_machines_are_named(tmp_path: Path) -> None:
    """As a table, and as JSON."""
    done = predict(tmp_path, "--next", "4")
    assert done.returncode == 0
    assert done.stdout.count("→ next") == 4
    (case,) = json.loads(predict(tmp_path, "--next", "4", "--format", "json").stdout)["cases"]
    assert (case["case"], case["rows"], len(case["next"])) == (None, [], 4)


def test_a_table_marks_what_was_measured_and_says_the_source(stored: Path) -> None:
    """Predicted rows have another glyph; the licence is named."""
    out = predict(stored, "--top", "5").stdout
    assert out.count("○ ") - 1 == 5
    assert out.count("● ") - 1 == len(PROBES)
    assert "CC BY-SA 4.0" in out


def test_csv_holds_every_row_in_seconds_and_usd(stored: Path) -> None:
    """For spreadsheets."""
    rows = list(csv.DictReader(io.StringIO(predict(stored, "--format", "csv").stdout)))
    assert len(rows) > 500
    assert {row["measured"] for row in rows} == {"True", "False"}
    assert all(float(row["low"]) <= float(row["seconds"]) <= float(row["high"]) for row in rows)


def test_markdown_has_a_table_and_goes_into_a_file(stored: Path) -> None:
    """Whole or not at all."""
    done = predict(stored, "--format", "markdown", "-o", "out.md")
    assert (done.returncode, done.stdout) == (0, "")
    assert "| instance type | vCPUs |" in (stored / "out.md").read_text()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--candidates", "vcpus>=9999"], "none of the"),
        (["--candidates", "colour=red"], "is no comparison"),
        (["--price", "m5.8xlrge=1"], "did you mean m5.8xlarge?"),
        (["--price", "ml.m5.8xlarge=2"], "ml.m6i.8xlarge"),
        (["--price", "m5.8xlarge"], "--price=m5.8xlarge: give an instance type and USD an hour"),
        (["--next", "-1"], "--next=-1: give a number from 0"),
        (["--top", "-3"], "--top=-3: give a number from 0"),
        (["--max-seconds", "soon"], "--max-seconds=soon: give a positive number"),
        (["nothing-there"], "nothing-there"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(stored: Path, args: list[str], words: str) -> None:
    """With what is wrong and what to give."""
    done = predict(stored, *args)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_sagemakers_price_stands_beside_ec2s_for_the_same_hardware(stored: Path) -> None:
    """A type of SageMaker is predicted as EC2's machine is, at the price that is given."""
    prices = ("--price", "ml.m5.4xlarge=1", "--price", "m5.4xlarge=0.5", "--top", "1")
    case = json.loads(predict(stored, "--format", "json", *prices).stdout)["cases"][0]
    rows = {row["instance_type"]: row for row in case["rows"]}
    there, here = rows["ml.m5.4xlarge"], rows["m5.4xlarge"]
    assert there["seconds"] == pytest.approx(here["seconds"], rel=1e-3)
    assert there["usd_run"] == pytest.approx(2 * here["usd_run"], rel=1e-3)
    table = predict(stored, *prices).stdout
    assert "○ m5.4xlarge " in table
    assert "○ ml.m5.4xlarge " in table


def test_what_sagemaker_measured_predicts_ec2s_machine(tmp_path: Path) -> None:
    """And its price is the result's, so that both are rows."""
    data = result(benchmark([10.0] * 3, usd_per_hour=0.922), instance_type="ml.m5.4xlarge", launch="pba-1")
    write(tmp_path / ".benchmarks" / "ml.m5.4xlarge" / "0001_x.json", data)
    case = json.loads(predict(tmp_path, "--format", "json").stdout)["cases"][0]
    rows = {row["instance_type"]: row for row in case["rows"]}
    assert rows["ml.m5.4xlarge"]["measured"]
    assert rows["ml.m5.4xlarge"]["usd_run"] == pytest.approx(10 * 0.922 / 3600, rel=1e-6)
    assert rows["m5.4xlarge"]["low"] < 10 < rows["m5.4xlarge"]["high"] < 13


def test_what_embedded_aws_ran_as_a_training_job_counts_as_its_other_results(tmp_path: Path) -> None:
    """With the price that the result has."""
    data = result(benchmark([10.0] * 3, usd_per_hour=0.9, embedded=True), instance_type="ml.m5.4xlarge", launch="pba-1")
    write(tmp_path / ".benchmarks" / "embedded-ml.m5.4xlarge" / "0001_x.json", data)
    out = predict(tmp_path).stdout
    assert "● ml.m5.4xlarge" in out
    assert "Left out" not in out


def test_times_that_may_be_of_gpus_predict_nothing(stored: Path) -> None:
    """They change no prediction of a CPU type, and are said to be left out; alone they are no result at all."""
    before = json.loads(predict(stored, "--format", "json").stdout)["cases"]
    data = result(benchmark([0.01] * 3), instance_type="g5.xlarge", launch="i-gpu")
    write(stored / ".benchmarks" / "g5.xlarge" / "0001_x.json", data)
    assert json.loads(predict(stored, "--format", "json").stdout)["cases"] == before
    assert "left out, as their times may be their GPUs': g5.xlarge" in predict(stored).stdout
    alone = predict(stored, ".benchmarks/g5.xlarge/0001_x.json").stdout
    assert "no result is of an instance type" not in alone
    assert "left out, as their times may be their GPUs': g5.xlarge" in alone


def test_a_type_with_a_price_of_its_own_is_shown_whatever_it_is(stored: Path) -> None:
    """Who gives a price asks for it, be it burstable or with GPUs."""
    out = predict(stored, "--price", "ml.t3.large=0.1", "--price", "ml.g5.xlarge=1.2", "--top", "1").stdout
    assert "○ ml.t3.large" in out
    assert "○ ml.g5.xlarge" in out


def test_results_of_no_instance_type_are_said_and_the_first_machines_named(tmp_path: Path) -> None:
    """A laptop's results predict nothing."""
    write(tmp_path / ".benchmarks" / "here" / "0001_x.json", result(benchmark([1.0])))
    done = predict(tmp_path)
    assert done.returncode == 0
    assert "no result is of an instance type" in done.stdout
    assert "→ next" in done.stdout


def test_a_result_of_this_machine_hides_none_of_an_instance_type(tmp_path: Path) -> None:
    """A test that ran here too is predicted from what ran on types, embedded ones where there are no others."""
    for name in ("m5.large", "c7g.large"):
        data = result(benchmark([1.0], embedded=True), instance_type=name, launch=f"i-{name}")
        write(tmp_path / ".benchmarks" / f"embedded-{name}" / "0001_x.json", data)
    write(tmp_path / ".benchmarks" / "here" / "0001_x.json", result(benchmark([1.0])))
    out = predict(tmp_path).stdout
    assert "● m5.large" in out
    assert "measured by embedded AWS" in out


def test_results_of_embedded_aws_say_that_they_tell_nothing_of_aws(tmp_path: Path) -> None:
    """They are shown to try the command, and labelled."""
    for name in ("m5.large", "c7g.large"):
        data = result(benchmark([1.0], embedded=True), instance_type=name, launch=f"i-{name}")
        write(tmp_path / ".benchmarks" / f"embedded-{name}" / "0001_x.json", data)
    out = predict(tmp_path).stdout
    assert "measured by embedded AWS" in out
