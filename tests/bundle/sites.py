"""Distributions in a folder of a test's own: installed as pip would, without its seconds."""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.bundle.declared import Need
from pytest_benchmark_aws.bundle.installed import Environment, canonical
from pytest_benchmark_aws.bundle.requirements import closure, is_local

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pytest_benchmark_aws.bundle.wheels import Target


def pins(roots: Iterable[str], target: Target) -> dict[str, str]:
    """Name -> version of the roots and all that they require on the target, as installed here."""
    chosen = closure((Need(canonical(name)) for name in roots), target, Environment())
    return {name: dist.version for name, dist in sorted(chosen.items()) if not is_local(dist)}


def digest(data: bytes) -> str:
    """As RECORD has it."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def install(
    site: Path, name: str, version: str, files: Mapping[str, bytes], *, origin: Mapping[str, Any] | None = None,
    installer: str = "pip", requires: tuple[str, ...] = (), tag: str = "py3-none-any",
) -> None:  # fmt: skip
    """A distribution with its RECORD, and where it came from (PEP 610)."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {text}\n" for text in requires)
    whole = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        f"{info}/INSTALLER": f"{installer}\n".encode(),
    }
    if origin is not None:
        whole[f"{info}/direct_url.json"] = json.dumps(origin).encode()
    for path, data in whole.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(data)
    record = [f'"{path}",sha256={digest(data)},{len(data)}\n' for path, data in whole.items()]
    (site / info / "RECORD").write_text("".join([*record, f"{info}/RECORD,,\n"]))


def wheel(folder: Path, name: str, version: str, files: Mapping[str, bytes], tag: str = "py3-none-any", *,
          requires: tuple[str, ...] = ()) -> Path:  # fmt: skip
    """A wheel with its RECORD, as an index has it."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {text}\n" for text in requires)
    whole = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    record = "".join(f"{path},sha256={digest(data)},{len(data)}\n" for path, data in whole.items())
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for place, data in whole.items():
            archive.writestr(place, data)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return path
