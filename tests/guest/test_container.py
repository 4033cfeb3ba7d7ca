"""The agent in a container: its role's credentials, SIGTERM, and an interpreter that is the image's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from pytest_benchmark_aws.guest import agent, instance_metadata, run_tests
from pytest_benchmark_aws.guest.install import install
from pytest_benchmark_aws.guest.launch import Launch, StoppedError
from pytest_benchmark_aws.guest.run_tests import PytestRun
from pytest_benchmark_aws.guest.s3 import AgentError
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLE = {"AccessKeyId": "ASIA", "SecretAccessKey": "s", "Token": "t", "Expiration": "2100-01-01T00:00:00Z"}


class Credentials(BaseHTTPRequestHandler):
    """What ECS and SageMaker serve to a container."""

    seen: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers.get("Authorization")))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(ROLE).encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """A server of credentials."""
    Credentials.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Credentials) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/role"
        server.shutdown()
        thread.join()


def make(tmp_path: Path, **job: Any) -> Launch:
    whole = {"put": {}, "place": "training job", "time_limit_s": 60, "python": "3.99", "packages": [], **job}
    return Launch(whole, tmp_path)


def test_a_containers_credentials_are_asked_where_it_says(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the whole URL of AWS_CONTAINER_CREDENTIALS_FULL_URI, with the token where there is one, and no proxy."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert instance_metadata.role_credentials() == ROLE
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "secret")
    assert instance_metadata.role_credentials() == ROLE
    assert instance_metadata.role_credentials(ROLE) is ROLE
    assert Credentials.seen == [("/role", None), ("/role", "secret")]


def test_a_relative_address_is_that_of_ecs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As SageMaker's containers have it (SDKs guide, "Container credential provider")."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1")
    assert instance_metadata.container_credentials_url() == "http://169.254.170.2/v2/credentials/1"


def test_another_python_than_the_jobs_is_told(tmp_path: Path) -> None:
    """Of an image whose tag did not name it: which is wanted, and which there is."""
    with pytest.raises(AgentError, match=r"python3\.99 is not there; python3 is 3\."):
        install(make(tmp_path))


def test_sigterm_ends_a_step_of_the_installation(tmp_path: Path) -> None:
    """The command is killed with all that it started, and what is finished is to be uploaded."""
    launch = make(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    try:
        agent.trap(launch)
        launch.interruptible = True
        timer.start()
        with pytest.raises(StoppedError):
            launch.run(sys.executable, "-c", "import threading; threading.Event().wait()")
    finally:
        timer.join()
        signal.signal(signal.SIGTERM, before)
    assert launch.stopped
    assert "SIGTERM: what is finished is uploaded" in launch.log_path.read_text()


@pytest.mark.parametrize("sigint", [signal.default_int_handler, signal.SIG_IGN], ids=["foreground", "background"])
def test_sigterm_ends_the_tests_before_a_groups_cluster_closes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sigint: Any
) -> None:
    """Else the test at work fails for the lost cluster, and a resume takes that for its result.

    Also where SIGINT is ignored, as by what a shell starts in the background, this session among it.
    """
    begun = tmp_path / "begun"
    (tmp_path / "pytest.py").write_text(
        "import pathlib, threading\n"
        f"def main(arguments): pathlib.Path({str(begun)!r}).touch(); threading.Event().wait()\n"
    )
    monkeypatch.setattr(run_tests, "INTERRUPT_S", 600)  # however busy this machine is
    launch = make(tmp_path, args=[], node_ids=[], environment={"PYTHONPATH": str(tmp_path)}, cwd=".")
    tests, before = PytestRun(launch), signal.getsignal(signal.SIGTERM)
    interrupt = signal.signal(signal.SIGINT, sigint)

    def stop() -> None:
        wait_until(begun.exists)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=stop)
    try:
        agent.trap(launch)
        launch.interruptible = True
        thread.start()
        with pytest.raises(StoppedError):
            tests.run(Path(sys.executable))
    finally:
        thread.join()
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, interrupt)
    assert tests._process is not None
    assert tests._process.returncode == -signal.SIGINT
    assert tests.stopped() == "error: stopped by SIGTERM"


def test_tests_that_are_given_up_as_they_begin_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else they would wait for the lost cluster until the time limit, which costs."""
    (tmp_path / "pytest.py").write_text("import threading\ndef main(arguments): threading.Event().wait()\n")
    monkeypatch.setattr(run_tests, "INTERRUPT_S", 0.1)
    launch = make(tmp_path, args=[], node_ids=[], environment={"PYTHONPATH": str(tmp_path)}, cwd=".", time_limit_s=600)
    tests, popen = PytestRun(launch), subprocess.Popen

    def begin(*args: Any, **options: Any) -> Any:
        process = popen(*args, **options)
        tests.give_up("the worker is lost")
        return process

    monkeypatch.setattr(subprocess, "Popen", begin)
    assert tests.run(Path(sys.executable)) == "error: the worker is lost"


def test_sigterm_while_it_delivers_changes_nothing(tmp_path: Path) -> None:
    """What it is about to upload is all that there is."""
    launch = make(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    try:
        agent.trap(launch)
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not launch.stopped
