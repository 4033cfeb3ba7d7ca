"""What can go wrong, as one tree; every message carries the numbers and the next step."""

from __future__ import annotations


class PytestBenchmarkAWSError(Exception):
    """Base of all errors that this plugin raises on purpose."""


class MarkError(PytestBenchmarkAWSError, ValueError):
    """A marker's arguments cannot be used as they are written."""


class UnitError(PytestBenchmarkAWSError, ValueError):
    """A text is no amount of memory or rows."""


class PlanError(PytestBenchmarkAWSError, ValueError):
    """What was asked cannot be run as it is; nothing was made. pytest ends with exit code 4."""


class CapacityError(PytestBenchmarkAWSError):
    """AWS has no such instance to give now, in any zone that was tried."""


class QuotaError(CapacityError):
    """The account's quota, of vCPUs or of calls, is used up, in every zone alike."""


class ThrottledError(PytestBenchmarkAWSError):
    """AWS asks to slow down, beyond what its client retried by itself."""


class UnreachableError(PytestBenchmarkAWSError):
    """AWS does not answer now, or the credentials have ended: what was asked may be asked again."""


class RemoteFailure(PytestBenchmarkAWSError):
    """A launch ended without the results that it should have brought."""


class CleanupError(PytestBenchmarkAWSError):
    """Something may still be alive; the message names each resource."""

    finished: tuple[object, ...] = ()
    """What the run had brought home before (``run.ledger.Finished``): results are not lost for it."""
