"""The benchmark suite's options, and which of tests and benchmarks a command collects."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent
CHOSEN = {
    "compiled": ROOT / "benchmarks" / "test_predict_compiled.py",
    "levers": ROOT / "benchmarks" / "test_levers.py",
    "peers": ROOT / "benchmarks" / "test_peers.py",
    "gpu": ROOT / "benchmarks" / "test_train_gpu.py",
}
"""What -m chooses by a marker, and is left out otherwise: the file of each."""
NAMED_ALONE = (ROOT / "benchmarks" / "overhead", ROOT / "benchmarks" / "services")
"""Folders of benchmarks that run where they are named alone: one measures this plugin, one asks AWS's services."""
OPT_IN = {**CHOSEN, "group": ROOT / "benchmarks" / "test_train_group.py"}
"""The same with what has the usual scale: groups of machines, which cost a multiple of one."""
CHOSEN_SCALE = "20000"
"""At which all levers take some minutes with one thread."""
_LINES = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--scale``, ``--threads``, ``--data``, ``--label`` and ``--compile-limit``."""
    from benchmarks.workload import THREADS

    group = parser.getgroup("workload", "LightGBM benchmarks")
    group.addoption(
        "--scale",
        metavar="NAME|ROWS",
        default=None,
        help="Training rows: smoke (5,000), laptop (50,000, the default), full (13,788,428, the published experiment), "
        "or a number such as 200000, 200k, 2.4M; 20,000 by default with -m compiled, levers, peers or gpu. Features, "
        "classes and boosting rounds stay.",
    )
    group.addoption(
        "--threads",
        choices=THREADS,
        default=None,
        help="Run the benchmarks with one number of threads: 1, one for each physical core of one socket, for each "
        "physical core, for each vCPU. Default: each of these that differs; 1 for levers and peers, 1 and vcpus for "
        "compiled.",
    )
    group.addoption(
        "--data",
        metavar="FILE",
        type=Path,
        default=None,
        help="Run the benchmarks on your own data, with the equals sign: .npz with x_train, y_train and, if you like, "
        "x_val, y_val; or .parquet or .csv with --label. Without these two, 15 percent are held out, stratified.",
    )
    group.addoption("--label", metavar="NAME", default=None, help="The column of --data that holds the class.")
    group.addoption(
        "--na-values",
        metavar="TEXTS",
        type=lambda text: [word for word in text.split(",") if word],
        default=None,
        help="What stands for a missing value in a .csv beside an empty field, with commas between; --na-values= for "
        "nothing else, so that NA, null and nan are texts. Default: these and their like.",
    )
    group.addoption(
        "--compile-limit",
        metavar="DURATION",
        type=_duration,
        default=600,
        help="How long a compiler may take over the model with -m compiled, such as 90s, 10m (the default) or 1h; one "
        "that is not ready then is left out, which the table says. With the equals sign.",
    )


def _duration(text: str) -> int:
    from pytest_benchmark_aws.core.errors import UnitError
    from pytest_benchmark_aws.core.values.durations import parse_duration

    try:
        return parse_duration(text)
    except UnitError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def pytest_configure(config: pytest.Config) -> None:
    """Refuses a wrong scale or data file before anything is collected."""
    if config.option.help or config.getoption("markers", False):
        return
    scale, data, label, na_values = (config.getoption(name) for name in ("scale", "data", "label", "na_values"))
    if scale is not None and data is not None:
        raise pytest.UsageError("--scale and --data: choose one, a file's rows are what they are")
    if label is not None and data is None:
        raise pytest.UsageError("--label names a column of --data FILE: give the file too")
    if na_values is not None and data is None:
        raise pytest.UsageError("--na-values is about the texts in --data FILE: give the file too")
    if data is not None:
        config.stash[_LINES] = _use_own_data(data, label, na_values)
    elif scale is not None:
        from benchmarks.workload import ScaleError, parse_scale

        try:
            parse_scale(scale)
        except ScaleError as error:
            raise pytest.UsageError(str(error)) from error


def _use_own_data(path: Path, label: str | None, na_values: list[str] | None) -> list[str]:
    from benchmarks.datafile import DataFileError, probe
    from benchmarks.workload import Workload, register

    try:
        shape = probe(path, label, na_values=na_values)
    except DataFileError as error:
        raise pytest.UsageError(f"--data {path}: {error}") from error
    register(
        Workload(
            name=_data_name(path),
            rows=shape.rows,
            validation_rows=shape.validation_rows,
            features=shape.features,
            classes=shape.classes,
            itemsize=shape.itemsize,
        )
    )
    return [
        f"data: {path}: {shape.rows:,} training and {shape.validation_rows:,} validation rows, "
        f"{shape.features} features, {shape.classes} classes"
    ]


def _data_name(path: Path) -> str:
    """The file's name as a scale: never one of the named ones, and no path or bracket in an id."""
    return "data-" + "".join(char if char.isalnum() or char in "._" else "_" for char in path.name)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What the benchmarks will run on."""
    scale = _scale(config)
    chosen = [f"scale: {scale}, as --scale does not say"] if scale and config.getoption("scale") is None else []
    return config.stash.get(_LINES, []) + chosen


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The scale is a parameter, so that stock comparison never puts two scales' seconds side by side."""
    if "scale" in metafunc.fixturenames:
        from benchmarks.workload import DEFAULT_SCALE, parse_scale

        data = metafunc.config.getoption("data")
        name = _data_name(data) if data else parse_scale(_scale(metafunc.config) or DEFAULT_SCALE).name
        metafunc.parametrize("scale", [name], scope="session")


def _scale(config: pytest.Config) -> str | None:
    """The scale asked for; with --aws the published one, on embedded AWS smoke, whose times mean nothing anyway."""
    given: str | None = config.getoption("scale")
    if given is not None or config.getoption("data") is not None:
        return given
    if _chosen(config):
        return CHOSEN_SCALE
    if not config.getoption("aws", None):
        return None
    if "PYTEST_BENCHMARK_AWS_GUEST" in os.environ:
        return None  # the command line there spells it out
    from pytest_benchmark_aws.session.remote import is_embedded

    return "smoke" if is_embedded(config) else "full"


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_aws_guest_args(config: pytest.Config, args: list[str]) -> None:
    """Spells out the scale that --aws chose."""
    scale = _scale(config)
    if scale is not None and config.getoption("scale") is None:
        args.append(f"--scale={scale}")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without paths on the command line, ``pytest`` means the tests and ``pytest --benchmark-only`` the benchmarks.

    Those that a marker chooses are left out without it, also where their folder is named; a file that is named itself
    comes in, as pytest asks only about what it finds in a folder.
    """
    if any(collection_path == file and not _named(config, marker) for marker, file in OPT_IN.items()):
        return True
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return None
    wants_benchmarks = config.getoption("benchmark_only", False) or _chosen(config) or _named(config, "group")
    unwanted = [ROOT / "tests", *NAMED_ALONE] if wants_benchmarks else [ROOT / "benchmarks"]
    return True if any(collection_path.is_relative_to(folder) for folder in unwanted) else None


def _chosen(config: pytest.Config) -> bool:
    """Whether -m asks for what is left out otherwise, as ``not levers`` does not, or their files alone are named."""
    files = {Path(argument.partition("::")[0]).name for argument in config.args}
    by_marker = any(_named(config, marker) for marker in CHOSEN) and not _named(config, "not")
    return by_marker or files <= {file.name for file in CHOSEN.values()}


def _named(config: pytest.Config, word: str) -> bool:
    """Whether the word stands in the expression of -m."""
    return word in re.findall(r"\w+", config.getoption("markexpr", None) or "")
