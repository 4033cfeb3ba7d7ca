"""Rows 31 to 33 of the fault table: results that are cut, foul, or there twice."""

from __future__ import annotations

import io
import json
import sys
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.core import guest_result
from pytest_benchmark_aws.guest.s3 import Uploader
from pytest_benchmark_aws.results import storage
from tests.faults.guests import Crafted, line_of, loopback, result
from tests.faults.world import opened
from tests.guest.test_launch import finished, outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.world import World

GOOD = result(line_of("test_one"))
MORE = json.dumps(line_of("test_two")).encode() + b"]}"
LIMIT = 2**20


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One embedded AWS for all tests here, each of which has a run of its own."""
    pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")
    with opened(tmp_path_factory.mktemp("world")) as made:
        yield made


def spoil(launch: Crafted, times: int, change: Any) -> list[str]:
    """Lets the next ``times`` answers of GetObject for the result come with other bytes."""
    from botocore.awsrequest import AWSResponse

    spoiled: list[str] = []

    def answer(request: Any, **_: Any) -> Any:
        if not request.url.endswith("/data") or len(spoiled) == times:
            return None
        spoiled.append(request.url)
        return AWSResponse(request.url, 200, {"Content-Length": str(len(GOOD))}, io.BytesIO(change(GOOD)))

    launch.clients("s3").meta.events.register("before-send.s3.GetObject", answer)
    return spoiled


FOUL = pytest.mark.parametrize(
    "change", [lambda data: data[:-3], lambda data: data.replace(b"0.25", b"0.01")], ids=["truncated", "corrupt"]
)


@FOUL
def test_fault_31_what_comes_cut_or_changed_is_fetched_again(world: World, change: Any) -> None:
    """Two answers that do not fit the digest are not taken; the third is."""
    launch = Crafted(world)
    launch.deliver(GOOD)
    spoiled = spoil(launch, 2, change)
    found = launch.collect()
    assert (found.outcome, found.whole, len(spoiled)) == ("passed", True, 2)
    assert found.lines == (line_of("test_one"),)
    assert launch.quarantined() == []


@FOUL
def test_fault_31_what_stays_so_is_quarantined(world: World, change: Any) -> None:
    """A result that never fits its digest is an error without lines, and lies beside the log for who looks into it."""
    launch = Crafted(world)
    launch.deliver(GOOD)
    launch.put("data", change(GOOD))
    launch.put("checkpoint", json.dumps(line_of("test_one")).encode() + b"\n")
    found = launch.collect()
    assert found.outcome.startswith("error: the result is refused: ")
    assert str(launch.quarantined()[0]) in found.outcome
    assert (found.lines, found.phases) == ((), {})
    assert launch.quarantined()[0].read_bytes() == change(GOOD)
    assert found.log == "the guest's log"


def raw(old: str, new: str) -> bytes:
    """The good result with a piece of its text replaced."""
    text = GOOD.decode()
    assert old in text
    return text.replace(old, new).encode()


REFUSED = {
    "another schema": (raw('"schema": 1', '"schema": 2'), "no result of schema 1"),
    "no schema": (b"{}", "no result of schema 1"),
    "a list": (b"[1, 2]", "no result of schema 1"),
    "no JSON": (b"\xff\xfe{", "it is no JSON"),
    "deep": (raw("0.25", "[" * 100_000 + "]" * 100_000), "nested deeper than 64"),
    "deep and open": (b"[" * 500_000, "nested deeper than 64"),
    "no lines": (raw('"lines": [', '"lines": 0, "else": ['), "lines are no list"),
    "an outcome that is no text": (
        raw('"outcome": "passed", "phases"', '"outcome": 3, "phases"'),
        "outcome is no text",
    ),
    "phases in words": (raw("1.5", '"long"'), "phases are no numbers by name"),
}


REFUSED_LINES = {
    "1e999": (raw("0.25", "1e999"), "1e999 is no finite number"),
    "5000 digits": (raw("0.25", "9" * 5000), "stats.data are no numbers"),
    "NaN": (raw("0.25", "NaN"), "NaN is no finite number"),
    "infinity": (raw("0.25", "-Infinity"), "-Infinity is no finite number"),
    "a little deep": (raw("0.25", "[" * 70 + "]" * 70), "nested deeper than 64"),
    "a text for a number": (raw("0.25", '"0.25"'), "stats.data are no numbers"),
    "a bool for a number": (raw("0.25", "true"), "stats.data are no numbers"),
    "a line that is no object": (raw('"lines": [', '"lines": [7, '), "line 1 is no object"),
    "reports of no kind": (raw('"$report_type": "TestReport"', '"$report_type": null'), "$report_type is no text"),
    "extra_info as a list": (raw('"extra_info": {}', '"extra_info": []'), "extra_info is no object"),
}


@pytest.mark.parametrize(("data", "why"), REFUSED_LINES.values(), ids=list(REFUSED_LINES))
def test_fault_32_a_foul_line_is_refused_alone(data: bytes, why: str) -> None:
    """The same of a line: it is refused in words, and the others are taken."""
    found = guest_result.parse(data[:-2] + b", " + MORE)
    refused, *others = [line for line in found.lines if line != line_of("test_one")]
    assert (refused["kind"], others) == ("refused", [line_of("test_two")])
    assert why in refused["text"]


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=list(REFUSED))
def test_fault_32_a_foul_result_is_refused(data: bytes, why: str) -> None:
    """What is no result of ours is refused in words, whatever its digest says."""
    with pytest.raises(guest_result.EnvelopeError) as caught:
        guest_result.parse(data)
    assert why in str(caught.value)


def test_fault_32_a_refused_result_costs_its_launch_alone(world: World) -> None:
    """The client goes on with an outcome that names the reason; the result is kept aside and nothing of it is taken."""
    launch = Crafted(world)
    launch.deliver(raw('"schema": 1', '"schema": 2'))
    found = launch.collect()
    assert found.outcome.startswith("error: the result is refused: it is no result of schema 1; kept as ")
    assert found.lines == ()
    assert len(launch.quarantined()) == 1


def test_a5_a_refused_line_costs_its_case_alone(world: World) -> None:
    """The launch's outcome is its own, the other line is taken, and the refused one says where its bytes are."""
    launch = Crafted(world)
    data = raw("0.25", "1e999")[:-2] + b", " + MORE
    launch.deliver(data)
    found = launch.collect()
    assert (found.outcome, found.lines[1]) == ("passed", line_of("test_two"))
    assert found.lines[0]["nodeid"] == "test_it.py::test_one"
    assert found.lines[0]["text"].startswith("line 1: 1e999 is no finite number; kept as ")
    assert launch.quarantined()[0].read_bytes() == data


