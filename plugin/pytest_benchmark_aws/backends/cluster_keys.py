"""The keys of a group's cluster, made for one launch: a certificate of its own authority, whose key nobody keeps."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from importlib.util import find_spec

NEEDED = ("distributed", "cryptography")
"""Distributions that a session needs for groups of machines, by their modules' names; the extra [group]."""
_CLOCKS = timedelta(hours=1)
"""That a machine's clock may be wrong by."""


def missing() -> list[str]:
    """Those of ``NEEDED`` that are not installed here."""
    return [name for name in NEEDED if find_spec(name) is None]


def make_keys(seconds: float) -> dict[str, str]:
    """PEM texts: ``ca``, which signed ``cert``, whose private key is ``key``; all valid for so many seconds.

    Scheduler, workers and clients share them: who holds the key is of the cluster. Its authority's key is thrown away,
    so that nobody is added later.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    begin = datetime.now(timezone.utc) - _CLOCKS
    end = begin + 2 * _CLOCKS + timedelta(seconds=seconds)

    def certificate(name: str, key: ec.EllipticCurvePrivateKey, issuer: str, by: ec.EllipticCurvePrivateKey) -> str:
        subject, signer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (name, issuer))
        builder = x509.CertificateBuilder(signer, subject, key.public_key(), x509.random_serial_number(), begin, end)
        is_authority = x509.BasicConstraints(ca=name == issuer, path_length=None)
        signed = builder.add_extension(is_authority, critical=True).sign(by, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode("ascii")

    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name, name = "pytest-benchmark-aws authority of one run", "pytest-benchmark-aws cluster"
    key = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")
    return {
        "ca": certificate(ca_name, authority, ca_name, authority),
        "cert": certificate(name, own, ca_name, authority),
        "key": key,
    }
