"""What can go wrong between a machine and the bucket, and processes that are killed or work at once."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.core.errors import PlanError, UnreachableError
from tests.shared.conftest import Machine

if TYPE_CHECKING:
    from tests.shared.conftest import Bucket

PUT = "PutObject"


@pytest.mark.parametrize(
    ("code", "status"),
    [("ConditionalRequestConflict", 409), ("SlowDown", 503), ("ServiceUnavailable", 503), ("InternalError", 500)],
)
def test_what_s3_asks_to_try_again_is_tried_again(
    bucket: Bucket, no_backoff: list[float], code: str, status: int
) -> None:
    """A conflicting write and a busy service cost tries, no result, and no number."""
    one = bucket.machine()
    one.save(1)
    bucket.fail(PUT, code, status, times=3)
    done = one.mirror.upload()
    assert (done.names, done.pending, done.problem) == (("m5.large/0001_same.json",), 0, "")
    assert len(one.waits) + len(no_backoff) == 3


def test_a_conflict_without_end_leaves_the_result_for_later(bucket: Bucket) -> None:
    """After eight tries, each after a longer wait, it is pending, and the next session's upload has it."""
    one = bucket.machine()
    one.save(1)
    bucket.fail(PUT, "ConditionalRequestConflict", 409, times=8)
    done = one.mirror.upload()
    assert (done.names, done.pending) == ((), 1)
    assert "got in the way 8 times" in done.problem
    assert len(one.waits) == 8
    assert all(0 <= wait <= 5 for wait in one.waits)
    assert one.mirror.upload().names == ("m5.large/0001_same.json",)


def test_a_lost_reply_makes_no_second_copy(bucket: Bucket, no_backoff: list[float]) -> None:
    """The number and the object were written, their answers lost: the retry finds them, and one copy is there."""
    one = bucket.machine()
    one.save(1)
    bucket.fail(PUT, "InternalError", 500, times=1, after=True)  # the number's: it is taken, by whom cannot be known
    assert one.mirror.upload().pending == 0
    assert list(bucket.values().values()) == [1]
    one.save(2)
    one.clients("s3").meta.events.register_first("before-send.s3.PutObject", _lose_the_objects(bucket))
    assert one.mirror.upload().pending == 0
    assert sorted(bucket.values().values()) == [1, 2]
    assert one.files() == bucket.values()


def _lose_the_objects(bucket: Bucket) -> Any:
    """Lets the server lose its answer to the write of a result, once; not to that of a number."""
    lost: list[str] = []

    def handler(request: Any, **_: Any) -> None:
        if "/.numbers/" not in request.url and not lost:
            lost.append(request.url)
            bucket.fail(PUT, "InternalError", 500, times=1, after=True)

    return handler


def test_a_denied_write_leaves_the_result_and_names_the_policy(bucket: Bucket) -> None:
    """A reader's credentials: nothing is lost, and the message says which policy is needed."""
    one = bucket.machine()
    one.save(1)
    bucket.fail(PUT, "AccessDenied", 403)
    done = one.mirror.upload()
    assert (done.names, done.pending) == ((), 1)
    assert "access denied" in done.problem
    assert "policy storage" in done.problem


def test_ended_credentials_are_no_verdict_on_the_bucket(bucket: Bucket) -> None:
    """They may be renewed: the session goes on with its cache, and is told to log in."""
    one = bucket.machine()
    for code in ("ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"):
        bucket.fail("ListObjectsV2", code, 403)
        with pytest.raises(UnreachableError, match=f"{code}.*log in again"):
            one.mirror.sync()


def test_any_other_no_of_s3_is_told_in_its_words(bucket: Bucket) -> None:
    """An error that nobody thought of is no traceback."""
    bucket.fail("ListObjectsV2", "InvalidObjectState", 400)
    with pytest.raises(PlanError, match=f"s3://{bucket.name}: S3 refuses: .*InvalidObjectState"):
        bucket.machine().mirror.sync()


def test_a_sync_that_breaks_off_keeps_what_came(bucket: Bucket, no_backoff: list[float]) -> None:
    """The next one fetches the rest alone."""
    for number in range(1, 4):
        bucket.put(f"bench/m5.large/000{number}_x.json", number)
    one = bucket.machine()
    asked: list[str] = []

    def third(params: dict[str, Any], **_: Any) -> None:
        asked.append(params["Key"])
        if "0003" in params["Key"] and asked.count(params["Key"]) == 1:
            bucket.fail("GetObject", "AccessDenied", 403)

    one.clients("s3").meta.events.register("provide-client-params.s3.GetObject", third)
    with pytest.raises(PlanError, match="access denied"):
        one.mirror.sync()
    assert one.mirror.last_synced() is None
    one.mirror.sync()
    assert one.files() == {f"m5.large/000{number}_x.json": number for number in range(1, 4)}


