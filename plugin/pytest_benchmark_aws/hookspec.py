"""What other plugins and conftests may hook."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_benchmark_aws_guest_args(config: pytest.Config, args: list[str]) -> None:
    """Called before anything is shipped, to edit in place the command line that pytest gets on the instances.

    ``args`` holds this session's own arguments without what selects, reports and saves; the node ids are added later.
    For a conftest whose defaults depend on ``--aws``: there they must be spelled out, as ``--aws`` is not given there.
    """
