"""A run as it goes, shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.report.progress import ProgressView


@dataclass
class Shown:
    """A job's progress."""

    name: str = "m5.large"
    phase: str = "waiting"
    detail: str = ""
    seconds: float = 0.0
    spent_usd: Decimal = Decimal(0)
    log: str = ""


@dataclass
class Paper:
    """A terminal that keeps what is written, and what of it is still to be seen."""

    written: str = ""
    screen: list[str] = field(default_factory=list)

    def write_line(self, line: str, **markup: bool) -> None:
        self.written += line + "\n"
        self.screen.append(line)

    def write(self, content: str, *, flush: bool = False, **markup: bool) -> None:
        self.written += content
        up = re.fullmatch(r"\x1b\[(\d+)F\x1b\[J", content)
        assert up is not None
        del self.screen[len(self.screen) - int(up[1]) :]


PHASES = st.sampled_from(["waiting", "pending", "running", "boot", "collect", "done", "failed"])
STATES = st.lists(st.builds(Shown, phase=PHASES, detail=st.sampled_from(["", "1/2 test_a", "passed"])), max_size=12)


def changes(states: list[Shown]) -> int:
    """How often the phase changes, or the detail in a phase whose detail is news."""
    news = [(state.phase, state.detail if state.phase in {"waiting", "done", "failed"} else "") for state in states]
    return sum(index == 0 or news[index - 1] != now for index, now in enumerate(news))


@given(STATES)
def test_off_a_terminal_a_change_is_a_line(states: list[Shown]) -> None:
    """A line is written for each change of a job, and for nothing else."""
    paper = Paper()
    view = ProgressView(paper, live=False, stream_logs=False)
    for state in states:
        view.show([state])
    assert len(paper.screen) == changes(states)


@given(STATES)
def test_off_a_terminal_nothing_is_erased(states: list[Shown]) -> None:
    """What is in a log file stays there: no escape sequence is ever written."""
    paper = Paper()
    view = ProgressView(paper, live=False, stream_logs=False)
    for state in states:
        view.show([state])
    assert "\x1b" not in paper.written


@given(STATES)
def test_on_a_terminal_the_last_state_alone_is_to_be_seen(states: list[Shown]) -> None:
    """Each look replaces the one before: the job's line and the sum of money remain."""
    paper = Paper()
    view = ProgressView(paper, live=True, stream_logs=False)
    for state in states:
        view.show([state])
        assert len(paper.screen) == 2
        assert state.name in paper.screen[0]
        assert state.phase in paper.screen[0]
        assert "spent so far" in paper.screen[1]


@given(st.text(), st.booleans())
def test_details_cannot_steer_the_terminal(detail: str, live: bool) -> None:
    """Whatever a guest says of itself, each line that is written is printable."""
    paper = Paper()
    ProgressView(paper, live=live, stream_logs=False).show([Shown(detail=detail, phase="failed")])
    assert all(line.isprintable() for line in paper.screen)


def test_an_escape_sequence_in_a_detail_is_shown_as_text() -> None:
    r"""ESC is written as the four characters ``\x1b``."""
    paper = Paper()
    ProgressView(paper, live=False, stream_logs=False).show([Shown(detail="\x1b[2Jgone", phase="failed")])
    assert "\\x1b[2Jgone" in paper.screen[0]


@given(st.text(), st.lists(st.integers(0, 40)))
def test_a_log_is_streamed_whole_lines_once(text: str, ends: list[int]) -> None:
    """Whatever pieces a growing log comes in, each whole line is shown once, in order, printable."""
    paper = Paper()
    view = ProgressView(paper, live=False, stream_logs=True)
    for end in [*sorted(ends), len(text)]:
        view.show([Shown(log=text[:end])])
    streamed = [line for line in paper.screen if line.startswith("  m5.large | ")]
    whole = text[: text.rfind("\n") + 1]
    once = Paper()
    ProgressView(once, live=False, stream_logs=True).show([Shown(log=whole)])
    assert streamed == [line for line in once.screen if line.startswith("  m5.large | ")]
    assert all(line.isprintable() for line in streamed)


