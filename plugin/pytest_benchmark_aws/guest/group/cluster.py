"""A group's Dask cluster: the first machine has the scheduler and a worker, the others a worker each.

They meet by an object in the bucket that holds the scheduler's address. Each worker is one process with a thread for
each vCPU, as lightgbm.dask wants it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from ..launch import OutOfTimeError
from ..run_tests import killed_by, oom_kills
from ..s3 import AgentError, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ..launch import Launch
    from .members import Place

IN_ORDER = "passed"
"""The outcome of a member whose scheduler closed."""
AGAIN = 75
"""Exit code of a worker that its scheduler sent away, as ``Client.restart`` does: it is to begin anew."""
DASK = "PYTEST_BENCHMARK_AWS_DASK"
"""Environment variable that names the file with the cluster's settings, for the pytest of the first machine."""
_MODULE = "pytest_benchmark_aws.guest.group.dask_process"
_SCHEDULER_S, _CLOSE_S, _ENDS_S = 120, 15, 20
"""Seconds: until the scheduler has an address, until the processes have closed, until the others have delivered."""
_LOOK_S = 0.2
_ASK_S = 1.0


@contextlib.contextmanager
def leading(launch: Launch, place: Place, python: Path, give_up: Callable[[str], None]) -> Iterator[None]:
    """While the cluster of all machines is up, which the launch's environment names; closes it and waits for its logs.

    ``give_up`` is called with the reason where a process of this machine is lost: the tests would wait for it.

    Raises:
        AgentError: a machine never came, which the message names.
    """
    state, tls = launch.root / "scheduler-state.json", _keys(launch)
    common = {"host": place.address, "tls": tls}
    processes = {"scheduler": _start(launch, python, "scheduler", {**common, "state": str(state)})}
    closing, kills = threading.Event(), oom_kills()
    watch = threading.Thread(target=_watch, args=(launch, python, processes, closing, kills, give_up), daemon=True)
    try:
        address = _address(launch, processes["scheduler"], state)
        launch.uploader.put("scheduler", address.encode("ascii"))
        processes["worker"] = _start(launch, python, "worker", _worker(launch, place, common, address))
        _wait_for_all(launch, place, list(processes.values()), state)
        settings = launch.root / "dask.json"
        settings.write_text(json.dumps({"address": address, "count": place.machines, "tls": tls}), encoding="utf-8")
        launch.job["environment"] = {**launch.job["environment"], DASK: str(settings)}
        watch.start()
        yield
    finally:
        closing.set()
        if watch.ident is not None:
            watch.join()
        joined = _joined(state, "ever_joined")
        launch.say("the cluster is closed")
        for process in processes.values():  # the scheduler first, whose end is that of all workers
            _end(process, _CLOSE_S)
        if not launch.stopped:  # else they are told to end, too, and say no outcome
            _gather(launch, joined)


def work_for(launch: Launch, place: Place, python: Path) -> str:
    """Joins the cluster and works until its scheduler closes; returns the outcome."""
    launch.enter("join")
    address = _met(launch)
    launch.say(f"{place}: works for {address}")
    launch.enter("run")
    common = {"host": place.address, "tls": _keys(launch)}
    settings, code, kills = _worker(launch, place, common, address), AGAIN, oom_kills()
    while code == AGAIN:
        worker = _start(launch, python, "worker", settings)
        try:
            code = worker.wait(max(1.0, launch.left() + _CLOSE_S))
        except subprocess.TimeoutExpired:
            return "timeout"
        finally:
            _end(worker, 0)
    return IN_ORDER if code == 0 else f"error: {_fate('its worker', code, kills)}"


def _watch(
    launch: Launch, python: Path, processes: dict[str, subprocess.Popen[bytes]], closing: threading.Event,
    kills: int, give_up: Callable[[str], None],
) -> None:  # fmt: skip
    """Until ``closing``: starts a worker that was sent away anew; gives up where a process is lost, once."""
    while not closing.wait(_LOOK_S):
        for kind, process in list(processes.items()):
            code = process.poll()
            if kind == "worker" and code == AGAIN:
                try:
                    processes[kind] = _start(launch, python, kind, None)
                except OSError as error:  # a full disk, no process more
                    give_up(f"the {kind} of the group's first machine could not be started anew: {error}")
                    return
            elif code is not None:
                give_up(_loss(processes, kind, code, kills))
                return


def _loss(processes: dict[str, subprocess.Popen[bytes]], kind: str, code: int, kills: int) -> str:
    if code == 0 and kind == "worker":  # its scheduler is gone, which may take a moment more to end
        with contextlib.suppress(subprocess.TimeoutExpired):
            kind, code = "scheduler", processes["scheduler"].wait(_CLOSE_S)
    what = f"the {kind} of the group's first machine"
    return f"{what} was closed, as Client.shutdown() does" if code == 0 else _fate(what, code, kills)


def _fate(what: str, code: int, kills: int) -> str:
    return killed_by(what, code, kills) if code < 0 else f"{what} ended with exit code {code}"


