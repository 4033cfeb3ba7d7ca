"""What a session with ``--aws`` says of itself to those who ship it: the project, pytest's command line, its variables.

What the instances run is what this session really uses: the ini file's ``addopts``, the environment's and the command
line's words as one command line, the seeds of plugins that shuffle, and nothing that is read again there.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.session import here

if TYPE_CHECKING:
    import pytest

    from pytest_benchmark_aws.bundle.project import Project
    from pytest_benchmark_aws.core.settings import Settings

_BLOCKED = ("benchmark", "pytest_benchmark", "pytest-benchmark")
"""Names that pytest-benchmark is turned off by."""
_FORWARDED = ("PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTHONHASHSEED", "PYTHONOPTIMIZE", "PYTHONWARNINGS")
"""Variables that decide how pytest and Python run, and so what is measured."""
_NO_FILE = Path(os.devnull)
"""``-c /dev/null`` is how a session says that it wants no ini file."""
_SEEDS = {"randomly_seed": "--randomly-seed", "random_order_seed": "--random-order-seed"}
"""Options of pytest-randomly and pytest-random-order that hold this session's seed, once it is configured."""


def collect(config: pytest.Config, settings: Settings, items: Collection[pytest.Item]) -> Project:
    """What of the project, of which the items were collected, decides what is shipped.

    Raises:
        PlanError: a test or the ini file lies outside of the rootdir, so that it would not be shipped.
    """
    from pytest_benchmark_aws.bundle.imports import loaded_modules, mapped_libraries

    loaded = {
        **mapped_libraries(),
        **loaded_modules(config.stash.get(here.OURS, frozenset())),
    }  # first, as what follows imports more
    from pytest_benchmark_aws.bundle.forwarded_options import import_paths, named_plugins
    from pytest_benchmark_aws.bundle.project import Project, relative

    root = config.rootpath
    test_files = {item.nodeid: relative(item.path, root) for item in items}
    outside = sorted({str(item.path) for item in items if test_files[item.nodeid] is None})
    if outside:
        raise PlanError(
            f"tests outside of the rootdir {root} are not shipped: {', '.join(outside[:3])}: give --rootdir"
        )
    ini_file = None if config.inipath is None else relative(config.inipath, root)
    if config.inipath not in {None, _NO_FILE} and ini_file is None:
        raise PlanError(f"the ini file {config.inipath} lies outside of the rootdir {root}, so that it is not shipped")
    plugins = config.pluginmanager.list_plugin_distinfo()
    # What a fixture of ours imports late, and no file of the project need name.
    asks = any(_asks_for_a_cluster(item) for item in items)
    clusters = frozenset({"distributed"} if asks else ())
    conftests = {Path(file) for plugin in config.pluginmanager.get_plugins() if (file := _conftest(plugin))}
    return Project(
        root=root,
        working_directory=Path.cwd(),
        test_files={node_id: file for node_id, file in test_files.items() if file is not None},
        args=tuple(guest_args(config)),
        import_paths=tuple(import_paths(root)),
        imported=frozenset(),
        plugins=frozenset(str(distribution.metadata["Name"]) for _, distribution in plugins) | clusters,
        requirements=settings.only_requirements,
        more_requirements=settings.requirements,
        loaded=loaded,
        conftests=frozenset(conftests),
        read=frozenset() if ini_file is None else frozenset({ini_file}),
        plugin_modules=(*named_plugins(_words(config)), *os.environ.get("PYTEST_PLUGINS", "").split(",")),
        environment=guest_environment(settings.environment),
        ship_secrets=settings.ship_secrets,
        training_image=settings.sagemaker_image,
    )


def _asks_for_a_cluster(item: pytest.Item) -> bool:
    """Whether a test has our fixture ``dask_client``, and not one of its project by that name."""
    fixtures: Any = getattr(item, "_fixtureinfo", None)
    defined: Any = fixtures.name2fixturedefs.get("dask_client") if fixtures else None
    for definition in reversed(defined or ()):
        if definition.func.__module__ == "pytest_benchmark_aws.plugin":
            return True
        if "dask_client" not in definition.argnames:  # else it extends the one that it takes the place of
            return False
    return False


def guest_args(config: pytest.Config) -> list[str]:
    """The arguments of pytest on an instance, node ids aside, as conftests and plugins would have them."""
    from pytest_benchmark_aws.bundle import forwarded_options

    def from_here(path: Path) -> str:
        return str(path) if path == _NO_FILE else Path(os.path.relpath(path, Path.cwd())).as_posix()

    ini_file = None if config.inipath is None else from_here(config.inipath)
    args = forwarded_options.guest_args(_words(config), config.args, ini_file, from_here(config.rootpath))
    for option, flag in _SEEDS.items():
        seed = getattr(config.option, option, None)
        if isinstance(seed, int) or (isinstance(seed, str) and seed.isdigit()):
            args.append(f"{flag}={seed}")
    if config.pluginmanager.hasplugin("_cov"):
        args.append("--cov-fail-under=0")  # else the limit of coverage's configuration would be checked there
    args += ["--benchmark-save-data"] * config.option.benchmark_save_data  # which rounds the guest sends
    config.hook.pytest_benchmark_aws_guest_args(config=config, args=args)
    return args


def guest_environment(asked: Mapping[str, str | None]) -> dict[str, str]:
    """The variables of pytest on an instance: what decides how it runs here, and what ``--aws-env`` names.

    Raises:
        PlanError: one is to have its value here, and has none.
    """
    absent = sorted(name for name, value in asked.items() if value is None and name not in os.environ)
    if absent:
        raise PlanError(f"--aws-env={absent[0]}: there is no such variable here; set it, or give {absent[0]}=VALUE")
    forwarded = {name: os.environ[name] for name in _FORWARDED if name in os.environ}
    return {**forwarded, **{name: os.environ[name] if value is None else value for name, value in asked.items()}}


