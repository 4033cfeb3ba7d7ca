"""All that goes to an instance, put together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_benchmark_aws.bundle.cargo import load
from pytest_benchmark_aws.bundle.project import Project
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.machine.folders import Folders
from tests.bundle.test_project import repository, write
from tests.run.fake_backend import make_job


def collected(root: Path, *files: str) -> Project:
    """A project with a case of the fake jobs in each of these files."""
    node_ids = [case.node_id for case in make_job().cases]
    return Project(
        root, root, dict(zip(node_ids, map(Path, files), strict=False)), (), (), frozenset(), frozenset(), None
    )


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Folders of this test's own."""
    return Folders(tmp_path / "cache", tmp_path / "results")


def test_a_rootdir_beside_the_working_directory_is_refused(tmp_path: Path, folders: Folders) -> None:
    """The error names both, before any wheel is asked for."""
    project = replace(collected(tmp_path / "root"), working_directory=tmp_path / "elsewhere")
    with pytest.raises(PlanError, match=r"the rootdir .*root does not hold the working directory .*elsewhere: run"):
        load(project, [make_job()], folders, local=True)


def test_only_what_the_jobs_run_must_be_shipped(tmp_path: Path, folders: Folders) -> None:
    """A test file that git does not track is refused where a job has a case in it, before any wheel is asked for."""
    root = tmp_path / "root"
    repository(root, {"test_old.py": b""})
    write(root, {"test_new.py": b""})
    with pytest.raises(PlanError, match=r"not tracked by git.*test_new\.py; git add it$"):
        load(collected(root, "test_new.py"), [make_job()], folders, local=True)
    assert load(collected(root, "test_new.py"), [], folders, local=True) == {}
    assert not folders.wheels.exists()
