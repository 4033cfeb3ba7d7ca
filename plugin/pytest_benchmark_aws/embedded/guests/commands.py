"""The commands of a simulated instance that reach beyond it: poweroff, shutdown, halt, dnf and their kin.

Run by path inside a guest: ``python -I -S commands.py COMMAND URL [ARGUMENT...]``; standard library only.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request

COMMANDS = ("poweroff", "shutdown", "halt", "reboot", "systemctl", "dnf", "yum")
"""``reboot`` and ``systemctl`` are here so that no guest, which may be root, reaches the host's."""

TOKEN_VARIABLE = "PYTEST_BENCHMARK_AWS_INSTANCE_TOKEN"
"""The environment variable that holds what opens the control API for this instance."""


def call(url: str, payload: dict[str, object]) -> dict[str, object]:
    """Posts a payload to the embedded AWS's control API; returns the answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is never behind a proxy
    headers = {"Content-Type": "application/json", "x-embedded-token": os.environ.get(TOKEN_VARIABLE, "")}
    request = urllib.request.Request(url, json.dumps(payload).encode(), headers)
    with opener.open(request, timeout=60) as answer:
        document: dict[str, object] = json.load(answer)
    return document


def shutdown(url: str, options: list[str], words: list[str]) -> int:
    """Runs ``shutdown [-P|-h|-c] [now|+MINUTES] [MESSAGE]``; returns the exit status."""
    if "-c" in options:
        call(f"{url}/shutdown", {"cancel": True})
        return 0
    if {"-r", "--reboot"} & set(options):
        return fail("shutdown: the embedded AWS cannot reboot an instance")
    when = words[0] if words else "+1"
    if when == "now":
        when = "+0"
    if not (when.startswith("+") and when[1:].isdigit()):
        return fail(f"Failed to parse time specification: {when}")
    call(f"{url}/shutdown", {"minutes": int(when[1:])})
    return 0


def dnf(url: str, words: list[str]) -> int:
    """Runs ``dnf install -y PACKAGE...``; other subcommands do nothing and succeed."""
    if words[:1] != ["install"]:
        return 0
    answer = call(f"{url}/dnf", {"packages": words[1:]})
    sys.stdout.write(str(answer["output"]))
    return int(str(answer["status"]))


def fail(message: str) -> int:
    """Prints why a command failed; returns the exit status."""
    sys.stderr.write(message + "\n")
    return 1


def main(arguments: list[str]) -> int:
    """Runs the command that the arguments name; returns its exit status."""
    command, url, *rest = arguments
    options = [argument for argument in rest if argument.startswith("-")]
    words = [argument for argument in rest if not argument.startswith("-")]
    try:
        if command == "systemctl":
            if words[:1] not in (["poweroff"], ["halt"]):
                return fail("systemctl: the embedded AWS has no services")
            command = words[0]
        if command in {"poweroff", "halt"}:
            call(f"{url}/{command}", {})
            return 0
        if command == "shutdown":
            return shutdown(url, options, words)
        if command in {"dnf", "yum"}:
            return dnf(url, words)
        return fail(f"{command}: the embedded AWS cannot do this")
    except (urllib.error.URLError, OSError, ValueError) as error:
        return fail(f"{command}: the embedded AWS does not answer: {error}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