class Endless(io.RawIOBase):
    """A body of as many bytes as somebody reads."""

    asked = 0

    def read(self, size: int = -1) -> bytes:
        self.asked += size
        return b" " * size


def test_fault_32_an_object_of_10_gb_is_refused_in_bounded_memory(world: World) -> None:
    """Of a result without end no more is read than the limit, here of 1 MiB, and its launch alone fails."""
    from botocore.awsrequest import AWSResponse

    launch, body = Crafted(world, limit=LIMIT), Endless()
    launch.deliver(GOOD)

    def answer(request: Any, **_: Any) -> Any:
        big = {"Content-Length": str(10 * 10**9)}
        return AWSResponse(request.url, 200, big, body) if request.url.endswith("/data") else None

    launch.clients("s3").meta.events.register("before-send.s3.GetObject", answer)
    found = launch.collect()
    assert found.outcome.startswith("error: the result is refused: ")
    assert f"more than {LIMIT:,} bytes" in found.outcome
    assert (body.asked, launch.quarantined()[0].read_bytes()) == (LIMIT + 1, b"")


def test_fault_32_no_other_object_of_a_guest_is_read_beyond_its_limit(world: World) -> None:
    """Log, heartbeat, checkpoint and digest that are too large count as not there, or are refused; nothing raises."""
    launch = Crafted(world, limit=LIMIT)
    for name in ("log", "heartbeat", "checkpoint"):
        launch.put(name, b"[" * (3 * LIMIT))
    assert launch.backend.poll([launch.handle])["i-0"].heartbeat == {}
    assert launch.backend.log(launch.handle) == ""
    found = launch.collect()
    assert (found.lines, found.whole) == ((), False)
    launch.put("done", b"[" * (3 * LIMIT))
    assert launch.collect().outcome.startswith("error: the result is refused: ")


