"""What a session with ``--aws`` writes of the project that it ships."""

from __future__ import annotations

from types import SimpleNamespace

from pytest_benchmark_aws.backends.agent_archive import Archive, Shipment
from pytest_benchmark_aws.session import plan

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
