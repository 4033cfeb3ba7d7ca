"""How pytest is started on an instance."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.bundle.forwarded_options import _forwarded, import_paths
from pytest_benchmark_aws.session.shipping import guest_args

if TYPE_CHECKING:
    from pathlib import Path

KEPT = (
    ["-x"],
    ["-v"],
    ["-p", "no:randomly"],
    ["-o", "xfail_strict=true"],
    ["-oxfail_strict=true"],
    ["--override-ini", "markers=addopts"],
    ["--cov=src"],
    ["-W", "error"],
    ["--maxfail=2"],
    ["--strict-markers"],
    ["--benchmark-only"],
    ["--benchmark-min-rounds=3"],
    ["--benchmark-warmup", "on"],
    ["--scale=laptop"],
    ["--tb", "short"],
    ["--noconftest"],
    ["--color-of-mine"],
)
DROPPED = (
    ["-k", "a or b"],
    ["-kexpression"],
    ["-m", "not slow"],
    ["-n", "4"],
    ["-n2"],
    ["-nauto"],
    ["--numprocesses=2"],
    ["--numprocesses", "2"],
    ["--dist", "load"],
    ["-c", "other.ini"],
    ["--rootdir", "/p"],
    ["--rootdir=/p"],
    ["--lf"],
    ["--ff"],
    ["--junitxml", "out.xml"],
    ["--junit-xml=out.xml"],
    ["--deselect", "t.py::test_a"],
    ["--ignore=old"],
    ["--pdb"],
    ["--color", "yes"],
    ["--benchmark-save", "name"],
    ["--benchmark-autosave"],
    ["--benchmark-json=out.json"],
    ["--benchmark-storage", "file://x"],
    ["--benchmark-compare"],
    ["--benchmark-compare=0001"],
    ["--benchmark-histogram"],
    ["--benchmark-compare-fail=min:5%"],
    ["--cov-fail-under=90"],
    ["--cov-fail-under", "90"],
    ["--cov-report=term"],
    ["-o", "addopts=-x"],
    ["--override-ini", "addopts=-x"],
    ["-oaddopts=-x"],
    ["--override-ini=addopts=-x"],
    ["--aws-env", "KEY=secret"],
    ["--aws"],
    ["--aws-dry-run"],
    ["--aws-show-bundle"],
    ["--aws-instance-type", "m5.large"],
    ["--aws-instance-type=m5.large"],
    ["--aws-max-cost", "20"],
    ["tests/test_it.py"],
    ["tests/test_it.py::test_a[1]"],
)
POSITIONAL = {"tests/test_it.py", "tests/test_it.py::test_a[1]"}
# What takes an argument where one follows stands where none does, in the property's free order.
OPTIONAL = (["--benchmark-compare"], ["--benchmark-histogram"], ["--benchmark-compare-fail=min:5%"])


@given(st.lists(st.sampled_from([*KEPT, *(group for group in DROPPED if group not in OPTIONAL)]), max_size=12))
def test_what_is_ours_is_dropped_and_all_else_is_kept(groups: list[list[str]]) -> None:
    """Whatever the order, selection, reports, storage, ``--aws`` and paths stay here, other options go as they are."""
    kept = [word for group in groups if group in KEPT for word in group]
    assert _forwarded([word for group in groups for word in group], POSITIONAL) == kept


@pytest.mark.parametrize("group", DROPPED, ids=" ".join)
def test_each_of_ours_is_dropped_before_another_option(group: list[str]) -> None:
    """An option that is ours takes its own argument with it, never the option that follows."""
    assert _forwarded([*group, "--tb=short"], POSITIONAL) == ["--tb=short"]


@pytest.mark.parametrize(
    "words",
    [
        ["--benchmark-compare", "0001"],
        ["--benchmark-histogram", "plots/it"],
        ["--benchmark-compare-fail", "min:5%"],
        ["--benchmark-compare-fail", "min:5%", "max:10%", "mean:0.1"],
    ],
    ids=" ".join,
)
def test_an_argument_that_may_be_missing_is_dropped_where_it_is_there(words: list[str]) -> None:
    """pytest-benchmark's options with any number of arguments leave none behind, which would be taken for a path."""
    assert _forwarded(["-x", *words, "-v"], ()) == ["-x", "-v"]
    assert _forwarded(words, ()) == []


