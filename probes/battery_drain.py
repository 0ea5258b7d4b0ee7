"""What used the battery since it was last charged: consumers, wake locks, and the draw with the screen off.

Stands on `dumpsys batterystats` in the forms of Android 5 to 16. The figures are the phone's own estimates, so they
point at something and prove nothing: no limit belongs to them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from drivers.api import Command, Shell
from drivers.text import Words
from probes.answers import Heard, as_value, hear, hear_second, reading
from probes.api import Bench, Measurement, Parsed, Reading, Unread, parser, probe
from probes.battery_dump import READ_STATS
from probes.captured import decimal, note, plain_numbers, stripped_lines
from probes.units import LIST

__all__ = ["READ_PACKAGES", "battery_drain", "battery_drain_software", "draining_apps", "package_uids"]

#: Names behind user ids; Android 7 and older know no `-U` and give none.
READ_PACKAGES = Command("package-uids", "pm list packages -U", timeout_s=10.0, limit=512 * 1024)

_UNITS_S = {"d": Decimal(86400), "h": Decimal(3600), "m": Decimal(60), "s": Decimal(1), "ms": Decimal("0.001")}
_TIME = r"(?:[0-9]{1,9}(?:ms|d|h|m|s) ?){1,5}"
_TOKEN = re.compile(r"([0-9]{1,9})(ms|d|h|m|s)", re.ASCII)
_NUMBER = r"([0-9]{0,12}\.?[0-9]{1,12}(?:E-?[0-9]{1,2})?)"
_UID = re.compile(r"(?:UID|Uid) (u[0-9]{1,4}[asi]{1,2}[0-9]{1,6}|[0-9]{1,9}): " + _NUMBER, re.ASCII)
#: Android 12 and later name parts of the phone in small letters and what the apps had of it; before that it was words.
_PART = re.compile(r"([a-z][a-z_ -]{1,40}): " + _NUMBER + " apps: ", re.ASCII)
_OLD_PART = re.compile(
    r"(Screen|Cell standby|Idle|Wifi|Bluetooth|Camera|Flashlight|Phone calls|Ambient display|Unaccounted|Over-counted)"
    r": " + _NUMBER,
    re.ASCII,
)
_KERNEL_LOCK = re.compile(rf"Kernel Wake lock (.{{1,300}}): ({_TIME})\(([0-9]{{1,9}}) times\)", re.ASCII)
_LOCK = re.compile(
    rf"Wake lock (u[0-9]{{1,4}}[asi]{{1,2}}[0-9]{{1,6}}|[0-9]{{1,9}}) (.{{1,300}}): ({_TIME})"
    r"(?:partial |full )?\(([0-9]{1,9}) times\)",
    re.ASCII,
)
#: Printed name -> fact; after the first of them a time, of the others a charge in mAh.
_TIMES = {
    "Time on battery:": "on_battery_s",
    "Time on battery screen off:": "screen_off_s",
    "Screen on:": "screen_on_s",
    "Total partial wakelock time:": "wakelock_s",
}
_CHARGES = {"Discharge:": "discharged_mAh", "Screen off discharge:": "screen_off_mAh"}
_UPTIME = re.compile(rf"realtime, ({_TIME})\([^)]{{1,20}}\) uptime", re.ASCII)
_MOST = 200


def _seconds(text: str) -> Decimal | None:
    """The time at the beginning of `text`, e.g. `3h 6m 35s 465ms`, in seconds."""
    found = re.match(_TIME, text, re.ASCII)
    if not found:
        return None
    return sum((Decimal(number) * _UNITS_S[unit] for number, unit in _TOKEN.findall(found[0])), Decimal(0))


def _totals(parsed: Parsed, line: str) -> None:
    for label, fact in (*_TIMES.items(), *_CHARGES.items()):
        if not line.startswith(label) or fact in parsed.facts:
            continue
        text = line[len(label) :].strip()
        value = _seconds(text) if label in _TIMES else decimal(text.removesuffix("mAh").strip())
        if value is None:
            note(parsed, fact, text, "a time" if label in _TIMES else "a charge in mAh")
            continue
        parsed.facts[fact] = value
        if fact == "on_battery_s" and (up := _UPTIME.search(text)) and (awake := _seconds(up[1])) is not None:
            parsed.facts["awake_s"] = awake


def _consumers(lines: Sequence[str], *forms: re.Pattern[str]) -> list[dict[str, Any]]:
    """Who used how much, the most first; of a name the first line counts."""
    used: dict[str, Decimal] = {}
    for line in lines:
        for form in forms:
            if (found := form.match(line)) and (amount := decimal(f"0{found[2]}")) is not None:
                used.setdefault(found[1], amount)
    return [{"who": who, "mAh": used[who]} for who in sorted(used, key=lambda who: (-used[who], who))][:_MOST]


def _locks(lines: Sequence[str], form: re.Pattern[str]) -> list[dict[str, Any]]:
    """Wake locks, the longest first."""
    held: dict[str, tuple[Decimal, int]] = {}
    for line in lines:
        if found := form.match(line):
            *name, time, times = found.groups()
            held.setdefault(" ".join(name), (_seconds(time) or Decimal(0), int(times)))
    ranked = sorted(held, key=lambda name: (-held[name][0], name))
    return [{"name": name, "s": held[name][0], "times": held[name][1]} for name in ranked[:_MOST]]


@parser("battery_drain")
def battery_drain(data: bytes) -> Parsed:
    """Times in seconds and charges in mAh since the last charge; apps, parts of the phone and wake locks by use."""
    parsed = Parsed()
    lines = [plain_numbers(line) for line in stripped_lines(data)]
    for line in lines:
        _totals(parsed, line)
    lists = {
        "apps": _consumers(lines, _UID),
        "parts": _consumers(lines, _PART, _OLD_PART),
        "kernel_locks": _locks(lines, _KERNEL_LOCK),
        "locks": _locks(lines, _LOCK),
    }
    parsed.facts |= {fact: found for fact, found in lists.items() if found}
    return parsed


_PACKAGE = re.compile(r"package:([A-Za-z0-9_.]{1,200}) uid:([0-9,]{1,400})", re.ASCII)


@parser("package_uids")
def package_uids(data: bytes) -> Parsed:
    """`pm list packages -U`: the packages of each user id, in the order printed."""
    parsed = Parsed()
    uids: dict[str, list[str]] = {}
    for line in stripped_lines(data):
        if found := _PACKAGE.fullmatch(line):
            for uid in found[2].split(","):
                names = uids.setdefault(uid, [])
                if uid and found[1] not in names:
                    names.append(found[1])
    if uids:
        parsed.facts["uids"] = uids
    return parsed


#: system/core/libcutils/include/private/android_filesystem_config.h (AOSP).
_SYSTEM = {
    "0": "root",
    "1000": "system",
    "1001": "radio",
    "1002": "bluetooth",
    "1010": "wifi",
    "1013": "media",
    "1021": "gps",
    "1027": "nfc",
    "1041": "audio server",
    "1047": "camera server",
    "2000": "shell",
}
_APP_UID = re.compile(r"u([0-9]{1,4})a([0-9]{1,6})", re.ASCII)


def _name(uid: str, packages: Mapping[str, Sequence[str]]) -> str:
    """The uid with what runs under it: `u0a87` is user 0's app 87, that is 10087 (android.os.UserHandle)."""
    app = _APP_UID.fullmatch(uid)
    number = str(int(app[1]) * 100_000 + 10_000 + int(app[2])) if app else uid
    names = packages.get(number) or ([_SYSTEM[uid]] if uid in _SYSTEM else [])
    more = f" +{len(names) - 1}" if len(names) > 1 else ""
    return f"{names[0]}{more} ({uid})" if names else uid


