"""Results on disk, numbered."""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws.results import storage
from pytest_benchmark_aws.results.reading import read_json
from pytest_benchmark_aws.results.storage import latest, save


def save_many(place: str, name: str, count: int, start: object) -> None:
    start.wait()  # type: ignore[attr-defined]
    for number in range(count):
        save(Path(place), "m5.large", name, {"by": name, "number": number})


@pytest.mark.parametrize("names", [("same", "same"), ("one", "other")])
def test_two_processes_that_save_at_once_lose_nothing(tmp_path: Path, names: tuple[str, str]) -> None:
    """Every result of both is a file of its own, whole, whether they are called the same or not."""
    context = multiprocessing.get_context("spawn")
    start, count = context.Barrier(2), 40
    workers = [context.Process(target=save_many, args=(str(tmp_path), name, count, start)) for name in names]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    found = [json.loads(path.read_text()) for path in latest(tmp_path, "m5.large", "")]
    expected = [{"by": name, "number": number} for name in names for number in range(count)]
    assert sorted(found, key=str) == sorted(expected, key=str)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers()), max_size=8))
def test_results_are_numbered_in_their_order(saved: list[tuple[str, int]]) -> None:
    """The numbers are 1, 2, 3 and so on, whatever the names, and each file holds what was saved."""
    with tempfile.TemporaryDirectory() as made:
        paths = [save(Path(made), "m5.large", name, {"value": value}) for name, value in saved]
        assert [path.name for path in paths] == [f"{n:04}_{name}.json" for n, (name, _) in enumerate(saved, 1)]
        assert [json.loads(path.read_text()) for path in paths] == [{"value": value} for _, value in saved]
        assert latest(Path(made), "m5.large", "") == paths
        assert latest(Path(made), "m5.large", True) == paths[-1:]


def test_nothing_but_results_is_left(tmp_path: Path) -> None:
    """The file under which a result was written first is gone, also where writing it failed."""
    save(tmp_path, "m5.large", "a", {})
    with pytest.raises(ValueError, match="Circular"):
        save(tmp_path, "m5.large", "a", circular())
    assert [path.name for path in (tmp_path / "m5.large").iterdir()] == ["0001_a.json"]


def circular() -> dict[str, object]:
    data: dict[str, object] = {}
    data["self"] = data
    return data


def test_a_name_selects_what_begins_so(tmp_path: Path) -> None:
    """A number, or a number and a name, selects as in pytest-benchmark; a path selects that file."""
    one, two = (save(tmp_path, "m5.large", name, {}) for name in ("a", "b"))
    assert latest(tmp_path, "m5.large", "0001") == [one]
    assert latest(tmp_path, "m5.large", "0002_b*") == [two]
    assert latest(tmp_path, "m5.large", "0003") == []
    assert latest(tmp_path, "elsewhere", str(one)) == [one]
    assert latest(tmp_path, "elsewhere", True) == []


def test_a_result_is_found_by_its_instance_whatever_its_number(tmp_path: Path) -> None:
    """Also beyond 9999, so that a resumed run stores nothing twice."""
    (tmp_path / "m5.large").mkdir()
    (tmp_path / "m5.large" / "9999_a.json").write_text("{}")
    path = save(tmp_path, "m5.large", "a", {"instance_id": "i-1"})
    assert storage.find(tmp_path, "m5.large", "i-1") == path


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_result_has_the_mode_that_the_umask_gives(tmp_path: Path, mask: int) -> None:
    """As any new file, so that whoever may read the project may read its results."""
    before = os.umask(mask)
    try:
        path = save(tmp_path, "m5.large", "a", {})
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


def test_a5_a_lone_surrogate_is_written_out(tmp_path: Path) -> None:
    """No UTF-8 holds one, and strict readers refuse a file with one; a pair, which is one character, stays."""
    path = save(tmp_path, "m5.large", "run", {"a\ud800": ["\udfff", "\U0001f600"]})
    assert read_json(path) == {"a\\ud800": ["\\udfff", "\U0001f600"]}
