"""System properties as `getprop` prints them: one `[name]: [value]` a line, some values over several lines.

Stands on the rules of `probes.captured`; what a property means for a check is the business of the probes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from drivers.api import Command
from probes.api import Parsed, Problem, parser
from probes.captured import flag, integer, note, raw_lines

__all__ = ["READ", "first_of", "getprop", "properties"]

#: The read that every probe of properties shares; the runner asks the phone once.
READ = Command("getprop", "getprop", timeout_s=10.0, limit=1024 * 1024)

_ENTRY = re.compile(r"\s{0,40}\[([^\]]{0,500})\]: \[(.*)")


def _product(name: str) -> tuple[str, ...]:
    return (f"ro.product.{name}", f"ro.product.vendor.{name}")


#: Fact -> the properties that state it; the first that is not empty counts.
_TEXTS: Mapping[str, tuple[str, ...]] = {
    "manufacturer": _product("manufacturer"),
    "brand": _product("brand"),
    "model": _product("model"),
    "device": _product("device"),
    "release": ("ro.build.version.release",),
    "security_patch": ("ro.build.version.security_patch",),
    "fingerprint": ("ro.build.fingerprint",),
    "build_type": ("ro.build.type",),
    "verifiedbootstate": ("ro.boot.verifiedbootstate",),
    "bootloader": ("ro.bootloader", "ro.boot.bootloader"),
    "platform": ("ro.board.platform",),
    "serialno": ("ro.serialno", "ro.boot.serialno"),
    "baseband": ("gsm.version.baseband",),
    "sim_state": ("gsm.sim.state",),
    "crypto_state": ("ro.crypto.state",),
    "boot_reason": ("ro.boot.bootreason", "sys.boot.reason"),
    "build_id": ("ro.build.display.id", "ro.build.id"),
    "build_tags": ("ro.build.tags",),
    "vbmeta_state": ("ro.boot.vbmeta.device_state",),
    "operator": ("gsm.operator.alpha",),
    "storage_sold": ("ro.boot.hardware.ufs", "ro.boot.hardware.emmc"),
}
_FLAGS: Mapping[str, tuple[str, ...]] = {
    "flash_locked": ("ro.boot.flash.locked",),
    "debuggable": ("ro.debuggable",),
    "warranty_bit": (
        *("ro.boot.warranty_bit", "ro.warranty_bit"),
        *("ro.vendor.boot.warranty_bit", "ro.vendor.warranty_bit"),
    ),
}


def properties(data: bytes) -> tuple[dict[str, str], int, list[Problem]]:
    """All properties by name (the first of a name counts), how many lines open one, and what could not be read.

    A value that is still open when the next property begins, or when the capture ends, was cut and is left out.
    """
    found: dict[str, str] = {}
    problems: list[Problem] = []
    count = 0
    name = ""
    parts: list[str] = []

    def close(why: str) -> None:
        if parts:
            problems.append(Problem(name, f"the value has no end: {why}"))
            found.setdefault(name, "")

    for line in raw_lines(data):
        opens = _ENTRY.match(line)
        if opens:
            close("another property begins")
            count += 1
            name, parts = opens[1], [opens[2]]
        elif parts:
            parts.append(line)
        if parts and parts[-1].endswith("]"):
            found.setdefault(name, "\n".join(parts)[:-1])
            parts = []
    close("the capture ends")
    return found, count, problems


def first_of(props: Mapping[str, str], names: tuple[str, ...]) -> str:
    """The first of the named properties that is not empty, else an empty text."""
    return next((props[name] for name in names if props.get(name)), "")


@parser("getprop")
def getprop(data: bytes) -> Parsed:
    """What the properties say of the phone's make, system, boot and lock state; texts as printed."""
    props, count, problems = properties(data)
    parsed = Parsed(problems=problems)
    if not count:
        return parsed
    parsed.facts["prop_count"] = count
    for fact, names in _TEXTS.items():
        if text := first_of(props, names):
            parsed.facts[fact] = text
    for fact, names in _FLAGS.items():
        if text := first_of(props, names):
            _put(parsed, fact, text, flag(text), "a flag")
    if sdk := props.get("ro.build.version.sdk"):
        _put(parsed, "sdk", sdk, integer(sdk), "a number")
    return parsed


def _put(parsed: Parsed, fact: str, text: str, value: object, wanted: str) -> None:
    if value is None:
        note(parsed, fact, text, wanted)
    else:
        parsed.facts[fact] = value
