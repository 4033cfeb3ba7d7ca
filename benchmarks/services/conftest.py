"""What the benchmarks of managed services share: the fixture that gives a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.session.services.measure import ManagedService


@pytest.fixture
def service(aws_service: Callable[[str], ManagedService]) -> Callable[[str], ManagedService]:
    """A function of a service's name, as in ``service("polly")``; it skips what cannot run here, with the reason."""
    return aws_service