@pytest.mark.parametrize("cut", [0, 100])
def test_an_object_that_comes_in_part_is_no_file(bucket: Bucket, cut: int) -> None:
    """A body that ends early never gets a result's name."""
    bucket.put("bench/m5.large/0001_x.json", "x" * 1000)
    one = bucket.machine()

    def shorten(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Body"] = _Cut(cut)

    one.clients("s3").meta.events.register("after-call.s3.GetObject", shorten)
    with pytest.raises(UnreachableError, match=f"{cut} of 1,... bytes came"):
        one.mirror.sync()
    assert one.files() == {}


class _Cut:
    """A body of so many bytes."""

    def __init__(self, size: int) -> None:
        self.left = b"x" * size

    def read(self, amount: int) -> bytes:
        taken, self.left = self.left[:amount], self.left[amount:]
        return taken

    def __enter__(self) -> _Cut:
        return self

    def __exit__(self, *_: object) -> None: ...


def test_an_object_that_changes_while_it_is_fetched_comes_next_time(bucket: Bucket) -> None:
    """What was listed is what is fetched, or nothing is."""
    bucket.put("bench/m5.large/0001_x.json", 1)
    one = bucket.machine()

    def change(**_: Any) -> None:
        one.clients("s3").meta.events.unregister("before-send.s3.GetObject", change)
        bucket.put("bench/m5.large/0001_x.json", 2)

    one.clients("s3").meta.events.register("before-send.s3.GetObject", change)
    assert one.mirror.sync().new == 0
    assert one.mirror.sync().new == 1
    assert one.files() == {"m5.large/0001_x.json": 2}


def upload_and_die(cache: str, url: str, environment: dict[str, str], when: str, number: int) -> None:
    """Saves a result, uploads it, and ends without any tidying at a moment of the n-th write."""
    one, seen = Machine(Path(cache), url, environment), []
    one.save("mine")

    def die(**_: object) -> None:
        seen.append(1)
        if len(seen) == number:
            os._exit(9)

    one.clients("s3").meta.events.register(f"{when}.s3.PutObject", die)
    one.mirror.upload()


@pytest.mark.parametrize(
    ("when", "number"),
    [("before-send", 1), ("after-call", 1), ("before-send", 2), ("after-call", 2)],
    ids=["before-its-number", "after-its-number", "before-the-object", "after-the-object"],
)
@pytest.mark.parametrize("taken", [False, True], ids=["free", "taken"])
def test_a_killed_upload_is_made_good_once(bucket: Bucket, when: str, number: int, taken: bool) -> None:
    """Wherever it was killed, also with its number taken elsewhere: the next session has one copy there and here."""
    if taken:
        bucket.put("bench/m5.large/0001_same.json", "theirs")
    context = multiprocessing.get_context("spawn")
    args = (str(bucket.tmp_path / "one"), bucket.url, bucket.aws.environment(), when, number)
    process = context.Process(target=upload_and_die, args=args)
    process.start()
    process.join()
    assert process.exitcode == 9
    one = bucket.machine("one")
    one.mirror.sync()
    assert one.mirror.upload().pending == 0
    assert sorted(bucket.values().values()) == (["mine", "theirs"] if taken else ["mine"])
    one.mirror.sync()
    assert one.files() == bucket.values()


def save_and_upload(cache: str, url: str, environment: dict[str, str], who: int, start: Any) -> None:
    """One writer: three sessions, each of which saves under the same name and uploads."""
    one = Machine(Path(cache), url, environment)
    start.wait()
    for number in range(3):
        one.mirror.sync()
        one.save([who, number], "same" if who % 2 else "other")
        one.mirror.upload()


def test_writers_at_once_lose_nothing_and_write_over_nothing(bucket: Bucket) -> None:
    """Six processes on three machines, two names: every result is there once, and each number is one result's."""
    context = multiprocessing.get_context("spawn")
    writers = 6
    start = context.Barrier(writers)
    processes = [
        context.Process(
            target=save_and_upload,
            args=(str(bucket.tmp_path / f"cache{who // 2}"), bucket.url, bucket.aws.environment(), who, start),
        )
        for who in range(writers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * writers
    found = bucket.values()
    assert sorted(found.values()) == [[who, number] for who in range(writers) for number in range(3)]
    numbers = [name.split("/")[1].split("_")[0] for name in found]
    assert len(set(numbers)) == len(numbers)
    for cache in range(3):
        machine = bucket.machine(f"cache{cache}")
        machine.mirror.sync()
        assert machine.mirror.pending() == []
        assert machine.files() == found
