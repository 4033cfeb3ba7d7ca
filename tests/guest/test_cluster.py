"""A group's cluster on its machines: all join by TLS, one never does, the scheduler's address never comes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("distributed", reason="groups of machines need the extra [group]")

from pytest_benchmark_aws.backends.cluster_keys import make_keys
from pytest_benchmark_aws.guest import agent
from pytest_benchmark_aws.guest.group import cluster
from pytest_benchmark_aws.guest.group.dask_process import at_work, schedule
from pytest_benchmark_aws.guest.group.dask_process import security as security_of
from pytest_benchmark_aws.guest.group.members import Place
from pytest_benchmark_aws.guest.launch import OutOfTimeError
from pytest_benchmark_aws.guest.s3 import AgentError
from tests.guest.conftest import Launch
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.guest.conftest import Storage

PYTHON = Path(sys.executable)


def machine(storage: Storage, root: Path, join_s: float, tls: dict[str, str]) -> Any:
    """A machine of a group of two, as its agent has it."""
    root.mkdir()
    made = Launch(storage, root)
    made.job["put"]["scheduler"] = {"url": storage.url("scheduler")}
    made.job["group"] = {
        "count": 2, "join_s": join_s, "tls": tls, "scheduler": storage.url("scheduler"), "members": [{}],
        "ends": [storage.url("end")],
    }  # fmt: skip
    return made.on_the_instance()


@pytest.fixture(scope="module")
def tls() -> dict[str, str]:
    """A run's keys."""
    pytest.importorskip("cryptography", reason="groups of machines need the extra [group]")
    return make_keys(600)


def test_a_machine_that_never_comes_is_named(storage: Storage, tmp_path: Path, tls: dict[str, str]) -> None:
    """The first waits for so long and no longer; nothing of the cluster is left, and its keys are its own to read."""
    launch = machine(storage, tmp_path / "first", 1.0, tls)
    with (
        pytest.raises(AgentError, match=r"never joined the cluster, in 1 s: (machine 1 of 2, )?machine 2 of 2"),
        cluster.leading(launch, Place(0, 2, "127.0.0.1"), PYTHON, pytest.fail),
    ):
        pytest.fail("the tests would have begun")
    assert storage.last("scheduler").startswith(b"tls://127.0.0.1:")
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "first" / "tls").iterdir()} == {0}


def test_the_time_limit_ends_the_wait(storage: Storage, tmp_path: Path, tls: dict[str, str]) -> None:
    """As a timeout, which says who was missing."""
    launch = machine(storage, tmp_path / "first", 600.0, tls)
    launch.job["time_limit_s"] = 4
    with (
        pytest.raises(OutOfTimeError, match=r"not in the cluster until then: .*machine 2 of 2|scheduler had not begun"),
        cluster.leading(launch, Place(0, 2, "127.0.0.1"), PYTHON, pytest.fail),
    ):
        pytest.fail("the tests would have begun")


