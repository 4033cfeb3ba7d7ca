"""Amazon Polly: text to speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.services import tasks, texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.session.services.measure import ManagedService

TEXT = texts.SPOKEN
RATE = 16_000
"""Samples a second, of two bytes each."""
VOICES = {"standard": "Joanna", "neural": "Joanna", "generative": "Joanna", "long-form": "Danielle"}


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param(engine, marks=pytest.mark.aws_service("polly", price=f"polly.{engine}", units=len(TEXT)))
        for engine in VOICES
    ],
)
def test_synthesize_speech(service: Callable[[str], ManagedService], engine: str) -> None:
    """120 characters are spoken in 4 to 16 seconds: people speak 8 to 30 characters a second."""
    audio = service("polly").time(
        lambda polly: polly.synthesize_speech(
            Text=TEXT, VoiceId=VOICES[engine], Engine=engine, OutputFormat="pcm", SampleRate=str(RATE)
        )["AudioStream"].read(),
        {
            "operation": "SynthesizeSpeech",
            "variant": engine,
            "characters": len(TEXT),
            "service_task": tasks.SPEECH,
        },
    )
    seconds = len(audio) / 2 / RATE
    assert 4 <= seconds <= 16
