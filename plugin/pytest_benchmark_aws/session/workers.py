"""What a worker of pytest-xdist does with a session that is refused: it cannot end it, as the controller can."""

from __future__ import annotations

import pytest


class Refused:
    """A plugin by which each test fails before its fixtures, with why the session is refused."""

    def __init__(self, sentence: str) -> None:
        """Takes the sentence."""
        self.sentence = sentence

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Fails the test."""
        pytest.fail(self.sentence, pytrace=False)


def refuse_all(config: pytest.Config, error: pytest.UsageError) -> None:
    """Lets no test of this worker run.

    A usage error that a worker raises ends xdist's controller with an assertion of its own (xdist 3.8,
    ``dsession.worker_workerfinished``), and what was wrong is written nowhere.
    """
    config.pluginmanager.register(Refused("\n".join(map(str, error.args))))
