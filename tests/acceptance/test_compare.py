"""``pytest-benchmark-aws compare`` as its users type it."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.result_files import benchmark, result, write

ROOT = Path(__file__).parents[2]
STEADY = (1.0, 1.01, 0.99, 1.0, 1.005)


def compare(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """The real command, in a folder."""
    command = [sys.executable, "-m", "pytest_benchmark_aws.cli", "compare", *args]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def fill(folder: Path, *seconds: float, instance_type: str = "m5.large", when: str = "2026-11-01") -> Path:
    """A launch for each."""
    for number, one in enumerate(seconds, 1):
        data = result(
            benchmark([one]), instance_type=instance_type, launch=f"{folder.name}-{instance_type}-{number}",
            when=f"{when}T00:00:00+00:00",
        )  # fmt: skip
        write(folder / instance_type / f"{number:04}_x.json", data)
    return folder


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of this machine, made by a real run of stock pytest-benchmark without this plugin."""
    folder = tmp_path_factory.mktemp("here")
    (folder / "test_train.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('scale', ['tiny'])\n"
        "def test_train(benchmark, scale):\n"
        "    benchmark.extra_info['row_trees_per_second'] = 1e6\n"
        "    benchmark.pedantic(sum, args=([1, 2, 3],), rounds=5)\n"
    )
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:benchmark_aws"]
    subprocess.run([*command, "--benchmark-json=here.json"], cwd=folder, check=True, capture_output=True)
    return folder / "here.json"


@pytest.mark.parametrize("kind", ["table", "markdown", "csv", "json"])
def test_the_notes_baselines_are_compared_by_throughput_and_money(kind: str) -> None:
    """574 s and 763 s, 38.5 M and 29 M row trees a second, 0.2449 and 0.2136 USD, in each format."""
    found = compare(ROOT, "benchmarks/baselines", "--format", kind)
    assert (found.returncode, found.stderr) == (0, "")
    if kind == "json":
        rows = json.loads(found.stdout)["sections"][0]["rows"]
        values = [(row["type"], row["time"], round(row["usd-run"], 4), round(row["throughput"])) for row in rows]
    elif kind == "csv":
        lines = list(csv.DictReader(io.StringIO(found.stdout)))
        values = [
            (
                line["machine"].split()[0],
                float(line["time"]),
                round(float(line["usd-run"]), 4),
                round(float(line["throughput"])),
            )
            for line in lines
        ]
    else:
        cells = (
            "m5.8xlarge",
            "574 s",
            "38.5 M",
            "0.2449",
            "r5.4xlarge",
            "763 s",
            "29 M",
            "0.2136",
            "not enough launches",
        )
        assert all(cell in found.stdout for cell in cells)
        return
    assert values == [("m5.8xlarge", 574.0, 0.2449, 38530729), ("r5.4xlarge", 763.0, 0.2136, 28986420)]


def test_a_stock_run_of_this_machine_is_read_beside_them(here: Path) -> None:
    """What stock does not record is blank; scales that differ are compared by throughput."""
    found = compare(ROOT, str(here), "benchmarks/baselines", "--format", "json")
    sections = json.loads(found.stdout)["sections"]
    mine = next(row for part in sections for row in part["rows"] if not row["published"])
    assert (mine["usd-hour"], mine["usd-run"], mine["type"], mine["throughput"]) == (None, None, None, 1e6)
    assert mine["machine"].endswith("CPUs")


def test_the_choice_is_answered() -> None:
    """The cheapest within 600 s, the fastest within 0.22 USD, and the note's blank: below 188.5 s."""
    found = compare(ROOT, "benchmarks/baselines", "--max-seconds", "600", "--break-even", "c5.24xlarge")
    assert "cheapest within 600 s: m5.8xlarge (published), 574 s, 0.2449 USD" in found.stdout
    assert "c5.24xlarge (4.0800 USD/hour) is cheaper below 188.5 s than r5.4xlarge" in found.stdout
    found = compare(ROOT, "benchmarks/baselines", "--max-usd", "0.22")
    assert "fastest within 0.2200 USD: r5.4xlarge" in found.stdout
    found = compare(ROOT, "benchmarks/baselines", "--max-usd", "0.1")
    assert "none keeps 0.1000 USD; the cheapest is r5.4xlarge" in found.stdout


