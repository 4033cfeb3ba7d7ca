"""Result files that are almost right: read, in part nothing, or refused by name; the good ones beside them count."""

from __future__ import annotations

import copy
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws import cli
from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.compare.records import Reading
from pytest_benchmark_aws.core.values import json_fields
from pytest_benchmark_aws.report.formats import csv, markdown
from pytest_benchmark_aws.results import storage
from pytest_benchmark_aws.results.finding import find_files
from pytest_benchmark_aws.results.reading import read_files, read_json
from tests.result_files import benchmark, result, write

if TYPE_CHECKING:
    from collections.abc import Sequence

HOW = Reading(snapshot.catalog())
GOOD = result(
    benchmark([1.0, 2.0, 1.5], "good[1]", params={"n": 1}, usd_per_hour=0.1, rows_per_second=3.0, flags=["noisy"]),
    instance_type="m5.large",
    machine={"hardware": {"vcpus": 2, "memory_bytes": 8 * 2**30}, "machines": {}},
)
FORMATS = ("asv", "bencher", "github-action-benchmark")


def records(folder: Path, text: str) -> list[Any]:
    """What is read of a file of that text beside a good one, which is always read."""
    write(folder / "good.json", GOOD)
    (folder / "other.json").write_text(text)
    found = read_files(find_files([str(folder)]), HOW)
    assert any(record.node_id.endswith("good[1]") for record in found.records)
    return [record for record in found.records if record.source.endswith("other.json")]


def with_stats(**stats: object) -> str:
    data = result(benchmark([1e-7, 2e-7, 3e-7]))
    data["benchmarks"][0]["stats"] |= stats
    return json.dumps(data)


def test_g1_nan_in_extra_info_is_nothing(tmp_path: Path) -> None:
    """As stock reads the file, it is read: one test's accuracy does not take the others' times away."""
    data = result(
        benchmark([1.0], auc=float("nan")), benchmark([2.0], "test_b", auc=float("inf")), benchmark([3.0], "c")
    )
    assert [record.median for record in records(tmp_path, json.dumps(data))] == [1.0, 2.0, 3.0]
    assert read_json(tmp_path / "other.json")["benchmarks"][0]["extra_info"]["auc"] is None
    assert read_json(tmp_path / "other.json", verbatim=True)["benchmarks"][0]["extra_info"]["auc"] is None


@pytest.mark.parametrize("statistic", ["min", "mean", "max"])
def test_g2_a_statistic_of_nought_is_nothing_and_the_benchmark_counts(tmp_path: Path, statistic: str) -> None:
    """A coarse clock shows 0.0 of what is too short for it."""
    (record,) = records(tmp_path, with_stats(**{statistic: 0.0}))
    assert (record.median, getattr(record, statistic)) == (2e-7, None)


def test_g2_rounds_of_nought_are_left_out(tmp_path: Path) -> None:
    """The others count; of noughts alone nothing can be made."""
    (record,) = records(tmp_path, with_stats(min=0.0, data=[0.0, 2e-7, 3e-7]))
    assert record.rounds == (2e-7, 3e-7)


