"""Markers on a test -> the instance types it names and what it needs of a machine."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.errors import MarkError
from pytest_benchmark_aws.core.model import ARCHES, MARKETS, Requirements, Wanted
from pytest_benchmark_aws.core.values.units import parse_memory

if TYPE_CHECKING:
    import pytest

    from pytest_benchmark_aws.core.catalog import Catalog

_NAMES = ("instance_type", "requires")
_NEAR = 0.85
"""Of difflib: ``require`` and ``aws_instance_type`` are as near, ``requires_network`` and ``requirements`` are not."""
MOST_COUNT = 64
"""Machines of a group: what one leads by a scheduler, and fewer than one RunInstances launches."""
_REQUIREMENTS = ("memory", "vcpus", "arch", "gpu")


def wanted(item: pytest.Item, catalog: Callable[[], Catalog]) -> Wanted:
    """What the closest ``instance_type`` marker of the item names; the catalog is read only where there is one."""
    mark = item.get_closest_marker("instance_type")
    return Wanted() if mark is None else parse_instance_type(mark.args, mark.kwargs, catalog())


def requirements(item: pytest.Item) -> Requirements:
    """What the ``requires`` markers of the item ask for together; for each thing the closest marker wins."""
    params: Mapping[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    result = Requirements()
    for mark in item.iter_markers("requires"):
        asked = parse_requires(mark.args, mark.kwargs, params)
        missing = {f.name: getattr(asked, f.name) for f in fields(result) if getattr(result, f.name) is None}
        result = replace(result, **missing)
    return result


def parse_instance_type(args: Sequence[object], kwargs: Mapping[str, object], catalog: Catalog) -> Wanted:
    """The arguments of one ``instance_type`` marker, checked.

    Raises:
        MarkError: an unknown argument, market, count or instance type, or no type at all.
    """
    _refuse_unknown("instance_type", kwargs, ("market", "count"))
    market = kwargs.get("market")
    if market is not None and market not in MARKETS:
        raise MarkError(f"instance_type(market={market!r}): the markets are {_listed(MARKETS)}")
    count = kwargs.get("count", 1)
    counts = tuple(count) if isinstance(count, (list, tuple)) else (count,)
    if not counts or any(type(number) is not int or not 1 <= number <= MOST_COUNT for number in counts):
        raise MarkError(
            f"instance_type(count={count!r}): a whole number of machines from 1 to {MOST_COUNT} is needed, or several "
            "as in count=(1, 4)"
        )
    if not args:
        raise MarkError("instance_type() names no instance type: give at least one, as in instance_type('m5.8xlarge')")
    names = []
    for name in args:
        if not isinstance(name, str):
            hint = "; unpack a list with *" if isinstance(name, (list, tuple, set)) else ""
            raise MarkError(f"instance_type({name!r}): an instance type is a text such as 'm5.8xlarge'{hint}")
        if catalog.find(name) is None:
            from pytest_benchmark_aws.catalog.replacements import near, why_gone

            if gone := why_gone(name, catalog):
                raise MarkError(f"instance_type({name!r}): {gone}")
            raise MarkError(
                f"instance_type({name!r}): no such instance type among the {len(catalog.types):,} known ones "
                f"(snapshot of {catalog.price_date}); did you mean {_listed(near(name, catalog))}?"
            )
        names.append(name)
    return Wanted(tuple(dict.fromkeys(names)), market, tuple(dict.fromkeys(counts)))


def parse_requires(args: Sequence[object], kwargs: Mapping[str, object], params: Mapping[str, object]) -> Requirements:
    """The arguments of one ``requires`` marker, checked; a callable memory is called with the test's parameters.

    Raises:
        MarkError: a positional or unknown argument, or a value that is none.
    """
    if args:
        raise MarkError(f"requires({args[0]!r}): name what is required, as in requires(memory='96 GiB')")
    _refuse_unknown("requires", kwargs, _REQUIREMENTS)
    arch = kwargs.get("arch")
    if arch is not None and arch not in ARCHES:
        raise MarkError(f"requires(arch={arch!r}): the architectures are {_listed(ARCHES)}")
    return Requirements(
        memory_bytes=_memory(kwargs.get("memory"), params),
        vcpus=_count("vcpus", kwargs.get("vcpus"), least=1),
        arch=arch,
        gpu=_count("gpu", kwargs.get("gpu"), least=0),
    )


def refuse_misspelt(items: Iterable[pytest.Item], registered: Iterable[str]) -> None:
    """Refuses tests with a marker that is nearly one of ours and nobody's else: they would run here in place of there.

    ``registered`` are the lines of pytest's ini value ``markers``.

    Raises:
        MarkError: naming each such marker with the right one and a test that has it.
    """
    from difflib import get_close_matches

    own = {line.partition(":")[0].partition("(")[0].strip() for line in registered}
    wrong: dict[str, str] = {}
    for item in items:
        for mark in item.iter_markers():
            if mark.name not in own and mark.name not in wrong:
                near = get_close_matches(mark.name, _NAMES, n=1, cutoff=_NEAR)
                wrong[mark.name] = f"  {mark.name}: did you mean {near[0]}? {item.nodeid} has it" if near else ""
    lines = [line for line in wrong.values() if line]
    if lines:
        raise MarkError(
            "unknown markers, nothing was launched:\n" + "\n".join(lines)
            + "\nA marker of your own is registered as pytest's ini value markers"
        )  # fmt: skip


def _memory(value: object, params: Mapping[str, object]) -> int | None:
    if value is None:
        return None
    shown = f"requires(memory={_named(value)})"
    if callable(value):
        value = _call(value, params, shown)
        shown += f" returned {_named(value)}"
    if isinstance(value, str):
        try:
            value = parse_memory(value)
        except ValueError as error:
            raise MarkError(f"requires(memory=...): {error}") from error
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise MarkError(f"{shown}: memory is a number of bytes, a text such as '96 GiB', or a function that gives one")
    return value


def _named(value: object) -> str:
    """A value as an error shows it; of a function its name, where it has one, never its address."""
    if not callable(value):
        return repr(value)
    name = getattr(value, "__name__", "<lambda>")
    return "a function" if name == "<lambda>" else str(name)


def _call(function: Callable[..., Any], params: Mapping[str, object], shown: str) -> object:
    """The function's answer, called with those of the test's parameters that it names."""
    names = inspect.signature(function).parameters.values()
    takes_all = any(name.kind is name.VAR_KEYWORD for name in names)
    named = [name for name in names if name.kind in (name.POSITIONAL_OR_KEYWORD, name.KEYWORD_ONLY)]
    lacking = [name.name for name in named if name.default is name.empty and name.name not in params]
    if lacking:
        has = _listed(tuple(params)) if params else "none"
        raise MarkError(f"{shown} asks for {_listed(lacking)}, the test's parameters are: {has}")
    wanted_names = params if takes_all else [name.name for name in named if name.name in params]
    return function(**{name: params[name] for name in wanted_names})


def _count(name: str, value: object, least: int) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= least):
        return value
    raise MarkError(f"requires({name}={value!r}): a whole number, {least} or more, is needed")


def _refuse_unknown(marker: str, kwargs: Mapping[str, object], accepted: Sequence[str]) -> None:
    from difflib import get_close_matches

    for name in kwargs:
        if name not in accepted:
            near = get_close_matches(name, accepted, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it takes {_listed(accepted)}"
            raise MarkError(f"{marker}({name}=...): unknown argument; {hint}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
