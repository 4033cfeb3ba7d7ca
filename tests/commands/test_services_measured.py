"""``pytest-benchmark-aws services`` where results of requests exist: latency and price below each service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws.cli import main
from tests.result_files import benchmark, result, write

if TYPE_CHECKING:
    from pathlib import Path

PRICED = {
    "usd_per_1000": 1.6, "usd_per_unit": 0.000016, "unit": "character", "price_date": "2026-10-07",
    "price_source": "a price list",
}  # fmt: skip
ASKED = {
    "service": "polly", "region": "us-east-1", "requests": 20, "latencies_s": [0.2], "p50_s": 0.2, "p95_s": 0.3,
    "p99_s": 0.4, "throttled": 3, "given_up": 0, "errors": 1, **PRICED,
}  # fmt: skip
HOSTILE = ("\x1b[2J\x1b]0;title\x07", "\u202etxt.exe", "a\nb\tc", "x" * 100_000, "\ud800", "", "\x00", "<b>")
WRONG: tuple[Any, ...] = (
    None, True, "1", [], {}, -1, 0, 1e400, float("nan"), 10**400, 1e-300, [1, 2], {"a": "b"}, "x" * 5000, *HOSTILE,
)  # fmt: skip


def saved(folder: Path, *infos: dict[str, Any], name: str = "test_speak", **of_file: Any) -> Path:
    """A file with a benchmark for each extra_info."""
    benches = [benchmark([0.2, 0.21], f"{name}_{place}", **info) for place, info in enumerate(infos)]
    return write(folder / ".benchmarks" / "Linux" / "0001_saved.json", result(*benches, **of_file))


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[list[str], str]:
    """The lines of the table, and what stderr has."""
    assert main(["services", *words]) == 0
    out, err = capsys.readouterr()
    return out.splitlines(), err


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_measured_requests_stand_below_their_service(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the project's own storage: region, requests, p50, p95, USD per 1,000 and the day, in aligned columns."""
    plain, _ = printed(capsys)
    saved(project, ASKED, {**ASKED, "region": "eu-west-1", "p50_s": 0.1, "variant": "neural"})
    lines, err = printed(capsys)
    assert err == ""
    assert len(lines) == len(plain) + 2
    place = next(place for place, line in enumerate(lines) if line.startswith("  Amazon Polly"))
    first, second = lines[place + 1 : place + 3]
    assert first.split() == ["test_speak_0", "us-east-1", "20", "200.0", "ms", "300.0", "ms", "1.6", "2026-11-01"]
    assert second.split()[:3] == ["test_speak_1,", "neural", "eu-west-1"]
    assert lines[0].split("  ")[0] == "service"
    for title in ("region", "measured", "state"):
        assert title in lines[0]
    assert first.index("2026-11-01") == lines[0].index("measured")
    assert first.index("1.6") + 3 == lines[0].index("USD per 1,000") + len("USD per 1,000")
    assert lines[place].index("live") == lines[0].index("state")


