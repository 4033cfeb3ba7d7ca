"""The door of ``pytest-benchmark-aws``: its parser, and what errors mean for the exit code."""

from __future__ import annotations

import argparse
import io
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.errors import PytestBenchmarkAWSError

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = ("compare", "predict", "report", "merge", "export", "runs", "reap", "policy", "services")
"""Each is a module of ``commands``."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; 0 where all is well, 1 where something is alive or failed, 2 for wrong usage."""
    _make_writable()
    words = sys.argv[1:] if argv is None else argv
    # The others' modules take longer to load than a small comparison takes.
    options = _parser(_COMMANDS if not words or words[0] not in _COMMANDS else words[:1]).parse_args(words)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except PytestBenchmarkAWSError as error:
        print(f"pytest-benchmark-aws: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, such as head, has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"pytest-benchmark-aws: {error.filename or 'output'}: {error.strerror or error}", file=sys.stderr)
        if not error.filename:  # what is left in the buffer would fail again at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _make_writable() -> None:
    """A closed output is none, and a terminal that cannot show a character shows its number."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 -- for the rest of the process
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


class _Version(argparse.Action):
    """Says the installed version, which is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"{parser.prog} {version('pytest-benchmark-aws')}")
        parser.exit()


def _parser(names: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pytest-benchmark-aws", description="Compares machines, and looks after runs of pytest --aws."
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in names:
        import_module(f"pytest_benchmark_aws.commands.{name}").add_parser(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
