"""Amazon Transcribe: a spoken sentence, timed from the request until the transcript is there."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.services import sound

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark_aws.session.services.measure import ManagedService

SENTENCE = "The weather is beautiful today"
LEAST_BILLED_S = 15
"""Transcribe guide, "What is Amazon Transcribe": a minimum per request of 15 seconds. The pricing page of 2026-09-23
has none any more; the cap is held by the larger one."""
POLL_S = {True: 0.05, False: 1.0}
"""Seconds between two looks, on embedded AWS and on an account."""
LONGEST_S = 300


@pytest.mark.aws_service("transcribe", price="transcribe.batch", units=LEAST_BILLED_S, rounds=5)
def test_transcription_job(service: Callable[[str], ManagedService]) -> None:
    """The words that were spoken are written down."""
    transcribe = service("transcribe")
    if not transcribe.embedded and sound.speaker() is None:
        pytest.skip("nothing here can speak the sentence: install espeak-ng, a Debian package")
    bucket = transcribe.bucket()
    recording, s3 = sound.spoken(SENTENCE), transcribe.other("s3")
    with transcribe.explained():
        s3.put_object(Bucket=bucket, Key="services/sentence.wav", Body=recording)
    poll = POLL_S[transcribe.embedded]
    looks: list[int] = []

    def transcript(client: Any) -> str:
        name = f"benchmark-{uuid.uuid4().hex}"
        client.start_transcription_job(
            TranscriptionJobName=name,
            LanguageCode="en-US",
            MediaFormat="wav",
            Media={"MediaFileUri": f"s3://{bucket}/services/sentence.wav"},
            OutputBucketName=bucket,
            OutputKey=f"services/{name}.json",
        )
        for look in range(1, round(LONGEST_S / poll)):
            job = client.get_transcription_job(TranscriptionJobName=name)["TranscriptionJob"]
            if job["TranscriptionJobStatus"] in {"COMPLETED", "FAILED"}:
                looks.append(look)
                break
            time.sleep(poll)
        assert job["TranscriptionJobStatus"] == "COMPLETED", job.get("FailureReason", f"not within {LONGEST_S} s")
        body = s3.get_object(Bucket=bucket, Key=f"services/{name}.json")["Body"].read()
        return str(json.loads(body)["results"]["transcripts"][0]["transcript"])

    words = transcribe.time(
        transcript,
        {
            "operation": "StartTranscriptionJob",
            "recording_s": sound.seconds(recording),
            "polled_every_s": poll,
            "timed": "from the request to the transcript, by polling",
        },
    )
    assert {"weather", "beautiful", "today"} <= set(words.lower().strip(".").split())
