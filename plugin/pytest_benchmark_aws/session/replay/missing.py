"""Why a case that was to run on an instance has no result, for whoever reads the failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.guest_tests import GuestTest
from pytest_benchmark_aws.core.model import Case
from pytest_benchmark_aws.core.settings import Settings
from pytest_benchmark_aws.core.values.file_names import safe_name
from pytest_benchmark_aws.core.values.plain_json import shortened
from pytest_benchmark_aws.report.text import printable_block
from pytest_benchmark_aws.run.ledger import Finished
from pytest_benchmark_aws.run.start import RunOutcome

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_benchmark_aws.session.replay.items import Replayed

_MOST_ERROR, _MOST_LINE = 20_000, 500
"""Characters of why a file could not be collected, and of the line that stands for it."""


def why_missing(run: RunOutcome, settings: Settings, launch: Finished, case: Case, test: GuestTest) -> str:
    """Why a case has no report, for whoever reads the failure."""
    name, outcome = launch.job.name, launch.outcome.outcome
    refused = launch.outcome.whole and not launch.outcome.lines and outcome.startswith("error: the result is refused")
    if test.refused:
        why = f"it ran there, but what it brought cannot be taken: {test.refused}"
    elif refused:
        why = f"whether it ran there is not known, as {outcome.removeprefix('error: ')}"
    elif outcome == "timeout":
        limit = f"--aws-time-limit of {settings.time_limit_s} s"
        why = f"the {limit} came before it began"
        if test.started:
            why = f"it had not ended at the {limit} and was interrupted"
    elif launch.outcome.whole and outcome in {"passed", "failed"}:
        began = (
            "that it began there, but not how it ended"
            if test.started
            else "neither that it began there nor how it ended"
        )
        why = f"the result says {began}, though pytest came to its end there ({outcome})"
    else:
        why = ("it began and never ended; " if test.started else "it never began; ") + outcome
    below = ", whose end is shown below" if launch.broke_off else ""
    log = f"\n\n{name}'s log{below}: {run.folder / safe_name(name)}.log"
    reason = f"no result from {name}: {why}{_collect_errors(launch, case)}"
    return printable_block(reason) + (log if launch.outcome.log else "")


def _collect_errors(launch: Finished, case: Case, most: int = 5) -> str:
    """What could not be collected on the instance: whole for the first of a launch's cases, else where it is said."""
    errors = [line["text"] for line in launch.outcome.lines if line["kind"] == "collect-error"]
    first = launch.job.cases[0]
    if not errors or case == first:
        more = [f"and {len(errors) - most:,} files more that could not be collected"] if len(errors) > most else []
        return "".join(f"\n\n{shortened(text, _MOST_ERROR)}" for text in [*errors[:most], *more])
    last = shortened(errors[0].strip().rpartition("\n")[2], _MOST_LINE)
    return f"\n\n{last}\n\n{len(errors):,} files could not be collected there: see the failure of {first.node_id}"


def unmeasured_note(cases: Collection[Replayed]) -> list[str]:
    """A sentence where tests passed and not one of all brought a measurement; none where there is any."""
    passed = sum(
        any(report["when"] == "call" and report["outcome"] == "passed" for report in case.reports) for case in cases
    )
    if not passed or any(case.benchmarks for case in cases):
        return []
    return [
        f"nothing was measured and nothing is stored: {passed:,} tests passed, and none of them called the fixture "
        "benchmark; another plugin may have taken its place there"
    ]
