"""The record of a run on disk."""

from __future__ import annotations

import json
import resource
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws.run.journal import Journal, JournalError, read

VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.lists(st.text(max_size=5), max_size=3)
KEYS = st.text("abcdefgh", min_size=1, max_size=4)
LINES = st.lists(st.tuples(st.text(max_size=10), st.dictionaries(KEYS, VALUES, max_size=3)), max_size=5)


def written(lines: list[tuple[str, dict[str, Any]]]) -> bytes:
    """A journal of these lines, as bytes."""
    with tempfile.TemporaryDirectory() as made:
        journal = Journal.open(Path(made))
        for kind, what in lines:
            journal.write(kind, **what)
        journal.close()
        return journal.path.read_bytes()


def untimed(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines without their times, each of which must have one."""
    return [{key: value for key, value in line.items() if key != "time"} for line in lines if line["time"]]


def read_bytes(data: bytes) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "journal.jsonl"
        path.write_bytes(data)
        return untimed(read(path))


@settings(max_examples=50, deadline=None)
@given(LINES)
def test_what_is_written_is_read(lines: list[tuple[str, dict[str, Any]]]) -> None:
    """Every line comes back as it was, in order."""
    assert read_bytes(written(lines)) == [{"kind": kind, **what} for kind, what in lines]


@settings(max_examples=50, deadline=None)
@given(LINES, st.data())
def test_every_prefix_reads_as_a_prefix(lines: list[tuple[str, dict[str, Any]]], data: st.DataObject) -> None:
    """Wherever the disk stopped, what is read is the lines that were whole until then."""
    journal = written(lines)
    prefix = journal[: data.draw(st.integers(0, len(journal)))]
    whole = [{"kind": kind, **what} for kind, what in lines][: prefix.count(b"\n")]
    assert read_bytes(prefix) == whole


@settings(max_examples=50, deadline=None)
@given(LINES.filter(bool), st.data())
def test_one_damaged_byte_is_loud_or_loses_the_last_line(
    lines: list[tuple[str, dict[str, Any]]], data: st.DataObject
) -> None:
    """A changed byte is an error, but for the end of the last line; never another line than was written."""
    journal = bytearray(written(lines))
    place = data.draw(st.integers(0, len(journal) - 1))
    journal[place] ^= data.draw(st.integers(1, 255))
    try:
        found = read_bytes(bytes(journal))
    except JournalError:
        return
    assert place == len(journal) - 1
    assert found == [{"kind": kind, **what} for kind, what in lines][:-1]


def test_a_torn_last_line_is_not_there() -> None:
    """A line that its writer never finished is no line."""
    data = written([("intent", {"job": "a"}), ("launched", {"job": "a"})])
    assert [line["kind"] for line in read_bytes(data[:-1])] == ["intent"]
    assert [line["kind"] for line in read_bytes(data + data[:20])] == ["intent", "launched"]


def test_a_damaged_line_in_the_middle_is_named() -> None:
    """The error has the file, the number of the line and the next step."""
    first, second = (written([(kind, {})]) for kind in ("intent", "launched"))
    with pytest.raises(JournalError, match=r"journal\.jsonl: line 2 is damaged; look at the account by tag"):
        read_bytes(first + b"x" + second + first)


def test_a_line_carries_the_checksum_of_its_text() -> None:
    """What another tool reads is a checksum of 16 digits, a blank, and JSON."""
    digest, _, text = written([("intent", {"job": "m5.large"})]).partition(b" ")
    assert len(digest) == 16
    assert untimed([json.loads(text)]) == [{"kind": "intent", "job": "m5.large"}]


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    """While one writes a run's journal, no other can; once it has ended, another can go on."""
    first = Journal.open(tmp_path)
    first.write("one")
    with pytest.raises(JournalError, match="is being followed by another process"):
        Journal.open(tmp_path)
    first.close()
    second = Journal.open(tmp_path)
    second.write("two")
    second.close()
    assert [line["kind"] for line in read(second.path)] == ["one", "two"]


@settings(max_examples=30, deadline=None)
@given(LINES.filter(bool), st.data())
def test_a_later_writer_goes_on_after_a_torn_line(lines: list[tuple[str, dict[str, Any]]], data: st.DataObject) -> None:
    """Wherever a writer died, the next one's lines are read after those that were whole."""
    journal = written(lines)
    prefix = journal[: data.draw(st.integers(0, len(journal)))]
    with tempfile.TemporaryDirectory() as made:
        (Path(made) / "journal.jsonl").write_bytes(prefix)
        before = untimed(read(Path(made) / "journal.jsonl"))
        later = Journal.open(Path(made))
        later.write("resumed")
        later.close()
        assert untimed(read(later.path)) == [*before, {"kind": "resumed"}]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """Where the journal cannot be, nothing is launched, and the error says so."""
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="nothing was launched"):
        Journal.open(tmp_path / "file" / "run")


def test_a_full_disk_is_an_error() -> None:
    """What could not be written is announced before the act."""
    with tempfile.TemporaryDirectory() as made:
        journal = Journal.open(Path(made))
        journal._file.close()
        journal._file = open("/dev/full", "ab", buffering=0)  # noqa: SIM115
        with pytest.raises(JournalError, match="No space left"):
            journal.write("intent")
        journal.close()


def test_a_line_that_the_disk_cut_does_not_damage_the_next(tmp_path: Path) -> None:
    """After a line that was written in part, which is an error, later lines are read."""
    journal = Journal.open(tmp_path)
    journal.write("one")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.path.stat().st_size + 10, limits[1]))
    try:
        with pytest.raises(JournalError, match="10 of"):
            journal.write("two")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    journal.write("three")
    journal.close()
    assert [line["kind"] for line in read(journal.path)] == ["one", "three"]


def test_a_missing_journal_is_an_error(tmp_path: Path) -> None:
    """A run without a journal is not a run without lines."""
    with pytest.raises(JournalError, match=r"journal\.jsonl"):
        read(tmp_path / "journal.jsonl")
