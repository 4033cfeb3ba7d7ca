"""The end of a session with ``--aws``: what ran here is saved, and nothing that fails now hides what was paid for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from pytest_benchmark_aws.session.ending import file_hooks
from pytest_benchmark_aws.session.outcome import OUTCOME, SAVING


@contextmanager
def finishing(session: pytest.Session) -> Iterator[None]:
    """While pytest-benchmark and others finish: nothing of theirs keeps the session from showing what was paid for."""
    from pytest_benchmark.logger import PytestBenchmarkWarning

    with warnings.catch_warnings():
        # It is shown all the same; as an error it would end the session before its summary.
        warnings.filterwarnings("default", category=PytestBenchmarkWarning)
        try:
            yield
        except file_hooks.RAISED as error:
            outcome = session.config.stash.get(OUTCOME, None)
            if outcome is None:
                raise
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
            why = file_hooks.described(error, session.config.rootpath)
            problem = f"the session could not be finished in order: {why}"
            session.config.stash[OUTCOME] = replace(outcome, notes=(*outcome.notes, problem))


def finish(session: pytest.Session) -> None:
    """Saves what ran here, as pytest-benchmark would have; a launch that ended in error makes no success."""
    config = session.config
    benchmarks: Any = getattr(config, "_benchmarksession", None)
    saving, outcome = config.stash.get(SAVING, None), config.stash.get(OUTCOME, None)
    if outcome is not None and (outcome.run.unclean or outcome.raised):
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
    elif outcome is not None and outcome.failed and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if benchmarks is None or saving is None or not saving.name:
        return
    remote = set() if outcome is None else set(outcome.replayed)
    local = [bench for bench in benchmarks.benchmarks if bench.fullname not in remote]
    if not local:
        return
    data = config.hook.pytest_benchmark_generate_json(
        config=config,
        benchmarks=local,
        include_data=benchmarks.save_data,
        machine_info=benchmarks.get_machine_info(),
        commit_info=file_hooks.commit_info(config),
    )
    file_hooks.projects(config, "pytest_benchmark_update_json")(config=config, benchmarks=local, output_json=data)
    benchmarks.storage.save(data, saving.name)
