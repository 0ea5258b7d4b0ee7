"""Who an Android phone says it is: the commands that ask for it, and pure readers of what they answer.

Stands on text alone. A phone answers many of these questions with a refusal, an empty answer or nonsense: what is no
serial or IMEI is left out, nothing is guessed and nothing raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drivers.api import Command, Identity
from drivers.imei import imei_ok

__all__ = [
    "DEVICE_ID",
    "DEVICE_ID_1",
    "DEVICE_ID_2",
    "IDENTIFY",
    "SYSTEM_MARKS",
    "BinderText",
    "binder_text",
    "binder_words",
    "read_identity",
]

#: IPhoneSubInfo call 1 is getDeviceId(callingPackage) on every version, and the shell's package may ask it: the id of
#: the slot that calls go out by, which is the second where its SIM is the only one (AOSP PhoneSubInfoController). `cmd
#: phone get-imei` answers only root on a build that is no user build (AOSP TelephonyShellCommand).
DEVICE_ID = "service call iphonesubinfo 1 s16 com.android.shell"
#: getDeviceIdForPhone(slot, ...) is call 4 since Android 11, where 3 gives the network's name for the subscriber, and
#: call 3 on Android 6 to 10: on 4.x that gives the IMSI. Neither of these must even be read (AOSP IPhoneSubInfo.aidl).
DEVICE_ID_1, DEVICE_ID_2 = (
    'if [ "$(getprop ro.build.version.sdk)" -ge 30 ]; then '
    f"service call iphonesubinfo 4 i32 {slot} s16 com.android.shell; "
    'elif [ "$(getprop ro.build.version.sdk)" -ge 23 ]; then '
    f"service call iphonesubinfo 3 i32 {slot} s16 com.android.shell; fi"
    for slot in (0, 1)
)

#: What is asked when a phone is plugged in: its properties, then whatever may hold an IMEI, the first slot's first.
IDENTIFY = (
    Command("getprop", "getprop", timeout_s=8.0, limit=512 * 1024),
    Command("imei-1", "cmd phone get-imei 0", timeout_s=3.0, limit=4096),
    Command("device-id-1", DEVICE_ID_1, timeout_s=3.0, limit=4096),
    Command("device-id", DEVICE_ID, timeout_s=3.0, limit=4096),
    Command("device-id-dump", "dumpsys iphonesubinfo", timeout_s=3.0, limit=16 * 1024),
    Command("imei-2", "cmd phone get-imei 1", timeout_s=3.0, limit=4096),
    Command("device-id-2", DEVICE_ID_2, timeout_s=3.0, limit=4096),
)

_PROPERTY = re.compile(r"^\[([^\]\n]+)\]: \[([^\n]*)\]$", re.MULTILINE)
_IMEI_PROPERTIES = (
    "ro.ril.oem.imei",
    "ro.ril.oem.imei1",
    "ro.ril.oem.imei2",
    "persist.radio.imei",
    "gsm.baseband.imei",
)
#: Properties that only one maker's system has, or a system that is no maker's: whose menus the phone has.
SYSTEM_MARKS = (
    "hw_sc.build.platform.version",
    "msc.build.platform.version",
    "ro.build.version.emui",
    "ro.build.version.magic",
    "ro.build.version.oneui",
    "ro.build.version.oplusrom",
    "ro.build.version.opporom",
    "ro.build.version.realmeui",
    "ro.build.version.sep",
    "ro.lineage.version",
    "ro.mi.os.version.name",
    "ro.miui.ui.version.name",
    "ro.modversion",
    "ro.oxygen.version",
    "ro.semc.version.sw",
    "ro.vivo.os.build.display.id",
    "ro.vivo.os.name",
    "ro.vivo.os.version",
)
_IMEI = re.compile(r"(?<!\d)\d{15}(?!\d)", re.ASCII)
_PARCEL = "Result: Parcel("
#: The words of a printed parcel; what a colon follows is a row's offset.
_WORD = re.compile(r"\b[0-9a-fA-F]{8}\b(?!:)", re.ASCII)
#: Rows and characters of a text that identifies something; a longer one is nonsense.
_MOST_ROWS, _MOST_TEXT = 64, 64


@dataclass(frozen=True, slots=True)
class BinderText:
    """The text of a Binder answer, empty when it is null or empty; else why there is none, in English."""

    text: str = ""
    problem: str = ""


def binder_words(answer: str) -> list[int] | None:
    """The 32-bit words of the first parcel that `service call` printed; None when it printed none."""
    lines = answer.splitlines()
    start = next((at for at, line in enumerate(lines) if line.strip().startswith(_PARCEL)), None)
    if start is None:
        return None
    rows = [lines[start].partition("Parcel(")[2], *lines[start + 1 : start + _MOST_ROWS]]
    # Every row ends in the same bytes as characters between apostrophes: only what stands before them counts.
    return [int(word, 16) for row in rows for word in _WORD.findall(row.partition("'")[0])]


def binder_text(answer: str) -> BinderText | None:
    """What `service call` printed, read as one text; None when it printed no parcel.

    The parcel holds an exception code, the length in characters, then UTF-16, two characters in a little-endian word.
    """
    words = binder_words(answer)
    return None if words is None else _decoded(words)


def _decoded(words: Sequence[int]) -> BinderText:
    if len(words) < 2:
        return BinderText(problem="the parcel holds no text")
    exception, length, *characters = words
    if exception != 0:
        return BinderText(problem=f"the service answered with the exception {exception:#010x}")
    if length in (0, 0xFFFFFFFF):
        return BinderText()
    raw = b"".join(word.to_bytes(4, "little") for word in characters)[: 2 * length]
    if length > _MOST_TEXT or len(raw) < 2 * length:
        return BinderText(problem="the parcel is cut")
    return BinderText(raw.decode("utf-16-le", "replace"))


def read_identity(getprop: str, imei_answers: Iterable[str]) -> Identity:
    """Who the phone says it is; a property that it does not have stays empty, a number that is no IMEI is left out.

    Args:
        imei_answers: what the other commands of `IDENTIFY` printed, parcels among them.
    """
    said = {key: value.strip() for key, value in _PROPERTY.findall(getprop)}
    spoken = [*map(_unpacked, imei_answers), *(said.get(key, "") for key in _IMEI_PROPERTIES)]
    imeis = [found for text in spoken for found in _IMEI.findall(text) if imei_ok(found)]
    return Identity(
        serial=said.get("ro.serialno") or said.get("ro.boot.serialno", ""),
        imeis=tuple(dict.fromkeys(imeis)),
        manufacturer=said.get("ro.product.manufacturer", ""),
        model=said.get("ro.product.model", ""),
        os_version=said.get("ro.build.version.release", ""),
        build=said.get("ro.build.display.id") or said.get("ro.build.id", ""),
        brand=said.get("ro.product.brand", ""),
        marks=tuple(name for name in SYSTEM_MARKS if said.get(name)),
    )


def _unpacked(answer: str) -> str:
    parcel = binder_text(answer)
    return answer if parcel is None else parcel.text
