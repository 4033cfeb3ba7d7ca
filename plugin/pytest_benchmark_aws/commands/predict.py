"""``pytest-benchmark-aws predict``: every instance type from a handful of them, and what to measure next."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from pytest_benchmark_aws.commands.compare import colours, parse_amount
from pytest_benchmark_aws.commands.parts import output
from pytest_benchmark_aws.commands.parts.inputs import Loaded, add_inputs, load
from pytest_benchmark_aws.core.errors import PlanError, UnitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_benchmark_aws.core.catalog import Catalog
    from pytest_benchmark_aws.core.compare.records import Record
    from pytest_benchmark_aws.predict.answer import PredictedRow, Prediction
    from pytest_benchmark_aws.predict.estimate import Estimate
    from pytest_benchmark_aws.predict.measured import CaseResults
    from pytest_benchmark_aws.predict.model.machines import Machine
    from pytest_benchmark_aws.report.predicted import Shown

_DESCRIPTION = (
    "Predicts what each test takes and costs on every instance type, from results on some of them, with 95 % "
    "intervals; and names what to measure next. Without any result it names the machines to begin with."
)
_EXIT = "Exit code: 0; 1 where a file could not be read; 2 for wrong usage."
_TOP = 15
_MOST_NEXT = 50
"""Each costs a second, and nobody launches as many before the results of some are back."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser(
        "predict", help="every instance type from a handful of results", description=_DESCRIPTION, epilog=_EXIT
    )
    add_inputs(parser)
    parser.add_argument(
        "--filter",
        action="append",
        metavar="EXPR",
        help="of results, such as 'test=*train*' or 'machine=m5.*'; repeatable, all must hold",
    )
    parser.add_argument(
        "--statistic",
        choices=("median", "mean", "min"),
        default="median",
        help="of a launch's rounds (default: median)",
    )
    parser.add_argument(
        "--candidates",
        metavar="EXPR",
        help="what is predicted, such as 'vcpus>=16 and memory>=96GiB'; default: all priced types, not burstable; "
        "without accelerators unless it names gpus or family",
    )
    parser.add_argument(
        "--price",
        action="append",
        default=[],
        metavar="TYPE=USD",
        help="USD an hour of an instance type in place of us-east-1's, such as of SageMaker's ml.m5.xlarge, which is "
        "predicted as soon as a price of it is known, by this or by a result; repeatable",
    )
    parser.add_argument(
        "--scale",
        metavar="S",
        help="predict at this scale, such as 1000000, from results at others; see --scale-parameter",
    )
    parser.add_argument(
        "--for",
        dest="goal",
        choices=("usd", "time"),
        default="usd",
        help="what rows are sorted by, and what the best is by (default: usd)",
    )
    parser.add_argument("--max-seconds", metavar="S", help="only what is predicted to keep this time of a run")
    parser.add_argument("--max-usd", metavar="USD", help="only what is predicted to keep this cost of a run")
    parser.add_argument(
        "--next", type=int, default=3, metavar="N", help="how many machines to name to measure next (default: 3)"
    )
    parser.add_argument(
        "--top", type=int, metavar="N", help=f"rows of a table beside measured ones; 0: all (default: {_TOP})"
    )
    parser.add_argument("--format", choices=("table", "markdown", "csv", "json"), default="table")
    parser.add_argument("-o", "--output", metavar="FILE", help="write there; - is standard output, the default")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the predictions."""
    try:
        shown, loaded = _predict(options)
    except (PlanError, UnitError) as error:
        print(f"pytest-benchmark-aws predict: {error}", file=sys.stderr)
        return 2
    for line in loaded.refused if loaded else ():
        print(f"! left out: {line}", file=sys.stderr)
    _write(options, shown)
    return 1 if loaded and loaded.refused else 0


def _predict(options: argparse.Namespace) -> tuple[Shown, Loaded | None]:
    from pytest_benchmark_aws.catalog import snapshot
    from pytest_benchmark_aws.predict import answer
    from pytest_benchmark_aws.predict.measured import cases_of, without_gpus
    from pytest_benchmark_aws.predict.model import table as machine_table
    from pytest_benchmark_aws.predict.model.machines import machines_of
    from pytest_benchmark_aws.predict.model.posterior import prior_of
    from pytest_benchmark_aws.report.predicted import Shown
    from pytest_benchmark_aws.report.text import few

    for name, most in (("next", _MOST_NEXT), ("top", 10_000)):
        if (value := getattr(options, name)) is not None and not 0 <= value <= most:
            raise PlanError(f"--{name}={value}: give a number from 0 to {most}")
    seconds = parse_amount("--max-seconds", options.max_seconds) if options.max_seconds else None
    usd = parse_amount("--max-usd", options.max_usd) if options.max_usd else None
    table = machine_table.load()
    prior = prior_of(table)
    loaded = _load(options)
    catalog = _priced(snapshot.catalog(), options.price, loaded.records if loaded else ())
    machines = {machine.name: machine for machine in machines_of(catalog.types.values(), table)}
    candidates = _candidates(options.candidates, machines, catalog)
    asked = {text.partition("=")[0].strip() for text in options.price}
    candidates += [
        machines[name] for name in sorted(asked - {machine.name for machine in candidates}) if name in machines
    ]
    records, with_gpus = without_gpus(loaded.records if loaded else ())
    results = cases_of(records, machines, options.statistic)
    scale = float(parse_amount("--scale", options.scale)) if options.scale else None
    predictions = [
        _at(answer.predict_case(prior, case, candidates, options.goal, options.next), ratio, scale)
        for case, ratio in _bases([case for case in results if case.measured], scale)
    ]
    notes = [
        f"● measured, ○ predicted by the machine model ({table.source}; {table.licence}); "
        f"prices of us-east-1, {snapshot.PRICE_DATE}{', or as given' if options.price else ''}."
    ]
    if with_gpus:
        notes.append(f"! left out, as their times may be their GPUs': {few(with_gpus)}")
    if not predictions:
        if loaded and loaded.read and not with_gpus:
            named = sorted({name for case in results for name in case.unknown}) or [loaded.nothing()]
            notes.append(
                f"! no result is of an instance type that the catalog knows, groups aside: {', '.join(named)[:290]}"
            )
        predictions = [answer.first(prior, candidates, options.next)]
    if seconds is not None or usd is not None:
        predictions = [_within(prediction, seconds, usd) for prediction in predictions]
    top = _TOP if options.top is None else options.top or None
    return Shown(predictions, top, notes), loaded


def _bases(results: Sequence[CaseResults], scale: float | None) -> list[tuple[CaseResults, Estimate | None]]:
    """The results that each prediction begins with, and what its times are multiplied with, if they are."""
    if scale is None:
        return [(case, None) for case in results]
    from pytest_benchmark_aws.predict.scaling import base_of

    by_case: dict[str, list[CaseResults]] = {}
    for case in results:
        by_case.setdefault(case.case, []).append(case)
    bases, refused = [], []
    for cases in by_case.values():
        try:
            bases.append(base_of(cases, scale))
        except PlanError as error:
            refused.append(error)
    if refused and not bases:
        raise refused[0]
    for refusal in refused:
        print(f"! left out: {refusal}", file=sys.stderr)
    return bases


def _at(prediction: Prediction, ratio: Estimate | None, scale: float | None) -> Prediction:
    if ratio is None or scale is None:
        return prediction
    from pytest_benchmark_aws.predict.scaling import at_scale

    return at_scale(prediction, ratio, scale)


def _priced(catalog: Catalog, texts: Sequence[str], records: Sequence[Record]) -> Catalog:
    """The catalog with the prices that are given, and with SageMaker's types of which one is given or was measured.

    A type of SageMaker is the machine of the same name on EC2 at another price, which the catalog does not know.

    Raises:
        PlanError: a text is no price, or of an unknown type.
    """
    from dataclasses import replace

    from pytest_benchmark_aws.catalog import replacements
    from pytest_benchmark_aws.core.catalog import Catalog
    from pytest_benchmark_aws.core.instance_type_names import SAGEMAKER_PREFIX
    from pytest_benchmark_aws.core.settings import parse_price

    prices = {
        name: record.machine.usd_per_hour
        for record in records
        if (name := record.machine.instance_type or "").startswith(SAGEMAKER_PREFIX)
    }
    for text in texts:
        try:
            name, price = parse_price(text)
        except ValueError as error:
            raise PlanError(f"--price={text}: {error}") from error
        if catalog.find(name) is None:
            raise PlanError(f"--price={text}: no such instance type is known; did you mean {catalog.nearest(name)[0]}?")
        if refused := replacements.refusal(name, catalog):
            raise PlanError(f"--price={text}: {refused}")
        prices[name] = price
    types = {name: replace(row, usd_per_hour=prices[name]) for name in prices if (row := catalog.find(name))}
    return Catalog({**catalog.types, **types}, catalog.price_date)


def _candidates(text: str | None, machines: dict[str, Machine], catalog: Catalog) -> list[Machine]:
    from pytest_benchmark_aws.catalog.lifecycle import living
    from pytest_benchmark_aws.core.instance_type_filter import select
    from pytest_benchmark_aws.predict.model.machines import is_accelerated

    selected = select(text or "vcpus>=1", living(catalog))
    named = text is not None and any(word in text for word in ("gpus", "family"))
    return [
        machines[chosen.name]
        for chosen in selected
        if chosen.name in machines and (named or not (is_accelerated(chosen.name) or chosen.bursts))
    ]


def _load(options: argparse.Namespace) -> Loaded | None:
    """The results; None where no files are named and there is no storage."""
    from pathlib import Path

    if not options.files and not Path(".benchmarks").is_dir():
        return None
    return load(options, options.files, newest=True)


def _within(prediction: Prediction, seconds: object, usd: object) -> Prediction:
    """Without the rows that do not keep the limits."""
    from dataclasses import replace

    def keeps(row: PredictedRow) -> bool:
        in_time = seconds is None or row.seconds <= float(str(seconds))
        cost = row.usd_run
        return in_time and (usd is None or (cost is not None and cost <= float(str(usd))))

    rows = tuple(filter(keeps, prediction.rows))
    left = len(prediction.rows) - len(rows)
    note = (f"{left:,} instance types do not keep the limit.",) if left else ()
    return replace(prediction, rows=rows, notes=(*prediction.notes, *note))


def _write(options: argparse.Namespace, shown: Shown) -> None:
    from pytest_benchmark_aws.report import predicted
    from pytest_benchmark_aws.report.formats.text import painted

    to_file = options.output not in {None, output.STDOUT}
    if options.format == "table":
        colour = not to_file and colours(sys.stdout)
        lines: Sequence[str] = [painted(line, paint if colour else "") for line, paint in predicted.lines_of(shown)]
        rendered = "\n".join(lines).strip("\n") + "\n"
    else:
        render = {"markdown": predicted.markdown, "csv": predicted.as_csv, "json": predicted.as_json}
        rendered = render[options.format](shown)
    if to_file:
        output.write(options.output, rendered.encode(errors="backslashreplace"))
    else:
        sys.stdout.write(rendered)
