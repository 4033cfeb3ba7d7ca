"""Among which instance types a search looks, and what is stored of them already."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_benchmark_aws.backends import registry
from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.catalog.lifecycle import living
from pytest_benchmark_aws.catalog.replacements import refusal
from pytest_benchmark_aws.core.catalog import InstanceType
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.fit import misfits
from pytest_benchmark_aws.core.instance_type_names import SAGEMAKER_PREFIX
from pytest_benchmark_aws.core.model import Case, Job, Plan
from pytest_benchmark_aws.core.plan import as_machine
from pytest_benchmark_aws.predict.measured import Measured, measured_of
from pytest_benchmark_aws.predict.model import table as machine_table
from pytest_benchmark_aws.predict.model.machines import Machine, is_accelerated, machines_of
from pytest_benchmark_aws.predict.model.posterior import prior_of
from pytest_benchmark_aws.report.text import few
from pytest_benchmark_aws.session import expand
from pytest_benchmark_aws.session.search.state import Search, job_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.core.settings import Settings


def make(
    settings: Settings,
    cases: Iterable[Case],
    items: Iterable[pytest.Item],
    *,
    clients: Clients | None,
    plan_of: Callable[[Sequence[Case]], Plan],
    earlier: Callable[[Mapping[str, Machine], Sequence[str]], Mapping[str, Measured]],
    ships: Callable[[Sequence[Job]], object],
    note: Callable[[str], object],
) -> Search:
    """The search for the selected cases, with the candidates that hold all of them and can be launched.

    Args:
        settings: of the session, with a search.
        cases: of all its steps.
        items: the tests, whose marks may name candidates.
        clients: of the account; None for a dry run, which asks nothing.
        plan_of: the plan of cases with instance types.
        earlier: what is stored of these bare node ids, by instance type.
        ships: raises PlanError where the project cannot be shipped to a job's architecture.
        note: says a sentence.

    Raises:
        PlanError: there is no candidate.
    """
    by_step: dict[int, list[Case]] = {}
    for case in cases:
        by_step.setdefault(case.target.step, []).append(case)
    catalog = snapshot.catalog()
    table = machine_table.load()
    types = _candidate_types(settings, items, by_step[1], note)
    if not types:
        raise PlanError(
            "--aws-search: no instance type is left that has a price, is not burstable (--aws-allow-burstable has "
            "those too), and holds what all the selected tests require"
        )
    if clients is not None:
        able = registry.launchable(types, by_step[1][0].target.market, clients)
        if not able:
            raise PlanError(
                f"--aws-search: {clients.region} offers none of {len(types):,} candidates within the account's quota"
            )
        types = [t for t in types if t.name in able]
    types = _shippable(types, by_step[1], settings, ships, note)
    machines = machines_of(types, table)
    ids = [case.bare_id for case in by_step[1]]
    known = {machine.name: machine for machine in machines_of(catalog.types.values(), table)}
    stored = earlier(known, ids)
    search = Search(settings, by_step, prior_of(table), machines, plan_of, note, stored)
    tests = f"{len(ids):,} test{'s' if len(ids) > 1 else ''}"
    also = f"; {len(stored)} earlier result{'s count' if len(stored) > 1 else ' counts'}" if stored else ""
    among = f"{len(machines):,} instance type{'s' if len(machines) > 1 else ''}"
    most = f"at most {settings.search_launches} launch{'es' if settings.search_launches > 1 else ''}"
    note(f"search: the {settings.search} of {among} for {tests}, {most}{also}")
    return search


def _candidate_types(
    settings: Settings,
    items: Iterable[pytest.Item],
    cases: Sequence[Case],
    note: Callable[[str], object] = lambda _: None,
) -> list[InstanceType]:
    """The types of the command line, else of the marks, else all living ones; those that hold every case.

    SageMaker's are EC2's machines at another price, of which the machine model knows nothing: they are left out.

    Raises:
        PlanError: one that is named is withdrawn.
    """
    from pytest_benchmark_aws.session.marks import parse_instance_type

    catalog = snapshot.catalog()
    names = expand.chosen_types(settings, catalog)
    if not names:
        marks = [mark for item in items if (mark := item.get_closest_marker("instance_type")) is not None]
        names = [name for mark in marks for name in parse_instance_type(mark.args, mark.kwargs, catalog).instance_types]
    refused = [why for name in dict.fromkeys(names) if (why := refusal(name, catalog))]
    if refused:
        raise PlanError(f"--aws-search: {'; '.join(refused)}")
    training = [name for name in dict.fromkeys(names) if name.startswith(SAGEMAKER_PREFIX)]
    if training:
        left_out = f"not searched: {few(training)}, which SageMaker runs on EC2's machines at prices of its own"
        if len(training) == len(set(names)):
            raise PlanError(f"--aws-search: {left_out}; name EC2's types, as in {training[0].partition('.')[2]}")
        note(f"search: {left_out}")
    wanted = [catalog.types[name] for name in dict.fromkeys(names) if name in catalog.types] or [
        t
        for t in living(catalog).types.values()
        if t.current_generation and (_wants_gpu(cases) or not is_accelerated(t.name))
    ]
    priced = [replace(t, usd_per_hour=settings.prices.get(t.name, t.usd_per_hour)) for t in wanted]
    return [
        t
        for t in priced
        if t.usd_per_hour is not None
        and (settings.allow_burstable or not t.bursts)
        and not any(misfits(case.requirements, as_machine(t)) for case in cases)
    ]


def _wants_gpu(cases: Sequence[Case]) -> bool:
    return any(case.requirements.gpu for case in cases)


def _shippable(
    types: Sequence[InstanceType],
    cases: Sequence[Case],
    settings: Settings,
    ships: Callable[[Sequence[Job]], object],
    note: Callable[[str], object],
) -> list[InstanceType]:
    """The types of the platforms that the project can be shipped to.

    Raises:
        PlanError: there is none.
    """
    by_arch: dict[str, list[InstanceType]] = {}
    for instance_type in types:
        by_arch.setdefault(job_of(instance_type, cases, settings).platform, []).append(instance_type)
    shippable: list[InstanceType] = []
    refused: list[PlanError] = []
    for arch, its_types in by_arch.items():
        try:
            ships([job_of(its_types[0], cases, settings)])
        except PlanError as error:
            refused.append(error)
            if len(by_arch) > 1:
                note(f"search: no {arch} types, as the project cannot be shipped there: {str(error).splitlines()[0]}")
        else:
            shippable += its_types
    if not shippable:
        raise refused[0]
    return shippable


def stored_results(
    folder: Path, machines: Mapping[str, Machine], ids: Sequence[str], commit: str, *, embedded: bool
) -> dict[str, Measured]:
    """What the storage holds of launches that measured all these tests at a clean commit, by instance type.

    Times of other code tell nothing of this: without a commit, or with changes beyond it, nothing counts.
    """
    if not commit:
        return {}
    from pytest_benchmark_aws.core.compare.records import Reading
    from pytest_benchmark_aws.results.finding import find_files
    from pytest_benchmark_aws.results.reading import read_files

    try:
        files = find_files([str(folder)])
    except PlanError:  # nothing is stored yet
        return {}
    records = read_files(files, Reading(snapshot.catalog())).records
    launches: dict[tuple[str, str], dict[str, float]] = {}
    for record in records:
        name = record.machine.instance_type or ""
        if name in machines and record.machine.embedded == embedded and str(record.commit) == commit:
            launches.setdefault((name, record.launch), {})[record.node_id] = record.median
    seconds: dict[str, list[float]] = {}
    for (name, _), medians in launches.items():
        if all(node_id in medians for node_id in ids):
            seconds.setdefault(name, []).append(math.fsum(medians[node_id] for node_id in ids))
    return {name: measured_of(machines[name], values) for name, values in sorted(seconds.items())}