@given(st.lists(st.text(max_size=8) | st.sampled_from([word for group in DROPPED for word in group])))
def test_any_words_are_read(words: list[str]) -> None:
    """No command line breaks it, and nothing is added or put into another order."""
    rest = iter(words)
    assert all(any(word == other for other in rest) for word in _forwarded(words, POSITIONAL))


def test_only_what_pytest_took_for_a_path_stays_here(pytester: pytest.Pytester) -> None:
    """A warning filter in two words has colons as node ids have, and goes along whole."""
    pytester.makepyfile(test_it="def test_a(): pass")
    config = pytester.parseconfig("-W", "ignore::UserWarning", "test_it.py::test_a", "-x")
    assert guest_args(config)[-3:] == ["-W", "ignore::UserWarning", "-x"]


def test_the_guest_finds_the_same_root_and_file(pytester: pytest.Pytester) -> None:
    """The guest's arguments have the rootdir, the ini file by its name, the checkpoint plugin, and what was typed."""
    pytester.makeini("[pytest]\n")
    pytester.makepyfile(test_it="def test_a(): pass")
    config = pytester.parseconfig("-x", "-k", "a", "--aws-market=spot", "--tb=short", "test_it.py")
    args = guest_args(config)
    head = ["--rootdir=.", "--color=no", "-rN", "-p", "pytest_benchmark_aws.guest.checkpoint", "-c", "tox.ini"]
    assert args[: len(head)] == head
    assert args[-2:] == ["-x", "--tb=short"]
    assert "test_it.py" not in args


def test_what_the_environment_adds_goes_too(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """``PYTEST_ADDOPTS`` is read here and not there, so it goes as words, split as a shell does."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "--tb=long -k 'a or b' -o 'markers=one two'")
    args = guest_args(pytester.parseconfig())
    assert args[-3:] == ["--tb=long", "-o", "markers=one two"]


def test_a_project_without_an_ini_file_names_none(pytester: pytest.Pytester) -> None:
    """Where there is no file there is no ``-c``."""
    assert "-c" not in guest_args(pytester.parseconfig())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, in a session that imports from nowhere else."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.setattr(sys, "path", [path for path in sys.path if not path.startswith(str(tmp_path))])
    return root


def imported(monkeypatch: pytest.MonkeyPatch, name: str, file: Path) -> None:
    """A module of that file, as if it had been imported."""
    module = ModuleType(name)
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, name, module)


def test_folders_that_python_looks_in_are_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ``sys.path``, what lies in the project goes, relative to it and in its order; the rest does not."""
    monkeypatch.setattr(sys, "path", ["", str(project / "src"), str(project.parent), str(project), *sys.path])
    assert import_paths(project) == ["src", "."]


def test_environments_and_hidden_folders_are_not_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip installed into an environment within the project comes as wheels."""
    (project / "myenv" / "lib").mkdir(parents=True)
    (project / "myenv" / "pyvenv.cfg").touch()
    monkeypatch.setattr(sys, "path", [str(project / "myenv" / "lib"), str(project / ".tox" / "lib"), *sys.path])
    imported(monkeypatch, "zz_installed", project / "myenv" / "lib" / "zz_installed.py")
    assert import_paths(project) == []


def test_an_imported_module_says_where_imports_start(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a module and the parent of a package, whatever the layout; not a conftest's, nor a part's."""
    imported(monkeypatch, "zz_module", project / "lib" / "zz_module.py")
    imported(monkeypatch, "zz_package", project / "src" / "zz_package" / "__init__.py")
    imported(monkeypatch, "zz_package.part", project / "src" / "zz_package" / "part.py")
    imported(monkeypatch, "zz_conftest", project / "tests" / "conftest.py")
    imported(monkeypatch, "zz_renamed", project / "other" / "file.py")
    imported(monkeypatch, "zz_outside", project.parent / "zz_outside.py")
    assert import_paths(project) == ["lib", "src"]
