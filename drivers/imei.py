"""The check digit of an IMEI (3GPP TS 23.003, annex B: the Luhn formula of ISO/IEC 7812-1)."""

from __future__ import annotations

import re

__all__ = ["check_digit", "imei_ok"]

_IMEI = re.compile(r"[0-9]{15}", re.ASCII)


def check_digit(body: str) -> str:
    """The digit that stands behind the ASCII digits of `body`: from the right, every second one is doubled first."""
    doubled = [int(digit) * (2 if at % 2 == 0 else 1) for at, digit in enumerate(reversed(body))]
    return str(-sum(map(sum, (divmod(each, 10) for each in doubled))) % 10)


def imei_ok(text: str) -> bool:
    """Whether a text is an IMEI: 15 digits, the last one right, not all of them zero (a placeholder)."""
    return bool(_IMEI.fullmatch(text)) and text.strip("0") != "" and check_digit(text[:14]) == text[14]
