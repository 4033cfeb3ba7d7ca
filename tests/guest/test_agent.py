"""The agent's steps, in this process, against a loopback server that stands for S3."""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.backends.agent_archive import MODULES
from pytest_benchmark_aws.guest import agent, install, uploads
from pytest_benchmark_aws.guest.s3 import AgentError, Uploader
from tests.guest.conftest import pack
from tests.guest.sources import imports, siblings

if TYPE_CHECKING:
    from tests.guest.conftest import Launch, Storage


def test_it_is_python_39_and_the_standard_library() -> None:
    """The agent and what is sent with it compile for Amazon Linux 2023's own Python and import nothing else."""
    folder, beside = Path(agent.__file__).parent, {name.removesuffix(".py").replace("/", ".") for name in MODULES}
    assert "agent" in beside
    for name in MODULES:
        source = (folder / name).read_text(encoding="utf-8")
        assert imports(source) <= sys.stdlib_module_names
        packages = {module.removesuffix(".__init__") for module in beside}
        assert siblings(source, name.rpartition("/")[0]) <= beside | packages


# Uploads.


def put(storage: Storage, name: str = "data", **target: Any) -> None:
    """One upload of the real class."""
    Uploader({name: {"url": storage.url(name), **target}}).put(name, b"x")


@pytest.mark.parametrize("status", [409, 429, 500, 502, 503, 504])
def test_a_passing_refusal_is_tried_again(storage: Storage, waits: list[float], status: int) -> None:
    """After two such answers the third try is kept, and each wait is longer than the last."""
    storage.faults["data"] = [status, status]
    put(storage)
    assert [(name, data) for name, data, _ in storage.puts] == [("data", b"x")]
    assert waits == [1, 2]


def test_what_is_there_already_counts_as_there(storage: Storage, waits: list[float]) -> None:
    """412 answers an upload whose first answer was lost: no error, no second try."""
    storage.faults["data"] = [503, 412]
    put(storage, headers={"If-None-Match": "*"})
    assert (storage.puts, waits) == ([], [1])


def test_a_lasting_refusal_is_told_with_s3s_words(storage: Storage, waits: list[float]) -> None:
    """403 is not tried again, and its body is in the error."""
    storage.faults["data"] = [403]
    with pytest.raises(AgentError, match=r"upload of data: HTTP 403: .*Fault403"):
        put(storage)
    assert waits == []


def test_retries_end(storage: Storage, waits: list[float]) -> None:
    """Eight times 503 is an error, after less than two minutes of waits."""
    storage.faults["data"] = [503] * 8
    with pytest.raises(AgentError, match="HTTP 503"):
        put(storage)
    assert storage.faults["data"] == []
    assert sum(waits) < 120


def test_nobody_there_is_an_error_of_ours(storage: Storage, waits: list[float]) -> None:
    """A refused connection is tried again and then told as AgentError."""
    storage.server_close()
    with pytest.raises(AgentError, match=r"upload of data: .*refused"):
        put(storage)
    assert len(waits) == 7


def test_the_signed_headers_are_sent(storage: Storage) -> None:
    """A presigned If-None-Match must be in the request."""
    put(storage, headers={"If-None-Match": "*"})
    assert storage.puts[0][2]["if-none-match"] == "*"


# Downloads.


@pytest.mark.parametrize(
    "fault",
    [503, lambda data: data[:-1], lambda data: b"\0" + data[1:]],
    ids=["503", "truncated", "corrupt"],
)
def test_a_bad_download_is_fetched_again(launch: Launch, waits: list[float], fault: Any) -> None:
    """What does not come whole is fetched again, until it does."""
    launch.storage.faults["project"] = [fault, fault]
    path = install.fetch(launch.on_the_instance(), "project")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == launch.job["project"]["sha256"]
    assert waits == [1, 2]


@pytest.mark.parametrize("fault", [lambda data: data[:-1], lambda data: b"\0" + data[1:]], ids=["truncated", "corrupt"])
def test_a_download_that_stays_bad_is_refused(launch: Launch, waits: list[float], fault: Any) -> None:
    """After six attempts it is an error, and nothing is unpacked."""
    launch.storage.faults["project"] = [fault] * 6
    with pytest.raises(AgentError, match="project could not be fetched whole in 6 attempts"):
        install.unpack(launch.on_the_instance(), "project", launch.root / "project")
    assert launch.storage.gets == ["project"] * 6
    assert list((launch.root / "project").iterdir()) == []
    assert sum(waits) == 31


