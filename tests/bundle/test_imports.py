"""What the tests import: whose each file is, and what an instance would lack."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_benchmark_aws.bundle.cargo import extra_files
from pytest_benchmark_aws.bundle.import_statements import Import, imports_of
from pytest_benchmark_aws.bundle.imports import Imports, Reader, mapped_libraries
from pytest_benchmark_aws.bundle.installed import Environment
from pytest_benchmark_aws.bundle.requirements import installation
from tests.bundle.sites import install
from tests.bundle.test_project import write
from tests.bundle.test_requirements import project_in
from tests.bundle.test_wheels import LOCAL


def read(root: Path, *sources: str, loaded: dict[str, str] | None = None, plugins: tuple[str, ...] = ()) -> Imports:
    """What these sources of a project import."""
    return Reader(root, Environment()).read([root / source for source in sources], loaded or {}, plugins)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in the path of imports, with a folder of installed distributions beside it."""
    site, root = tmp_path / "lib" / "site-packages", tmp_path / "project"
    for folder in (site, root):
        folder.mkdir(parents=True)
        monkeypatch.syspath_prepend(str(folder))
    return root


def names(source: str) -> set[str]:
    return {imported.name for imported in imports_of(source)}


def test_c8_imports_at_any_depth_count() -> None:
    """In fixtures, tests, classes and branches; by ``importorskip`` and ``import_module`` too, and as plugins."""
    source = """
import a
def f():
    import b.c
    class D:
        from e import g
        async def h(self):
            if self: import i
pytest.importorskip("j")
importlib.import_module("k.l", "x")
pytest_plugins = ["m"]
"""
    assert names(source) == {"a", "b.c", "e", "e.g", "i", "j", "k.l", "m"}


@pytest.mark.parametrize("source", ["def", "\0", "(" * 3000, "from . import ("])
def test_a_source_that_is_none_imports_nothing(source: str) -> None:
    """Templates and data may be called ``.py`` too."""
    assert imports_of(source) == set()


def test_an_import_for_type_checkers_alone_is_none() -> None:
    """``if TYPE_CHECKING`` is never run; its other branch is."""
    assert names("if typing.TYPE_CHECKING:\n import a\nelse:\n import b") == {"b"}


def test_an_import_that_may_fail_is_told_apart() -> None:
    """Where ImportError is caught, absence is expected."""
    source = "try:\n import a\nexcept ImportError:\n import b\ntry:\n import c\nexcept KeyError: pass"
    guarded = {Import("a", guarded=True), Import("b"), Import("c")}
    assert imports_of(source) == guarded


def test_c7_c8_what_a_test_imports_late_is_a_distribution(root: Path) -> None:
    """Also those that this plugin uses for itself, which are not shipped for that alone."""
    install(root.parent / "lib" / "site-packages", "zz-late", "1", {"zz_late/__init__.py": b"", "zz_late/x.py": b""})
    write(root, {"test_it.py": b"def test_it():\n    import orjson\n    from zz_late import x\n"})
    import boto3

    imports = read(root, "test_it.py", loaded={"boto3": str(boto3.__file__)})
    assert imports.distributions == {"orjson", "zz-late"}
    assert not imports.strays


@pytest.mark.parametrize(
    ("source", "orjson_loaded", "shipped"),
    [
        (b"from orjson import dumps\n", True, True),
        (b"try:\n    import orjson as json\nexcept ImportError:\n    import json\n", False, True),
        (b"def late():\n    import orjson\n", True, True),
        (b"def late():\n    import orjson\n", False, False),
        (b"if TYPE_CHECKING:\n    import orjson\n", True, False),
        (b"text = 'orjson'\n", True, False),
    ],
)
def test_what_a_loaded_distribution_imports_is_shipped_though_this_plugin_uses_it_too(
    root: Path, source: bytes, orjson_loaded: bool, shipped: bool
) -> None:
    """As cattrs.preconf.orjson does; not what it only might have imported, where this plugin alone has loaded it."""
    import orjson

    site = root.parent / "lib" / "site-packages"
    install(site, "zz-cattrs", "1", {"zz_cattrs/__init__.py": b"", "zz_cattrs/fast.py": source})
    write(root, {"test_it.py": b"import zz_cattrs.fast\n"})
    loaded = {"zz_cattrs": "__init__.py", "zz_cattrs.fast": "fast.py"}
    loaded = {name: str(site / "zz_cattrs" / file) for name, file in loaded.items()}
    if orjson_loaded:
        loaded["orjson"] = str(orjson.__file__)
    imports = read(root, "test_it.py", loaded=loaded)
    assert imports.distributions == {"zz-cattrs", *["orjson"] * shipped}
    pins = installation(project_in(root), LOCAL, imports).pins
    assert any(pin.startswith("orjson==") for pin in pins) == shipped


