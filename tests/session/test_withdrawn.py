"""Naming what AWS has withdrawn, in a marker, on the command line, or for a search."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.core.errors import MarkError, PlanError
from pytest_benchmark_aws.core.model import Case, Requirements, Target
from pytest_benchmark_aws.session.expand import targets
from pytest_benchmark_aws.session.marks import parse_instance_type
from pytest_benchmark_aws.session.options import read_settings
from pytest_benchmark_aws.session.search.candidates import _candidate_types
from tests.session.test_expand import given_settings


@pytest.mark.parametrize("name", ["p3.2xlarge", "ml.p3.2xlarge", "ml.m5.8xlarge"])
def test_a_marker_may_stand(name: str) -> None:
    """It is the plan that refuses it: without --aws the test runs here."""
    assert parse_instance_type((name,), {}, catalog()).instance_types == (name,)


def test_an_accelerator_that_was_never_an_instance_type_is_refused_in_a_marker() -> None:
    """Elastic Inference's, which no catalog has."""
    with pytest.raises(
        MarkError, match=r"^instance_type\('eia2.medium'\): eia2.medium has been gone with Amazon Elastic "
    ):
        parse_instance_type(("eia2.medium",), {}, catalog())


def test_an_unknown_training_type_is_answered_with_training_types() -> None:
    """Not with ml.m5.8xlarge, which SageMaker has not."""
    with pytest.raises(MarkError, match=r"did you mean 'ml.m5.12xlarge', 'ml.m5.4xlarge', 'ml.m5.24xlarge'\?"):
        parse_instance_type(("ml.m5.9xlarge",), {}, catalog())


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (
            "p3.2xlarge",
            r"^--aws-instance-type: p3.2xlarge \(1 x V100, 16 GiB\) has been gone since 2025-12-20: name g6",
        ),
        ("m5.large,ml.p2.xlarge", r"^--aws-instance-type: ml.p2.xlarge \(1 x K80, 12 GiB\) has been gone with EC2 P2 "),
        (
            "eia1.large",
            r"^--aws-instance-type: eia1.large has been gone with Amazon Elastic Inference since 2025-03-05 ",
        ),
        ("family=p2", r"^--aws-instance-type: filter 'family=p2': p2.xlarge \(1 x K80, 12 GiB\) has been gone since "),
        ("ml.m6g.8xlarge", r"^--aws-instance-type: ml.m6g.8xlarge: SageMaker's training jobs .* nearest are ml.m6i.8x"),
        ("ml.m5.9xlarge", r"^--aws-instance-type=ml.m5.9xlarge: no such instance type is known; .* ml.m5.12xlarge, "),
    ],
)
def test_the_command_line_is_refused(pytestconfig: pytest.Config, typed: str, message: str) -> None:
    """A name, one of several, and a filter that holds for nothing else."""
    with pytest.raises(pytest.UsageError, match=message):
        targets(None, given_settings(pytestconfig, typed), catalog())


def test_a_filter_leaves_them_out(pytestconfig: pytest.Config) -> None:
    """p3dn.24xlarge is of the current generation by EC2's own flag, and has eight GPUs."""
    names = {target.instance_type for target in targets(None, given_settings(pytestconfig, "gpus==8"), catalog())}
    assert "p4d.24xlarge" in names
    assert not any(name.startswith(("p2", "p3")) for name in names)


def case(**required: Any) -> Case:
    return Case("t.py::a", "t.py::a", Target("", step=1), Requirements(**required))


def test_a_search_has_no_such_candidates(pytestconfig: pytest.Config) -> None:
    """Of all types that have eight GPUs."""
    types = _candidate_types(read_settings(pytestconfig), [], [case(gpu=8)])
    assert "p4d.24xlarge" in {row.name for row in types}
    assert not any(row.name.startswith(("p2", "p3")) for row in types)


def test_a_search_is_refused_where_a_marker_names_one(pytestconfig: pytest.Config) -> None:
    """With the sentence."""
    mark = pytest.mark.instance_type("p3.2xlarge", "g5.xlarge").mark
    item: Any = SimpleNamespace(get_closest_marker=lambda _: mark)
    with pytest.raises(
        PlanError, match=r"^--aws-search: p3.2xlarge \(1 x V100, 16 GiB\) has been gone since 2025-12-20"
    ):
        _candidate_types(read_settings(pytestconfig), [item], [case()])
