"""A phone believes a signature only over its own token, by the key it was shown."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from drivers.sim.adbkey import parse_host_key


@pytest.fixture(scope="module")
def private() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def public_line(private: rsa.RSAPrivateKey) -> str:
    numbers = private.public_key().public_numbers()
    modulus = numbers.n.to_bytes(256, "little")
    raw = (64).to_bytes(4, "little") + bytes(4) + modulus + bytes(256) + numbers.e.to_bytes(4, "little")
    return base64.b64encode(raw).decode() + " tester@bench\0"


def signed(private: rsa.RSAPrivateKey, token: bytes) -> bytes:
    return private.sign(token, padding.PKCS1v15(), utils.Prehashed(hashes.SHA1()))


def test_the_right_key_over_the_right_token_is_believed(private: rsa.RSAPrivateKey) -> None:
    key = parse_host_key(public_line(private))
    assert key.name == "tester@bench"
    assert key.signed(bytes(range(20)), signed(private, bytes(range(20))))


def test_another_token_or_a_changed_signature_is_not(private: rsa.RSAPrivateKey) -> None:
    key = parse_host_key(public_line(private))
    signature = signed(private, bytes(20))
    assert not key.signed(hashlib.sha1(b"other").digest(), signature)
    assert not key.signed(bytes(20), signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not key.signed(bytes(20), b"")


def test_the_dialog_shows_a_fingerprint_of_sixteen_pairs(private: rsa.RSAPrivateKey) -> None:
    assert len(parse_host_key(public_line(private)).fingerprint.split(":")) == 16


@pytest.mark.parametrize("text", ["", "not base64!", base64.b64encode(b"short").decode(), "A" * 700])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"base64|bytes|words"):
        parse_host_key(text)
