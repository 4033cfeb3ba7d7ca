"""A cache and its bucket: what comes, what goes, and that nothing is written over or lost."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.core.errors import PlanError, UnreachableError
from pytest_benchmark_aws.results.mirror_state import locked

if TYPE_CHECKING:
    from tests.shared.conftest import Bucket


def test_what_one_machine_uploads_another_has_after_its_sync(bucket: Bucket) -> None:
    """The same files, under the same names, with the same content."""
    one, two = bucket.machine("one"), bucket.machine("two")
    one.save(1)
    one.save(2)
    assert one.mirror.upload().names == ("m5.large/0001_same.json", "m5.large/0002_same.json")
    synced = two.mirror.sync()
    assert (synced.new, synced.total) == (2, 2)
    assert two.files() == one.files() == bucket.values()


def test_nothing_is_fetched_twice(bucket: Bucket) -> None:
    """A second sync lists, and downloads nothing; an upload's own results are never downloaded."""
    one = bucket.machine()
    one.save(1)
    one.mirror.upload()
    bucket.put("bench/m5.large/0002_x.json", 2)
    assert one.mirror.sync().new == 1
    assert one.mirror.sync().new == 0
    assert bucket.calls("GetObject") == [f"/{bucket.name}/bench/m5.large/0002_x.json"]


def test_a_changed_object_is_fetched_again(bucket: Bucket) -> None:
    """By its entity tag, also where the size is the same."""
    bucket.put("bench/m5.large/0001_x.json", 1)
    one = bucket.machine()
    one.mirror.sync()
    bucket.put("bench/m5.large/0001_x.json", 2)
    assert one.mirror.sync().new == 1
    assert one.files() == {"m5.large/0001_x.json": 2}


def test_what_is_gone_there_is_put_aside_here(bucket: Bucket) -> None:
    """Nobody compares with a result that was taken away, and its copy is kept."""
    bucket.put("bench/m5.large/0001_x.json", 1)
    one = bucket.machine()
    one.mirror.sync()
    bucket.delete("bench/m5.large/0001_x.json")
    (aside,) = one.mirror.sync().removed
    assert one.files() == {}
    assert b'"value": 1' in aside.read_bytes()
    assert one.mirror.upload().names == ()


def test_a_result_that_waits_is_never_put_aside(bucket: Bucket) -> None:
    """What no object was ever known of is pending, not gone."""
    one = bucket.machine()
    one.save(1)
    assert one.mirror.sync().removed == ()
    assert one.files() == {"m5.large/0001_same.json": 1}


def test_a_file_that_is_missing_here_is_fetched_again(bucket: Bucket) -> None:
    """Whoever deletes a file of the cache gets it back."""
    bucket.put("bench/m5.large/0001_x.json", 1)
    one = bucket.machine()
    one.mirror.sync()
    (one.mirror.place / "m5.large/0001_x.json").unlink()
    assert one.mirror.sync().new == 1
    assert one.files() == {"m5.large/0001_x.json": 1}


def test_a_result_that_took_a_deleted_files_name_is_not_taken_for_it(bucket: Bucket) -> None:
    """The cache's own record knows the file, not only its name: the new result is uploaded under another number."""
    bucket.put("bench/m5.large/0001_same.json", 1)
    one = bucket.machine()
    one.mirror.sync()
    (one.mirror.place / "m5.large/0001_same.json").unlink()
    one.save(2)
    assert one.mirror.upload().names == ("m5.large/0002_same.json",)
    one.mirror.sync()
    assert one.files() == bucket.values() == {"m5.large/0001_same.json": 1, "m5.large/0002_same.json": 2}


def test_two_results_of_one_name_get_two_numbers_on_both_sides(bucket: Bucket) -> None:
    """The second machine's file is renumbered here and there alike; nothing is written over."""
    one, two = bucket.machine("one"), bucket.machine("two")
    first, second = one.save(1), two.save(2)
    assert first.name == second.name
    one.mirror.upload()
    assert two.mirror.upload().names == ("m5.large/0002_same.json",)
    assert two.mirror.moved == {second: second.with_name("0002_same.json")}
    assert bucket.values() == {"m5.large/0001_same.json": 1, "m5.large/0002_same.json": 2}
    two.mirror.sync()
    assert two.files() == bucket.values()


