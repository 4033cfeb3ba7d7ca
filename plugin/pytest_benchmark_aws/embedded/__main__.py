"""``python -m pytest_benchmark_aws.embedded``: an embedded AWS for other processes."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_benchmark_aws.embedded import guardian

if TYPE_CHECKING:
    from pytest_benchmark_aws.embedded.state import Settings


def main(arguments: list[str] | None = None) -> int:
    """Serves until a signal or the end of standard input; returns the exit status."""
    from pytest_benchmark_aws.embedded.state import Settings

    defaults = Settings()
    parser = argparse.ArgumentParser(prog="python -m pytest_benchmark_aws.embedded", description=__doc__)
    parser.add_argument("--root", type=Path, help="folder of the instances; kept at the end (default: a temporary one)")
    parser.add_argument("--port", type=int, default=defaults.port, help="0: any free one")
    parser.add_argument("--region", default=defaults.region)
    parser.add_argument("--vcpu-quota", type=int, default=defaults.vcpu_quota, help="standard on-demand vCPUs")
    parser.add_argument("--state-delay", type=float, default=defaults.state_delay, help="seconds of a passing state")
    parser.add_argument("--watch-stdin", action="store_true", help="end when standard input ends: with the parent")
    parser.add_argument("--quick-end", action="store_true", help="end before the temporary folder is removed")
    options = parser.parse_args(arguments)

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    settings = Settings(
        region=options.region, port=options.port, vcpu_quota=options.vcpu_quota, state_delay=options.state_delay
    )
    if importlib.util.find_spec("moto") is None:
        parser.error("the embedded AWS needs moto, which is not installed: pip install 'moto[server]>=5.1'")
    root = (options.root or Path(tempfile.mkdtemp(prefix="embedded-aws-"))).resolve()
    guardian.start(root, remove=options.root is None)
    try:
        _serve(root, settings, ended, watch_stdin=options.watch_stdin)
    finally:
        if options.root is None and not options.quick_end:  # else the guardian does it, however long that takes
            shutil.rmtree(root, ignore_errors=True)
    return 0


def _serve(root: Path, settings: Settings, ended: threading.Event, *, watch_stdin: bool) -> None:
    # After the signal handlers are set: importing moto takes a second, and an early signal is to end in order too.
    from pytest_benchmark_aws.embedded.server import EmbeddedAWS

    with EmbeddedAWS(root, settings) as aws:
        for name, value in aws.environment().items():
            print(f"{name}={value}")
        print("# embedded AWS is ready", flush=True)
        if watch_stdin:
            threading.Thread(target=_wait_for_end_of_input, args=(ended,), daemon=True).start()
        ended.wait()


def _wait_for_end_of_input(ended: threading.Event) -> None:
    try:
        while sys.stdin.buffer.read(1):  # a parent that writes means nothing by it
            pass
    finally:
        ended.set()


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # nothing is left to be done, and Python takes most of a second to put moto's modules away
