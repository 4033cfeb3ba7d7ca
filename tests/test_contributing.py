"""CONTRIBUTING.md says what is so: its picture is the layers contract, and the files that it names are there."""

from __future__ import annotations

import configparser
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = "plugin/pytest_benchmark_aws"


def layers(root: Path) -> list[set[str]]:
    """The rooms of the contract, the highest first."""
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(root / "setup.cfg", encoding="utf-8")
    lines = setup["importlinter:contract:layers"]["layers"].strip().splitlines()
    return [{room.strip() for room in line.split("|")} for line in lines]


def test_the_picture_is_the_contract(root: Path) -> None:
    """From the doors down each arrow leads to the next layer, and every room is drawn."""
    picture = (root / "CONTRIBUTING.md").read_text(encoding="utf-8").split("```mermaid")[1].split("```")[0]
    arrows = [(upper.split("[")[0], lower.split("[")[0]) for upper, lower in re.findall(r"(\S+).* --> (\S+)", picture)]
    doors, *rooms = layers(root)
    assert doors == {"plugin", "cli", "embedded"}
    assert "plugin, cli" in picture
    assert 'embedded["' in picture
    assert arrows == list(zip(["doors", *(room for (room,) in rooms)], (room for (room,) in rooms), strict=False))


def test_every_room_is_in_the_contract(root: Path) -> None:
    """A folder or module beside the others is a room that the contract names."""
    rooms = {path.stem for path in (root / PACKAGE).iterdir() if path.suffix in {"", ".py"} and path.stem != "__init__"}
    assert rooms - {"__pycache__"} == set().union(*layers(root))


def test_the_files_that_it_names_are_there(root: Path) -> None:
    """Each path of the lists exists, below the package or below the checkout."""
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = set(re.findall(r"`([a-z_0-9/]+/(?:[a-z_0-9]+\.(?:py|md|toml|cfg))?)`", text)) - {"tests/", "docs/"}
    assert len(paths) > 30
    missing = [path for path in sorted(paths) if not any((root / base / path).exists() for base in (PACKAGE, "."))]
    assert missing == []


def test_rooms_and_modules_stay_small_enough_to_find_ones_way(root: Path) -> None:
    """Twelve modules in a folder at most, four doors in the root package, and 320 lines in a module."""
    modules = [path for path in (root / PACKAGE).rglob("*.py") if path.name != "__init__.py"]
    folders = Counter(path.parent for path in modules)
    assert [folder for folder, count in folders.items() if count > 12] == []
    assert folders[root / PACKAGE] <= 4
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    assert {path: length for path, length in lengths.items() if length > 320} == {}
