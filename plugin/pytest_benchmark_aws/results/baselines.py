"""Reads saved baselines from disk."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_benchmark_aws.core.compare.results import Result, parse_results

if TYPE_CHECKING:
    from pytest_benchmark_aws.core.catalog import Catalog
    from pytest_benchmark_aws.core.settings import Settings


def load_baselines(settings: Settings, catalog: Catalog) -> tuple[list[Result], list[str]]:
    """The results of ``<folder>/<instance type>/*.json``, later numbers last, and what could not be read, and why."""
    results: list[Result] = []
    problems: list[str] = []
    folder = settings.baselines
    if folder is None:
        return results, problems
    if not folder.is_dir():
        return results, [f"{folder}: no such folder; --aws-baselines (ini: aws_baselines) names it"]
    for path in sorted(folder.glob("*/*.json")):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            results += parse_results(data, path.parent.name, settings.throughput, settings.scale_parameter, catalog)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            problems.append(f"{path}: no pytest-benchmark result file ({type(error).__name__}: {error})")
    return results, problems
