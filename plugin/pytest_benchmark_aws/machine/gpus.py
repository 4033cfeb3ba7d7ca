"""The NVIDIA GPUs of this machine, as ``nvidia-smi`` tells them; where that is not installed nothing is run."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

ASK_S = 10.0
"""Seconds that a question may take: a driver that hangs must not keep results from being saved."""
_MOST_BYTES = 65_536
_MOST_GPUS = 64
_MOST_TEXT = 80
_CUDA = re.compile(r"CUDA(?: \w+)? Version\s*:\s*(\d{1,3}(?:\.\d{1,3}){0,2})")
"""In the head of its table: the newest CUDA that the driver runs."""


@dataclass(frozen=True, slots=True)
class Gpus:
    """GPUs of one machine; of several kinds the name has all, the memory is the least. Not known is None."""

    name: str
    count: int
    memory_bytes: int | None
    """Of one GPU."""
    driver: str | None
    cuda: str | None

    def as_dict(self) -> dict[str, Any]:
        """By name, as JSON has them."""
        return asdict(self)


@lru_cache(maxsize=1)
def this_machines_gpus() -> Gpus | None:
    """Asked once for each process."""
    return read_gpus()


def read_gpus(command: str = "nvidia-smi", seconds: float = ASK_S) -> Gpus | None:
    """The GPUs that the command shows; None where it is not there, fails, is late or says something else."""
    path = shutil.which(command)
    if path is None:
        return None
    query = [path, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"]
    rows = [row for line in _said(query, seconds).splitlines()[:_MOST_GPUS] if (row := _cells(line)) is not None]
    if not rows:
        return None
    memory = [int(text) * 2**20 for _, text, _ in rows if re.fullmatch(r"[0-9]{1,9}", text)]
    cuda = _CUDA.search(_said([path], seconds))
    return Gpus(
        name=" and ".join(dict.fromkeys(name for name, *_ in rows))[:_MOST_TEXT],
        count=len(rows),
        memory_bytes=min(memory, default=None),
        driver=next((version for *_, version in rows if re.fullmatch(r"\d[\w.-]{0,30}", version, re.ASCII)), None),
        cuda=cuda[1] if cuda else None,
    )


def _cells(line: str) -> tuple[str, str, str] | None:
    """Name, memory and driver of a line; None where it is none of the query's answer."""
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) != 3:
        return None
    name = "".join(char for char in cells[0] if char.isprintable())[:_MOST_TEXT]
    return (name, cells[1], cells[2]) if name else None


def _said(command: list[str], seconds: float) -> str:
    """What a command says, of it at most 64 KiB; nothing where it fails or takes longer."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
    except OSError:
        return ""
    said = bytearray()

    def read() -> None:
        assert process.stdout is not None
        with process.stdout as pipe:
            while len(said) < _MOST_BYTES and (block := pipe.read(_MOST_BYTES)):
                said.extend(block)

    # In a thread, as a child of the command may keep the pipe open after it is killed.
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(seconds)
    late = reader.is_alive() or len(said) >= _MOST_BYTES
    try:
        status = 1 if late else process.wait(seconds)
    except subprocess.TimeoutExpired:
        status = 1
    if status:
        process.kill()
        process.wait()
    return "" if status else bytes(said).decode("utf-8", "replace")
