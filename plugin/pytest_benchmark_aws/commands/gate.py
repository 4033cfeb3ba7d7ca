"""The gate of ``compare``: new results against their baselines, on their own machines or carried over from others."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.errors import PlanError

if TYPE_CHECKING:
    from pytest_benchmark_aws.commands.parts.inputs import Loaded
    from pytest_benchmark_aws.core.compare.gate import Identity, Judged, Translated
    from pytest_benchmark_aws.core.compare.rows import How, Row

    Translate = Callable[[How], Mapping[Identity, Translated]]


def judged(options: argparse.Namespace, current: Loaded, before: Loaded) -> tuple[list[str], bool]:
    """Each condition judged, in lines; whether the gate fails: refused files do, as nobody knows what they held.

    Raises:
        PlanError: nothing has a baseline.
    """
    from pytest_benchmark_aws.core.compare import gate
    from pytest_benchmark_aws.report.formats import sentences

    verdicts: list[Judged] = []
    without: dict[str, Row] = {}
    now, then = current.compare().tables, before.compare().tables
    translate, source = _translation(options, current, before)
    lines: list[str] = []
    carried = translate(options.statistic)
    if options.translate_to:
        changes, _ = gate.changes(now, then, options.statistic, carried)
        if not changes:
            raise PlanError(_nothing(options, current, before))
        moved = [change for change in changes if change.translated is not None]
        lines += sentences.translated_lines(moved, options.translate_to, source)
        lines += [] if options.fail_if else sentences.change_lines(changes)
    for text in options.fail_if or ():
        condition = gate.parse_condition(text)
        how: How = "median" if condition.metric == "usd" else condition.metric
        changes, no_baseline = gate.changes(now, then, condition.metric, translate(how))
        without |= {f"{row.case} {row.scale} {row.machine.name}": row for row in no_baseline}
        if not changes:
            if condition.metric == "usd" and gate.changes(now, then, "median", carried)[0]:
                raise PlanError(f"{condition}: no machine has a known price on both sides; use median, mean or min")
            ours, theirs = ({row.machine.name for table in side for row in table.rows} for side in (now, then))
            raise PlanError(
                f"{condition}: nothing here has a baseline of the same test, scale and machine; here are "
                f"{', '.join(sorted(ours)) or 'no results'}, among the baselines {', '.join(sorted(theirs)) or 'none'}"
            )
        verdicts.append(gate.judge(condition, changes))
    refused = len(current.refused) + len(before.refused)
    missing = gate.missing(now, then, carried)
    lines += sentences.gate_lines(verdicts, list(without.values()), missing)
    if refused:
        lines.append(f"✗ {refused} files could not be read: a gate cannot pass on what nobody knows")
    undecided = options.fail_undecided and any(verdict.undecided for verdict in verdicts)
    absent = options.fail_missing and bool(missing)
    return lines, bool(refused) or undecided or absent or any(verdict.failed for verdict in verdicts)


def _translation(options: argparse.Namespace, current: Loaded, before: Loaded) -> tuple[Translate, str]:
    """What carries the baselines over, and the machine model's source; of nothing without ``--translate-to``.

    Raises:
        PlanError: nothing is known of the instance type.
    """
    name = options.translate_to
    if not name:
        return lambda _: {}, ""
    from pytest_benchmark_aws.catalog import snapshot
    from pytest_benchmark_aws.core.compare import gate
    from pytest_benchmark_aws.predict.model import table as machine_table
    from pytest_benchmark_aws.predict.model.machines import machines_of
    from pytest_benchmark_aws.predict.model.posterior import prior_of
    from pytest_benchmark_aws.predict.translate import translations

    catalog, table = snapshot.catalog(), machine_table.load()
    named = {name, *(record.machine.instance_type or "" for record in before.records)}
    types = [found for other in sorted(named) if (found := catalog.types.get(other)) is not None]
    machines = {machine.name: machine for machine in machines_of(types, table)}
    if name not in machines:
        near = ", ".join(catalog.nearest(name))
        raise PlanError(f"--translate-to={name}: no instance type whose vCPUs and memory are known; nearest: {near}")
    rows = gate.without_baseline(current.compare().tables, before.compare().tables)
    prior = prior_of(table)

    @cache
    def translate(how: How) -> Mapping[Identity, Translated]:
        return translations(prior, machines[name], machines, rows, before.records, how)

    basis = machines[name].basis
    taken = "" if basis == "measured" else f"; {name} by {basis}, as it was not measured"
    return translate, f"{table.source}; {table.licence}{taken}"


def _nothing(options: argparse.Namespace, current: Loaded, before: Loaded) -> str:
    """Why no baseline could be carried over, and what to do."""
    name = options.translate_to
    ours, theirs = ({record.machine.name for record in side.records} for side in (current, before))
    real = any(record.machine.instance_type == name and not record.machine.embedded for record in current.records)
    why = (
        "no baseline is of the same test and scale on an instance type of AWS"
        if real
        else f"no new result is of {name} on AWS; name the type that the new results are of"
    )
    return (
        f"--translate-to={name}: {why}; here are {', '.join(sorted(ours)) or 'no results'}, among the baselines "
        f"{', '.join(sorted(theirs)) or 'none'}; times of embedded AWS are not translated"
    )
