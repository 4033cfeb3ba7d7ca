"""Files that hold keys are not shipped, which is said; code that is imported is code; one can be allowed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_benchmark_aws.bundle.project import files_to_ship
from pytest_benchmark_aws.bundle.secrets import is_secret, key_in_bytes
from pytest_benchmark_aws.core.errors import PlanError
from tests.bundle.test_project import repository

NAMES = (
    ".npmrc", "kubeconfig", "secrets.yaml", "secrets.toml", "deploy/service-account.json", "prod.tfvars.json",
    ".envrc", ".my.cnf", ".boto", "pip.conf", ".vault-token", "putty.ppk", "ssh_host_rsa_key",
    "ssh_host_ed25519_key", "auth.json", ".m2/settings.xml", "rclone.conf", ".dockerconfigjson", ".bash_history",
    ".streamlit/secrets.toml", ".config/gcloud/application_default_credentials.json", ".kube/config",
    ".docker/config.json", ".cargo/credentials.toml", ".aws/config", ".config/gh/hosts.yml",
    ".terraform/terraform.tfstate", "k8s/db-secret.yaml", ".pypirc", ".netrc", ".git-credentials", ".pgpass",
    ".mylogin.cnf", "clouds.yaml", "client_secret_123.json", ".python_history", ".zsh_history", "kaggle.json",
    ".env.production", "prod.env", ".htpasswd", "id_rsa_old", "key.p8", "store.jks", "vault.kdbx", ".s3cfg",
    ".config/rclone/rclone.conf",
)  # fmt: skip
PLAIN = (
    "test_secrets.py", "secrets.py", "app/credentials.py", "token.py", "tokenizer.json", "tokens.json",
    "settings.xml", "public.json", "keys.py", "config.yaml", "environment.yml", ".gitignore", ".coveragerc",
    "pyproject.toml", "data/passwords.csv", "key_value.txt", "monkey.txt", ".envs/readme",
)  # fmt: skip
BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
# In parts, so that this file itself is none.
PEM = "-----BEGIN {}PRIVATE" + " KEY{}-----\n" + BODY + "\n" + BODY + "\n"
AWS_ID, AWS_SECRET = "AKIA" + "3NQ7VXD2KZ5WYLB4", "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYzzzzKEYab9"
KEYS = {
    "pkcs8": PEM.format("", ""),
    "rsa": PEM.format("RSA ", ""),
    "openssh": PEM.format("OPENSSH ", ""),
    "encrypted": PEM.format("RSA ", "").replace(BODY, "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,1F\n\n" + BODY, 1),
    "in json": '{"type": "service_account", "private_key": "' + PEM.format("", "").replace("\n", "\\n") + '"}',
    "pgp": PEM.format("PGP ", " BLOCK"),
    "aws id": f'client("s3", aws_access_key_id="{AWS_ID}")',
    "aws secret": f"aws_secret_access_key = {AWS_SECRET}",
    "aws in a notebook": f'"source": ["AWS_SECRET_ACCESS_KEY=\'{AWS_SECRET}\'\\n"]',
    "github": "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6",
    "slack": "xoxb-" + "123456789012-1234567890123-aBcDeFgHiJkLmNoPqRsTuVwX",
    "stripe": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "npm": "//registry.npmjs.org/:_authToken=" + "1f0c3a52-9d5e-4c1b-8a7e-0b2d4f6a8c9e",
    "pypi": "pypi-AgE" + "IcHlwaS5vcmcCJDU3ZWY4YjQ2LTI5ZmItNGQzZC1hYzlmLWUzM2JjNmE3NzFhZgACKlszLCI",
    "azure": "AccountKey="
    + "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw"
    + "==",
}  # fmt: skip
HARMLESS = (
    "AWS_ACCESS_KEY_ID = 'AKIAIOSFODNN7EXAMPLE'",
    "aws_secret_access_key = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'",
    "AKIAXXXXXXXXXXXXXXXX",
    "aws_secret_access_key = os.environ['AWS_SECRET_ACCESS_KEY']",
    "if b'-----BEGIN PRIVATE KEY-----' in data: raise ValueError('a key')",
    "password = 'secret'; api_key = 'test'; token = 'x' * 40",
    "//registry.npmjs.org/:_authToken=${NPM_TOKEN}",
    "-----BEGIN CERTIFICATE-----\n" + BODY,
    "mark = '-----BEGIN PRIVATE KEY-----'; digest = '" + "0123456789abcdef" * 4 + "'",
    "-----BEGIN PUBLIC KEY-----\n" + BODY,
)


@pytest.mark.parametrize("name", NAMES)
def test_k6_a_name_that_tools_keep_keys_under_is_secret(name: str) -> None:
    """In any folder, in any case."""
    assert is_secret(Path(name))
    assert is_secret(Path("some/folder") / name)
    assert is_secret(Path(name.upper()))


@pytest.mark.parametrize("name", PLAIN)
def test_k6_what_only_sounds_like_it_is_not(name: str) -> None:
    """A file that is left out by mistake breaks a run."""
    assert not is_secret(Path(name))


@pytest.mark.parametrize("kind", KEYS)
def test_k6_a_key_is_found_in_any_file(tmp_path: Path, kind: str) -> None:
    """Behind other text, and with Windows' ends of lines; the file is left out, with what it holds."""
    for text in (KEYS[kind], f"x = 1\n# {KEYS[kind]}\n", KEYS[kind].replace("\n", "\r\n")):
        assert key_in_bytes(text.encode()), text
    repository(tmp_path, {"test_it.py": b"", "notes.txt": KEYS[kind].encode()})
    pairs, left_out = files_to_ship(tmp_path, [Path("test_it.py")])
    assert [name for name, _ in pairs] == ["test_it.py"]
    assert left_out == {Path("notes.txt"): key_in_bytes(KEYS[kind].encode())}


