"""Ed25519 against Project Wycheproof: every vector is accepted or refused as its authors say, through our own door."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from reports import attest
from reports.attest import EnvelopeError, check_public_key, open_envelope, verify_signature
from reports.record import canonical


@dataclass(frozen=True)
class Vector:
    """One vector: `valid` is what its authors say of it."""

    number: int
    public: bytes
    message: bytes
    signature: bytes
    valid: bool


def _file() -> Path:
    return Path(os.environ.get("ASSAY_WYCHEPROOF") or Path(__file__).resolve().parents[1] / "vectors/ed25519_test.json")


def vectors(path: Path) -> Iterator[Vector]:
    """The vectors of a file in the schema `eddsa_verify_schema`, of versions 0 and 1."""
    whole: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for group in whole["testGroups"]:
        key = group.get("publicKey") or group["key"]
        for test in group["tests"]:
            yield Vector(
                test["tcId"],
                bytes.fromhex(key["pk"]),
                bytes.fromhex(test["msg"]),
                bytes.fromhex(test["sig"]),
                test["result"] == "valid",
            )


EVERY = list(vectors(_file())) if _file().exists() else []


def test_the_vectors_are_there_and_whole() -> None:
    if not EVERY:
        pytest.skip("no Wycheproof vectors in tests/vectors or ASSAY_WYCHEPROOF")
    assert len(EVERY) == json.loads(_file().read_text(encoding="utf-8"))["numberOfTests"] >= 150
    assert {vector.valid for vector in EVERY} == {True, False}


@pytest.mark.parametrize("vector", EVERY, ids=lambda vector: str(vector.number))
def test_a_signature_is_accepted_just_when_wycheproof_says_so(vector: Vector, monkeypatch: pytest.MonkeyPatch) -> None:
    # The vectors sign their message as it is; ours is wrapped (DSSE), so the wrapping is taken off for them alone.
    monkeypatch.setattr(attest, "to_be_signed", lambda payload: payload)
    if vector.valid:
        verify_signature(vector.public, vector.message, vector.signature)
        check_public_key(vector.public)
        return
    with pytest.raises(EnvelopeError):
        verify_signature(vector.public, vector.message, vector.signature)


def test_a_signature_of_another_length_is_refused_before_any_mathematics() -> None:
    for vector in (one for one in EVERY if len(one.signature) != 64):
        import base64

        rows = [{"keyid": "0" * 64, "sig": base64.b64encode(vector.signature).decode()}]
        whole = {"payload": "e30=", "payloadType": attest.PAYLOAD_TYPE, "signatures": rows}
        with pytest.raises(EnvelopeError):
            open_envelope(canonical(whole))


def test_the_loader_would_notice_a_library_that_accepts_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gullible:
        @staticmethod
        def from_public_bytes(public: bytes) -> Gullible:
            return Gullible()

        def verify(self, signature: bytes, data: bytes) -> None:
            return None

    accepted = []
    monkeypatch.setattr(attest, "Ed25519PublicKey", Gullible)
    for vector in EVERY:
        verify_signature(vector.public, vector.message, vector.signature)
        accepted.append(vector.valid)
    if EVERY:
        assert not all(accepted)
    monkeypatch.undo()
    assert issubclass(InvalidSignature, Exception)
    assert attest.Ed25519PublicKey is Ed25519PublicKey
