"""Requests prove their station: our base against the RFC's own vector, and every way of changing a signed request."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from reports.headoffice.request import content_digest, sign_request, signature_base, verify_request

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
KEY_ID = hashlib.sha256(PUBLIC).hexdigest()


def signed(body: bytes = b"{}\n", station: str = "b-03") -> dict[str, str]:
    return sign_request(KEY, KEY_ID, "POST", "/v1/records", station, body, 1_700_000_000)


def verdict(headers: dict[str, str], body: bytes = b"{}\n", method: str = "POST", path: str = "/v1/records") -> object:
    return verify_request(PUBLIC, KEY_ID, method, path, headers, body)


def test_the_signature_base_is_that_of_rfc_9421_b_2_6() -> None:
    # RFC 9421 B.1.4 (test-key-ed25519) and B.2.6.
    key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU="))
    components = [
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("@method", "POST"),
        ("@path", "/foo"),
        ("@authority", "example.com"),
        ("content-type", "application/json"),
        ("content-length", "18"),
    ]
    names = " ".join(f'"{name}"' for name, _ in components)
    base = signature_base(components, f'({names});created=1618884473;keyid="test-key-ed25519"')
    assert base64.b64encode(key.sign(base)) == (
        b"wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    )


def test_the_content_digest_is_that_of_rfc_9530() -> None:
    # RFC 9530 appendix B.1: the digest of {"hello": "world"} and a line feed.
    assert content_digest(b'{"hello": "world"}\n') == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"


def test_what_the_station_signed_is_accepted() -> None:
    assert verdict(signed()) is None


def test_two_signatures_over_the_same_request_differ_by_their_nonce() -> None:
    assert signed()["signature"] != signed()["signature"]


@pytest.mark.parametrize("field", ["assay-station", "content-digest", "signature-input", "signature"])
def test_a_request_without_one_of_the_fields_is_refused(field: str) -> None:
    headers = signed()
    del headers[field]
    assert verdict(headers) is not None


def test_method_path_body_and_station_are_all_bound() -> None:
    assert verdict(signed(), method="PUT") is not None
    assert verdict(signed(), path="/v1/stations") is not None
    assert verdict(signed(), body=b"[]\n") is not None
    assert verdict({**signed(), "content-digest": content_digest(b"[]\n")}, body=b"[]\n") is not None
    assert verdict({**signed(), "assay-station": "b-04"}) is not None


def test_another_key_is_refused_even_under_the_same_key_id() -> None:
    other = sign_request(Ed25519PrivateKey.generate(), KEY_ID, "POST", "/v1/records", "b-03", b"{}\n", 1)
    assert verdict(other) is not None
    assert verify_request(PUBLIC, "0" * 64, "POST", "/v1/records", signed(), b"{}\n") is not None


def test_unused_bits_of_the_base64_are_not_a_second_spelling() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    headers = signed()
    last = headers["signature"][-4]
    other = alphabet[alphabet.index(last) ^ 1]
    assert verdict({**headers, "signature": headers["signature"][:-4] + other + "==:"}) is not None


@given(field=st.sampled_from(["signature-input", "signature"]), data=st.data())
def test_any_changed_character_of_the_signature_fields_is_refused(field: str, data: st.DataObject) -> None:
    headers = signed()
    at = data.draw(st.integers(0, len(headers[field]) - 1))
    new = data.draw(st.characters(min_codepoint=32, max_codepoint=126).filter(lambda c: c != headers[field][at]))
    assert verdict({**headers, field: headers[field][:at] + new + headers[field][at + 1 :]}) is not None
