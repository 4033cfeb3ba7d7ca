"""The project as an archive."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_benchmark_aws.bundle import project
from pytest_benchmark_aws.bundle.project import (
    SHIPPED,
    Archive,
    files_to_ship,
    make_archive,
    project_files,
    untracked_files,
)
from pytest_benchmark_aws.core.errors import PlanError

NAMES = st.lists(st.text("abcxyz_é", min_size=1, max_size=6), min_size=1, max_size=3).map("/".join)
TREES = st.dictionaries(NAMES, st.binary(max_size=50), max_size=6).filter(
    lambda tree: not any(PurePosixPath(one) in PurePosixPath(other).parents for one in tree for other in tree)
)


def bundle_project(
    root: Path, needed: list[Path], extra: dict[str, Path], imported: list[Path] | None = None
) -> Archive:
    """The project as it is, with ``extra`` files under ``SHIPPED``."""
    pairs, secret = files_to_ship(root, needed, imported or [])
    return make_archive([*pairs, *((f"{SHIPPED}/{name}", path) for name, path in extra.items())], secret)


def write(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def git(root: Path, *words: str) -> None:
    """Git, whatever the machine's settings."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True, env=environment)


def repository(root: Path, tracked: dict[str, bytes]) -> None:
    root.mkdir(parents=True, exist_ok=True)
    write(root, tracked)
    git(root, "init", "--quiet")
    git(root, "add", "--all")


def unpacked(archive: Archive) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive.data), mode="r:gz") as opened:
        return {info.name: opened.extractfile(info).read() for info in opened}  # type: ignore[union-attr]


@settings(max_examples=30)
@given(TREES, st.randoms(use_true_random=False))
def test_the_same_files_are_the_same_bytes(tree: dict[str, bytes], random: object) -> None:
    """Order, place and times of the files change nothing; the digest is of the bytes."""
    archives = []
    for age in (0, 10**9):
        with tempfile.TemporaryDirectory() as made:
            write(Path(made), tree)
            pairs = [(name, Path(made) / name) for name in tree]
            for _, path in pairs:
                os.utime(path, (age, age))
            random.shuffle(pairs)  # type: ignore[attr-defined]
            archives.append(make_archive(pairs))
    assert archives[0] == archives[1]
    assert archives[0].sha256 == hashlib.sha256(archives[0].data).hexdigest()
    assert unpacked(archives[0]) == tree
    assert archives[0].names == tuple(sorted(tree))


@settings(max_examples=30)
@given(TREES, NAMES, st.binary(max_size=50))
def test_other_files_are_other_bytes(tree: dict[str, bytes], name: str, data: bytes) -> None:
    """One file more, or another content, is another archive."""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        write(root, {f"one/{key}": value for key, value in tree.items()})
        write(root, {"more": data})
        pairs = [(key, root / "one" / key) for key in tree]
        more = [pair for pair in pairs if pair[0] != name] + [(name, root / "more")]
        assert (make_archive(pairs).sha256 == make_archive(more).sha256) == (tree.get(name) == data)


def test_an_executable_file_stays_one(tmp_path: Path) -> None:
    """Of a file's mode, whether it can be run is kept, and nothing else."""
    write(tmp_path, {"run.sh": b"", "plain": b""})
    (tmp_path / "run.sh").chmod(0o700)
    (tmp_path / "plain").chmod(0o600)
    archive = make_archive([(name, tmp_path / name) for name in ("run.sh", "plain")])
    with tarfile.open(fileobj=io.BytesIO(archive.data)) as opened:
        assert {info.name: info.mode for info in opened} == {"run.sh": 0o755, "plain": 0o644}
        assert {(info.mtime, info.uid, info.gid, info.uname, info.gname) for info in opened} == {(0, 0, 0, "", "")}


def test_too_many_bytes_are_refused_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the limit, and the file at which it is passed."""
    monkeypatch.setattr(project, "LIMIT_BYTES", 2048)
    write(tmp_path, {"a": b"0" * 1024, "b": b"1" * 1024, "c": b"2"})
    assert len(make_archive([(name, tmp_path / name) for name in "ab"]).names) == 2
    with pytest.raises(PlanError, match=r"more than 2 KiB \(c is where"):
        make_archive([(name, tmp_path / name) for name in "abc"])


@settings(max_examples=15, deadline=None)
@given(TREES.filter(bool))
def test_a_repository_ships_what_git_tracks_as_it_is_on_disk(tree: dict[str, bytes]) -> None:
    """Tracked files go with their uncommitted changes; neither untracked nor ignored files go."""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made) / "project"
        repository(root, {**tree, ".gitignore": b"ignored*\n"})
        changed = sorted(tree)[0]
        write(root, {changed: b"changed since", "ignored.bin": b"big", "UNTRACKED": b"new"})
        shipped = unpacked(bundle_project(root, [], {}))
    assert shipped == {**tree, ".gitignore": b"ignored*\n", changed: b"changed since"}


def test_a_folder_of_a_repository_ships_alone(tmp_path: Path) -> None:
    """Where pytest's rootdir is a folder of the repository, that folder is the project."""
    repository(tmp_path, {"other/secret.txt": b"", "part/test_it.py": b"", "part/.gitignore": b"*.tmp"})
    write(tmp_path, {"part/a.tmp": b""})
    assert set(unpacked(bundle_project(tmp_path / "part", [], {}))) == {"test_it.py", ".gitignore"}