def test_a_regression_exits_with_1_and_its_rows(tmp_path: Path) -> None:
    """The slower machine is named with its numbers, the other is not."""
    fill(tmp_path / "old", *STEADY), fill(tmp_path / "old", *STEADY, instance_type="c5.large")
    fill(tmp_path / "new", *(1.2 * one for one in STEADY)), fill(tmp_path / "new", *STEADY, instance_type="c5.large")
    found = compare(tmp_path, "new", "--baseline", "old", "--fail-if", "median>5%", "--fail-if", "usd>30%")
    assert found.returncode == 1
    lines = found.stdout.splitlines()
    assert "✗ median>5%: 1 of 2 rows pass" in lines
    assert "✓ usd>30%: 2 of 2 rows pass" in lines
    (line,) = [line for line in lines if line.startswith("  ✗")]
    assert "test_it on m5.large: +20.0 % (1.001 s -> 1.201 s), 95 % interval" in line


def test_an_unsure_difference_exits_with_0_and_says_why(tmp_path: Path) -> None:
    """One launch each decides nothing."""
    fill(tmp_path / "old", 1.0), fill(tmp_path / "new", 3.0)
    found = compare(tmp_path, "new", "--baseline", "old", "--fail-if", "median>5%", "--markdown")
    assert found.returncode == 0
    told = found.stdout.replace("\\", "")
    assert "? median&gt;5%: 0 of 1 rows pass, 1 undecided" in told
    assert "not enough launches (1 and 1, 3 of each are needed)" in told
    args = ("new", "--baseline", "old", "--fail-if", "median>5%", "--fail-undecided")
    assert compare(tmp_path, *args).returncode == 1


def test_a_gate_never_passes_on_files_that_it_could_not_read(tmp_path: Path) -> None:
    """The good ones are compared, the bad one is named, the exit code is 1."""
    fill(tmp_path / "old", *STEADY), fill(tmp_path / "new", *STEADY)
    (tmp_path / "new" / "m5.large" / "0009_torn.json").write_text('{"benchmarks": [')
    found = compare(tmp_path, "new", "--baseline", "old", "--fail-if", "median>5%")
    assert found.returncode == 1
    assert "left out: new/m5.large/0009_torn.json: no JSON" in found.stderr
    assert "✓ median>5%: 1 of 1 rows pass" in found.stdout
    assert compare(tmp_path, "new").returncode == 0


