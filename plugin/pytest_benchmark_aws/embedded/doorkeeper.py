"""Which requests come from a program that talks to embedded AWS on purpose, and not from a web page.

A page in the developer's browser reaches loopback too: it posts with an ``Origin``, or it comes by a name of its own
that it lets point to 127.0.0.1 (DNS rebinding), which the ``Host`` shows. Who signs is looked at afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response as WerkzeugResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn")
"""Host names of AWS, whose requests a proxy may send here. Nobody but AWS chooses where they point."""
_DRAINED = 64 * 1024 * 1024
"""Bytes of a refused request's body that are read, and dropped: a client reads no answer before it has sent all."""


class Response(WerkzeugResponse):
    """A response that has a content type only where one is given."""

    default_mimetype = None


def refusal(environ: Mapping[str, Any], port: int) -> Response | None:
    """The answer to a request that a web page may have sent; None to any other."""
    if "HTTP_ORIGIN" in environ or environ.get("HTTP_SEC_FETCH_SITE", "none") != "none":
        return refused("web pages have no access: send no Origin")
    host = str(environ.get("HTTP_HOST", "")).lower()
    name, _, its_port = host.partition(":")
    if name in {"127.0.0.1", "localhost"} and (not its_port or its_port.isdigit()):
        return None  # at another port it is a proxy on this machine, as no name of another's can be
    if name.endswith(_AWS_DOMAINS) and (not its_port or its_port.isdigit()):
        if not str(environ.get("PATH_INFO", "")).startswith("/_embedded/"):
            return None
        return refused(f"/_embedded/ is at 127.0.0.1:{port} alone")
    return refused(f"the Host is neither 127.0.0.1:{port} nor localhost:{port} nor one of AWS")


def refused(why: str, status: int = 403) -> Response:
    """The answer to a request that is not let in."""
    return Response(f"embedded AWS: {why}\n", status, content_type="text/plain; charset=utf-8")


def drain(environ: Mapping[str, Any]) -> None:
    """Reads the body of a refused request to its end or to a limit, and keeps nothing of it."""
    stream = environ["wsgi.input"]
    left = _DRAINED
    if not environ.get("wsgi.input_terminated"):
        length = str(environ.get("CONTENT_LENGTH") or "0")
        left = min(left, int(length) if length.isdigit() else 0)
    while left > 0 and (part := stream.read(min(left, 65536))):
        left -= len(part)
