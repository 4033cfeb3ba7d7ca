"""The hooks of every session, each a line; what they do is in ``session``, imported when there is something to do.

Those of a session with ``--aws`` are in ``session.remote_hooks``. One without it, without our markers and without
benchmarks imports ``session.options`` alone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator


def _on(config: pytest.Config) -> bool:
    """Whether this session uses AWS; the pytest that runs on an instance is never told to."""
    asked = any(
        config.getoption(name, None) for name in ("aws", "aws_dry_run", "aws_show_bundle", "aws_resume", "aws_detach")
    )
    if asked and "PYTEST_BENCHMARK_AWS_GUEST" in os.environ:
        raise pytest.UsageError(
            "--aws: PYTEST_BENCHMARK_AWS_GUEST is set, which marks the pytest that runs on an instance: unset it"
        )
    return asked


def pytest_addoption(parser: pytest.Parser) -> None:  # noqa: D103 -- pytest documents its hooks
    from pytest_benchmark_aws.session import options

    options.add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:  # noqa: D103
    from pytest_benchmark_aws import hookspec

    pluginmanager.add_hookspecs(hookspec)


def pytest_configure(config: pytest.Config) -> None:  # noqa: D103
    from pytest_benchmark_aws.session import options

    options.add_markers(config)
    if str(getattr(config.option, "benchmark_storage", "")).startswith("s3://"):
        from pytest_benchmark_aws.session import shared_storage

        shared_storage.configure(config)  # first: --aws takes over what tells whether results are saved
    if _on(config):
        from pytest_benchmark_aws.session import remote, remote_hooks

        remote.configure(config)
        config.pluginmanager.register(remote_hooks, "benchmark_aws_remote")


@pytest.fixture
def aws_instance_type(request: pytest.FixtureRequest) -> str | None:
    """The instance type that this case is for with --aws; None without it."""
    target = getattr(request, "param", None)
    return None if target is None else str(target.instance_type)


@pytest.fixture
def aws_service(request: pytest.FixtureRequest, benchmark: Any) -> Callable[[str], Any]:
    """A function of a managed service's name that gives the service for a benchmark with the marker of that name."""
    from pytest_benchmark_aws.session.services import measure

    return measure.opened(request, benchmark)


@pytest.hookimpl(trylast=True)  # after the marks' own parameters, so that the region is last in the test's id
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:  # noqa: D103
    if "aws_service" in metafunc.fixturenames:
        from pytest_benchmark_aws.session.services import plan

        plan.in_regions(metafunc)


@pytest.fixture
def dask_client(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A ``distributed.Client``: of all machines of a group, and elsewhere of as many processes of this machine."""
    from pytest_benchmark_aws.session.fixtures import dask_cluster

    yield from dask_cluster.lend(request)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:  # noqa: D103
    if any(item.get_closest_marker(name) for item in items for name in ("instance_type", "requires", "aws_service")):
        from pytest_benchmark_aws.session import here

        here.check_items(config, items)


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:  # noqa: D103
    from pytest_benchmark_aws.session import here

    here.describe_machine(machine_info)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_benchmark_compare_machine_info(  # noqa: D103
    benchmarksession: Any, machine_info: dict[str, Any], compared_benchmark: dict[str, Any]
) -> None:
    from pytest_benchmark_aws.session import here

    here.quiet_noise(benchmarksession, machine_info, compared_benchmark)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None, object, object]:  # noqa: D103
    config = terminalreporter.config
    try:
        result = yield
        measured = getattr(getattr(config, "_benchmarksession", None), "benchmarks", None)
        if measured and any(bench.group == "services" for bench in measured):
            from pytest_benchmark_aws.session.services import table

            table.write(terminalreporter, measured)
        return result
    finally:  # also after pytest-benchmark raised for --benchmark-compare-fail
        if _on(config):
            from pytest_benchmark_aws.session import summary

            summary.summarize(terminalreporter)
        elif getattr(getattr(config, "_benchmarksession", None), "benchmarks", None):
            from pytest_benchmark_aws.session import here

            here.compare_with_baselines(terminalreporter)
