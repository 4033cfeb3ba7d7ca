"""Scales, threads and the memory model's arithmetic."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import workload
from benchmarks.workload import ScaleError, Workload, parse_scale, training_bytes
from pytest_benchmark_aws.machine import hardware

GIB = 2**30
LEAST = 2_273


def test_full_is_the_published_shape() -> None:
    """``full`` is 13,788,428 and 2,433,253 rows, 30 features, 401 classes, 4 rounds."""
    assert parse_scale("full") == Workload("full", 13_788_428, 2_433_253, 30, 401, 4)


def test_smoke_is_five_thousand_rows() -> None:
    """``smoke`` keeps the published proportion: 5,000 to 882."""
    shape = parse_scale("smoke")
    assert (shape.rows, shape.validation_rows) == (5_000, 882)


@pytest.mark.parametrize(
    ("text", "rows"), [("200000", 200_000), ("200k", 200_000), ("2.4M", 2_400_000), ("1_000_000", 10**6)]
)
def test_rows_are_read_as_people_write_them(text: str, rows: int) -> None:
    """Plain numbers, thousands and millions."""
    assert parse_scale(text).rows == rows


@pytest.mark.parametrize("text", ["", "huge", "-5000", "1e6", "2.4", "100", "2269", "5 k", "nan"])
def test_what_is_no_scale_is_refused(text: str) -> None:
    """Neither a name nor enough rows: an error that shows what is."""
    with pytest.raises(ScaleError, match=r"--scale="):
        parse_scale(text)


def test_the_same_rows_are_the_same_scale() -> None:
    """5000 is smoke, however it is written, so results find each other."""
    assert parse_scale("5k") == parse_scale("5000") == parse_scale("smoke")


@given(st.integers(LEAST, 10**9))
def test_scaling_changes_rows_only(rows: int) -> None:
    """Any number of rows keeps features, classes, rounds and the proportion of the validation set."""
    shape = parse_scale(str(rows))
    assert (shape.rows, shape.features, shape.classes, shape.boosting_rounds) == (rows, 30, 401, 4)
    assert abs(shape.validation_rows - rows * 2_433_253 / 13_788_428) <= 0.5000001


def test_full_needs_93_gib() -> None:
    """Full size fits 128 GiB and does not fit 64."""
    assert 91 * GIB < training_bytes(parse_scale("full"), 32) < 96 * GIB


@pytest.mark.parametrize(
    ("rows", "validation_rows", "mib"), [(50_000, 10_000, 340), (200_000, 40_000, 1348), (2_400_000, 20_000, 14804)]
)
def test_the_model_gives_the_measured_growth(rows: int, validation_rows: int, mib: int) -> None:
    """Growth while training, as measured: the model less the arrays and the process, within 3 percent."""
    shape = Workload("x", rows, validation_rows)
    growth = training_bytes(shape, 1) - workload.dataset_bytes(shape, 1)
    assert growth / 2**20 == pytest.approx(mib, rel=0.03)


def test_threads_have_no_duplicates() -> None:
    """Of names that mean the same number here, one stays, and vcpus always does."""
    names = workload.distinct_threads()
    assert len({workload.thread_count(name) for name in names}) == len(names)
    assert "vcpus" in names


@pytest.mark.parametrize(
    ("socket", "cores", "vcpus", "names"),
    [
        (24, 48, 96, ["1", "socket", "cores", "vcpus"]),  # c5.24xlarge
        (16, 16, 32, ["1", "cores", "vcpus"]),  # m5.8xlarge: one socket
        (96, 192, 192, ["1", "socket", "vcpus"]),  # c7a.metal-48xl: a thread a core
        (0, 4, 4, ["1", "vcpus"]),  # where the kernel does not tell the sockets
        (1, 1, 1, ["vcpus"]),
    ],
)
def test_a_socket_is_a_thread_count_of_its_own(
    monkeypatch: pytest.MonkeyPatch, socket: int, cores: int, vcpus: int, names: list[str]
) -> None:
    """``socket`` stays where a second one makes it differ from all cores."""
    facts = dataclasses.replace(hardware.read_facts(), cores=cores, vcpus=vcpus)
    monkeypatch.setattr(hardware, "read_facts", lambda: facts)
    monkeypatch.setattr(hardware, "socket_cpus", lambda: frozenset(range(socket)))
    assert workload.distinct_threads() == names
    assert workload.thread_count("socket") == (socket or cores)


@given(st.integers(LEAST, 10**9), st.integers(1, 256))
def test_more_rows_need_more_memory(rows: int, threads: int) -> None:
    """The model grows with rows and with threads."""
    shape, larger = parse_scale(str(rows)), parse_scale(str(rows + 1000))
    assert training_bytes(shape, threads) < training_bytes(larger, threads)
    assert training_bytes(shape, threads) < training_bytes(shape, threads + 1)
