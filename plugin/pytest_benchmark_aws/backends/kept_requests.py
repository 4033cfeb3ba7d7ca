"""The request of a launch, kept on disk: a token means the same launch only with the same words."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from _typeshed import DataclassInstance

    _Request = TypeVar("_Request", bound=DataclassInstance)


def age_s(folder: Path, token: str) -> float:
    """Seconds since the request of this token was made here; 0 where it was made elsewhere."""
    try:
        return max(0.0, time.time() - _path(folder, token).stat().st_mtime)
    except OSError:
        return 0.0


def keep(folder: Path, token: str, kind: type[_Request], make: Callable[[], _Request]) -> _Request:
    """The request of this token: the one made before, be it by another process, else a new one.

    Raises:
        OSError: it cannot be read or written.
    """
    path = _path(folder, token)
    if path.exists():
        return kind(**json.loads(path.read_text(encoding="utf-8")))
    request, new = make(), path.with_suffix(".new")
    with open(new, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        json.dump(asdict(request), file)  # 0600: an instance's holds a URL that fetches the agent for an hour
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    return request


def _path(folder: Path, token: str) -> Path:
    return folder / f"launch-{token}.json"
