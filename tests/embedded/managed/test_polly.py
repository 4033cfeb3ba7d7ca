"""Polly, by a real client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

SPOKEN = {"Text": "Hello there.", "VoiceId": "Joanna", "OutputFormat": "pcm"}


@pytest.mark.parametrize("characters", [15, 150, 3000])
def test_audio_is_as_long_as_the_text(client: Callable[..., Any], characters: int) -> None:
    """Fifteen characters are a second of speech, two bytes a sample, and are billed."""
    answer = client("polly").synthesize_speech(**{**SPOKEN, "Text": "x" * characters})
    assert len(answer["AudioStream"].read()) / 2 / 16_000 == pytest.approx(characters / 15, abs=0.01)
    assert (answer["ContentType"], answer["RequestCharacters"]) == ("audio/pcm", characters)


@pytest.mark.parametrize(
    ("engine", "rate", "hertz"),
    [("standard", None, 22_050), ("neural", None, 24_000), ("neural", "8000", 8_000), ("standard", "44100", 44_100)],
)
def test_mp3_is_frames_of_the_rate(client: Callable[..., Any], engine: str, rate: str | None, hertz: int) -> None:
    """Each frame begins with the sync word and states the sample rate; together they last as long as the text."""
    more = {} if rate is None else {"SampleRate": rate}
    answer = client("polly").synthesize_speech(
        **{**SPOKEN, "Text": "x" * 60, "OutputFormat": "mp3", "Engine": engine, **more}
    )
    audio, frames, place = answer["AudioStream"].read(), 0, 0
    mpeg1 = hertz >= 32_000
    size = (144 if mpeg1 else 72) * 48_000 // hertz
    while place < len(audio):
        assert audio[place] == 0xFF
        assert audio[place + 1] & 0xE6 == 0xE2, "MPEG, Layer III"
        frames, place = frames + 1, place + size
    assert place == len(audio)
    assert frames * (1152 if mpeg1 else 576) / hertz == pytest.approx(4.0, abs=0.1)
    assert answer["ContentType"] == "audio/mpeg"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Text": "x" * 3001}, "TextLengthExceededException"),
        ({"Text": f"<speak>{'x' * 3001}</speak>", "TextType": "ssml"}, "TextLengthExceededException"),
        ({"Text": f"<speak>{'<break/>' * 800}x</speak>", "TextType": "ssml"}, "TextLengthExceededException"),
        ({"Text": "no tags", "TextType": "ssml"}, "InvalidSsmlException"),
        ({"VoiceId": "Nobody"}, "ValidationException"),
        ({"Engine": "magic"}, "ValidationException"),
        ({"Engine": "long-form"}, "EngineNotSupportedException"),
        ({"VoiceId": "Danielle"}, "EngineNotSupportedException"),
        ({"VoiceId": "Hans", "Engine": "neural"}, "EngineNotSupportedException"),
        ({"SampleRate": "24000"}, "InvalidSampleRateException"),
        ({"OutputFormat": "mp3", "SampleRate": "11025"}, "InvalidSampleRateException"),
        ({"LexiconNames": list("abcdef")}, "ValidationException"),
        ({"OutputFormat": None}, "ValidationException"),
        ({"OutputFormat": "wav"}, "ValidationException"),
        ({"OutputFormat": "ogg_vorbis"}, "ServiceFailureException"),  # which embedded AWS does not make
    ],
)
def test_limits(
    client: Callable[..., Any], refused: Callable[..., tuple[str, str]], change: dict[str, Any], code: str
) -> None:
    """What passes a limit is refused by its code."""
    request = {name: value for name, value in {**SPOKEN, **change}.items() if value is not None}
    assert refused(client("polly").synthesize_speech, **request)[0] == code


def test_tags_are_not_billed(client: Callable[..., Any]) -> None:
    """SSML is billed without its tags."""
    text = "<speak>Hello <emphasis>there</emphasis>.</speak>"
    assert client("polly").synthesize_speech(**{**SPOKEN, "Text": text, "TextType": "ssml"})["RequestCharacters"] == 12
