"""Distributions as they are installed: from where, changed or not, and as a wheel of their files."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.bundle.cargo import _metadata_files
from pytest_benchmark_aws.bundle.imports import Imports
from pytest_benchmark_aws.bundle.installed import build_wheel, changed_files, module_files
from pytest_benchmark_aws.bundle.requirements import Installation, installation
from pytest_benchmark_aws.bundle.wheels import Target, check, resolve
from pytest_benchmark_aws.core.errors import PlanError
from tests.bundle.sites import install, wheel
from tests.bundle.test_compiled import ARM, elf
from tests.bundle.test_project import write
from tests.bundle.test_requirements import project_in
from tests.bundle.test_wheels import LOCAL

if TYPE_CHECKING:
    from pathlib import Path

GIT = {"url": "https://example.org/fork.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}}
WHEEL = {"url": "file:///tmp/zz_fork-1.0-py3-none-any.whl", "archive_info": {}}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed distributions, and an index that is a folder."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    (tmp_path / "site").mkdir()
    (tmp_path / "links").mkdir()
    return tmp_path / "site"


def wanted(root: Path, *names: str, target: Target = LOCAL) -> Installation:
    """What a project asks for whose tests import these."""
    imports = Imports(frozenset(), frozenset(names), {}, {}, {})
    return installation(project_in(root), target, imports)


def alone(whole: Installation, *names: str) -> Installation:
    """The same without pytest and all that the plugins need, which the test's index does not have."""
    keep = [line for line in whole.lines if line.partition("==")[0] in names]
    return Installation(
        tuple(keep), complete=True, pins=tuple(keep), built=whole.built, installed=whole.installed,
        fingerprint=whole.fingerprint,
    )  # fmt: skip