def test_g2_what_has_no_minimum_is_left_out_of_minima_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said, and medians are compared."""
    records(tmp_path, with_stats(min=0.0))
    assert cli.main(["compare", str(tmp_path), "--statistic", "min"]) == 0
    told = capsys.readouterr()
    assert "1 results have no min above 0.0" in told.err
    assert "test_it" not in told.out
    assert cli.main(["compare", str(tmp_path)]) == 0
    assert "test_it" in capsys.readouterr().out


@pytest.mark.parametrize(
    "when",
    ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0001-01-01", "3000-01-01T00:00:00Z", 5, "x" * 10**6],
)
def test_g3_a_time_that_no_computer_wrote_is_none(tmp_path: Path, when: object) -> None:
    """The benchmark is read without it."""
    (record,) = records(tmp_path, json.dumps({**result(benchmark([1.0])), "datetime": when}))
    assert record.when == ""


@pytest.mark.parametrize(
    "usd", ["1e99999999999", "1e999990", "-1", "NaN", "Infinity", "1e-999990", "1" * 5000, 1e300, True, [1], "1e10"]
)
def test_g3_an_amount_that_is_no_price_is_none(tmp_path: Path, usd: object) -> None:
    """Of a machine that no catalog has; digits are counted before they are read."""
    data = result(benchmark([1.0], usd_per_hour=usd, launch_usd=usd, instance_type="x9.huge"))
    (record,) = records(tmp_path, json.dumps(data))
    assert (record.machine.usd_per_hour, record.launch_usd) == (None, None)


@pytest.mark.parametrize("median", [1e-310, 1e299, 1e-200, 1e15])
def test_g3_a_time_that_no_test_takes_is_refused_by_name(tmp_path: Path, median: float) -> None:
    """So that no quotient is infinite; the good file is compared, also in JSON, which has no infinity."""
    assert records(tmp_path, with_stats(median=median, min=median, max=median, mean=median, data=[])) == []
    (line,) = read_files([tmp_path / "other.json"], HOW).refused
    assert "other.json: benchmark tests/test_one.py::test_it: stats.median is 1e" in line


def test_g3_what_is_written_has_no_nan() -> None:
    """Neither a result that is saved nor an export: no other reader takes it."""
    assert json.loads(storage.as_text({"a": [float("nan"), float("inf"), 1.5]})) == {"a": [None, None, 1.5]}
    assert "NaN" not in storage.as_text({"a": float("nan")})


def test_g4_names_are_cut_and_stay_apart(tmp_path: Path) -> None:
    """A name of 1 MB costs each table that holds it 1 MB."""
    long = "x" * 10**6
    data = result(benchmark([1.0], f"test_it[{long}1]"), benchmark([2.0], f"test_it[{long}2]", instance_type=long))
    first, second = records(tmp_path, json.dumps(data))
    assert first.case != second.case
    assert max(map(len, (first.case, second.case, second.machine.name))) <= json_fields.MOST_TEXT + 30


def test_g4_values_are_counted_before_they_are_read(tmp_path: Path) -> None:
    """60 MB of empty lists would take 1.75 GB."""
    file = tmp_path / "lists.json"
    file.write_bytes(b"[" + b"[]," * 20_000_000 + b"[]]")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = read_files([file], HOW).refused
    assert "about 40,000,002 values: more than 16,000,000" in line
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # KiB


def test_g4_commas_in_texts_are_no_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with params of 2 MB of them is read, where so many values would not be."""
    monkeypatch.setattr(json_fields, "MOST_VALUES", 1_000_000)
    (record,) = records(tmp_path, json.dumps(result(benchmark([1.0], params={"text": ",[{" * 700_000}))))
    assert record.median == 1.0


