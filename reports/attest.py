"""DSSE envelopes and Ed25519: what is signed, by which key, in exactly one form.

An envelope is stored as bytes and named by their SHA-256, so every byte of it must have one meaning: JSON in canonical
form, canonical base64, signatures sorted by key id and each id once. A key id is the SHA-256 of the raw public key.
Stands on `cryptography` and `reports.record`; who may sign what is the roster's business.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from drivers.text import Words
from reports.predicates import KeyV1, ReceiptV1
from reports.record import ReadStatement, RecordError, canonical, digest_of, parse_strict, read_statement

__all__ = [
    "MAX_ENVELOPE",
    "PAYLOAD_TYPE",
    "Ed25519PrivateKey",
    "Envelope",
    "EnvelopeError",
    "Record",
    "Signature",
    "assemble_envelope",
    "check_public_key",
    "generate_key",
    "key_id",
    "key_v1",
    "open_envelope",
    "open_record",
    "public_raw",
    "sign",
    "sign_envelope",
    "to_be_signed",
    "verify_receipt",
    "verify_signature",
]

#: The only payload type that is accepted (https://github.com/in-toto/attestation, "Envelope layer").
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
#: The most bytes of an envelope: one must fit an upload batch of 1 MB.
MAX_ENVELOPE: Final = 1_000_000
#: The most signatures of an envelope: station, person, approver, a replaced key; room for two more.
MAX_SIGNATURES: Final = 6

#: How many opened records are remembered: those of a few tickets. A run of 60 kB takes 10 ms to open and is opened some
#: eight times between its sealing and the release (measured with benchmarks/seal.py). What opens depends on the bytes
#: alone; who signed is verified anew each time.
OPENED: Final = 32

_KEY_ID = re.compile(r"[0-9a-f]{64}")

# Curve25519 in Edwards form (RFC 8032, 5.1).
_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, _P - 2, _P) % _P
#: y of a point of order 8; with 0 (order 4), 1 (the identity), -1 (order 2) and -y these are all y of small order.
_ORDER_8: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL_ORDER: Final = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})


class EnvelopeError(RecordError):
    """Bytes that are not an envelope in the one accepted form, a key that is refused, or a signature that is wrong."""


# --- keys ------------------------------------------------------------------------------------------------------------


def generate_key() -> Ed25519PrivateKey:
    """A new private key from the operating system's randomness."""
    return Ed25519PrivateKey.generate()


def public_raw(key: Ed25519PrivateKey) -> bytes:
    """The raw 32 bytes of the public key that belongs to `key`."""
    return key.public_key().public_bytes_raw()


def key_id(public: bytes) -> str:
    """The id of a public key: SHA-256 of its raw bytes, in hex."""
    return hashlib.sha256(public).hexdigest()


def key_v1(public: bytes, level: int = 1) -> KeyV1:
    """The key as it stands in a key event. Raises EnvelopeError when `check_public_key` refuses it."""
    check_public_key(public)
    return KeyV1(algorithm="ed25519", public=public.hex(), id=key_id(public), level=level)


