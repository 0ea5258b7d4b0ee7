"""What Android 14 and later, and the makers, tell of a battery beside its dump: properties, vendor files, swelling.

Pure parsers and the commands they read. Nothing here was seen on a phone: the properties are read by their Binder
method, the vendor files where the maker leaves them readable to adb.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from drivers.adb_identity import binder_words
from drivers.api import Command
from probes.api import Parsed, Problem, parser
from probes.battery_dates import day
from probes.captured import integer, note, stripped_lines

__all__ = [
    "PARTS",
    "POLICIES",
    "READ_NODES",
    "READ_PROPERTY",
    "READ_SWELLING",
    "battery_health_nodes",
    "battery_nodes",
    "battery_property",
]

#: BatteryManager's properties 7 to 12 by `IBatteryPropertiesRegistrar.getProperty`, which is call 1 since Android 9.
#: Before that call 1 registered a listener, so it is made on Android 14 and later only, where the properties are. The
#: cycles are in no property but in the sticky broadcast (EXTRA_CYCLE_COUNT).
READ_PROPERTY = Command(
    "battery-property",
    'if [ "$(getprop ro.build.version.sdk)" -ge 34 ]; then '
    "for p in 7 8 9 10 11 12; do echo property $p; service call batteryproperties 1 i32 $p; done; "
    "dumpsys activity broadcasts | grep -o 'android.os.extra.CYCLE_COUNT=[0-9]*'; "
    "else echo property none; fi; true",
    timeout_s=15.0,
    limit=128 * 1024,
)

#: android.os.BatteryManager.CHARGING_POLICY_* and PART_STATUS_* (AOSP frameworks/base).
POLICIES = {1: "default", 2: "adaptive, always on", 3: "adaptive, on the charger", 4: "long life"}
PARTS = {0: "unsupported", 1: "original", 2: "replaced"}
_STICKY = "android.os.extra.CYCLE_COUNT="
_NOTHING = -(2**63)
_MOST_SERIAL = 64


def _long(words: Sequence[int]) -> int | None:
    value = words[3] | words[4] << 32
    value -= 1 << 64 if value >> 63 else 0
    return None if value == _NOTHING else value


def _text(words: Sequence[int]) -> str:
    """The UTF-8 text behind the number (Android 15 and later), empty where there is none."""
    length = words[5] if len(words) > 5 else 0
    if not 0 < length <= _MOST_SERIAL:
        return ""
    raw = b"".join(word.to_bytes(4, "little") for word in words[6:])
    return raw[:length].decode("utf-8", "replace") if len(raw) >= length else ""


#: Property -> its fact and how a number gives it; 11 is a text.
_PROPERTIES: Mapping[str, tuple[str, Any]] = {
    "7": ("manufactured", day),
    "8": ("first_use", day),
    "9": ("charging_policy", POLICIES.get),
    "10": ("state_of_health_pct", lambda value: value if 0 < value <= 200 else None),
    "11": ("serial", None),
    "12": ("part_status", PARTS.get),
}
_TOO_OLD = ("this Android has no such property (Android 14 and later have)", "此安卓版本无该属性（安卓 14 起提供）")


def _property(parsed: Parsed, number: str, answer: str) -> None:
    fact, read = _PROPERTIES[number]
    words = binder_words(answer)
    if words is None or fact in parsed.facts:
        return
    if not words or words[0] != 0:
        code = f"{words[0]:#010x}" if words else "nothing"
        parsed.problems.append(Problem(fact, f"the service answered with the exception {code}", f"服务返回异常 {code}"))
    elif len(words) < 5 or words[1] != 0 or words[2] == 0:
        return  # the phone's gauge does not support this property
    elif read is None:
        if text := _text(words):
            parsed.facts[fact] = text
    elif (value := _long(words)) and (known := read(value)) is not None:
        parsed.facts[fact] = known
    elif value and value != -1:
        note(parsed, fact, str(value), "a value of that property")
    elif value == 0 and read == PARTS.get:
        parsed.facts[fact] = PARTS[0]


@parser("battery_property")
def battery_property(data: bytes) -> Parsed:
    """The answers to the property calls, each under its `property N`, and the cycles of the sticky broadcast."""
    parsed = Parsed()
    lines = stripped_lines(data)
    starts = [at for at, line in enumerate(lines) if line.startswith("property ")]
    for at, end in zip(starts, [*starts[1:], len(lines)], strict=False):
        number = lines[at].removeprefix("property ").strip()
        if number == "none":
            parsed.problems += [Problem(fact, *_TOO_OLD) for fact, _ in _PROPERTIES.values()]
        elif number in _PROPERTIES:
            _property(parsed, number, "\n".join(lines[at + 1 : end]))
    for line in lines:
        if _STICKY in line and (count := integer(line.partition(_STICKY)[2].split(",")[0].rstrip("}]) "))):
            parsed.facts.setdefault("cycle_count", count)
    return parsed


_SUPPLY, _OPLUS, _QCOM = "/sys/class/power_supply", "/sys/class/oplus_chg/battery", "/sys/class/qcom-battery"
#: File -> fact. What each maker's own service app or framework reads: Samsung (BattInfoManager), OPPO, realme, OnePlus
#: (BatteryServiceExtImpl), Xiaomi and Lenovo (after-sales test), Huawei.
_NODES: Mapping[str, str] = {
    f"{_SUPPLY}/battery/fg_asoc": "soh_pct",
    f"{_OPLUS}/battery_soh": "soh_pct",
    f"{_SUPPLY}/battery/batt_soh": "soh_pct",
    f"{_QCOM}/soh": "soh_pct",
    f"{_QCOM}/fg1_soh": "soh_pct",
    f"{_SUPPLY}/bms/soh": "soh_pct",
    f"{_OPLUS}/battery_cc": "cycle_count",
    f"{_SUPPLY}/battery/batt_cc": "cycle_count",
    f"{_SUPPLY}/battery/battery_cycle": "cycle_count",
    f"{_QCOM}/fg1_cycle": "cycle_count",
    f"{_SUPPLY}/bms/cycle_count": "cycle_count",
    f"{_SUPPLY}/Battery/cycle_count": "cycle_count",
    f"{_OPLUS}/battery_fcc": "full_mAh",
    f"{_SUPPLY}/battery/batt_fcc": "full_mAh",
    f"{_OPLUS}/design_capacity": "design_mAh",
    f"{_OPLUS}/battery_sn": "serial",
    f"{_OPLUS}/battery_manu_date": "manufactured",
}
READ_NODES = Command(
    "battery-nodes",
    f"grep -s . {' '.join(_NODES)}; echo vendor files read",
    timeout_s=5.0,
    limit=32 * 1024,
)


@parser("battery_nodes")
def battery_nodes(data: bytes) -> Parsed:
    """`path:value` lines of the makers' files; `node_...` names the file that gave each fact."""
    parsed = Parsed()
    for line in stripped_lines(data):
        if line == "vendor files read":
            parsed.facts["searched"] = True
        path, colon, text = line.partition(":")
        fact, text = _NODES.get(path, ""), text.strip()
        if not colon or not fact or not text or fact in parsed.facts:
            continue
        value = text[:_MOST_SERIAL] if fact == "serial" else day(text) if fact == "manufactured" else integer(text)
        if value is None:
            note(parsed, fact, text, "a date" if fact == "manufactured" else "a whole number")
        elif value != 0 and value != -1:
            parsed.facts |= {fact: value, f"node_{fact}": path}
    return parsed