def test_a_baseline_of_another_machine_is_translated_and_said_to_be(tmp_path: Path) -> None:
    """Each line names where it is from and that it is predicted; what lies far beyond the interval fails."""
    for name, seconds in (("m5.large", 1.0), ("c6i.xlarge", 0.8), ("m7g.2xlarge", 0.85)):
        fill(tmp_path / "old", seconds, instance_type=name)
    fill(tmp_path / "new", 0.8, instance_type="m7i.large"), fill(tmp_path / "bad", 9.0, instance_type="m7i.large")
    args = ("--baseline", "old", "--translate-to", "m7i.large")
    plain = compare(tmp_path, "new", *args)
    assert plain.returncode == 0, plain.stderr
    assert "1 baseline translated to m7i.large: predicted by the machine model (Spare Cores" in plain.stdout
    (line,) = [line for line in plain.stdout.splitlines() if "test_it on m7i.large" in line]
    assert "(predicted " in line
    assert line.endswith("translated from c6i.xlarge, m5.large, m7g.2xlarge, within the interval")
    for folder, code, glyph in (("new", 0, "✓"), ("bad", 1, "✗")):
        found = compare(tmp_path, folder, *args, "--fail-if", "median>5%", "--fail-missing")
        assert found.returncode == code, found.stderr
        (line,) = [line for line in found.stdout.splitlines() if "test_it on m7i.large" in line]
        assert line.startswith(f"  {glyph} ")
        assert line.endswith("translated from c6i.xlarge, m5.large, m7g.2xlarge")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["new", "--translate-to", "m5.large"], "--translate-to needs --baseline"),
        (["new", "--baseline", "other", "--translate-to", "m5.9xlarge"], "nearest: m5."),
        (["new", "--baseline", "other", "--translate-to", "c7g.large"], "no new result is of c7g.large"),
        (["absent.json"], "absent.json: no such file"),
        (["new", "--fail-if", "median>5%"], "--fail-if needs --baseline"),
        (["new", "--baseline", "old"], "--baseline needs --fail-if"),
        (["new", "--baseline", "old", "--fail-if", "speed>5%"], "median, mean, min, usd"),
        (["new", "--baseline", "other", "--fail-if", "median>5%"], "here are m5.large, among the baselines c5.large"),
        (["new", "--columns", "speed"], "'speed' is no column; there are machine, test"),
        (["new", "--sort", "speed"], "there are the columns machine"),
        (["new", "--group-by", "speed"], "is no column"),
        (["new", "--reference", "x1"], "none of the machines compared: m5.large"),
        (["new", "--filter", "speed>1"], "filter 'speed>1' cannot be read"),
        (["new", "--filter", "vcpus>100"], "0 of 1 results pass --filter and --since; they are of m5.large"),
        (["new", "--markdown", "--format", "csv"], "not allowed with argument"),
        (["nameless", "--baseline", "nameless", "--fail-if", "usd>5%"], "no machine has a known price on both sides"),
        (["new", "--since", "soon"], "no time"),
        (["new", "--max-seconds", "soon"], "give a positive number"),
        (["new", "--break-even", "m5.9xlarge"], "nearest: m5."),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(tmp_path: Path, args: list[str], told: str) -> None:
    """With the next step, before any output."""
    fill(tmp_path / "old", 1.0), fill(tmp_path / "new", 1.0), fill(tmp_path / "other", 1.0, instance_type="c5.large")
    write(tmp_path / "nameless" / "0001.json", result(benchmark([1.0])))
    found = compare(tmp_path, *args)
    assert (found.returncode, found.stdout.strip()) == (2, "")
    assert told in found.stderr
    assert "Traceback" not in found.stderr


def test_the_default_is_the_storage_of_the_working_folder(tmp_path: Path) -> None:
    """``.benchmarks``, as pytest-benchmark writes it."""
    fill(tmp_path / ".benchmarks", 1.0)
    assert "m5.large" in compare(tmp_path).stdout


def test_columns_sorting_grouping_and_filters_do_as_told(tmp_path: Path) -> None:
    """Two machines, the dearer first, under a heading for each market."""
    fill(tmp_path / "new", 1.0, 1.0), fill(tmp_path / "new", 2.0, instance_type="c5.2xlarge")
    fill(tmp_path / "new", 9.0, instance_type="r5.large")
    args = (
        "--columns",
        "machine,usd-hour,launches",
        "--sort=-usd-hour",
        "--filter",
        "machine!=r5*",
        "--group-by",
        "vcpus",
    )
    lines = [line.split() for line in compare(tmp_path, "new", *args).stdout.splitlines() if line.strip()]
    assert lines[0] == ["2"]
    assert ["m5.large", "0.0960", "2"] in [line[-3:] for line in lines]
    assert not any("r5.large" in line for line in lines)
    rows = json.loads(compare(tmp_path, "new", "--sort=-usd-hour", "--format=json").stdout)["sections"][0]["rows"]
    assert [row["machine"] for row in rows] == ["c5.2xlarge", "r5.large", "m5.large"]


