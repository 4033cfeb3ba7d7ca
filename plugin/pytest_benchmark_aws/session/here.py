"""A session without ``--aws``: cases that do not fit this machine, and what this machine is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.model import Machine

GUEST = "PYTEST_BENCHMARK_AWS_GUEST"
"""Environment variable of the pytest that runs on an instance."""
OURS = pytest.StashKey[frozenset[str]]()
"""Modules that this plugin imported for itself: boto3 and its parts. The project's tests need not need them."""
_NOISE = (("cpu", "hz_actual"), ("cpu", "hz_actual_friendly"), ("steal",), ("ec2", "instance_id"))
"""Machine information that differs between two runs on one machine; stock pytest-benchmark would warn of it."""


class MisfitReport:
    """The plugin that says, before anything runs, which cases this machine cannot hold."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    @pytest.hookimpl(trylast=True)
    def pytest_report_collectionfinish(self) -> list[str]:
        """A line for each case, after the one with their number."""
        return self._lines


def check_items(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Checks what the items are marked with; what it refuses no test of a worker of pytest-xdist passes by.

    Raises:
        pytest.UsageError: a marker or an option cannot be used.
    """
    marked = [item for item in items if item.get_closest_marker("instance_type") or item.get_closest_marker("requires")]
    of_services = [item for item in items if item.get_closest_marker("aws_service")]
    try:
        if marked:
            check_marks(config, marked, len(items))
        if of_services:
            from pytest_benchmark_aws.session.services import plan

            plan.check(config, of_services)
    except pytest.UsageError as error:
        if not hasattr(config, "workerinput"):
            raise
        refuse_all(config, error)


def check_marks(config: pytest.Config, marked: list[pytest.Item], collected: int) -> None:
    """Refuses what markers got wrong, and has the cases skipped that do not fit this machine.

    ``marked`` are the items with one of our markers, of ``collected`` in all.

    Raises:
        pytest.UsageError: naming every test whose marker cannot be used, with the reason.
    """
    from pytest_benchmark_aws.catalog import snapshot
    from pytest_benchmark_aws.core.errors import MarkError
    from pytest_benchmark_aws.core.fit import misfits
    from pytest_benchmark_aws.core.model import Requirements
    from pytest_benchmark_aws.session import marks
    from pytest_benchmark_aws.session.expand import case_of

    wrong, unfit = [], []
    machine: Machine | None = None
    for item in marked:
        try:
            marks.wanted(item, snapshot.catalog)
            requirements = marks.requirements(item)
        except MarkError as error:
            wrong.append(f"{item.nodeid}: {error}")
            continue
        if requirements == Requirements() or case_of(item) is not None or GUEST in os.environ:
            continue  # what is launched for a case was looked at when it was planned, and is paid for
        machine = machine or this_machine()
        reasons = misfits(requirements, machine)
        if reasons:
            skip_later(item, "; ".join(reasons))
            unfit.append(f"  {item.nodeid}: {'; '.join(reasons)}")
    if wrong:
        raise pytest.UsageError(*dict.fromkeys(wrong))
    if unfit:
        count = f"aws: {len(unfit)} of {collected} cases do not fit this machine and are skipped:"
        config.pluginmanager.register(MisfitReport([count, *unfit]))


def skip_later(item: pytest.Item, reason: str) -> None:
    """Marks a case as one that pytest skips before its fixtures are made."""
    item.add_marker(pytest.mark.skip(reason=reason), append=False)


def this_machine() -> Machine:
    """The machine at hand; whether it has GPUs is not asked."""
    from pytest_benchmark_aws.core.model import Machine
    from pytest_benchmark_aws.machine.hardware import read_facts

    facts = read_facts()
    return Machine("this machine", facts.vcpus, facts.memory_bytes, (facts.arch,), None)


def describe_machine(machine_info: dict[str, Any]) -> None:
    """Adds to pytest-benchmark's machine information what decides how fast and how dear a machine is."""
    from dataclasses import asdict

    from pytest_benchmark_aws.machine.cpu_times import steal_since_boot
    from pytest_benchmark_aws.machine.ec2_identity import read_identity
    from pytest_benchmark_aws.machine.gpus import this_machines_gpus
    from pytest_benchmark_aws.machine.hardware import read_facts

    machine_info["hardware"] = read_facts().as_dict()
    gpus = this_machines_gpus()
    if gpus is not None:
        machine_info["gpu"] = gpus.as_dict()
    machine_info["steal"] = steal_since_boot()
    identity = read_identity()
    if identity is not None:
        machine_info["ec2"] = asdict(identity)


def quiet_noise(benchmarksession: Any, machine_info: dict[str, Any], compared: dict[str, Any]) -> None:
    """Gives the compared file this machine's information where the two differ in noise alone.

    Stock pytest-benchmark warns of any difference, so a warning for each clock reading would bury the real ones. Where
    the storage lies outside the working directory it cannot warn (its issue 217: an internal error), so this does.
    """
    from pytest_benchmark_aws.core.values.json_fields import without

    # Through JSON, as the compared side came: tuples become lists.
    here, there = without(machine_info, _NOISE), without(compared.get("machine_info"), _NOISE)
    if here != there and not _inside(benchmarksession.storage):
        benchmarksession.logger.warning(
            f"Benchmark machine_info is different in {', '.join(_differing(here, there))} "
            f"(location: {benchmarksession.storage})."
        )
        there = here
    if here == there:
        compared["machine_info"] = machine_info


def _inside(storage: Any) -> bool:
    """Whether the storage can say where it is."""
    try:
        return bool(storage.location)
    except ValueError:
        return False


def _differing(here: Any, there: Any, name: str = "") -> list[str]:
    """The dotted names of what differs."""
    if not (isinstance(here, dict) and isinstance(there, dict)):
        return [] if here == there else [f"{name or 'all'} (here {here!r:.80}, saved {there!r:.80})"]
    differing = []
    for key in sorted({*here, *there}, key=str):
        differing += _differing(here.get(key), there.get(key), f"{name}.{key}" if name else str(key))
    return differing


@contextmanager
def importing(config: pytest.Config) -> Iterator[None]:
    """What is imported meanwhile is this plugin's, not the project's."""
    before = frozenset(sys.modules)
    try:
        yield
    finally:
        config.stash[OURS] = config.stash.get(OURS, frozenset()) | (frozenset(sys.modules) - before)


def compare_with_baselines(reporter: pytest.TerminalReporter) -> None:
    """Writes this run's results next to the baselines, where some are configured and match; on an instance nothing."""
    config = reporter.config
    benchmarks = getattr(getattr(config, "_benchmarksession", None), "benchmarks", None)
    if not benchmarks or "PYTEST_BENCHMARK_AWS_GUEST" in os.environ:  # what reads the baselines is not shipped
        return
    from pytest_benchmark_aws.session.options import read_settings

    settings = read_settings(config)
    if settings.baselines is None:
        return
    from pytest_benchmark_aws.session.summary import write_here

    write_here(reporter, benchmarks, settings)


class Refused:
    """A plugin by which each test of a worker fails before its fixtures, with why the session is refused."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Fails the test."""
        pytest.fail(self.sentence, pytrace=False)


def refuse_all(config: pytest.Config, error: pytest.UsageError) -> None:
    """Lets no test of this worker run.

    A usage error that a worker raises ends xdist's controller with an assertion of its own (xdist 3.8,
    ``dsession.worker_workerfinished``), and what was wrong is written nowhere.
    """
    config.pluginmanager.register(Refused("\n".join(map(str, error.args))))