def _hours(heard: Heard, name: str, fact: str, words: str) -> Reading:
    return reading(name, heard, fact, lambda value: (value / 3600).quantize(Decimal("0.01")), words)


_TOO_SHORT = Words(
    "the phone was off the charger for too short a time; leave it unplugged for ten minutes, then run this again",
    "手机脱离充电的时间过短；请拔掉充电器放置十分钟以上再重测",
)
#: Less than this says nothing about a rate.
_LEAST_S = 600


def _rates(heard: Heard) -> Iterator[Reading]:
    off_s, off_mah = heard.get("screen_off_s"), heard.get("screen_off_mAh")
    source = f"{heard.source}: Screen off discharge / Time on battery screen off"
    if off_s is not None and off_mah is not None and off_s >= _LEAST_S:
        yield Measurement("screen_off_current", (off_mah * 3600 / off_s).quantize(Decimal("0.1")), source)
    else:
        short = off_s is not None and off_mah is not None
        yield Unread("screen_off_current", _TOO_SHORT if short else heard.reason("screen_off_mAh"), source)
    total_s, awake_s, screen_s = heard.get("on_battery_s"), heard.get("awake_s"), heard.get("screen_on_s")
    source = f"{heard.source}: uptime without the screen / Time on battery"
    if total_s and awake_s is not None and total_s >= _LEAST_S:
        idle_s = max(Decimal(0), awake_s - (screen_s or 0))
        yield Measurement("awake_share", (100 * idle_s / total_s).quantize(Decimal("0.1")), source)
    else:
        yield Unread("awake_share", _TOO_SHORT if total_s is not None else heard.reason("on_battery_s"), source)