def test_a_file_that_is_tracked_and_deleted_is_not_shipped(tmp_path: Path) -> None:
    """What is no longer on disk does not go, and is no error."""
    repository(tmp_path, {"a.py": b"", "b.py": b""})
    (tmp_path / "a.py").unlink()
    assert set(unpacked(bundle_project(tmp_path, [], {}))) == {"b.py"}


def test_an_untracked_test_file_is_refused(tmp_path: Path) -> None:
    """A collected test file that git does not track ends the run, with what to do."""
    repository(tmp_path, {"test_old.py": b""})
    write(tmp_path, {"test_new.py": b"", "test_other.py": b""})
    with pytest.raises(PlanError, match=r"not tracked by git.*test_new\.py; git add it$"):
        bundle_project(tmp_path, [Path("test_old.py"), Path("test_new.py")], {})
    with pytest.raises(PlanError, match=r"test_new\.py, test_other\.py; git add them$"):
        bundle_project(tmp_path, [Path("test_other.py"), Path("test_new.py")], {})


def test_what_git_neither_tracks_nor_ignores_can_be_told(tmp_path: Path) -> None:
    """New files are named, ignored ones and secrets are not; without git there are none."""
    repository(tmp_path, {"test_old.py": b"", ".gitignore": b"*.tmp"})
    write(tmp_path, {"sub/new.py": b"", "a.tmp": b"", "new.pem": b""})
    assert untracked_files(tmp_path) == [Path("sub/new.py")]
    write(tmp_path.parent / "plain", {"new.py": b""})
    assert untracked_files(tmp_path.parent / "plain") == []


@pytest.mark.parametrize("tracked", [True, False])
def test_secrets_are_left_out_and_named(tmp_path: Path, tracked: bool) -> None:
    """Files whose names are those of keys never go, tracked or not; which they are can be told."""
    secrets = {"prod.env": b"", "deploy/key.pem": b"", "id_rsa": b"", "a/credentials": b""}
    (repository if tracked else write)(tmp_path, {**secrets, "test_it.py": b""})
    archive = bundle_project(tmp_path, [], {})
    assert set(unpacked(archive)) == {"test_it.py"}
    assert set(archive.left_out) == set(secrets)


@pytest.mark.parametrize("tracked", [True, False])
def test_a_link_out_of_the_project_is_refused(tmp_path: Path, tracked: bool) -> None:
    """What lies outside is not the project's, also where a link says so."""
    root = tmp_path / "project"
    root.mkdir()
    write(tmp_path, {"outside": b"private"})
    (root / "link").symlink_to("../outside")
    (repository if tracked else write)(root, {"test_it.py": b""})
    with pytest.raises(PlanError, match="link is a link out of the project"):
        bundle_project(root, [], {})


def test_a_link_within_the_project_ships_what_it_leads_to(tmp_path: Path) -> None:
    """A link to a file of the project goes as that file."""
    (tmp_path / "link").symlink_to("data")
    repository(tmp_path, {"data": b"1"})
    assert unpacked(bundle_project(tmp_path, [], {})) == {"data": b"1", "link": b"1"}


@pytest.mark.parametrize("name", ["private.csv", "untracked.csv", ".hidden"])
def test_a_link_to_a_file_that_is_not_shipped_is_refused(tmp_path: Path, name: str) -> None:
    """What git ignores or does not track stays here, also where a tracked link leads to it, or a link to that."""
    (tmp_path / "link").symlink_to("other")
    (tmp_path / "other").symlink_to(name)
    repository(tmp_path, {"test_it.py": b"", ".gitignore": b"private.csv\n"})
    write(tmp_path, {name: b"private"})
    with pytest.raises(PlanError, match=rf"link is a link to {re.escape(name)}, which is not shipped.*git add that"):
        bundle_project(tmp_path, [], {})


def test_without_git_a_link_to_a_file_that_is_not_shipped_is_refused(tmp_path: Path) -> None:
    """A hidden file stays here, whatever leads to it."""
    write(tmp_path, {"test_it.py": b"", ".hidden": b"private"})
    (tmp_path / "link").symlink_to(".hidden")
    with pytest.raises(PlanError, match=r"link is a link to \.hidden, which is not shipped"):
        bundle_project(tmp_path, [], {})


def test_a_link_to_nothing_is_not_shipped(tmp_path: Path) -> None:
    """There is nothing to ship."""
    (tmp_path / "link").symlink_to("nowhere")
    repository(tmp_path, {"test_it.py": b""})
    assert unpacked(bundle_project(tmp_path, [], {})) == {"test_it.py": b""}


