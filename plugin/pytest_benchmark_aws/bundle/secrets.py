"""Which files hold keys, by names, folders and content: they are not shipped unless that is asked for.

The names are those that gitleaks and GitHub's collection of .gitignore files have in common with the tools' own
documentation. Of what gitleaks and detect-secrets look for, only keys are taken that have a form of their own: a test
is full of words that look like a password, and a file that is left out by mistake breaks a run. (detect-secrets itself
would bring requests and PyYAML into every environment, and reads a megabyte in a second.)
"""

from __future__ import annotations

import fnmatch
import math
import re
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SECRETS = (
    # keys, and what holds keys
    "*.pem", "*.key", "*.p12", "*.pfx", "*.p8", "*.jks", "*.keystore", "*.bcfks", "*.kdb", "*.kdbx", "*.ppk", "id_rsa*",
    "id_dsa*", "id_ecdsa*", "id_ed25519*", "ssh_host_*_key", "*.ovpn", "wg[0-9]*.conf", "secring.*", "*.agilekeychain",
    "*.keychain", "*.mobileprovision", "*.snk",
    # environments
    ".env", ".env.*", "*.env", ".envrc", ".flaskenv",
    # clouds
    "credentials", "credentials.*", ".credentials", "*.credentials", ".boto", ".s3cfg", ".passwd-s3fs",
    "service-account*.json", "service_account*.json", "serviceaccount*.json", "*-service-account.json",
    "application_default_credentials.json", "client_secret*.json", "gcloud-service-key*.json", "gha-creds-*.json",
    "accesstokens.json", "azureprofile.json", "*.publishsettings", "*.azureauth", "rclone.conf", "*openrc.sh",
    "clouds.yaml", "clouds.yml", "kubeconfig", "kubeconfig.*", "*.kubeconfig", "*.tfstate", "*.tfstate.*", "*.tfvars",
    "*.tfvars.json", ".terraformrc", "terraform.rc", "credentials.tfrc.json", ".vault-token", ".vault_pass*",
    # packages and code
    ".npmrc", ".yarnrc.yml", ".pypirc", "pip.conf", "pip.ini", ".netrc", "_netrc", ".git-credentials", ".dockercfg",
    ".dockerconfigjson", "auth.json", "nuget.config", ".gemrc", "settings-security.xml", "kaggle.json", "cookies.txt",
    # databases and mail
    ".pgpass", "pgpass.conf", ".my.cnf", ".mylogin.cnf", ".mongorc.js", ".sqlcmdrc", ".htpasswd", "htpasswd",
    ".esmtprc", ".msmtprc", ".fetchmailrc", ".muttrc", "filezilla.xml", "recentservers.xml", "sitemanager.xml",
    "sftp-config.json", ".ftpconfig", ".remote-sync.json", "proftpdpasswd",
    # what is called so
    "secrets", "secrets.*", "secret.*", ".secrets", ".secrets.*", "*.secret", "*.secrets", "*-secret.yaml",
    "*-secret.yml", "*-secrets.yaml", "*-secrets.yml", "*.secret.yaml", "*.secrets.yaml", "secret_token.rb",
    "local_settings.py", "localsettings.php", "wp-config.php", "api_key*.txt", "apikey*", "token.txt", "token.json",
    # what a shell or a tool remembers
    ".bash_history", ".zsh_history", ".sh_history", ".python_history", ".psql_history", ".mysql_history",
    ".sqlite_history", ".irb_history", ".node_repl_history", ".rediscli_history", ".lesshst", ".viminfo",
)  # fmt: skip
SECRET_FOLDERS = frozenset(
    {".git", ".aws", ".ssh", ".gnupg", ".kube", ".azure", ".docker", ".oci", ".gcloud", ".gsutil", ".password-store"}
)
_PLACES = (
    ".m2/settings.xml", ".config/gcloud/*", ".config/gh/*", ".config/glab-cli/*", ".config/hub", ".config/doctl/*",
    ".config/rclone/*", ".config/pip/*", ".config/sops/*", ".config/openstack/*", ".config/op/*", ".cargo/credentials*",
    ".gem/credentials", ".composer/auth.json", ".huggingface/token", ".gradle/gradle.properties", ".databricks/*",
    ".local/share/keyrings/*", ".mozilla/*", ".snowsql/config",
)  # fmt: skip
"""Names that hold keys in one folder alone."""
_CODE = (".py", ".pyi")
"""Of a name such as ``secrets.py``: a module of that name is code, whose content tells whether it holds keys."""
_NEVER_CODE = ("local_settings.py",)
_SCANNED = 8 * 2**20
"""Bytes of a file that are looked through: keys are in what somebody wrote."""
_LEAST_ENTROPY = 3.0
"""Bits a character, as gitleaks asks of an AWS key: of ``AKIAXXXXXXXXXXXXXXXX`` it is less."""

