"""Who a phone says it is, out of text that anybody may have written."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.adb_identity import BinderText, binder_text, read_identity

GETPROP = """\
[ro.build.display.id]: [UQ1A.240205.004]
[ro.build.version.release]: [14]
[ro.product.manufacturer]: [Northlight]
[ro.product.model]: [Aurora 8]
[ro.serialno]: [39111FDJH002HY]
"""


def test_an_identity_is_read_from_properties_and_imei_answers() -> None:
    identity = read_identity(GETPROP, ["Device IMEI: 490154203237518", "490154203237518\n356938035643809"])
    assert identity.serial == "39111FDJH002HY"
    assert identity.imeis == ("490154203237518", "356938035643809")
    assert (identity.manufacturer, identity.model, identity.os_version) == ("Northlight", "Aurora 8", "14")
    assert identity.build == "UQ1A.240205.004"


PARCEL = """\
Result: Parcel(
  0x00000000: 00000000 0000000f 00390034 00310030 '........4.9.0.1.'
  0x00000010: 00340035 00300032 00320033 00370033 '5.4.2.0.3.2.3.7.'
  0x00000020: 00310035 00000038                   '5.1.8...        ')
"""


def test_an_imei_is_read_from_the_parcel_that_a_shell_user_gets() -> None:
    refused = "Device IMEI: Permission denied."
    assert read_identity(GETPROP, [refused, PARCEL, refused]).imeis == ("490154203237518",)


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (PARCEL, BinderText("490154203237518")),
        (PARCEL.replace("0000000f", "ffffffff"), BinderText()),
        (PARCEL.replace("0000000f", "00000011"), BinderText(problem="the parcel is cut")),
        (PARCEL.replace("0000000f", "7fffffff"), BinderText(problem="the parcel is cut")),
        ("Result: Parcel(NULL)", BinderText(problem="the parcel holds no text")),
        (
            "Result: Parcel(fffffffc ffffffff 00000000   '............')",
            BinderText(problem="the service answered with the exception 0xfffffffc"),
        ),
        ("service: Service iphonesubinfo does not exist", None),
        ("", None),
    ],
)
def test_a_parcel_is_read_as_text_or_says_why_not(answer: str, read: BinderText | None) -> None:
    assert binder_text(answer) == read


@given(st.text(max_size=300))
def test_any_text_behind_a_parcel_is_read_without_raising(rows: str) -> None:
    read = binder_text(f"Result: Parcel({rows}")
    assert read is not None
    assert len(read.text) <= 64


@pytest.mark.parametrize(
    "answer", ["490154203237519", "4901542032375180", "000000000000000", "null", "SecurityException"]
)
def test_what_is_no_imei_is_left_out(answer: str) -> None:
    assert read_identity("", [answer]).imeis == ()


def test_a_phone_that_says_nothing_is_nobody() -> None:
    identity = read_identity("", [])
    assert (identity.serial, identity.imeis, identity.model, identity.os_version) == ("", (), "", "")


def test_the_boot_serial_stands_in_for_a_missing_one() -> None:
    assert read_identity("[ro.boot.serialno]: [B1]\n[ro.serialno]: []\n", []).serial == "B1"


@given(st.text(max_size=500), st.lists(st.text(max_size=100), max_size=3))
def test_any_text_gives_an_identity_without_raising(getprop: str, answers: list[str]) -> None:
    identity = read_identity(getprop, answers)
    assert all(len(imei) == 15 and imei.isascii() and imei.isdigit() for imei in identity.imeis)


@pytest.mark.parametrize("filler", ["[a]: [", "[", "[a]: [x\n", "1", "[a]: [x]"])
def test_half_a_megabyte_of_nonsense_is_read_in_no_time(filler: str) -> None:
    text = (filler * 524288)[:524288]
    began = time.monotonic()
    read_identity(text, [text])
    assert time.monotonic() - began < 2.0