def test_two_results_of_different_names_get_two_numbers(bucket: Bucket) -> None:
    """``pytest-benchmark compare 0001`` means one result, also where two machines saved at once."""
    one, two = bucket.machine("one"), bucket.machine("two")
    one.save(1, "a")
    two.save(2, "b")
    one.mirror.upload()
    two.mirror.upload()
    assert bucket.values() == {"m5.large/0001_a.json": 1, "m5.large/0002_b.json": 2}


def test_a_number_in_the_making_elsewhere_is_left_alone(bucket: Bucket) -> None:
    """A number that another upload took between our listing and our write is not used, whatever the name."""
    one = bucket.machine()
    one.save(1, "a")

    def claim(request: object, **_: object) -> None:
        one.clients("s3").meta.events.unregister("before-send.s3.PutObject", claim)
        bucket.s3.put_object(Bucket=bucket.name, Key="bench/.numbers/m5.large/0001", Body=b"")

    one.clients("s3").meta.events.register("before-send.s3.PutObject", claim)
    assert one.mirror.upload().names == ("m5.large/0002_a.json",)


def test_a_waiting_result_makes_way_for_the_one_that_was_uploaded_first(bucket: Bucket) -> None:
    """A sync that brings the same name renumbers what waits here."""
    one = bucket.machine()
    mine = one.save(2)
    bucket.put("bench/m5.large/0001_same.json", 1)
    assert one.mirror.sync().new == 1
    assert one.files() == {"m5.large/0001_same.json": 1, "m5.large/0002_same.json": 2}
    assert one.mirror.moved == {mine: mine.with_name("0002_same.json")}


def test_numbers_go_on_beyond_9999(bucket: Bucket) -> None:
    """The ten-thousandth result is 10000, here and there."""
    bucket.put("bench/m5.large/9999_x.json", 1)
    one = bucket.machine()
    one.mirror.sync()
    assert one.save(2).name == "10000_same.json"
    one.mirror.upload()
    assert one.save(3).name == "10001_same.json"
    assert "m5.large/10000_same.json" in bucket.values()


@pytest.mark.parametrize(
    "key",
    [
        "m5.large/../../0001_x.json",
        "/etc/0001_x.json",
        "m5.large\\..\\0001_x.json",
        "a/b/c/0001_x.json",
        ".private/0001_x.json",
        "m5.large/0001_\x1b]0;x.json",
    ],
)
def test_a_hostile_key_is_refused_by_name_and_the_rest_comes(bucket: Bucket, key: str) -> None:
    """Each is named with the reason; no file is made for it anywhere."""
    bucket.put(f"bench/{key}", 666)
    bucket.put("bench/m5.large/0001_good.json", 1)
    one = bucket.machine()
    synced = one.mirror.sync()
    assert [line.rpartition(":")[0] for line in synced.refused] == [f"bench/{key}"]
    assert (synced.new, synced.total) == (1, 1)
    assert one.files() == {"m5.large/0001_good.json": 1}
    made = {path.name for path in bucket.tmp_path.rglob("*") if path.is_file()}
    assert made == {"0001_good.json", "lock", "state.json"}


def test_other_objects_below_the_prefix_are_left_alone(bucket: Bucket) -> None:
    """A text file is no result, and no reason to say anything."""
    bucket.put("bench/README.md", body=b"hello")
    bucket.put("elsewhere/m5.large/0001_x.json", 1)
    bucket.put("benchmarks/m5.large/0001_x.json", 1)
    synced = bucket.machine().mirror.sync()
    assert (synced.total, synced.refused) == (0, ())


