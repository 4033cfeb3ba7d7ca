"""Starts and stops an embedded AWS in this process."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.control_client import control
from pytest_benchmark_aws.embedded.ec2.lifecycle import Lifecycle
from pytest_benchmark_aws.embedded.iam.authorization import Authorization, Key, make_key
from pytest_benchmark_aws.embedded.sagemaker.training_jobs import TrainingJobs
from pytest_benchmark_aws.embedded.state import Settings, State
from pytest_benchmark_aws.embedded.wsgi import Application

HOST = "127.0.0.1"
_RUNNING = threading.Lock()
"""Held while an embedded AWS runs: moto's resources are the process's, so that two would share them."""


class _QuietHandler(WSGIRequestHandler):
    """A handler whose log goes to a file: the terminal is the benchmark run's."""

    log_path: Path

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Writes errors to the file; requests are in the record of calls."""
        if type != "info":
            with self.log_path.open("a", encoding="utf-8") as log:
                log.write((message % args if args else message) + "\n")


class EmbeddedAWS:
    """An embedded AWS: ``with EmbeddedAWS(root) as aws: boto3.client("ec2", endpoint_url=aws.endpoint, ...)``.

    Each start begins with AWS's default resources alone. A process runs at most one at a time.
    """

    def __init__(self, root: Path, settings: Settings | None = None) -> None:
        self.root = root
        self.settings = settings or Settings()
        self.endpoint = ""
        """``http://127.0.0.1:PORT`` while it runs, else empty."""
        self.key = make_key()
        """The key of this start, without which nothing is answered."""
        self._authorization: Authorization | None = None
        self._ends = ExitStack()
        """What ``stop`` does."""

    def start(self) -> EmbeddedAWS:
        """Starts to listen; returns itself.

        Raises:
            RuntimeError: another is running in this process, or this is no Linux.
            OSError: the port is taken.
        """
        if not Path("/proc/self/stat").exists():
            raise RuntimeError("the embedded AWS needs Linux: without /proc no guest's processes can be found")
        if not _RUNNING.acquire(blocking=False):
            raise RuntimeError("an embedded AWS is running in this process; stop it first")
        with ExitStack() as ends:
            ends.callback(_RUNNING.release)
            self.root = self.root.resolve()
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            moto_models.reset()
            moto_models.ec2_backend(self.settings.region)
            state = State(self.settings)
            lifecycle = Lifecycle(self.root, self.settings, state.lock)
            self._authorization = authorization = Authorization(state.lock)
            jobs = TrainingJobs(self.root, state, authorization)
            self.key = make_key()
            self.accept(self.key)
            moto = DomainDispatcherApplication(create_backend_app)
            application = Application(moto, state, lifecycle, jobs, authorization)
            handler = type("_Handler", (_QuietHandler,), {"log_path": self.root / "server.log"})
            server = make_server(HOST, self.settings.port, application, threaded=True, request_handler=handler)
            self.endpoint = lifecycle.endpoint = jobs.endpoint = f"http://{HOST}:{server.server_port}"
            # The socket listens since it was made: a client that is early waits in its queue.
            thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            ends.callback(lifecycle.close)
            ends.callback(jobs.close)
            # The server first, so that no launch comes after the last guest has ended.
            for end in (server.server_close, thread.join, server.shutdown):
                ends.callback(end)
            self._ends = ends.pop_all()
        return self

    def stop(self) -> None:
        """Ends the server and all guests. A second call does nothing."""
        self.endpoint = ""
        self._ends.close()

    def __enter__(self) -> EmbeddedAWS:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def environment(self) -> dict[str, str]:
        """The environment variables with which any AWS client in any process talks to this."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            **dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), self.settings.region),
            "AWS_ACCESS_KEY_ID": self.key.key_id,
            "AWS_SECRET_ACCESS_KEY": self.key.secret,
        }

    def accept(self, key: Key) -> None:
        """Lets another key do what this start's may do, such as one that takes its place in a test."""
        assert self._authorization is not None, "it runs"
        self._authorization.keys[key.key_id] = key

    def control(self, path: str, payload: dict[str, Any] | None = None) -> Any:
        """The answer of a control path, such as ``calls``: by GET, or by POST where there is a payload."""
        return control(self.environment(), path, payload)
