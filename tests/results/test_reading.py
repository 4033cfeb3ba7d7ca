"""Result files on disk: found, read, or refused by name."""

from __future__ import annotations

import json
import os
import resource
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.commands.inifile import project_settings
from pytest_benchmark_aws.core.compare.records import Reading
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.results.reading import find_files, read_files
from tests.result_files import benchmark, result, write

if TYPE_CHECKING:
    from pathlib import Path

HOW = Reading(snapshot.catalog())
GOOD = json.dumps(result(benchmark([1.0, 2.0])))
FAULTY = {
    "31-truncated": GOOD[: len(GOOD) // 2],
    "31-empty": "",
    "31-not-utf-8": b"\xff\xfe{}",
    "32-no-benchmarks": '{"machine_info": {}}',
    "32-a-list": "[]",
    "32-nan": GOOD.replace('"median": 1.5', '"median": NaN'),
    "32-infinity": GOOD.replace('"median": 1.5', '"median": Infinity'),
    "32-1e999": GOOD.replace('"median": 1.5', '"median": 1e999'),
    "32-deep": '{"benchmarks": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "32-digits": GOOD.replace('"median": 1.5', f'"median": {"9" * 5000}'),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_faulty_file_is_refused_by_name_and_the_others_are_read(tmp_path: Path, fault: str) -> None:
    """Whatever of rows 31 and 32 of the fault table is wrong with it."""
    good, bad = tmp_path / "good.json", tmp_path / f"{fault}.json"
    good.write_text(GOOD)
    text = FAULTY[fault]
    bad.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = read_files(find_files([str(tmp_path)]), HOW)
    assert (found.files, len(found.records)) == (1, 1)
    assert len(found.refused) == 1
    assert found.refused[0].startswith(f"{bad}: ")


def test_a_file_of_10_gb_is_refused_unread(tmp_path: Path) -> None:
    """A sparse one; the peak of this process shows that it was not read."""
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(10 * 10**9)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = read_files([huge], HOW)
    assert "10,000,000,000 bytes" in found.refused[0]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


def test_a_pipe_is_refused_unread(tmp_path: Path) -> None:
    """It would wait for its writer for ever."""
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    assert "no regular file" in read_files([pipe], HOW).refused[0]


def test_names_folders_and_patterns_are_found_once(tmp_path: Path) -> None:
    """A file that is named twice is read once."""
    for name in ("a/0001_x.json", "b/0001_x.json", "b/0002_x.json", "b/notes.txt"):
        write(tmp_path / name, {})
    names = [str(tmp_path / "a" / "0001_x.json"), str(tmp_path), f"{tmp_path}/*/0001*"]
    assert [path.relative_to(tmp_path).as_posix() for path in find_files(names)] == [
        "a/0001_x.json",
        "b/0001_x.json",
        "b/0002_x.json",
    ]


@pytest.mark.parametrize("name", ["absent.json", "*.nothing", "empty"])
def test_a_name_that_means_no_file_is_refused(tmp_path: Path, name: str) -> None:
    """A gate must not pass for want of files."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(PlanError, match=r"no such file|no \.json file"):
        find_files([str(tmp_path / name)])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\naws_throughput = rate\n"),
        ("tox.ini", "[tox]\n[pytest]\naws_throughput = rate\n"),
        ("setup.cfg", "[tool:pytest]\naws_throughput = rate\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\naws_throughput = "rate"\n'),
    ],
)
def test_the_projects_ini_file_is_read(tmp_path: Path, name: str, text: str) -> None:
    """From a folder within the project too, whichever of pytest's ini files it has."""
    (tmp_path / name).write_text(text)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert project_settings(inner)["aws_throughput"] == "rate"


def test_a_tox_ini_without_pytest_is_passed_over(tmp_path: Path) -> None:
    """As pytest does."""
    (tmp_path / "tox.ini").write_text("[tox]\n")
    (tmp_path / "setup.cfg").write_text("[tool:pytest]\naws_throughput = rate\n")
    assert project_settings(tmp_path) == {"aws_throughput": "rate"}
