"""The table at the end of a session."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_benchmark_aws.backends.protocol import Outcome
from pytest_benchmark_aws.catalog import snapshot
from pytest_benchmark_aws.core.compare.records import Reading, Record, parse_records
from pytest_benchmark_aws.core.model import Case, Price, Requirements, Target
from pytest_benchmark_aws.core.plan import make_plan
from pytest_benchmark_aws.results.baselines import load_baselines
from pytest_benchmark_aws.run.ledger import Finished
from pytest_benchmark_aws.run.start import RunOutcome
from pytest_benchmark_aws.session.outcome import OUTCOME, SessionOutcome, replayed_cases
from pytest_benchmark_aws.session.summary import _beside, _named_here, _records, _resume, summarize
from tests.result_files import benchmark, result

PUBLISHED = Path(__file__).parents[2] / "benchmarks" / "baselines"
HOW = Reading(snapshot.catalog(), "row_trees_per_second", "scale")


def here(case: str = "note-vcpus", rate: float = 8e6, threads: int = 2) -> Record:
    """This machine's training at laptop scale."""
    variant, count = case.split("-")
    bench = benchmark([3.2e7 / rate], row_trees_per_second=rate)
    bench["fullname"] = f"benchmarks/test_train.py::test_train[laptop-{case}]"
    bench["params"] = {"scale": "laptop", "variant": variant, "threads": count}
    data = result(bench, machine={"hardware": {"vcpus": 2, "threads_per_core": threads}})
    return _named_here(parse_records(data, "x", HOW)[0])


def published() -> list[Record]:
    return load_baselines(PUBLISHED, HOW)[0]


def test_scales_meet_in_one_comparison() -> None:
    """A laptop run stands beside the full baselines, by throughput over the fastest of them."""
    (table,), references = _beside([here()], published())
    assert references == ["m5.8xlarge (published)"]
    assert (table.mixed, table.full_scale) == (True, "full")
    assert [(row.machine.name, row.projected) for row in table.rows] == [
        ("m5.8xlarge (published)", False),
        ("r5.4xlarge (published)", False),
        ("this machine", True),
    ]
    speed = table.rows[2].speed
    assert speed is not None
    assert speed.value == pytest.approx(8e6 / 38.53e6, rel=1e-3)


def test_this_machine_may_be_faster_than_the_reference() -> None:
    """Speeds stay those over the fastest baseline."""
    (table,), _ = _beside([here(rate=2 * 38530729.114982575)], published())
    assert table.rows[0].machine.name == "this machine"
    assert table.rows[0].speed is not None
    assert table.rows[0].speed.value == pytest.approx(2)
    assert table.rows[0].choice == ("fastest",)
    assert table.rows[1].choice == ("fastest with a price", "front")


def test_money_is_price_times_time_for_the_measured_work() -> None:
    """The baselines' own cost is their price for their seconds."""
    (table,), _ = _beside([here()], published())
    m5, r5, _ = table.rows
    assert m5.run_usd == pytest.approx(Decimal("1.536") * 574 / 3600)
    assert r5.run_usd == pytest.approx(Decimal("1.008") * 763 / 3600)
    assert f"{m5.run_usd:.3f}" == "0.245"


def test_a_result_without_a_baseline_is_left_out() -> None:
    """Only cases that have a baseline are compared."""
    assert _beside([here("other-vcpus")], published()) == ([], [])


def test_smt_against_the_reference_is_flagged() -> None:
    """This machine's cores run another number of threads than the reference's; the other baseline's do not."""
    (table,), _ = _beside([here(threads=1)], published())
    assert [row.flags for row in table.rows] == [(), (), ("SMT differs: 1 thread a core, reference 2",)]


def test_an_instance_at_hand_is_told_from_its_types_baseline() -> None:
    """It keeps its price, and has a name of its own."""
    (record,) = parse_records(result(benchmark([1.0]), instance_type="m5.large"), "x", HOW)
    machine = _named_here(record).machine
    assert (machine.name, machine.usd_per_hour) == ("m5.large, here", record.machine.usd_per_hour)


