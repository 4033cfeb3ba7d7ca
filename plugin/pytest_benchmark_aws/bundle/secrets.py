"""Which files look as if they held keys, by their names and folders: they are never shipped."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SECRETS = (
    ".env", ".env.*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "id_rsa*",
    "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", "_netrc", ".pypirc", ".pgpass", "credentials", "credentials.*",
    ".htpasswd", "*.ovpn", ".git-credentials", ".dockercfg", "*.tfstate", "*.tfvars",
)  # fmt: skip
SECRET_FOLDERS = frozenset({".git", ".aws", ".ssh", ".gnupg", ".kube", ".azure", ".docker"})


def is_secret(file: Path) -> bool:
    """Whether a file's name or folder says that it holds keys; the file itself is not read."""
    name = file.name.lower()
    return bool(SECRET_FOLDERS & set(file.parts[:-1])) or any(fnmatch.fnmatch(name, pattern) for pattern in SECRETS)
