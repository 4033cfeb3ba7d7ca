"""With ``--aws``, a case appears once for each instance type: ``test_train[laptop-m5.8xlarge]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.core.model import Case, Target, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_benchmark_aws.core.catalog import Catalog
    from pytest_benchmark_aws.core.settings import Settings

FIXTURE = "aws_instance_type"


def expand(metafunc: pytest.Metafunc, settings: Settings) -> None:
    """Parametrizes a test by the targets it is for; one without any stays as it is and runs here."""
    from pytest_benchmark_aws.catalog import snapshot
    from pytest_benchmark_aws.core.errors import MarkError
    from pytest_benchmark_aws.session.marks import parse_instance_type

    mark = metafunc.definition.get_closest_marker("instance_type")
    of_service = metafunc.definition.get_closest_marker("aws_service") is not None  # it asks AWS from here
    for_all = (settings.instance_types or settings.search) and not of_service
    if mark is None and not (for_all and "benchmark" in metafunc.fixturenames):
        return
    try:
        catalog = snapshot.catalog()
        wanted = None if mark is None else parse_instance_type(mark.args, mark.kwargs, catalog)
    except MarkError:
        return  # reported with all others, once everything is collected
    own = targets(wanted, settings, catalog)
    if FIXTURE not in metafunc.fixturenames:
        metafunc.fixturenames.append(FIXTURE)
    metafunc.parametrize(FIXTURE, own, ids=[str(target) for target in own], indirect=True)


def targets(wanted: Wanted | None, settings: Settings, catalog: Catalog) -> list[Target]:
    """The targets of a test: the command line's instance types, else the marked ones; each as often as asked for."""
    market = settings.market or (wanted.market if wanted else None) or "on-demand"
    if settings.search:
        return [Target("", market, step=step) for step in range(1, settings.search_launches + 1)]
    names = chosen_types(settings, catalog) or list(wanted.instance_types if wanted else ())
    counts = wanted.counts if wanted else (1,)
    launches = range(1, settings.launches + 1)
    return [
        Target(name, market, launch, count=count)
        for name in dict.fromkeys(names)
        for count in counts
        for launch in launches
    ]


def check_types(settings: Settings, catalog: Catalog) -> None:
    """Refuses instance types that there are none of, those whose price is given included; a service's price is none.

    Raises:
        pytest.UsageError: as ``chosen_types``; or a price is given for a type that is unknown.
    """
    from difflib import get_close_matches

    from pytest_benchmark_aws.catalog.service_prices import service_prices

    chosen_types(settings, catalog)
    for name in settings.prices:
        if catalog.find(name) is None and name not in service_prices():
            services = get_close_matches(name, service_prices())
            what, near = ("price of a service", services) if services else ("instance type", catalog.nearest(name))
            raise pytest.UsageError(f"--aws-price {name}: no such {what} is known; did you mean {', '.join(near)}?")


def chosen_types(settings: Settings, catalog: Catalog) -> list[str]:
    """Names of the instance types of the command line or the ini file, filters resolved; none where there are none.

    Several may stand in one text, with commas between them.

    Raises:
        pytest.UsageError: a filter cannot be read or selects nothing, or a type is unknown.
    """
    from pytest_benchmark_aws.core.instance_type_filter import is_filter

    return [
        name
        for text in settings.instance_types
        for part in ([text] if is_filter(text) else filter(None, text.split(",")))
        for name in _named(part, catalog)
    ]


def _named(text: str, catalog: Catalog) -> list[str]:
    """The instance types that a name or a filter stands for."""
    from pytest_benchmark_aws.catalog.replacements import near, refusal
    from pytest_benchmark_aws.core.errors import PlanError
    from pytest_benchmark_aws.core.instance_type_filter import is_filter

    if is_filter(text):
        try:
            return _filtered(text, catalog)
        except PlanError as error:
            raise pytest.UsageError(f"--aws-instance-type: {error}") from error
    if why := refusal(text, catalog):
        raise pytest.UsageError(f"--aws-instance-type: {why}")
    if catalog.find(text) is None:
        names = ", ".join(near(text, catalog))
        raise pytest.UsageError(f"--aws-instance-type={text}: no such instance type is known; did you mean {names}?")
    return [text]