@pytest.mark.parametrize("median", [float("nan"), float("inf"), 0.0])
def test_a_result_without_a_finite_median_is_left_out(median: float) -> None:
    """NaN, infinity and nought are no times; the benchmark is named, and the others are compared."""
    faulty = benchmark([1.0], "test_faulty")
    faulty["stats"]["median"] = median
    problems: list[str] = []
    (record,) = _records(result(faulty, benchmark([1.0])), "m5.large", HOW, problems)
    assert record.case == "tests/test_one.py::test_it"
    (problem,) = problems
    assert problem.startswith("m5.large: not compared: benchmark tests/test_one.py::test_faulty: stats.median")


class Reporter:
    """Keeps what is written."""

    def __init__(self, outcome: SessionOutcome) -> None:
        self.lines: list[str] = []
        self.config = SimpleNamespace(stash=pytest.Stash())
        self.config.stash[OUTCOME] = outcome

    def write_line(self, line: str, **markup: bool) -> None:
        self.lines.append(line)


def finished(outcome: str, log: str = "", *, whole: bool = True, test: bool = True) -> Finished:
    """A job of one test."""
    target = Target("m5.large", "on-demand")
    name = "tests/test_one.py::test_it"
    case = Case(f"{name}[{target}]", name, target, Requirements())
    (job,) = make_plan([case], snapshot.catalog(), lambda _: Price(Decimal("0.096"), "test"), 60).jobs
    report = {"outcome": "passed"}
    lines: list[dict[str, Any]] = [{"kind": "session", "machine_info": {}, "rootdir": "/"}]
    bench = benchmark([1.0, 2.0])
    lines += [{"kind": "test", "nodeid": name, "reports": [report], "benchmarks": [bench]}] * test
    phases = {"canary_before_s": 1.0, "canary_after_s": 1.58}
    return Finished(job, Outcome(outcome, tuple(lines), phases, log, whole), "i-1", "a", 9.0, Decimal("0.0125"), 1)


def summary_of(job: Finished) -> list[str]:
    """The lines of the summary of a run of that job."""
    return shown(job)[0]


def written(job: Finished, baselines: Path | None = None) -> list[str]:
    """The summary of a run of that job, and why its only case is missing."""
    lines, (missing,) = shown(job, baselines)
    return [*lines, missing]


def shown(job: Finished, baselines: Path | None = None) -> tuple[list[str], list[str]]:
    """The summary of a run of that job, and of each case why it is missing."""

    class Backend:
        def alive(self) -> dict[str, list[str]]:
            return {"instance": []}

    class Settings:
        throughput, scale_parameter, launches, detach, time_limit_s = None, None, 1, False, 60

    Settings.baselines = baselines  # type: ignore[attr-defined]
    backends, settings = Backend(), Settings()
    run = RunOutcome("run", Path("/logs"), "us-east-1", True, (job,), backends)  # type: ignore[arg-type]
    reporter = Reporter(SessionOutcome(run, settings, interrupted=False))  # type: ignore[arg-type]
    summarize(reporter)  # type: ignore[arg-type]
    replayed = replayed_cases(run, settings).values()  # type: ignore[arg-type]
    return reporter.lines, [case.missing for case in replayed]