def test_g5_half_a_surrogate_pair_is_shown_as_its_escape(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As pytest makes it an id of bytes; such a file is one of ours, and is compared, merged and exported."""
    data = result(benchmark([1.0], "test_it[\ud800]", params={"text": "\ud800"}))
    (record,) = records(tmp_path, json.dumps(data))
    assert record.node_id.endswith("test_it[\\ud800]")
    for command in commands(tmp_path / "other.json", tmp_path / "out"):
        assert cli.main(command) == 0
    assert "\\ud800" in capsys.readouterr().out


def test_h2_attempts_of_a_test_in_one_launch_are_one_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Three attempts are no three launches: there is no interval, no gate fails by them, and it is said."""
    three = result(*[benchmark([seconds]) for seconds in (2.0, 2.01, 2.02)], instance_type="m5.large", launch="i-new")
    before = result(*[benchmark([seconds]) for seconds in (1.0, 1.01, 1.02)], instance_type="m5.large", launch="i-old")
    write(tmp_path / "new" / "a.json", three)
    write(tmp_path / "old" / "a.json", before)
    (record,) = read_files([tmp_path / "new" / "a.json"], HOW).records
    assert record.median == 2.02
    gate = ["--baseline", str(tmp_path / "old"), "--fail-if", "median>5%"]
    assert cli.main(["compare", str(tmp_path / "new"), *gate]) == 0
    told = capsys.readouterr()
    assert "not enough launches (1 and 1, 3 of each are needed)" in told.out
    assert "2 earlier attempts of tests are left out" in told.err


def test_h2_launches_and_machines_of_one_file_stay_apart(tmp_path: Path) -> None:
    """A file of a whole run holds a test once for each launch."""
    benches = [
        benchmark([1.0], instance_type=kind, instance_id=launch)
        for kind, launch in (("m5.large", "i-1"), ("m5.large", "i-2"), ("c5.large", "i-3"))
    ]
    write(tmp_path / "a.json", result(*benches))
    assert len(read_files([tmp_path / "a.json"], HOW).records) == 3


def test_h3_a_baseline_without_a_new_result_is_said_and_may_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A test that was deleted, or that no longer runs, is no pass."""
    for place, names in (("old", ("test_a", "test_b")), ("new", ("test_b",))):
        for launch in ("1", "2", "3"):
            data = result(
                *[benchmark([1.0], name) for name in names], instance_type="m5.large", launch=f"i-{place}{launch}"
            )
            write(tmp_path / place / f"{launch}.json", data)
    gate = ["compare", str(tmp_path / "new"), "--baseline", str(tmp_path / "old"), "--fail-if", "median>5%"]
    assert cli.main(gate) == 0
    assert (
        "no new result: tests/test_one.py::test_a on m5.large; --fail-missing fails for it" in capsys.readouterr().out
    )
    assert cli.main([*gate, "--fail-missing"]) == 1
    assert cli.main(["compare", str(tmp_path / "new"), "--fail-missing"]) == 2
    assert "need --fail-if" in capsys.readouterr().err


def test_h3_a_folder_that_may_not_be_read_fails_by_name(tmp_path: Path) -> None:
    """What it holds is not known, so that a gate cannot pass."""
    closed = tmp_path / "old" / "closed"
    write(closed / "1.json", GOOD)
    write(tmp_path / "old" / "1.json", GOOD)
    write(tmp_path / "new" / "1.json", GOOD)
    before = []
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("root may read every folder")
        caps = "-dac_override,-dac_read_search"  # what lets root read every folder
        before = ["setpriv", f"--bounding-set={caps}", f"--inh-caps={caps}"]
    closed.chmod(0o000)
    command = [*before, sys.executable, "-m", "pytest_benchmark_aws.cli", "compare", str(tmp_path / "new")]
    gate = ["--baseline", str(tmp_path / "old"), "--fail-if", "median>5%"]
    done = subprocess.run([*command, *gate], capture_output=True, text=True, check=False, cwd="/")
    closed.chmod(0o700)
    assert "Traceback" not in done.stderr
    assert f"{closed}: cannot be read: Permission denied" in done.stderr
    assert done.returncode == 1


def test_links_in_circles_are_not_followed(tmp_path: Path) -> None:
    """Two of them would be 2 to the 40th folders."""
    write(tmp_path / "a" / "1.json", GOOD)
    for name in ("x", "y"):
        (tmp_path / "a" / name).symlink_to(tmp_path, target_is_directory=True)
    assert find_files([str(tmp_path)]) == [tmp_path / "a" / "1.json"]
    assert find_files([f"{tmp_path}/**/*.json"]) == [tmp_path / "a" / "1.json"]
    assert find_files([f"{tmp_path}/**/a"]) == [tmp_path / "a" / "1.json"]
    assert find_files([f"{tmp_path}/**"]) == [tmp_path / "a" / "1.json"]


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "dangling", "itself"])
def test_what_is_no_regular_file_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    """Nothing waits for a writer, and nothing reads without end."""
    file = tmp_path / "x.json"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        file.symlink_to({"device": "/dev/zero", "dangling": tmp_path / "none", "itself": file}[kind])
    (line,) = read_files([file], HOW).refused
    assert line.startswith(f"{file}: cannot be read: ")


EVIL = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 2**63, 2**70, 10**400, 0.0, -0.0, 1e-310, 5e-324, 1e299, 1.7e308, 1e-200]),
    st.floats(),
    st.sampled_from(["", "\ud800", "x" * 5000, "NaN", "1e99999999999", "1e-999990", "=1+1", "@a", "\x1b[2J"]),
    st.text(max_size=8),
    st.dates().map(str),
    st.sampled_from(["0001-01-01T00:00:00+23:59", "m5.large", "spot", "embedded"]),
    st.sampled_from([[], {}, [[]], {"": {}}, [None], [1e-310, 2.0], {"a": [1, {"b": None}]}]),
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each value of a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in items for place in [(*path, key), *_places(item, (*path, key))]]


ALL = _places(GOOD)


@st.composite
def almost_right(draw: st.DrawFn) -> str:
    """A result file's text in which up to three values are others, missing, or doubled."""
    data: Any = copy.deepcopy(GOOD)
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(ALL))
        node = data
        for key in parents:
            try:
                node = node[key]
            except (KeyError, IndexError, TypeError):
                break
        else:
            how = draw(st.sampled_from(["set", "set", "set", "drop", "double"]))
            try:
                if how == "set":
                    node[last] = copy.deepcopy(draw(EVIL))  # a sampled list or dict must not be put into itself
                elif how == "drop":
                    del node[last]
                else:
                    node[last] = [node[last], copy.deepcopy(node[last])]
            except (KeyError, IndexError, TypeError):
                continue
    return json.dumps(data)


def commands(path: Path, out: Path) -> list[Sequence[str]]:
    """Every command that reads results."""
    files = str(path)
    return [
        *(["compare", files, "--format", kind] for kind in ("table", "json", "csv", "markdown")),
        [
            "compare",
            files,
            "--rows",
            "launch",
            "--group-by",
            "machine",
            "--statistic",
            "min",
            "--break-even",
            "m5.large",
        ],
        ["merge", files, "-o", str(out / "merged")],
        *(["export", f"--format={name}", files, "-o", str(out / name)] for name in FORMATS),
    ]


