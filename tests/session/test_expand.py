"""Tests and instance types -> targets, and node ids with them and without."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.catalog.lifecycle import living
from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.model import Target, Wanted
from pytest_benchmark_aws.core.settings import Settings
from pytest_benchmark_aws.session.expand import bare_id, targets
from pytest_benchmark_aws.session.options import read_settings

NAMES = st.sampled_from(sorted(living(catalog()).types))
"""Of types that may be named; what is withdrawn is in ``test_withdrawn``."""
MARKETS = st.sampled_from(["on-demand", "spot"])
TARGETS = st.builds(Target, NAMES, MARKETS, st.integers(1, 12))
PARAMETERS = st.text(max_size=20)
"""What pytest writes between the brackets: any text, brackets and dashes too."""


def given_settings(config: pytest.Config, *types: str, market: str | None = None, launches: int = 1) -> Settings:
    """The settings of this session, as these options would change them."""
    made = read_settings(config)
    values = {name: getattr(made, name) for name in Settings.__slots__}
    return Settings(**{**values, "instance_types": types, "market": market, "launches": launches})


@given(st.text(min_size=1, max_size=20).filter(lambda name: "[" not in name), TARGETS, st.none() | PARAMETERS)
def test_the_bare_id_is_the_id_before_the_target_was_added(test: str, target: Target, parameters: str | None) -> None:
    """Whatever the parameters, taking the target away is the inverse of adding it last."""
    bare = test if parameters is None else f"{test}[{parameters}]"
    expanded = f"{test}[{target}]" if parameters is None else f"{test}[{parameters}-{target}]"
    assert bare_id(expanded, str(target)) == bare


@given(st.text(max_size=20), TARGETS)
def test_an_id_without_the_target_is_refused(node_id: str, target: Target) -> None:
    """An id that does not end with the target has no bare id, and the error quotes both."""
    with pytest.raises(ValueError, match="does not end with") as caught:
        bare_id(node_id, str(target))
    assert repr(node_id) in str(caught.value)


def test_a_target_that_ends_like_another_is_not_taken_for_it() -> None:
    """``m5.large`` is not the end of ``m5.large-spot``, and a launch has a number of its own."""
    for other in (Target("m5.large", "spot"), Target("m5.large", launch=2)):
        with pytest.raises(ValueError, match="does not end"):
            bare_id(f"t[{other}]", "m5.large")


@given(st.lists(NAMES, max_size=4), st.none() | MARKETS, st.lists(NAMES, max_size=4), st.none() | MARKETS, st.data())
def test_the_command_line_comes_before_the_marker(
    pytestconfig: pytest.Config,
    marked: list[str],
    marked_market: str | None,
    typed: list[str],
    market: str | None,
    data: st.DataObject,
) -> None:
    """Types and market are the command line's, else the marker's, else on demand; each type as often as asked for."""
    launches = data.draw(st.integers(1, 4))
    wanted = data.draw(st.sampled_from([None, Wanted(tuple(marked), marked_market)]))  # type: ignore[arg-type]
    found = targets(wanted, given_settings(pytestconfig, *typed, market=market, launches=launches), catalog())
    names = dict.fromkeys(typed or (marked if wanted else ()))
    expected = market or (marked_market if wanted else None) or "on-demand"
    assert found == [Target(name, expected, number) for name in names for number in range(1, launches + 1)]


@given(st.lists(TARGETS, unique=True, max_size=10))
def test_targets_have_different_names(found: list[Target]) -> None:
    """Two targets are never called the same, in a test's id or in a file's name."""
    assert len({str(target) for target in found}) == len(found)


def test_a_filter_stands_for_the_types_it_selects(pytestconfig: pytest.Config) -> None:
    """A filter and a name that it selects are one launch, in the order of the filter."""
    given_types = given_settings(pytestconfig, "family=r5 and vcpus<=4", "r5.large")
    assert [str(target) for target in targets(None, given_types, catalog())] == ["r5.large", "r5.xlarge"]


@pytest.mark.parametrize(
    ("given_type", "message"),
    [
        ("m5.9xlarge", r"--aws-instance-type=m5\.9xlarge: no such instance type is known; did you mean m5\."),
        ("vcpus>=10000", r"--aws-instance-type: filter 'vcpus>=10000': none of the"),
        ("vcpus>=many", r"--aws-instance-type: filter 'vcpus>=many': 'many' is no vcpus"),
    ],
)
def test_what_selects_nothing_is_an_error_of_use(pytestconfig: pytest.Config, given_type: str, message: str) -> None:
    """A wrong type and a wrong filter end the session with the option's name and the remedy."""
    with pytest.raises(pytest.UsageError, match=message):
        targets(None, given_settings(pytestconfig, given_type), catalog())
