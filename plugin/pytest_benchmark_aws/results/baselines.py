"""Reads saved baselines from disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.compare.records import Reading, Record, RecordError, parse_records
from pytest_benchmark_aws.core.values import json_fields
from pytest_benchmark_aws.results.reading import read_json

if TYPE_CHECKING:
    from typing import Any


def load_baselines(folder: Path | None, how: Reading) -> tuple[list[Record], list[str]]:
    """The results of ``<folder>/<instance type>/*.json``, and what could not be read, and why.

    Of several results of one test on one kind of machine the last counts, later numbers last: a run of this suite in
    place of a published figure. A machine is named by its folder where the file does not say what it is.
    """
    last: dict[tuple[str, str], Record] = {}
    if folder is None:
        return [], []
    if not folder.is_dir():
        return [], [f"{folder}: no such folder; --aws-baselines (ini: aws_baselines) names it"]
    problems = []
    for path in sorted(folder.glob("*/*.json")):
        try:
            for record in parse_records(_named(read_json(path), path.parent.name), str(path), how):
                last[record.case, record.machine.kind] = record
        except RecordError as error:
            problems.append(f"{path}: no pytest-benchmark result file ({error})")
    return list(last.values()), problems


def _named(data: Any, folder: str) -> Any:
    """The file with the folder's name as the instance type, where it names none itself."""
    if not isinstance(data, dict):
        return data
    info = json_fields.mapping(data.get("machine_info"))
    return {**data, "machine_info": {**info, "ec2": {"instance_type": folder, **json_fields.mapping(info.get("ec2"))}}}
