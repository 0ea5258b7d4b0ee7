"""The check digit of an IMEI, against the definition and against numbers that are public."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.imei import check_digit, imei_ok


@given(st.text("0123456789", min_size=1, max_size=20))
def test_the_check_digit_passes_the_luhn_test(digits: str) -> None:
    whole = digits + check_digit(digits)
    doubled = [int(d) * (2 if place % 2 else 1) for place, d in enumerate(reversed(whole))]
    assert sum(value // 10 + value % 10 for value in doubled) % 10 == 0


@pytest.mark.parametrize("imei", ["490154203237518", "356938035643809"])
def test_an_imei_with_its_check_digit_is_one(imei: str) -> None:
    assert imei_ok(imei)


@pytest.mark.parametrize(
    "text", ["490154203237519", "49015420323751", "4901542032375180", "000000000000000", "", "٤٩٠١٥٤٢٠٣٢٣٧٥١٨"]
)
def test_what_is_no_imei_is_none(text: str) -> None:
    assert not imei_ok(text)
