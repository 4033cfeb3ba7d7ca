"""What others may have written: journals, tags, prices that were kept; and what a run counts by."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws import cli
from pytest_benchmark_aws.aws import ec2, prices
from pytest_benchmark_aws.core.plan import most_usd
from pytest_benchmark_aws.core.settings import parse_price
from pytest_benchmark_aws.run import history
from pytest_benchmark_aws.run.journal import Journal, JournalError
from pytest_benchmark_aws.run.journal_lines import read_run
from pytest_benchmark_aws.run.takeover import past_launches
from tests.faults.world import make_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["1e9999999", "-1"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
KINDS = ("gone", "intent", "launched", "refused", "delivered", "terminating", "run", "resumed", "other")
RIGHT: dict[str, Any] = {
    "usd": "0.5", "job": "m5.large", "token": "t", "zone": "a", "subnet": "s", "attempt": 1, "instance_id": "i-1",
    "whole": True, "jobs": ["m5.large"], "reserved_usd": "1", "time_limit_s": 60, "grace_s": 60,
    "time": NOW.isoformat(),
}  # fmt: skip


def line(value: object) -> bytes:
    """A journal's line with a right checksum, whatever it holds."""
    text = json.dumps(value)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:16]} {text}\n".encode()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """This machine's, with one good run."""
    monkeypatch.setenv("PYTEST_BENCHMARK_AWS_CACHE", str(tmp_path))
    good = Journal.open(tmp_path / "runs" / "20261124-120000-aaaaaa")
    good.write("run", jobs=["m5.large"], region="us-east-1", account="1")
    good.write("gone", usd="0.25")
    good.close()
    yield tmp_path
    for path in tmp_path.glob("runs/*"):
        path.chmod(0o700)


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "gone"}, {"kind": "gone", "time": NOW.isoformat()}, {"time": NOW.isoformat()}, [], None, 1, "gone"]
    + [{"kind": "gone", "time": "0001-01-01T00:00:00+23:59", "usd": "1"}, {"kind": ["gone"], "time": NOW.isoformat()}]
    + [{"kind": "gone", "time": NOW.isoformat(), "usd": usd} for usd in ("1e9999999", "NaN", None, [], "-1")],
)  # fmt: skip
def test_k9_a_line_with_a_right_checksum_that_fits_nothing_is_named(
    cache: Path, capsys: pytest.CaptureFixture[str], wrong: object
) -> None:
    """The run is shown as damaged, the others as they are."""
    other = cache / "runs" / "20261124-130000-bbbbbb"
    other.mkdir()
    (other / "journal.jsonl").write_bytes(line(wrong))
    assert cli.main(["runs", "--offline"]) == 0
    told = capsys.readouterr().out
    assert "0.2500" in told
    assert "journal.jsonl: line 1" in told
    with pytest.raises(JournalError, match="line 1"):
        read_run(other / "journal.jsonl")