def threads(count: int) -> int:
    """A thread for each vCPU; on embedded AWS the machines of a group share those of one."""
    vcpus = len(os.sched_getaffinity(0))
    return max(1, vcpus // count) if "PYTEST_BENCHMARK_AWS_TURN" in os.environ else vcpus


def _keys(launch: Launch) -> dict[str, str]:
    """The paths of the cluster's keys, which nobody else on the machine reads."""
    folder = launch.root / "tls"
    folder.mkdir(mode=0o700, exist_ok=True)
    paths = {}
    for name, text in launch.job["group"]["tls"].items():
        path = folder / f"{name}.pem"
        path.touch(mode=0o600)
        path.write_text(text, encoding="ascii")
        paths[name] = str(path)
    return paths


def _worker(launch: Launch, place: Place, common: dict[str, Any], address: str) -> dict[str, Any]:
    folder = launch.root / "worker"
    folder.mkdir(exist_ok=True)
    return {
        **common,
        "address": address,
        "name": str(place.rank),
        "threads": threads(place.machines),
        "folder": str(folder),
        "patience_s": launch.job["group"]["join_s"],
    }


def _start(launch: Launch, python: Path, kind: str, settings: dict[str, Any] | None) -> subprocess.Popen[bytes]:
    """Starts a process; without settings by those that it had before."""
    file = launch.root / f"{kind}.json"
    if settings is not None:
        file.write_text(json.dumps(settings), encoding="utf-8")
    temporary, folder = launch.root / "tmp", launch.root / "project" / launch.job["cwd"]
    temporary.mkdir(exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(temporary), **launch.job["environment"]}
    with launch.log_path.open("ab") as log:
        return subprocess.Popen(
            [str(python), "-m", _MODULE, kind, str(file)],
            cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip


def _state(path: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state


def _address(launch: Launch, scheduler: subprocess.Popen[bytes], path: Path) -> str:
    end = time.monotonic() + min(_SCHEDULER_S, max(1.0, launch.left()))
    while time.monotonic() < end and scheduler.poll() is None:
        address = _state(path).get("address")
        if address:
            return str(address)
        time.sleep(_LOOK_S)
    if launch.left() <= 0:
        raise OutOfTimeError("the cluster's scheduler had not begun until then")
    raise AgentError(f"the scheduler has no address (exit code {scheduler.poll()}); its words are in the log")


def _joined(path: Path, key: str = "joined") -> set[int]:
    return {int(name) for name in _state(path).get(key, ())}


def _wait_for_all(launch: Launch, place: Place, processes: list[subprocess.Popen[bytes]], path: Path) -> None:
    seconds, started = float(launch.job["group"]["join_s"]), time.monotonic()
    while True:
        joined = _joined(path)
        absent = [index for index in range(place.machines) if index not in joined]
        if not absent:
            return
        ended = [process.returncode for process in processes if process.poll() is not None]
        if ended:
            raise AgentError(f"the cluster ended as it began (exit code {ended[0]}); its words are in the log")
        who = ", ".join(str(place._replace(rank=index)) for index in absent)
        if launch.left() <= 0:
            raise OutOfTimeError(f"not in the cluster until then: {who}")
        if time.monotonic() - started > seconds:
            raise AgentError(f"never joined the cluster, in {seconds:.0f} s: {who}")
        time.sleep(_LOOK_S)


def _met(launch: Launch) -> str:
    """The scheduler's address, as soon as it is in the bucket."""
    seconds, started, last = float(launch.job["group"]["join_s"]), time.monotonic(), "nothing"
    what = "the first machine never said where its scheduler is"
    while launch.left() > 0 and time.monotonic() - started < seconds:
        try:
            return _get(launch, launch.job["group"]["scheduler"]).decode("ascii")
        except urllib.error.HTTPError as error:  # 403 where the bucket may not be listed and the object is not there
            last = refusal(error)
        except (OSError, ValueError, http.client.HTTPException) as error:
            last = str(error)
        time.sleep(_ASK_S)
    if launch.left() <= 0:
        raise OutOfTimeError(f"{what} until then; S3's last word: {last}")
    raise AgentError(f"{what}, in {seconds:.0f} s; S3's last word: {last}")


def _get(launch: Launch, url: str) -> bytes:
    with urllib.request.urlopen(launch.signer.request("GET", url, None, {}), timeout=30) as answer:
        data: bytes = answer.read(4096)
    return data


def _gather(launch: Launch, joined: set[int]) -> None:
    """Waits until the others that had joined have delivered: their logs are home before this machine ends them all."""
    ends = launch.job["group"]["ends"]
    waiting, end = [ends[index - 1] for index in sorted(joined) if index], time.monotonic() + _ENDS_S
    while waiting and time.monotonic() < end:
        try:
            _get(launch, waiting[0])
            waiting.pop(0)
        except (OSError, http.client.HTTPException):
            time.sleep(_LOOK_S)


def _end(process: subprocess.Popen[bytes], patience_s: float) -> None:
    """Asks a process to end; kills it, and all that it started, where it does not."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
