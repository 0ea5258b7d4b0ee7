"""The IMEI that a person reads where the cable can't: by *#06#, on the box, on the tray; compared with the ticket.

A person scans or types numbers; which of them are right is not told before. What is not there (no box came with the
phone) is said to be not there and is not compared.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal

from drivers.imei import imei_ok
from drivers.text import Words
from probes.api import Bench, Measurement, NotRun, Prompt, PromptKind, Reading, Unread, probe
from probes.identity import meid_check_digit
from probes.units import FLAG, IDENTITY

__all__ = ["identity_labels"]

_DIAL = Words(
    "Dial *#06# on the phone and scan or type the IMEI or MEID", "请在手机上拨 *#06#，扫描或输入 IMEI 或 MEID"
)
_BOX = Words("Scan or type the IMEI on the box", "请扫描或输入包装盒上的 IMEI")
_TRAY = Words("Scan or type the IMEI on the SIM tray or the back", "请扫描或输入卡托或背面的 IMEI")
_NONE = Words("0 if there is none", "没有则输入 0")
_NOT_THERE = Words("there is no such label", "没有该标签")
_NOT_A_NUMBER = Words(
    "what was read is neither an IMEI nor a MEID; run this again and scan the number",
    "读到的既不是 IMEI 也不是 MEID；请重测并扫描号码",
)
_NOTHING = Words("no number was read, neither from the phone nor from a label", "未从手机或标签读到任何号码")
_NOTHING_ELSE = Words(
    "the ticket names no IMEI and only one place was read: nothing to compare",
    "工单未记录 IMEI，且只读取了一处，无法核对",
)
_PLACES = (("dialled", _DIAL), ("box", _BOX), ("tray", _TRAY))
_NUMBER = re.compile(r"[0-9]{14,17}|[0-9A-F]{14,15}", re.ASCII)


def _plain(typed: str) -> str:
    """The digits of what was scanned or typed, without a second number, blanks, dashes and a label in front."""
    text = re.split(r"[,;\n]", typed.upper().replace("IMEI", "").replace("MEID", ""))[0]
    return re.sub(r"[\s/.:#-]", "", text)


def _well_formed(number: str) -> bool:
    """Whether the check digit fits: Luhn for an IMEI, its hexadecimal kin for a MEID; 14 and 16 digits carry none."""
    if len(number) == 15 and number.isdigit():
        return imei_ok(number)
    if len(number) == 15:
        return meid_check_digit(number[:14]) == number[14]
    return len(number) in (14, 16, 17)


def _same(one: str, other: str) -> bool:
    """Whether two numbers name one phone: their first fourteen signs do; what follows is a check digit or a version."""
    return one[:14] == other[:14]


@probe(
    "person.identity-labels",
    measures={
        "dialled": IDENTITY,
        "box": IDENTITY,
        "tray": IDENTITY,
        "check_digits": FLAG,
        "labels_agree": FLAG,
        "places_read": "1",
    },
    names={
        "dialled": Words("number by *#06#", "*#06# 号码"),
        "box": Words("number on the box", "包装盒号码"),
        "tray": Words("number on the tray", "卡托号码"),
        "check_digits": Words("check digits right", "校验位正确"),
        "labels_agree": Words("all places agree", "各处号码一致"),
        "places_read": Words("places that were read", "已读取处数"),
    },
    asks=True,
)
async def identity_labels(bench: Bench, *, timeout_s: float = 300.0) -> AsyncIterator[Reading]:
    """The numbers by *#06#, on the box and on the tray: well formed, and naming the phone of the ticket.

    Settings: `timeout_s` seconds until each question ends unanswered.
    """
    read: dict[str, str] = {}
    for name, title in _PLACES:
        answer = await bench.person.ask(Prompt(name, PromptKind.TEXT, title, (_NONE,), (), timeout_s))
        number, source = _plain(answer.value), f"person {answer.person}"
        if number in ("0", ""):
            yield Unread(name, _NOT_THERE, source)
        elif _NUMBER.fullmatch(number):
            read[name] = number
            yield Measurement(name, number, source)
        else:
            yield Unread(name, _NOT_A_NUMBER, source)
    if not read:
        raise NotRun(_NOTHING)
    yield Measurement("places_read", Decimal(len(read)), "person")
    yield Measurement(
        "check_digits", all(map(_well_formed, read.values())), "Luhn, 3GPP TS 23.003 annex B; 3GPP2 X.S0008"
    )
    yield _agreement(read, bench.ticket)


def _agreement(read: Mapping[str, str], ticket: Mapping[str, str]) -> Reading:
    """A phone has several numbers: each place must name one of the ticket's, or else the same as the others."""
    known = [value for name, value in ticket.items() if name.startswith("imei") and value]
    if known:
        agree = all(any(_same(number, one) for one in known) for number in read.values())
        return Measurement("labels_agree", agree, "numbers read, and those of the ticket")
    if len(read) < 2:
        return Unread("labels_agree", _NOTHING_ELSE, "ticket")
    first, *others = read.values()
    return Measurement("labels_agree", all(_same(first, other) for other in others), "numbers read")
