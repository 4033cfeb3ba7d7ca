"""What the benchmarks of managed services send: pictures, speech and texts that are made here."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave

import pytest

from benchmarks.services import drawing, sound, texts
from benchmarks.services.test_textract import FORM, LINES, TABLE
from pytest_benchmark_aws.embedded.managed.described import described

needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")


@needs_tesseract
@pytest.mark.parametrize("part", [{}, {"form": FORM}])
def test_drawn_words_can_be_read(part: dict[str, dict[str, str]]) -> None:
    """Tesseract, which nobody here wrote, finds every word in the pixels."""
    page = drawing.page(LINES, **part)
    done = subprocess.run(["tesseract", "stdin", "stdout", "--psm", "6"], input=page, capture_output=True, check=True)
    words = {word.strip(":") for word in done.stdout.decode().upper().split()}
    assert words >= {word for line in LINES for word in line.split()}
    assert words >= {word for pair in part.get("form", {}).items() for word in pair}


def test_page_says_what_it_shows() -> None:
    """Each line lies within the page, below the one before."""
    said = described(drawing.page(LINES, table=TABLE, form=FORM))
    assert (said.kind, said.width) == ("png", 1200)
    assert [line["text"] for line in said.content["lines"]][:4] == [*LINES, "CITY: PARIS", "AREA: PORT"]
    tops = [line["box"][1] for line in said.content["lines"][:4]]
    assert tops == sorted(tops)
    for line in said.content["lines"]:
        left, top, width, height = line["box"]
        assert 0 <= left < left + width <= 1
        assert 0 <= top < top + height <= 1


def test_speech_lasts_and_says_what_it_says() -> None:
    """A WAV that any reader opens, with the words in its comment."""
    recording = sound.spoken("The weather is beautiful today")
    said = described(recording)
    assert said.content == {"speech": "The weather is beautiful today"}
    assert 1 <= said.seconds <= 5
    assert sound.seconds(recording) == pytest.approx(said.seconds, abs=0.01)
    with wave.open(io.BytesIO(recording)) as file:
        assert file.getsampwidth() == 2


@pytest.mark.parametrize("characters", [1, 100, 120, 5000])
def test_texts_have_their_length(characters: int) -> None:
    """To the character."""
    assert len(texts.of_length(characters)) == characters


@pytest.mark.parametrize(("characters", "units"), [(1, 3), (300, 3), (301, 4), (1000, 10)])
def test_comprehend_bills_three_units_at_least(characters: int, units: int) -> None:
    """Units of 100 characters, begun ones whole."""
    assert texts.comprehend_units("x" * characters) == units


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF\x00\x00\x00\x00WAVE", drawing.face()[:50], b"\x89PNG\r\n\x1a\n"])
def test_what_is_cut_off_says_nothing(data: bytes) -> None:
    """Without an error."""
    assert described(data).content is None
