"""Markers' arguments: what is read, what is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.errors import MarkError
from pytest_benchmark_aws.core.model import Requirements, Wanted
from pytest_benchmark_aws.session.marks import parse_instance_type, parse_requires, refuse_misspelt

NAMES = st.lists(st.sampled_from(sorted(catalog().types)), min_size=1, max_size=5)


@given(NAMES, st.sampled_from([None, "on-demand", "spot"]))
def test_known_types_are_kept_in_order_without_duplicates(names: list[str], market: str | None) -> None:
    """Known types and a known market are read as written, each type once."""
    assert parse_instance_type(names, {"market": market}, catalog()) == Wanted(tuple(dict.fromkeys(names)), market)


@given(st.text(min_size=1, max_size=15).filter(lambda text: catalog().find(text) is None))
def test_an_unknown_type_is_refused_with_the_nearest(name: str) -> None:
    """An unknown type is quoted, and the error names known ones."""
    with pytest.raises(MarkError) as caught:
        parse_instance_type([name], {}, catalog())
    assert repr(name) in str(caught.value)
    assert repr(catalog().nearest(name)[0]) in str(caught.value)


@given(st.text(min_size=1, max_size=10).filter(lambda name: name not in {"memory", "vcpus", "arch", "gpu", "market"}))
def test_unknown_arguments_are_refused_by_name(name: str) -> None:
    """Neither marker takes an argument that it does not know."""
    with pytest.raises(MarkError, match="unknown argument"):
        parse_requires((), {name: 1}, {})
    with pytest.raises(MarkError, match="unknown argument"):
        parse_instance_type(("m5.large",), {name: 1}, catalog())


@given(st.integers(0, 2**45), st.integers(1, 1000), st.sampled_from(["x86_64", "arm64"]), st.integers(0, 16))
def test_requirements_are_read_as_written(memory: int, vcpus: int, arch: str, gpu: int) -> None:
    """Each requirement arrives unchanged, memory as bytes, as text and as a function's answer alike."""
    expected = Requirements(memory, vcpus, arch, gpu)
    for given_memory in (memory, f"{memory} B", lambda: memory, lambda rows: memory):
        kwargs = {"memory": given_memory, "vcpus": vcpus, "arch": arch, "gpu": gpu}
        assert parse_requires((), kwargs, {"rows": 1}) == expected


def test_a_misspelt_argument_suggests_the_right_one() -> None:
    """``memroy`` is refused with a hint at ``memory``."""
    with pytest.raises(MarkError, match="did you mean 'memory'"):
        parse_requires((), {"memroy": 1}, {})


def test_memory_may_be_a_function_of_the_parameters_it_names() -> None:
    """The function gets the parameters that it names, and no others."""
    kwargs = {"memory": lambda rows, spare=5: f"{rows + spare} KiB"}
    assert parse_requires((), kwargs, {"rows": 10, "threads": 2}).memory_bytes == 15 * 1024


def test_a_function_that_asks_for_what_the_test_lacks_is_refused() -> None:
    """The error says which parameter is missing and which there are."""
    with pytest.raises(MarkError, match=r"'columns'.*'rows'"):
        parse_requires((), {"memory": lambda columns: columns}, {"rows": 1})


def nothing() -> None:
    """A requirement of no memory at all."""


@pytest.mark.parametrize(("function", "shown"), [(lambda: None, "a function"), (nothing, "nothing")])
def test_a_function_is_shown_by_its_name(function: object, shown: str) -> None:
    """An error shows a function's name, or that it is one, and no address."""
    with pytest.raises(MarkError, match=rf"^requires\(memory={shown}\) returned None: "):
        parse_requires((), {"memory": function}, {})


@pytest.mark.parametrize(
    "kwargs",
    [
        {"memory": -1},
        {"memory": 1.5},
        {"memory": True},
        {"memory": "much"},
        {"memory": lambda: None},
        {"vcpus": 0},
        {"vcpus": "4"},
        {"vcpus": True},
        {"arch": "sparc"},
        {"gpu": -1},
    ],
)
def test_values_that_are_none_are_refused(kwargs: dict[str, object]) -> None:
    """A value of the wrong kind is refused before anything runs."""
    with pytest.raises(MarkError, match="requires"):
        parse_requires((), kwargs, {})


def test_positional_requirements_are_refused() -> None:
    """``requires("96 GiB")`` does not say of what."""
    with pytest.raises(MarkError, match="name what is required"):
        parse_requires(("96 GiB",), {}, {})


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "names no instance type"),
        ((["m5.large"],), {}, "unpack a list"),
        ((5,), {}, "an instance type is a text"),
        (("m5.large",), {"market": "black"}, "'on-demand', 'spot'"),
        (("m5.large",), {"count": 0}, "from 1 to 64"),
        (("m5.large",), {"count": True}, "from 1 to 64"),
    ],
)
def test_wrong_instance_type_arguments_are_refused(
    args: tuple[object, ...], kwargs: dict[str, object], message: str
) -> None:
    """Each mistake gets an error that names the remedy."""
    with pytest.raises(MarkError, match=message):
        parse_instance_type(args, kwargs, catalog())


def marked(*names: str) -> Any:
    """A collected test with these markers."""
    marks = [SimpleNamespace(name=name) for name in names]
    return SimpleNamespace(nodeid="test_it.py::test_it", iter_markers=lambda: marks)


REGISTERED = ["instance_type(*types): ...", "requires(memory): ...", "skip(reason=None): ..."]


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("require", "requires"),
        ("required", "requires"),
        ("instance_types", "instance_type"),
        ("instancetype", "instance_type"),
        ("aws_instance_type", "instance_type"),
    ],
)
def test_a_misspelt_marker_is_refused_with_the_right_one(name: str, right: str) -> None:
    """But not where the project has registered it."""
    items = [marked("slow", name), marked(name)]
    with pytest.raises(MarkError) as refused:
        refuse_misspelt(items, REGISTERED)
    assert str(refused.value).splitlines()[1:-1] == [f"  {name}: did you mean {right}? test_it.py::test_it has it"]
    refuse_misspelt(items, [*REGISTERED, f"{name}: the project's own"])


@pytest.mark.parametrize("name", ["requires_network", "requirements", "instance", "slow", "skip", "type"])
def test_other_markers_are_the_projects(name: str) -> None:
    """Registered or not."""
    refuse_misspelt([marked(name)], REGISTERED)
