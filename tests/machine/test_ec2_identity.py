"""EC2 identity against a metadata service that insists on version 2."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

from pytest_benchmark_aws.machine.ec2_identity import is_ec2, read_identity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENT = {
    "instanceType": "m5.8xlarge",
    "instanceId": "i-0123456789abcdef0",
    "availabilityZone": "us-east-1b",
    "region": "us-east-1",
    "imageId": "ami-0abcdef1234567890",
    "accountId": "123456789012",
}


class Metadata(BaseHTTPRequestHandler):
    """IMDSv2 as EC2 documents it: a PUT for a token, which every GET must carry."""

    document: object = DOCUMENT
    requests: ClassVar[list[str]] = []

    def do_PUT(self) -> None:
        ttl = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        self._answer(200 if self.path == "/latest/api/token" and ttl.isdigit() else 400, "secret-token")

    def do_GET(self) -> None:
        if self.headers.get("X-aws-ec2-metadata-token") != "secret-token":
            self._answer(401, "")
        elif self.path == "/latest/dynamic/instance-identity/document":
            text = self.document if isinstance(self.document, str) else json.dumps(self.document)
            self._answer(200, text)
        elif self.path == "/latest/meta-data/instance-life-cycle":
            self._answer(200, "spot")
        else:
            self._answer(404, "")

    def _answer(self, status: int, text: str) -> None:
        self.requests.append(f"{self.command} {self.path}")
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def imds() -> Iterator[tuple[str, type[Metadata]]]:
    """The service's address and its handler, for one test."""
    handler = type("Handler", (Metadata,), {"requests": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


@pytest.fixture
def nitro(tmp_path: Path) -> Path:
    """The firmware files of a Nitro instance."""
    folder = tmp_path / "sys/class/dmi/id"
    folder.mkdir(parents=True)
    (folder / "sys_vendor").write_text("Amazon EC2\n")
    return tmp_path


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the caller's environment says of metadata counts in no test."""
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED", raising=False)
    monkeypatch.delenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", raising=False)


def test_an_instance_knows_itself(nitro: Path, imds: tuple[str, type[Metadata]]) -> None:
    """Type, id, zone, region, image and market, in three requests."""
    found = read_identity(nitro, imds[0])
    assert found is not None
    assert (found.instance_type, found.instance_id, found.zone) == ("m5.8xlarge", "i-0123456789abcdef0", "us-east-1b")
    assert (found.region, found.ami, found.market) == ("us-east-1", "ami-0abcdef1234567890", "spot")
    assert len(imds[1].requests) == 3


def test_off_ec2_no_socket_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without EC2's firmware nothing is asked over the network."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a socket was made")

    monkeypatch.setattr(socket, "socket", refuse)
    assert read_identity(tmp_path) is None


def test_disabled_metadata_is_not_asked(
    nitro: Path, imds: tuple[str, type[Metadata]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS_EC2_METADATA_DISABLED works as for AWS's own tools."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert read_identity(nitro, imds[0]) is None
    assert imds[1].requests == []


@pytest.mark.parametrize("document", ["no JSON", "[" * 100_000, "[1]", "x" * 100_000])
def test_a_document_that_is_none_gives_no_identity(
    nitro: Path, imds: tuple[str, type[Metadata]], document: str
) -> None:
    """Text, nesting, another type and too many bytes are no identity, and no error."""
    imds[1].document = document
    assert read_identity(nitro, imds[0]) is None


def test_values_that_are_no_names_are_left_out(nitro: Path, imds: tuple[str, type[Metadata]]) -> None:
    """Control characters, numbers and paths out of a folder do not reach a result."""
    imds[1].document = {**DOCUMENT, "instanceType": "\x1b[2Jm5", "region": 5}
    found = read_identity(nitro, imds[0])
    assert found is not None
    assert (found.instance_type, found.region) == (None, None)


def test_a_silent_service_gives_no_identity(nitro: Path) -> None:
    """A port that nobody serves ends at once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert read_identity(nitro, f"http://127.0.0.1:{port}") is None


def test_a_xen_instance_is_told_by_its_uuid(tmp_path: Path) -> None:
    """Older types have no vendor string; their hypervisor's uuid starts with ec2."""
    folder = tmp_path / "sys/hypervisor"
    folder.mkdir(parents=True)
    (folder / "uuid").write_text("ec2e1916-9099-7caf-fd21-012345abcdef\n")
    assert is_ec2(tmp_path)


@pytest.mark.parametrize("embedded", [False, True])
def test_a_training_jobs_container_is_known_by_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedded: bool
) -> None:
    """No metadata service is asked, which none in a container answers."""
    folder = tmp_path / "input" / "config"
    folder.mkdir(parents=True)
    (folder / "resourceconfig.json").write_text(
        json.dumps({"current_host": "algo-1", "current_instance_type": "ml.m5.xlarge", "hosts": ["algo-1"]})
    )
    monkeypatch.setenv("TRAINING_JOB_NAME", "pba-run-0123456789abcdef")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    if embedded:
        monkeypatch.setenv("PYTEST_BENCHMARK_AWS_OPT_ML", str(tmp_path))
    else:
        monkeypatch.setattr("pytest_benchmark_aws.machine.ec2_identity.Path", lambda _: tmp_path)
    identity = read_identity(endpoint="http://127.0.0.1:9")
    assert identity is not None
    assert (identity.instance_type, identity.instance_id) == ("ml.m5.xlarge", "pba-run-0123456789abcdef")
    assert (identity.region, identity.zone, identity.embedded) == ("eu-west-1", None, embedded)


def test_a_training_job_without_its_files_has_no_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The variable alone tells nothing."""
    monkeypatch.setenv("TRAINING_JOB_NAME", "pba-run-0123456789abcdef")
    monkeypatch.setenv("PYTEST_BENCHMARK_AWS_OPT_ML", str(tmp_path))
    assert read_identity() is None
