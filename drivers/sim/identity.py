"""Serials and IMEIs for simulated phones, the same ones for the same seed.

IMEIs follow 3GPP TS 23.003: type allocation code, serial number, Luhn check digit.
"""

from __future__ import annotations

import random
import string
from dataclasses import dataclass

from drivers.imei import check_digit
from drivers.sim.persona import Model

__all__ = ["PhoneIdentity", "make_identity"]

_SIGNS = {"#": string.digits, "@": string.ascii_uppercase, "*": string.digits + string.ascii_uppercase}


@dataclass(frozen=True, slots=True)
class PhoneIdentity:
    """What one phone has burnt in: its serial, one IMEI for each slot, its Wi-Fi address."""

    serial: str
    imeis: tuple[str, ...]
    mac: str


def make_identity(model: Model, slots: int, seed: str) -> PhoneIdentity:
    """The identity of one phone of that model."""
    chance = random.Random(f"identity:{seed}")  # noqa: S311 - has to be the same for the same seed
    serial = "".join(chance.choice(_SIGNS[sign]) if sign in _SIGNS else sign for sign in model.serial)
    bodies = [model.tac + f"{chance.randrange(10**6):06d}" for _ in range(slots)]
    mac = "02:" + ":".join(f"{chance.randrange(256):02x}" for _ in range(5))
    return PhoneIdentity(serial, tuple(body + check_digit(body) for body in bodies), mac)
