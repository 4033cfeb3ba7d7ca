"""Projects in miniature, each with the traits of a kind that is seen in the wild."""

from __future__ import annotations

from dataclasses import dataclass, field

SOURCE = "def total(numbers):\n    return sum(numbers)\n"
BENCHMARK = "\n\ndef test_total(benchmark):\n    assert benchmark.pedantic(total, args=(range(10),), rounds=3) == 45\n"
TESTS = f"from shapes import total{BENCHMARK}"
PLAIN = "[pytest]\npythonpath = src\n"
# The hash of its wheel on PyPI.
HASHED = "jmespath==1.0.1 \\\n    --hash=sha256:02e2e4cc71b5bcab88332eebf907519190dd9e6e82107fa7f83b1003a6252980\n"


@dataclass(frozen=True)
class Project:
    """What is written, where pytest runs, and what is expected of ``--aws``."""

    files: dict[str, str]
    """By path; what ``.gitignore`` names is not tracked."""
    folder: str = "."
    """Where pytest runs."""
    args: tuple[str, ...] = ()
    """Of pytest, here and there."""
    installed: tuple[str, ...] = ()
    """Folders that pip installs first, as they are."""
    editable: tuple[str, ...] = ()
    """Likewise, editable."""
    needs: tuple[str, ...] = ()
    """Distributions from the index that are installed first."""
    git: bool = True
    extension: str | None = None
    """C source of an extension module, built in place before the tests run."""
    refused: str | None = None
    """A pattern of the refusal before anything is launched; None where the outcomes are to be the same."""
    environment: dict[str, str] = field(default_factory=dict)


def _setuptools(name: str, *dependencies: str) -> str:
    listed = ", ".join(f'"{dependency}"' for dependency in dependencies)
    return (
        '[build-system]\nrequires = ["setuptools>=77"]\nbuild-backend = "setuptools.build_meta"\n\n'
        f'[project]\nname = "{name}"\nversion = "1.0"\ndependencies = [{listed}]\n'
    )


_EXTENSION = """\
#include <Python.h>
static PyObject *total(PyObject *self, PyObject *arg) {
    PyObject *item, *numbers = PyObject_GetIter(arg);
    long sum = 0;
    if (!numbers) return NULL;
    while ((item = PyIter_Next(numbers))) { sum += PyLong_AsLong(item); Py_DECREF(item); }
    Py_DECREF(numbers);
    return PyLong_FromLong(sum);
}
static PyMethodDef methods[] = {{"total", total, METH_O, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_fast", "", -1, methods};
PyMODINIT_FUNC PyInit__fast(void) { return PyModule_Create(&module); }
"""

