"""What is installed here, as wheels for the target."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import parse_tag

from pytest_benchmark_aws.backends.agent_archive import Archive
from pytest_benchmark_aws.bundle import wheels
from pytest_benchmark_aws.bundle.index import _refusal
from pytest_benchmark_aws.bundle.wheels import PACKAGED_PYTHONS, Target, _pack, _read, guest_python, resolve
from pytest_benchmark_aws.core.errors import PlanError

if TYPE_CHECKING:
    from pathlib import Path

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
LOCAL = Target(HERE, "x86_64", local=True)
CLOUDS = st.builds(
    Target, st.sampled_from(PACKAGED_PYTHONS), st.sampled_from(["x86_64", "arm64"]), local=st.just(False)
)


def tiny_wheel(folder: Path, name: str, version: str, text: str = "") -> Path:
    """A wheel that pip reads, with one module."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", text)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def values(target: Target, option: str) -> list[str]:
    words = target.pip_options()
    return [words[place + 1] for place, word in enumerate(words) if word == option]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's own, and no index to download from."""
    monkeypatch.setenv("PYTEST_BENCHMARK_AWS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    (tmp_path / "links").mkdir()
    return tmp_path / "cache"


def test_here_pip_chooses_for_itself() -> None:
    """Where the guest is this machine, pip is told nothing, and no marker differs."""
    assert LOCAL.pip_options() == []
    assert LOCAL.environment() == {}


@given(CLOUDS)
def test_pip_is_told_the_pythons_abis(target: Target) -> None:
    """The version's own ABI, the stable one and none, on CPython."""
    assert values(target, "--abi") == [f"cp{target.python.replace('.', '')}", "abi3", "none"]
    assert values(target, "--python-version") == [target.python]
    assert values(target, "--implementation") == ["cp"]


@given(CLOUDS)
def test_no_platform_is_newer_than_the_targets_glibc(target: Target) -> None:
    """Every platform is of the target's architecture, as wheels call it, and of glibc 2.34 at most, newest first."""
    platforms = values(target, "--platform")
    machine = "aarch64" if target.arch == "arm64" else "x86_64"
    assert platforms[0] == f"manylinux_2_34_{machine}"
    assert platforms[-2:] == [f"manylinux2014_{machine}", f"linux_{machine}"]
    minors = [int(name.split("_")[2]) for name in platforms if name.startswith("manylinux_")]
    assert minors == list(range(34, 16, -1))
    assert all(name.endswith(machine) for name in platforms)
    assert all(len(parse_tag(f"cp311-cp311-{name}")) == 1 for name in platforms)


@given(CLOUDS)
def test_markers_are_the_targets(target: Target) -> None:
    """On a target that is not here, markers see Linux, its Python and its architecture."""
    told = target.environment()
    assert told["python_version"] == target.python
    assert told["sys_platform"] == "linux"
    assert told["platform_machine"] == ("aarch64" if target.arch == "arm64" else "x86_64")


def test_the_guest_has_this_python_where_it_is_packaged() -> None:
    """Here, or where Amazon Linux has it, the version is this one, without a note."""
    assert guest_python(local=True) == (HERE, None)
    version, note = guest_python(local=False)
    assert version in PACKAGED_PYTHONS
    assert (note is None) == (version == HERE)


def test_a_python_that_is_not_packaged_is_replaced_by_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Python 3.10 the instances use 3.11, and that is said."""
    monkeypatch.setattr(sys, "version_info", type("V", (), {"major": 3, "minor": 10}))
    version, note = guest_python(local=False)
    assert version == "3.11"
    assert note is not None
    assert "3.10" in note


def test_packed_wheels_are_read_as_they_were(tmp_path: Path) -> None:
    """The archive holds each wheel's bytes, and a lock file with the hash of each."""
    made = [tiny_wheel(tmp_path / "in", name, "1.0", name) for name in ("zz_b", "zz_a")]
    (tmp_path / "out").mkdir()
    wheels._pack(tmp_path / "in", tmp_path / "out")
    found = wheels._read(tmp_path / "out")
    assert found is not None
    data = found.data.read_bytes()
    assert (found.sha256, found.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert found.names == ("zz_a==1.0", "zz_b==1.0")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        held = {info.name: archive.extractfile(info).read() for info in archive}  # type: ignore[union-attr]
    lock = held.pop("requirements.lock").decode().splitlines()
    assert held == {path.name: path.read_bytes() for path in made}
    hashes = {path.name.split("-")[0]: hashlib.sha256(path.read_bytes()).hexdigest() for path in made}
    assert lock == [f"{name}==1.0 --hash=sha256:{hashes[name]}" for name in ("zz_a", "zz_b")]


def test_the_same_wheels_are_the_same_archive(tmp_path: Path) -> None:
    """When and where the wheels were downloaded changes nothing."""
    for name, age in (("one", 0), ("two", 10**9)):
        (tmp_path / f"{name}-out").mkdir()
        path = tiny_wheel(tmp_path / name, "zz_a", "1.0")
        path.write_bytes((tmp_path / "one" / path.name).read_bytes())
        os.utime(path, (age, age))
        wheels._pack(tmp_path / name, tmp_path / f"{name}-out")
    first, second = (wheels._read(tmp_path / f"{name}-out") for name in ("one", "two"))
    assert isinstance(first, Archive)
    assert isinstance(second, Archive)
    assert first.sha256 == second.sha256


@pytest.mark.parametrize("damage", ["about.json", "wheels.tar"])
def test_what_is_kept_and_damaged_is_not_read(tmp_path: Path, damage: str) -> None:
    """A cut file or a missing one is no archive."""
    assert wheels._read(tmp_path / "nowhere") is None
    tiny_wheel(tmp_path / "in", "zz_a", "1.0")
    (tmp_path / "out").mkdir()
    wheels._pack(tmp_path / "in", tmp_path / "out")
    path = tmp_path / "out" / damage
    path.write_bytes(path.read_bytes()[:-1])
    assert wheels._read(tmp_path / "out") is None


def test_wheels_are_fetched_once(cache: Path, tmp_path: Path) -> None:
    """The second time, what was fetched is used, also where there is nothing to fetch from any more."""
    path = tiny_wheel(tmp_path / "links", "zz_a", "1.0")
    target = Target("3.12", "arm64", local=False)
    first = resolve(["zz_a==1.0"], target, cache / "wheels")
    path.unlink()
    assert resolve(["zz_a==1.0"], target, cache / "wheels") == first
    assert first.data.is_relative_to(cache)
    assert [entry.name for entry in (cache / "wheels").iterdir()] == [first.data.parent.name]


def test_another_target_is_fetched_for_itself(cache: Path, tmp_path: Path) -> None:
    """What was fetched for one target is never taken for another's, and the order asked in does not matter."""
    for name in ("zz_a", "zz_b"):
        tiny_wheel(tmp_path / "links", name, "1.0")
    wanted = ["zz_a==1.0", "zz_b==1.0"]
    arm, x86 = (resolve(wanted, Target("3.12", arch, local=False), cache / "wheels") for arch in ("arm64", "x86_64"))
    assert arm.data != x86.data
    assert resolve(wanted[::-1], Target("3.12", "arm64", local=False), cache / "wheels") == arm


def test_where_there_is_no_wheel_pip_is_quoted(cache: Path) -> None:
    """The error names the target, has pip's own words and the remedy, and nothing is kept."""
    with pytest.raises(PlanError, match=r"Amazon Linux 2023 on arm64 with Python 3\.12.*\n.*zz_a(?s:.*)--aws-requir"):
        resolve(["zz_a==1.0"], Target("3.12", "arm64", local=False), cache / "wheels")
    assert list((cache / "wheels").iterdir()) == []


def stored(folder: Path) -> Path:
    """An archive of wheels as ``resolve`` keeps it."""
    wheels, done = folder / "wheels", folder / "done"
    wheels.mkdir()
    done.mkdir()
    (wheels / "a-1.0-py3-none-any.whl").write_bytes(b"wheel")
    _pack(wheels, done)
    return done


def test_k7_what_is_kept_is_hashed_before_it_is_used(tmp_path: Path) -> None:
    """An archive of the right size and other content is none."""
    kept = stored(tmp_path)
    assert _read(kept) is not None
    data = bytearray((kept / "wheels.tar").read_bytes())
    data[600] ^= 1
    (kept / "wheels.tar").write_bytes(data)
    assert _read(kept) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("whose", ["", "about.json", "wheels.tar"])
def test_k7_what_another_user_put_there_is_none(tmp_path: Path, whose: str) -> None:
    """Neither a folder of theirs nor a file in one of ours."""
    kept = stored(tmp_path)
    os.chown(kept / whose, 12345, 12345)
    assert _read(kept) is None


@pytest.mark.parametrize("about", ["[]", "{", '{"size": 1}', "[" * 100_000, "null", '{"sha256": 1, "size": "x"}'])
def test_k7_what_says_nothing_of_its_archive_is_none(tmp_path: Path, about: str) -> None:
    """It is downloaded again."""
    kept = stored(tmp_path)
    (kept / "about.json").write_text(about)
    assert _read(kept) is None


@pytest.mark.parametrize("words", ["No space left on device", "Read-only file system"])
def test_k15_pips_own_traceback_for_a_full_disk_is_one_sentence(words: str) -> None:
    """As pip writes it to its standard error."""
    error = f"ERROR: Exception:\nTraceback (most recent call last):\nOSError: [Errno 28] {words}: '/c/x.whl'\n"
    told = str(_refusal(LOCAL, error))
    assert told.startswith(f"the wheels cannot be kept: {words}")
    assert "\n" not in told