@pytest.mark.parametrize("text", HARMLESS)
def test_k6_examples_and_words_are_no_keys(text: str) -> None:
    """Nor what reads a key from elsewhere."""
    assert key_in_bytes(text.encode()) == ""


@given(st.binary(max_size=300))
def test_k6_bytes_of_any_kind_are_looked_through(data: bytes) -> None:
    """Images and archives too; no key is found in noise."""
    assert key_in_bytes(data) == ""


def test_k6_what_git_encrypts_is_left_out(tmp_path: Path) -> None:
    """git-crypt's files are plain on disk once they are unlocked."""
    files = {"test_it.py": b"", "a/prices.json": b"{}", ".gitattributes": b"a/** filter=git-crypt diff=git-crypt\n"}
    repository(tmp_path, files)
    pairs, left_out = files_to_ship(tmp_path, [Path("test_it.py")])
    assert [name for name, _ in pairs] == [".gitattributes", "test_it.py"]
    assert left_out == {Path("a/prices.json"): "what git encrypts"}


@pytest.mark.parametrize("pattern", ["certs/server.key", "certs/*", "*.key"])
def test_k6_one_can_be_allowed(tmp_path: Path, pattern: str) -> None:
    """By its path or a pattern, whatever it holds; the others are left out."""
    repository(tmp_path, {"test_it.py": b"", "certs/server.key": KEYS["rsa"].encode(), ".env": b""})
    pairs, left_out = files_to_ship(tmp_path, [Path("test_it.py")], ship_secrets=[pattern])
    assert [name for name, _ in pairs] == ["certs/server.key", "test_it.py"]
    assert list(left_out) == [Path(".env")]


def test_k6_a_pattern_that_means_no_file_is_refused(tmp_path: Path) -> None:
    """What was meant would be missing there."""
    repository(tmp_path, {"test_it.py": b""})
    with pytest.raises(PlanError, match=r"--aws-ship-secret=cert: no file of the project"):
        files_to_ship(tmp_path, [Path("test_it.py")], ship_secrets=["cert"])


def test_k6_a_file_that_is_needed_and_holds_a_key_is_refused_by_name(tmp_path: Path) -> None:
    """Without it the tests would fail there, after the launch."""
    repository(tmp_path, {"test_it.py": b"import config", "config.py": KEYS["aws id"].encode()})
    with pytest.raises(
        PlanError, match=r"config\.py is needed and holds an AWS access key.*--aws-ship-secret=config\.py"
    ):
        files_to_ship(tmp_path, [Path("test_it.py")], [Path("config.py")])
    pairs, left_out = files_to_ship(tmp_path, [Path("test_it.py")], [Path("config.py")], ["config.py"])
    assert ([name for name, _ in pairs], left_out) == (["config.py", "test_it.py"], {})


@pytest.mark.parametrize(
    "name", ["app/credentials.py", "app/secrets.py", "local_settings.py", "credentials.cpython-311.so"]
)
def test_d3_code_that_is_imported_is_no_secret_file(tmp_path: Path, name: str) -> None:
    """Whatever it is called; and it is not said to be left out."""
    repository(tmp_path, {"test_it.py": b"", name: b"x = 1"})
    pairs, left_out = files_to_ship(tmp_path, [Path("test_it.py")], [Path(name)])
    assert name in [shipped for shipped, _ in pairs]
    assert left_out == {}


def test_d3_a_test_is_shipped_whatever_it_is_called(tmp_path: Path) -> None:
    """It is what is to run there."""
    repository(tmp_path, {"local_settings.py": b""})
    pairs, _ = files_to_ship(tmp_path, [Path("local_settings.py")])
    assert [name for name, _ in pairs] == ["local_settings.py"]


def test_k6_a_link_to_a_secret_is_left_out(tmp_path: Path) -> None:
    """With what it leads to."""
    repository(tmp_path, {"test_it.py": b"", ".env": b""})
    (tmp_path / "plain.txt").symlink_to(".env")
    subprocess.run(["git", "-C", str(tmp_path), "add", "-A"], check=True)
    _, left_out = files_to_ship(tmp_path, [Path("test_it.py")])
    assert left_out == {Path(".env"): "its name", Path("plain.txt"): "a link to .env"}
