"""The command line and the ini file -> Settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_OPTIONS = (
    (
        "baselines",
        "DIR",
        "Folder of baselines, <DIR>/<instance type>/NNNN_name.json, that a run is compared with at its end, relative "
        "to the rootdir. Default: no comparison.",
    ),
    (
        "throughput",
        "KEY",
        "Key of extra_info that holds a benchmark's throughput, in units of work a second; machines are compared by "
        "it. Default: runs a second, which compares equal amounts of work only.",
    ),
    (
        "scale-parameter",
        "NAME",
        "Test parameter that only scales the amount of work: results that differ in it alone are compared by "
        "throughput, never in seconds.",
    ),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user asked of the plugin."""

    baselines: Path | None
    throughput: str | None
    scale_parameter: str | None

    @classmethod
    def from_config(cls, config: pytest.Config) -> Settings:
        """The command line's value where given, else the ini file's."""

        def value(name: str) -> str | None:
            dest = f"aws_{name}"
            given = config.getoption(dest)
            return str(given) if given is not None else (config.getini(dest) or None)

        folder = value("baselines")
        return cls(
            baselines=None if folder is None else config.rootpath / Path(folder).expanduser(),
            throughput=value("throughput"),
            scale_parameter=value("scale_parameter"),
        )


def add_options(parser: pytest.Parser) -> None:
    """Adds each option with its ini twin: ``--aws-baselines`` and ``aws_baselines``."""
    group = parser.getgroup("aws", "benchmarks on AWS")
    for name, metavar, text in _OPTIONS:
        group.addoption(f"--aws-{name}", metavar=metavar, default=None, help=text)
        parser.addini(f"aws_{name.replace('-', '_')}", f"the same as --aws-{name}")