def check_public_key(public: bytes) -> None:
    """Refuse a public key that is not one honest point: wrong length, not canonical, off the curve, or small order.

    With a small-order key (the identity among them) one signature fits every message, and `cryptography` accepts it.

    Raises:
        EnvelopeError: the key is refused.
    """
    if len(public) != 32:
        raise EnvelopeError(Words("a public key has 32 bytes", "公钥应为 32 字节"))
    y = int.from_bytes(public, "little") & (2**255 - 1)
    if y >= _P:
        raise EnvelopeError(Words("the public key is not in canonical form", "公钥不是规范形式"))
    if y in _SMALL_ORDER:
        raise EnvelopeError(Words("the public key has a small order", "公钥为小阶点，不可使用"))
    # x^2 = (y^2 - 1) / (d y^2 + 1) must be a square, and so must the product (Euler's criterion)
    if pow((y * y - 1) * (_D * y * y + 1), (_P - 1) // 2, _P) != 1:
        raise EnvelopeError(Words("the public key is not a point of the curve", "公钥不在曲线上"))


# --- signatures ------------------------------------------------------------------------------------------------------


def to_be_signed(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding (PAE, DSSE v1.0.0) of a payload of our one type."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(payload: bytes, key: Ed25519PrivateKey) -> tuple[str, bytes]:
    """(key id, signature) of one key over a payload: what a person's own process hands to the station."""
    return key_id(public_raw(key)), key.sign(to_be_signed(payload))


def verify_signature(public: bytes, payload: bytes, signature: bytes) -> None:
    """Check one signature over a payload.

    Raises:
        EnvelopeError: the signature does not belong to the payload and the key (malleable forms included), or the key
            is not usable.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, to_be_signed(payload))
    except (InvalidSignature, ValueError) as error:
        raise EnvelopeError(
            Words("the signature of key {key} does not fit the content", "密钥 {key} 的签名与内容不符").fill(
                key=key_id(public)[:16]
            )
        ) from error


# --- envelopes -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of an envelope, not verified yet."""

    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """An opened envelope. `digest` is the SHA-256 of the stored bytes: the name of the record."""

    digest: str
    payload: bytes
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """An opened envelope together with its statement; the signatures are not verified yet."""

    envelope: Envelope
    statement: ReadStatement

    @property
    def digest(self) -> str:
        """The record's name: SHA-256 of the stored envelope."""
        return self.envelope.digest

    @property
    def kind(self) -> str:
        """E.g. `run/v1`."""
        return self.statement.kind

    @property
    def ticket(self) -> str | None:
        """The ticket that the record belongs to, None for records of the station itself."""
        ticket = self.statement.raw.get("ticket")
        return ticket if isinstance(ticket, str) else None


def sign_envelope(payload: bytes, keys: Iterable[Ed25519PrivateKey]) -> bytes:
    """The envelope of a payload signed by each of the keys, ready to be stored."""
    return assemble_envelope(payload, [sign(payload, key) for key in keys])


def assemble_envelope(payload: bytes, signatures: Sequence[tuple[str, bytes]]) -> bytes:
    """The envelope of a payload and signatures (key id, signature) that were made elsewhere, ready to be stored.

    The signatures are not verified here.

    Raises:
        EnvelopeError: no signature, one key id twice, or too large.
    """
    data = canonical(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [
                {"keyid": name, "sig": base64.b64encode(signature).decode()} for name, signature in sorted(signatures)
            ],
        }
    )
    open_envelope(data)
    return data


def open_envelope(data: bytes) -> Envelope:
    """The envelope in stored bytes; its signatures are not verified yet.

    Raises:
        EnvelopeError: anything but the one accepted form (see the module's text).
    """
    try:
        whole = parse_strict(data, MAX_ENVELOPE)
    except RecordError as error:
        raise EnvelopeError(error.words) from error
    if not isinstance(whole, dict) or set(whole) != {"payload", "payloadType", "signatures"}:
        raise EnvelopeError(Words("is not an envelope", "不是信封"))
    if whole["payloadType"] != PAYLOAD_TYPE:
        raise EnvelopeError(
            Words("has the payload type {type}", "内容类型不被接受：{type}").fill(type=whole["payloadType"])
        )
    rows = whole["signatures"]
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_SIGNATURES:
        raise EnvelopeError(Words("has no signatures or too many", "没有签名或签名过多"))
    signatures = tuple(_signature(row) for row in rows)
    names = [signature.key_id for signature in signatures]
    if any(one >= other for one, other in pairwise(names)):
        raise EnvelopeError(Words("has a key id twice or out of order", "密钥编号重复或未排序"))
    return Envelope(digest_of(data), _from_base64(whole["payload"]), signatures)


def open_record(data: bytes) -> Record:
    """The record in stored bytes; its signatures are not verified yet.

    Raises:
        RecordError: not an envelope in the one accepted form, or not a statement within the profile.
    """
    return _opened(bytes(data))


@functools.lru_cache(maxsize=OPENED)
def _opened(data: bytes) -> Record:
    envelope = open_envelope(data)
    return Record(envelope, read_statement(envelope.payload))


def _signature(row: object) -> Signature:
    match row:
        case {"keyid": str(name), "sig": str(encoded), **more} if not more and _KEY_ID.fullmatch(name):
            signature = _from_base64(encoded)
            if len(signature) == 64:
                return Signature(name, signature)
    raise EnvelopeError(Words("has a signature in a wrong form", "签名格式错误"))


def _from_base64(text: Any) -> bytes:
    if not isinstance(text, str):
        raise EnvelopeError(Words("has no payload", "没有内容"))
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EnvelopeError(Words("is not base64", "不是 base64")) from error
    if base64.b64encode(data).decode() != text:
        raise EnvelopeError(Words("is not canonical base64", "不是规范的 base64"))
    return data


# --- receipts --------------------------------------------------------------------------------------------------------


def verify_receipt(
    data: bytes,
    head_office_public: bytes,
    batch: Iterable[tuple[int, str]] | None = None,
    *,
    station: str | None = None,
) -> ReceiptV1:
    """The receipt in stored bytes, verified: only what it acknowledges is acknowledged.

    Args:
        head_office_public: the pinned raw public key of head office.
        batch: (seq, digest) of the records that were sent; None when an old receipt is checked.
        station: this station's id; None to accept any.

    Raises:
        RecordError: not signed by exactly that key, not a receipt, for another station, or it speaks of a record that
            was not in the batch.
    """
    record = open_record(data)
    receipt = record.statement.predicate
    if not isinstance(receipt, ReceiptV1):
        raise RecordError(Words("is not a receipt", "不是回执"))
    if [signature.key_id for signature in record.envelope.signatures] != [key_id(head_office_public)]:
        raise EnvelopeError(Words("is not signed by the pinned head office", "不是由已登记的总部密钥签署"))
    verify_signature(head_office_public, record.envelope.payload, record.envelope.signatures[0].signature)
    if record.statement.subject != digest_of(receipt.station.encode()) or station not in (None, receipt.station):
        raise RecordError(Words("is for another station", "不是本工位的回执"))
    if batch is not None:
        sent = set(batch)
        rows = (*receipt.acknowledged, *receipt.refused, *receipt.quarantined)
        for row in rows:
            if (row.seq, row.digest) not in sent:
                raise RecordError(
                    Words("speaks of record {seq}, which was not sent", "提到未发送的记录 {seq}").fill(seq=row.seq)
                )
    return receipt
