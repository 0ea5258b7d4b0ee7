"""Serials and IMEIs for simulated phones, the same ones for the same seed.

IMEIs follow 3GPP TS 23.003: type allocation code, serial number, Luhn check digit.
"""

from __future__ import annotations

import random
import string
from dataclasses import dataclass

from drivers.sim.persona import Model

__all__ = ["PhoneIdentity", "luhn_digit", "make_identity"]

_SIGNS = {"#": string.digits, "@": string.ascii_uppercase, "*": string.digits + string.ascii_uppercase}


@dataclass(frozen=True, slots=True)
class PhoneIdentity:
    """What one phone has burnt in: its serial, one IMEI for each slot, its Wi-Fi address."""

    serial: str
    imeis: tuple[str, ...]
    mac: str


def luhn_digit(digits: str) -> str:
    """The check digit that makes `digits` pass the Luhn test (ISO/IEC 7812-1 annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def make_identity(model: Model, slots: int, seed: str) -> PhoneIdentity:
    """The identity of one phone of that model."""
    chance = random.Random(f"identity:{seed}")  # noqa: S311 - has to be the same for the same seed
    serial = "".join(chance.choice(_SIGNS[sign]) if sign in _SIGNS else sign for sign in model.serial)
    bodies = [model.tac + f"{chance.randrange(10**6):06d}" for _ in range(slots)]
    mac = "02:" + ":".join(f"{chance.randrange(256):02x}" for _ in range(5))
    return PhoneIdentity(serial, tuple(body + luhn_digit(body) for body in bodies), mac)
