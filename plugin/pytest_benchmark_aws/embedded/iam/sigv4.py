"""Whether a request is signed with a secret key: Signature Version 4, by headers or as a presigned URL.

After the IAM User Guide, "Create a signed AWS API request", and the S3 API Reference, "Authenticating Requests: Using
Query Parameters". moto has such a check, but none for presigned URLs.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Signature:
    """The parts of a request's signature."""

    key_id: str
    scope: tuple[str, ...]
    """Day, region, service, ``aws4_request``."""
    headers: tuple[str, ...]
    """Names of the signed headers."""
    value: str
    time: str
    token: str
    """The session token of temporary credentials; else empty."""
    presigned: bool


def read(environ: Mapping[str, Any]) -> Signature | None:
    """The signature of the request in a WSGI environ; None where it has none, or one of another algorithm."""
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    authorization = str(environ.get("HTTP_AUTHORIZATION", ""))
    presigned = "X-Amz-Signature" in query
    if presigned:
        parts = {name: query.get(f"X-Amz-{name}", "") for name in ("Credential", "SignedHeaders", "Signature")}
    elif authorization.startswith(_ALGORITHM):
        words = authorization.removeprefix(_ALGORITHM).split(",")
        parts = {name: value for name, _, value in (word.strip().partition("=") for word in words)}
    else:
        return None
    if not {"Credential", "SignedHeaders", "Signature"} <= parts.keys():
        return None
    key_id, *scope = parts["Credential"].split("/")
    return Signature(
        key_id,
        tuple(scope),
        tuple(parts["SignedHeaders"].split(";")),
        parts["Signature"],
        query.get("X-Amz-Date", "") if presigned else str(environ.get("HTTP_X_AMZ_DATE", "")),
        query.get("X-Amz-Security-Token", "") if presigned else str(environ.get("HTTP_X_AMZ_SECURITY_TOKEN", "")),
        presigned,
    )


def is_by(secret: str, signature: Signature, environ: Mapping[str, Any], body: bytes) -> bool:
    """Whether the signature was made with that secret key for this request.

    The ``body`` counts for all services but S3, whose clients state its digest in a header.
    """
    is_s3 = "s3" in signature.scope
    path = quote(str(environ.get("PATH_INFO", "/")).encode("latin-1"), safe="/-_.~")
    query = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    coded = sorted((quote(key, safe="-_.~"), quote(text, safe="-_.~")) for key, text in query)
    if is_s3:  # which may stream: the client states the digest, and S3 itself holds the body against it
        default = "UNSIGNED-PAYLOAD" if signature.presigned else ""
        digest = str(environ.get("HTTP_X_AMZ_CONTENT_SHA256", default))
    else:
        path = quote(path, safe="/-_.~")  # all services but S3 code the path twice
        digest = hashlib.sha256(body).hexdigest()
    request = "\n".join(
        (
            str(environ["REQUEST_METHOD"]),
            path,
            "&".join(f"{key}={text}" for key, text in coded if key != "X-Amz-Signature"),
            "".join(f"{name}:{_header(environ, name)}\n" for name in signature.headers),
            ";".join(signature.headers),
            digest,
        )
    )
    digest = hashlib.sha256(request.encode(errors="replace")).hexdigest()
    text = "\n".join((_ALGORITHM, signature.time, "/".join(signature.scope), digest))
    key = f"AWS4{secret}".encode()
    for part in signature.scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    right = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(right.encode(), signature.value.encode())


def _header(environ: Mapping[str, Any], name: str) -> str:
    key = name.upper().replace("-", "_")
    value = environ.get(key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}", "")
    return " ".join(str(value).split())
