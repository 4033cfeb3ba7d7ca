"""Embedded AWS: moto's server with the EC2 semantics that moto lacks; launched instances are local processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS
    from pytest_benchmark_aws.embedded.settings import Settings

__all__ = ["EmbeddedAWS", "Settings"]


def __getattr__(name: str) -> object:
    """Imports moto only when it is needed: it takes a second, and it is an optional dependency."""
    if name == "EmbeddedAWS":
        from pytest_benchmark_aws.embedded.server import EmbeddedAWS

        return EmbeddedAWS
    if name == "Settings":
        from pytest_benchmark_aws.embedded.settings import Settings

        return Settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