READ_SWELLING = Command("battery-swelling", f"cat {_SUPPLY}/battery/swelling_data", timeout_s=5.0, limit=16 * 1024)
_SWELLING = re.compile(r"([0-9]{1,3})/([0-9]{1,3})[ \t]{1,9}([0-9]{1,12})[ \t]{1,9}([0-9]{1,12})", re.ASCII)
_ADAPTER = re.compile(r"A: ([A-Z][A-Z0-9_]{0,40}),", re.ASCII)
_INDEX_ROW = re.compile(r"[0-9]{1,2}: -?[0-9]{1,9}, -?[0-9]{1,9},-?[0-9]{1,9},", re.ASCII)


@parser("battery_health")
def battery_health_nodes(data: bytes) -> Parsed:
    """Files of Google's battery driver: time spent warm and full, the last charger; other columns have no published
    meaning and stay unread."""
    parsed = Parsed()
    lines = stripped_lines(data)
    if "temp/soc\tcharge(s)\tdischarge(s)" in lines or any(line.startswith("temp/soc") for line in lines):
        rows = [found for found in map(_SWELLING.fullmatch, lines) if found]
        keys = ("temperature_C", "charge_pct", "charging_s", "discharging_s")
        if rows:
            table = {(row[1], row[2]): row for row in reversed(rows)}
            parsed.facts["swelling"] = [
                dict(zip(keys, map(int, row.groups()), strict=True)) for row in reversed(table.values())
            ]
    for line in lines:
        if found := _ADAPTER.match(line):
            parsed.facts.setdefault("adapter", found[1])
    if index := {line for line in lines if _INDEX_ROW.match(line)}:
        parsed.facts["index_rows"] = len(index)
    return parsed