def _filtered(text: str, catalog: Catalog) -> list[str]:
    """The instance types that a filter stands for, without what AWS has withdrawn.

    Raises:
        PlanError: as ``choose`` does; or all that it holds for is withdrawn.
    """
    from pytest_benchmark_aws.catalog.lifecycle import living
    from pytest_benchmark_aws.catalog.replacements import why_gone
    from pytest_benchmark_aws.core.errors import PlanError
    from pytest_benchmark_aws.core.instance_type_filter import choose

    try:
        return [row.name for row in choose(text, living(catalog))]
    except PlanError:
        withdrawn = choose(text, catalog)
        raise PlanError(f"filter {text!r}: {why_gone(withdrawn[0].name, catalog)}") from None


def refuse_misspelt(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Refuses markers that are nearly ours, before anything is planned.

    Raises:
        pytest.UsageError: naming each with the right one.
    """
    from pytest_benchmark_aws.core.errors import MarkError
    from pytest_benchmark_aws.session.marks import refuse_misspelt as refuse

    try:
        refuse(items, config.getini("markers"))
    except MarkError as error:
        raise pytest.UsageError(f"aws: {error}") from error


def refuse_single(items: Iterable[pytest.Item], settings: Settings) -> None:
    """Refuses what is for instance types, and of which pytest makes no case for each: it would be measured here.

    Raises:
        PlanError: naming the tests, which are unittest's, doctests, or another plugin's.
    """
    from pytest_benchmark_aws.core.errors import PlanError

    single = [
        item.nodeid
        for item in items
        if case_of(item) is None
        and not item.get_closest_marker("skip")
        and (
            item.get_closest_marker("instance_type") is not None
            or (settings.instance_types and "benchmark" in getattr(item, "fixturenames", ()))
        )
    ]
    if single:
        more = f" and {len(single) - 5:,} more" if len(single) > 5 else ""
        raise PlanError(
            f"{', '.join(single[:5])}{more}: pytest cannot make a case for each instance type of a unittest.TestCase's "
            "method, or of what is no function: write it as a function or in a plain class, or leave it out by -k or "
            "--deselect"
        )


def case_of(item: pytest.Item) -> Case | None:
    """The case that an item is, or None where it runs here."""
    callspec = getattr(item, "callspec", None)
    target = callspec.params.get(FIXTURE) if callspec is not None else None
    if not isinstance(target, Target):
        return None
    from pytest_benchmark_aws.session.marks import requirements

    return Case(item.nodeid, bare_id(item.nodeid, str(target)), target, requirements(item))


def bare_id(node_id: str, target: str) -> str:
    """The node id without the target, which stands last in it: as it is on every machine.

    Raises:
        ValueError: the node id does not end with the target.
    """
    for ending in (f"-{target}]", f"[{target}]"):
        if node_id.endswith(ending):
            return node_id[: -len(ending)] + ("]" if ending[0] == "-" else "")
    raise ValueError(f"{node_id!r} does not end with {target!r}")


def why_nothing(items: Sequence[pytest.Item]) -> str:
    """Why no case runs on an instance."""
    if not items:
        return "no test is selected (with --aws an id ends with its instance type, as in test_it[m5.large])"
    return (
        "no collected test names an instance type (mark one with @pytest.mark.instance_type(...), or give "
        "--aws-instance-type), or none that is selected is a benchmark"
    )


def refuse_resume(settings: Settings) -> None:
    """Refuses to go on with a run of which no case is selected: the session would measure here, and leave it alone.

    Raises:
        PlanError: a run was named.
    """
    if settings.resume is None:
        return
    from pytest_benchmark_aws.core.errors import PlanError
    from pytest_benchmark_aws.run.history import runs

    record = next((record for record in runs() if record.run_id == settings.resume), None)
    jobs = f" It ran {', '.join(record.jobs)}." if record is not None and record.jobs else ""
    raise PlanError(
        f"--aws-resume={settings.resume}: no test that is selected here names an instance type, so that none is a case "
        f"of that run.{jobs} Give the tests and options that it was started with, --aws-instance-type among them; "
        "nothing was measured"
    )
