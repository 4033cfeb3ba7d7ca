"""The machine model: what its prior is, and what results do to it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.predict.model import normals, table
from pytest_benchmark_aws.predict.model.kinds import KINDS, SPREADS
from pytest_benchmark_aws.predict.model.machines import machines_of
from pytest_benchmark_aws.predict.model.posterior import Probe, condition
from tests.predict.machines_here import machines, prior, some


def test_the_prior_is_a_probability() -> None:
    """Kinds and spreads each add up to 1, and a kind has a slope for each octave."""
    assert math.isclose(sum(kind.weight for kind in KINDS), 1)
    assert math.isclose(sum(spread.weight for spread in SPREADS), 1)
    assert {len(kind.slopes) for kind in KINDS} == {8}


@pytest.mark.parametrize(
    ("name", "vcpus", "speedup"),
    [
        ("one thread", 64, 1),
        ("all threads", 64, 32),
        ("up to 8", 64, 4),
        ("up to 8", 4, 2),
        ("30% serial", 4, 0.65 / 0.475),
    ],
)
def test_a_kind_is_the_speedup_that_it_says(name: str, vcpus: int, speedup: float) -> None:
    """Over two vCPUs; Amdahl's law for a serial part."""
    kind = next(kind for kind in KINDS if kind.name == name)
    assert math.exp(-kind.log_seconds(vcpus)) == pytest.approx(speedup)


def test_the_shipped_model_has_its_source_and_nearly_all_types() -> None:
    """Most of the catalog's priced types stand in the table themselves."""
    shipped = table.load()
    assert "Spare Cores" in shipped.source
    assert "CC BY-SA 4.0" in shipped.licence
    priced = [t for t in snapshot.catalog().types.values() if t.usd_per_hour and not t.burstable and t.vcpus]
    assert sum(t.name in shipped.types for t in priced) / len(priced) > 0.8


def test_a_type_that_the_table_lacks_is_like_its_family_or_known_by_its_specifications() -> None:
    """Said in its basis, and with more variance."""
    shipped = table.load()
    without = replace(shipped, types={n: r for n, r in shipped.types.items() if n != "m7i.large"})
    family = replace(shipped, types={n: r for n, r in shipped.types.items() if not n.startswith("m7i.")})
    generation = replace(shipped, types={n: r for n, r in shipped.types.items() if "7i" not in n})
    measured, same_family, relative, unknown = (
        machines_of([snapshot.catalog().types["m7i.large"]], variant)[0]
        for variant in (shipped, without, family, generation)
    )
    assert [measured.basis, same_family.basis, unknown.basis] == ["measured", "like m7i", "specifications"]
    assert relative.basis.startswith("like ")
    assert "7i" in relative.basis
    unknowns = [
        prior().own_variance(prior().parts[0], machine)
        + (shipped.guessing.single * machine.guess.shared(machine.guess) if machine.guess else 0.0)
        for machine in (measured, same_family, relative, unknown)
    ]
    assert unknowns == sorted(set(unknowns))


def test_a_folder_without_a_model_says_how_one_is_made(tmp_path: pytest.TempPathFactory) -> None:
    """And which file is missing."""
    with pytest.raises(PlanError, match=r"python -m benchmarks\.machinemodel"):
        table.load(tmp_path)  # type: ignore[arg-type]


TYPES = sorted(machines())
SECONDS = st.floats(1e-9, 1e6)


@given(
    measured=st.dictionaries(st.sampled_from(TYPES), SECONDS, min_size=1, max_size=8),
    factor=st.floats(1e-3, 1e3),
)
def test_a_benchmark_so_many_times_as_long_is_predicted_so_many_times_as_long(
    measured: dict[str, float], factor: float
) -> None:
    """The unit of time is nobody's business; quantiles are finite and in order."""
    others = some(12)
    once, again = (
        condition(prior(), [Probe(machines()[n], math.log(s * times), 1e-3) for n, s in measured.items()], others)
        for times in (1, factor)
    )
    for place in range(len(others)):
        low, middle, high = (once.quantile(share, place) for share in (0.025, 0.5, 0.975))
        assert low < middle < high
        assert again.quantile(0.5, place) == pytest.approx(middle + math.log(factor), abs=1e-3)


def test_a_probe_narrows_what_is_like_it() -> None:
    """After m7i.large its own family is known better than another maker's."""
    posterior = condition(
        prior(), [Probe(machines()["m7i.large"], 0.0, 1e-4)], [machines()["c7i.large"], machines()["c8g.large"]]
    )
    widths = [posterior.quantile(0.975, place) - posterior.quantile(0.025, place) for place in (0, 1)]
    assert widths[0] < widths[1]


def test_nothing_is_conditioned_on_nothing() -> None:
    """A posterior needs a probe."""
    with pytest.raises(ValueError, match="no probe"):
        condition(prior(), [], some(3))


@given(st.lists(st.lists(st.floats(-3, 3), min_size=4, max_size=4), min_size=4, max_size=4))
def test_a_triangle_times_its_transpose_is_the_matrix(rows: list[list[float]]) -> None:
    """And its inverse is one."""
    matrix = [[normals.dot(a, b) + (i == j) for j, b in enumerate(rows)] for i, a in enumerate(rows)]
    lower = normals.cholesky(matrix)
    padded = [[*line, *[0.0] * (4 - len(line))] for line in lower]
    inverse = [[*line, *[0.0] * (4 - len(line))] for line in normals.inverse_lower(lower)]
    for i in range(4):
        for j in range(4):
            assert normals.dot(padded[i], padded[j]) == pytest.approx(matrix[i][j], abs=1e-9)
            product = sum(inverse[i][k] * padded[k][j] for k in range(4))
            assert product == pytest.approx(float(i == j), abs=1e-9)
    solved = normals.solve_lower(lower, [1.0, 2.0, 3.0, 4.0])
    assert [normals.dot(line, solved) for line in padded] == pytest.approx([1.0, 2.0, 3.0, 4.0])


def test_what_is_not_positive_definite_is_refused() -> None:
    """With the row that makes it so."""
    with pytest.raises(ValueError, match="row 2 of 2"):
        normals.cholesky([[1.0, 2.0], [2.0, 1.0]])


@pytest.mark.parametrize("share", [0.025, 0.5, 0.975])
def test_the_quantile_of_a_mixture_is_where_its_distribution_is_so_much(share: float) -> None:
    """Of two normals apart, and of one alone as tables have it."""
    weights, means, deviations = [0.3, 0.7], [-2.0, 1.0], [0.5, 2.0]
    at = normals.mixture_quantile(share, weights, means, deviations)
    below = sum(w * normals.below((at - m) / d) for w, m, d in zip(weights, means, deviations, strict=True))
    assert below == pytest.approx(share, abs=1e-4)
    assert normals.mixture_quantile(0.975, [1.0], [0.0], [1.0]) == pytest.approx(1.959964, abs=1e-4)
