"""Who the phone says it is: serial, IMEIs or MEID, model, capacity, system, build, patch level.

Several sources may state the same identifier: each is checked against the others and a disagreement is shown, because a
board or a rewritten IMEI shows exactly there. Whether the phone is the one on the ticket is stated as a fact, because a
ticket may name either of two IMEIs; what that means is for limits to say.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from drivers.adb_identity import DEVICE_ID, DEVICE_ID_1, DEVICE_ID_2, binder_text
from drivers.api import Command, Shell
from drivers.imei import imei_ok
from drivers.text import Words
from probes import getprop, memory
from probes.answers import NOT_SAID, Heard, as_value, hear, hear_second, reading
from probes.api import Bench, Measurement, NotRun, Parsed, Problem, Reading, Unread, parser, probe
from probes.captured import integer, raw_lines
from probes.cut import without_cut_value
from probes.storage import READ_DF, df
from probes.units import FLAG, IDENTITY, LIST, TEXT

__all__ = ["identity", "iphonesubinfo", "meid_check_digit", "phone_imei", "sold_capacity"]

_CALLING = Command("iphonesubinfo", DEVICE_ID, timeout_s=5.0, limit=16 * 1024)
_SLOT1 = Command("iphonesubinfo-1", DEVICE_ID_1, timeout_s=5.0, limit=16 * 1024)
_SLOT2 = Command("iphonesubinfo-2", DEVICE_ID_2, timeout_s=5.0, limit=16 * 1024)
_OLD = Command("iphonesubinfo-dump", "dumpsys iphonesubinfo", timeout_s=5.0, limit=16 * 1024)
_IMEI1 = Command("phone-imei-1", "cmd phone get-imei 0", timeout_s=5.0, limit=16 * 1024)
_IMEI2 = Command("phone-imei-2", "cmd phone get-imei 1", timeout_s=5.0, limit=16 * 1024)

_IMEI = re.compile(r"[0-9]{15}", re.ASCII)
_MEID = re.compile(r"[0-9A-Fa-f]{14}", re.ASCII)

#: Properties in which vendors keep the IMEI of slot 1 and of slot 2 (Qualcomm, MediaTek, Samsung and Xiaomi phones).
_PROPERTIES = (
    ("ro.ril.oem.imei1", "ro.ril.oem.imei", "ro.ril.miui.imei0", "persist.radio.imei", "gsm.baseband.imei"),
    ("ro.ril.oem.imei2", "ro.ril.miui.imei1", "persist.radio.imei2"),
)
#: Properties in which makers keep the colour of the case (Google, Motorola, OnePlus; vivo), as their own codes.
_COLOURS = ("ro.boot.hardware.color", "persist.vivo.phone.color", "ro.boot.color", "ro.config.devicecolor")


def _put_device_id(parsed: Parsed, device_id: str) -> None:
    parsed.facts["device_id"] = device_id
    if _IMEI.fullmatch(device_id):
        parsed.facts |= {"imei": device_id, "device_id_type": "IMEI"}
    elif _MEID.fullmatch(device_id):
        parsed.facts["device_id_type"] = "MEID"


def _whole_id(value: str) -> bool:
    """Whether such a value is whole at the end of a text that was cut: 14 digits may be an IMEI's first 14."""
    whole_meid = _MEID.fullmatch(value) is not None and not value.isdigit()
    return whole_meid or _IMEI.fullmatch(value) is not None or value in ("GSM", "CDMA", "SIP", "IMS")


@parser("iphonesubinfo")
def iphonesubinfo(data: bytes) -> Parsed:
    """The device id from `dumpsys iphonesubinfo` (to Android 5) or from a `service call iphonesubinfo` parcel."""
    parsed = Parsed()
    lines = raw_lines(data)
    for line in without_cut_value(lines, data, _whole_id):
        name, equals, value = line.strip().partition(" = ")
        if not equals or value.strip() in ("", "null"):
            continue
        if name == "Phone Type":
            parsed.facts.setdefault("phone_type", value.split()[0])
        elif name == "Device ID" and "device_id" not in parsed.facts:
            _put_device_id(parsed, value.strip())
    parcel = None if "device_id" in parsed.facts else binder_text("\n".join(lines))
    if parcel and parcel.problem:
        parsed.problems.append(Problem("device_id", parcel.problem))
    elif parcel and parcel.text:
        _put_device_id(parsed, parcel.text)
    return parsed


