"""``s3://bucket/prefix`` as a folder of this machine, for whoever reads or adds results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_benchmark_aws.core.errors import UnreachableError
from pytest_benchmark_aws.core.values.file_names import safe_name
from pytest_benchmark_aws.core.values.storage_url import StorageUrl
from pytest_benchmark_aws.machine.folders import cache_folder, own_folder

if TYPE_CHECKING:
    from pytest_benchmark_aws.aws.clients import Clients
    from pytest_benchmark_aws.results.mirror import Mirror, Uploaded

_COMPARED = "the results that are compared with"
RETRIES = 3
"""Of a call that failed: where there is no network, a session is to go on with its cache after seconds."""


def fetch(url: str, clients: Callable[[], Clients]) -> Path:
    """Syncs the cache of an S3 storage; the folder, ``<instance type>/NNNN_name.json`` below it.

    ``clients`` is called once the URL is sure to be one; what it makes has ``retries=RETRIES``.

    Raises:
        PlanError: the URL is none, or the bucket is missing or may not be read.
        UnreachableError: AWS cannot be asked now; ``open_mirror(...).place`` is the cache as of its last sync.
        OSError: the cache cannot be written.
    """
    mirror = open_mirror(url, clients)
    check_credentials(mirror)
    mirror.sync()
    return mirror.place


def open_mirror(url: str, clients: Callable[[], Clients]) -> Mirror:
    """The cache of an S3 storage on this machine; AWS is not asked.

    Raises:
        PlanError: the URL is none, the profile is unknown, AWS's configuration here is not usable, or the cache is
            another user's.
    """
    from pytest_benchmark_aws.aws.clients import without_metadata_probe
    from pytest_benchmark_aws.aws.s3_shared_storage import Objects
    from pytest_benchmark_aws.results.mirror import Mirror

    parsed = StorageUrl.parse(url)
    objects = Objects(clients(), parsed.bucket, parsed.owner)
    with without_metadata_probe():  # making a client looks for credentials
        label = _label(parsed.bucket, objects.endpoint())
    folder = own_folder(cache_folder() / "storage", _COMPARED).resolve()  # as pytest-benchmark names files
    mirror = Mirror(parsed, objects, folder / label, folder / ".private" / label)
    for made_before in (mirror.root, mirror.private.parent, mirror.private):
        if made_before.exists():  # perhaps by another user, while all could write there
            own_folder(made_before, _COMPARED)
    return mirror


def upload(mirror: Mirror) -> Uploaded:
    """Uploads what is pending; raises nothing, and asks nobody where there is nothing."""
    from pytest_benchmark_aws.results.mirror import Uploaded

    waiting = len(mirror.pending())
    if not waiting:
        return Uploaded((), 0, "")
    try:
        check_credentials(mirror)
    except UnreachableError as error:
        return Uploaded((), waiting, str(error))
    return mirror.upload()


def check_credentials(mirror: Mirror) -> None:
    """Looks for credentials, without the seconds that boto3 waits for a metadata service where there is none.

    Raises:
        UnreachableError: there are none.
    """
    from pytest_benchmark_aws.aws.clients import without_metadata_probe
    from pytest_benchmark_aws.aws.s3_shared_storage import NO_CREDENTIALS

    with without_metadata_probe():
        if not mirror.objects.clients.has_credentials():
            raise UnreachableError(NO_CREDENTIALS)


def _label(bucket: str, endpoint: str) -> str:
    """The cache's name: buckets of one name at another endpoint, as embedded AWS's, are other buckets."""
    address = urlsplit(endpoint)
    host = address.hostname or ""
    if host.endswith(".amazonaws.com"):
        return bucket
    if host.endswith(".amazonaws.com.cn"):
        return f"{bucket}@cn"
    return f"{bucket}@{safe_name(f'{host}-{address.port}' if address.port else host)}"
