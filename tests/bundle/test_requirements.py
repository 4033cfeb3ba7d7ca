"""What is declared, imported and installed here, as what pip is asked for."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.bundle.project import Project
from pytest_benchmark_aws.bundle.requirements import SELF, installation
from pytest_benchmark_aws.bundle.wheels import Target
from pytest_benchmark_aws.core.errors import PlanError
from tests.bundle.sites import pins
from tests.bundle.test_wheels import LOCAL

if TYPE_CHECKING:
    from pathlib import Path


def project_in(root: Path, requirements: Path | None = None, *imported: str) -> Project:
    """A project whose tests import these distributions."""
    return Project(root, root, {}, (), (), frozenset(imported), frozenset(), requirements)


def installed(place: Path, name: str, version: str, *requires: str, direct_url: str | None = None) -> None:
    """A distribution's metadata, as an installation leaves them."""
    info = place / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {text}" for text in requires)]
    (info / "METADATA").write_text("\n".join(["Metadata-Version: 2.1", *lines, ""]))
    if direct_url is not None:
        (info / "direct_url.json").write_text(direct_url)


def test_what_is_required_is_pinned_as_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The root and all that it requires are pinned, once each, under their canonical names."""
    installed(tmp_path, "Zz_Root", "1.0", "zz-child>=1", "zz-absent")
    installed(tmp_path, "zz_child", "2.5", "zz-root", "pytest")
    monkeypatch.syspath_prepend(str(tmp_path))
    versions = pins(["Zz_Root", "zz-never-heard-of"], LOCAL)
    assert (versions["zz-root"], versions["zz-child"]) == ("1.0", "2.5")
    assert list(versions) == sorted(versions)
    assert versions["pytest"] == metadata.version("pytest")
    assert not {"zz-absent", "zz-never-heard-of", SELF} & set(versions)


def test_markers_choose_what_the_target_requires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is required on another architecture or Python only is not pinned."""
    installed(tmp_path, "zz_root", "1", 'zz-arm; platform_machine == "aarch64"', 'zz-old; python_version < "3.12"')
    installed(tmp_path, "zz_arm", "1")
    installed(tmp_path, "zz_old", "1")
    monkeypatch.syspath_prepend(str(tmp_path))
    parts = {"zz-arm", "zz-old"}
    assert parts & set(pins(["zz_root"], Target("3.11", "arm64", local=False))) == parts
    assert parts & set(pins(["zz_root"], Target("3.13", "x86_64", local=False))) == set()


def test_extras_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an extra asks for is pinned where that extra is required, also where the plain one is too."""
    installed(tmp_path, "zz_root", "1", "zz-child", "zz-child[fast]")
    installed(tmp_path, "zz_child", "1", 'zz-fast; extra == "fast"', 'zz-slow; extra == "slow"')
    installed(tmp_path, "zz_fast", "1")
    installed(tmp_path, "zz_slow", "1")
    monkeypatch.syspath_prepend(str(tmp_path))
    versions = pins(["zz_root"], LOCAL)
    assert "zz-fast" in versions
    assert "zz-slow" not in versions


def test_what_is_installed_from_a_folder_is_not_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No index has the project itself; what it requires is pinned all the same."""
    installed(tmp_path, "zz_mine", "1", "zz-child", direct_url='{"url": "file:///p", "dir_info": {"editable": true}}')
    installed(tmp_path, "zz_child", "1", direct_url='{"url": "https://x/zz.whl", "archive_info": {}}')
    monkeypatch.syspath_prepend(str(tmp_path))
    versions = pins(["zz_mine"], LOCAL)
    assert "zz-mine" not in versions
    assert versions["zz-child"] == "1"


def test_what_is_declared_and_imported_is_pinned_and_what_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A declared name that is not installed here has no version, so it is named; boto3 is not shipped for an import."""
    installed(tmp_path / "site", "zz_declared", "1")
    installed(tmp_path / "site", "zz_imported", "2")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    (tmp_path / "requirements.txt").write_text("zz-declared  # why\nzz-absent>=1\n--no-binary :all:\n")
    wanted = installation(project_in(tmp_path, None, "zz_imported", "boto3"), LOCAL)
    assert {"zz-declared==1", "zz-imported==2"} <= set(wanted.lines)
    assert not any(line.startswith("boto3") for line in wanted.lines)
    assert (wanted.complete, wanted.missing) == (True, ("zz-absent",))


def test_a_named_file_takes_the_place_of_what_is_imported(tmp_path: Path) -> None:
    """Its lines go as they are, with pytest as it is here, and pip chooses what they need in turn."""
    (tmp_path / "aws.txt").write_text("# ours\nzz-own>=3\n")
    wanted = installation(project_in(tmp_path, tmp_path / "aws.txt", "zz_imported"), LOCAL)
    assert wanted.lines[0] == "zz-own>=3"
    assert f"pytest=={metadata.version('pytest')}" in wanted.lines
    assert not any(line.startswith("zz-imported") for line in wanted.lines)
    assert not wanted.complete
    with pytest.raises(PlanError, match=r"--aws-requirements .*nowhere\.txt: no such file"):
        installation(project_in(tmp_path, tmp_path / "nowhere.txt"), LOCAL)
