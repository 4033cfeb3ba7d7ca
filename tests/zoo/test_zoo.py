"""Projects of every shape: what passes here passes there, or is refused by name before anything is launched.

Each is run twice by the real command line: plainly, and with ``--aws`` on embedded AWS.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tests.acceptance.awsproject import environment, make_project
from tests.zoo.projects import ZOO

if TYPE_CHECKING:
    from tests.zoo.projects import Project

QUICK = ("no-git", "namespace-package", "plugin-of-its-own")
"""Those of the default run; all with ``tox -e zoo``."""
WHOLE = "PYTEST_BENCHMARK_AWS_ZOO"
LIMIT_S = 300
TYPE = "m5.large"


def names() -> list[str]:
    return list(ZOO) if os.environ.get(WHOLE) else list(QUICK)


@pytest.mark.parametrize("name", names())
def test_a_project_has_the_same_outcomes_there(name: str, tmp_path: Path) -> None:
    """The same tests with the same outcomes, each measured; or one refusal that names the reason, and no launch."""
    project = ZOO[name]
    skip_without(project)
    root = make_project(tmp_path / name, project.files, git=project.git)
    python = interpreter(project, root, tmp_path / "venv")
    if project.extension is not None:
        build(project.extension, root / "src/shapes")
    folder = root / project.folder
    code, here, text = run(python, folder, tmp_path / "here.xml", *project.args)
    if project.refused is None:
        assert code == 0, text
        assert here, text
    args = (*project.args, "--aws", f"--aws-instance-type={TYPE}")
    code, there, text = run(python, folder, tmp_path / "there.xml", *args)
    launched = re.search(rf"^. {TYPE} +pending", text, re.MULTILINE)
    if project.refused is not None and code == pytest.ExitCode.USAGE_ERROR:
        assert re.search(project.refused, text), text
        assert not launched, text
        return
    assert project.refused is None or there == here, text
    assert (code, there) == (0, here), text
    assert launched, text
    assert list(folder.glob(f".benchmarks/embedded-{TYPE}/*.json")), text


def skip_without(project: Project) -> None:
    """Skips where a compiler is missing here."""
    if project.extension is not None and shutil.which("cc") is None:
        pytest.skip("no C compiler is installed: apt-get install gcc")


def interpreter(project: Project, root: Path, place: Path) -> Path:
    """This Python; where something is to be installed, that of an environment which sees all that is installed here."""
    installed = [*project.needs, *(str(root / folder) for folder in project.installed)]
    installed += [word for folder in project.editable for word in ("-e", str(root / folder))]
    if not installed:
        return Path(sys.executable)
    venv.create(place, symlinks=True)
    python = place / "bin/python"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(subprocess.check_output([python, "-c", code], text=True).strip())
    (packages / "here.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "install", "-q"]
    # What the build systems need is made by pip; what the projects depend on is beside them, or here.
    done = subprocess.run(
        [*pip, *(["--no-deps"] if not project.needs else []), *installed],
        capture_output=True, text=True, check=False, timeout=LIMIT_S, env=environment(),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return python


def build(source: str, package: Path) -> None:
    """Compiles an extension module in place, as ``setup.py build_ext --inplace`` does, its source not kept."""
    file = package.parent / "_fast.c"
    file.write_text(source)
    module = package / f"_fast{sysconfig.get_config_var('EXT_SUFFIX')}"
    words = ["cc", "-shared", "-fPIC", f"-I{sysconfig.get_path('include')}", str(file), "-o", str(module)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    file.unlink()
    if done.returncode:
        pytest.skip(f"an extension module cannot be built here: {done.stderr.splitlines()[0]}")


def run(python: Path, folder: Path, report: Path, *args: str) -> tuple[int, dict[str, tuple[str, ...]], str]:
    """Exit code, outcome by test without the instance type, and what was printed."""
    command = [str(python), "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}", *args]
    env = environment(NO_COLOR="1", COLUMNS="200")
    env.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    outcomes = {}
    if report.exists():
        for case in ET.parse(report).iter("testcase"):
            name = f"{case.get('classname')}::{case.get('name')}".replace(f"[{TYPE}]", "").replace(f"-{TYPE}]", "]")
            properties = [f"{item.get('name')}={item.get('value')}" for item in case.iter("property")]
            kinds = [child.tag for child in case if child.tag in {"failure", "error", "skipped"}]
            outcomes[name] = (*(kinds or ["passed"]), *properties)
    return done.returncode, outcomes, done.stdout + done.stderr