def test_the_newest_runs_alone_are_listed_with_their_projects(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Oldest first; a journal of an earlier version names no project."""
    for number in (1, 2):
        other = Journal.open(cache / "runs" / f"20261124-13000{number}-bbbbbb")
        other.write("run", jobs=["m5.large"], region="us-east-1", account="1", project=f"/home/me/project {number}")
        other.close()
    assert cli.main(["runs", "--offline", "--limit", "2"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split()[:4] == ["run", "started", "(UTC)", "project"]
    assert [row.split("  ")[2] for row in rows] == ["/home/me/project 1", "/home/me/project 2"]
    assert cli.main(["runs", "--offline"]) == 0
    assert "20261124-120000-aaaaaa" in capsys.readouterr().out
    for wrong in ("0", "-1", "x"):
        with pytest.raises(SystemExit):
            cli.main(["runs", f"--limit={wrong}"])
        assert "give a whole number, 1 or more" in capsys.readouterr().err


def test_older_runs_are_counted_and_listed_when_asked_for(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The newest twenty stand in their place."""
    for number in range(10, 35):
        Journal.open(cache / "runs" / f"20261124-1300{number}-bbbbbb").close()
    assert cli.main(["runs", "--offline"]) == 0
    _, *rows, last = capsys.readouterr().out.splitlines()
    assert (len(rows), last) == (20, "6 older: --all")
    assert cli.main(["runs", "--offline", "--all"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 27


def test_the_command_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    """As every command does."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"pytest-benchmark-aws {version('pytest-benchmark-aws')}\n"


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_k9_a_journal_that_is_no_file_hangs_nothing(cache: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    """It is named; nor does whoever looks for runs at work wait for it."""
    other = cache / "runs" / "20261124-130000-bbbbbb"
    other.mkdir()
    if kind == "pipe":
        os.mkfifo(other / "journal.jsonl")
    elif kind == "folder":
        (other / "journal.jsonl").mkdir()
    else:
        (other / "journal.jsonl").symlink_to("/dev/zero")
    assert cli.main(["runs", "--offline"]) == 0
    assert "journal.jsonl: no regular file" in capsys.readouterr().out
    assert history.working() == set()


def test_k9_who_reaps_reads_no_journal(cache: Path) -> None:
    """Which runs a process works on is told by locks alone; what it holds does not matter."""
    other = Journal.open(cache / "runs" / "20261124-130000-bbbbbb")
    other.path.write_bytes(b"nothing that can be read")
    assert history.working() == {"20261124-130000-bbbbbb"}
    other.close()
    assert history.working() == set()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(KINDS), st.dictionaries(st.sampled_from([*RIGHT]), JSON, max_size=3)), max_size=4
    )
)
def test_k9_whatever_lines_hold_they_are_taken_or_named(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, dict[str, Any]]]
) -> None:
    """No line makes another error than JournalError, where runs are listed and where they are taken over."""
    folder = tmp_path_factory.mktemp("runs")
    path = folder / "run" / "journal.jsonl"
    path.parent.mkdir()
    path.write_bytes(b"".join(line({"kind": kind, **RIGHT, **change}) for kind, change in changes))
    (record,) = history.runs(folder)
    f"{record.usd:.4f} {record.jobs} {record.state}".encode(errors="replace")
    try:
        past = past_launches(read_run(path), NOW + timedelta(days=1))
    except JournalError:
        assert record.problem
        return
    (job,) = make_jobs()
    for launch in past:
        assert most_usd(launch.launched_as(job)) + launch.spent_usd + launch.last_usd >= 0


@pytest.mark.parametrize("price", ["1e9999999", "-1", "NaN", "x" * 255, "", "1e-9999999", "\uff11e999"])
@pytest.mark.parametrize("deadline", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "x", "", "2026-11-24"])
def test_k10_a_tag_that_makes_no_sense_is_nothing(price: str, deadline: str) -> None:
    """Anybody who may tag can write it; each instance is still seen, and can be ended."""
    tags = {"price": price, "deadline": deadline, "attempt": "²", "job": "m5.large", "run": "r"}
    item = {
        "InstanceId": "i-1",
        "State": {"Name": "running"},
        "LaunchTime": NOW,
        "Tags": [{"Key": f"{ec2.TAG}:{name}", "Value": value} for name, value in tags.items()],
    }
    instance = ec2._instance(item)
    assert (instance.usd_per_hour, instance.deadline, instance.attempt) == (None, None, 1)
    assert (instance.most_usd(NOW), instance.longest_s) == (None, None)


@pytest.mark.parametrize("attempt", ["9" * 250, "-1", "1.0", "", "٣", "1000000"])
def test_k10_an_attempt_that_is_no_small_number_is_the_first(attempt: str) -> None:
    """What is launched next is counted on from it."""
    item = {"InstanceId": "i", "State": {"Name": "running"}, "Tags": [{"Key": f"{ec2.TAG}:attempt", "Value": attempt}]}
    assert ec2._instance(item).attempt == 1


@pytest.mark.parametrize("usd", ["-1", "0", "NaN", "Infinity", "1e999999", [1], None, True, "1e-30", {}])
def test_k11_a_price_that_is_kept_and_is_none_is_asked_again(tmp_path: Path, usd: object) -> None:
    """A cap counts by it: it is finite and above 0."""
    now = time.time()
    assert prices._price({"usd": usd, "time": now, "source": "x"}) is None
    for when in ("x", None, 10**400, float("nan"), float("inf"), -1, now + 3600):
        assert prices._price({"usd": "1.5", "time": when, "source": "x"}) is None
    price = prices._price({"usd": "1.5", "time": now, "source": "x"})
    assert price is not None
    assert price.usd_per_hour == Decimal("1.5")


@pytest.mark.parametrize("content", [b"[1]", b"{", b"\xff", b"[" * 100_000, b"{}" + b" " * 2**25, None])
def test_k11_a_file_of_prices_that_is_none_is_an_empty_one(tmp_path: Path, content: bytes | None) -> None:
    """Too large, no JSON, or a pipe."""
    path = tmp_path / "prices.json"
    if content is None:
        os.mkfifo(path)
    else:
        path.write_bytes(content)
    assert prices._read(path) == {}


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "1e999999", "1e-40", "inf", ""])
def test_k11_a_price_of_the_command_line_is_above_nought(amount: str) -> None:
    """With 0 the cap would be void."""
    with pytest.raises(ValueError, match=r"m5\.8xlarge=1\.536|as in 2\.50"):
        parse_price(f"m5.large={amount}")


def test_k12_a_launch_counts_by_the_limit_that_it_was_made_with(tmp_path: Path) -> None:
    """Three days old with a limit of seven, resumed with ten seconds and another price: seven days are reserved."""
    (job,) = make_jobs()
    week = replace(job, time_limit_s=7 * 24 * 3600)
    journal = Journal.open(tmp_path / "run")
    words: dict[str, Any] = {"token": "t", "zone": "a", "subnet": "s", "attempt": 1}
    limits = {"time_limit_s": week.time_limit_s, "grace_s": week.grace_s, "usd_per_hour": str(week.price.usd_per_hour)}
    journal.write("intent", job=job.name, **words, **limits, reserved_usd=str(most_usd(week)))
    journal.write("launched", job=job.name, attempt=1, instance_id="i-1")
    journal.close()
    (past,) = past_launches(read_run(journal.path), datetime.now(timezone.utc) + timedelta(days=3))
    cheap = replace(job, time_limit_s=10, price=replace(job.price, usd_per_hour=Decimal("0.01")))
    assert most_usd(past.launched_as(cheap)) == most_usd(week)


def test_k12_a_launch_that_only_its_tags_tell_of_counts_by_them() -> None:
    """Where the journal is on another machine."""
    from pytest_benchmark_aws.backends.ec2.backend import seen_launch
    from pytest_benchmark_aws.run.takeover import past_seen

    launched = NOW - timedelta(days=3)
    instance = ec2.Instance(
        "i-1", "running", "", "a", "m5.large", 1, "t", launched=launched, deadline=launched + timedelta(days=7),
        usd_per_hour=Decimal("0.096"),
    )  # fmt: skip
    (past,) = past_seen([seen_launch(instance, NOW)])
    (job,) = make_jobs()
    assert most_usd(past.launched_as(replace(job, time_limit_s=10))) == Decimal("0.096") * 7 * 24