def test_what_starts_with_every_python_is_not_shipped_for_an_extra(root: Path) -> None:
    """Setuptools has a module loaded by a .pth, and many a distribution names it for the extra of its makers."""
    site = root.parent / "lib" / "site-packages"
    hack = {"zz_hack.py": b"", "zz_setuptools/__init__.py": b""}
    install(site, "setuptools", "1", hack)
    source = {"zz_lib.py": b"def build():\n    import zz_setuptools\n"}
    install(site, "zz-lib", "1", source, requires=("setuptools; extra == 'dev'",))
    write(root, {"test_it.py": b"import zz_lib\n"})
    imports = read(root, "test_it.py", loaded={name: str(site / f"{name}.py") for name in ("zz_hack", "zz_lib")})
    assert imports.distributions == {"zz-lib"}


def test_d0_d1_d2_imported_files_are_the_projects_whatever_git_says(root: Path) -> None:
    """What is loaded, and what loaded files import in turn, guarded or not, relative or not; never loaded itself."""
    write(root, {
        "test_it.py": b"import lib\nfrom pkg import late\n",
        "lib.py": b"try:\n    from _fast import total\nexcept ImportError:\n    total = sum\n",
        "_fast.py": b"raise SystemExit\n",
        "pkg/__init__.py": b"from ._version import V\n",
        "pkg/_version.py": b"V = 1\n",
        "pkg/late.py": b"def f():\n    from .deep import more\n",
        "pkg/deep/__init__.py": b"",
        "pkg/deep/more.py": b"",
        "pkg/other.py": b"",
    })  # fmt: skip
    imports = read(root, "test_it.py", loaded={"lib": str(root / "lib.py")})
    wanted = ["lib.py", "_fast.py", "pkg/__init__.py", "pkg/_version.py", "pkg/late.py", "pkg/deep/__init__.py"]
    assert imports.project_files == {Path(name) for name in [*wanted, "pkg/deep/more.py"]}
    assert not imports.strays


def test_what_the_project_does_without_is_not_shipped_for_it(root: Path) -> None:
    """A guarded import in the project that was not loaded here needs not be there; a test's own is."""
    site = root.parent / "lib" / "site-packages"
    for name in ("zz_optional", "zz_needed", "zz_tests"):
        install(site, name, "1", {f"{name}.py": b""})
    write(root, {
        "test_it.py": b"import lib\ntry:\n    import zz_tests\nexcept ImportError: pass\n",
        "lib.py": b"def f():\n import zz_needed\n try:\n  import zz_optional\n except ImportError: pass\n",
    })  # fmt: skip
    assert read(root, "test_it.py").distributions == {"zz-needed", "zz-tests"}