@parser("phone_imei")
def phone_imei(data: bytes) -> Parsed:
    """`cmd phone get-imei SLOT` (Android 13): `Device IMEI: 15 digits`; user builds refuse it in the same line."""
    parsed = Parsed()
    for line in raw_lines(data):
        label, colon, value = line.strip().rpartition(":")
        value = value.strip()
        if _IMEI.fullmatch(value) and (not colon or "IMEI" in label):
            parsed.facts["imei"] = value
            break
        if colon and "IMEI" in label and value and value != "null":
            parsed.problems.append(Problem("imei", f"expected 15 digits, found {value[:80]!r}"))
    return parsed


def meid_check_digit(meid: str) -> str:
    """The check digit of a MEID's 14 hexadecimal digits: Luhn's rule in base 16 (3GPP2 X.S0008-0, MEID check digit).

    A MEID of decimal digits alone is an IMEI's first 14 and follows Luhn's rule in base 10.
    """
    base = 10 if meid.isdigit() else 16
    total = 0
    for at, sign in enumerate(reversed(meid)):
        doubled = int(sign, 16) * (1 if at % 2 else 2)
        total += doubled // base + doubled % base
    return f"{-total % base:X}"


@dataclass(frozen=True, slots=True)
class _Claim:
    """One source's word for an identifier."""

    source: str
    value: str


def _claims(props: dict[str, str], slot: int, asked: list[Heard], fact: str) -> list[_Claim]:
    claims = [_Claim(heard.source, str(heard.get(fact))) for heard in asked if heard.get(fact)]
    for name in _PROPERTIES[slot]:
        claims += [_Claim(f"getprop {name}", value) for value in (props.get(name, ""),) if _IMEI.fullmatch(value)]
    return claims


def _identifier(name: str, claims: list[_Claim], why: Words) -> Reading:
    if not claims:
        return Unread(name, why)
    return Measurement(name, as_value(claims[0].value), claims[0].source)


def _disagreements(name: str, claims: list[_Claim]) -> list[str]:
    """Which sources differ from the first; by name only, because the values identify the phone."""
    return [f"{name}: {claims[0].source} ≠ {claim.source}" for claim in claims[1:] if claim.value != claims[0].value]


#: Sizes in which phone storage is sold, in GB.
_SOLD = (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)


def sold_capacity(data_blocks_1k: int) -> int | None:
    """The size sold (GB) that a /data partition of so many KiB fits into: the next larger of the usual sizes."""
    gigabytes = data_blocks_1k * 1024 / 10**9
    return next((size for size in _SOLD if gigabytes <= size), None)


def _capacity(props: dict[str, str], disk: Heard) -> Reading:
    stated = getprop.first_of(props, ("ro.boot.hardware.ufs", "ro.boot.hardware.emmc"))
    size = integer(stated.partition("GB")[0]) if "GB" in stated else None
    if size:
        return Measurement("capacity", Decimal(size), "getprop ro.boot.hardware.ufs")
    blocks = disk.get("data_blocks_1K")
    fits = sold_capacity(blocks) if isinstance(blocks, int) and blocks > 0 else None
    if fits is None:
        return Unread("capacity", disk.reason("data_blocks_1K"), disk.source)
    return Measurement("capacity", Decimal(fits), f"{disk.source}: size sold that /data fits into")


_REFUSED_IMEI = Words(
    "the phone gives its IMEI to nobody over the cable; read it with *#06# and compare it with the ticket",
    "手机不通过数据线提供 IMEI；请用 *#06# 查看并与工单核对",
)


def _identifiers(props: dict[str, str], slot1: list[Heard], slot2: list[Heard]) -> Iterator[Reading]:
    serials = [
        _Claim(f"getprop {name}", props[name]) for name in ("ro.serialno", "ro.boot.serialno") if props.get(name)
    ]
    first, second = _claims(props, 0, slot1, "imei"), _claims(props, 1, slot2, "imei")
    meid = [_Claim(h.source, str(h.get("device_id")).upper()) for h in slot1 if h.get("device_id_type") == "MEID"]
    yield _identifier("serial", serials, NOT_SAID)
    yield _identifier("imei1", first, _REFUSED_IMEI)
    yield _identifier("imei2", second, NOT_SAID)
    yield _identifier("meid", meid, NOT_SAID)
    numbers = {claim.value for claim in first + second}
    if numbers:
        yield Measurement("imei_check_digit", all(map(imei_ok, numbers)), "Luhn, 3GPP TS 23.003 annex B")
    else:
        yield Unread("imei_check_digit", _REFUSED_IMEI)
    named = (("serial", serials), ("imei1", first), ("imei2", second), ("meid", meid))
    differ = [text for name, claims in named for text in _disagreements(name, claims)]
    if any(len(claims) > 1 for _, claims in named):
        yield Measurement("sources_agree", not differ, "all sources of serial, IMEI and MEID")
    else:
        yield Unread("sources_agree", Words("there is one source only", "只有一个来源"))
    if differ:
        yield Measurement("disagreements", tuple(differ), "all sources of serial, IMEI and MEID")


