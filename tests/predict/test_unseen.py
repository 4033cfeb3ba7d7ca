"""CPU models that the table lacks, guessed from those that it has."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from statistics import fmean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.catalog import InstanceType
from pytest_benchmark_aws.core.instance_type_names import family_of
from pytest_benchmark_aws.predict.model import table
from pytest_benchmark_aws.predict.model.machines import Machine, is_special, machines_of
from pytest_benchmark_aws.predict.model.posterior import Posterior, Probe, condition, prior_of
from pytest_benchmark_aws.predict.model.specifications import Specification, counted
from pytest_benchmark_aws.predict.model.unseen import Guesses


@cache
def shipped() -> table.MachineTable:
    """The model that is shipped."""
    return table.load()


@cache
def lacking(cpu: str) -> table.MachineTable:
    """The shipped model without a CPU model's types; the one that begins so."""
    return replace(shipped(), types={n: row for n, row in shipped().types.items() if not row.cpu.name.startswith(cpu)})


def listed(name: str, like: str, ghz: float | None = None) -> InstanceType:
    """A type that AWS may list one day, as another but for its name and clock."""
    row = snapshot.catalog().types[like]
    return replace(row, name=name, clock_ghz=ghz or row.clock_ghz)


def machine(instance_type: InstanceType, model: table.MachineTable) -> Machine:
    """As the model sees it."""
    return machines_of([instance_type], model)[0]


def unsure(guessed: Machine) -> float:
    """The variance of what is not known of its CPU model, for workloads of one thread."""
    return guessed.guess.guessing.single * guessed.guess.shared(guessed.guess) if guessed.guess else 0.0


@pytest.mark.parametrize(
    ("name", "cpu", "unlike"),
    [
        ("z1d.large", "Intel(R) Xeon(R) Platinum 8151", "m1.large"),
        ("c5a.large", "AMD EPYC 7R32", "m5a.large"),
        ("m8g.large", "Neoverse-V2", "m6g.large"),
    ],
)
def test_letters_and_a_number_alone_make_no_relative(name: str, cpu: str, unlike: str) -> None:
    """It is nearer to what it measured than to the type that it was taken for; its error is within what it says."""
    guessed = machine(snapshot.catalog().types[name], lacking(cpu))
    assert guessed.basis == "specifications"
    error = abs(guessed.mean - shipped().types[name].mean)
    assert error < abs(guessed.mean - shipped().types[unlike].mean)
    assert error < 2 * math.sqrt(unsure(guessed))


def specification_of(cpu: table.Cpu) -> Specification:
    """Of a CPU model that has one."""
    assert cpu.specification is not None
    return cpu.specification


def test_a_cpu_model_that_is_left_out_is_off_by_as_much_as_is_said() -> None:
    """Each one in turn: none by more than three deviations, more than half by less than one."""
    usual = {name: row for name, row in shipped().types.items() if not is_special(name)}
    off = []
    for cpu in {row.cpu for row in usual.values() if row.cpu.specification}:
        others = Guesses((row for row in usual.values() if row.cpu != cpu), shipped().guessing)
        guess = others.of(specification_of(cpu))
        error = guess.row.mean - fmean(row.mean for row in usual.values() if row.cpu == cpu)
        off.append(abs(error) / math.sqrt(guess.guessing.single * guess.shared(guess)))
    assert max(off) < 3
    assert median(off) < 1


def test_a_generation_far_from_all_others_is_guessed_within_what_is_said() -> None:
    """a1 is slower than Arm's later ones, by more than its clock; the guess goes that way, and knows that it is one."""
    guessed, measured = (
        machine(snapshot.catalog().types["a1.large"], lacking("Cortex-A72")),
        shipped().types["a1.large"],
    )
    assert guessed.mean > shipped().types["c6g.large"].mean
    assert abs(guessed.mean - measured.mean) < 2 * math.sqrt(unsure(guessed))


def test_a_type_with_the_specifications_of_a_measured_one_is_like_it() -> None:
    """As r9g, of the generation, maker and clock of m9g."""
    guessed = machine(snapshot.catalog().types["r9g.large"], shipped())
    assert (guessed.basis, guessed.cpu) == ("like m9g", "Neoverse-V3")
    assert guessed.mean == pytest.approx(shipped().types["m9g.large"].mean, abs=0.15)