@pytest.mark.parametrize("tracked", [True, False])
def test_a_link_to_a_secret_is_left_out(tmp_path: Path, tracked: bool) -> None:
    """A harmless name does not make a key harmless."""
    (tmp_path / "settings").symlink_to(".env")
    (repository if tracked else write)(tmp_path, {".env": b"KEY=1", "test_it.py": b""})
    archive = bundle_project(tmp_path, [], {})
    assert set(unpacked(archive)) == {"test_it.py"}
    assert "settings" in archive.left_out


def test_a_project_without_git_ships_all_but_what_is_made_or_hidden(tmp_path: Path) -> None:
    """Without git: hidden files, caches, builds and environments stay, and all else goes."""
    kept = {"test_it.py": b"1", "sub/data.csv": b"2", ".coveragerc": b"3"}
    left = [".hidden", ".git2/x", "__pycache__/a.pyc", "node_modules/x", "build/x", "p.egg-info/x", "myenv/pyvenv.cfg"]
    write(tmp_path, {**kept, **dict.fromkeys([*left, "myenv/lib/x.py"], b"")})
    assert unpacked(bundle_project(tmp_path, [], {})) == kept


def test_extra_files_lie_beside_the_projects(tmp_path: Path) -> None:
    """What is no file of the project has its own folder, which the project cannot have."""
    write(tmp_path, {"project/test_it.py": b"1", "elsewhere.py": b"2", f"project/{SHIPPED}/plugin.py": b"theirs"})
    archive = bundle_project(tmp_path / "project", [], {"plugin.py": tmp_path / "elsewhere.py"})
    assert unpacked(archive) == {"test_it.py": b"1", f"{SHIPPED}/plugin.py": b"2"}


def test_a_name_of_any_bytes_is_read_from_git(tmp_path: Path) -> None:
    """Blanks, quotes and line feeds in a name do not split it."""
    names = {"with blank", 'quo"te', "line\nfeed", "ünïcode"}
    repository(tmp_path, dict.fromkeys(names, b""))
    assert set(map(str, project_files(tmp_path)[0])) == names


@pytest.mark.parametrize("tracked", [True, False])
def test_d4_a_folder_that_is_a_link_out_of_the_project_is_refused(tmp_path: Path, tracked: bool) -> None:
    """Also one that was a folder when git last looked: nothing of what lies behind it is read."""
    root = tmp_path / "project"
    write(tmp_path, {"outside/table.csv": b"private"})
    (repository if tracked else write)(root, {"test_it.py": b"", "data/table.csv": b"ours"})
    (root / "data" / "table.csv").unlink()
    (root / "data").rmdir()
    (root / "data").symlink_to("../outside")
    with pytest.raises(PlanError, match=r"^data is a link out of the project"):
        bundle_project(root, [], {})


def test_d4_a_folder_that_is_a_link_to_a_folder_of_keys_ships_none(tmp_path: Path) -> None:
    """The name that git knows a file by does not make it harmless."""
    repository(tmp_path, {"test_it.py": b"", "data/config": b"ours"})
    write(tmp_path, {".aws/config": b"key"})
    (tmp_path / "data" / "config").unlink()
    (tmp_path / "data").rmdir()
    (tmp_path / "data").symlink_to(".aws")
    archive = bundle_project(tmp_path, [], {})
    assert set(unpacked(archive)) == {"test_it.py"}
    assert archive.left_out == ("data/config",)


@pytest.mark.parametrize("tracked", [True, False])
def test_a_link_to_a_folder_of_the_project_ships_what_it_leads_to(tmp_path: Path, tracked: bool) -> None:
    """Under both names, as a test that reads through the link needs."""
    write(tmp_path, {"tests/test_it.py": b"", "data/a/table.csv": b"1", "data/table.csv": b"2"})
    (tmp_path / "tests" / "data").symlink_to("../data")
    (repository if tracked else write)(tmp_path, {"tests/test_it.py": b""})
    shipped = unpacked(bundle_project(tmp_path, [], {}))
    assert (shipped["tests/data/a/table.csv"], shipped["tests/data/table.csv"]) == (b"1", b"2")
    assert shipped["data/table.csv"] == b"2"


def test_d5_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    """Ten GiB, without blocks on the disk: its size is looked at before anything is read."""
    import resource

    repository(tmp_path, {"test_it.py": b"", "large.bin": b""})
    os.truncate(tmp_path / "large.bin", 10 * 2**30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(PlanError, match=r"more than 200 MiB \(large\.bin is where"):
        bundle_project(tmp_path, [], {})
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 2**10


def test_d0_d2_imported_files_are_shipped_though_git_ignores_them(tmp_path: Path) -> None:
    """And what git ignores and nobody imports stays here."""
    repository(tmp_path, {"test_it.py": b"", ".gitignore": b"_*.py\n"})
    write(tmp_path, {"_version.py": b"1", "_other.py": b"2"})
    shipped = unpacked(bundle_project(tmp_path, [Path("test_it.py")], {}, [Path("_version.py")]))
    assert set(shipped) == {"test_it.py", ".gitignore", "_version.py"}