def test_hostile_names_stay_text_in_every_format(tmp_path: Path) -> None:
    """Rows 34 to 36: no escape sequence, no markup, no formula, no path."""
    name = "test_it[\x1b[31m<script>alert(1)</script>|`$(reboot)`a/../../b=@x\n]"
    for number, machine in enumerate(("=cmd", "\x1b]0;x\x07")):
        data = result(benchmark([1.0], name), machine={"cpu": {"brand_raw": machine}}, when=f"2026-11-0{number + 1}")
        write(tmp_path / f"{number}.json", data)
    for kind in ("table", "markdown", "csv", "json"):
        found = compare(tmp_path, ".", "--format", kind)
        assert found.returncode == 0
        assert "\x1b" not in found.stdout + found.stderr
        if kind == "markdown":
            assert "<script>" not in found.stdout
        if kind == "csv":
            rows = list(csv.DictReader(io.StringIO(found.stdout)))
            assert {row["machine"][0] for row in rows} <= {"'", "\\"}


def test_colour_is_for_terminals_alone(tmp_path: Path) -> None:
    """Piped output has none; a terminal has, unless NO_COLOR says otherwise."""
    fill(tmp_path / "new", 1.0), fill(tmp_path / "new", 2.0, instance_type="c5.large")
    assert "\x1b" not in compare(tmp_path, "new").stdout
    run = f"{sys.executable} -m pytest_benchmark_aws.cli compare new"
    for prefix, coloured in (("env -u NO_COLOR TERM=xterm", True), ("env TERM=xterm NO_COLOR=1", False)):
        found = subprocess.run(
            ["script", "-qec", f"{prefix} {run}", "/dev/null"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert ("\x1b[36m" in found.stdout) == coloured


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("{run} compare new | head -1", 0, ""),
        ("{run} policy client | head -1", 0, ""),
        ("{run} compare new > /dev/full", 1, "No space left on device"),
        ("{run} policy client > /dev/full", 1, "No space left on device"),
        ("{run} compare new >&-", 0, ""),
        ("{run} compare new -o .", 1, "Is a directory"),
        ("{run} compare new -o /dev/full", 1, "/dev/full cannot be written: No space left on device"),
        ("LC_ALL=C PYTHONIOENCODING=ascii {run} compare new", 0, ""),
    ],
)
def test_an_output_that_cannot_be_written_is_one_line(tmp_path: Path, line: str, code: int, told: str) -> None:
    """A reader that has enough is no error at all."""
    fill(tmp_path / "new", *STEADY)
    command = line.format(run=f"{sys.executable} -m pytest_benchmark_aws.cli")
    found = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert found.returncode == code, found.stderr
    assert told in found.stderr
    assert found.stderr.count("\n") == bool(told)
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


def test_the_output_goes_through_links_and_into_pipes(tmp_path: Path) -> None:
    """A link stays one, and so does what is no regular file."""
    fill(tmp_path / "new", 1.0)
    (tmp_path / "link").symlink_to("target.json")
    assert compare(tmp_path, "new", "--format", "json", "-o", "link").returncode == 0
    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "target.json").read_text())["sections"]
    command = f"{sys.executable} -m pytest_benchmark_aws.cli compare new --format csv -o >(cat >piped) && sync && wait"
    subprocess.run(["bash", "-c", f"{command}; until [ -s piped ]; do :; done"], cwd=tmp_path, check=True, timeout=60)
    assert (tmp_path / "piped").read_text().startswith("test,machine")


def test_a_key_that_no_result_has_is_said(tmp_path: Path) -> None:
    """A misspelt throughput would otherwise compare runs a second in silence."""
    fill(tmp_path / "new", 1.0)
    found = compare(tmp_path, "new", "--throughput", "rows", "--scale-parameter", "size")
    assert "no result has rows in its extra_info" in found.stderr
    assert "no result has a parameter size" in found.stderr