def test_a_log_that_begins_anew_is_shown_from_its_start() -> None:
    """A retried launch has another log, none of which is taken for shown."""
    paper = Paper()
    view = ProgressView(paper, live=False, stream_logs=True)
    view.show([Shown(log="one\ntwo\n")])
    view.show([Shown(log="other\n")])
    view.show([Shown(log="other\nmore\n")])
    streamed = [line for line in paper.screen if " | " in line]
    assert streamed == [f"  m5.large | {word}" for word in ("one", "two", "other", "more")]


def test_lines_that_a_log_lost_between_two_looks_are_counted() -> None:
    """A guest sends a long log's end; of what came and went since the last look the number is said, once."""
    paper = Paper()
    view = ProgressView(paper, live=False, stream_logs=True)
    view.show([Shown(log="0\n1\n2\n")])
    view.show([Shown(log="[... 1,200 lines are left out ...]\n200\n1201\n")])
    view.show([Shown(log="[... 1,201 lines are left out ...]\n1201\n1202\n")])
    view.show([Shown(log="[... 1,210 lines are left out ...]\n1210\n")])
    streamed = [line.partition(" | ")[2] for line in paper.screen if " | " in line]
    first, second = "[... 1,197 lines are left out ...]", "[... 7 lines are left out ...]"
    assert streamed == ["0", "1", "2", first, "200", "1201", "1202", second, "1210"]


def test_money_is_summed_over_the_jobs() -> None:
    """The last line has what all jobs have cost so far."""
    paper = Paper()
    jobs = [Shown("a", spent_usd=Decimal("0.25")), Shown("b", spent_usd=Decimal("0.5"))]
    ProgressView(paper, live=True, stream_logs=False).show(jobs)
    assert paper.screen[-1] == "  spent so far ≈ 0.7500 USD"


def test_m1_what_is_over_is_marked_as_it_ended() -> None:
    """A job whose tests passed has a tick; one of which a test failed, or that did not deliver, has a cross."""
    paper = Paper()
    jobs = [
        Shown("a", "done", "passed"),
        Shown("b", "done", "failed"),
        Shown("c", "done", "error: lost"),
        Shown("d", "failed", "error: no capacity"),
        Shown("e", "done", "timeout"),
        Shown("f", "running"),
    ]
    ProgressView(paper, live=True, stream_logs=False).show(jobs)
    assert [line[0] for line in paper.screen[:-1]] == ["✓", "✗", "✗", "✗", "✗", "▸"]


def test_lines_of_different_times_have_the_same_columns() -> None:
    """Whatever the phase and the time, the money ends at the same place."""
    paper = Paper()
    view = ProgressView(paper, live=False, stream_logs=False)
    for phase, seconds in [("run", 9.5), ("wait", 11.0), ("shutting-down", 3599.0), ("collect", 3900.0)]:
        view.show([Shown(phase=phase, seconds=seconds)])
    assert len({line.index(" USD") for line in paper.screen}) == 1


def test_no_jobs_are_no_lines() -> None:
    """Without a job nothing is written off a terminal."""
    paper = Paper()
    ProgressView(paper, live=False, stream_logs=True).show([])
    assert paper.screen == []


def test_a_sentence_between_two_looks_stays_above_the_jobs() -> None:
    """On a terminal the next look erases the jobs' lines alone, as what a search says is written while they stand."""
    paper = Paper()
    view = ProgressView(paper, live=True, stream_logs=False)
    view.show([Shown(phase="done", detail="passed")])
    view.above("aws: search: m5.large takes 1 s")
    view.above("aws: search: 2 of 3: c5.large")
    view.show([Shown(phase="done", detail="passed"), Shown(name="c5.large", phase="pending")])
    assert paper.screen[:2] == ["aws: search: m5.large takes 1 s", "aws: search: 2 of 3: c5.large"]
    assert len(paper.screen) == 2 + 3
