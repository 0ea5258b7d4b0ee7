"""Signs that the phone's system is not the maker's: boot state, lock, build tags, root, warranty bit.

Properties can be faked by whoever has root; a clean result is not a proof. Only what the phone says is measured.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from drivers.api import Command, Shell
from drivers.text import Words
from probes import getprop
from probes.answers import NOT_SAID, Heard, hear, hear_second, reading
from probes.api import Bench, Measurement, Parsed, Problem, Reading, Unread, parser, probe
from probes.captured import stripped_lines
from probes.units import FLAG, LIST, TEXT

__all__ = ["os_integrity", "su_search"]

_PLACES = (
    "/system/bin/su /system/xbin/su /vendor/bin/su /product/bin/su /system_ext/bin/su /odm/bin/su /sbin/su /su/bin/su "
    "/data/local/su /data/local/bin/su /data/local/xbin/su /debug_ramdisk/su /system/app/Superuser.apk"
)
#: Looks for `su` where rooting tools put it, and says at the end that it looked to the end.
SU = Command(
    "su",
    f'for p in {_PLACES}; do [ -e "$p" ] && echo "found $p"; done; '
    'p=$(command -v su) && echo "found $p"; echo searched',
    timeout_s=5.0,
    limit=16 * 1024,
)


@parser("su_search")
def su_search(data: bytes) -> Parsed:
    """The answer of the search for `su`: the places found, only if the search came to its end."""
    parsed = Parsed()
    lines = stripped_lines(data)
    found = [line[len("found ") :] for line in lines if line.startswith("found /")]
    if "searched" not in lines:
        parsed.problems.append(Problem("su_present", "the search did not come to its end", "查找未完成"))
        if not found:
            return parsed
    parsed.facts |= {"su_present": bool(found), "su_places": list(dict.fromkeys(found))}
    return parsed


#: Where makers keep the lock beside Android's own properties, and the word for locked (Xiaomi; realme).
_MAKERS_LOCK: Mapping[str, str] = {"ro.secureboot.lockstate": "locked", "ro.boot.realme.lockstate": "1"}

_OPEN = Words("the phone does not say whether its bootloader is locked", "手机未说明引导程序是否上锁")


def _bootloader_locked(said: Heard, props: Mapping[str, str]) -> Reading:
    """From `ro.boot.flash.locked`, else from the state that verified boot saw, else from what the maker calls it."""
    if (locked := said.get("flash_locked")) is not None:
        return Measurement("bootloader_locked", locked, "getprop ro.boot.flash.locked")
    if (state := said.get("vbmeta_state")) in ("locked", "unlocked"):
        return Measurement("bootloader_locked", state == "locked", "getprop ro.boot.vbmeta.device_state")
    for name, locked_is in _MAKERS_LOCK.items():
        if props.get(name) in ("0", "1", "locked", "unlocked"):
            return Measurement("bootloader_locked", props[name] == locked_is, f"getprop {name}")
    return Unread("bootloader_locked", _OPEN, "getprop ro.boot.flash.locked")


def _verified_boot(said: Heard, props: Mapping[str, str]) -> Reading:
    """Android's own property, else the maker's copies of it."""
    if said.get("verifiedbootstate") is None:
        for name in ("vendor.boot.verifiedbootstate", "ro.boot.realmebootstate"):
            if props.get(name) in ("green", "yellow", "orange", "red"):
                return Measurement("verified_boot", props[name], f"getprop {name}")
    return reading("verified_boot", said, "verifiedbootstate")


def _warranty_bit(said: Heard) -> Reading:
    if (bit := said.get("warranty_bit")) is not None:
        return Measurement("warranty_bit_tripped", bit, "getprop ro.boot.warranty_bit")
    return Unread("warranty_bit_tripped", NOT_SAID, "getprop ro.boot.warranty_bit")


@probe(
    "android.os-integrity",
    needs=Shell,
    reads=(getprop.READ, SU),
    measures={
        "verified_boot": TEXT,
        "bootloader_locked": FLAG,
        "build_tags": TEXT,
        "build_type": TEXT,
        "debuggable": FLAG,
        "su_present": FLAG,
        "su_places": LIST,
        "warranty_bit_tripped": FLAG,
        "encryption": TEXT,
        "ever_unlocked": FLAG,
    },
    names={"ever_unlocked": Words("was unlocked once", "曾经解锁")},
)
async def os_integrity(bench: Bench) -> AsyncIterator[Reading]:
    """Verified boot, bootloader lock, build tags, debuggable build, root, warranty bit."""
    said = hear(bench, getprop.READ, getprop.getprop)
    props, _, _ = getprop.properties(bench.answer(getprop.READ.name).stdout)
    yield _verified_boot(said, props)
    yield _bootloader_locked(said, props)
    for name in ("build_tags", "build_type", "debuggable"):
        yield reading(name, said, name)
    search = hear_second(bench, SU, su_search, "search for su")
    yield reading("su_present", search, "su_present")
    if search.get("su_places"):
        yield reading("su_places", search, "su_places")
    yield _warranty_bit(said)
    if props.get("ro.is_ever_orange") in ("0", "1"):
        yield Measurement("ever_unlocked", props["ro.is_ever_orange"] == "1", "getprop ro.is_ever_orange")
    yield reading("encryption", said, "crypto_state")
