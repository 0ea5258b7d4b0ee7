"""Mutual TLS between the stations of a shop: who is of the shop, and which station it is.

The shop's key gives a certificate authority that every member can compute and nobody else; each station certifies its
own Ed25519 key with it. So a handshake shows two things of each side: it has the shop's key, and it has the private key
that its certificate names. Stands on `cryptography` (X.509) and the standard library's `ssl`; it knows no ticket.

The station's key signs TLS handshakes beside records: what is signed there begins with 64 spaces and a context string
(RFC 8446, 4.4.3), a record with `DSSEv1`, a request with `"@method"`, so that none can pass for another.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from station.settings import load_key
from station.shop_key import ShopKey

__all__ = ["Caller", "Contexts", "caller_of", "contexts", "name_of"]

_INFO = b"assay-lan-ca/1\0"
#: A bench's clock may be wrong, and membership is ended by other means than time: RFC 5280, 4.1.2.5, "no well-defined
#: expiration date".
_FROM = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_FOR_EVER = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the other end of a connection, as its certificate says: station, and raw public key."""

    station: str
    public: bytes


@dataclass(frozen=True, slots=True)
class Contexts:
    """The two sides of TLS of this station."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def name_of(station: str) -> str:
    """The host name that stands for a station in its certificate, whatever its address is.

    A station's id may hold signs that no host name has.
    """
    return f"{hashlib.sha256(station.encode()).hexdigest()[:32]}.station.assay.internal"


def contexts(shop: ShopKey, station: str, key_file: Path, *, simulated: bool) -> Contexts:
    """The contexts of this station: TLS 1.3, both sides show a certificate of this shop.

    Args:
        key_file: the station's private key, which `ssl` reads for itself.

    Raises:
        FileNotFoundError: there is no key.
        Trouble: it can't be used.
    """
    authority, root = _authority(shop, simulated=simulated)
    leaf = _leaf(station, load_key(key_file).public_key(), authority, root)
    anchor = root.public_bytes(Encoding.PEM).decode()
    made = [ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)]
    for context in made:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_verify_locations(cadata=anchor)
        _load(context, leaf.public_bytes(Encoding.PEM), key_file)
    made[0].num_tickets = 0  # a session that is resumed shows no certificate again
    return Contexts(server=made[0], client=made[1])


def caller_of(certificate: bytes | None) -> Caller | None:
    """Who a verified certificate (DER) belongs to; None where there is none of the form that `contexts` makes."""
    with contextlib.suppress(ValueError, IndexError):
        leaf = x509.load_der_x509_certificate(certificate or b"")
        (name,) = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        public = leaf.public_key()
        if isinstance(public, Ed25519PublicKey) and isinstance(name.value, str):
            return Caller(name.value, public.public_bytes_raw())
    return None


def _load(context: ssl.SSLContext, certificate: bytes, key_file: Path) -> None:
    """`ssl` reads certificates from files alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "station.pem"
        path.write_bytes(certificate)
        context.load_cert_chain(path, key_file)


def _authority(shop: ShopKey, *, simulated: bool) -> tuple[Ed25519PrivateKey, x509.Certificate]:
    """The shop's authority, the same on each of its stations (RFC 5869 from the shop's key; Ed25519 has no chance)."""
    info = _INFO + (b"simulated\0" if simulated else b"real\0") + shop.shop.encode()
    key = Ed25519PrivateKey.from_private_bytes(HKDF(hashes.SHA256(), 32, None, info).derive(shop.key))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Assay {shop.shop}"[:64])])
    public = key.public_key()
    usage = _usage(signs_certificates=True)
    root = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=public, serial_number=1)
        .not_valid_before(_FROM)
        .not_valid_after(_FOR_EVER)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, None)
    )
    return key, root


def _leaf(
    station: str, public: Ed25519PublicKey, authority: Ed25519PrivateKey, root: x509.Certificate
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, station)])
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return (
        x509.CertificateBuilder(issuer_name=root.subject, subject_name=subject, public_key=public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_FOR_EVER)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name_of(station))]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),
            critical=False,
        )
        .sign(authority, None)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
