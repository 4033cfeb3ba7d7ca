"""Folders of the cache are this user's alone, or are not used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.machine.folders import keeping, own_folder
from pytest_benchmark_aws.machine.regular_files import read_regular

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


def test_k7_a_folder_is_made_for_this_user_alone(tmp_path: Path) -> None:
    """Whatever the umask is; one that was open to others is closed."""
    before = os.umask(0)
    try:
        assert own_folder(tmp_path / "a" / "wheels").stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)
    (tmp_path / "a" / "wheels").chmod(0o777)
    assert own_folder(tmp_path / "a" / "wheels").stat().st_mode & 0o777 == 0o700


@ROOT_ONLY
def test_k7_another_users_folder_is_refused(tmp_path: Path) -> None:
    """With the remedy: what is run comes from there."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    with pytest.raises(PlanError, match=r"is another user's \(id 12345\).*set PYTEST_BENCHMARK_AWS_CACHE"):
        own_folder(folder)


@ROOT_ONLY
def test_k7_another_users_file_is_not_read(tmp_path: Path) -> None:
    """Where it is to be this user's own."""
    file = tmp_path / "prices.json"
    file.write_text("{}")
    assert read_regular(file, 10, own=True) == b"{}"
    os.chown(file, 12345, 12345)
    assert read_regular(file, 10) == b"{}"
    with pytest.raises(OSError, match="another user's"):
        read_regular(file, 10, own=True)


def test_k15_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    """As below a file, or on a file system that is read-only."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "wheels", Path("/proc/wheels"), Path("/sys/wheels")):
        with pytest.raises(PlanError, match=rf"{path} cannot be made or written.*set PYTEST_BENCHMARK_AWS_CACHE"):
            own_folder(path)


def test_k15_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    """Whatever is written when it becomes full."""
    with (
        pytest.raises(PlanError, match=r"cannot be written \(No space left on device\): set PYTEST_BENCHMARK"),
        keeping(tmp_path),
        open("/dev/full", "wb", buffering=0) as file,
    ):
        file.write(b"x")
