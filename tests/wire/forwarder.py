"""A proxy on loopback that stands between a client and AWS's names.

It answers CONNECT, ends TLS, and sends the request to embedded AWS with the Host that it came with.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HOP = frozenset({"connection", "expect", "keep-alive", "proxy-connection", "transfer-encoding", "te", "upgrade"})


class Forwarder(ThreadingHTTPServer):
    """The proxy; ``target`` is embedded AWS's endpoint, once there is one."""

    daemon_threads = True

    def __init__(self, authority: trustme.CA) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = ""
        self.hosts: list[str] = []
        """The name of each tunnel, in their order."""
        self.tunnels: list[ssl.SSLSocket] = []
        self._authority = authority
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """What HTTPS_PROXY says."""
        return f"http://127.0.0.1:{self.server_port}"

    def context(self, host: str) -> ssl.SSLContext:
        """The TLS of a host, with the certificate that AWS's has: one level below S3's name for any bucket, no more."""
        with self._lock:
            if host not in self._contexts:
                self.hosts.append(host)
                rest = host.partition(".s3.")[2]
                name = f"*.s3.{rest}" if rest else host
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self._authority.issue_cert(name).configure_cert(context)
                self._contexts[host] = context
            return self._contexts[host]

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Forwarder

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_CONNECT(self) -> None:
        """From here on the connection is TLS, to the host that was asked for."""
        host = self.path.rpartition(":")[0]
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        self.connection = self.server.context(host).wrap_socket(self.connection, server_side=True)
        self.server.tunnels.append(self.connection)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self.close_connection = False

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = urlsplit(self.server.target)
        connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in _HOP:
                connection.putheader(name, value)
        connection.endheaders(body or None)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP | {"content-length"}:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
        connection.close()

    def finish(self) -> None:
        """The connection may be another than the one that it began with."""
        super().finish()
        self.connection.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _forward  # noqa: N815 - http.server's names


@contextmanager
def forwarding(folder: Path) -> Iterator[tuple[Forwarder, dict[str, str]]]:
    """A proxy, and the environment by which boto3 and urllib go through it and trust its authority."""
    authority = trustme.CA()
    bundle = folder / "authority.pem"
    authority.cert_pem.write_to_path(bundle)
    server = Forwarder(authority)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield (
            server,
            {
                "HTTPS_PROXY": server.url,
                "NO_PROXY": "pypi.org,files.pythonhosted.org",
                "AWS_CA_BUNDLE": str(bundle),
                "SSL_CERT_FILE": str(bundle),
            },
        )
    finally:
        server.shutdown()
        server.server_close()
        for tunnel in server.tunnels:
            with suppress(OSError):
                tunnel.shutdown(socket.SHUT_RDWR)
            tunnel.close()
        thread.join()
