"""What a session with ``--aws`` writes of the project that it ships."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.backends.agent_archive import Archive, Shipment
from pytest_benchmark_aws.session import plan, remote

if TYPE_CHECKING:
    from collections.abc import Mapping

ESCAPE = "\x1b[2J\x07.py"


def test_k3_file_names_of_the_bundle_steer_no_terminal() -> None:
    """Shipped files, files left out, distributions and notes are escaped."""
    files = Archive("0" * 64, 1, b"", names=(f"a{ESCAPE}",), left_out=(f"b{ESCAPE}",))
    wheels = Archive("0" * 64, 1, b"", names=(f"c{ESCAPE}",))
    lines: list[str] = []
    reporter = SimpleNamespace(write_line=lambda line, **_: lines.append(line))
    plan.show_bundle({"x86_64": Shipment(files, wheels, "3.12", (), (), (), notes=(f"d{ESCAPE}",))}, reporter)
    text = "\n".join(lines)
    assert "\x1b" not in text
    assert [letter for letter in "abcd" if f"{letter}\\x1b[2J\\x07.py" in text] == list("abcd")


def test_m3_files_are_listed_once_for_all_architectures() -> None:
    """An extension of one architecture says whose it is."""
    wheels = Archive("0" * 64, 1, b"", names=("calc==1",))
    names = {"x86_64": ("a.py", "fast.so"), "arm64": ("a.py",)}
    shipments = {
        arch: Shipment(Archive("0" * 64, 1, b"", names=of_arch), wheels, "3.12", (), (), ())
        for arch, of_arch in names.items()
    }
    lines: list[str] = []
    plan.show_bundle(shipments, SimpleNamespace(write_line=lambda line, **_: lines.append(line)))
    assert lines[:3] == [
        "files of the bundle for x86_64 and arm64 (1 bytes packed):",
        "  a.py",
        "  fast.so (for x86_64 alone)",
    ]
    assert lines.count("  a.py") == 1


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({}, "aws: your account"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:5000"}, "aws: 127.0.0.1:5000, the endpoint in AWS_ENDPOINT_URL"),
        ({"AWS_ENDPOINT_URL": "https://a:b@host/x"}, "aws: host, the endpoint in AWS_ENDPOINT_URL"),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:5000", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "aws: your account",
        ),
    ],
)
def test_an_endpoint_of_the_environment_is_not_called_your_account(
    monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config, variables: Mapping[str, str], line: str
) -> None:
    """As that of an embedded AWS which was started by itself; where botocore does not heed it, it is the account."""
    for name in ("AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(remote, "is_embedded", lambda _: False)
    assert remote.header(pytestconfig) == [line]
