"""All that goes to an instance: the project with this plugin in it, the wheels, and how pytest is started there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.backends.agent_archive import Shipment
from pytest_benchmark_aws.backends.cluster_keys import missing
from pytest_benchmark_aws.backends.sagemaker import images
from pytest_benchmark_aws.bundle import wheels
from pytest_benchmark_aws.bundle.compiled import GLIBC, cannot_run
from pytest_benchmark_aws.bundle.imports import Reader
from pytest_benchmark_aws.bundle.installed import SELF, Environment, canonical, files_of, in_tree, module_files
from pytest_benchmark_aws.bundle.project import (
    SHIPPED,
    check_size,
    files_to_ship,
    make_archive,
    relative,
    untracked_files,
)
from pytest_benchmark_aws.bundle.requirements import Installation, installation, is_local, names
from pytest_benchmark_aws.core.errors import PlanError
from pytest_benchmark_aws.core.instance_type_names import SAGEMAKER_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_benchmark_aws.bundle.imports import Imports
    from pytest_benchmark_aws.bundle.project import Project
    from pytest_benchmark_aws.core.model import Job
    from pytest_benchmark_aws.machine.folders import Folders


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What will be shipped, before anything of it is read or downloaded."""

    files: list[tuple[str, Path]]
    left_out: dict[Path, str]
    targets: dict[str, wheels.Target]
    """By platform."""
    installations: dict[wheels.Target, Installation]
    notes: tuple[str, ...]


def load(project: Project, jobs: Sequence[Job], folders: Folders, *, local: bool) -> dict[str, Shipment]:
    """What the jobs' launches get, by their platforms; ``local`` where they are processes on this machine.

    Raises:
        PlanError: the rootdir does not hold the working directory, a file that is needed is not shipped or does not run
            there, or there is no wheel for an architecture.
    """
    if not jobs:
        return {}
    manifest = _manifest(project, jobs, local=local)
    archive = make_archive(manifest.files, manifest.left_out)
    shipments = {}
    for platform, target in manifest.targets.items():
        wanted = manifest.installations[target]
        resolved = wheels.resolve(wanted.lines, target, folders.wheels, wanted)
        shipments[platform] = Shipment(
            project=archive,
            wheels=resolved,
            python=target.python,
            packages=(
                f"python{target.python}",
                "libgomp",
            ),  # LightGBM's and scikit-learn's wheels need the latter there
            args=project.args,
            sys_path=project.import_paths,
            notes=(*manifest.notes, *wanted.notes, *resolved.notes),
            cwd=(relative(project.working_directory, project.root) or Path()).as_posix(),
            environment=project.environment,
        )
    return shipments


def examine(project: Project, jobs: Sequence[Job], folders: Folders, *, local: bool) -> list[str]:
    """What there is to say of what ``load`` would ship: not shipped, otherwise than an index has it; nothing is made.

    Raises:
        PlanError: as ``load`` does.
    """
    if not jobs:
        return []
    manifest = _manifest(project, jobs, local=local)
    check_size(manifest.files)
    notes = list(manifest.notes)
    for target, wanted in manifest.installations.items():
        notes += [*wanted.notes, *wheels.check(wanted.lines, target, folders.wheels, wanted)]
    return list(dict.fromkeys(notes))


def _manifest(project: Project, jobs: Sequence[Job], *, local: bool) -> _Manifest:
    if relative(project.working_directory, project.root) is None:
        raise PlanError(
            f"the rootdir {project.root} does not hold the working directory {project.working_directory}: run pytest "
            "inside it"
        )
    group = any(job.count > 1 for job in jobs)
    targets = {job.platform: _target(job, project.training_image, local=local) for job in jobs}
    if group or "distributed" in project.plugins:
        project = _with_distributed(project, targets.values(), group=group)
    node_ids = {case.node_id for job in jobs for case in job.cases}
    needed = {file for node_id, file in project.test_files.items() if node_id in node_ids}
    tests = {project.root / file for file in needed}
    # A conftest beside other tests is not loaded there.
    conftests = {file for file in project.conftests if any(file.parent in test.parents for test in tests)}
    environment = Environment()
    imports = Reader(project.root, environment).read(tests | conftests, project.loaded, project.plugin_modules)
    _refuse_strays(imports)
    files, left_out = files_to_ship(project.root, needed, imports.project_files | project.read, project.ship_secrets)
    for target in dict.fromkeys(targets.values()):
        _refuse_compiled(project.root, imports.project_files, target)
    hidden = _refused_on_aws(project, imports, sorted({job.arch for job in jobs})) if local else []
    installations = {target: installation(project, target, imports) for target in dict.fromkeys(targets.values())}
    built = {wheel.file_name.partition("-")[0] for wanted in installations.values() for wheel in wanted.built}
    extra = {**extra_files(built), **_renamed(imports)}
    missing = {name for wanted in installations.values() for name in wanted.missing if name not in wanted.optional}
    optional = {name for wanted in installations.values() for name in wanted.optional} - missing
    return _Manifest(
        [*files, *((f"{SHIPPED}/{name}", path) for name, path in extra.items())],
        left_out,
        dict(sorted(targets.items())),
        installations,
        (*hidden, *_notes(project.root, sorted(missing), sorted(optional), imports.project_files), *_secrets(left_out)),
    )


