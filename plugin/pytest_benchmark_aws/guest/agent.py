"""Runs on the instance, from a zip file with its ``job.json``: fetch, install, run pytest, upload, done.

Standard library only, Python 3.9 and later. Whatever happens, the last object that it uploads is ``done``, which says
how it ended; the user data powers the instance off after it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
import traceback
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .s3 import AgentError, Signer, Uploads, refusal
from .validity import canary, cpu_ticks, oom_kills, spot_notice, stolen

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG_LIMIT = 1 << 20
"""Bytes of the log's end that are uploaded."""
STEP_S = 900
"""What one step of the installation may take: a mirror that hangs must leave time to say so."""
INTERRUPT_S = 20
"""What a pytest gets to write its end after SIGINT, before it is killed."""


class OutOfTimeError(AgentError):
    """The launch's time limit came before its tests began."""


class Agent:
    """One launch."""

    def __init__(self, job: dict[str, Any], root: Path) -> None:
        self.job, self.root = job, root
        self.signer = Signer(job.get("role_region"))
        self.uploads = Uploads(job["put"], self.signer)
        self.log_path = root / "log.txt"
        self.checkpoint = root / "checkpoint.jsonl"
        self.started = time.monotonic()
        self.phase, self.phases = "boot", {}  # type: str, dict[str, float]
        self.stopping = threading.Event()
        self._sent: dict[str, int] = {}
        self.validity: dict[str, float] = {}
        self.taken_back: str | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def say(self, text: str) -> None:
        """A line for the log and the console."""
        line = f"[{time.monotonic() - self.started:8.1f} s] {text}\n"
        sys.stdout.write(line)
        sys.stdout.flush()
        # On a full disk the outcome is still to be uploaded.
        with contextlib.suppress(OSError), self.log_path.open("a", encoding="utf-8") as log:
            log.write(line)

    def enter(self, phase: str) -> None:
        """The next phase begins."""
        self.phases[phase] = round(time.monotonic() - self.started, 3)
        self.phase = phase
        self.say(f"phase: {phase}")

    # Steps.

    def fetch(self, name: str) -> Path:
        """Downloads an archive and checks its size and SHA-256."""
        wanted, path = self.job[name], self.root / f"{name}.tar"
        for attempt in range(6):
            if attempt:
                time.sleep(2 ** (attempt - 1))
            digest, size = hashlib.sha256(), 0
            try:
                with (
                    urllib.request.urlopen(self.signer.request("GET", wanted["url"], None, {}), timeout=60) as answer,
                    path.open("wb") as file,
                ):
                    while True:
                        block = answer.read(1 << 20)
                        if not block:
                            break
                        size += len(block)
                        if size > wanted["size"]:
                            break
                        digest.update(block)
                        file.write(block)
                if size == wanted["size"] and digest.hexdigest() == wanted["sha256"]:
                    return path
                self.say(f"{name}: {size:,} bytes, {wanted['size']:,} expected, or another SHA-256; again")
            except (OSError, http.client.HTTPException) as error:
                if isinstance(error, urllib.error.HTTPError) and error.code == 403:
                    raise AgentError(f"{name}: {refusal(error)}") from error
                if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
                    raise AgentError(f"{name}: {error}") from error
                self.say(f"{name}: {error}; again")
        raise AgentError(f"{name} could not be fetched whole in 6 attempts")

    def unpack(self, name: str, into: Path) -> None:
        """Unpacks an archive of ours; a member that would leave the folder is refused."""
        into.mkdir(parents=True, exist_ok=True)
        base = into.resolve()
        with tarfile.open(self.fetch(name)) as archive:
            for member in archive.getmembers():
                place = (base / member.name).resolve()
                if base not in place.parents or not (member.isfile() or member.isdir()):
                    raise AgentError(f"{name}: {member.name!r} is no file inside the bundle")
            if hasattr(tarfile, "data_filter"):  # not on every Python 3.9; without it, Python 3.12 and 3.13 warn
                archive.extraction_filter = tarfile.data_filter
            archive.extractall(base)

    def install(self) -> Path:
        """The interpreter of the wanted version, and a virtual environment with the shipped wheels."""
        wanted = f"python{self.job['python']}"
        packages = list(self.job["packages"])
        if packages:
            for attempt in range(4):
                time.sleep(5 * attempt)
                if self.run("dnf", "install", "-y", "-q", *packages) == 0:
                    break
                self.say(f"dnf failed, attempt {attempt + 1} of 4")
            else:
                raise AgentError(f"dnf could not install {' '.join(packages)}")
        interpreter = shutil.which(wanted)
        if interpreter is None:
            raise AgentError(f"{wanted} is not there after dnf installed {' '.join(packages)}")
        wheels, venv = self.root / "wheels", self.root / "venv"
        self.unpack("wheels", wheels)
        if self.run(interpreter, "-m", "venv", "--without-pip", str(venv)):
            raise AgentError("the virtual environment could not be made")
        python = venv / "bin" / "python"
        pip = self.root / "pip"  # pip is not installed there: it runs from its own wheel, unpacked
        with zipfile.ZipFile(next(wheels.glob("pip-*.whl"))) as archive:
            archive.extractall(pip)
        lock = ["--no-index", "--no-deps", "--require-hashes", "--no-compile", "--disable-pip-version-check", "-q"]
        command = [interpreter, f"{pip}/pip", "--python", str(python), "install", *lock]
        if self.run(*command, "--find-links", str(wheels), "-r", str(wheels / "requirements.lock")):
            raise AgentError("the wheels could not be installed")
        site = next((venv / "lib").glob("python*/site-packages"))
        paths = [str(self.root / "project" / path) for path in self.job["sys_path"]] + [
            str(self.root / "project" / ".pba")
        ]
        (site / "pytest_benchmark_aws_project.pth").write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
        return python

    def run_tests(self, python: Path, seconds: float) -> str:
        """Runs pytest within the time; ``passed``, ``failed``, ``error: ...`` or ``timeout``."""
        arguments = self.root / "arguments.json"
        arguments.write_text(json.dumps([*self.job["args"], *self.job["node_ids"]]), encoding="utf-8")
        # Node ids reach pytest through a file: no shell and no command line ever sees one.
        program = "import json, sys, pytest; sys.path.pop(0); sys.exit(pytest.main(json.load(open(sys.argv[1]))))"
        environment = {
            **os.environ,
            **self.job["environment"],
            "PYTEST_BENCHMARK_AWS_GUEST": "1",
            "PYTEST_BENCHMARK_AWS_CHECKPOINT": str(self.checkpoint),
        }
        if self.taken_back is not None:
            return f"spot: AWS takes the instance back at {self.taken_back}"
        kills = oom_kills()
        with self.log_path.open("ab") as log:
            process = subprocess.Popen(
                [str(python), "-c", program, str(arguments)],
                cwd=self.root / "project" / self.job["cwd"], env=environment, stdout=log, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            self.process = process
            ended = self._wait(process, seconds)
        if self.taken_back is not None:
            return f"spot: AWS takes the instance back at {self.taken_back}"
        if not ended:
            return "timeout"
        code = process.returncode
        if code < 0:
            told = f"pytest was killed by {signal.Signals(-code).name}"
            if code == -signal.SIGKILL and oom_kills() > kills:
                told = f"out of memory: {told}, by the kernel"
            return f"error: {told}"
        return {0: "passed", 1: "failed", 5: "failed"}.get(code, f"error: pytest ended with exit code {code}")

    def _wait(self, process: subprocess.Popen[bytes], seconds: float) -> bool:
        """Whether pytest ended in time; else it gets SIGINT, which lets it write its end, and then SIGKILL."""
        try:
            process.wait(max(0.1, seconds))
            return True
        except subprocess.TimeoutExpired:
            self.say(f"time limit of {self.job['time_limit_s']} s: pytest is interrupted")
        for number, patience in ((signal.SIGINT, INTERRUPT_S), (signal.SIGKILL, 10)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)
                break
        return False

    def run(self, *command: str) -> int:
        """Runs a command within a step's time and the launch's, its output in the log.

        Raises:
            AgentError: it did not end in a step's time, and is killed with all that it started.
            OutOfTimeError: the same, by the launch's time limit.
        """
        left = max(1.0, self.left())
        seconds = min(STEP_S, left)
        with self.log_path.open("ab") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
            )
            try:
                return process.wait(seconds)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        told = f"{Path(command[0]).name} did not end within {seconds:.0f} s and was killed; its words are in the log"
        raise AgentError(told) if left > STEP_S else OutOfTimeError(told)

    def left(self) -> float:
        """Seconds until the time limit."""
        return float(self.job["time_limit_s"]) - (time.monotonic() - self.started)

    # What the client sees while it runs.

    def status(self) -> bytes:
        """The heartbeat."""
        current, done = None, 0
        for line in self.lines():
            current = line.get("nodeid") if line["kind"] == "start" else current
            done += line["kind"] == "test"
        seconds = round(time.monotonic() - self.started, 1)
        beat = {"phase": self.phase, "seconds": seconds, "done": done, "of": len(self.job["node_ids"]), "test": current}
        return json.dumps(beat).encode()

    def lines(self) -> list[dict[str, Any]]:
        """The checkpoint's whole lines."""
        try:
            text = self.checkpoint.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        found = []
        for line in text.splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return found

    def beat(self) -> None:
        """Uploads heartbeat, log and checkpoint, those that changed, until the end."""
        while not self.stopping.wait(self.job["beat_s"]):
            try:
                self.uploads.put("heartbeat", self.status(), attempts=2)
                for name, path in (("log", self.log_path), ("checkpoint", self.checkpoint)):
                    size = path.stat().st_size if path.exists() else 0
                    if size != self._sent.get(name, 0):
                        self.uploads.put(name, _tail(path) if name == "log" else path.read_bytes(), attempts=2)
                        self._sent[name] = size
            except (AgentError, OSError) as error:
                print("heartbeat:", error, flush=True)

    def watch_spot(self) -> None:
        """Asks the metadata service for the notice that comes two minutes before a spot instance is taken back.

        Then pytest is interrupted, so that what is finished is uploaded in time.
        """
        while not self.stopping.wait(self.job["beat_s"]):
            notice = spot_notice()
            if notice is not None:
                self.taken_back = notice
                self.say(f"spot: AWS takes the instance back at {notice}")
                process = self.process
                if process is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGINT)
                return

    def main(self) -> None:
        """The whole launch; raises nothing."""
        outcome = "error: the agent ended early"
        thread = threading.Thread(target=self.beat, daemon=True)
        thread.start()
        if self.job.get("market") == "spot":
            threading.Thread(target=self.watch_spot, daemon=True).start()
        try:
            self.enter("fetch")
            self.unpack("project", self.root / "project")
            self.enter("install")
            python = self.install()
            self.enter("wait")
            with _turn():
                self.validity["canary_before_s"], ticks = canary(), cpu_ticks()
                self.enter("run")
                outcome = self.run_tests(python, self.left())
                self.validity["steal"] = stolen(ticks, cpu_ticks())
                self.validity["canary_after_s"] = canary()
        except OutOfTimeError as error:
            self.say(f"time limit of {self.job['time_limit_s']} s: {error}")
            outcome = "timeout"
        except AgentError as error:
            outcome = f"error: {error}"
        except Exception:
            outcome = f"error: {traceback.format_exc()}"
        self.say(f"outcome: {outcome}")
        self.enter("upload")
        self.stopping.set()
        thread.join()
        self.finish(outcome)

    def finish(self, outcome: str) -> None:
        """Uploads the log, then the result with its digest, then ``done``: whoever sees that sees all."""
        try:
            self.uploads.put("log", _tail(self.log_path))
        except (AgentError, OSError) as error:
            print("log:", error, flush=True)
        facts = {"schema": 1, "outcome": outcome, "phases": self.phases, "validity": self.validity}
        data = json.dumps({**facts, "lines": self.lines()}).encode()
        done = {"schema": 1, "outcome": outcome, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        self.uploads.put("data", data)
        self.uploads.put("done", json.dumps(done).encode())


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    """On embedded AWS all guests share one machine, and measure one at a time."""
    path = os.environ.get("PYTEST_BENCHMARK_AWS_TURN")
    if not path:
        yield
        return
    import fcntl

    with open(path, "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _tail(path: Path) -> bytes:
    """The log, or its end where it is long."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LOG_LIMIT))
        return (b"" if size <= LOG_LIMIT else b"[...]\n") + file.read()


def main() -> None:
    """Reads the job from the archive that this runs from."""
    archive = Path(sys.argv[0]).resolve()
    with zipfile.ZipFile(archive) as content:
        job = json.loads(content.read("job.json"))
    Agent(job, archive.parent).main()
