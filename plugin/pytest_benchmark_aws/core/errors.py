"""What can go wrong, as one tree; every message carries the numbers and the next step."""

from __future__ import annotations


class PytestBenchmarkAWSError(Exception):
    """Base of all errors that this plugin raises on purpose."""


class MarkError(PytestBenchmarkAWSError, ValueError):
    """A marker's arguments cannot be used as they are written."""


class UnitError(PytestBenchmarkAWSError, ValueError):
    """A text is no amount of memory or rows."""