def test_fault_32_a_dense_result_is_refused_before_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text whose values would take many times its size in memory is refused by its commas and brackets."""
    monkeypatch.setattr(guest_result, "MAX_VALUES", 10_000)
    dense = b'{"schema": 1, "lines": [' + b"{}," * 100_000 + b"{}]}"
    tracemalloc.start()
    try:
        with pytest.raises(guest_result.EnvelopeError, match="it holds about 200,00"):
            guest_result.parse(dense)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < sys.getsizeof(dense)


def test_a4_commas_in_texts_are_no_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """A result with more of them than values may be is taken; none outside is hidden by another encoding."""
    monkeypatch.setattr(guest_result, "MAX_VALUES", 10_000)
    found = guest_result.parse(raw('"extra_info": {}', '"extra_info": {"text": "' + ",[{" * 20_000 + '"}'))
    assert found.lines[0]["benchmarks"][0]["extra_info"] == {"text": ",[{" * 20_000}
    hidden = "[" + "\u2200" + "{}," * 100_000 + "]"  # whose first byte, in UTF-16, is a quote's in the wrong place
    with pytest.raises(guest_result.EnvelopeError):
        guest_result.parse(hidden.encode("utf-16"))


def test_fault_32_a_nan_of_an_honest_test_does_not_cost_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NaN and infinity in a test's own extra_info and params leave the guest as text, and the result is taken."""
    with loopback(tmp_path / "launch") as launch:
        launch.tests(
            "import pytest\ninf = float('inf')\n@pytest.mark.parametrize('limit', [inf])\n"
            "def test_it(benchmark, limit):\n"
            "    benchmark.extra_info['score'] = float('nan')\n    benchmark.pedantic(int, rounds=2)\n"
        )
        launch.job["node_ids"] = ["test_it.py"]
        outcome_of(launch, monkeypatch)
        found = guest_result.parse(launch.storage.last("data"))
    assert finished({"lines": found.lines}) == ["test_it.py::test_it[inf]"]
    (bench,) = next(line["benchmarks"] for line in found.lines if line["kind"] == "test")
    assert (bench["extra_info"], bench["params"]) == ({"score": "nan"}, {"limit": "inf"})


def test_fault_33_a_second_delivery_changes_nothing(world: World) -> None:
    """A guest that delivers again meets its own objects: they stay as they are, and the result is the first."""
    launch = Crafted(world)
    launch.deliver(GOOD)
    bucket, s3 = launch.backend.site.bucket, launch.clients("s3")
    before = {name: bucket.get(f"{launch.prefix}/{name}", LIMIT) for name in ("data", "done")}
    times = {name: s3.head_object(Bucket=bucket.name, Key=f"{launch.prefix}/{name}")["LastModified"] for name in before}
    for name in before:
        url = bucket.url("put_object", f"{launch.prefix}/{name}", 3600, IfNoneMatch="*")
        Uploader({name: {"url": url, "headers": {"If-None-Match": "*"}}}).put(name, b"another")
    assert before == {name: bucket.get(f"{launch.prefix}/{name}", LIMIT) for name in before}
    assert times == {
        name: s3.head_object(Bucket=bucket.name, Key=f"{launch.prefix}/{name}")["LastModified"] for name in before
    }
    assert launch.collect() == launch.collect()


def test_fault_33_what_is_stored_is_stored_once(tmp_path: Path) -> None:
    """The file of an instance is found again by its id, so that a second delivery has nowhere to go."""
    data = {"machine_info": {"ec2": {"instance_id": "i-1"}}, "benchmarks": []}
    first = storage.save(tmp_path, "m5.large", "run", data)
    assert storage.find(tmp_path, "m5.large", "i-1") == first
    assert storage.find(tmp_path, "m5.large", "i-2") is None
