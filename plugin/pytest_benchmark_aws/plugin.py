"""The hooks, each a line; what they do is in ``session``, imported when there is something to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator


def pytest_addoption(parser: pytest.Parser) -> None:  # noqa: D103 -- pytest documents its hooks
    from pytest_benchmark_aws import options

    options.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:  # noqa: D103
    from pytest_benchmark_aws import session

    session.register_markers(config)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:  # noqa: D103
    from pytest_benchmark_aws import session

    session.check_marks(config, items)


@pytest.hookimpl(trylast=True)
def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:  # noqa: D103
    from pytest_benchmark_aws import session

    return session.misfit_report(config)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:  # noqa: D103
    from pytest_benchmark_aws import session

    session.skip_misfit(item)


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:  # noqa: D103
    from pytest_benchmark_aws import session

    session.describe_machine(machine_info)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_benchmark_compare_machine_info(  # noqa: D103
    machine_info: dict[str, Any], compared_benchmark: dict[str, Any]
) -> None:
    from pytest_benchmark_aws import session

    session.quiet_noise(machine_info, compared_benchmark)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None, object, object]:  # noqa: D103
    from pytest_benchmark_aws import session

    try:
        return (yield)
    finally:  # also after pytest-benchmark raised for --benchmark-compare-fail
        session.compare_with_baselines(terminalreporter)
