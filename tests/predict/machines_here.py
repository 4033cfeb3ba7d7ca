"""The shipped machine model, for tests."""

from __future__ import annotations

from functools import lru_cache

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.predict.measured import CaseResults, measured_of
from pytest_benchmark_aws.predict.model import table
from pytest_benchmark_aws.predict.model.machines import Machine, machines_of
from pytest_benchmark_aws.predict.model.posterior import Prior, prior_of


@lru_cache(maxsize=1)
def prior() -> Prior:
    """The shipped prior."""
    return prior_of(table.load())


@lru_cache(maxsize=1)
def machines() -> dict[str, Machine]:
    """All types of the catalog that a prediction can be of."""
    return {machine.name: machine for machine in machines_of(snapshot.catalog().types.values(), prior().table)}


def some(count: int = 60) -> list[Machine]:
    """Some priced machines of current generations, evenly over their names."""
    priced = [machine for machine in machines().values() if machine.usd_per_hour and machine.current]
    return priced[:: max(1, len(priced) // count)]


def results(**seconds: float | list[float]) -> CaseResults:
    """What was measured, by instance type with ``_`` for the dot: a launch's seconds, or those of several."""
    named = {name.replace("_", "."): value for name, value in seconds.items()}
    measured = [
        measured_of(machines()[name], value if isinstance(value, list) else [value])
        for name, value in sorted(named.items())
    ]
    return CaseResults("tests/test_it.py::test_it", None, tuple(measured), False, ())
