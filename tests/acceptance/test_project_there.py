"""The project on an instance is the project here: its files, distributions, options and variables; or it is refused."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.awsproject import make_project, pytest_aws
from tests.bundle.sites import install

if TYPE_CHECKING:
    from pathlib import Path

ON_M5 = ("--aws", "--aws-instance-type=m5.large", "--aws-target=embedded")
FILES = {
    "pytest.ini": "[pytest]\npythonpath = src\naddopts = -m 'not bench' --strict-markers\nmarkers =\n    bench: slow\n"
    "    instance_type: here as there\n",
    ".gitignore": "_fast.py\n_version.py\n.benchmarks\nignored.ini\n__pycache__\n",
    "src/calc/__init__.py": "from calc._version import V\ntry:\n    from calc._fast import total\nexcept ImportError:\n"
    "    def total(n): return -1\n",
    "src/calc/_version.py": "V = 7\n",
    "src/calc/_fast.py": "def total(n): return n * (n - 1) // 2\n",
    "tests/table.txt": "9",
    "tests/test_it.py": """\
import os
import pytest
import calc

@pytest.fixture
def parsed():
    import xmltodict
    return xmltodict.parse("<a>1</a>")

@pytest.mark.bench
def test_it(benchmark, parsed):
    from zz_fork import WHERE
    import orjson
    assert open("table.txt").read() == "9"
    assert calc.total(10) == 45 and calc.V == 7 and orjson.loads("1") == 1
    assert (WHERE, os.environ["ZZ_KEY"], os.environ["ZZ_OTHER"]) == ("fork", "sesame", "")
    benchmark.pedantic(calc.total, args=(10,), rounds=3)

def test_other(benchmark): raise SystemError("ran")
""",
}


def test_c2_c7_c8_d0_d2_e1_f2_the_project_there_is_the_one_here(tmp_path: Path) -> None:
    """Ignored files that are imported, a fork that no index has, late imports, ``-m``, variables, the folder."""
    pytest.importorskip("moto")
    origin = {"url": "https://example.org/fork.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}}
    install(tmp_path / "site", "zz-fork", "1.0", {"zz_fork.py": b"WHERE = 'fork'\n"}, origin=origin)
    root = make_project(tmp_path / "project", FILES)
    cache = tmp_path / "cache"
    done = pytest_aws(
        root / "tests", *ON_M5, "-m", "bench", "--aws-env=ZZ_KEY", "--aws-env=ZZ_OTHER=", "-v", "--aws-max-cost=1",
        ZZ_KEY="sesame", PYTHONPATH=str(tmp_path / "site"), PYTEST_BENCHMARK_AWS_CACHE=str(cache),
    )  # fmt: skip
    assert done.code == 0, done.text
    assert "1 passed" in done.out
    assert "zz-fork 1.0 was installed from https://example.org/fork.git: shipped as it is here" in done.out
    assert "sesame" not in done.text
    runs = [path for path in cache.rglob("*") if path.is_file() and path.suffix != ".tar"]
    assert runs
    assert not [path for path in [*runs, *root.rglob(".benchmarks/**/*.json")] if b"sesame" in path.read_bytes()]


def test_c10_e4_the_plain_dry_run_says_what_is_not_shipped_and_not_measured(tmp_path: Path) -> None:
    """Declared and absent, not tracked, changed since its installation, without the fixture; nothing is launched."""
    install(tmp_path / "site", "zz-lib", "1", {"zz_lib.py": b""})
    (tmp_path / "site" / "zz_lib.py").write_text("changed = 1\n")
    root = make_project(
        tmp_path / "project",
        {
            "pyproject.toml": "[project]\nname='p'\nversion='1'\ndependencies=['zz-absent']\n"
            "[project.optional-dependencies]\ntest=['zz-extra','zz-absent']\n[dependency-groups]\nbench=['zz-group']\n",
            "test_it.py": "import zz_lib\ndef test_a(benchmark): ...\n"
            "import pytest\n@pytest.mark.instance_type('m5.large')\ndef test_b(): ...\n",
        },
    )
    (root / "late.py").touch()
    done = pytest_aws(root, "--aws-dry-run", *ON_M5[1:], PYTHONPATH=str(tmp_path / "site"))
    assert done.code == 0, done.text
    assert "! required by the project and not installed here, so not shipped: zz-absent\n" in done.out
    optional = "! named by the project's optional groups and not installed here, so not shipped: zz-extra, zz-group\n"
    assert optional in done.out
    assert "! not tracked by git, so not shipped: late.py" in done.out
    assert "! zz-lib 1 is not as it was installed (zz_lib.py): shipped as it is here" in done.out
    assert "! not measured, as they do not use the fixture benchmark: test_it.py::test_b[m5.large]" in done.out
    assert done.out.index("! not measured") < done.out.index("nothing launched")


BENCHMARK = "def test_it(benchmark): ...\n"
CASE = """\
import unittest, pytest

