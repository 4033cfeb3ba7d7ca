"""The hooks of a session with ``--aws``, each a line: a plugin that ``plugin.py`` registers in such a session alone."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_benchmark_aws.session import expand, outcome, remote
from pytest_benchmark_aws.session.ending import finish


def pytest_report_header(config: pytest.Config) -> list[str]:  # noqa: D103 -- pytest documents its hooks
    return remote.header(config)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # after all others, so that the instance type is last in the test's id
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Generator[None, object, object]:  # noqa: D103
    result = yield
    expand.expand(metafunc, remote.settings_of(metafunc.config))
    return result


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:  # noqa: D103
    expand.refuse_misspelt(config, items)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> object:  # noqa: D103
    return remote.run(session)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> object:  # noqa: D103
    return outcome.replay_item(item, nextitem)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:  # noqa: D103
    outcome.update_json(config, output_json)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:  # noqa: D103
    finish.finish(session)


# Within the terminal's wrapper, which shows the failures, and around pytest-benchmark's, which was there before us.
@pytest.hookimpl(wrapper=True, specname="pytest_sessionfinish")
def pytest_sessionfinish_in_order(session: pytest.Session) -> Generator[None, object, object]:  # noqa: D103
    with finish.finishing(session):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_report_teststatus(report: Any, config: pytest.Config) -> Generator[None, Any, Any]:  # noqa: D103
    return outcome.with_instance_type(config, report, (yield))
