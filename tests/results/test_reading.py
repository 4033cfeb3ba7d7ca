"""Result files on disk: found, read, or refused by name."""

from __future__ import annotations

import json
import os
import resource
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.commands.parts.inifile import project_settings
from pytest_benchmark_aws.core.compare.records import Reading
from pytest_benchmark_aws.core.compare.tables import compare_records
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.results.finding import find_files
from pytest_benchmark_aws.results.reading import read_files, read_json, read_newest
from tests.result_files import benchmark, result, write

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark_aws.core.compare.heads import Result

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


LAUNCHES = st.builds(
    dict,
    machine=st.sampled_from(["m5.large", "c5.large"]),
    launch=st.sampled_from(["i-1", "i-2", "i-3"]),
    day=st.integers(1, 4),
    commit=st.sampled_from("abc"),
    dirty=st.booleans(),
    medians=st.dictionaries(st.sampled_from(["test_it", "test_two"]), st.sampled_from([1.0, 2.0]), min_size=1),
    faulty=st.booleans(),
)


def _write_launches(folder: Path, launches: list[dict[str, Any]]) -> None:
    for number, launch in enumerate(launches):
        benches = [benchmark([seconds, seconds + 0.5], name) for name, seconds in launch["medians"].items()]
        data = result(
            *benches,
            instance_type=launch["machine"],
            launch=launch["launch"],
            when=f"2026-11-0{launch['day']}T10:00:00+00:00",
            commit=launch["commit"] * 40,
            dirty=launch["dirty"],
        )
        if launch["faulty"]:
            data["benchmarks"][-1]["stats"]["median"] = "soon"
        write(folder / f"{number:04}.json", data)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(launches=st.lists(LAUNCHES, max_size=8), only=st.sampled_from([None, "m5.large"]))
def test_what_counts_alone_is_compared_as_all_of_it_is(
    tmp_path_factory: pytest.TempPathFactory, launches: list[dict[str, Any]], only: str | None
) -> None:
    """Tables, what is refused, and how many results were left out as double or older."""
    folder = tmp_path_factory.mktemp("launches")
    _write_launches(folder, launches)
    files = sorted(folder.rglob("*.json"))

    def passes(result: Result) -> bool:
        return only is None or result.machine.instance_type == only

    counting, everything = read_newest(files, HOW, passes), read_files(files, HOW)
    compared = compare_records(counting.records)
    expected = compare_records(filter(passes, everything.records))
    assert compared.tables == expected.tables
    assert counting.duplicates + compared.duplicates == expected.duplicates
    assert counting.older + compared.older == expected.older
    assert counting.refused == everything.refused
    assert len(counting.heads) == len(everything.records)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is read twice where its commit turns out to be the newest by a later launch of it."""
    days = {"0001": ("b", 4), "0002": ("b", 2), "0003": ("a", 3)}  # read from the last to the first
    files = [
        write(
            tmp_path / f"{name}.json",
            result(
                benchmark([1.0]),
                instance_type="m5.large",
                launch=f"i-{name}",
                commit=commit * 40,
                when=f"2026-11-0{day}T10:00:00+00:00",
            ),
        )
        for name, (commit, day) in days.items()
    ]
    seen: list[Path] = []

    def changing(path: Path) -> object:
        seen.append(path)
        return read_json(path) if seen.count(path) == 1 else {"benchmarks": []}

    monkeypatch.setattr("pytest_benchmark_aws.results.reading.read_json", changing)
    counting = read_newest(files, HOW, lambda _: True)
    assert [record.source for record in counting.records] == [str(files[0])]
    assert counting.refused == (f"{files[1]}: it changed while it was read",)
