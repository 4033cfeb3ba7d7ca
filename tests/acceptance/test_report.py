"""``pytest-benchmark-aws report`` as its users type it."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.report import made

pytest.importorskip("jinja2", reason="the page needs the extra [report]")
pytest.importorskip("vl_convert", reason="the page needs the extra [report]")

ROOT = Path(__file__).parents[2]
BASELINES = ROOT / "benchmarks" / "baselines"


def report(folder: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The real command, in a folder."""
    command = [sys.executable, "-m", "pytest_benchmark_aws.cli", "report", *args]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **env})


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two instance types, three launches."""
    return made.write(
        tmp_path / "results",
        types=("m5.8xlarge", "c5.24xlarge"),
        launches=3,
        commits=1,
        tests=("test_sum",),
        threads=(1,),
    )


def test_the_notes_baselines_become_one_file(tmp_path: Path) -> None:
    """The page, its figures in the first line of output, and nothing else written."""
    found = report(tmp_path, str(BASELINES))
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith("report.html: 2 results, ")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    page = (tmp_path / "report.html").read_text()
    for words in (
        "574\xa0s a run",
        "763\xa0s a run",
        "0.245\xa0USD",
        "0.214\xa0USD",
        "not enough launches",
        "(published)",
    ):
        assert words in page


def test_the_ini_file_says_what_scales(tmp_path: Path) -> None:
    """With ``aws_scale_parameter = scale`` the scale is no part of the test's name; the option wins over the ini."""
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\naws_throughput = row_trees_per_second\naws_scale_parameter = scale\n"
    )
    report(tmp_path, str(BASELINES))
    page = (tmp_path / "report.html").read_text()
    assert "test_train[note-vcpus], full" in page
    assert "row trees" in page
    report(tmp_path, str(BASELINES), "--scale-parameter=variant")
    assert "test_train[full-vcpus], note" in (tmp_path / "report.html").read_text()


def test_the_same_results_give_the_same_bytes(tmp_path: Path, results: Path) -> None:
    """In another order of files, at another time, in another process with another hash seed."""
    files = sorted(str(path) for path in results.rglob("*.json"))
    report(tmp_path, *files, "-o", "a.html", PYTHONHASHSEED="1")
    report(tmp_path, *reversed(files), "-o", "b.html", PYTHONHASHSEED="2")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_charts_are_written_as_svg_and_png(tmp_path: Path, results: Path) -> None:
    """Two of each, named by number, test and kind."""
    found = report(tmp_path, str(results), "--charts", "charts")
    assert "charts: 3 charts as SVG and PNG" in found.stdout
    names = sorted(path.name for path in (tmp_path / "charts").iterdir())
    assert names == [
        f"{number:03}-test_sum-1-{kind}.{ending}"
        for number, kind in enumerate(("time-money", "rounds", "usd"), 1)
        for ending in ("png", "svg")
    ]


def test_faulty_files_are_named_and_the_others_reported(tmp_path: Path, results: Path) -> None:
    """On stderr and on the page."""
    (results / "torn.json").write_text("")
    found = report(tmp_path, str(results))
    assert found.returncode == 0
    assert "torn.json: it is empty" in found.stderr
    assert "torn.json: it is empty" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["results/torn.json"], 1, "no results"),
        (["results", "--since", "2030-01-01"], 1, "no results"),
        (["nothing-here"], 2, "nothing-here"),
        (["results", "--since", "yesterday"], 2, "yesterday"),
        (["results", "--filter", "colour=red"], 2, "colour"),
        (["results", "--reference", "x9.huge"], 2, "m5.8xlarge"),
        (["results", "--no-such-option"], 2, "unrecognized"),
        (["results", "-o", "results"], 1, "cannot be written"),
        (["results", "-o", "results/torn.json/report.html"], 1, "cannot be written"),
    ],
)
def test_what_cannot_be_is_said_and_leaves_nothing(
    tmp_path: Path, results: Path, args: list[str], code: int, words: str
) -> None:
    """1 where nothing could be read or written, 2 for wrong usage; one line, no traceback, no file left behind."""
    (results / "torn.json").write_text("")
    before = sorted(tmp_path.rglob("*"))
    found = report(tmp_path, *args)
    assert found.returncode == code, found.stderr
    assert words in found.stderr
    assert "Traceback" not in found.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_an_earlier_page_stays_until_the_new_one_is_whole(tmp_path: Path, results: Path) -> None:
    """A refused reference leaves the page of yesterday; the new one can be read by whoever may read files here."""
    assert report(tmp_path, str(results), "--title", "First").returncode == 0
    assert report(tmp_path, str(results), "--reference", "x9.huge").returncode == 2
    assert "<h1>First</h1>" in (tmp_path / "report.html").read_text()
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "report.html").stat().st_mode) == 0o666 & ~umask


def test_without_the_extra_there_is_one_clear_error(tmp_path: Path, results: Path) -> None:
    """And the command that installs it; the other commands need no Jinja."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "jinja2.py").write_text("raise ImportError('not here', name='jinja2')\n")
    found = report(tmp_path, str(results), PYTHONPATH=str(blocked))
    assert found.returncode == 1
    assert found.stderr == "pytest-benchmark-aws: a report needs jinja2: pip install jinja2 vl-convert-python\n"


def test_no_font_of_this_machine_is_needed(tmp_path: Path, results: Path) -> None:
    """With no font folder and no network the page and the SVGs are the same bytes, and the PNGs as large.

    A machine's own Liberation Sans is taken before vl-convert's: of another release, its letters differ by a shade.
    """
    if not shutil.which("unshare"):
        pytest.skip("unshare is not installed: it hides fonts and network")
    namespace = ["unshare", "--user", "--map-root-user", "--net", "--mount"]
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody make namespaces")
    report(tmp_path, str(results), "-o", "with.html", "--charts", "with")
    command = [sys.executable, "-m", "pytest_benchmark_aws.cli", "report", str(results), "-o", "without.html"]
    script = f"mount -t tmpfs none /usr/share/fonts && {shlex.join([*command, '--charts', 'without'])}"
    hidden = subprocess.run(
        [*namespace, "sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    if "mount" in hidden.stderr:
        pytest.skip("nothing can be mounted here")
    assert hidden.returncode == 0, hidden.stderr
    assert (tmp_path / "with.html").read_bytes() == (tmp_path / "without.html").read_bytes()
    for path in (tmp_path / "with").iterdir():
        one, other = path.read_bytes(), (tmp_path / "without" / path.name).read_bytes()
        assert one[:24] == other[:24] if path.suffix == ".png" else one == other, path.name