def test_the_summary_is_compares_table_with_what_was_billed(tmp_path: Path) -> None:
    """And the saved baseline of the instance type; a drift of the canary is explained."""
    data = result(benchmark([3.0]), instance_type="m5.large", machine={"hardware": {"threads_per_core": 1}})
    (tmp_path / "m5.large").mkdir()
    (tmp_path / "m5.large" / "0001_x.json").write_text(json.dumps(data))
    lines = written(finished("passed"), tmp_path)
    title = lines.index("tests/test_one.py::test_it: by instance type (embedded AWS)")
    header, row = lines[title + 1], lines[title + 3]
    assert [name in header for name in ("machine", "billed", "vs baseline")] == [True] * 3
    for cell in ("m5.large (embedded)", "0.0125", "2.000 x 0.33", "! noisy: canary +58.0%"):
        assert cell in row
    assert row.endswith("! SMT differs: 2 threads a core, baseline 1")
    notes = "\n".join(lines[title + 4 :])
    assert "noisy: others took more than 1 % of the CPU's time (steal), or a fixed piece of work (canary)" in notes
    assert "vs baseline: throughput over the saved baseline's of that instance type, at its scale." in notes
    assert "  ! embedded AWS: these times are this machine's, not the instance types';" in notes


def test_without_a_baseline_nothing_is_compared() -> None:
    """There is no such column, and no such note."""
    assert not [line for line in written(finished("passed")) if "vs baseline" in line]


@pytest.mark.parametrize(
    ("job", "shown", "said"),
    [
        (finished("error: lost", "its last words\n", test=False), True, "log, whose end is shown below: /logs/"),
        (finished("passed", "its last words\n", test=False), False, "m5.large's log: /logs/m5.large.log"),
        (finished("error: no capacity", "", whole=False, test=False), False, ""),
    ],
)
def test_m1_a_log_is_said_to_be_shown_only_where_it_is(job: Finished, shown: bool, said: str) -> None:
    """Where there is none, none is named."""
    *lines, missing = written(job)
    assert ("    | its last words" in lines) == shown
    assert ("shown below" in missing) == shown
    assert said in missing
    assert ("log" in missing) == bool(said)


@pytest.mark.parametrize("count", [15, 16])
def test_many_tests_of_one_instance_type_are_rows_of_one_table(count: int) -> None:
    """With nothing beside any of them; what is the same in all rows is said below. Few have a table each."""
    job = finished("passed")
    case, line = job.job.cases[0], job.outcome.lines[-1]
    names = [f"tests/test_one.py::test_{number:02}" for number in range(1, count + 1)]
    cases = tuple(Case(f"{name}[m5.large]", name, case.target, case.requirements) for name in names)
    ran = [
        {**line, "nodeid": name, "benchmarks": [benchmark([float(seconds)], name.partition("::")[2])]}
        for seconds, name in enumerate(names, 1)
    ]
    outcome = replace(job.outcome, lines=(job.outcome.lines[0], *ran))
    lines = summary_of(replace(job, job=replace(job.job, cases=cases), outcome=outcome))
    if count == 15:
        assert [row for row in lines if "by" in row] == [f"{name}: by instance type (embedded AWS)" for name in names]
        return
    title = lines.index("m5.large (embedded): by test (embedded AWS)")
    assert lines[title + 1].split() == ["test", "median", "spread", "runs/s", "USD/run"]
    assert [row.split()[:2] for row in lines[title + 3 : title + 19]] == [
        [name, str(seconds)] for seconds, name in enumerate(names, 1)
    ]
    (agreed,) = [row for row in lines if row.startswith("  In every row: ")]
    assert "vCPUs 2; cores 1; memory 8 GiB; USD/hour 0.0960; billed 0.012500; launches 1; flags ! embedded" in agreed
    assert not [row for row in lines if "by instance type" in row or "relative" in row]


def test_the_command_that_goes_on_names_variables_without_their_values() -> None:
    """They may be secrets, and the terminal's text goes into a CI log; by its name a variable has its value here."""
    words = ("--aws", "--aws-env=TOKEN=s3cr=et", "--aws-env", "KEY=s3cr3t", "--aws-env=HOME", "-k", "a=b")
    config: Any = SimpleNamespace(invocation_params=SimpleNamespace(args=words))
    assert _resume(config, "R") == "pytest --aws-resume R --aws-env=TOKEN --aws-env KEY --aws-env=HOME -k a=b"
