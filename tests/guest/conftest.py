"""A loopback server that stands for S3, and launches whose agent talks to it."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.guest import agent, install, launch, s3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PUTS = ("heartbeat", "log", "checkpoint", "data", "done")


class Storage(ThreadingHTTPServer):
    """Objects by name, faults by name, and what was put in which order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[str, bytes] = {}
        self.faults: dict[str, list[int | Callable[[bytes], bytes]]] = {}
        """Name -> what its next requests meet: a status, or for a GET what becomes of the body."""
        self.puts: list[tuple[str, bytes, dict[str, str]]] = []
        self.gets: list[str] = []

    def url(self, name: str) -> str:
        """Where an object is."""
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def fault(self, name: str) -> Any:
        """The next fault of an object, used up."""
        waiting = self.faults.get(name)
        return waiting.pop(0) if waiting else None

    def last(self, name: str) -> bytes:
        """What was put last under a name."""
        return next(data for put, data, _ in reversed(self.puts) if put == name)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up early is what some tests are about."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Storage

    def do_GET(self) -> None:
        """An object; a fault may change its body but not its length."""
        name = self.path.lstrip("/")
        self.server.gets.append(name)
        fault, data = self.server.fault(name), self.server.objects.get(name, b"")
        if isinstance(fault, int):
            self.answer(fault)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(fault(data) if fault else data)

    def do_PUT(self) -> None:
        """An upload, kept only where it meets no fault."""
        name = self.path.lstrip("/")
        data = self.rfile.read(int(self.headers["Content-Length"]))
        fault = self.server.fault(name)
        if fault is None:
            self.server.puts.append((name, data, {key.lower(): value for key, value in self.headers.items()}))
        self.answer(fault or 200)

    def answer(self, status: int) -> None:
        """A status with S3's kind of body."""
        body = f"<Error><Code>Fault{status}</Code></Error>".encode() if status >= 400 else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def pack(files: Mapping[str, bytes | str]) -> bytes:
    """A tar archive of files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def wheel(name: str, source: str) -> tuple[str, bytes]:
    """A wheel of one module; its file name and content."""
    buffer, info = io.BytesIO(), f"{name}-1.0.dist-info"
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{name}.py", source)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return f"{name}-1.0-py3-none-any.whl", buffer.getvalue()


def pip_wheel() -> tuple[str, bytes]:
    """This environment's pip, as the agent unpacks it."""
    buffer, pip = io.BytesIO(), metadata.distribution("pip")
    with zipfile.ZipFile(buffer, "w") as archive:
        for file in pip.files or ():
            path = Path(str(pip.locate_file(file)))
            if file.suffix != ".pyc" and ".." not in file.parts and path.is_file():
                archive.write(path, file.as_posix())
    return f"pip-{pip.version}-py3-none-any.whl", buffer.getvalue()


class Launch:
    """A launch's job and root folder, its agent in this process."""

    def __init__(self, storage: Storage, root: Path) -> None:
        self.storage, self.root = storage, root
        self.job: dict[str, Any] = {
            "time_limit_s": 600,
            "beat_s": 3600,
            "python": "3.11",
            "packages": [],
            "args": ["--rootdir=.", "--color=no", "-p", "pytest_benchmark_aws.guest.checkpoint"],
            "sys_path": [],
            "environment": {},
            "cwd": ".",
            "node_ids": [],
            "put": {name: {"url": storage.url(name)} for name in PUTS},
        }
        self.ship("project", pack({"pytest.ini": "[pytest]\n"}))
        self.ship("wheels", pack({}))

    def ship(self, name: str, archive: bytes) -> None:
        """Puts an archive where the agent finds it."""
        self.storage.objects[name] = archive
        digest = hashlib.sha256(archive).hexdigest()
        self.job[name] = {"url": self.storage.url(name), "sha256": digest, "size": len(archive)}

    def tests(self, source: str) -> None:
        """Ships a project of one test file, all of whose tests are wanted in their order."""
        self.ship("project", pack({"test_it.py": source, "pytest.ini": "[pytest]\n"}))
        self.job["node_ids"] = [f"test_it.py::{name}" for name in re.findall(r"def (test_\w+)", source)]

    def on_the_instance(self) -> launch.Launch:
        """The launch as the real agent has it."""
        return launch.Launch(self.job, self.root)

    def run(self) -> None:
        """Runs the real agent."""
        agent.run(self.on_the_instance())


@pytest.fixture
def storage() -> Iterator[Storage]:
    """A running storage."""
    with Storage() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(name="launch")
def launch_(storage: Storage, tmp_path: Path) -> Launch:
    """A launch in its own folder."""
    root = tmp_path / "launch"
    root.mkdir()
    return Launch(storage, root)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The agent's waits, which are noted and not waited."""
    noted: list[float] = []
    quick = SimpleNamespace(monotonic=time.monotonic, sleep=noted.append)
    for module in (install, s3):
        monkeypatch.setattr(module, "time", quick)
    return noted