def test_two_urls_of_one_bucket_see_the_same_files(bucket: Bucket) -> None:
    """A storage and one below it share what they have; neither uploads the other's again."""
    inner = bucket.machine("one", f"{bucket.url}/m5.large")
    outer = bucket.machine("one")
    inner.save(1, folder="")
    inner.mirror.upload()
    assert outer.mirror.pending() == []
    assert outer.mirror.sync().new == 0
    assert outer.files() == {"m5.large/0001_same.json": 1}


def test_a_torn_file_is_named_and_not_uploaded(bucket: Bucket) -> None:
    """What a killed process left half-written stays here, and whole results go all the same."""
    one = bucket.machine()
    whole = one.save(1)
    torn = whole.with_name("0002_torn.json")
    torn.write_bytes(whole.read_bytes()[:-1])
    done = one.mirror.upload()
    assert done.names == ("m5.large/0001_same.json",)
    assert done.pending == 1
    assert f"{torn}: no whole JSON" in done.problem


def test_two_names_of_one_file_are_one_result(bucket: Bucket) -> None:
    """A process that was killed while it renumbered left both names; one is uploaded, the other goes."""
    one = bucket.machine()
    first = one.save(1)
    os.link(first, first.with_name("0007_same.json"))
    assert one.mirror.upload().names == ("m5.large/0007_same.json",)
    assert one.files() == {"m5.large/0007_same.json": 1}


def test_a_lost_record_costs_no_result_and_makes_none_twice(bucket: Bucket) -> None:
    """Without the cache's record the files are told by their content."""
    one = bucket.machine()
    one.save(1)
    one.mirror.upload()
    one.save(2)
    (one.mirror.private / "state.json").write_text("{")
    one.mirror.sync()
    one.mirror.upload()
    assert bucket.values() == one.files() == {"m5.large/0001_same.json": 1, "m5.large/0002_same.json": 2}


def test_an_upload_without_a_record_knows_its_own_copy(bucket: Bucket) -> None:
    """An object of the same content is the result: it gets no second number."""
    one = bucket.machine()
    one.save(1)
    one.mirror.upload()
    (one.mirror.private / "state.json").unlink()
    assert one.mirror.upload().names == ("m5.large/0001_same.json",)
    assert bucket.values() == one.files() == {"m5.large/0001_same.json": 1}


def test_a_missing_bucket_is_named_with_the_command_that_makes_it(bucket: Bucket) -> None:
    """The bucket is the user's: it is not made."""
    with pytest.raises(PlanError, match=r"no such bucket.*aws s3 mb s3://nobody-made-this"):
        bucket.machine(url="s3://nobody-made-this/x").mirror.sync()


def test_a_bucket_of_another_account_is_refused(bucket: Bucket) -> None:
    """The owner is in every call; the message says how to name another one."""
    one = bucket.machine(url=f"{bucket.url}?owner=999999999999")
    with pytest.raises(PlanError, match=r"access denied.*account 999999999999.*\?owner=.*policy storage"):
        one.mirror.sync()


def test_a_named_owner_saves_the_question_who_we_are(bucket: Bucket) -> None:
    """With ?owner= STS is not asked."""
    before = sum(one["service"] == "sts" for one in bucket.aws.control("calls"))
    bucket.machine(url=f"{bucket.url}?owner=123456789012").mirror.sync()
    assert sum(one["service"] == "sts" for one in bucket.aws.control("calls")) == before


def test_a_session_waits_for_another_that_works_on_the_cache_and_then_says_so(bucket: Bucket) -> None:
    """The lock is the machine's; after the time it names the lock."""
    path = bucket.machine().mirror.private / "lock"
    with locked(path), pytest.raises(UnreachableError, match=r"another session.*for 0 s.*lock"), locked(path, 0.0):
        pass


def test_files_have_the_mode_that_the_umask_gives(bucket: Bucket) -> None:
    """A colleague, or a web server, that may read other files may read these."""
    one = bucket.machine()
    bucket.put("bench/m5.large/0001_x.json", 1)
    one.mirror.sync()
    plain = bucket.tmp_path / "plain"
    plain.touch()
    modes = {path.stat().st_mode for path in (plain, one.save(2), one.mirror.place / "m5.large/0001_x.json")}
    assert len(modes) == 1