@pytest.mark.instance_type("m5.large")
class TestIt(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def keep(self, benchmark): self.benchmark = benchmark
    def test_it(self): raise SystemError("ran")
"""


@pytest.mark.parametrize(
    ("source", "args", "variables", "words"),
    [
        (BENCHMARK, ["--benchmark-disable"], {}, "--benchmark-disable is in force"),
        (BENCHMARK, ["--benchmark-only", "--benchmark-disable"], {}, "give --benchmark-enable"),
        (BENCHMARK, ["--benchmark-compare-fail=median:10%"], {}, "--benchmark-compare-fail needs --benchmark-compare"),
        (BENCHMARK, ["--benchmark-skip"], {}, "--benchmark-skip is in force"),
        ("def test_it(): ...\n", [], {}, "no collected test names an instance type"),
        (BENCHMARK, [], {"PYTEST_BENCHMARK_AWS_GUEST": "1"}, "PYTEST_BENCHMARK_AWS_GUEST is set"),
        (BENCHMARK, ["--aws-env=ZZ_NOWHERE"], {}, "--aws-env=ZZ_NOWHERE: there is no such variable here"),
        (BENCHMARK, ["--aws-requirements=a", "--aws-only-requirements=b"], {}, "choose one"),
        (CASE, [], {}, "test_it.py::TestIt::test_it: pytest cannot make a case"),
        (CASE.replace('@pytest.mark.instance_type("m5.large")\n', ""), [], {}, "TestIt::test_it: pytest cannot make"),
        (f"import beside\n{BENCHMARK}", ["-o", "pythonpath=../beside"], {}, "beside.py\nInstall it by pip, or run"),
    ],
    ids=["e4", "e4-only", "e4-compare", "e4-skip", "e4-no-case", "e3", "f2", "c9", "i", "i-unmarked", "c10"],
)
def test_c10_e3_e4_i_what_would_not_be_the_same_is_refused_before_a_launch(
    tmp_path: Path, source: str, args: list[str], variables: dict[str, str], words: str
) -> None:
    """By name, with exit code 4 where something would be launched; nothing is."""
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "beside.py").touch()
    root = make_project(tmp_path / "project", {"pytest.ini": "[pytest]\n", "test_it.py": source})
    done = pytest_aws(root, *ON_M5, *args, **variables)
    assert words in done.text, done.text
    assert "pending" not in done.out
    assert "Traceback" not in done.text
    assert "SystemError" not in done.text
    assert done.code == (0 if "no collected" in words else 4)


@pytest.mark.skipif(not pytest.importorskip("xdist"), reason="pytest-xdist is not installed")
def test_e2_the_refusal_of_xdist_names_what_turns_it_off(tmp_path: Path) -> None:
    """With ``-n`` in the ini file, and with ``-n 0`` behind it a plan."""
    root = make_project(tmp_path, {"pytest.ini": "[pytest]\naddopts = -n 2\n", "test_it.py": BENCHMARK})
    refused = pytest_aws(root, *ON_M5)
    assert refused.code == 4
    assert "give -n 0" in refused.err
    planned = pytest_aws(root, "--aws-dry-run", *ON_M5[1:], "-n", "0")
    assert planned.code == 0, planned.text


@pytest.mark.parametrize("target", ["auto", "embedded"])
@pytest.mark.parametrize("broken", ["half", "file", "profile"])
def test_f1_credentials_that_cannot_be_used_are_one_sentence(tmp_path: Path, target: str, broken: str) -> None:
    """Exit code 4 where they count; embedded AWS does not look at them."""
    file = tmp_path / "credentials"
    file.write_text("[default\naws_access")
    variables = {
        "half": {"AWS_ACCESS_KEY_ID": "AK"},
        "file": {"AWS_SHARED_CREDENTIALS_FILE": str(file), "AWS_CONFIG_FILE": str(file)},
        "profile": {"AWS_PROFILE": "nowhere"},
    }[broken]
    root = make_project(tmp_path / "project", {"pytest.ini": "[pytest]\n", "test_it.py": BENCHMARK})
    done = pytest_aws(root, "--aws-dry-run", ON_M5[1], f"--aws-target={target}", **variables)
    assert "Traceback" not in done.text
    if target == "embedded":
        assert done.code == 0, done.text
        return
    assert done.code == 4, done.text
    assert len([line for line in done.err.splitlines() if line]) == 1
    assert "aws configure" in done.err


def test_f1_embedded_aws_starts_beside_broken_credentials(tmp_path: Path) -> None:
    """Its process and its client look at no file of keys and at no profile."""
    pytest.importorskip("moto")
    from pytest_benchmark_aws.run.preflight import connected
    from tests.session.test_shipping import settings_for

    file = tmp_path / "credentials"
    file.write_text("[default\naws_access")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
            patch.setenv(name, str(file))
        patch.setenv("AWS_PROFILE", "nowhere")
        for name in [name for name in os.environ if name.startswith("AWS_ENDPOINT")]:
            patch.delenv(name)
        with connected(settings_for(tmp_path), embedded=True) as clients:
            assert clients.account().embedded


def test_e6_a_limit_in_coverages_configuration_is_checked_neither_here_nor_there(tmp_path: Path) -> None:
    """A dry run ends with 0 and says so; the launch has passed and so has the session."""
    pytest.importorskip("moto")
    pytest.importorskip("pytest_cov")
    files = {
        "pytest.ini": "[pytest]\naddopts = --cov=half --cov-report=term\n",
        ".coveragerc": "[report]\nfail_under = 99\n",
        "half.py": "def run(): return 1\ndef never():\n    return 2\n",
        "test_it.py": "from half import run\ndef test_it(benchmark): benchmark.pedantic(run, rounds=2)\n",
    }
    root = make_project(tmp_path, files)
    dry = pytest_aws(root, *ON_M5, "--aws-dry-run")
    done = pytest_aws(root, *ON_M5)
    for session in (dry, done):
        assert session.code == 0, session.text
        assert "fail_under = 99 of .coveragerc is not checked" in session.out
        assert "Coverage failure" not in session.text
    assert [line.split()[-1] for line in done.out.splitlines() if " done " in line] == ["passed"]
