"""A spoken sentence: by espeak-ng where it is installed, else a tone that says in its comment what it stands for."""

from __future__ import annotations

import io
import json
import math
import shutil
import struct
import subprocess
import wave

RATE = 16_000


def speaker() -> str | None:
    """The program that speaks, a Debian package; None where it is not installed."""
    return shutil.which("espeak-ng")


def spoken(text: str) -> bytes:
    """A WAV of the text, which it holds as a comment too: embedded AWS hears nothing and reads that."""
    program = speaker()
    if program is None:
        return _with_comment(_tone(max(1.0, len(text) / 15)), text)
    done = subprocess.run([program, "--stdout", text], capture_output=True, check=True, timeout=60)
    with wave.open(io.BytesIO(whole(done.stdout))) as speech:
        return _with_comment(_wav(speech.readframes(speech.getnframes()), speech.getframerate()), text)


def seconds(data: bytes) -> float:
    """How long a WAV plays."""
    with wave.open(io.BytesIO(data)) as file:
        return float(file.getnframes() / file.getframerate())


def whole(data: bytes) -> bytes:
    """A WAV that went through a pipe, whose sizes its writer did not know, with its sizes."""
    place = data.index(b"data")
    return (
        data[:4]
        + struct.pack("<I", len(data) - 8)
        + data[8 : place + 4]
        + struct.pack("<I", len(data) - place - 8)
        + (data[place + 8 :])
    )


def _tone(length: float) -> bytes:
    """A tone that swells with each syllable, as it were."""
    samples = (
        round(9000 * math.sin(2 * math.pi * 180 * n / RATE) * abs(math.sin(math.pi * 4 * n / RATE)))
        for n in range(round(length * RATE))
    )
    return _wav(b"".join(struct.pack("<h", sample) for sample in samples), RATE)


def _wav(frames: bytes, rate: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(frames)
    return file.getvalue()


def _with_comment(data: bytes, text: str) -> bytes:
    said = json.dumps({"speech": text}).encode() + b"\x00"
    comment = b"INFOICMT" + struct.pack("<I", len(said)) + said
    comment += b"\x00" * (len(comment) % 2)
    whole = data[8:] + b"LIST" + struct.pack("<I", len(comment)) + comment
    return b"RIFF" + struct.pack("<I", len(whole)) + whole