def test_no_more_than_the_size_is_kept(launch: Launch, waits: list[float]) -> None:
    """An object that is larger than it should be fills no disk."""
    launch.storage.objects["project"] = b"\0" * (4 << 20)
    with pytest.raises(AgentError, match="6 attempts"):
        install.fetch(launch.on_the_instance(), "project")
    assert (launch.root / "project.tar").stat().st_size <= launch.job["project"]["size"]


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """An archive of a good file and one other member."""
    buffer = io.BytesIO(pack({"good.txt": "good"}))
    with tarfile.open(fileobj=buffer, mode="a") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        archive.addfile(info)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "archive",
    [
        member("../evil"),
        member("a/../../evil"),
        member("/tmp/evil"),
        member("link", tarfile.SYMTYPE, "/etc"),
        member("hard", tarfile.LNKTYPE, "good.txt"),
        member("fifo", tarfile.FIFOTYPE),
        member("device", tarfile.CHRTYPE),
    ],
    ids=["parent", "inner-parent", "absolute", "symlink", "hard-link", "fifo", "device"],
)
def test_a_member_that_leaves_the_folder_is_refused(launch: Launch, archive: bytes) -> None:
    """Such an archive is refused as a whole, before any of it is unpacked."""
    launch.ship("project", archive)
    into = launch.root / "project"
    with pytest.raises(AgentError, match="is no file inside the bundle"):
        install.unpack(launch.on_the_instance(), "project", into)
    assert list(into.iterdir()) == []


def test_files_and_folders_are_unpacked(launch: Launch) -> None:
    """Nested files arrive as they were."""
    launch.ship("project", pack({"a/b/c.txt": "deep", "top.py": "pass"}))
    install.unpack(launch.on_the_instance(), "project", launch.root / "project")
    assert (launch.root / "project/a/b/c.txt").read_text() == "deep"


# The end.


def test_a_torn_checkpoint_line_is_left_out(launch: Launch) -> None:
    """Whole lines are read; half of one, even with half a character, is not."""
    guest = launch.on_the_instance()
    guest.checkpoint.write_bytes(b'{"kind": "start", "nodeid": "a"}\n{"kind": "test", "nodeid": "\xc3')
    assert uploads.checkpoint_lines(guest) == [{"kind": "start", "nodeid": "a"}]


def test_the_logs_end_is_bounded(launch: Launch) -> None:
    """Of a log of 3 MiB the last MiB is uploaded, and how many lines are missing is said."""
    guest = launch.on_the_instance()
    guest.log_path.write_bytes(b"first\nsecond\n" + b"x" * (3 << 20) + b"\nlast\n")
    uploads.finish(guest, "passed")
    log = launch.storage.last("log")
    said = b"[... 2 lines are left out ...]\n"
    assert len(log) == (1 << 20) + len(said)
    assert (log[: len(said)], log[-5:]) == (said, b"last\n")


def test_the_lines_before_a_growing_logs_end_are_counted_on(tmp_path: Path) -> None:
    """Each look counts what has come to lie before the end since the last one."""
    log = uploads.LogEnd(tmp_path / "log")
    (tmp_path / "log").write_bytes(b"1234567\n" * (1 << 17))
    assert log.read() == b"1234567\n" * (1 << 17)
    for more in (1, 2_000):
        with (tmp_path / "log").open("ab") as file:
            file.write(b"1234567\n" * more)
        assert log.read().startswith(f"[... {more + (more > 1):,} lines are left out ...]\n1234567\n".encode())


def test_a_short_log_is_whole(launch: Launch) -> None:
    """Nothing is cut from a log within the limit."""
    guest = launch.on_the_instance()
    guest.log_path.write_bytes(b"x" * (1 << 20))
    uploads.finish(guest, "passed")
    assert launch.storage.last("log") == b"x" * (1 << 20)
