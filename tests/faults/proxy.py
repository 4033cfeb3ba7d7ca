"""A loopback proxy between an AWS client and an embedded AWS, which a test cuts."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType


class Proxy:
    """Hands connections on, until it is told to cut; ``url`` is what a client is given for the endpoint.

    ``disguised`` takes from the answers what tells that they are no account's.
    """

    def __init__(self, endpoint: str, *, disguised: bool = False) -> None:
        self._disguised = disguised
        there = urlsplit(endpoint)
        self._there = (str(there.hostname), int(there.port or 80))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._refuse = 0
        self._stump: int | None = None
        self.refused = 0
        """Connections that were closed before a word."""
        self.cut_short = 0
        """Answers that were cut in their middle."""
        self._threads: list[threading.Thread] = []

    def cut(self, connections: int) -> None:
        """Ends all that is open, and the next so many connections."""
        with self._lock:
            self._refuse += connections
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def cut_next_answer_after(self, size: int) -> None:
        """Ends the connection that is the first to bring more bytes than this from AWS."""
        with self._lock:
            self._stump = size

    def __enter__(self) -> Proxy:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut(0)
        for thread in self._threads:
            thread.join()

    def _start(self, work: object, *args: object) -> None:
        thread = threading.Thread(target=work, args=args)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return  # closed
            with self._lock:
                refuse = self._refuse > 0
                self._refuse -= refuse
                self.refused += refuse
            if refuse:
                here.close()
                continue
            there = socket.create_connection(self._there)
            with self._lock:
                self._open |= {here, there}
            self._start(self._carry, here, there, False)
            self._start(self._carry, there, here, True)

    def _carry(self, start: socket.socket, end: socket.socket, answers: bool) -> None:
        carried = 0
        with contextlib.suppress(OSError):
            while data := start.recv(65536):
                carried += len(data)
                if answers and self._disguised:
                    data = data.replace(b"x-embedded-aws", b"x-anybody--aws")
                with self._lock:
                    short = answers and self._stump is not None and carried > self._stump
                    if short:
                        self._stump = None
                        self.cut_short += 1
                if short:
                    end.sendall(data[: len(data) // 2])
                    break
                end.sendall(data)
        for one in (start, end):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        with self._lock:
            if answers:
                self._open -= {start, end}
                closing = (start, end)
            else:
                closing = ()
        for one in closing:
            one.close()