_Rule = tuple[str, tuple[bytes, ...], re.Pattern[bytes]]
_RULES: tuple[_Rule, ...] = (
    (
        "a private key",
        (b"PRIVATE KEY",),
        re.compile(
            rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
            rb"(?:\\[nr]|[\s\"'+,]|(?:Proc-Type|DEK-Info|Version|Comment):[^\r\n\\]{0,120}){1,40}[A-Za-z0-9+/]{40}"
        ),
    ),
    ("a private key of PuTTY", (b"PuTTY-User-Key-File",), re.compile(rb"^PuTTY-User-Key-File-\d:", re.MULTILINE)),
    ("a private key of age", (b"AGE-SECRET-KEY-1",), re.compile(rb"AGE-SECRET-KEY-1[A-Z0-9]{58}")),
    (
        "an AWS access key",
        (b"AKIA", b"ASIA"),
        re.compile(rb"(?<![A-Za-z0-9+/])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9+/])"),
    ),
    (
        "an AWS secret key",
        (b"ecret", b"ECRET"),
        re.compile(
            rb"(?i:aws_?secret_?(?:access_?)?key)[\"']?\s{0,3}[=:,]\s{0,3}[\"']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
        ),
    ),
    ("a GitHub token", (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"), re.compile(rb"\bgh[pousr]_[A-Za-z0-9]{36}")),
    ("a GitHub token", (b"github_pat_",), re.compile(rb"\bgithub_pat_\w{60,}")),
    ("a GitLab token", (b"glpat-",), re.compile(rb"\bglpat-[\w-]{20}")),
    ("a Slack token", (b"xox",), re.compile(rb"\bxox[abeoprs]-(?:\d+-)+[A-Za-z0-9-]{20,}")),
    ("a Stripe key", (b"_live_",), re.compile(rb"\b[rs]k_live_[A-Za-z0-9]{20,}")),
    ("an npm token", (b"npm_",), re.compile(rb"\bnpm_[A-Za-z0-9]{36}\b")),
    ("an npm token", (b"_authToken",), re.compile(rb":_authToken\s*=\s*(?!\$)\S{20,}")),
    ("a PyPI token", (b"pypi-AgE",), re.compile(rb"\bpypi-AgE[\w-]{50,}")),
    ("an OpenAI key", (b"T3BlbkFJ",), re.compile(rb"\bsk-[\w-]{16,}T3BlbkFJ[\w-]{16,}")),
    ("an Anthropic key", (b"sk-ant-",), re.compile(rb"\bsk-ant-[a-z]{3,5}\d\d-[\w-]{80,}")),
    ("a Hugging Face token", (b"hf_",), re.compile(rb"\bhf_[A-Za-z]{34}\b")),
    ("a Google API key", (b"AIza",), re.compile(rb"\bAIza[\w-]{35}(?![\w-])")),
    ("a SendGrid key", (b"SG.",), re.compile(rb"\bSG\.[\w-]{22}\.[\w-]{43}")),
    ("an Azure storage key", (b"AccountKey=",), re.compile(rb"AccountKey=[A-Za-z0-9+/]{86}==")),
    ("a Vault token", (b"hvs.",), re.compile(rb"\bhvs\.[\w-]{90,}")),
    ("a DigitalOcean token", (b"do", b"_v1_"), re.compile(rb"\bdo[opr]_v1_[a-f0-9]{64}")),
)
"""What it is called, bytes of which one is in every file that holds it, and its form."""


def is_secret(file: Path) -> bool:
    """Whether a file's name or folder says that it holds keys; the file itself is not read."""
    name, place = file.name.lower(), file.as_posix().lower()
    if SECRET_FOLDERS & {part.lower() for part in file.parts[:-1]}:
        return True
    if any(fnmatch.fnmatchcase(f"/{place}", f"*/{pattern}") for pattern in _PLACES):
        return True
    if name.endswith(_CODE) and name not in _NEVER_CODE:
        return False
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in SECRETS)


def key_in(path: Path) -> str:
    """What kind of key a file holds; empty where there is none, or the file cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(_SCANNED)
    except OSError:
        return ""
    return key_in_bytes(data)


def key_in_bytes(data: bytes) -> str:
    """The same of a file's content."""
    for what, marks, form in _RULES:
        if any(mark in data for mark in marks) and any(_is_real(match[0]) for match in form.finditer(data)):
            return what
    return ""


def is_allowed(file: Path, patterns: Iterable[str]) -> bool:
    """Whether a file, relative to the root, is among those that are to be shipped whatever they hold."""
    return any(PurePosixPath(file.as_posix()) == PurePosixPath(text) or file.match(text) for text in patterns)


def _is_real(key: bytes) -> bool:
    """Whether it is no example: AWS's own end in EXAMPLE, and people write the same letter again and again."""
    if b"EXAMPLE" in key.upper():
        return False
    counts = Counter(key[-40:])
    total = sum(counts.values())
    return -sum(count / total * math.log2(count / total) for count in counts.values()) >= _LEAST_ENTROPY
