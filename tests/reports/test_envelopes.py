"""Envelopes and keys: the trap list of signatures, each by name."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st
from records_builder import HeadOffice, Shop
from securesystemslib.dsse import Envelope as OtherEnvelope
from securesystemslib.signer import SSlibKey

from reports.attest import (
    PAYLOAD_TYPE,
    EnvelopeError,
    assemble_envelope,
    check_public_key,
    generate_key,
    key_id,
    open_envelope,
    open_record,
    public_raw,
    sign,
    sign_envelope,
    to_be_signed,
    verify_receipt,
    verify_signature,
)
from reports.record import RecordError, canonical

#: The group order of edwards25519 (RFC 8032, 5.1).
L = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19


def test_known_answers_of_rfc_8032_hold() -> None:
    # RFC 8032, 7.1, TEST 1 and TEST 2
    for secret, public, message, signature in (
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ):
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
        assert public_raw(key).hex() == public
        assert key.sign(bytes.fromhex(message)).hex() == signature
        check_public_key(bytes.fromhex(public))


def test_the_encoding_to_sign_is_that_of_dsse() -> None:
    assert to_be_signed(b"{}") == b"DSSEv1 28 application/vnd.in-toto+json 2 {}"


def test_another_implementation_of_dsse_agrees() -> None:
    keys = [generate_key(), generate_key()]
    data = sign_envelope(b'{"a":1}', keys)
    other = OtherEnvelope.from_dict(json.loads(data))
    known = [SSlibKey.from_crypto(key.public_key(), keyid=key_id(public_raw(key))) for key in keys]
    assert other.pae() == to_be_signed(b'{"a":1}')
    assert set(other.verify(known, 2)) == {key_id(public_raw(key)) for key in keys}


def test_signatures_made_elsewhere_give_the_same_envelope_in_any_order() -> None:
    keys = [generate_key() for _ in range(3)]
    made = [sign(b"{}", key) for key in keys]
    assert assemble_envelope(b"{}", made) == assemble_envelope(b"{}", made[::-1]) == sign_envelope(b"{}", keys)


# --- one form ---


def changed(**changes: object) -> bytes:
    return canonical({**json.loads(sign_envelope(b"{}", [generate_key()])), **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"payloadType": "application/json"},
        {"payloadType": "application/vnd.in-toto+json "},
        {"payload": "e30"},
        {"payload": "e31="},  # the same bytes with a bit set that base64 throws away
        {"payload": "e3 0="},
        {"payload": 3},
        {"signatures": []},
        {"signatures": {}},
        {"signatures": ["x"]},
        {"more": 1},
    ],
    ids=str,
)
def test_payload_type_confusion_and_every_other_form_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(EnvelopeError):
        open_envelope(changed(**changes))


def test_an_envelope_with_duplicate_keys_white_space_or_more_after_it_is_refused() -> None:
    data = changed()
    for other in (
        data.replace(b'{"payload":', b'{"payload":"e30=","payload":', 1),
        data.replace(b'":', b'": ', 1),
        data + b"\n",
        data + data,
        b"\xef\xbb\xbf" + data,
    ):
        with pytest.raises(EnvelopeError):
            open_envelope(other)


def test_one_key_id_twice_unsorted_or_a_short_signature_is_refused() -> None:
    first, second = sorted(sign(b"{}", generate_key()) for _ in range(2))
    rows = [{"keyid": name, "sig": base64.b64encode(sig).decode()} for name, sig in (first, second)]
    open_envelope(changed(signatures=rows))
    for wrong in (
        rows[::-1],
        [rows[0], rows[0]],
        [{**rows[0], "sig": base64.b64encode(b"\0" * 63).decode()}],
        [{**rows[0], "keyid": rows[0]["keyid"].upper()}],
        [{**rows[0], "cert": ""}],
        rows * 4,
    ):
        with pytest.raises(EnvelopeError):
            open_envelope(changed(signatures=wrong))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_changed_byte_gives_another_record_or_none(data: st.DataObject) -> None:
    """Every form of an envelope is either refused or has another payload or other signatures."""
    stored = sign_envelope(b'{"a":"\xc3\xa9"}', [KEY])
    place = data.draw(st.integers(0, len(stored) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != stored[place]))
    other = stored[:place] + bytes([byte]) + stored[place + 1 :]
    try:
        opened = open_envelope(other)
    except EnvelopeError:
        return
    good = open_envelope(stored)
    assert (opened.payload, opened.signatures) != (good.payload, good.signatures)


KEY = generate_key()


# --- keys and signatures ---


def small_order_encodings() -> list[bytes]:
    """Every encoding, canonical or not, whose y belongs to a point of small order."""
    order_8 = int.from_bytes(
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"
    )
    ys = {0, 1, P - 1, order_8, P - order_8}
    ys |= {y + P for y in ys if y + P < 2**255}
    return [(y | sign << 255).to_bytes(32, "little") for y in sorted(ys) for sign in (0, 1)]


@pytest.mark.parametrize("public", small_order_encodings(), ids=lambda public: public.hex()[:12])
def test_small_order_and_identity_public_keys_are_refused(public: bytes) -> None:
    with pytest.raises(EnvelopeError):
        check_public_key(public)


def test_the_identity_as_a_key_would_accept_one_signature_for_every_message() -> None:
    """Why they are refused: the library itself does not."""
    identity = (1).to_bytes(32, "little")
    forged = identity + bytes(32)
    Ed25519PublicKey.from_public_bytes(identity).verify(forged, b"any message")
    Ed25519PublicKey.from_public_bytes(identity).verify(forged, b"any other message")


def test_a_key_of_another_length_or_off_the_curve_is_refused() -> None:
    for wrong in (b"", b"\1" * 31, b"\1" * 33, (2).to_bytes(32, "little"), b"\xff" * 32):
        with pytest.raises(EnvelopeError):
            check_public_key(wrong)


def test_honest_keys_are_accepted() -> None:
    for _ in range(64):
        check_public_key(public_raw(generate_key()))


def test_malleable_signatures_are_refused() -> None:
    name, signature = sign(b"{}", KEY)
    assert name == key_id(public_raw(KEY))
    verify_signature(public_raw(KEY), b"{}", signature)
    scalar = int.from_bytes(signature[32:], "little")
    for other in (scalar + L, scalar + 2 * L):
        if other < 2**256:
            with pytest.raises(EnvelopeError):
                verify_signature(public_raw(KEY), b"{}", signature[:32] + other.to_bytes(32, "little"))


def test_a_signature_over_the_bare_payload_or_another_type_does_not_count() -> None:
    """Algorithm and type confusion: only DSSE's encoding with our type is what was signed."""
    other_type = b"DSSEv1 16 application/json 2 {}"
    for message in (b"{}", other_type):
        with pytest.raises(EnvelopeError):
            verify_signature(public_raw(KEY), b"{}", KEY.sign(message))
    assert PAYLOAD_TYPE == "application/vnd.in-toto+json"