def test_the_further_a_generation_is_from_what_was_measured_the_less_is_known_of_it() -> None:
    """And a higher clock alone is less far than a new generation."""
    same, next_one, third = (
        machine(listed(f"m{generation}a.large", "m8a.large", ghz), lacking("AMD EPYC 9R45"))
        for generation, ghz in ((8, None), (9, 4.6), (11, 4.9))
    )
    assert (
        unsure(machine(listed("c8axy.large", "m8a.large"), shipped())) < unsure(same) < unsure(next_one) < unsure(third)
    )
    assert third.mean < next_one.mean < same.mean


def test_a_type_whose_clock_or_generation_is_not_listed_is_known_less() -> None:
    """A clock may be blank in the catalog; the generation of another series is not as c, m and r count it."""
    model = lacking("AMD EPYC 7R13")
    row = snapshot.catalog().types["m6a.large"]
    full, without, other = (
        unsure(machine(each, model)) for each in (row, replace(row, clock_ghz=None), replace(row, name="q4a.large"))
    )
    assert full < without
    assert full < other


def test_generations_of_other_series_are_counted_as_those_of_c_m_and_r() -> None:
    """i3 is of about the generation of m4 and m5, i8g of that of m8g; a name without a number tells nothing."""
    guessing = shipped().guessing
    assert counted("m9g", guessing) == (9, 0)
    assert counted("i8g", guessing) == (8, 0)
    generation, variance = counted("i3", guessing)
    assert 4 < generation < 6
    assert 0 < variance < counted("u-6tb1", guessing)[1]


def after(probes: list[Machine], targets: list[Machine], model: table.MachineTable) -> Posterior:
    """What one-threaded probes of a second each tell of the targets."""
    return condition(prior_of(model), [Probe(each, 0.0, 4e-4) for each in probes], targets)


def width(posterior: Posterior, place: int) -> float:
    """Of the 95 % interval of the logarithm."""
    return posterior.quantile(0.975, place) - posterior.quantile(0.025, place)


def test_a_probe_on_one_type_of_a_new_generation_tells_of_its_others() -> None:
    """What was wrong is of the CPU model: m10a.large was twice as slow as guessed, and so is c10a.large."""
    probe, sibling = (machine(listed(f"{series}10a.large", f"{series}8a.large", 5.0), shipped()) for series in "mc")
    measured = [machine(snapshot.catalog().types[name], shipped()) for name in ("m7i.large", "m8g.large", "m7a.large")]
    before = after(measured, [sibling], shipped())
    slow = Probe(probe, before.quantile(0.5, 0) + math.log(2), 4e-4)
    told = condition(before.prior, [*before.probes, slow], [sibling])
    assert width(told, 0) < width(before, 0) / 2
    assert told.quantile(0.5, 0) - before.quantile(0.5, 0) == pytest.approx(math.log(2), abs=0.2)


NEW = st.builds(
    lambda series, generation, maker, ghz: listed(
        f"{series}{generation}{maker}.large", {"a": "m7a.large", "g": "m7g.large", "i": "m7i.large"}[maker], ghz
    ),
    st.sampled_from(["m", "c", "z", "q"]), st.integers(1, 12), st.sampled_from("agi"), st.floats(1, 6),
)  # fmt: skip


@given(st.lists(NEW, min_size=2, max_size=8, unique_by=lambda row: row.name))
def test_any_new_types_can_be_measured_and_predicted(rows: list[InstanceType]) -> None:
    """Whatever their specifications: covariances are of something, and intervals in order."""
    new = machines_of([row for row in rows if family_of(row.name) not in _families()], shipped())
    if new:
        posterior = after(new, new, shipped())
        for place in range(len(new)):
            assert posterior.quantile(0.025, place) < posterior.quantile(0.5, place) < posterior.quantile(0.975, place)


@cache
def _families() -> set[str]:
    return {family_of(name) for name in shipped().types}
