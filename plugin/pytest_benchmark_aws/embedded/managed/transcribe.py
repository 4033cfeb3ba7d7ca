"""Amazon Transcribe: jobs that write down what a recording in S3 says of itself."""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from pytest_benchmark_aws.embedded import moto_models
from pytest_benchmark_aws.embedded.aws_error import AwsError
from pytest_benchmark_aws.embedded.managed.described import described

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.aws_request import AwsRequest
    from pytest_benchmark_aws.embedded.state import State

_LEAST_SECONDS = 0.5
"""Transcribe guide, "Guidelines and quotas": minimum audio file duration, 500 ms."""
_OTHER_FORMAT = "The media format provided does not match the detected media format."
"""Word for word, botocore's model, TranscriptionJob.FailureReason."""


@dataclass(slots=True)
class _Job:
    document: dict[str, Any]
    words: str
    problem: str
    created: float = field(default_factory=time.time)
    done: bool = False


class Transcriptions:
    """The transcription jobs of all regions; each takes as long as an instance stays pending."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._jobs: dict[tuple[str, str], _Job] = {}
        self._lock = threading.Lock()

    def start(self, request: AwsRequest) -> dict[str, Any]:
        """The answer to StartTranscriptionJob."""
        document = request.document
        if not {"LanguageCode", "IdentifyLanguage", "IdentifyMultipleLanguages"} & document.keys():
            raise AwsError("BadRequestException", "Specify a language code or let Transcribe identify the language.")
        match = re.fullmatch(r"s3://([^/]+)/(.+)", str(document["Media"].get("MediaFileUri", "")))
        with self._state.lock:
            data = moto_models.object_in_s3(match[1], match[2], request.region) if match else None
        if data is None:
            raise AwsError(
                "BadRequestException",
                "The URI that you provided doesn't point to an S3 object. Make sure that the object exists and try "
                "your request again.",
            )
        said = described(data)
        problem = _OTHER_FORMAT if said.kind != document.get("MediaFormat", said.kind or "none") else ""
        if not problem and said.seconds < _LEAST_SECONDS:
            problem = "The media file is too short: 500 ms at least."
        words = said.content.get("speech", "") if isinstance(said.content, dict) else ""
        key = request.region, str(document["TranscriptionJobName"])
        with self._lock:
            if key in self._jobs:
                raise AwsError("ConflictException", "The requested job name already exists.")
            job = self._jobs[key] = _Job(document, str(words), problem)
        return {"TranscriptionJob": self._shown(request.region, job)}

    def get(self, request: AwsRequest) -> dict[str, Any]:
        """The answer to GetTranscriptionJob."""
        with self._lock:
            job = self._jobs.get((request.region, str(request.document["TranscriptionJobName"])))
        if job is None:
            raise AwsError("BadRequestException", "The requested job couldn't be found.")
        return {"TranscriptionJob": self._shown(request.region, job)}

    def _shown(self, region: str, job: _Job) -> dict[str, Any]:
        document = job.document
        names = ("TranscriptionJobName", "LanguageCode", "MediaFormat", "Media")
        shown: dict[str, Any] = {
            **{name: document[name] for name in names if name in document},
            "CreationTime": datetime.fromtimestamp(job.created, timezone.utc),
            "StartTime": datetime.fromtimestamp(job.created, timezone.utc),
            "TranscriptionJobStatus": "IN_PROGRESS",
        }
        end = job.created + self._state.settings.state_delay
        if time.time() < end:
            return shown
        shown["CompletionTime"] = datetime.fromtimestamp(end, timezone.utc)
        if job.problem:
            return {**shown, "TranscriptionJobStatus": "FAILED", "FailureReason": job.problem}
        bucket = str(document.get("OutputBucketName", ""))
        key = str(document.get("OutputKey") or f"{document['TranscriptionJobName']}.json")
        with self._lock, self._state.lock:
            if bucket and not job.done and not moto_models.put_in_s3(bucket, key, _transcript(job), region):
                return {**shown, "TranscriptionJobStatus": "FAILED", "FailureReason": f"no bucket {bucket}"}
            job.done = True
        uri = f"https://s3.{region}.amazonaws.com/{bucket or 'aws-transcribe-embedded'}/{key}"
        return {**shown, "TranscriptionJobStatus": "COMPLETED", "Transcript": {"TranscriptFileUri": uri}}


def _transcript(job: _Job) -> bytes:
    """The transcript file, as in the Transcribe guide, "Data input and output"."""
    items = [
        {"type": "pronunciation", "alternatives": [{"confidence": "0.99", "content": word}]}
        for word in job.words.split()
    ]
    document = {
        "jobName": job.document["TranscriptionJobName"],
        "accountId": moto_models.ACCOUNT,
        "status": "COMPLETED",
        "results": {"transcripts": [{"transcript": job.words}], "items": items},
    }
    return json.dumps(document).encode()