@pytest.mark.parametrize("gate", [False, True])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=almost_right())
def test_no_command_ends_in_a_traceback_whatever_a_file_holds(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str], text: str, gate: bool
) -> None:
    """Each ends with its exit code, the good file is in its output, and what is JSON is strictly so."""
    folder = tmp_path_factory.mktemp("files")
    write(folder / "in" / "good.json", GOOD)
    (folder / "in" / "other.json").write_text(text)
    every = commands(folder / "in", folder / "out")
    if gate:
        conditions = ("median>5%", "usd>5%", "min>5%", "mean>5%")
        every = [
            ["compare", str(folder / "in" / "other.json"), "--baseline", str(folder / "in"), "--fail-if", condition]
            for condition in conditions
        ]
    for command in every:
        code = cli.main(command)
        told = capsys.readouterr()
        assert code in {0, 1, 2}
        assert "\x1b[2J" not in told.out + told.err
        if command[0] == "compare" and not gate and "min" not in command:
            assert "good" in told.out
        if "json" in command:
            json.loads(told.out, parse_constant=pytest.fail)
    for file in (folder / "out").rglob("*.json"):
        json.loads(file.read_text(), parse_constant=pytest.fail)
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "text",
    ["@user", "see @org/team", "#1", "GH-12", "https://evil.example/x", "WWW.evil.example", "mailto:a@b.c", "a@b.org"],
)
def test_k4_names_are_inert_in_markdown(text: str) -> None:
    """GitHub looks for mentions and addresses after it has taken escapes away: what they begin with is set apart."""
    escaped = markdown.escaped(text)
    seen = escaped.replace("\\", "")
    for live in ("@user", "@org", "#1", "GH-12", "https:", "www.e", "mailto:", "@b"):
        assert live.lower() not in seen.lower()
    assert seen.replace("\u200b", "") == text


FORMULAS = ("=1+1", "\uff1d1+1", " =1+1", "\u00a0=1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)", "-1", "@x", "\u22121")


@pytest.mark.parametrize("text", FORMULAS)
def test_k5_cells_that_begin_a_formula_are_quoted(text: str) -> None:
    """Full width and behind blanks, too; or what stands before it is shown by its number."""
    assert csv.cell(text).startswith(("'", "\\"))
    assert csv.cell("test_it[=1]") == "test_it[=1]"


@pytest.mark.parametrize("name", [b"\xff.json", b"a\nb\x1b[2J.json", "ü\u202e.json".encode(), b"-o.json"])
def test_a_file_of_any_name_is_read_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: bytes) -> None:
    """Bytes that are no text, ends of lines and what steers a terminal included; in files that are written, too."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / os.fsdecode(name)).write_text(json.dumps(GOOD))
    (folder / os.fsdecode(b"bad" + name)).write_text("{")
    for number, command in enumerate(commands(folder, tmp_path / "out")):
        more = ["-o", str(tmp_path / f"{number}.out")] if command[0] == "compare" and number % 2 else []
        assert cli.main([*command, *more]) in {0, 1}
        told = capsys.readouterr()
        assert "bad" in told.out + told.err
        assert not {"\x1b", "\u202e"} & set(told.out + told.err)


@pytest.mark.parametrize(
    "words",
    [
        ["--since", "0001-01-01T00:00:00+23:59"], ["--since", "99999d"], ["--since", "9999-12-31T23:59:59-23:59"],
        ["--max-seconds", "1e400"], ["--max-usd", "1e-9999999"], ["--filter", "usd-hour>1e99999999999999999999"],
        ["--filter", "vcpus>=" + "9" * 5000], ["--filter", "machine=" + "[" * 5000], ["--reference", "[" * 5000],
        ["\0"], ["~nobody-of-that-name/x"], ["x" * 5000], ["**/" * 50], ["/proc/self/mem"],
    ],
)  # fmt: skip
def test_words_that_make_no_sense_are_refused_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """Of the command line, too; exit code 2 or 1, and what is wrong."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "good.json", GOOD)
    assert cli.main(["compare", str(tmp_path), *words]) in {0, 1, 2}
    assert len(capsys.readouterr().err) < 20_000


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=almost_right())
def test_a_page_is_made_whatever_a_file_holds(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """The good file is on it."""
    pytest.importorskip("jinja2", reason="the page needs the extra [report]")
    pytest.importorskip("vl_convert", reason="the page needs the extra [report]")
    folder = tmp_path_factory.mktemp("files")
    write(folder / "good.json", GOOD)
    (folder / "other.json").write_text(text)
    assert cli.main(["report", str(folder), "-o", str(folder / "page.html")]) in {0, 1}
    capsys.readouterr()
    assert "good[1]" in (folder / "page.html").read_text(encoding="utf-8")
    shutil.rmtree(folder)