#: An estimate beyond this multiple of what the battery gave comes from a wrong power profile (seen: 13 times).
_BEYOND = 2


def _used(one: Mapping[str, Any], name: str, discharged: Decimal | None) -> str:
    beyond = bool(discharged) and one["mAh"] > _BEYOND * (discharged or 0)
    doubt = f", but the battery gave {discharged} mAh in all" if beyond else ""
    return f"{name}: {one['mAh']} mAh{doubt}"


#: An app that took this share of what the battery gave is worth naming, once the phone was off the charger for an hour.
_MUCH, _LONG_S = Decimal("0.2"), 3600


def draining_apps(heard: Heard, packages: Mapping[str, Sequence[str]]) -> tuple[str, ...] | Words:
    """Apps that took a fifth and more of what the battery gave, by the phone's own estimate; or why nobody can say."""
    given, on_battery_s = heard.get("discharged_mAh"), heard.get("on_battery_s")
    if not given or on_battery_s is None:
        return heard.reason("discharged_mAh")
    if on_battery_s < _LONG_S:
        return _TOO_SHORT
    apps = [one for one in heard.get("apps") or () if _APP_UID.fullmatch(one["who"]) and one["mAh"] >= _MUCH * given]
    return tuple(_used(one, _name(one["who"], packages), given) for one in apps)


def _top(name: str, heard: Heard, fact: str, shown: Any, top: int) -> Reading:
    if not (found := heard.get(fact)):
        return Unread(name, heard.reason(fact), heard.source)
    return Measurement(name, as_value([shown(one) for one in found[:top]]), heard.source)


@probe(
    "android.battery-drain-software",
    needs=Shell,
    reads=(READ_STATS, READ_PACKAGES),
    measures={
        "on_battery": "h",
        "screen_on": "h",
        "discharged": "mA.h",
        "screen_off_current": "mA",
        "awake_share": "%",
        "top_apps": LIST,
        "top_parts": LIST,
        "kernel_locks": LIST,
        "wake_locks": LIST,
        "wake_lock_time": "h",
    },
    names={
        "on_battery": Words("time on battery", "电池供电时长"),
        "screen_on": Words("screen on", "亮屏时长"),
        "discharged": Words("discharged", "放电量"),
        "screen_off_current": Words("draw, screen off", "息屏耗电"),
        "awake_share": Words("awake, screen off", "息屏唤醒占比"),
        "top_apps": Words("top apps", "耗电应用"),
        "top_parts": Words("top parts", "耗电部件"),
        "kernel_locks": Words("kernel wake locks", "内核唤醒锁"),
        "wake_locks": Words("app wake locks", "应用唤醒锁"),
        "wake_lock_time": Words("wake locks, total", "唤醒锁总时长"),
    },
)
async def battery_drain_software(bench: Bench, *, top: int = 5) -> AsyncIterator[Reading]:
    """What used the battery since it was last charged.

    Settings: `top`, how many consumers and wake locks are listed.
    """
    heard = hear(bench, READ_STATS, battery_drain, "dumpsys batterystats")
    packages = hear_second(bench, READ_PACKAGES, package_uids).get("uids") or {}
    given = heard.get("discharged_mAh")
    yield _hours(heard, "on_battery", "on_battery_s", "Time on battery")
    yield _hours(heard, "screen_on", "screen_on_s", "Screen on")
    yield reading("discharged", heard, "discharged_mAh", words="Discharge")
    for found in _rates(heard):
        yield found
    yield _top("top_apps", heard, "apps", lambda one: _used(one, _name(one["who"], packages), given), top)
    yield _top("top_parts", heard, "parts", lambda one: _used(one, one["who"], given), top)
    for name, fact in (("kernel_locks", "kernel_locks"), ("wake_locks", "locks")):
        yield _top(name, heard, fact, lambda one: f"{one['name']}: {one['s']} s, {one['times']} times", top)
    yield _hours(heard, "wake_lock_time", "wakelock_s", "Total partial wakelock time")