def test_c10_what_belongs_to_nobody_is_a_stray(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module beside the project, one that was copied into site-packages, and a plugin of the command line."""
    write(root.parent, {"lib/helper.py": b"", "lib/site-packages/copied.py": b"", "lib/plugged.py": b""})
    monkeypatch.syspath_prepend(str(root.parent / "lib"))
    write(root, {"test_it.py": b"import helper, os, json\ndef test_it():\n    import copied\n"})
    imports = read(root, "test_it.py", plugins=("plugged", "randomly"))
    assert {name: file.name for name, file in imports.strays.items()} == {
        "copied": "copied.py",
        "helper": "helper.py",
        "plugged": "plugged.py",
    }


def test_what_an_editor_loads_is_no_stray(root: Path) -> None:
    """What runs pytest from outside, and no source of the project imports, is none of the tests'."""
    write(root.parent, {"ide/pydevd.py": b""})
    write(root, {"test_it.py": b""})
    assert not read(root, "test_it.py", loaded={"pydevd": str(root.parent / "ide" / "pydevd.py")}).strays


def test_an_editable_distribution_beside_the_project_is_known_by_its_folder(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workspace's other member: the distribution, and where its package starts."""
    member = root.parent / "member"
    write(member, {"src/zz_member/__init__.py": b"", "src/zz_member/part.py": b""})
    origin = {"url": member.as_uri(), "dir_info": {"editable": True}}
    install(root.parent / "lib" / "site-packages", "zz-member", "1", {}, origin=origin)
    monkeypatch.syspath_prepend(str(member / "src"))
    write(root, {"test_it.py": b"from zz_member import part"})
    imports = read(root, "test_it.py")
    assert imports.distributions == {"zz-member"}
    assert imports.outside == {"zz-member": {"zz_member": member / "src" / "zz_member" / "__init__.py"}}


def test_an_environment_within_the_project_is_none_of_it(root: Path) -> None:
    """Of virtualenv, conda, and hidden ones."""
    write(
        root, {"env/pyvenv.cfg": b"", "env/a.py": b"", "conda/conda-meta/x": b"", "conda/a.py": b"", ".tox/a.py": b""}
    )
    loaded = {f"zz_{name}": str(root / name / "a.py") for name in ("env", "conda", ".tox")}
    assert not read(root, loaded=loaded).project_files


def test_a_module_of_another_name_than_its_folder_is_noted(root: Path) -> None:
    """Setuptools' ``package_dir`` maps names to folders that an import there would not find."""
    write(root, {"source/__init__.py": b"", "named/__init__.py": b""})
    loaded = {"zz_app": str(root / "source" / "__init__.py"), "named": str(root / "named" / "__init__.py")}
    assert read(root, loaded=loaded).renamed == {"zz_app": root / "source" / "__init__.py"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what is mapped")
def test_d1_a_library_that_ctypes_loads_is_the_projects(root: Path) -> None:
    """No module names it; that it is mapped into the process does."""
    import _ctypes
    import ctypes
    import shutil

    shutil.copy(_ctypes.__file__, root / "libzz.so.1")
    ctypes.CDLL(str(root / "libzz.so.1"))
    libraries = mapped_libraries()
    assert str(root / "libzz.so.1") in libraries
    assert read(root, loaded=libraries).project_files == {Path("libzz.so.1")}


def test_what_other_tests_need_is_not_what_the_benchmarks_need(root: Path) -> None:
    """Of a module that is loaded for others: its own file and those that it imports go along, no more is asked for."""
    install(root.parent / "lib" / "site-packages", "zz-lazy", "1", {"zz_lazy.py": b""})
    write(root.parent, {"lib/beside.py": b""})
    write(
        root, {"test_it.py": b"", "test_other.py": b"import beside, own\ndef test():\n import zz_lazy", "own.py": b""}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root.parent / "lib"))
        imports = read(root, "test_it.py", loaded={"test_other": str(root / "test_other.py")})
    assert imports.project_files == {Path("test_other.py"), Path("own.py")}
    assert not imports.strays
    assert not imports.distributions


def test_metadata_beside_the_sources_is_no_installation(root: Path) -> None:
    """Setuptools leaves it in the folder, with the sources listed: they are the project's, and no index is asked."""
    info = "zz_app.egg-info"
    write(root, {f"{info}/PKG-INFO": b"Metadata-Version: 2.1\nName: zz-app\nVersion: 1\n", "zz_app.py": b""})
    write(
        root, {f"{info}/SOURCES.txt": b"zz_app.py\n", "test_it.py": b"import zz_app", f"{info}/entry_points.txt": b""}
    )
    imports = read(root, "test_it.py")
    assert imports.project_files == {Path("zz_app.py")}
    assert not imports.distributions
    lines = installation(project_in(root, None, "zz-app"), LOCAL, imports).lines
    assert not any(line.startswith("zz-app") for line in lines)
    shipped = extra_files()
    assert shipped["zz_app-1.dist-info/METADATA"] == root / info / "PKG-INFO"
    assert shipped["zz_app-1.dist-info/entry_points.txt"] == root / info / "entry_points.txt"
    origin = {"url": root.as_uri(), "dir_info": {"editable": True}}
    install(root.parent / "lib" / "site-packages", "zz-app", "2", {}, origin=origin)
    assert Environment().distributions["zz-app"].version == "2"
