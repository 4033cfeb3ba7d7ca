"""The types of SageMaker's training jobs are botocore's, and the nearest to others are what a person would take."""

from __future__ import annotations

import gzip
import importlib.util
import json
from pathlib import Path

import pytest

from pytest_benchmark_aws.catalog.lifecycle import family
from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.catalog.training_types import SOURCE, nearest_training_types, training_types, why_none

SOME = sorted(catalog().types)[::7]


def test_they_are_botocores() -> None:
    """As its ``TrainingInstanceType`` in the version that is named; an older one has fewer, a newer one more."""
    found = importlib.util.find_spec("botocore")
    if found is None or found.origin is None:
        pytest.skip("needs botocore")
    import botocore

    (model,) = (Path(found.origin).parent / "data/sagemaker").glob("*/service-2.json*")
    data = model.read_bytes()
    shapes = json.loads(gzip.decompress(data) if model.suffix == ".gz" else data)["shapes"]
    theirs = set(shapes["TrainingInstanceType"]["enum"])
    ours = training_types()
    installed, shipped = (
        tuple(map(int, version.split("."))) for version in (botocore.__version__, SOURCE.rpartition(" ")[2])
    )
    if installed == shipped:
        assert ours == theirs
        assert len(ours) == 225
    elif installed > shipped:
        assert ours <= theirs
    else:
        assert theirs <= ours


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("ml.m5.8xlarge", "ml.m6i.8xlarge"),
        ("ml.m5.16xlarge", "ml.m6i.16xlarge"),
        ("ml.c5.24xlarge", "ml.c6i.24xlarge"),
        ("ml.c5.12xlarge", "ml.c6i.12xlarge"),
        ("ml.m6g.8xlarge", "ml.m6i.8xlarge"),
        ("ml.c7g.16xlarge", "ml.c7i.16xlarge"),
        ("ml.c7gd.4xlarge", "ml.c7i.4xlarge"),
        ("ml.r8g.4xlarge", "ml.r8i.4xlarge"),
        ("ml.m6a.8xlarge", "ml.m6i.8xlarge"),
        ("ml.r5b.8xlarge", "ml.r5.8xlarge"),
        ("ml.c5d.9xlarge", "ml.c5.9xlarge"),
        ("ml.m5d.metal", "ml.m5.24xlarge"),
        ("ml.t4g.large", "ml.t3.large"),
        ("ml.g4dn.metal", "ml.g5.48xlarge"),
        ("ml.g5g.xlarge", "ml.g4dn.xlarge"),
        ("ml.gr6.4xlarge", "ml.g6.8xlarge"),
        ("ml.inf2.xlarge", "ml.trn1.2xlarge"),
        ("ml.m5.9xlarge", "ml.m5.12xlarge"),
    ],
)
def test_the_nearest_is_what_a_person_would_take(name: str, nearest: str) -> None:
    """The same vCPUs and memory, the same kind of family, the next generation; x86_64 for Graviton."""
    assert nearest_training_types(name, catalog())[0] == nearest


@pytest.mark.parametrize("name", ["ml.f1.2xlarge", "ml.vt1.3xlarge"])
def test_a_type_like_which_there_is_none_has_no_nearest(name: str) -> None:
    """FPGAs and video encoders: the EC2 type is what there is."""
    assert nearest_training_types(name, catalog()) == ()
    assert str(why_none(name, catalog())).endswith("none is like it: name the EC2 type")


def test_what_it_has_is_nearest_to_itself() -> None:
    """And refused by nobody, where the catalog knows it and it is not retired."""
    for name in training_types():
        assert why_none(name, catalog()) is None
        if catalog().find(name) is not None and family(name) is None:
            assert nearest_training_types(name, catalog())[0] == name


def test_other_types_of_the_catalog_are_answered() -> None:
    """With living training types of its kind, at most as many as asked for, none twice."""
    for name in SOME:
        nearest = nearest_training_types(f"ml.{name}", catalog(), 4)
        assert len(nearest) == len(set(nearest)) <= 4
        assert set(nearest) <= training_types()
        assert not any(family(other) for other in nearest)
        row = catalog().types[name]
        gpus = {catalog().types[other.removeprefix("ml.")].gpu is not None for other in nearest}
        assert gpus <= {row.gpu is not None} or row.vcpus is None


def test_a_steady_type_is_not_answered_with_one_that_bursts() -> None:
    """Nor with a flex type where another is as large: neither measures alike each time."""
    for name in SOME:
        row = catalog().types[name]
        if row.burstable or row.vcpus is None or "-flex" in name:
            continue
        nearest = nearest_training_types(f"ml.{name}", catalog(), 3)
        assert not any(other.startswith("ml.t3") or "-flex" in other for other in nearest), name


def test_an_ec2_type_without_the_prefix_is_no_training_type() -> None:
    """Nothing is said against it; its nearest are the same."""
    assert why_none("m5.8xlarge", catalog()) is None
    assert nearest_training_types("m5.8xlarge", catalog()) == nearest_training_types("ml.m5.8xlarge", catalog())
