"""Rows 34 to 36 of the fault table: ids and params that would steer a terminal, a page, a shell or a path."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_benchmark_aws.cli import main
from pytest_benchmark_aws.core.model import Misfit
from pytest_benchmark_aws.report.plan import misfit_lines
from pytest_benchmark_aws.report.progress import ProgressView
from tests.acceptance.awsproject import Done, make_project, pytest_aws
from tests.faults.guests import job_of

pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")

ESC = "\x1b[2Jcleared\x1b]0;title\x07"
ODD = [
    ESC, "<script>alert(1)</script>", "$(touch pwned)", "`touch pwned`", "; reboot", "a/../../b", "/etc/passwd",
    " two  spaces ", "it's \"quoted\"", "ünïcödé 漢字 🚀", "-x", "a\\b", "%s{0}", "x::y",
]  # fmt: skip
TESTS = f"""\
import pytest

pytestmark = pytest.mark.instance_type("m5.large")

@pytest.mark.parametrize("word", {ODD!r}, ids={ODD!r})
def test_odd(benchmark, word):
    benchmark.extra_info["word"] = word
    benchmark.pedantic(int, rounds=2)

def test_fails(benchmark):
    benchmark.pedantic(int, rounds=2)
    assert 0
"""
BROKEN = f"""\
import os, pytest

if "PYTEST_BENCHMARK_AWS_GUEST" in os.environ:
    raise RuntimeError({ESC!r})

@pytest.mark.instance_type("c5.large")
def test_gone(benchmark): ...
"""
INI = "[pytest]\ndisable_test_id_escaping_and_forfeit_all_rights_to_community_support = True\n"


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A whole run of odd ids, which pytest itself is told to leave as they are, and one of a broken file."""
    root = make_project(
        tmp_path_factory.mktemp("odd") / "project",
        {"test_odd.py": TESTS, "test_broken.py": BROKEN, "pytest.ini": INI},
    )
    return pytest_aws(root, "--aws", "-q", "-r", "N", "--benchmark-quiet")


def names(done: Done) -> dict[str, Any]:
    """The stored benchmarks by name."""
    (data,) = done.saved("embedded-m5.large")
    return {bench["name"]: bench for bench in data["benchmarks"]}


def test_fault_26_a_failed_test_of_a_whole_run_is_failed_and_not_stored(odd: Done) -> None:
    """What measured and then failed fails the session, and is in no stored file."""
    assert odd.code == 1, odd.text
    assert f"2 failed, {len(ODD)} passed" in odd.out
    assert "test_fails" not in names(odd)


def test_fault_34_escape_sequences_are_escaped_in_our_tables_and_failures(odd: Done) -> None:
    """Not one control character of an id, a param or an instance's words reaches the terminal."""
    assert [char for char in odd.text if not char.isprintable() and char != "\n"] == []
    shown = r"\x1b[2Jcleared\x1b]0;title\x07"
    assert f"test_odd[{shown}]: by instance type" in odd.out
    assert f"RuntimeError: {shown}" in odd.out


def test_fault_34_escape_sequences_are_escaped_in_progress_and_plan() -> None:
    """Phase, test and log, which an instance says, and the ids of what does not fit."""
    written: list[str] = []
    terminal = SimpleNamespace(write_line=lambda line, **_: written.append(line), write=lambda *_, **__: None)
    said = SimpleNamespace(name="m5.large", phase=ESC, detail=ESC, seconds=1.0, spent_usd=Decimal(0), log=f"{ESC}\n")
    for live in (True, False):
        ProgressView(terminal, live=live, stream_logs=True).show([said])
    (case,) = job_of([f"test[{ESC}]"]).cases
    written += misfit_lines([Misfit(case, ("too big",), ())])
    assert len(written) == 6
    assert all(line.isprintable() for line in written)
    assert all("cleared" in line for line in written if "spent" not in line)


def test_fault_35_markup_is_text_in_what_is_stored(odd: Done) -> None:
    """An id with markup is stored as it is, for whoever renders it to escape; a run writes no page."""
    stored = names(odd)["test_odd[<script>alert(1)</script>]"]
    assert stored["extra_info"]["word"] == stored["params"]["word"] == "<script>alert(1)</script>"
    assert list(odd.root.rglob("*.htm*")) == []


def test_fault_35_markup_is_inert_in_the_html_report(odd: Done) -> None:
    """``<script>`` in an id is text on the page, which has one script, its own, and no control character."""
    pytest.importorskip("jinja2", reason="the page needs the extra [report]")
    pytest.importorskip("vl_convert", reason="the page needs the extra [report]")
    page = odd.root.parent / "report.html"
    assert main(["report", str(odd.root / ".benchmarks"), "-o", str(page)]) == 0
    html = page.read_text(encoding="utf-8")
    assert html.count("<script") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert [char for char in html if not char.isprintable() and char not in "\n\xa0"] == []
    assert r"\x1b[2Jcleared\x1b]0;title\x07" in html


def test_fault_36_odd_ids_pass_and_stay_as_they_are(odd: Done) -> None:
    """Shell words, paths, spaces, quotes and other alphabets in ids run, and are stored to the letter."""
    assert set(names(odd)) == {f"test_odd[{word}]" for word in ODD}
    assert {bench["extra_info"]["word"] for bench in names(odd).values()} == set(ODD)


def test_fault_36_no_id_met_a_shell_or_a_path(odd: Done) -> None:
    """Nothing was run by a shell, and no file but the expected ones was made."""
    root = odd.root
    assert list(root.parent.rglob("pwned")) == []
    made = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    mine = {name for name in made if not name.startswith((".git/", "__pycache__/"))}
    assert {name for name in mine if not name.startswith(".benchmarks/embedded-m5.large/0001_")} == {
        "test_odd.py", "test_broken.py", "pytest.ini"
    }  # fmt: skip
