"""The same tasks by small models that run here, Debian packages both: beside the services, and billed by the hour."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.services import drawing, sound, tasks, texts
from benchmarks.services.test_textract import LINES

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 10


@pytest.fixture
def local(benchmark: Any) -> Callable[..., bytes]:
    """Runs a program again and again with an input; the last output. A program that is not installed is skipped."""

    def run(program: str, *words: str, data: bytes, task: str) -> bytes:
        if shutil.which(program) is None:
            pytest.skip(
                f"{program} is not installed: apt-get install {'tesseract-ocr' if 'tess' in program else program}"
            )

        def once() -> bytes:
            return subprocess.run([program, *words], input=data, capture_output=True, check=True, timeout=60).stdout

        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=60)
        benchmark.extra_info |= {"service_task": task, "program": version.stdout.splitlines()[0][:100]}
        result: bytes = benchmark.pedantic(once, rounds=ROUNDS, iterations=1, warmup_rounds=1)
        return result

    return run


def test_speech(local: Callable[..., bytes]) -> None:
    """espeak-ng speaks the text that Polly speaks, in a plausible time."""
    speech = local("espeak-ng", "--stdout", "--stdin", data=texts.SPOKEN.encode(), task=tasks.SPEECH)
    with wave.open(io.BytesIO(sound.whole(speech))) as file:
        assert 4 <= file.getnframes() / file.getframerate() <= 16


def test_page(local: Callable[..., bytes]) -> None:
    """Tesseract finds the words of the page that Textract reads."""
    found = local("tesseract", "stdin", "stdout", "--psm", "6", data=drawing.page(LINES), task=tasks.PAGE)
    words = set(found.decode().upper().split())
    assert words >= {word for line in LINES for word in line.split()}