def refuse_unmeasured(config: pytest.Config, items: Sequence[pytest.Item]) -> list[str]:
    """Refuses a run that would measure nothing; returns sentences on the cases that do not.

    Raises:
        PlanError: pytest-benchmark is off, naming what turns it on.
    """
    session: Any = getattr(config, "_benchmarksession", None)
    if any(map(config.pluginmanager.is_blocked, _BLOCKED)):  # by another plugin, once pytest-benchmark was there
        raise PlanError(
            "another plugin has turned pytest-benchmark off in this session, as pytest-codspeed's --codspeed does, so "
            "that nothing would be measured: leave that option out"
        )
    if session is not None and session.disabled:
        if config.getoption("benchmark_disable", False):
            raise PlanError(disabled_words(config))
        raise PlanError("pytest-benchmark is disabled in this session, so that nothing would be measured")
    silent = [item.nodeid for item in items if not _measures(item)]
    if not silent:
        return []
    if len(silent) == len(items):
        raise PlanError(
            f"nothing would be measured: none of the {len(items):,} cases uses the fixture benchmark, as {silent[0]}"
        )
    more = f" and {len(silent) - 3:,} more" if len(silent) > 3 else ""
    return [f"not measured, as they do not use the fixture benchmark: {', '.join(silent[:3])}{more}"]


def disabled_words(config: pytest.Config) -> str:
    """What is said where ``--benchmark-disable`` is in force."""
    where = f"the command line, PYTEST_ADDOPTS, or addopts of {config.inipath or 'the ini file'}"
    return f"--benchmark-disable is in force ({where}), so that nothing would be measured: give --benchmark-enable"


def spare_coverage(config: pytest.Config) -> str | None:
    """Turns off pytest-cov's limit, as what runs on instances is not counted here; a sentence on it.

    It has two places: the options as they were parsed, and those of the plugin, which has read coverage's own
    configuration (``fail_under`` of .coveragerc, setup.cfg, tox.ini or pyproject.toml).
    """
    plugin: Any = config.pluginmanager.getplugin("_cov")
    places = [config.option, getattr(plugin, "options", None)]
    limits = [getattr(options, "cov_fail_under", None) for options in places]
    if plugin is None or not any(limits):
        return None
    for options in filter(None, places):
        options.cov_fail_under = 0  # None is what would be read from the configuration
    what = f"--cov-fail-under={limits[0]:g}" if limits[0] else f"fail_under = {limits[1]:g} of {_coverage_file(plugin)}"
    return f"{what} is not checked: what runs on instances is not counted here"


def spare_snapshots(config: pytest.Config, items: Iterable[pytest.Item]) -> str | None:
    """Keeps syrupy from failing the session for snapshots of tests that run on instances, or deleting them as unused.

    A sentence on it; None where no such test has a snapshot.
    """
    option = config.option
    if not hasattr(option, "warn_unused_snapshots") or not any(map(_has_snapshot, items)):
        return None
    updates = bool(option.update_snapshots)
    if not hasattr(option, "disable_unused_snapshots"):  # a syrupy that deletes what it takes for unused
        option.update_snapshots = False
    option.warn_unused_snapshots = option.disable_unused_snapshots = True
    written = "; --snapshot-update changes no snapshot of a test that runs on an instance" if updates else ""
    return f"unused snapshots are not looked for: those of tests that run on instances would be among them{written}"


def extend_session_timeout(config: pytest.Config, seconds: float) -> None:
    """Has pytest-timeout's ``session_timeout``, if it is set, not count how long this session waited for instances."""
    expires = getattr(config.pluginmanager.getplugin("timeout"), "SESSION_EXPIRE_KEY", None)
    if expires is not None and config.stash.get(expires, 0):
        config.stash[expires] += seconds


def _has_snapshot(item: pytest.Item) -> bool:
    return "snapshot" in getattr(item, "fixturenames", ())


def _coverage_file(plugin: Any) -> str:
    """The name of the file that pytest-cov's coverage is configured by."""
    coverage = getattr(getattr(plugin, "cov_controller", None), "cov", None)
    file = getattr(getattr(coverage, "config", None), "config_file", None)
    return Path(file).name if file else "coverage's configuration"


def _measures(item: pytest.Item) -> bool:
    """Whether a test uses the fixture, or may ask for one by name as it runs."""
    if {"benchmark", "benchmark_weave"} & set(getattr(item, "fixturenames", ())):
        return True
    info: Any = getattr(item, "_fixtureinfo", None)
    definitions = [defined[-1].func for defined in getattr(info, "name2fixturedefs", {}).values() if defined]
    codes = [getattr(function, "__code__", None) for function in (getattr(item, "function", None), *definitions)]
    return any("getfixturevalue" in code.co_names for code in codes if code is not None)


def _conftest(plugin: object) -> str | None:
    file = getattr(plugin, "__file__", None)
    return file if isinstance(file, str) and Path(file).name == "conftest.py" else None


def _words(config: pytest.Config) -> list[str]:
    """This session's words in the order in which pytest reads them, later ones winning."""
    environment = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    words = [*map(str, config.getini("addopts")), *environment, *map(str, config.invocation_params.args)]
    return [word for typed in words for word in _from_file(typed, config.invocation_params.dir)]


def _from_file(word: str, folder: Path) -> list[str]:
    """The words of ``@FILE``, one on each line, as argparse reads it (pytest 8.2); else the word."""
    path = folder / word[1:]
    if not word.startswith("@") or not path.is_file():
        return [word]
    return [inner for line in path.read_text(encoding="utf-8").splitlines() for inner in _from_file(line, folder)]