def contents(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("origin", [GIT, WHEEL, {"url": "file:///gone/folder", "dir_info": {}}], ids=str)
def test_c1_c2_what_no_index_has_is_shipped_as_it_is_installed(
    site: Path, tmp_path: Path, origin: dict[str, object]
) -> None:
    """From git, a wheel or a folder, of a version that an index may have too: the installed files as a wheel, said."""
    install(site, "zz-fork", "1.0", {"zz_fork/__init__.py": b"V = 'fork'\n"}, origin=origin)
    whole = wanted(tmp_path, "zz-fork")
    assert not any(line.startswith("zz-fork") for line in whole.lines)
    (built,) = whole.built
    assert built.file_name == "zz_fork-1.0-py3-none-any.whl"
    assert contents(built.data)["zz_fork/__init__.py"] == b"V = 'fork'\n"
    assert whole.notes == (f"zz-fork 1.0 was installed from {origin['url']}: shipped as it is here",)


def test_c1_the_projects_files_count_where_they_are_what_is_imported(site: Path, tmp_path: Path) -> None:
    """A flat layout that is installed too: the folder shadows the installation, here and there."""
    install(site, "zz-app", "1", {"zz_app.py": b"old"}, origin={"url": tmp_path.as_uri(), "dir_info": {}})
    declared = installation(project_in(tmp_path, None, "zz-app"), LOCAL, Imports(frozenset(), frozenset(), {}, {}, {}))
    assert not declared.built
    assert wanted(tmp_path, "zz-app").built


def test_c6_condas_packages_come_from_the_index_by_version(site: Path, tmp_path: Path) -> None:
    """Their record of a folder is of the machine that built them."""
    origin = {"url": "file:///home/conda/feedstock_root/build_artifacts/zz_1/work", "dir_info": {}}
    install(site, "zz-conda", "1.5", {"zz_conda.py": b""}, origin=origin, installer="conda")
    whole = wanted(tmp_path, "zz-conda")
    assert "zz-conda==1.5" in whole.lines
    assert not whole.built


def test_c2_what_is_changed_after_its_installation_is_shipped_as_it_is(site: Path, tmp_path: Path) -> None:
    """By size or, where it is younger than its RECORD, by hash; the changed file is named."""
    install(site, "zz-lib", "1", {"zz_lib.py": b"a = 1\n", "zz_same.py": b""})
    dist = metadata.distribution("zz-lib")
    assert changed_files(dist) == []
    (site / "zz_lib.py").write_bytes(b"a = 22\n")
    assert changed_files(dist) == ["zz_lib.py"]
    whole = wanted(tmp_path, "zz-lib")
    assert whole.notes == ("zz-lib 1 is not as it was installed (zz_lib.py): shipped as it is here",)
    assert contents(whole.built[0].data)["zz_lib.py"] == b"a = 22\n"
    (site / "zz_lib.py").unlink()
    with pytest.raises(PlanError, match=r"zz-lib 1: .*zz_lib\.py is gone: install it again"):
        wanted(tmp_path, "zz-lib")


def test_a_change_of_the_same_size_is_seen_by_its_hash(site: Path) -> None:
    """What an editor wrote later than the installer has another time."""
    import os

    install(site, "zz-lib", "1", {"zz_lib.py": b"a = 1\n"})
    (site / "zz_lib.py").write_bytes(b"a = 2\n")
    os.utime(site / "zz_lib-1.dist-info" / "RECORD", (0, 0))
    assert changed_files(metadata.distribution("zz-lib")) == ["zz_lib.py"]


def test_c2_an_index_with_other_code_of_the_same_version_is_not_believed(site: Path, tmp_path: Path) -> None:
    """The wheel that pip brings is compared with the installed files; another platform's build need not agree."""
    for name in ("fork", "same"):
        install(site, f"zz-{name}", "1.0", {f"zz_{name}.py": b"same"})
        wheel(tmp_path / "links", f"zz_{name}", "1.0", {f"zz_{name}.py": name.encode()})
    whole = alone(wanted(tmp_path, "zz-fork", "zz-same"), "zz-fork", "zz-same")
    archive = resolve(whole.lines, LOCAL, tmp_path / "store", whole)
    assert archive.names == ("zz_fork==1.0", "zz_same==1.0")
    assert archive.notes == ("zz-fork 1.0 is not the index's here (zz_fork.py): shipped as it is installed",)
    assert resolve(whole.lines, LOCAL, tmp_path / "store", whole) == archive
    assert check(whole.lines, LOCAL, tmp_path / "store", whole) == archive.notes


def test_a_vendored_distributions_record_is_not_taken_for_the_wheels_own(site: Path, tmp_path: Path) -> None:
    """Nor its metadata for the distribution's, as setuptools' wheel has those of what it vendors before its own."""
    inner = "zz_outer/_vendor/zz_inner-9.dist-info"
    files = {
        f"{inner}/METADATA": b"Metadata-Version: 2.1\nName: zz-inner\nVersion: 9\n",
        f"{inner}/RECORD": f"zz_inner/__init__.py,sha256={'0' * 43},1\n".encode(),
        "zz_outer/__init__.py": b"same",
    }
    install(site, "zz-outer", "1.0", files)
    wheel(tmp_path / "links", "zz_outer", "1.0", files)
    whole = alone(wanted(tmp_path, "zz-outer"), "zz-outer")
    assert resolve(whole.lines, LOCAL, tmp_path / "store", whole).notes == ()
    own = _metadata_files(metadata.distribution("zz-outer"), "zz-outer")
    assert own == [site / "zz_outer-1.0.dist-info" / "METADATA"]


def test_c10_what_has_no_wheel_is_shipped_as_it_is_installed_and_the_dry_run_says_so(
    site: Path, tmp_path: Path
) -> None:
    """An sdist alone, or nothing: the installed files where the target runs them, else pip's refusal."""
    install(site, "zz-sdist", "1.0", {"zz_sdist.py": b"here"})
    install(site, "zz-fast", "1.0", {"zz_fast.so": elf(62)})
    whole = alone(wanted(tmp_path, "zz-sdist"), "zz-sdist")
    said = ("no index has a wheel of zz-sdist 1.0 for the instances: shipped as it is installed",)
    assert check(whole.lines, LOCAL, tmp_path / "store", whole) == said
    assert check(whole.lines, LOCAL, tmp_path / "store", whole) == said
    assert resolve(whole.lines, LOCAL, tmp_path / "store", whole).notes == said
    arm = alone(wanted(tmp_path, "zz-fast", target=ARM), "zz-fast")
    with pytest.raises(PlanError, match=r"no wheels for Amazon Linux 2023 on arm64(?s:.*)zz-fast"):
        check(arm.lines, ARM, tmp_path / "store", arm)


def test_c2_compiled_files_are_refused_where_the_target_cannot_run_them(site: Path, tmp_path: Path) -> None:
    """By name, with where it came from and what to do."""
    install(site, "zz-fork", "1.0", {"zz_fork/_x.so": elf(62)}, origin=GIT)
    with pytest.raises(PlanError, match=r"zz-fork 1\.0 was installed from https://example\.org/fork\.git(?s:.*)x86_64"):
        wanted(tmp_path, "zz-fork", target=ARM)
    assert wanted(tmp_path, "zz-fork").built


def test_a_wheel_of_installed_files_is_one_that_pip_installs(site: Path, tmp_path: Path) -> None:
    """Packages, data, compiled files and entry points, with a RECORD of its own; the same bytes each time."""
    files = {"zz_app/__init__.py": b"V = 1\n", "zz_app/data, more.txt": b"x", "zz_app/__pycache__/a.pyc": b"no"}
    points = {"zz_app-1.dist-info/entry_points.txt": b"[console_scripts]\nzz-app = zz_app:V\n"}
    install(site, "zz_app", "1", {**files, **points, "zz_app/_x.so": b"\x7fELF"}, origin=GIT)
    built = build_wheel(metadata.distribution("zz_app"), LOCAL)
    assert built == build_wheel(metadata.distribution("zz_app"), LOCAL)
    path = tmp_path / built.file_name
    path.write_bytes(built.data)
    target = tmp_path / "target"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target), str(path)]
    subprocess.run(command, check=True)
    assert (target / "zz_app" / "data, more.txt").read_bytes() == b"x"
    assert (target / "zz_app" / "_x.so").exists()
    assert (target / "bin" / "zz-app").exists()


def test_a_package_beside_the_project_is_shipped_without_its_keys(tmp_path: Path) -> None:
    """As the project's own files are; byte code stays too."""
    names = ("__init__.py", "part.py", "data.csv", ".env", "deploy.pem", "__pycache__/part.pyc")
    write(tmp_path, {f"member/{name}": b"" for name in names})
    files = module_files([("zz.member", tmp_path / "member" / "__init__.py")])
    assert set(files) == {"zz/member/__init__.py", "zz/member/part.py", "zz/member/data.csv"}
