"""Signs that the phone's system is not the maker's: boot state, lock, build tags, root, warranty bit.

Properties can be faked by whoever has root; a clean result is not a proof. Only what the phone says is measured.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from drivers.api import Command, Shell
from drivers.text import Words
from probes import getprop
from probes.answers import NOT_SAID, Heard, as_value, hear, hear_second, reading
from probes.api import Bench, Measurement, Parsed, Problem, Reading, Unread, parser, probe
from probes.captured import stripped_lines
from probes.data_state import READ_APPS, installed_apps
from probes.units import FLAG, LIST, TEXT

__all__ = ["ROOT_APPS", "os_integrity", "selinux_mode", "su_search"]

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


SELINUX = Command("selinux", "getenforce", timeout_s=5.0, limit=1024)

#: Apps that hand out root, as long as their owner has not renamed them (OWASP MASTG, Android root detection; the names
#: are those of the projects' own releases).
ROOT_APPS: Mapping[str, str] = {
    "com.topjohnwu.magisk": "Magisk",
    "io.github.vvb2060.magisk": "Magisk",
    "io.github.huskydg.magisk": "Magisk",
    "me.weishu.kernelsu": "KernelSU",
    "com.rifsxd.ksunext": "KernelSU",
    "me.bmax.apatch": "APatch",
    "eu.chainfire.supersu": "SuperSU",
    "com.koushikdutta.superuser": "Superuser",
    "com.noshufou.android.su": "Superuser",
    "com.kingroot.kinguser": "KingRoot",
}


@parser("selinux_mode")
def selinux_mode(data: bytes) -> Parsed:
    """`getenforce`: one word."""
    parsed = Parsed()
    for line in stripped_lines(data):
        if line in ("Enforcing", "Permissive", "Disabled"):
            parsed.facts["mode"] = line.lower()
            break
    return parsed


def _root_apps(listed: Heard) -> Reading:
    if listed.get("apps") is None:
        return Unread("root_apps", listed.reason("apps"), listed.source)
    found = [f"{ROOT_APPS[app]} ({app})" for app in listed.get("apps") if app in ROOT_APPS]
    return Measurement("root_apps", as_value(found), listed.source)


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
    reads=(getprop.READ, SU, SELINUX, READ_APPS),
    measures={
        "verified_boot": TEXT,
        "bootloader_locked": FLAG,
        "build_tags": TEXT,
        "build_type": TEXT,
        "debuggable": FLAG,
        "su_present": FLAG,
        "su_places": LIST,
        "root_apps": LIST,
        "selinux": TEXT,
        "warranty_bit_tripped": FLAG,
        "encryption": TEXT,
        "ever_unlocked": FLAG,
    },
    names={
        "ever_unlocked": Words("was unlocked once", "曾经解锁"),
        "root_apps": Words("apps that hand out root", "root 管理应用"),
        "selinux": Words("SELinux", "SELinux 模式"),
    },
)
async def os_integrity(bench: Bench) -> AsyncIterator[Reading]:
    """Verified boot, bootloader lock, build tags, debuggable build, root, SELinux, warranty bit."""
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
    yield _root_apps(hear_second(bench, READ_APPS, installed_apps))
    yield reading("selinux", hear_second(bench, SELINUX, selinux_mode), "mode")
    yield _warranty_bit(said)
    if props.get("ro.is_ever_orange") in ("0", "1"):
        yield Measurement("ever_unlocked", props["ro.is_ever_orange"] == "1", "getprop ro.is_ever_orange")
    yield reading("encryption", said, "crypto_state")
