"""What AWS has closed or ended: skipped with the day and what replaces it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.session.services.measure import ManagedService

NAMES = ("forecast", "ground truth", "deeplens", "deepracer", "elastic inference")


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.aws_service(name)) for name in NAMES])
def test_withdrawn(service: Callable[[str], ManagedService], name: str) -> None:
    """It is skipped before it asks anything; where it runs, catalog/lifecycle says that it lives."""
    pytest.fail(
        f"{service(name).service} lives: give it a benchmark"
    )  # never reached while catalog.lifecycle has its end
