"""Commands and what AWS has withdrawn: no policy is printed for it, and old results of it are read and compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.catalog import gpus
from pytest_benchmark_aws.cli import main
from tests.result_files import benchmark, result, write

if TYPE_CHECKING:
    from pathlib import Path

NOTE = {
    "ml.p3.2xlarge": ("1 x V100", 8, "61 GiB", 1.0),
    "ml.p3.8xlarge": ("4 x V100", 32, "244 GiB", 0.5),
    "ml.p3.16xlarge": ("8 x V100", 64, "488 GiB", 0.25),
    "ml.p2.xlarge": ("1 x K80", 4, "61 GiB", 4.0),
    "ml.p2.8xlarge": ("8 x K80", 32, "488 GiB", 2.0),
    "ml.p2.16xlarge": ("16 x K80", 64, "732 GiB", 1.5),
}
"""The six rows of the note, with vCPUs, memory and seconds."""


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("p3.2xlarge", "p3.2xlarge (1 x V100, 16 GiB) has been gone since 2025-12-20: name g6.xlarge ("),
        ("ml.p2.xlarge", "ml.p2.xlarge (1 x K80, 12 GiB) has been gone with EC2 P2 since 2025-04-17 at the latest: "),
        ("p3", "EC2 P3 has been retired since 2025-12-20: use newer G or P types instead"),
        ("forecast", "Amazon Forecast has been closed to new customers since 2024-07-31 at the latest: use Amazon "),
        ("deepracer", "AWS DeepRacer ended on a day that is not confirmed (December 2025 was announced): use the "),
    ],
)
def test_no_policy_is_printed_for_it(word: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Since when it is gone, and what to use instead, in a sentence; exit code 2 as for other wrong usage."""
    with pytest.raises(SystemExit) as ended:
        main(["policy", word])
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("word", ["polly", "m5.8xlarge", "clients"])
def test_another_word_is_answered_with_the_choices(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What lives has no policy of its own either."""
    with pytest.raises(SystemExit):
        main(["policy", word])
    assert "invalid choice" in capsys.readouterr().err


def test_old_results_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each of the six rows has its name, vCPUs and memory beside what lives, and the GPUs that the note gives it."""
    for name, (_, vcpus, memory_gib, seconds) in NOTE.items():
        hardware = {"vcpus": vcpus, "memory_bytes": int(memory_gib.split()[0]) * 2**30}
        data = result(benchmark([seconds] * 3), instance_type=name, launch=name, machine={"hardware": hardware})
        write(tmp_path / name / "0001_old.json", data)
    write(tmp_path / "g6.xlarge/0001_new.json", result(benchmark([0.8] * 3), instance_type="g6.xlarge", launch="i-9"))
    assert main(["compare", str(tmp_path), "--columns", "machine,vcpus,memory,time"]) == 0
    shown = capsys.readouterr().out
    for name, (has, vcpus, memory, _) in NOTE.items():
        (line,) = [line for line in shown.splitlines() if name in line.split()]
        assert str(vcpus) in line.split()
        assert memory in line
        assert str(gpus.of(name)).startswith(f"{has}, ")
    assert "g6.xlarge" in shown


def test_what_is_not_in_a_file_is_the_catalogs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A stock file that names the type alone: its vCPUs and memory are known still, and no price is made up."""
    for name, (_, _, _, seconds) in NOTE.items():
        write(tmp_path / name / "0001_old.json", result(benchmark([seconds]), instance_type=name, launch=name))
    assert main(["compare", str(tmp_path), "--format", "json"]) == 0
    rows = [row for test in json.loads(capsys.readouterr().out)["sections"] for row in test["rows"]]
    assert {row["usd-hour"] for row in rows} == {None}
    assert {row["machine"]: row["vcpus"] for row in rows} == {name: vcpus for name, (_, vcpus, *_) in NOTE.items()}
