"""The table of managed services at the end of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.report.services import service_lines

if TYPE_CHECKING:
    from collections.abc import Iterable


def write(reporter: Any, measured: Iterable[Any]) -> None:
    """Writes the table, from pytest-benchmark's results of this session."""
    lines = service_lines((bench.name, bench.extra_info) for bench in measured if bench.group == "services")
    if lines:
        reporter.write_sep("-", "managed services")
    for line in lines:
        reporter.write_line(line)
