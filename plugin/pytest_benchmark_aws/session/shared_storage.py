"""``--benchmark-storage=s3://...`` in a session: synced before pytest-benchmark looks, uploaded after it saved."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_benchmark_aws.core.errors import PlanError, UnreachableError
from pytest_benchmark_aws.core.values.storage_url import StorageUrl
from pytest_benchmark_aws.machine.folders import cache_folder
from pytest_benchmark_aws.report.text import printable
from pytest_benchmark_aws.results import s3_folder
from pytest_benchmark_aws.session import here

if TYPE_CHECKING:
    from pytest_benchmark_aws.results.mirror import Mirror, Synced, Uploaded

NOT_TRIED = pytest.StashKey[str]()
"""Why a dry run cannot say whether results could be shared."""
_SHOWN = 5
"""Names that a line holds at most."""
_NO_TESTS = ("collectonly", "help", "markers", "showfixtures", "show_fixtures_per_test")


def configure(config: pytest.Config) -> None:
    """Puts the cache in the place of the URL, so that pytest-benchmark reads and saves there.

    Raises:
        pytest.UsageError: the URL is none, or the bucket is missing or may not be read.
    """
    text = config.option.benchmark_storage
    try:
        url = StorageUrl.parse(text)
        if not _is_used(config):
            if config.option.aws_dry_run and _runs_here(config):
                with here.importing(config):
                    _try_out(config, text)
            # What is neither read nor written needs no AWS; pytest-benchmark makes the folder in any case.
            config.option.benchmark_storage = f"file://{cache_folder() / 'storage' / url.bucket}"
            return
        with here.importing(config):
            storage = _open(config, text)
    except PlanError as error:
        raise pytest.UsageError(f"aws: {error}") from error
    config.option.benchmark_storage = f"file://{storage.mirror.place}"
    config.pluginmanager.register(storage, "benchmark_aws_storage")


def _is_used(config: pytest.Config) -> bool:
    """Whether this session saves or compares; xdist's workers, the pytest on an instance and ``--help`` do not."""
    option = config.option
    if option.aws_dry_run or option.aws_show_bundle or not _runs_here(config):
        return False
    asked = (option.benchmark_save, option.benchmark_autosave, option.benchmark_compare, option.aws, option.aws_resume)
    return any(asked)


def _runs_here(config: pytest.Config) -> bool:
    """Whether this very process runs tests, or plans to have them run."""
    if hasattr(config, "workerinput") or "PYTEST_BENCHMARK_AWS_GUEST" in os.environ:
        return False
    return getattr(config.option, "dist", "no") == "no" and not any(
        getattr(config.option, name, None) for name in _NO_TESTS
    )


def _try_out(config: pytest.Config, url: str) -> None:
    """Asks for the storage as a run would; nothing is fetched.

    Raises:
        PlanError: as ``_open`` does.
    """
    mirror = _mirror(config, url)
    try:
        s3_folder.check_credentials(mirror)
        mirror.objects.listing(mirror.url.key_prefix)
    except UnreachableError as error:
        config.stash[NOT_TRIED] = f"{mirror.url}: whether results can be shared there is not known: {error}"


def _mirror(config: pytest.Config, url: str) -> Mirror:
    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.session.options import read_settings

    settings = read_settings(config)
    return s3_folder.open_mirror(url, lambda: Clients(settings.region, settings.profile, retries=s3_folder.RETRIES))


def _open(config: pytest.Config, url: str) -> SharedStorage:
    mirror = _mirror(config, url)
    storage = SharedStorage(mirror, compares=bool(config.option.benchmark_compare))
    try:
        s3_folder.check_credentials(mirror)
        storage.synced = mirror.sync()
    except UnreachableError as error:
        storage.problem = str(error)
    return storage


@dataclass(slots=True, eq=False)
class SharedStorage:
    """The hooks of a session whose results are shared."""

    mirror: Mirror
    compares: bool
    synced: Synced | None = None
    problem: str = ""
    """Why there was no sync."""
    uploaded: Uploaded | None = field(default=None, init=False)

    def pytest_report_header(self) -> list[str]:
        """What is there, and what could not be had."""
        if self.synced is None:
            return [f"aws: {self.mirror.url}: not synced, see the end"]
        count = f"{self.synced.total} results, {self.synced.new} of them new here"
        return [f"aws: {self.mirror.url}: {count}; cache {self.mirror.place}"]

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """From here on pytest-benchmark saves in a way that no other process of this machine gets in the way of."""
        benchmarks: Any = getattr(session.config, "_benchmarksession", None)
        if benchmarks is not None:
            benchmarks.storage = _file_storage(benchmarks.storage)

    @pytest.hookimpl(trylast=True)  # after --aws has saved what ran here; pytest-benchmark is a wrapper, so before
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Uploads what is new; what cannot be is left for the next session."""
        self.uploaded = s3_folder.upload(self.mirror)
        if self.mirror.moved and session.config.getoption("aws", None) is not None:
            from pytest_benchmark_aws.session import outcome

            outcome.renumbered(session.config, self.mirror.moved)

    @pytest.hookimpl(wrapper=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Generator[None, object, object]:
        """Said also where pytest-benchmark ends the summary for --benchmark-compare-fail."""
        try:
            return (yield)
        finally:
            self.write_summary(terminalreporter)

    def write_summary(self, reporter: pytest.TerminalReporter) -> None:
        """What came, what went, what is left, and what to do about it."""
        url = self.mirror.url
        if self.synced is None:
            reporter.write_line(f"aws: {url} was not synced: {printable(self.problem)}", yellow=True)
            if self.compares:
                when = self.mirror.last_synced()
                as_of = f"the cache as of its last sync, {when}" if when else "the cache, which was never synced"
                reporter.write_line(f"aws: compared with {as_of}", yellow=True)
        else:
            for line in _few([printable(reason) for reason in self.synced.refused]):
                reporter.write_line(f"aws: {url}: not taken: {line}", yellow=True)
            if self.synced.removed:
                where = self.mirror.private / "removed"
                reporter.write_line(
                    f"aws: {url}: {len(self.synced.removed)} results are gone there; their copies are in {where}"
                )
        if self.uploaded is None:
            return
        if self.uploaded.names:
            names = ", ".join(_few([printable(name) for name in self.uploaded.names]))
            reporter.write_line(f"aws: uploaded to {url}: {names}")
        if self.uploaded.pending:
            reporter.write_line(
                f"aws: {self.uploaded.pending} results are not uploaded to {url}: {printable(self.uploaded.problem)}\n"
                f"  they are kept in {self.mirror.place}; the next session that saves to or compares with this storage "
                "on this machine uploads them",
                yellow=True,
            )


def _few(names: list[str]) -> list[str]:
    return names if len(names) <= _SHOWN else [*names[:_SHOWN], f"and {len(names) - _SHOWN} more"]


def _file_storage(stock: Any) -> Any:
    """pytest-benchmark's storage in a folder, with a ``save`` that never takes a name that another process has."""
    import json

    from pytest_benchmark.storage.file import FileStorage
    from pytest_benchmark.utils import safe_dumps

    from pytest_benchmark_aws.core.values.file_names import safe_name
    from pytest_benchmark_aws.results import storage

    class CacheStorage(FileStorage):
        def save(self, output_json: dict[str, Any], save: str) -> None:
            data = json.loads(safe_dumps(output_json))
            path = storage.save(self.path, self.default_machine_id, safe_name(save), data)
            self.logger.info(f"Saved benchmark data in: {path}")

    storage_class: Any = CacheStorage  # its base class is not typed
    return storage_class(str(stock.path), stock.logger, stock.default_machine_id)
