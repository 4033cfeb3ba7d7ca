"""What is left to do of a run whose launches a client had cut off."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pytest_benchmark_aws.backends.protocol import Handle, Outcome
from pytest_benchmark_aws.backends.registry import Backends
from pytest_benchmark_aws.core.model import Case, Job
from pytest_benchmark_aws.run.ledger import CUT_OFF, INTERRUPTED, Past
from pytest_benchmark_aws.run.takeover import past_launches, rest_of
from tests.run.fake_backend import ListBackend, make_job
from tests.soak.process import world_time
from tests.soak.test_past import intent, line

NAMES = ("a", "b", "c")


def report(name: str, outcome: str = "passed") -> dict[str, Any]:
    return {"kind": "test", "nodeid": name, "reports": [{"outcome": outcome}], "benchmarks": []}


class Finishing(ListBackend):
    """Whose launches had finished some tests when they ended."""

    def __init__(self, finished: dict[str, list[dict[str, Any]]]) -> None:
        super().__init__(Path())
        self.finished, self.ended = finished, set(finished)

    def collect(self, handle: Handle) -> Outcome:
        return Outcome("error: cut", tuple(self.finished.get(handle.instance_id, ())), {}, "log", whole=False)


def job_of() -> Job:
    job = make_job()
    cases = tuple(Case(f"{name}[{job.target}]", name, job.target, job.cases[0].requirements) for name in NAMES)
    return replace(job, cases=cases)


def cut_off(attempt: int, *, outcome: str = INTERRUPTED) -> list[dict[str, Any]]:
    """A journal's lines of a launch that the client ended."""
    launched, name = line("launched", instance_id=f"i-{attempt}"), f"i-{attempt}"
    return [
        intent(attempt),
        launched,
        line("delivered", outcome=outcome, whole=False),
        line("terminating", instance_id=name, usd="0.25"),
    ]


def names(job: Job) -> list[str]:
    return [case.bare_id for case in job.cases]


@pytest.mark.parametrize("outcome", sorted(CUT_OFF))
def test_what_had_finished_is_taken_and_the_rest_is_to_be_launched(outcome: str) -> None:
    """The part has its money and the outcome of its own tests; the next launch is an attempt more."""
    backend = Finishing({"i-1": [{"kind": "session"}, report("b", "failed"), {"kind": "start", "nodeid": "c"}]})
    (past,) = past_launches(cut_off(1, outcome=outcome), world_time(0))
    rest = rest_of([job_of()], [past], Backends({"": backend}))
    (part,), (job,), (left,) = rest.finished, rest.jobs, rest.past
    assert (names(part.job), names(job)) == (["b"], ["a", "c"])
    assert (part.outcome.outcome, part.usd, part.instance_id, part.broke_off) == (
        "failed",
        Decimal("0.25"),
        "i-1",
        False,
    )
    assert (left.refused, left.spent_usd, left.last_usd, left.placement.attempt) == (True, Decimal("0.25"), 0, 1)
    assert rest.notes == ("m5.large: of 3 cases 1 had finished when the run was ended, 2 to be launched now",)


def test_each_launch_that_was_cut_off_gives_its_part() -> None:
    """However often a run was ended: the last one had run what those before it had not."""
    backend = Finishing({"i-1": [report("a")], "i-2": [report("b")]})
    (past,) = past_launches([*cut_off(1), *cut_off(2)], world_time(0))
    assert past.spent_usd == Decimal("0.25")
    rest = rest_of([job_of()], [past], Backends({"": backend}))
    assert [(names(part.job), part.instance_id) for part in rest.finished] == [(["a"], "i-1"), (["b"], "i-2")]
    assert [names(job) for job in rest.jobs] == [["c"]]
    assert rest.past[0].spent_usd == Decimal("0.5")


def test_a_launch_for_the_rest_is_taken_over_with_the_rest() -> None:
    """Killed while it ran: the parts are those of the launches before it, and it goes on."""
    backend = Finishing({"i-1": [report("a")]})
    (past,) = past_launches([*cut_off(1), intent(2), line("launched", instance_id="i-2")], world_time(0))
    rest = rest_of([job_of()], [past], Backends({"": backend}))
    assert ([names(job) for job in rest.jobs], rest.past, rest.notes) == ([["b", "c"]], (past,), ())
    assert [names(part.job) for part in rest.finished] == [["a"]]


def test_where_nothing_is_left_nothing_is_launched() -> None:
    """And its money still counts."""
    backend = Finishing({"i-1": [report(name) for name in NAMES]})
    rest = rest_of([job_of()], past_launches(cut_off(1), world_time(0)), Backends({"": backend}))
    assert (rest.jobs, rest.past[0].spent_usd) == ((), Decimal("0.25"))


@pytest.mark.parametrize("came", ["alive", "delivered", "lost"])
def test_what_was_not_cut_off_is_followed(came: str) -> None:
    """It did not hear of its end, delivered after all, or ended by itself: then it is as it was."""
    backend = Finishing({"i-1": []})
    lines = cut_off(1)
    if came == "alive":
        backend.ended = set()
    elif came == "delivered":
        lines.append(line("delivered", outcome="passed", whole=True))
    else:
        lines = cut_off(1, outcome="error: the instance ended before it delivered a result (gone)")
    past = past_launches(lines, world_time(0))
    rest = rest_of([job_of()], past, Backends({"": backend}))
    assert ([names(job) for job in rest.jobs], list(rest.past), rest.finished) == ([list(NAMES)], past, ())


def test_without_launches_before_all_is_left() -> None:
    """Nothing is asked of AWS."""
    job = job_of()
    other = Past("other", ListBackend(Path()).placements(job, 1)[0], None, 0.0)
    rest = rest_of([job], [other], Backends({}))
    assert (rest.jobs, rest.past, rest.finished, rest.notes) == ((job,), (other,), (), ())