# --- receipts ---


def test_a_receipt_acknowledges_only_what_was_sent_to_this_station_under_this_key() -> None:
    office, shop = HeadOffice(), Shop()
    rows = [(1, "a" * 64), (2, "b" * 64)]
    good = office.receipt(shop, rows, None)
    receipt = verify_receipt(good, office.public, rows, station="bench-1")
    assert [(row.seq, row.digest) for row in receipt.acknowledged] == rows
    for wrong in (
        lambda: verify_receipt(good, HeadOffice().public, rows),
        lambda: verify_receipt(good, office.public, rows[:1]),
        lambda: verify_receipt(good, office.public, [(1, "a" * 64), (2, "c" * 64)]),
        lambda: verify_receipt(good, office.public, rows, station="bench-2"),
        lambda: verify_receipt(shop.intake(), office.public, rows),
        lambda: verify_receipt(good[:-1], office.public, rows),
    ):
        with pytest.raises(RecordError):
            wrong()


def test_a_forged_receipt_with_the_right_key_id_is_refused() -> None:
    office, forger, shop = HeadOffice(), HeadOffice(), Shop()
    payload = open_record(forger.receipt(shop, [(1, "a" * 64)], None)).envelope.payload
    forged = assemble_envelope(payload, [(key_id(office.public), sign(payload, forger.key)[1])])
    with pytest.raises(EnvelopeError, match="does not fit"):
        verify_receipt(forged, office.public, [(1, "a" * 64)])
    two = assemble_envelope(payload, [sign(payload, office.key), sign(payload, forger.key)])
    with pytest.raises(EnvelopeError, match="pinned"):
        verify_receipt(two, office.public, [(1, "a" * 64)])
