"""Rows 27, 29 and 30 of the fault table: no result, a wrong clock, S3 that refuses for a moment."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.guest import s3
from pytest_benchmark_aws.guest.s3 import AgentError, Uploader
from tests.faults.guests import Crafted, line_of, loopback, result
from tests.faults.wire import answer_with
from tests.faults.world import opened
from tests.guest.test_launch import finished, outcome_of
from tests.signing import sign_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_benchmark_aws.aws.s3_run_bucket import Bucket
    from tests.faults.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One embedded AWS for all tests here, each of which has a run of its own."""
    pytest.importorskip("moto", reason="embedded AWS needs the extra [embedded]")
    with opened(tmp_path_factory.mktemp("world")) as made:
        yield made


def test_fault_27_a_result_of_no_bytes_is_no_success(world: World) -> None:
    """A result object that is empty, though its digest says so too, is refused."""
    launch = Crafted(world)
    launch.deliver(b"")
    found = launch.collect()
    assert found.outcome.startswith("error: the result is refused: it is no JSON")
    assert found.lines == ()


def test_fault_27_without_a_result_the_checkpoint_is_partial(world: World) -> None:
    """Of a guest that died before it delivered, whole lines of the checkpoint count, and the launch did not succeed."""
    launch = Crafted(world)
    launch.put("data", b"")  # no digest ever followed
    launch.put("checkpoint", f"{json.dumps(line_of('test_one'))}\n".encode() + b'{"kind": "test", "nodei')
    found = launch.collect()
    assert (found.outcome, found.whole) == ("error: the instance ended before it delivered a result", False)
    assert [line["nodeid"] for line in found.lines] == ["test_it.py::test_one"]


def test_fault_29_the_time_limit_is_monotonic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wall clock that jumps a day at each look, in the guest's own process, ends no test early."""
    jumping = iter(range(0, 10**9, 86_400))
    with loopback(tmp_path / "launch") as launch:
        launch.tests("def test_one(): pass\ndef test_two(): pass\n")
        monkeypatch.setattr(time, "time", lambda: float(next(jumping)))
        found = outcome_of(launch, monkeypatch)
        assert time.time() > 86_400
    assert (found["outcome"], len(finished(found))) == ("passed", 2)


@pytest.fixture
def signed_two_hours_ago(monkeypatch: pytest.MonkeyPatch) -> Callable[[Bucket, str, str], str]:
    """URLs that are valid for an hour, signed by a clock that is two hours behind."""

    def url(bucket: Bucket, method: str, key: str) -> str:
        with monkeypatch.context() as patch:
            behind = datetime.now(timezone.utc) - timedelta(hours=2)
            sign_at(patch, behind)
            return bucket.url(method, key, 3600)

    return url


def test_fault_29_an_expired_url_names_the_clock(
    world: World, signed_two_hours_ago: Callable[[Bucket, str, str], str]
) -> None:
    """The refusal of an upload whose URL was signed by a clock two hours behind says whose clock to look at."""
    url = signed_two_hours_ago(Crafted(world).backend.site.bucket, "put_object", "runs/x/data")
    with pytest.raises(AgentError, match=r"(?s)HTTP 403: .*expired.*signed by the clock of the machine that launched"):
        Uploader({"data": {"url": url}}).put("data", b"x")


def test_fault_29_an_expired_download_is_told_at_once(
    world: World, tmp_path: Path, signed_two_hours_ago: Callable[[Bucket, str, str], str]
) -> None:
    """The same of a download, in the outcome, without tries that cannot help."""
    bucket = Crafted(world).backend.site.bucket
    bucket.put("bundles/x", b"x")
    before = world.calls("GetObject")
    with loopback(tmp_path / "launch") as launch:
        launch.job["project"]["url"] = signed_two_hours_ago(bucket, "get_object", "bundles/x")
        launch.run()
        assert "signed by the clock of the machine that launched" in json.loads(launch.storage.last("done"))["outcome"]
    assert world.calls("GetObject") == before + 1


def test_fault_30_the_guest_tries_again_after_409_and_503(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A conflict and a moment of overload, by embedded S3, keep no result from being put."""
    waits: list[float] = []
    monkeypatch.setattr(s3, "time", SimpleNamespace(monotonic=time.monotonic, sleep=waits.append))
    launch = Crafted(world)
    uploads = conditional(launch)
    world.fault("PutObject", "ConditionalRequestConflict", 409)
    world.fault("PutObject", "SlowDown", 503)
    uploads.put("data", result(line_of("test_one")))
    assert waits == [1, 2]
    assert launch.backend.site.bucket.get(f"{launch.prefix}/data", 2**20) == result(line_of("test_one"))


def conditional(launch: Crafted) -> Uploader:
    """Uploads as a guest has them: data and digest once, by presigned URLs."""
    given = {}
    for name in ("data", "done"):
        url = launch.backend.site.bucket.url("put_object", f"{launch.prefix}/{name}", 3600, IfNoneMatch="*")
        given[name] = {"url": url, "headers": {"If-None-Match": "*"}}
    return Uploader(given)


def test_fault_30_412_with_the_same_content_is_a_success(world: World) -> None:
    """An upload whose answer was lost meets its own object, 412, and the result is taken once."""
    launch = Crafted(world)
    data = result(line_of("test_one"))
    launch.put("data", data)  # this one's answer is lost
    with pytest.raises(urllib.error.HTTPError, match="412"):
        request_put(conditional(launch), data)
    conditional(launch).put("data", data)
    launch.deliver(data)
    assert launch.collect().outcome == "passed"


def request_put(uploads: Uploader, data: bytes) -> None:
    """The bare request of an upload."""
    target = uploads._urls["data"]
    request = urllib.request.Request(target["url"], data=data, method="PUT", headers=target["headers"])
    urllib.request.urlopen(request).close()


def test_fault_30_412_with_other_content_is_an_alarm(world: World) -> None:
    """Where another's result is in the place, the guest's digest does not fit it: refused, and told."""
    launch = Crafted(world)
    launch.put("data", result(line_of("test_two")))
    mine = result(line_of("test_one"))
    uploads = conditional(launch)
    uploads.put("data", mine)
    launch.deliver_digest(mine)
    found = launch.collect()
    assert found.outcome.startswith("error: the result is refused: its SHA-256 is not the delivered one")
    assert found.lines == ()
    assert launch.quarantined()[0].read_bytes() == result(line_of("test_two"))


def test_fault_30_the_client_reads_again_after_503(world: World, no_backoff: list[float]) -> None:
    """Two refusals of GetObject on the way to the client are botocore's to try again."""
    launch = Crafted(world)
    launch.deliver(result(line_of("test_one")))
    refused: list[str] = []

    def refuse(request: Any, **_: Any) -> Any:
        if len(refused) < 2 and request.url.endswith("/data"):
            refused.append(request.url)
            return answer_with(503, "<Error><Code>SlowDown</Code></Error>")
        return None

    launch.clients("s3").meta.events.register("before-send.s3.GetObject", refuse)
    assert launch.collect().outcome == "passed"
    assert (len(refused), len(no_backoff)) == (2, 2)
