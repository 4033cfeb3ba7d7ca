"""Transcribe, by a real client, with a recording in embedded S3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.services import sound
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

BUCKET = "recordings-of-tests"


@pytest.fixture(scope="module", autouse=True)
def recordings(client: Callable[..., Any]) -> None:
    """A bucket with what is to be heard."""
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="speech.wav", Body=sound.spoken("The weather is fine"))
    s3.put_object(Bucket=BUCKET, Key="picture.png", Body=b"\x89PNG\r\n\x1a\n")
    s3.put_object(Bucket=BUCKET, Key="blip.wav", Body=sound._wav(bytes(1000), sound.RATE))


def job(name: str, key: str = "speech.wav", **more: Any) -> dict[str, Any]:
    """The request for a job."""
    return {
        "TranscriptionJobName": name,
        "LanguageCode": "en-US",
        "Media": {"MediaFileUri": f"s3://{BUCKET}/{key}"},
        "OutputBucketName": BUCKET,
        "OutputKey": f"{name}.json",
        **more,
    }


def finished(transcribe: Any, name: str) -> dict[str, Any]:
    """A job that is over."""

    def over() -> dict[str, Any] | None:
        shown = transcribe.get_transcription_job(TranscriptionJobName=name)["TranscriptionJob"]
        return None if shown["TranscriptionJobStatus"] == "IN_PROGRESS" else shown

    return wait_until(over)


def test_transcript_is_there_when_the_job_is_over(client: Callable[..., Any]) -> None:
    """It is in progress first; then the words are in the bucket."""
    transcribe = client("transcribe")
    started = transcribe.start_transcription_job(**job("first"))["TranscriptionJob"]
    assert started["TranscriptionJobStatus"] == "IN_PROGRESS"
    shown = finished(transcribe, "first")
    assert shown["TranscriptionJobStatus"] == "COMPLETED"
    assert shown["CompletionTime"] > shown["StartTime"]
    assert shown["Transcript"]["TranscriptFileUri"].endswith(f"{BUCKET}/first.json")
    transcript = json.loads(client("s3").get_object(Bucket=BUCKET, Key="first.json")["Body"].read())
    assert transcript["results"]["transcripts"] == [{"transcript": "The weather is fine"}]
    assert len(transcript["results"]["items"]) == 4


@pytest.mark.parametrize(
    ("name", "key", "reason"), [("other", "picture.png", "does not match"), ("short", "blip.wav", "too short")]
)
def test_recording_that_is_none_fails(client: Callable[..., Any], name: str, key: str, reason: str) -> None:
    """The job fails and says why."""
    transcribe = client("transcribe")
    transcribe.start_transcription_job(**job(name, key, MediaFormat="wav"))
    shown = finished(transcribe, name)
    assert shown["TranscriptionJobStatus"] == "FAILED"
    assert reason in shown["FailureReason"]


def test_transcript_needs_its_bucket(client: Callable[..., Any]) -> None:
    """A job whose bucket is not there fails and says so."""
    transcribe = client("transcribe")
    transcribe.start_transcription_job(**job("nowhere", OutputBucketName="no-such-bucket-here"))
    shown = finished(transcribe, "nowhere")
    assert (shown["TranscriptionJobStatus"], shown["FailureReason"]) == ("FAILED", "no bucket no-such-bucket-here")


@pytest.mark.parametrize("cut", [*range(12, 60, 3), -1])
def test_torn_recording_ends_its_job(client: Callable[..., Any], cut: int) -> None:
    """Wherever it ends, it is heard as far as it goes, or the job fails; nothing breaks."""
    whole = sound._wav(bytes(40_000), sound.RATE)
    client("s3").put_object(Bucket=BUCKET, Key="torn.wav", Body=whole[:cut])
    transcribe = client("transcribe")
    transcribe.start_transcription_job(**job(f"torn{cut}", "torn.wav"))
    assert finished(transcribe, f"torn{cut}")["TranscriptionJobStatus"] in {"COMPLETED", "FAILED"}


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (job("missing", "nothing.wav"), "BadRequestException"),
        (job("no language", LanguageCode="xx-XX"), "BadRequestException"),
        (job("name with spaces"), "BadRequestException"),
        ({key: value for key, value in job("none").items() if key != "LanguageCode"}, "BadRequestException"),
        (job("rate", MediaSampleRateHertz=100), "BadRequestException"),
    ],
)
def test_limits(
    client: Callable[..., Any], refused: Callable[..., tuple[str, str]], request_: dict[str, Any], code: str
) -> None:
    """What passes a limit is refused by its code."""
    assert refused(client("transcribe").start_transcription_job, **request_)[0] == code


def test_name_is_used_once(client: Callable[..., Any], refused: Callable[..., tuple[str, str]]) -> None:
    """A second job of a name is a conflict; a job that there is not is not found."""
    transcribe = client("transcribe")
    transcribe.start_transcription_job(**job("once"))
    assert refused(transcribe.start_transcription_job, **job("once"))[0] == "ConflictException"
    assert refused(transcribe.get_transcription_job, TranscriptionJobName="never")[0] == "BadRequestException"
