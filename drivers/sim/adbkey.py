"""Reads the public keys that an adb server offers and checks its signatures, as adbd does.

Stands on `cryptography` for the RSA arithmetic. A key travels as one line: base64 of Android's own struct (word count,
n0inv, modulus and r^2 as little-endian words, exponent), a blank, and a name (AOSP `libcrypto_utils/android_pubkey`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

__all__ = ["TOKEN_SIZE", "HostKey", "parse_host_key"]

TOKEN_SIZE = 20
"""Bytes of the random token that adbd asks to have signed; treated as a SHA-1 digest by both sides."""

_MODULUS_BYTES = 256
_KEY = struct.Struct(f"<II{_MODULUS_BYTES}s{_MODULUS_BYTES}sI")


@dataclass(frozen=True, slots=True)
class HostKey:
    """The public half of an `adbkey`.

    Attributes:
        modulus, exponent: the RSA numbers.
        name: what follows the key in `adbkey.pub`, e.g. `user@bench`.
    """

    modulus: int
    exponent: int
    name: str

    @property
    def fingerprint(self) -> str:
        """What the phone's dialog shows: the MD5 of the modulus, as the dialog does it, in pairs."""
        digest = hashlib.md5(self.modulus.to_bytes(_MODULUS_BYTES, "little"), usedforsecurity=False).hexdigest()
        return ":".join(digest[i : i + 2] for i in range(0, 32, 2)).upper()

    def signed(self, token: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's over `token` (RSA PKCS#1 v1.5, the token taken as a SHA-1 digest)."""
        public = RSAPublicNumbers(self.exponent, self.modulus).public_key()
        try:
            public.verify(signature, token, padding.PKCS1v15(), utils.Prehashed(hashes.SHA1()))  # noqa: S303
        except InvalidSignature:
            return False
        return True


def parse_host_key(text: str) -> HostKey:
    """The key of one line of `adbkey.pub`; raises ValueError when it is not one."""
    encoded, _, name = text.strip("\0 \r\n").partition(" ")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error
    if len(raw) != _KEY.size:
        raise ValueError(f"an adb key has {_KEY.size} bytes, not {len(raw)}")
    words, _n0inv, modulus, _rr, exponent = _KEY.unpack(raw)
    if words * 4 != _MODULUS_BYTES:
        raise ValueError(f"an adb key has {_MODULUS_BYTES // 4} words, not {words}")
    return HostKey(int.from_bytes(modulus, "little"), exponent, name)
