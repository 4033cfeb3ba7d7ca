"""All that goes to an instance, put together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_benchmark_aws.backends import cluster_keys
from pytest_benchmark_aws.backends.sagemaker.images import glibc_of
from pytest_benchmark_aws.bundle.cargo import _manifest, _renamed, _target, examine, load
from pytest_benchmark_aws.bundle.compiled import GLIBC
from pytest_benchmark_aws.bundle.imports import Imports
from pytest_benchmark_aws.bundle.project import Project
from pytest_benchmark_aws.bundle.wheels import PACKAGED_PYTHONS
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.machine.folders import Folders
from tests.bundle.test_compiled import elf
from tests.bundle.test_project import repository, write
from tests.faults.guests import HERE
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


def test_d1_an_extension_built_here_is_refused_for_another_architecture(tmp_path: Path, folders: Folders) -> None:
    """By its name, before any wheel is asked for; where the instances can run it, it is shipped."""
    root = tmp_path / "root"
    repository(root, {"test_it.py": b"", ".gitignore": b"*.so\n"})
    write(root, {"zz_fast.so": elf(40)})
    project = replace(collected(root, "test_it.py"), loaded={"zz_fast": str(root / "zz_fast.so")})
    with pytest.raises(
        PlanError, match=r"(?s)not to be run on Amazon Linux.*zz_fast\.so is compiled for arm.*--aws-req"
    ):
        examine(project, [make_job()], folders, local=False)
    assert not folders.wheels.exists()


def test_d1_embedded_aws_says_what_aws_would_refuse(tmp_path: Path, folders: Folders) -> None:
    """Its instances are this machine, which runs what was built here, whatever the type's architecture is."""
    root = tmp_path / "root"
    repository(root, {"test_it.py": b"", ".gitignore": b"*.so\n"})
    write(root, {"zz_fast.so": elf(40)})
    project = replace(collected(root, "test_it.py"), loaded={"zz_fast": str(root / "zz_fast.so")})
    notes = examine(project, [make_job()], folders, local=True)
    assert any("on AWS this would be refused before a launch" in note and "zz_fast.so" in note for note in notes)


def test_c10_what_an_instance_would_not_have_is_refused_by_name(tmp_path: Path, folders: Folders) -> None:
    """A module beside the project, with its file."""
    root = tmp_path / "root"
    repository(root, {"test_it.py": b"import zz_beside\n"})
    write(tmp_path, {"lib/zz_beside.py": b""})
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path / "lib"))
        with pytest.raises(PlanError, match=r"(?s)would not have it:\n  zz_beside: .*lib/zz_beside\.py\nInstall it"):
            load(collected(root, "test_it.py"), [make_job()], folders, local=True)


def test_a_module_of_another_name_than_its_folder_is_shipped_under_its_own(tmp_path: Path) -> None:
    """Where imports on an instance look."""
    start = tmp_path / "source" / "__init__.py"
    write(tmp_path, {"source/__init__.py": b"", "source/part.py": b""})
    imports = Imports(frozenset(), frozenset(), {}, {}, {"zz_app": start})
    assert _renamed(imports) == {"zz_app/__init__.py": start, "zz_app/part.py": start.with_name("part.py")}


@pytest.mark.parametrize(
    ("image", "python", "glibc"), [(None, HERE, None), ("mine:py310-ubuntu20.04", "3.10", (2, 31))]
)
def test_a_training_job_gets_wheels_of_its_containers_python(
    image: str | None, python: str, glibc: tuple[int, int] | None
) -> None:
    """Those of an instance where the Python is the same and the C library no older, so that they are fetched once."""
    job = make_job()
    training = replace(job, target=replace(job.target, instance_type="ml.m5.large"))
    assert (job.platform, training.platform) == ("x86_64", "ml.x86_64")
    target = _target(training, image, local=False)
    assert (target.python, target.arch) == (python, "x86_64")
    assert target.glibc == (glibc or min(GLIBC, glibc_of(None, python)))
    if python in PACKAGED_PYTHONS:
        assert _target(job, image, local=False) == target


@pytest.mark.parametrize("option", ["requirements", "more_requirements"])
def test_a_cluster_is_made_of_what_a_requirements_file_names(
    tmp_path: Path, folders: Folders, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    """Its version is known then, though it is not installed here; else no launch is paid for to skip its tests."""
    monkeypatch.setattr(cluster_keys, "find_spec", lambda _: None)
    root, file, job = tmp_path / "root", tmp_path / "there.txt", make_job()
    repository(root, {"test_it.py": b""})
    project = replace(collected(root, "test_it.py"), plugins=frozenset({"distributed"}), **{option: file})
    file.write_text("distributed==2025.1.0; python_version < '3'\n")
    with pytest.raises(PlanError, match="dask_client needs distributed, not installed here"):
        _manifest(project, [job], local=True)
    file.write_text("distributed==2025.1.0\n")
    (wanted,) = _manifest(project, [job], local=True).installations.values()
    assert "distributed==2025.1.0" in wanted.lines
    with pytest.raises(PlanError, match="a group of machines needs cryptography, not installed here"):
        _manifest(project, [replace(job, target=replace(job.target, count=2))], local=True)
