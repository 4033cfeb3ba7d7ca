"""Which backend runs what: the one place that says so, by how the name of an instance type begins."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.instance_type_names import SAGEMAKER_PREFIX
from pytest_benchmark_aws.core.model import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.backends.agent_archive import Shipment
    from pytest_benchmark_aws.backends.protocol import Backend, Handle, SeenLaunch, Site, Status
    from pytest_benchmark_aws.core.catalog import InstanceType
    from pytest_benchmark_aws.core.model import Job, Market
    from pytest_benchmark_aws.core.settings import Settings

MODULES: Mapping[str, str] = {
    "": "pytest_benchmark_aws.backends.ec2.backend",
    SAGEMAKER_PREFIX: "pytest_benchmark_aws.backends.sagemaker.backend",
}
"""Prefix of an instance type's name -> the module of its backend; the longest prefix counts.

A module has ``GRACE_S``, the seconds that its launches
may live beyond the time limit, or ``grace_s(target)`` where that is not the same for all, ``make(site, settings)``,
which gives the run's backend and asks nothing, and ``launchable(clients, types, market)``, the names of those types
that the account could launch.
"""


@dataclass(frozen=True, slots=True)
class Backends:
    """The backends of one run."""

    by_prefix: Mapping[str, Backend]
    """As in ``MODULES``."""

    def of(self, job: Job) -> Backend:
        """The one that runs the job, as its target says."""
        return self.by_prefix[_prefix(job.target, self.by_prefix)]

    def grouped(self, jobs: Sequence[Job]) -> Iterator[tuple[Backend, list[Job]]]:
        """Each backend that runs some of the jobs, with those."""
        for prefix, backend in self.by_prefix.items():
            its_jobs = [job for job in jobs if _prefix(job.target, self.by_prefix) == prefix]
            if its_jobs:
                yield backend, its_jobs

    def prepare(self, jobs: Sequence[Job], shipments: Mapping[str, Shipment]) -> None:
        """Makes what the jobs' launches need; see ``Backend.prepare``."""
        for backend, its_jobs in self.grouped(jobs):
            backend.prepare(its_jobs, shipments)

    def notes(self) -> list[str]:
        """What they found before the first launch that is no reason to refuse."""
        return [note for backend in self.by_prefix.values() for note in getattr(backend, "notes", ())]

    def poll(self, handles: Sequence[Handle]) -> dict[str, Status]:
        """The status of each launch by its id: one look of each backend for all of its own.

        Raises:
            UnreachableError: one of them cannot be asked now.
        """
        statuses: dict[str, Status] = {}
        for prefix, backend in self.by_prefix.items():
            its_handles = [handle for handle in handles if _prefix(handle.job.target, self.by_prefix) == prefix]
            if its_handles:
                statuses |= backend.poll(its_handles)
        return statuses

    def launches(self) -> list[SeenLaunch]:
        """All launches of the run that any of them shows."""
        return [launch for backend in self.by_prefix.values() for launch in backend.launches()]

    def end_overdue(self) -> Iterator[SeenLaunch]:
        """Ends what is alive past its deadline, of any run of ours; gives each launch before it is ended."""
        for backend in self.by_prefix.values():
            yield from backend.end_overdue()

    def living(self) -> list[tuple[Backend, list[str]]]:
        """The ids of the run's launches that are not gone, from a fresh look, by backend; those that have any."""
        looks = [(backend, list(backend.alive())) for backend in self.by_prefix.values()]
        return [(backend, ids) for backend, ids in looks if ids]

    def alive(self) -> dict[str, list[str]]:
        """Ids of what is not gone of the run, from a fresh look, by what its backends call it; of a group each."""
        return {backend.noun: list(_machines(backend, backend.alive())) for backend in self.by_prefix.values()}


def _machines(backend: Backend, launch_ids: Iterable[str]) -> Iterable[str]:
    return backend.machines(launch_ids) if hasattr(backend, "machines") else launch_ids


def make_backends(jobs: Sequence[Job], site: Site, settings: Settings) -> Backends:
    """The backends that these jobs need, imported now; AWS is asked nothing."""
    prefixes = dict.fromkeys(_prefix(job.target, MODULES) for job in jobs)
    return Backends({prefix: _module(prefix).make(site, settings) for prefix in prefixes})


def grace_s(target: Target) -> int:
    """Seconds that a launch of the target may live beyond the time limit."""
    module = _module(_prefix(target, MODULES))
    seconds: int = module.grace_s(target) if hasattr(module, "grace_s") else module.GRACE_S
    return seconds


def launchable(types: Iterable[InstanceType], market: Market, clients: Clients) -> set[str]:
    """The names of the types that their backends could launch for this account, as far as can be asked for all."""
    by_prefix: dict[str, list[InstanceType]] = {}
    for instance_type in types:
        by_prefix.setdefault(_prefix(Target(instance_type.name), MODULES), []).append(instance_type)
    return {name for prefix, its in by_prefix.items() for name in _module(prefix).launchable(clients, its, market)}


def _module(prefix: str) -> Any:
    return import_module(MODULES[prefix])


def _prefix(target: Target, prefixes: Iterable[str]) -> str:
    return max((prefix for prefix in prefixes if target.instance_type.startswith(prefix)), key=len)
