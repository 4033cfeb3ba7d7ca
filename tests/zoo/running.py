"""The same tests here and on embedded AWS, by the real command line of an environment that is made for them."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.acceptance.awsproject import environment

LIMIT_S = 600
TYPE = "m5.large"
LAUNCHED = re.compile(rf"^. {TYPE} +pending", re.MULTILINE)
"""In the output of a session that has launched."""
_PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def interpreter(place: Path, words: list[str]) -> Path:
    """The Python of an environment that sees all that is installed here, and what ``words`` make pip install in it."""
    venv.create(place, symlinks=True)
    python = place / "bin/python"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(subprocess.check_output([python, "-c", code], text=True).strip())
    (packages / "here.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    pip("--python", str(python), "install", "-q", *words)
    return python


def pip(*words: str) -> None:
    """Runs pip; what it says is the message where it fails."""
    done = subprocess.run([*_PIP, *words], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


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