def test_a_scheduler_that_never_comes_is_said(
    storage: Storage, tmp_path: Path, tls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With S3's last word: the object is not there, or this machine may not read it."""
    launch = machine(storage, tmp_path / "second", 0.2, tls)
    monkeypatch.setattr(cluster, "_ASK_S", 0.05)
    storage.faults["scheduler"] = [403] * 100
    with pytest.raises(AgentError, match=r"never said where its scheduler is, in 0 s; S3's last word: HTTP 403"):
        cluster.work_for(launch, Place(1, 2, "127.0.0.1"), PYTHON)


def test_the_time_limit_ends_a_members_wait(
    storage: Storage, tmp_path: Path, tls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a timeout, not as one of the longer time that a group may take to meet."""
    launch = machine(storage, tmp_path / "second", 600.0, tls)
    launch.job["time_limit_s"] = 0.2
    monkeypatch.setattr(cluster, "_ASK_S", 0.05)
    storage.faults["scheduler"] = [404] * 100
    with pytest.raises(OutOfTimeError, match=r"never said where its scheduler is until then; S3's last word: HTTP 404"):
        cluster.work_for(launch, Place(1, 2, "127.0.0.1"), PYTHON)


@contextlib.contextmanager
def cluster_of_two(
    storage: Storage, folder: Path, tls: dict[str, str], give_up: Callable[[str], None] = pytest.fail
) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """The settings of a cluster while both its machines work; then also the second's outcome."""
    first, second = (machine(storage, folder / name, 120.0, tls) for name in ("first", "second"))
    outcomes: list[str] = []

    def member() -> None:
        wait_until(lambda: any(name == "scheduler" for name, _, _ in storage.puts))
        storage.objects["scheduler"] = storage.last("scheduler")
        outcomes.append(cluster.work_for(second, Place(1, 2, "127.0.0.1"), PYTHON))
        storage.objects["end"] = b"{}"

    thread = threading.Thread(target=member)
    thread.start()
    with cluster.leading(first, Place(0, 2, "127.0.0.1"), PYTHON, give_up):
        yield json.loads(Path(first.job["environment"][cluster.DASK]).read_text()), outcomes
    thread.join()


def test_a_lost_worker_of_the_first_machine_ends_the_tests(
    storage: Storage, tmp_path: Path, tls: dict[str, str]
) -> None:
    """They would wait for it until the time limit, and all machines be paid for so long."""
    lost: queue.SimpleQueue[str] = queue.SimpleQueue()
    with cluster_of_two(storage, tmp_path, tls, lost.put) as (settings, outcomes):
        from distributed import Client

        with Client(settings["address"], security=security_of(settings), timeout=60) as client:
            own = next(a for a, w in client.scheduler_info()["workers"].items() if str(w["name"]) == "0")
            task = client.submit(signal.raise_signal, signal.SIGKILL, workers=[own])  # as the kernel, short of memory
            assert lost.get(timeout=60) == "the worker of the group's first machine was killed by SIGKILL"
            assert task.status == "pending"
    assert outcomes == [cluster.IN_ORDER]


def test_restarted_workers_come_back_and_a_closed_scheduler_ends_the_tests(
    storage: Storage, tmp_path: Path, tls: dict[str, str]
) -> None:
    """A restart ends also what runs for long in their threads; without a scheduler nothing can go on."""
    lost: queue.SimpleQueue[str] = queue.SimpleQueue()
    with cluster_of_two(storage, tmp_path, tls, lost.put) as (settings, outcomes):
        from distributed import Client

        client = Client(settings["address"], security=security_of(settings), timeout=60)
        processes = set(client.run(os.getpid).values())
        for round_ in (1, 2):
            busy = client.map(time.sleep, [1000] * 8, pure=False)
            wait_until(lambda: any(client.run(at_work).values()))
            client.restart(timeout=60)
            assert busy[0].status == "cancelled"
            processes |= set(client.run(os.getpid).values())
            assert len(processes) == 2 * (round_ + 1)
        assert client.submit(int, pure=False).result(timeout=60) == 0

        async def forget(dask_scheduler: Any, address: str) -> None:
            await dask_scheduler.remove_worker(address, close=False, stimulus_id="test")  # no word to it

        own = next(address for address, pid in client.run(os.getpid).items() if pid in processes)
        client.run_on_scheduler(forget, address=own)  # to which its next heartbeat is a stranger's
        wait_until(lambda: len(processes | set(client.run(os.getpid).values())) == 7 and len(client.nthreads()) == 2)
        assert lost.empty()
        client.shutdown()
        assert "scheduler of the group's first machine was closed, as Client.shutdown() does" in lost.get(timeout=60)
    assert outcomes == [cluster.IN_ORDER]
    assert "end" in storage.gets


def test_a_worker_that_cannot_be_started_anew_ends_the_tests(storage: Storage, tmp_path: Path) -> None:
    """They would wait for it, and nobody would look at the processes any more."""
    launch = Launch(storage, tmp_path).on_the_instance()
    ended = subprocess.Popen([sys.executable, "-c", f"raise SystemExit({cluster.AGAIN})"])
    lost: list[str] = []
    cluster._watch(launch, tmp_path / "no-python", {"worker": ended}, threading.Event(), 0, lost.append)
    (why,) = lost
    assert why.startswith("the worker of the group's first machine could not be started anew: ")
    assert "no-python" in why


def test_who_ever_joined_is_written_down(tmp_path: Path, tls: dict[str, str]) -> None:
    """A worker that has left was one, whose machine's log is waited for."""
    from distributed import Worker

    paths = {name: tmp_path / f"{name}.pem" for name in tls}
    for name, path in paths.items():
        path.write_text(tls[name])
    state = tmp_path / "state.json"
    settings = {"tls": {name: str(path) for name, path in paths.items()}, "host": "127.0.0.1", "state": str(state)}

    async def until(joined: list[str]) -> dict[str, Any]:
        while True:
            written: dict[str, Any] = json.loads(state.read_text()) if state.exists() else {}
            if written.get("joined") == joined:
                return written
            await asyncio.sleep(0.02)

    async def join_and_leave() -> dict[str, Any]:
        scheduler = asyncio.ensure_future(schedule(settings))
        address, keys = (await until([]))["address"], security_of(settings)
        async with Worker(address, name="1", security=keys, protocol="tls", dashboard_address="127.0.0.1:0"):
            await until(["1"])
        left = await until([])
        os.kill(os.getpid(), signal.SIGTERM)
        await scheduler
        return left

    assert asyncio.run(asyncio.wait_for(join_and_leave(), 60))["ever_joined"] == ["1"]


def test_both_work_until_the_first_is_done(storage: Storage, tmp_path: Path, tls: dict[str, str]) -> None:
    """A client with the run's keys sees both, another is refused; the second ends in order, and the first waits."""
    with cluster_of_two(storage, tmp_path, tls) as (settings, outcomes):
        assert settings["count"] == 2
        from distributed import Client

        with Client(settings["address"], security=security_of(settings), timeout=60) as client:
            assert sorted(str(worker["name"]) for worker in client.scheduler_info()["workers"].values()) == ["0", "1"]
        stranger = {**settings, "tls": {name: str(tmp_path / f"{name}.pem") for name in tls}}
        for name, text in make_keys(600).items():
            (tmp_path / f"{name}.pem").write_text(text)
        with pytest.raises(Exception, match=r"TLS certificate does not match|Timed out"):
            Client(stranger["address"], security=security_of(stranger), timeout=3)
    assert outcomes == [cluster.IN_ORDER]
    assert "end" in storage.gets


def test_the_keys_of_a_run_are_its_own() -> None:
    """A certificate that its authority signed, as long as a launch lasts; another run's has another authority."""
    x509 = pytest.importorskip("cryptography.x509")
    one, other = make_keys(60), make_keys(60)
    assert one["ca"] != other["ca"]
    ca, cert = (x509.load_pem_x509_certificate(one[name].encode()) for name in ("ca", "cert"))
    cert.verify_directly_issued_by(ca)
    assert (cert.not_valid_after_utc - cert.not_valid_before_utc).total_seconds() == 3 * 3600 - 3600 + 60


def test_a_member_that_is_told_to_end_says_no_outcome(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM comes to all hosts of a training job: its log is uploaded, and that it ended is nobody's fault."""
    launch = Launch(storage, tmp_path).on_the_instance()
    launch.in_container = True
    launch.job["group"] = {
        "count": 2, "members": [{"log": {"url": storage.url("log")}, "done": {"url": storage.url("done")}}]
    }  # fmt: skip
    before = signal.getsignal(signal.SIGTERM)

    def told(_: object) -> Path:
        os.kill(os.getpid(), signal.SIGTERM)
        return PYTHON

    monkeypatch.setattr(agent, "_installed", told)
    monkeypatch.setattr(agent, "find_place", lambda _: Place(1, 2, "127.0.0.1"))
    try:
        agent.run(launch)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert launch.stopped
    assert b"SIGTERM" in storage.last("log")
    assert not [name for name, _, _ in storage.puts if name == "done"]
