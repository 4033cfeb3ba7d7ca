"""The project's hooks on pytest-benchmark's files, which ``--aws`` calls for each file that it stores.

As pytest-benchmark itself does for a file that it saves. What came home is paid for: where a hook raises, it is
stored without what that hook would have made of it, and the session is said not to have ended in order.
"""

from __future__ import annotations

import copy
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_benchmark_aws.results.storage import as_text
from pytest_benchmark_aws.session.replay.items import remote_benchmark

RAISED = (Exception, pytest.fail.Exception, pytest.skip.Exception)
"""What a hook that fails raises; pytest's exceptions of an outcome are no ``Exception``."""


def commit_info(config: pytest.Config) -> dict[str, Any]:
    """The commit of the project, as pytest-benchmark's hooks describe it."""
    commit: dict[str, Any] = config.hook.pytest_benchmark_generate_commit_info(config=config)
    config.hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit)
    return commit


def commit_info_or_why_none(config: pytest.Config) -> tuple[dict[str, Any], str | None]:
    """The commit; none where a hook raises, and why."""
    try:
        return commit_info(config), None
    except RAISED as error:
        return {}, described(error, config.rootpath)


def as_the_project_has_it(config: pytest.Config, data: Mapping[str, Any]) -> tuple[Mapping[str, Any], str | None]:
    """A launch's file after the hooks ``generate_json`` and ``update_json``; as it was where one raises, and why."""
    generate, update = "pytest_benchmark_generate_json", "pytest_benchmark_update_json"
    if not _plugins(config, generate, projects=True) and not _plugins(config, update, projects=True):
        return data, None
    # Hooks may change what they get, and the run's own data is shown after this.
    data_for_hooks = copy.deepcopy(dict(data))
    benchmarks = [remote_benchmark(sent) for sent in data_for_hooks["benchmarks"]]
    try:
        output = config.hook.pytest_benchmark_generate_json(
            config=config,
            benchmarks=benchmarks,
            include_data=True,
            machine_info=data_for_hooks["machine_info"],
            commit_info=data_for_hooks["commit_info"],
        )
        projects(config, update)(config=config, benchmarks=benchmarks, output_json=output)
        as_text(output)
    except RAISED as error:
        return data, described(error, config.rootpath)
    if not isinstance(output, Mapping):
        return data, f"{generate} gave {type(output).__name__} and no object"
    return output, None


def why_not_compared(config: pytest.Config, machine_info: Mapping[str, Any], compared: Mapping[str, Any]) -> str | None:
    """What the project's hooks have against a file that a launch is to be compared with.

    They are asked alone: pytest-benchmark's own would warn of each launch that its instance has another name.
    """
    name = "pytest_benchmark_compare_machine_info"
    if not _plugins(config, name, projects=True):
        return None
    session: Any = config._benchmarksession  # type: ignore[attr-defined]
    try:
        projects(config, name)(
            config=config, benchmarksession=session, machine_info=dict(machine_info), compared_benchmark=dict(compared)
        )
    except RAISED as error:
        return described(error, config.rootpath)
    return None


def described(error: BaseException, root: Path) -> str:
    """An exception, with the hook that raised it and the file and line of the project, where it is one of these."""
    text = f"{type(error).__name__}: {error}"
    frames = [
        (frame, Path(frame.filename).relative_to(root))
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(root) and "site-packages" not in Path(frame.filename).parts
    ]
    if not frames:
        return text
    frame, path = frames[-1]
    hook = next((f"{frame.name}, " for frame, _ in frames if frame.name.startswith("pytest_")), "")
    return f"{text} ({hook}{path}:{frame.lineno})"


def _plugins(config: pytest.Config, name: str, *, projects: bool) -> list[Any]:
    """The plugins with this hook: the project's and other plugins', or else pytest-benchmark's and ours."""
    return [
        hook.plugin
        for hook in getattr(config.hook, name).get_hookimpls()
        if projects is not hook.function.__module__.startswith(("pytest_benchmark.", "pytest_benchmark_aws."))
    ]


def projects(config: pytest.Config, name: str) -> Any:
    """The hook without pytest-benchmark's and ours."""
    return config.pluginmanager.subset_hook_caller(name, _plugins(config, name, projects=False))
