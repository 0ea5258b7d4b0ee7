"""Which station sent this request, and that the body is as it was sent: RFC 9421 signatures over RFC 9530 digests.

One fixed form: the covered components are `COVERED`, the algorithm is Ed25519, the key id is the key's SHA-256. A seq
is not inside a signed record, so this is what binds seq and digest to the station. The time of signing is carried but
not judged: repeating a request changes nothing (the same records again are the same answer), and a bench with a wrong
clock must still be able to deliver. The module knows no web framework.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["COVERED", "STATION_HEADER", "content_digest", "sign_request", "signature_base", "verify_request"]

STATION_HEADER = "assay-station"
COVERED = ("@method", "@path", "content-digest", STATION_HEADER)

_COMPONENTS = " ".join(f'"{name}"' for name in COVERED)
_INPUT = re.compile(
    rf'^sig1=(\({re.escape(_COMPONENTS)}\);created=[0-9]{{1,12}};nonce="[A-Za-z0-9_-]{{16,64}}"'
    r';alg="ed25519";keyid="(?P<key>[0-9a-f]{64})")$'
)
_SIGNATURE = re.compile(r"^sig1=:(?P<value>[A-Za-z0-9+/]{86}==):$")


def content_digest(body: bytes) -> str:
    """The `Content-Digest` field of a body (RFC 9530), SHA-256."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def signature_base(components: Iterable[tuple[str, str]], parameters: str) -> bytes:
    """The bytes that are signed (RFC 9421 section 2.5): each component with its value, then the parameters."""
    lines = [f'"{name}": {value}' for name, value in components]
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode()


def sign_request(
    key: Ed25519PrivateKey, key_id: str, method: str, path: str, station: str, body: bytes, created_s: int
) -> dict[str, str]:
    """The header fields that prove `station` sent `body` to `path`."""
    parameters = (
        f'({_COMPONENTS});created={created_s};nonce="{secrets.token_urlsafe(18)}";alg="ed25519";keyid="{key_id}"'
    )
    digest = content_digest(body)
    signed = key.sign(signature_base(zip(COVERED, (method, path, digest, station), strict=True), parameters))
    return {
        STATION_HEADER: station,
        "content-digest": digest,
        "signature-input": f"sig1={parameters}",
        "signature": f"sig1=:{base64.b64encode(signed).decode()}:",
    }


def verify_request(
    public: bytes, key_id: str, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> str | None:
    """None when the station whose raw key is `public` sent exactly this; else what is wrong, for a log."""
    given = _INPUT.match(headers.get("signature-input", ""))
    signature = _SIGNATURE.match(headers.get("signature", ""))
    if not given or not signature:
        return "no signature of the expected form"
    if given["key"] != key_id:
        return "signed by another key"
    digest = content_digest(body)
    if headers.get("content-digest") != digest:
        return "the body is not the one that was signed"
    values = (method, path, digest, headers.get(STATION_HEADER, ""))
    base = signature_base(zip(COVERED, values, strict=True), given[1])
    raw = base64.b64decode(signature["value"])
    if base64.b64encode(raw).decode() != signature["value"]:  # unused bits of the last character
        return "the signature is not in canonical base64"
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(raw, base)
    except (InvalidSignature, ValueError):
        return "the signature is wrong"
    return None
