"""What a guest sends where all of it is too much: each line is looked at by itself, and what is left out is said."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.core import guest_result
from pytest_benchmark_aws.core.guest_tests import GuestTests, cases_of
from pytest_benchmark_aws.guest import checkpoint, uploads
from tests.faults.guests import line_of

if TYPE_CHECKING:
    from tests.guest.conftest import Launch

NAMES = [f"test_it.py::test_{name}" for name in ("first", "large", "last")]


def lines(params: Any, **report: Any) -> list[dict[str, Any]]:
    """Those of three tests, of which the second has these params and this in its reports."""
    tests = [line_of(name.partition("::")[2]) for name in NAMES]
    tests[1]["benchmarks"][0]["params"] = params
    tests[1]["reports"][0] |= report
    return [line for test in tests for line in ({"kind": "start", "nodeid": test["nodeid"]}, test)]


def sent(launch: Launch, written: list[dict[str, Any]]) -> GuestTests:
    """What the client reads of it."""
    guest = launch.on_the_instance()
    guest.checkpoint.write_text("".join(json.dumps(line) + "\n" for line in written), encoding="utf-8")
    guest.log_path.touch()
    uploads.finish(guest, "passed")
    return cases_of(guest_result.parse(launch.storage.last("data")).lines, NAMES)


def test_a4_commas_in_texts_are_no_values(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test whose params are texts of them comes home whole, as does the one after it."""
    monkeypatch.setattr(uploads, "MOST_VALUES", 300)
    params = {"data": ["," * 1_000] * 3}
    tests = sent(launch, lines(params))
    assert tests.by_id[NAMES[1]].benchmarks[0]["params"] == params
    assert (len(tests.by_id[NAMES[2]].benchmarks), tests.notes) == (1, ())


@pytest.mark.parametrize(
    ("limit", "most", "params"),
    [("RESULT_LIMIT", 20_000, {"data": "x" * 20_000}), ("MOST_VALUES", 500, {"data": [0] * 5_000})],
)
def test_a4_a_test_that_has_no_room_costs_its_params_alone(
    launch: Launch, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, params: Any
) -> None:
    """It has its time, without its params; the tests after it are whole, and a note has the bounds and a remedy."""
    monkeypatch.setattr(uploads, limit, most)
    tests = sent(launch, lines(params))
    assert all(test.reports and test.benchmarks and not test.refused for test in tests.by_id.values())
    assert tests.by_id[NAMES[1]].benchmarks[0]["params"] is None
    (note,) = tests.notes
    assert note.startswith(
        f"{NAMES[1]}: params, extra_info and captured output are left out: the result of a launch has "
    )
    assert f"{most:,} " in note
    assert note.endswith("make large data in the test or a fixture instead of params, or select fewer tests")


def test_a4_a_test_that_has_no_room_at_all_fails_alone_with_the_reason(
    launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its traceback alone is too long: it ran, and its line's and the result's sizes are said."""
    monkeypatch.setattr(uploads, "RESULT_LIMIT", 20_000)
    tests = sent(launch, lines({}, longrepr="x" * 30_000))
    assert [bool(test.benchmarks) for test in tests.by_id.values()] == [True, False, True]
    refused = tests.by_id[NAMES[1]].refused
    assert refused.startswith("its line of 31,")
    assert "is left out: the result of a launch has 20,000 bytes and 8,000,000 values at most; make large " in refused
    assert tests.by_id[NAMES[1]].failed


def test_a4_foul_lines_that_have_no_room_are_left_out(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever they hold, the agent goes on."""
    monkeypatch.setattr(uploads, "RESULT_LIMIT", 20_000)
    foul = [{"kind": "test", "nodeid": 7, "reports": 8, "x": "y" * 30_000}, {"kind": "note", "text": "z" * 30_000}]
    tests = sent(launch, [*foul, *lines({})])
    assert all(test.benchmarks for test in tests.by_id.values())
    assert any(note.startswith("1 lines are left out: ") for note in tests.notes)


def test_a4_all_that_is_sent_is_less_than_the_client_reads() -> None:
    """With what stands in the place of lines that have no room."""
    from pytest_benchmark_aws.backends.results import RESULT_LIMIT

    assert uploads.RESULT_LIMIT * (1 + 2 * uploads.MORE) < RESULT_LIMIT
    assert uploads.MOST_VALUES * (1 + 2 * uploads.MORE) < guest_result.MAX_VALUES


def test_a4_params_of_all_tests_have_a_share_of_values_and_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100 tests whose params are 9,000 numbers, or as many texts: the sum is bounded, and each cut is said."""
    path = tmp_path / "checkpoint"
    config: Any = SimpleNamespace(getoption=lambda *_: False)
    monkeypatch.setattr(checkpoint, "BUDGET", 8 * 2**20)
    monkeypatch.setattr(checkpoint, "VALUES", 400_000)
    writer = checkpoint.Checkpoint(config, str(path))
    values = size = 0
    for number in range(100):
        bench = SimpleNamespace(fullname=f"test_it[{number}]")
        params = writer._bounded(bench, "params", {"data": [0] * 9_000 if number % 2 else [","] * 9_000})
        text = json.dumps(params)
        writer._write({"kind": "test", "nodeid": ""}, params=params)
        values, size = values + (text.count(", ") if isinstance(params["data"], list) else 1), size + len(text)
    assert values <= checkpoint.VALUES
    assert size <= checkpoint.BUDGET
    writer._file.close()
    notes = [line for line in map(json.loads, path.read_text().splitlines()) if line["kind"] == "note"]
    assert 50 < len(notes) < 100
    assert notes[0]["text"] == "params is not sent whole, as it is too long or too deep: data"
