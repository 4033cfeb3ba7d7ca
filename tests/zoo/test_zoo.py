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
from pathlib import Path

import pytest

from tests.acceptance.awsproject import make_project
from tests.zoo.projects import ZOO
from tests.zoo.running import LAUNCHED, TYPE, interpreter, run

QUICK = ("no-git", "fast-module-ignored-by-git", "benchmark-disable")
"""Those of the default run; all with ``tox -e zoo``."""
WHOLE = "PYTEST_BENCHMARK_AWS_ZOO"


@pytest.mark.parametrize("name", list(ZOO) if os.environ.get(WHOLE) else list(QUICK))
def test_a_project_has_the_same_outcomes_there(name: str, tmp_path: Path) -> None:
    """The same tests with the same outcomes, each measured; or one refusal that names the reason, and no launch."""
    project = ZOO[name]
    root = make_project(tmp_path / name, project.files, git=project.git)
    installed = [*project.needs, *(str(root / folder) for folder in project.installed)]
    installed += [word for folder in project.editable for word in ("-e", str(root / folder))]
    # What a project depends on is beside it, or here.
    words = installed if project.needs else ["--no-deps", *installed]
    python = interpreter(tmp_path / "venv", words) if installed else Path(sys.executable)
    if project.extension is not None:
        build(project.extension, root / "src/shapes")
    folder = root / project.folder
    code, here, text = run(python, folder, tmp_path / "here.xml", *project.args)
    if project.refused is None:
        assert code == 0, text
        assert here, text
    args = (*project.args, "--aws", f"--aws-instance-type={TYPE}")
    code, there, text = run(python, folder, tmp_path / "there.xml", *args)
    if project.refused is not None and code == pytest.ExitCode.USAGE_ERROR:
        assert re.search(project.refused, text), text
        assert not LAUNCHED.search(text), text
        return
    assert (code, there) == (0, here), text
    assert LAUNCHED.search(text), text
    assert list(folder.glob(f".benchmarks/embedded-{TYPE}/*.json")), text


def build(source: str, package: Path) -> None:
    """Compiles an extension module in place, as ``setup.py build_ext --inplace`` does; its source does not stay."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler is installed: apt-get install gcc")
    file = package.parent / "_fast.c"
    file.write_text(source)
    module = package / f"_fast{sysconfig.get_config_var('EXT_SUFFIX')}"
    words = ["cc", "-shared", "-fPIC", f"-I{sysconfig.get_path('include')}", str(file), "-o", str(module)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    file.unlink()
    if done.returncode:
        pytest.skip(f"an extension module cannot be built here: {done.stderr.splitlines()[0]}")
