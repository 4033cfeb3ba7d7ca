"""What goes in and out of a training job's containers: input channels, checkpoints, artifacts."""

from __future__ import annotations

import io
import shutil
import tarfile
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_benchmark_aws.embedded.sagemaker.containers.role_client import RoleError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_benchmark_aws.embedded.sagemaker.containers.container import Container
    from pytest_benchmark_aws.embedded.sagemaker.containers.role_client import RoleClient


class DataError(Exception):
    """Data that cannot be fetched or stored, as FailureReason says it."""


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an S3 URL."""
    parts = urlsplit(uri, allow_fragments=False)
    query = f"?{parts.query}" if parts.query else ""
    return parts.netloc, parts.path.removeprefix("/") + query


def has_objects(client: RoleClient, uri: str) -> bool:
    """Whether an S3 URL is a prefix of a key that the role may list."""
    try:
        return bool(client.keys(*split(uri), most=1))
    except RoleError:
        return False


def download_channels(client: RoleClient, request: Mapping[str, Any], containers: Sequence[Container]) -> None:
    """Fetches the objects of each input channel into its folder of each container, or its share of them.

    Raises:
        DataError: an object cannot be read, or its key is one that SageMaker takes for none.
    """
    for channel in request.get("InputDataConfig", ()):
        source = channel["DataSource"]["S3DataSource"]
        bucket, prefix = split(source["S3Uri"])
        sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
        try:
            keys = [key for key in client.keys(bucket, prefix) if not key.endswith("/")]
            for number, container in enumerate(containers):
                folder = container.opt_ml / "input" / "data" / channel["ChannelName"]
                folder.mkdir(parents=True, exist_ok=True)
                for key in keys[number :: len(containers)] if sharded else keys:
                    _download(client, bucket, key, folder / _relative(bucket, key, prefix))
        except RoleError as error:
            raise DataError(f"ClientError: Data download failed:Failed to download data. {error}") from error


def download_checkpoints(client: RoleClient, request: Mapping[str, Any], containers: Sequence[Container]) -> None:
    """Fetches the checkpoints of an earlier attempt, or of an earlier job with the same URL.

    Raises:
        DataError: they cannot be read.
    """
    if "CheckpointConfig" not in request:
        return
    bucket, prefix = split(request["CheckpointConfig"]["S3Uri"].rstrip("/") + "/")
    try:
        for key in client.keys(bucket, prefix):
            for container in containers:
                _download(client, bucket, key, container.opt_ml / "checkpoints" / _relative(bucket, key, prefix))
    except RoleError as error:
        raise DataError(f"ClientError: Data download failed:Failed to download checkpoints. {error}") from error


def upload_checkpoints(client: RoleClient, request: Mapping[str, Any], containers: Sequence[Container]) -> None:
    """Stores what is in checkpoints; on AWS this goes on while the job trains, here it is done at an attempt's end.

    Raises:
        DataError: they cannot be stored.
    """
    if "CheckpointConfig" not in request:
        return
    bucket, prefix = split(request["CheckpointConfig"]["S3Uri"].rstrip("/") + "/")
    try:
        for container in containers:
            folder = container.opt_ml / "checkpoints"
            for path in _files(folder):
                client.put(bucket, f"{prefix}{path.relative_to(folder).as_posix()}", path.read_bytes())
    except RoleError as error:
        raise DataError(f"ClientError: Artifact upload failed:{error}") from error


def upload_artifacts(client: RoleClient, output: str, containers: Sequence[Container]) -> None:
    """Stores ``model.tar.gz`` and ``output.tar.gz`` of all hosts below an S3 URL, each where it would hold something.

    Raises:
        DataError: they cannot be stored.
    """
    bucket, key = split(output)
    for name, folder in (("model", "model"), ("output", "output/data")):
        archive = _archive([container.opt_ml / folder for container in containers])
        if archive is not None:
            try:
                client.put(bucket, f"{key}/{name}.tar.gz", archive)
            except RoleError as error:
                raise DataError(f"ClientError: Artifact upload failed:{error}") from error


def _relative(bucket: str, key: str, prefix: str) -> str:
    """Where in its channel's folder an object goes: by its key after the prefix, or after the prefix's last slash."""
    if "//" in key or ".." in key.split("/"):
        # For both, as nothing may leave the folder; the words are AWS's of the first (aws-samples,
        # generative-ai-on-amazon-sagemaker pull request 242).
        raise DataError(
            "ClientError: Data download failed:Failed to download data. S3 key: "
            f"s3://{bucket}/{key} has an illegal char sub-sequence '{'//' if '//' in key else '..'}' in it"
        )
    folder = prefix.rstrip("/")
    if folder and key.startswith(f"{folder}/"):
        return key.removeprefix(f"{folder}/")
    return key[prefix.rfind("/") + 1 :]


def _download(client: RoleClient, bucket: str, key: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with client.get(bucket, key) as content, path.open("wb") as file:
        shutil.copyfileobj(content, file)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _archive(folders: Sequence[Path]) -> bytes | None:
    """The folders' files in one archive; None where there is none. Of files of one name the first host's is taken."""
    paths: dict[str, Path] = {}
    for folder in folders:
        for path in _files(folder):
            paths.setdefault(path.relative_to(folder).as_posix(), path)
    if not paths:
        return None
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, path in paths.items():
            archive.add(path, name)
    return content.getvalue()
