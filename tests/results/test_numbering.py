"""The numbers of results: of their names, of the next one in a folder, of the next one in a bucket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_benchmark.storage.file import FileStorage

from pytest_benchmark_aws.results import numbering
from pytest_benchmark_aws.results.numbering import (
    link_numbered,
    next_number,
    number_key,
    number_of,
    renumbered,
    taken_numbers,
)
from pytest_benchmark_aws.results.storage import latest, save

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("0001_a.json", 1),
        ("10000_a.json", 10000),
        ("001_a.json", None),
        ("a.json", None),
        ("\u0660\u0660\u0660\u0661_a.json", None),
    ],
)
def test_a_results_number_has_four_digits_or_more(name: str, number: int | None) -> None:
    """As pytest-benchmark writes it."""
    assert number_of(name) == number


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.from_regex(r"[a-z0-9_.-]+", fullmatch=True))
def test_another_number_keeps_the_name(old: int, new: int, rest: str) -> None:
    """All but the number stays."""
    name = renumbered(renumbered(f"0000_{rest}.json", old), new)
    assert number_of(name) == new
    assert name.endswith(f"_{rest}.json")


def test_a_number_that_is_taken_is_never_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another process takes the number after the look, the next one is used."""
    first = save(tmp_path, "m5.large", "a", {"value": 1})
    monkeypatch.setattr(numbering, "numbered", lambda _: {})
    second = save(tmp_path, "m5.large", "a", {"value": 2})
    assert (first.name, second.name) == ("0001_a.json", "0002_a.json")
    assert json.loads(first.read_text()) == {"value": 1}


def test_numbers_go_on_beyond_9999(tmp_path: Path) -> None:
    """After 9999 comes 10000, the last one is the one with the highest number, and stock pytest-benchmark reads it."""
    folder = tmp_path / "m5.large"
    folder.mkdir()
    (folder / "9999_a.json").write_text('{"benchmarks": []}')
    assert save(tmp_path, "m5.large", "b", {}).name == "10000_b.json"
    newest = save(tmp_path, "m5.large", "a", {"machine_info": {}, "benchmarks": []})
    assert newest.name == "10001_a.json"
    assert latest(tmp_path, "m5.large", True) == [newest]
    stock = FileStorage(str(tmp_path), logger=None)
    assert [str(path) for path, _ in stock.load("10001")] == ["m5.large/10001_a.json"]


def test_a_number_is_taken_by_a_result_and_by_an_upload_that_has_not_ended() -> None:
    """Of that folder alone, and of nothing else that somebody put there."""
    keys = ["m5.large/0001_a.json", "m5.large/0002_b.txt", "m5.large/x/0003_a.json", "m5.large-spot/0004_a.json"]
    keys += ["0005_a.json", number_key("m5.large/", 6), number_key("", 7), ".numbers/m5.large/00x8"]
    assert taken_numbers(keys, "m5.large/") == {1, 6}
    assert taken_numbers(keys, "") == {5, 7}


@pytest.mark.parametrize("far", [999_999_999, 999_999_998, 123_456_789])
def test_k8_a_number_that_somebody_took_far_above_is_not_gone_on_from(tmp_path: Path, far: int) -> None:
    """Whoever may write to a shared storage may take any; results keep following one another."""
    taken = {1, 2, 3, far}
    file = tmp_path / "new"
    file.write_text("{}")
    first = link_numbered(file, tmp_path, "0003_a.json", taken)
    second = link_numbered(file, tmp_path, "0003_a.json", taken)
    assert (first.name, second.name) == ("0004_a.json", "0005_a.json")
    assert [number_of(path.name) for path in (first, second)] == [4, 5]


@given(st.sets(st.integers(0, 999_999_999) | st.integers(0, 20) | st.integers(999_999_000, 999_999_999), max_size=40))
def test_k8_there_is_always_a_free_number_that_a_name_can_have(taken: set[int]) -> None:
    """It is none of those taken, and its name is a result's."""
    number = next_number(taken)
    assert number not in taken
    assert number_of(f"{number:04}_x.json") == number
