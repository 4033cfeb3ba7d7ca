"""Names of files and folders of results."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.core.values.file_names import folder_name, safe_name


def test_embedded_results_have_a_folder_of_their_own() -> None:
    """What embedded AWS measured never lies beside what an instance measured."""
    assert folder_name("m5.large", embedded=False) == "m5.large"
    assert folder_name("m5.large", embedded=True) == "embedded-m5.large"


@given(st.text())
def test_any_text_is_a_files_name(text: str) -> None:
    """Whatever the text, what is made of it is one plain name, and stays as it is a second time."""
    name = safe_name(text)
    assert name
    assert "/" not in name
    assert name.isascii()
    assert not name.startswith((".", "-"))
    assert safe_name(name) == name


@given(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]*[A-Za-z0-9_]", fullmatch=True))
def test_a_plain_name_stays_as_it_is(name: str) -> None:
    """Letters, digits, points, dashes and underscores are kept."""
    assert safe_name(name) == name
