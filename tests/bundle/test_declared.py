"""What a project declares: each way of saying it, and requirements files as pip reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_benchmark_aws.bundle.declared import Need, declared, read_requirements
from pytest_benchmark_aws.bundle.installed import Environment
from pytest_benchmark_aws.bundle.requirements import installation
from pytest_benchmark_aws.bundle.wheels import resolve
from pytest_benchmark_aws.core.errors import PlanError
from tests.bundle.sites import install, wheel
from tests.bundle.test_installed import alone, site  # noqa: F401 -- a fixture
from tests.bundle.test_project import write
from tests.bundle.test_requirements import project_in
from tests.bundle.test_wheels import LOCAL

if TYPE_CHECKING:
    from pathlib import Path


AB = {"zz-a", "zz-b"}


def names(root: Path) -> set[str]:
    """Names that the files of a project declare."""
    return {need.name for need in declared(root, Environment(), {})}


@pytest.mark.parametrize(
    ("file", "text", "wanted"),
    [
        ("pyproject.toml", "[project]\ndependencies = ['zz-a>=1', 'zz_B; python_version<\"3\"']\n", {"zz-a"}),
        ("pyproject.toml", "[project.optional-dependencies]\ntest = ['zz-a']\ndocs = ['zz-b']\n", {"zz-a"}),
        ("pyproject.toml", "[dependency-groups]\nbench = ['zz-a', {include-group='x'}]\nx = ['zz-b']\n", AB),
        ("pyproject.toml", "[dependency-groups]\ntest = [{include-group='test'}]\n", set()),
        ("pyproject.toml", "[tool.poetry.dependencies]\npython = '^3'\nzz-a = '1'\nzz-o = {optional=true}\n", {"zz-a"}),
        ("pyproject.toml", "[tool.poetry.group.test.dependencies]\nzz-a = {version='1'}\n", {"zz-a"}),
        ("pyproject.toml", "[tool.pdm.dev-dependencies]\nbenchmarks = ['zz-a']\nlint = ['zz-b']\n", {"zz-a"}),
        ("pyproject.toml", "[project]\ndependencies = 'wrong'\n[tool]\npoetry = 1\n", set()),
        ("setup.cfg", "[options]\ninstall_requires =\n  zz-a>=1  # why\n[options.extras_require]\ntest = zz-b\n", AB),
        ("setup.py", "from setuptools import setup\nsetup(install_requires=['zz-a[x]>2'] + ['zz-b'])\n", AB),
        ("setup.py", "def broken(", set()),
        ("requirements.txt", f"zz-a==1 \\\n  --hash=sha256:{'0' * 64}\n--extra-index-url https://x\nzz-b\n", AB),
        ("requirements.txt", "zz-a @ https://x.org/zz.whl\ngit+https://x/y.git#egg=zz-b\n-e ./lib\n", AB),
    ],
)  # fmt: skip
def test_c5_each_way_of_declaring_is_read(tmp_path: Path, file: str, text: str, wanted: set[str]) -> None:
    """Dependencies, and the extras and groups that are for tests and benchmarks; what is malformed declares nothing."""
    write(tmp_path, {file: text.encode()})
    assert names(tmp_path) == wanted


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_c3_a_requirements_file_of_any_encoding_is_read_as_pip_reads_it(tmp_path: Path, encoding: str) -> None:
    """By its byte order mark, with what it includes, and without what only constrains."""
    text = "zz-a>=1\n-r other.txt\n-c limits.txt\n"
    data = text.encode(encoding) if encoding != "utf-16-le" else b"\xff\xfe" + text.encode(encoding)
    write(
        tmp_path,
        {"requirements.txt": data, "other.txt": b"zz-b[fast]; python_version > '3'\n", "limits.txt": b"zz-c<9"},
    )
    assert declared(tmp_path, Environment(), {}) == {Need("zz-a"), Need("zz-b", ("fast",))}


@pytest.mark.parametrize("text", [b"-r nowhere.txt\n", b"--no-such-option\n"])
def test_c3_what_pip_cannot_read_is_refused_in_its_words(tmp_path: Path, text: bytes) -> None:
    """With the file's name, and no usage text."""
    write(tmp_path, {"requirements.txt": text})
    with pytest.raises(PlanError, match=r"requirements\.txt: pip cannot read it: ") as refused:
        read_requirements(tmp_path / "requirements.txt", "--aws-requirements")
    assert "Usage:" not in str(refused.value)


