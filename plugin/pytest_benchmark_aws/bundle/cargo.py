"""All that goes to an instance: the project with this plugin in it, the wheels, and how pytest is started there."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.backends.agent_archive import Shipment
from pytest_benchmark_aws.bundle import wheels
from pytest_benchmark_aws.bundle.project import bundle_project, relative, untracked_files
from pytest_benchmark_aws.bundle.requirements import SELF, installation, is_local
from pytest_benchmark_aws.core.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_benchmark_aws.bundle.project import Project
    from pytest_benchmark_aws.core.model import Job
    from pytest_benchmark_aws.machine.folders import Folders


def load(project: Project, jobs: Sequence[Job], folders: Folders, *, local: bool) -> dict[str, Shipment]:
    """What the jobs' instances get, by architecture; ``local`` where they are processes on this machine.

    Raises:
        PlanError: the rootdir does not hold the working directory, a test file is not shipped, or there is no wheel for
            an architecture.
    """
    if relative(project.working_directory, project.root) is None:
        raise PlanError(
            f"the rootdir {project.root} does not hold the working directory {project.working_directory}: run pytest "
            "inside it"
        )
    cases = [case for job in jobs for case in job.cases]
    needed = {project.test_files[case.node_id] for case in cases if case.node_id in project.test_files}
    archive = bundle_project(project.root, needed, extra_files())
    python, _ = wheels.guest_python(local)
    shipments = {}
    for arch in sorted({job.arch for job in jobs}):
        target = wheels.Target(python, arch, local)
        wanted = installation(project, target)
        shipments[arch] = Shipment(
            project=archive,
            wheels=wheels.resolve(wanted.lines, target, folders.wheels, with_dependencies=not wanted.complete),
            python=python,
            packages=(f"python{python}", "libgomp"),  # LightGBM's and scikit-learn's wheels need the latter there
            args=project.args,
            sys_path=project.import_paths,
            notes=tuple(_notes(project.root, wanted.missing)),
        )
    return shipments


def _notes(root: Path, missing: Sequence[str]) -> list[str]:
    notes = []
    if missing:
        notes.append(f"required by the project and not installed here, so not shipped: {', '.join(missing)}")
    modules = [file for file in untracked_files(root) if file.suffix == ".py"]
    if modules:
        more = f" and {len(modules) - 3} more" if len(modules) > 3 else ""
        shown = ", ".join(map(str, modules[:3])) + more
        notes.append(f"not tracked by git, so not shipped: {shown}; git add what the benchmarks need")
    return notes


def extra_files() -> dict[str, Path]:
    """This plugin's files, and what makes pytest find the plugins that the project itself is (their metadata).

    Name below ``SHIPPED`` -> the file here.
    """
    package = Path(__file__).parents[1]
    files = {
        f"pytest_benchmark_aws/{path.relative_to(package).as_posix()}": path
        for path in sorted(package.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path.suffix in {".py", ".csv", ".sh", ".typed"}
    }
    for dist in metadata.distributions():
        name = dist.metadata["Name"]
        if name != SELF and not is_local(dist):
            continue
        folder = f"{name.replace('-', '_')}-{dist.version}.dist-info"
        for file in dist.files or ():
            if file.name in {"METADATA", "entry_points.txt"} and file.parent.name.endswith(".dist-info"):
                files[f"{folder}/{file.name}"] = Path(str(dist.locate_file(file)))
    return files