ZOO = {
    "src-layout-installed": Project(
        {
            "pyproject.toml": _setuptools("shapes"),
            "src/shapes/__init__.py": SOURCE,
            "tests/test_total.py": TESTS,
            ".gitignore": "build\n*.egg-info\n",
        },
        installed=(".",),
        needs=("setuptools",),
    ),
    "version-file-of-a-build": Project(
        {
            "pyproject.toml": '[build-system]\nrequires = ["hatchling", "hatch-vcs"]\n'
            'build-backend = "hatchling.build"\n\n'
            '[project]\nname = "shapes"\ndynamic = ["version"]\n\n[tool.hatch.version]\nsource = "vcs"\n\n'
            '[tool.hatch.build.hooks.vcs]\nversion-file = "src/shapes/_version.py"\n\n'
            '[tool.pytest.ini_options]\npythonpath = ["src"]\n',
            "src/shapes/__init__.py": f"from ._version import __version__\n\n\n{SOURCE}",
            "src/shapes/_version.py": '__version__ = "1.2.3"\n',
            "tests/test_total.py": TESTS,
            ".gitignore": "_version.py\n",
        }
    ),
    "extension-built-in-place": Project(
        {
            "pytest.ini": PLAIN,
            "src/shapes/__init__.py": "from shapes._fast import total\n",
            "tests/test_total.py": TESTS,
            ".gitignore": "*.so\n",
        },
        extension=_EXTENSION,
    ),
    "fast-module-ignored-by-git": Project(
        {
            "pytest.ini": PLAIN,
            "src/shapes/__init__.py": "try:\n    from shapes._generated import total\nexcept ImportError:\n"
            "    def total(numbers):\n        return -1\n",
            "src/shapes/_generated.py": SOURCE,
            "tests/test_total.py": TESTS,
            ".gitignore": "_generated.py\n",
        }
    ),
    "poetry": Project(
        {
            "pyproject.toml": '[tool.poetry]\nname = "shapes"\nversion = "1.0"\ndescription = ""\nauthors = []\n\n'
            '[tool.poetry.dependencies]\npython = "^3.10"\njmespath = "^1.0"\n\n'
            '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n\n'
            '[tool.pytest.ini_options]\npythonpath = ["src"]\n',
            "src/shapes/__init__.py": f"import jmespath\n\n\n{SOURCE}",
            "tests/test_total.py": TESTS,
        },
        needs=("jmespath",),
    ),
    "uv-workspace": Project(
        {
            "pyproject.toml": f"{_setuptools('workspace')}\n[tool.setuptools]\npackages = []\n\n"
            '[tool.uv.workspace]\nmembers = ["packages/*"]\n',
            "packages/core/pyproject.toml": _setuptools("ws-core"),
            "packages/core/src/ws_core/__init__.py": SOURCE,
            "packages/shapes/pyproject.toml": f"{_setuptools('ws-shapes', 'ws-core')}\n"
            "[tool.uv.sources]\nws-core = { workspace = true }\n",
            "packages/shapes/src/shapes/__init__.py": "from ws_core import total\n",
            "packages/shapes/tests/test_total.py": TESTS,
            ".gitignore": "*.egg-info\nbuild\n",
        },
        editable=("packages/core", "packages/shapes"),
        needs=("setuptools",),
    ),
    "xdist-and-cov": Project(
        {
            "pytest.ini": "[pytest]\npythonpath = src\naddopts = -n auto --cov=shapes --cov-report=\n"
            "filterwarnings = error\n",
            "src/shapes/__init__.py": SOURCE,
            "tests/test_total.py": TESTS,
            ".gitignore": ".coverage*\n",
        },
        args=("-n", "0"),
        needs=("pytest-xdist", "pytest-cov"),
    ),
    "benchmark-disable": Project(
        {
            "pytest.ini": "[pytest]\npythonpath = src\naddopts = --benchmark-disable\n",
            "src/shapes/__init__.py": SOURCE,
            "tests/test_total.py": TESTS,
        },
        refused="--benchmark-enable",
    ),
    "benchmark-disable-turned-on": Project(
        {
            "pytest.ini": "[pytest]\npythonpath = src\naddopts = --benchmark-disable\n",
            "src/shapes/__init__.py": SOURCE,
            "tests/test_total.py": TESTS,
        },
        args=("--benchmark-enable",),
    ),
    "asyncio": Project(
        {
            "pytest.ini": "[pytest]\npythonpath = src\nasyncio_mode = auto\n"
            "asyncio_default_fixture_loop_scope = function\n",
            "src/shapes/__init__.py": SOURCE,
            "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\nasync def numbers():\n    return range(10)\n",
            "tests/test_total.py": "import asyncio\n\nfrom shapes import total\n\n\nasync def later(numbers):\n"
            "    await asyncio.sleep(0)\n    return total(numbers)\n\n\ndef test_total(benchmark):\n"
            "    run = lambda: asyncio.run(later(range(10)))\n    assert benchmark.pedantic(run, rounds=2) == 45\n\n\n"
            "async def test_plain(numbers):\n    assert await later(numbers) == 45\n",
        },
        needs=("pytest-asyncio",),
    ),
    "test-case": Project(
        {
            "pytest.ini": PLAIN,
            "src/shapes/__init__.py": SOURCE,
            "tests/test_total.py": "import unittest\n\nimport pytest\nfrom shapes import total\n\n\n"
            '@pytest.mark.instance_type("m5.large")\nclass TestTotal(unittest.TestCase):\n'
            "    @pytest.fixture(autouse=True)\n    def keep(self, benchmark):\n        self.benchmark = benchmark\n\n"
            "    def test_total(self):\n"
            "        self.assertEqual(self.benchmark.pedantic(total, args=(range(10),), rounds=3), 45)\n",
        },
        refused=r"TestTotal::test_total|unittest",
    ),
    "path-dependency": Project(
        {
            "libs/core/pyproject.toml": _setuptools("mono-core"),
            "libs/core/src/mono_core/__init__.py": SOURCE,
            "service/pyproject.toml": f"{_setuptools('shapes', 'mono-core')}\n"
            '[tool.uv.sources]\nmono-core = { path = "../libs/core", editable = true }\n\n'
            '[tool.pytest.ini_options]\npythonpath = ["src"]\n',
            "service/src/shapes/__init__.py": "from mono_core import total\n",
            "service/tests/test_total.py": TESTS,
            ".gitignore": "*.egg-info\nbuild\n",
        },
        folder="service",
        editable=("libs/core",),
        needs=("setuptools",),
    ),
    "pip-compile-hashes": Project(
        {
            "pytest.ini": PLAIN,
            "requirements.txt": "#\n# This file is autogenerated by pip-compile\n#\n"
            + HASHED
            + "    # via -r requirements.in\n",
            "src/shapes/__init__.py": f"import jmespath\n\n\n{SOURCE}",
            "tests/test_total.py": TESTS,
        },
        needs=("jmespath",),
    ),
    "namespace-package": Project(
        {
            "pytest.ini": PLAIN,
            "src/acme/shapes/__init__.py": SOURCE,
            "tests/test_total.py": f"from acme.shapes import total{BENCHMARK}",
        }
    ),
    "no-git": Project(
        {"pytest.ini": PLAIN, "src/shapes/__init__.py": SOURCE, "tests/test_total.py": TESTS},
        git=False,
    ),
    "imports-inside": Project(
        {
            "pytest.ini": "[pytest]\n",
            "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef numbers():\n    import jmespath\n\n"
            '    return jmespath.search("a", {"a": [1, 2]})\n',
            "tests/test_total.py": "def test_total(benchmark, numbers):\n    from xmltodict import parse\n\n"
            '    assert parse("<a>1</a>") == {"a": "1"}\n'
            "    assert benchmark.pedantic(sum, args=(numbers,), rounds=3) == 3\n",
        },
        needs=("jmespath", "xmltodict"),
    ),
    "randomly": Project(
        {
            "pytest.ini": PLAIN,
            "src/shapes/__init__.py": SOURCE,
            "tests/test_total.py": "import random\n\nfrom shapes import total\n\n\n"
            "def test_total(benchmark, record_property):\n"
            '    record_property("drawn", random.random())\n'
            "    assert benchmark.pedantic(total, args=(range(10),), rounds=3) == 45\n",
        },
        args=("--randomly-seed=7",),
        needs=("pytest-randomly",),
    ),
    "deselected-by-the-ini-file": Project(
        {
            "pytest.ini": '[pytest]\npythonpath = src\naddopts = -m "not bench"\nmarkers =\n    bench: slow\n',
            "src/shapes/__init__.py": SOURCE,
            "tests/test_total.py": "import pytest\nfrom shapes import total\n\n"
            f"pytestmark = pytest.mark.bench{BENCHMARK}",
        },
        args=("-m", "bench"),
    ),
    "plugin-of-its-own": Project(
        {
            "pytest.ini": "[pytest]\npythonpath = . src\naddopts = -p helpers.fixtures\n",
            "helpers/__init__.py": "",
            "helpers/fixtures.py": "import pytest\n\n\n@pytest.fixture\ndef numbers():\n    return range(10)\n",
            "src/shapes/__init__.py": SOURCE,
            "tests/test_total.py": "from shapes import total\n\n\ndef test_total(benchmark, numbers):\n"
            "    assert benchmark.pedantic(total, args=(numbers,), rounds=3) == 45\n",
        }
    ),
}