def test_c4_extras_are_followed(site: Path, tmp_path: Path) -> None:  # noqa: F811
    """What a declared extra needs in turn is pinned too."""
    install(site, "zz-root", "1", {"zz_root.py": b""}, requires=('zz-socks; extra == "socks"', 'zz-no; extra == "no"'))
    for name in ("zz-socks", "zz-no"):
        install(site, name, "1", {})
    write(tmp_path / "p", {"pyproject.toml": b"[project]\ndependencies = ['zz-root[socks]>=1']\n"})
    lines = installation(project_in(tmp_path / "p"), LOCAL).lines
    assert {"zz-root==1", "zz-socks==1"} <= set(lines)
    assert "zz-no==1" not in lines


def test_c5_what_is_declared_and_absent_is_said(site: Path, tmp_path: Path) -> None:  # noqa: F811
    """Of the dependencies and of the tests' group, by name."""
    install(site, "zz-here", "1", {})
    text = b"[project]\ndependencies = ['zz-here', 'zz-absent']\n[dependency-groups]\ntest = ['zz-more']\n"
    write(tmp_path / "p", {"pyproject.toml": text})
    assert installation(project_in(tmp_path / "p"), LOCAL).missing == ("zz-absent", "zz-more")


def test_c9_a_named_file_adds(site: Path, tmp_path: Path) -> None:  # noqa: F811
    """To what is pinned here; what the file names itself is the file's, with the hash that it pins."""
    from dataclasses import replace

    links = tmp_path / "links"
    for name in ("zz-here", "zz-named"):
        install(site, name, "1", {f"{name.replace('-', '_')}.py": b""})
        wheel(links, name.replace("-", "_"), "1", {f"{name.replace('-', '_')}.py": b""})
    import hashlib

    newer = wheel(links, "zz_named", "2", {"zz_named.py": b"2"})
    hashed = hashlib.sha256(newer.read_bytes()).hexdigest()
    write(tmp_path, {"aws.txt": f"zz-named==2 --hash=sha256:{hashed}\n".encode("utf-16")})
    project = replace(project_in(tmp_path / "p", None, "zz-here", "zz-named"), more_requirements=tmp_path / "aws.txt")
    whole = installation(project, LOCAL)
    assert {"zz-named==2", "zz-here==1"} <= set(whole.lines)
    assert "zz-named==1" not in whole.lines
    few = replace(alone(whole, "zz-here"), file=tmp_path / "aws.txt")
    assert resolve(few.lines, LOCAL, tmp_path / "store", few).names == ("zz_here==1", "zz_named==2")
    write(tmp_path, {"aws.txt": f"zz-named==2 --hash=sha256:{'0' * 64}\n".encode()})
    with pytest.raises(PlanError, match=r"(?s)HASH"):
        resolve(few.lines, LOCAL, tmp_path / "store", few)


def test_c9_a_conflict_is_called_one(site: Path, tmp_path: Path) -> None:  # noqa: F811
    """Not a lack of wheels: what pip says of it, and the option that installs the file alone."""
    from dataclasses import replace

    install(site, "zz-here", "1", {})
    wheel(tmp_path / "links", "zz_here", "1", {})
    wheel(tmp_path / "links", "zz_here", "2", {})
    wheel(tmp_path / "links", "zz_new", "1", {}, requires=("zz-here>=2",))
    write(tmp_path, {"aws.txt": b"zz-new\n"})
    project = replace(project_in(tmp_path / "p", None, "zz-here"), more_requirements=tmp_path / "aws.txt")
    whole = installation(project, LOCAL)
    few = replace(alone(whole, "zz-here"), file=tmp_path / "aws.txt")
    with pytest.raises(PlanError, match=r"aws\.txt cannot be installed beside(?s:.*)zz-here(?s:.*)--aws-only-req"):
        resolve(few.lines, LOCAL, tmp_path / "store", few)
