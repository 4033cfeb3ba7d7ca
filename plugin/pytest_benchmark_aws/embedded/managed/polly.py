"""Amazon Polly: SynthesizeSpeech, with audio of the length that a voice takes for the text."""

from __future__ import annotations

import math
import re
import struct
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded.aws_error import AwsError

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.aws_request import AwsRequest

CHARACTERS_A_SECOND = 15.0
"""Of speech: 150 words a minute of six characters; made up, as voices differ."""
MOST_CHARACTERS = 6000
MOST_BILLED = 3000
"""botocore's model, TextLengthExceededException: SSML tags are not billed."""
ENGINES = {
    # Polly guide, "Available voices", "Generative voices", "Long-form voices", "Neural voices", "Standard voices": of
    # American and British English.
    "Danielle": ("generative", "long-form", "neural"),
    "Gregory": ("long-form", "neural"),
    "Ivy": ("neural", "standard"),
    "Joanna": ("generative", "neural", "standard"),
    "Kendra": ("neural", "standard"),
    "Kimberly": ("neural", "standard"),
    "Salli": ("generative", "neural", "standard"),
    "Joey": ("neural", "standard"),
    "Justin": ("neural", "standard"),
    "Kevin": ("neural",),
    "Matthew": ("generative", "neural", "standard"),
    "Ruth": ("generative", "long-form", "neural"),
    "Stephen": ("generative", "neural"),
    "Amy": ("generative", "neural", "standard"),
    "Brian": ("neural", "standard"),
    "Emma": ("neural", "standard"),
    "Arthur": ("neural",),
}
"""Voice -> its engines; of a voice that is not here, standard alone is known."""
_RATES = {
    "mp3": ("8000", "16000", "22050", "24000", "44100", "48000"),
    "pcm": ("8000", "16000"),
}  # botocore's model, SynthesizeSpeechInput.SampleRate
_KINDS = {"mp3": "audio/mpeg", "pcm": "audio/pcm"}


def synthesize_speech(request: AwsRequest) -> dict[str, Any]:
    """The answer to SynthesizeSpeech."""
    document = request.document
    text, voice, form = str(document["Text"]), str(document["VoiceId"]), str(document["OutputFormat"])
    engine = str(document.get("Engine", "standard"))
    if engine not in ENGINES.get(voice, ("standard",)):
        raise AwsError(
            "EngineNotSupportedException",
            "This engine is not compatible with the voice that you have designated. Choose a new voice that is "
            "compatible with the engine or change the engine and restart the operation.",
        )
    billed = len(_without_tags(text)) if document.get("TextType") == "ssml" else len(text)
    if len(text) > MOST_CHARACTERS or billed > MOST_BILLED:
        raise AwsError("TextLengthExceededException", "Maximum text length has been exceeded")
    if form not in _RATES:
        raise AwsError("ServiceFailureException", f"embedded Polly speaks mp3 and pcm, not {form}", 500)
    default = "16000" if form == "pcm" else "22050" if engine == "standard" else "24000"
    rate = str(document.get("SampleRate", default))
    if rate not in _RATES[form]:
        raise AwsError("InvalidSampleRateException", "The specified sample rate is not valid.")
    seconds = max(0.1, billed / CHARACTERS_A_SECOND)
    audio = _pcm(seconds, int(rate)) if form == "pcm" else _mp3(seconds, int(rate))
    return {"AudioStream": audio, "ContentType": _KINDS[form], "RequestCharacters": billed}


def _without_tags(text: str) -> str:
    if not re.match(r"\s*<speak[\s>]", text):
        raise AwsError("InvalidSsmlException", "Invalid SSML request")
    return re.sub(r"<[^>]*>", "", text)


def _pcm(seconds: float, rate: int) -> bytes:
    """A tone, signed 16 bits a sample, little-endian, one channel."""
    period = rate // 200
    wave = [round(8000 * math.sin(2 * math.pi * sample / period)) for sample in range(period)]
    one = struct.pack(f"<{period}h", *wave)
    samples = round(seconds * rate)
    return (one * (samples // period + 1))[: 2 * samples]


def _mp3(seconds: float, rate: int) -> bytes:
    """Silent frames of MPEG-1 or MPEG-2 Layer III, 48 kbit/s, one channel (ISO 11172-3, 13818-3, 2.4.1.3)."""
    mpeg1 = rate >= 32000
    rates = {44100: 0, 48000: 1, 22050: 0, 24000: 1, 16000: 2, 8000: 2}
    version = 0b11 if mpeg1 else 0b00 if rate == 8000 else 0b10
    bitrate, kbits = (0b0011, 48) if mpeg1 else (0b0110, 48)
    samples = 1152 if mpeg1 else 576
    size = samples // 8 * kbits * 1000 // rate
    second = 0b111 << 5 | version << 3 | 0b01 << 1 | 1
    header = bytes([0xFF, second, bitrate << 4 | rates[rate] << 2, 0xC4])
    return (header + bytes(size - 4)) * math.ceil(seconds * rate / samples)