_NO_TICKET = Words("there is no ticket to compare with", "没有可核对的工单")
_NOT_COMPARED = Words(
    "the phone tells nothing that the ticket names, so it can't be said that it is the same phone; read its IMEI with "
    "*#06# and compare it by eye",
    "手机未提供工单上记录的任何标识，无法确认是否为同一手机；请用 *#06# 查看 IMEI 并人工核对",
)


def _on_ticket(ticket: Mapping[str, str], found: Mapping[str, str]) -> Reading:
    """Whether the phone is the one on the ticket: one of its IMEIs is, or its serial where no IMEIs can be compared.

    Raises:
        NotRun: the ticket names a phone, and nothing of it can be compared with this one.
    """
    theirs = {value for name, value in ticket.items() if name.startswith("imei") and value}
    mine = {found[name] for name in ("imei1", "imei2") if name in found}
    if theirs and mine:
        return Measurement("on_ticket", bool(theirs & mine), "IMEIs of the phone and of the ticket")
    if ticket.get("serial") and "serial" in found:
        return Measurement("on_ticket", found["serial"] == ticket["serial"], "serials of the phone and of the ticket")
    if theirs or ticket.get("serial"):
        raise NotRun(_NOT_COMPARED)
    return Unread("on_ticket", _NO_TICKET)


@probe(
    "android.identity",
    needs=Shell,
    reads=(getprop.READ, _IMEI1, _IMEI2, _CALLING, _SLOT1, _SLOT2, _OLD, READ_DF, memory.READ),
    measures={
        "serial": IDENTITY,
        "imei1": IDENTITY,
        "imei2": IDENTITY,
        "meid": IDENTITY,
        "on_ticket": FLAG,
        "imei_check_digit": FLAG,
        "sources_agree": FLAG,
        "disagreements": LIST,
        "manufacturer": TEXT,
        "model": TEXT,
        "os_version": TEXT,
        "build": TEXT,
        "security_patch": TEXT,
        "baseband": TEXT,
        "capacity": "GBy",
        "memory": "MiBy",
        "colour": TEXT,
    },
    names={"colour": Words("colour code", "颜色代码")},
)
async def identity(bench: Bench) -> AsyncIterator[Reading]:
    """Serial, IMEIs or MEID, model, capacity, system, build and patch level, each with its source."""
    said = hear(bench, getprop.READ, getprop.getprop)
    props, _, _ = getprop.properties(bench.answer(getprop.READ.name).stdout)
    calling = hear_second(bench, _CALLING, iphonesubinfo, "service call iphonesubinfo 1")
    parcel1 = hear_second(bench, _SLOT1, iphonesubinfo, "service call iphonesubinfo, slot 1")
    parcel2 = hear_second(bench, _SLOT2, iphonesubinfo, "service call iphonesubinfo, slot 2")
    old = hear_second(bench, _OLD, iphonesubinfo)
    # Calls may go out by the second slot: their slot's id is the first one's word only where nothing else tells of it.
    of_calls = calling.get("imei")
    first = parcel1 if parcel1.get("imei") or (of_calls and of_calls == parcel2.get("imei")) else calling
    slot1 = [hear_second(bench, _IMEI1, phone_imei), first, old]
    slot2 = [hear_second(bench, _IMEI2, phone_imei), parcel2]
    known: dict[str, str] = {}
    for found in _identifiers(props, slot1, slot2):
        if isinstance(found, Measurement) and isinstance(found.value, str):
            known[found.name] = found.value
        yield found
    for name, fact in (
        ("manufacturer", "manufacturer"),
        ("model", "model"),
        ("os_version", "release"),
        ("build", "build_id"),
        ("security_patch", "security_patch"),
        ("baseband", "baseband"),
    ):
        yield reading(name, said, fact)
    yield _capacity(props, hear_second(bench, READ_DF, df))
    ram = hear_second(bench, memory.READ, memory.meminfo)
    yield reading("memory", ram, "MemTotal_kB", lambda kib: (Decimal(kib) / 1024).quantize(Decimal(1)), "MemTotal")
    if colour := getprop.first_of(props, _COLOURS):
        yield Measurement("colour", as_value(colour), "getprop: colour")
    yield _on_ticket(bench.ticket, known)
