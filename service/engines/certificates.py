"""Certificates of a cluster of one's own: an authority, and what each process shows."""

import datetime
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS, DAYS = 3650, 397
RENEWED_DAYS = 60  # before the end
_CLOCKS_APART = datetime.timedelta(hours=1)
_AUTHORITY, _AUTHORITY_KEY = "ca.pem", "ca-key.pem"
_CERTIFICATE, _KEY = "certificate.pem", "key.pem"


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where they are, until when the certificate is good, and whether it was made just now."""

    authority: Path
    certificate: Path
    key: Path
    good_until: datetime.datetime
    is_new: bool


class CertificateError(Exception):
    """The folder holds a part of an authority only; the text says what is missing."""


def ensure_certificates(folder: Path) -> Certificates:
    """Certificates in the folder: those that are there, made where missing or about to end.

    The authority is made once. Whoever has a certificate of it runs code on the cluster, so
    keys can be read by their owner only, and the folder belongs to the cluster alone.

    Raises:
        CertificateError: the authority's certificate is there without its key, or the reverse.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority, authority_key = _authority(folder)
    certificate, key = folder / _CERTIFICATE, folder / _KEY
    now = datetime.datetime.now(datetime.UTC)
    if certificate.exists() and key.exists():
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        left = found.not_valid_after_utc - now
        if left > datetime.timedelta(days=RENEWED_DAYS) and found.issuer == authority.subject:
            until = found.not_valid_after_utc
            return Certificates(folder / _AUTHORITY, certificate, key, until, is_new=False)
    private = ec.generate_private_key(ec.SECP256R1())
    until = min(now + datetime.timedelta(days=DAYS), authority.not_valid_after_utc)
    made = (
        _begun("gradserve", private, now, until)
        .issuer_name(authority.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    _write(key, _private_bytes(private), 0o600)
    _write(certificate, made.public_bytes(serialization.Encoding.PEM), 0o644)
    good_until = made.not_valid_after_utc
    return Certificates(folder / _AUTHORITY, certificate, key, good_until, is_new=True)


def _authority(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    path, key_path = folder / _AUTHORITY, folder / _AUTHORITY_KEY
    if path.exists() != key_path.exists():
        there, missing = sorted((path, key_path), key=lambda each: not each.exists())
        raise CertificateError(f"{folder} has {there.name}, but not {missing.name}")
    if path.exists():
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise CertificateError(f"{key_path} holds no key of an elliptic curve")
        return x509.load_pem_x509_certificate(path.read_bytes()), key
    private = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    begun = _begun(
        "gradserve cluster", private, now, now + datetime.timedelta(days=AUTHORITY_DAYS)
    )
    made = (
        begun.issuer_name(_name("gradserve cluster"))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_signs(), critical=True)
        .sign(private, hashes.SHA256())
    )
    _write(key_path, _private_bytes(private), 0o600)
    _write(path, made.public_bytes(serialization.Encoding.PEM), 0o644)
    return made, private


def _begun(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    now: datetime.datetime,
    until: datetime.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_APART)
        .not_valid_after(until)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
    )


def _signs() -> x509.KeyUsage:
    return x509.KeyUsage(
        key_cert_sign=True,
        crl_sign=True,
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _private_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write as a whole or not at all; nobody else can read it before its mode is set."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    beside.replace(path)
