"""What looks like a secret."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.bundle.secrets import SECRET_FOLDERS, is_secret
from tests.bundle.test_project import NAMES


@given(
    NAMES, st.sampled_from([".env", ".env.local", "KEY.PEM", "id_ed25519", ".netrc", "credentials.json", "x.tfvars"])
)
def test_a_secret_is_one_in_any_folder_and_case(folder: str, name: str) -> None:
    """The name decides, whatever the folder and the case."""
    assert is_secret(Path(folder) / name)
    assert is_secret(Path(name.upper()))


@given(NAMES, st.sampled_from(sorted(SECRET_FOLDERS)))
def test_what_lies_in_a_folder_of_keys_is_secret(name: str, folder: str) -> None:
    """Everything in ``.aws`` or ``.ssh`` is, at any depth; the name alone is no such folder."""
    assert is_secret(Path("a") / folder / name)
    assert not is_secret(Path("a") / name)