def _with_distributed(project: Project, targets: Iterable[wheels.Target], *, group: bool) -> Project:
    """The project of tests that ask for a cluster, which ships what it is made of; of a group also its keys are made.

    Raises:
        PlanError: it is neither installed here nor named by a requirements file for all targets.
    """
    absent = [name for name in missing() if group or name == "distributed"]
    if "distributed" in absent and all(names(project, target, "distributed") for target in set(targets)):
        absent.remove("distributed")
    if absent:
        raise PlanError(
            f"{'a group of machines' if group else 'dask_client'} needs {' and '.join(absent)}, not installed here, so "
            "that no version is known to ship: pip install 'pytest-benchmark-aws[group]'"
        )
    return replace(project, plugins=project.plugins | {"distributed"})


def _target(job: Job, training_image: str | None, *, local: bool) -> wheels.Target:
    """What the wheels of a job's launch must run on; a container is asked for no newer C library than an instance.

    So wheels of one Python are the same for both, but in a container that is older.
    """
    if not job.platform.startswith(SAGEMAKER_PREFIX):
        return wheels.Target(wheels.guest_python(local)[0], job.arch, local)
    python, _ = images.guest_python(training_image, local=local)
    glibc = GLIBC if local else min(GLIBC, images.glibc_of(training_image, python))
    return wheels.Target(python, job.arch, local, glibc)


def _secrets(left_out: Mapping[Path, str]) -> list[str]:
    """What is said of files that look like secrets."""
    if not left_out:
        return []
    shown = ", ".join(f"{file} ({why})" for file, why in list(left_out.items())[:5])
    more = f" and {len(left_out) - 5:,} more, which --aws-show-bundle lists" if len(left_out) > 5 else ""
    return [f"not shipped, as they look like secrets: {shown}{more}; --aws-ship-secret=FILE ships one"]


def _refuse_strays(imports: Imports) -> None:
    if imports.strays:
        shown = "\n".join(f"  {module}: {file}" for module, file in imports.strays.items())
        raise PlanError(
            "imported by the tests, and neither the project's (pytest's rootdir) nor of an installed distribution, so "
            f"that an instance would not have it:\n{shown}\nInstall it by pip, or run pytest with a --rootdir that "
            "holds it"
        )


def _refuse_compiled(root: Path, imported: Iterable[Path], target: wheels.Target) -> None:
    reasons = [f"  {file} {reason}" for file in sorted(imported) if (reason := cannot_run(root / file, target))]
    if reasons:
        raise PlanError(
            f"imported here, and not to be run on Amazon Linux 2023 on {target.arch}:\n" + "\n".join(reasons)
            + "\nChoose instance types of this machine's architecture, or name a wheel of the project for them in "
            "--aws-requirements FILE"
        )  # fmt: skip


def _refused_on_aws(project: Project, imports: Imports, arches: Iterable[str]) -> list[str]:
    """What embedded AWS runs, as it is this machine whatever the type is, and AWS would be refused for."""
    python, _ = wheels.guest_python(local=False)
    refusals = []
    for arch in arches:
        target = wheels.Target(python, arch, local=False)
        try:
            _refuse_compiled(project.root, imports.project_files, target)
            installation(project, target, imports)
        except PlanError as error:
            refusals.append(f"on AWS this would be refused before a launch: {' '.join(str(error).split())}")
    return refusals


def _renamed(imports: Imports) -> dict[str, Path]:
    """Files of modules that are imported by another name than their file's, under that name."""
    packages = [(module, start) for module, start in imports.renamed.items() if start.name == "__init__.py"]
    return module_files(packages)


def _notes(root: Path, missing: Sequence[str], optional: Sequence[str], imported: Iterable[Path]) -> list[str]:
    notes = []
    if missing:
        notes.append(f"required by the project and not installed here, so not shipped: {', '.join(missing)}")
    if optional:
        notes.append(
            f"named by the project's optional groups and not installed here, so not shipped: {', '.join(optional)}"
        )
    modules = [file for file in untracked_files(root) if file.suffix == ".py" and file not in imported]
    if modules:
        more = f" and {len(modules) - 3} more" if len(modules) > 3 else ""
        shown = ", ".join(map(str, modules[:3])) + more
        notes.append(f"not tracked by git, so not shipped: {shown}; git add what the benchmarks need")
    return notes


def extra_files(built: Iterable[str] = ()) -> dict[str, Path]:
    """This plugin's files, and what makes pytest find the plugins that the project itself is (their metadata).

    Name below ``SHIPPED`` -> the file here; ``built`` are distributions that have their metadata in a wheel.
    """
    package = Path(__file__).parents[1]
    files = {
        f"pytest_benchmark_aws/{path.relative_to(package).as_posix()}": path
        for path in sorted(package.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path.suffix in {".py", ".csv", ".sh", ".typed"}
    }
    for dist in metadata.distributions():
        name = dist.metadata["Name"] or ""
        if (name != SELF and not is_local(dist)) or name.replace("-", "_").lower() in built:
            continue
        folder = f"{name.replace('-', '_')}-{dist.version}.dist-info"
        for file in _metadata_files(dist, name):
            files.setdefault(f"{folder}/{file.name.replace('PKG-INFO', 'METADATA')}", file)
    return files


def _metadata_files(dist: metadata.Distribution, name: str) -> list[Path]:
    """What importlib finds a distribution's name and entry points by."""
    if in_tree(dist):
        folders = [path for path in Path(str(dist.locate_file(""))).glob("*.egg-info") if path.is_dir()]
        own = [path for path in folders if canonical(path.stem) == canonical(name)]
        return [path / part for path in own for part in ("PKG-INFO", "entry_points.txt") if (path / part).is_file()]
    return [
        Path(str(dist.locate_file(file)))
        for file in files_of(dist)
        if file.name in {"METADATA", "entry_points.txt"}
        and len(file.parts) == 2  # its own, none of a distribution that it vendors
        and file.parent.name.endswith(".dist-info")
    ]
