"""What is said of a type that AWS has withdrawn, and which living ones it names."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pytest_benchmark_aws.catalog import gpus
from pytest_benchmark_aws.catalog.lifecycle import family
from pytest_benchmark_aws.catalog.replacements import near, nearest_living, refusal, why_gone
from pytest_benchmark_aws.catalog.snapshot import catalog
from pytest_benchmark_aws.catalog.training_types import training_types

GONE = sorted(name for name in catalog().types if family(name) is not None)


def test_one_sentence_says_since_when_and_what_to_name() -> None:
    """On EC2 with the price."""
    assert why_gone("p3.2xlarge", catalog()) == (
        "p3.2xlarge (1 x V100, 16 GiB) has been gone since 2025-12-20: name g6.xlarge (1 x L4, 22 GiB, 0.8048 USD an "
        "hour) or g5.xlarge (1 x A10G, 22 GiB, 1.0060 USD an hour) instead"
    )


def test_a_training_jobs_type_is_answered_with_such() -> None:
    """SageMaker's prices are its own, so none is said."""
    assert why_gone("ml.p3.2xlarge", catalog()) == (
        "ml.p3.2xlarge (1 x V100, 16 GiB) has been gone with EC2 P3 since 2025-12-20: name ml.g6.xlarge (1 x L4, 22 "
        "GiB) or ml.g5.xlarge (1 x A10G, 22 GiB) instead"
    )


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("p3.8xlarge", ("g6.12xlarge", "g5.12xlarge")),
        ("p3.16xlarge", ("g6.48xlarge", "g5.48xlarge")),
        ("p3dn.24xlarge", ("p4d.24xlarge", "p4de.24xlarge")),
        ("p2.xlarge", ("g4dn.xlarge", "g6.xlarge")),
        ("p2.8xlarge", ("g4dn.metal", "g6.48xlarge")),
        ("ml.p2.8xlarge", ("ml.g6.48xlarge", "ml.g5.48xlarge")),
        ("g3.16xlarge", ("g4dn.12xlarge", "g6.12xlarge")),
        ("eia2.medium", ("inf1.xlarge", "inf2.xlarge")),
        ("ml.eia2.medium", ()),
        ("p3.9xlarge", ()),
    ],
)
def test_the_nearest_by_gpus_and_price(name: str, nearest: tuple[str, ...]) -> None:
    """As many GPUs with more memory each, the cheapest of a family; nothing where there is no such type."""
    assert nearest_living(name, catalog()) == nearest


def test_sixteen_gpus_are_answered_by_their_memory() -> None:
    """No living type has as many: all together have 192 GiB at least."""
    for name in nearest_living("p2.16xlarge", catalog()):
        has = gpus.of(name)
        assert has is not None
        assert has.total_mib >= 16 * 12 * 1024


@pytest.mark.parametrize("prefix", ["", "ml."])
@pytest.mark.parametrize("name", GONE)
def test_whatever_is_gone_is_answered_with_what_lives(name: str, prefix: str) -> None:
    """Two families, priced, x86_64 as it was, more memory a GPU; with the prefix, of SageMaker's training types."""
    nearest = nearest_living(prefix + name, catalog())
    had = gpus.of(name)
    assert had is not None
    assert len({living.rpartition(".")[0] for living in nearest}) == 2
    for living in nearest:
        row, has = catalog().types[living.removeprefix(prefix)], gpus.of(living)
        assert family(living) is None
        assert has is not None
        assert has.memory_mib > had.memory_mib
        assert "x86_64" in row.arches
        assert row.usd_per_hour
        assert not prefix or living in training_types()
    sentence = why_gone(prefix + name, catalog())
    assert sentence is not None
    assert all(f"name {living} (" in sentence or f"or {living} (" in sentence for living in nearest)
    assert sentence == refusal(prefix + name, catalog())
    assert ". " not in sentence


def test_another_price_list_names_others() -> None:
    """Nothing is written down for a type: with a dearer g6 the g5 comes first, and a cheap newcomer before both."""
    dear = {
        name: replace(row, usd_per_hour=Decimal(9)) if name.startswith("g6.") else row
        for name, row in catalog().types.items()
    }
    assert nearest_living("p3.2xlarge", replace(catalog(), types=dear))[0] == "g5.xlarge"
    cheap = {**dear, "p4d.24xlarge": replace(dear["p4d.24xlarge"], usd_per_hour=Decimal("0.1"))}
    assert nearest_living("p3.2xlarge", replace(catalog(), types=cheap)) == ("p4d.24xlarge", "g5.xlarge")


@pytest.mark.parametrize("name", ["m5.8xlarge", "ml.m5.xlarge", "g5.xlarge", "ml.g6.xlarge", "nonsense"])
def test_what_lives_is_not_refused(name: str) -> None:
    """Nor what nobody knows, of which others say so."""
    assert refusal(name, catalog()) is None


def test_what_sagemaker_never_had_is_refused_with_the_nearest() -> None:
    """And an unknown name is answered with names that it has."""
    assert refusal("ml.m5.8xlarge", catalog()) == (
        "ml.m5.8xlarge: SageMaker's training jobs have no such type among their 225 (botocore 1.44.8); nearest are "
        "ml.m6i.8xlarge, ml.m7i.8xlarge, ml.m8i.8xlarge"
    )
    assert set(near("ml.m5.9xlarge", catalog())) <= training_types()
    assert near("m5.9xlarge", catalog()) == catalog().nearest("m5.9xlarge")
