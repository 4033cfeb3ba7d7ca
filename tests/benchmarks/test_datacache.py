"""Generated data on disk."""

from __future__ import annotations

import os
import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks import datacache, datagen
from benchmarks.datacache import DataCacheError, load

if TYPE_CHECKING:
    from pathlib import Path

ROWS, VALIDATION_ROWS = 3_000, 500
SIZE = (ROWS + VALIDATION_ROWS) * 124


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("data-*"))


def test_what_is_there_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second load maps the files of the first."""
    first = load(ROWS, VALIDATION_ROWS, folder=tmp_path)
    monkeypatch.setattr(datagen, "generate", None)
    second = load(ROWS, VALIDATION_ROWS, folder=tmp_path)
    np.testing.assert_array_equal(first.x_train, second.x_train)
    assert isinstance(second.x_train, np.memmap)
    assert not second.x_train.flags.writeable


def test_each_shape_and_seed_has_its_own_entry(tmp_path: Path) -> None:
    """What made the data is its key."""
    load(ROWS, VALIDATION_ROWS, folder=tmp_path)
    load(ROWS + 1, VALIDATION_ROWS, folder=tmp_path)
    load(ROWS, VALIDATION_ROWS, seed=1, folder=tmp_path)
    load(ROWS, VALIDATION_ROWS, classes=7, folder=tmp_path)
    assert len(entries(tmp_path)) == 4


@pytest.mark.parametrize("damage", ["truncate", "remove", "garbage"])
def test_a_damaged_entry_is_made_anew(tmp_path: Path, damage: str) -> None:
    """A file that is short, missing or not an array is replaced by the right bytes."""
    expected = np.array(load(ROWS, VALIDATION_ROWS, folder=tmp_path).x_train)
    path = entries(tmp_path)[0] / "x_train.npy"
    if damage == "truncate":
        os.truncate(path, path.stat().st_size // 2)
    elif damage == "remove":
        path.unlink()
    else:
        path.write_bytes(b"not an array")
    np.testing.assert_array_equal(load(ROWS, VALIDATION_ROWS, folder=tmp_path).x_train, expected)


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    """The cache stays within its bound, and what was just used stays."""
    for age, rows in ((300, ROWS), (200, ROWS + 1), (100, ROWS + 2)):
        load(rows, VALIDATION_ROWS, folder=tmp_path)
        newest = max(entries(tmp_path), key=lambda path: path.stat().st_mtime)
        stamp = newest.stat().st_mtime - age
        os.utime(newest, (stamp, stamp))
    load(ROWS, VALIDATION_ROWS, folder=tmp_path)
    load(ROWS + 3, VALIDATION_ROWS, folder=tmp_path, limit_bytes=int(3.5 * SIZE))
    kept = {len(np.load(path / "y_train.npy", mmap_mode="r")) for path in entries(tmp_path)}
    assert kept == {ROWS, ROWS + 2, ROWS + 3}


def test_an_entry_larger_than_the_bound_is_kept_alone(tmp_path: Path) -> None:
    """The data of this run is always usable."""
    load(ROWS, VALIDATION_ROWS, folder=tmp_path)
    assert len(load(ROWS + 1, VALIDATION_ROWS, folder=tmp_path, limit_bytes=1).y_train) == ROWS + 1
    assert len(entries(tmp_path)) == 1


def test_a_failed_generation_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was begun and not finished is never read as data."""

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(datagen, "generate", fail)
    with pytest.raises(DataCacheError, match=r"no space left.*PYTEST_BENCHMARK_AWS_CACHE"):
        load(ROWS, VALIDATION_ROWS, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little room is an error with both numbers and the way out."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10))
    with pytest.raises(DataCacheError, match=r"GiB on disk.*GiB free.*PYTEST_BENCHMARK_AWS_CACHE"):
        load(ROWS, VALIDATION_ROWS, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_left_overs_of_killed_runs_go(tmp_path: Path) -> None:
    """A folder that was begun over a day ago is removed; one of a run beside us is not."""
    old, new = tmp_path / "new-old", tmp_path / "new-young"
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (1, 1))
    load(ROWS, VALIDATION_ROWS, folder=tmp_path)
    assert not old.exists()
    assert new.exists()


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PYTEST_BENCHMARK_AWS_CACHE wins over the user's cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert datacache.default_folder() == tmp_path / "xdg" / "pytest-benchmark-aws"
    monkeypatch.setenv("PYTEST_BENCHMARK_AWS_CACHE", str(tmp_path))
    assert datacache.default_folder() == tmp_path