def test_without_results_of_services_the_list_is_as_without_any(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A project's own results of machines change nothing; named files are told to have none."""
    plain, _ = printed(capsys)
    path = saved(project, {"rows_per_second": 1.0})
    assert printed(capsys) == (plain, "")
    lines, err = printed(capsys, str(path))
    assert lines == plain
    assert err.startswith("! none of 1 results is of a managed service's requests")
    assert "measured" not in json.loads("\n".join(printed(capsys, "--format", "json")[0]))[0]


def test_json_has_the_same_as_fields(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In seconds and USD, with price, source and file; of a service without results an empty list."""
    path = saved(project, {**ASKED, "embedded": True})
    rows = {row["name"]: row for row in json.loads("\n".join(printed(capsys, str(path), "--format", "json")[0]))}
    assert rows["Amazon Polly"]["measured"] == [
        {
            "benchmark": "tests/test_one.py::test_speak_0", "variant": None, "region": "us-east-1", "embedded": True,
            "date": "2026-11-01T10:00:00.000000+00:00", "requests": 20, "p50_s": 0.2, "p95_s": 0.3, "p99_s": 0.4,
            "throttled": 3, "given_up": 0, "errors": 1, "usd_per_1000": 1.6, "price_date": "2026-10-07",
            "price_source": "a price list", "file": str(path),
        }
    ]  # fmt: skip
    assert rows["Amazon Lex"]["measured"] == rows["m5.8xlarge"]["measured"] == []


def test_embedded_is_marked_and_shadows_no_real_result(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its row says embedded, and so does a line below; the account's own row of the same benchmark stays."""
    write(project / "a.json", result(benchmark([0.2], **ASKED), launch="a"))
    write(project / "b.json", result(benchmark([0.1], **ASKED, embedded=True), when="2026-11-02T10:00:00+00:00"))
    lines, _ = printed(capsys, "*.json")
    regions = [line for line in lines if "test_it" in line]
    assert len(regions) == 2
    assert [line for line in regions if "embedded us-east-1" in line] == [regions[1]]
    assert lines[-1].startswith("embedded: answered by embedded AWS")
    lines, _ = printed(capsys, "*.json", "--filter", "embedded=no")
    assert "embedded" not in "".join(lines)


def test_newest_result_of_a_benchmark_counts(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the time in the file; --since leaves older ones out."""
    write(project / "b.json", result(benchmark([0.2], **ASKED), when="2026-11-02T10:00:00+00:00"))
    write(project / "a.json", result(benchmark([0.2], **{**ASKED, "p50_s": 0.1})))
    lines, _ = printed(capsys, "*.json")
    assert [line.split()[3:5] for line in lines if "test_it" in line] == [["200.0", "ms"]]
    lines, _ = printed(capsys, "*.json", "--since", "2026-11-03")
    assert not [line for line in lines if "test_it" in line]


def test_price_that_is_not_confirmed_is_none(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A dash, and null with no day."""
    saved(project, {name: value for name, value in ASKED.items() if name not in PRICED})
    lines, _ = printed(capsys)
    assert next(line for line in lines if "test_speak" in line).split()[-2:] == ["-", "2026-11-01"]


def test_service_that_is_not_listed_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It has no row to stand below."""
    saved(project, ASKED, {**ASKED, "service": "kendra"}, {**ASKED, "service": "p3"}, {**ASKED, "service": "\x1b[2J"})
    lines, err = printed(capsys)
    assert len([line for line in lines if "test_speak" in line]) == 1
    assert err.strip() == (
        r"! 3 results of managed services left out, of services that are not listed: kendra, p3, \x1b[2J"
    )


@pytest.mark.parametrize("key", ASKED)
def test_field_of_another_type_is_a_sentence_or_a_blank(
    project: Path, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    """Whatever it holds, the other result is shown, nothing is raised, and no control character is printed."""
    for value in WRONG:
        saved(project, {**ASKED, "region": "eu-west-1"}, {**ASKED, key: value})
        lines, err = printed(capsys)
        assert any("test_speak_0" in line and "200.0 ms" in line for line in lines), value
        assert all(char.isprintable() or char == "\n" for char in "\n".join([*lines, err])), value
        assert max(map(len, lines)) < 400, value
        found = printed(capsys, "--format", "json")[0]
        assert json.loads("\n".join(found), parse_constant=pytest.fail)


@pytest.mark.parametrize("key", ASKED)
def test_field_that_is_missing_is_a_sentence_or_a_blank(
    project: Path, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    """Without a time it is left out with a note, without service or latencies it is no managed service's."""
    saved(project, {**ASKED, "region": "eu-west-1"}, {name: value for name, value in ASKED.items() if name != key})
    lines, err = printed(capsys)
    assert any("test_speak_0" in line for line in lines)
    shown = any("test_speak_1" in line for line in lines)
    assert shown == (key not in {"service", "latencies_s", "p50_s", "p95_s", "p99_s"})
    assert (err == "") == (key not in {"p50_s", "p95_s", "p99_s"})


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(sorted(ASKED)), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=2), max_leaves=3,
)))  # fmt: skip
def test_any_values_are_read_or_left_out(
    project: Path, capsys: pytest.CaptureFixture[str], values: dict[str, Any]
) -> None:
    """Never a traceback, never a raw escape."""
    saved(project, {**ASKED, **values})
    lines, err = printed(capsys)
    assert all(char.isprintable() or char == "\n" for char in "\n".join([*lines, err]))


@pytest.mark.parametrize("words", [["nothing-here.json"], ["--since", "yesterday"], ["--filter", "colour=red"]])
def test_wrong_usage_is_a_sentence(project: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """Exit code 2, and nothing printed but that."""
    saved(project, ASKED)
    assert main(["services", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("pytest-benchmark-aws services: ")


def test_faulty_file_is_named_and_the_others_count(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr."""
    saved(project, ASKED)
    (project / ".benchmarks" / "torn.json").write_text("")
    lines, err = printed(capsys)
    assert any("test_speak" in line for line in lines)
    assert "! left out: .benchmarks/torn.json: it is empty" in err
