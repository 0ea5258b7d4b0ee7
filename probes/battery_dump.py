"""What the phone's battery services print: `dumpsys battery`, `batteryproperties` (and the health HAL), batterystats.

Pure parsers; numbers stay as printed where the unit is in doubt. What makes a battery healthy is judged elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from drivers.api import Command
from drivers.text import Words
from probes.api import Parsed, Problem, parser
from probes.battery_dates import day
from probes.captured import after, cut_line, decimal, flag, integer, note, plain_numbers, stripped_lines
from probes.fields import FLAG_FIELD, NUMBER_FIELD, TENTHS_FIELD, TEXT_FIELD, Field, read_fields

__all__ = [
    "FROZEN",
    "HEALTH_WORDS",
    "READ_BATTERY",
    "READ_HEALTH_HAL",
    "READ_PROPERTIES",
    "READ_STATS",
    "STATUS_WORDS",
    "battery",
    "battery_now",
    "batteryproperties",
    "batterystats",
]

READ_BATTERY = Command("battery", "dumpsys battery", timeout_s=10.0, limit=1024 * 1024)
#: The health HAL's own dump (AIDL, Android 13+); `batteryproperties` printed the same lines in Android 5 to 8.
READ_HEALTH_HAL = Command(
    "health-hal", "dumpsys android.hardware.health.IHealth/default", timeout_s=10.0, limit=256 * 1024
)
READ_PROPERTIES = Command("batteryproperties", "dumpsys batteryproperties", timeout_s=10.0, limit=256 * 1024)

#: The lines of `dumpsys batterystats` that are of use, of up to some megabytes: capacities, times, discharge, power by
#: consumer and wake locks. A phone whose grep knows no `-E` gives it all.
READ_STATS = Command(
    "batterystats",
    "dumpsys batterystats --charged | grep -E 'battery capacity:|Estimated power use|Capacity: |upper bound"
    "|Statistics since|Time on battery|Total partial wakelock|[Dd]ischarge: |Screen on: |^ *[Uu][Ii][Dd] [0-9a-z]+: "
    "|^ *[A-Za-z_ -]+: [^ ]+ apps: |^ *(Screen|Cell standby|Idle|Wifi|Bluetooth|Camera|Flashlight|Phone calls"
    "|Ambient display|Unaccounted|Over-counted): |Kernel Wake lock |^ *Wake lock [0-9a-z]+ '"
    " || dumpsys batterystats",
    timeout_s=20.0,
    limit=4 * 1024 * 1024,
)

#: android.os.BatteryManager.BATTERY_STATUS_* (AOSP frameworks/base).
STATUS_WORDS = {1: "unknown", 2: "charging", 3: "discharging", 4: "not_charging", 5: "full"}
#: android.os.BatteryManager.BATTERY_HEALTH_*; from 8 on android.hardware.health.BatteryHealth (AOSP).
HEALTH_WORDS = {
    1: "unknown",
    2: "good",
    3: "overheat",
    4: "dead",
    5: "over_voltage",
    6: "unspecified_failure",
    7: "cold",
    8: "fair",
    11: "not_available",
    12: "inconsistent",
}

_BRACKETED = re.compile(r"\[?([^\[\]]{0,200})\]?")


def _bracketed(text: str) -> str:
    found = _BRACKETED.fullmatch(text)
    return found[1].strip() if found else text


def _date(text: str) -> str | None:
    digits = _bracketed(text)
    if len(digits) != 8 or not digits.isascii() or not digits.isdigit():
        return None
    year, month, day = digits[:4], digits[4:6], digits[6:]
    return f"{year}-{month}-{day}" if "01" <= month <= "12" and "01" <= day <= "31" else None


def _all_true(text: str) -> bool | None:
    """One flag for each cell that is authenticated; true when all are."""
    flags = [flag(item) for item in _bracketed(text).split(",")]
    return None if None in flags else all(flags)


def _code(words: Mapping[int, str]) -> Field:
    """A number of an enumeration: printed as such, with its word in brackets behind it, or as the word alone."""
    codes = {word: code for code, word in words.items()}

    def read(text: str) -> int | None:
        number = integer(text.partition("(")[0])
        return number if number is not None else codes.get(re.sub(r"[\s-]+", "_", text.strip().lower()))

    return Field(read, "a number of the list")


_WORD = Field(lambda text: text.split()[0] if text.split() else None, "a word")
_BRACKETED_NUMBER = Field(lambda text: integer(_bracketed(text)), "a number")
_BRACKETED_DECIMAL = Field(lambda text: decimal(_bracketed(text)), "a number")
_ALL_TRUE = Field(_all_true, "flags")
_DATE = Field(_date, "a date YYYYMMDD")

#: The name that every version prints last of its own; what ends before it was cut.
_LAST_NAME = "technology"
_BATTERY: Mapping[str, tuple[str, Field]] = {
    "AC powered": FLAG_FIELD.named("ac"),
    "USB powered": FLAG_FIELD.named("usb"),
    "Wireless powered": FLAG_FIELD.named("wireless"),
    "Dock powered": FLAG_FIELD.named("dock"),
    "level": NUMBER_FIELD.named("level"),
    "scale": NUMBER_FIELD.named("scale"),
    "status": _code(STATUS_WORDS).named("status"),
    "health": _code(HEALTH_WORDS).named("health"),
    "present": FLAG_FIELD.named("present"),
    "voltage": NUMBER_FIELD.named("voltage_mV"),
    "temperature": TENTHS_FIELD.named("temperature_C"),
    "technology": _WORD.named("technology"),
    "Max charging current": NUMBER_FIELD.named("max_charging_current_uA"),
    "Max charging voltage": NUMBER_FIELD.named("max_charging_voltage_uV"),
    "Charge counter": NUMBER_FIELD.named("charge_counter_uAh"),
    "Charging policy": NUMBER_FIELD.named("charging_policy"),
    "current now": NUMBER_FIELD.named("current_now_raw"),
    "LLB CAL": _DATE.named("samsung_llb_cal"),
    "mSavedBatteryAsoc": _BRACKETED_NUMBER.named("samsung_asoc_pct"),
    "mSavedBatteryBsoh": _BRACKETED_DECIMAL.named("samsung_bsoh_pct"),
    "mSavedBatteryUsage": _BRACKETED_NUMBER.named("samsung_usage_raw"),
    "battery FirstUseDate": _DATE.named("samsung_first_use"),
    "battery IcAuthenticationResults": _ALL_TRUE.named("samsung_ic_authentication"),
    "mProtectBatteryMode": NUMBER_FIELD.named("samsung_protect_mode"),
    "mProtectionThreshold": NUMBER_FIELD.named("samsung_protect_threshold_pct"),
    "mSavedBatteryMaxTemp": NUMBER_FIELD.named("samsung_max_temperature_raw"),
    "mSavedBatteryMaxCurrent": NUMBER_FIELD.named("samsung_max_current_mA"),
}


#: Java's and C's least and greatest int as a temperature: drivers that measure none leave it so.
_NO_TEMPERATURE = frozenset((Decimal(-2_147_483_648) / 10, Decimal(2_147_483_647) / 10))
#: What AOSP's BatteryService prints while `dumpsys battery set` or `unplug` keeps it from the gauge, until the phone
#: is restarted or told `dumpsys battery reset`.
_STOPPED = "(UPDATES STOPPED"
FROZEN = Words(
    "the phone shows battery values that a tool has set and frozen; restart the phone and run this again",
    "手机电池数值已被工具设定并冻结；请重启手机后重测",
)
#: What stands still then. The maker's saved values come from elsewhere.
_LIVE = (
    *("ac", "usb", "wireless", "dock", "level", "scale", "status", "health", "present"),
    *("voltage_mV", "voltage_raw", "temperature_C", "max_charging_current_uA", "max_charging_voltage_uV"),
    *("charge_counter_uAh", "charging_policy", "current_now_raw"),
)


@parser("battery")
def battery(data: bytes) -> Parsed:
    """`dumpsys battery`, up to the event logs that hold older values.

    A voltage of 1 to 999 may be volts or millivolts: it is left out, and the temperature with it. Values that a tool
    has frozen are as printed, with `updates_stopped`; what measures reads `battery_now`.
    """
    parsed = Parsed()
    pairs: list[tuple[str, str]] = []
    line = ""
    for line in stripped_lines(data):
        if line.startswith("[EventLogBuffer]"):
            break
        if line.startswith(_STOPPED):
            parsed.facts["updates_stopped"] = True
            parsed.problems.append(Problem("battery", FROZEN.en, FROZEN.zh))
        name, colon, value = line.partition(":")
        if colon:
            pairs.append((name.strip(), value.strip()))
    if line and line == cut_line(data) and all(name != _LAST_NAME for name, _ in pairs):
        pairs = pairs[:-1] if ":" in line else pairs
        parsed.problems.append(Problem("battery", f"the capture ends inside a line: {line[:80]!a}"))
    read_fields(pairs, _BATTERY, parsed)
    if parsed.facts.get("temperature_C") in _NO_TEMPERATURE:
        note(parsed, "temperature_C", str(parsed.facts.pop("temperature_C")), "a temperature")
    voltage = parsed.facts.get("voltage_mV")
    if isinstance(voltage, (int, Decimal)) and 1 <= voltage <= 999:
        why = f"the unit is in doubt: {voltage} is too small for millivolts"
        parsed.problems.append(Problem("voltage_mV", why, f"单位不明：{voltage} 按毫伏计过小"))
        del parsed.facts["voltage_mV"]
        parsed.facts["voltage_raw"] = voltage
        if (temperature := parsed.facts.pop("temperature_C", None)) is not None:
            why = f"the unit is in doubt as the voltage's is: {temperature}"
            parsed.problems.append(Problem("temperature_C", why, f"单位与电压一样不明：{temperature}"))
    return parsed


def battery_now(data: bytes) -> Parsed:
    """As `battery`, without the values that a tool has frozen: those are not the phone's."""
    parsed = battery(data)
    if "updates_stopped" in parsed.facts:
        frozen = [name for name in _LIVE if parsed.facts.pop(name, None) is not None]
        parsed.problems += [Problem(name, FROZEN.en, FROZEN.zh) for name in frozen]
    return parsed


_SUPPLIES = re.compile(r"\bac:\s{0,9}(\S{1,9})\s{1,9}usb:\s{0,9}(\S{1,9})")
_STATE = re.compile(r"\b(status|health|present|level|voltage|temp):\s{0,9}(\S{1,24})")
#: Lines that only this dump has; the others it shares with `dumpsys battery`.
_PROPERTIES_MARKS = (
    _SUPPLIES,
    re.compile(r"\bstatus: ?\S{1,9} health: ?\S"),
    re.compile(r"\blevel: ?\S{1,9} voltage: ?\S"),
    re.compile("HealthInfo|^Full charge:"),
)
_STATE_FIELDS: Mapping[str, tuple[str, Field]] = {
    "status": NUMBER_FIELD.named("status"),
    "health": NUMBER_FIELD.named("health"),
    "present": FLAG_FIELD.named("present"),
    "level": NUMBER_FIELD.named("level"),
    "voltage": NUMBER_FIELD.named("voltage_mV"),
    "temp": TENTHS_FIELD.named("temperature_C"),
}
_HAL_FIELD = re.compile(r"\b(battery[A-Za-z]{1,60}): ([^,{}]{1,200})", re.ASCII)
_PART = {"ORIGINAL": "original", "REPLACED": "replaced", "UNSUPPORTED": "unsupported"}
_DAY = Field(day, "a date in seconds since 1970")
#: HealthInfo's marks for "never set".
_UNSET = frozenset(("0", "-1"))
_HAL_FIELDS: Mapping[str, tuple[str, Field]] = {
    "batteryFullChargeUah": NUMBER_FIELD.named("hal_full_charge_uAh"),
    "batteryFullChargeDesignCapacityUah": NUMBER_FIELD.named("hal_full_design_uAh"),
    "batteryCycleCount": NUMBER_FIELD.named("hal_cycle_count"),
    "batteryStateOfHealth": NUMBER_FIELD.named("hal_state_of_health_pct"),
    "batteryManufacturingDateSeconds": _DAY.named("hal_manufactured"),
    "batteryFirstUsageSeconds": _DAY.named("hal_first_use"),
    "batterySerialNumber": TEXT_FIELD.named("hal_serial"),
    "batteryPartStatus": Field(_PART.get, "a part status").named("hal_part_status"),
}


@parser("batteryproperties")
def batteryproperties(data: bytes) -> Parsed:
    """`dumpsys batteryproperties` (Android 5 to 8) and the health HAL's dump, which begins with the same lines."""
    parsed = Parsed()
    lines = stripped_lines(data)
    if not any(mark.search(line) for line in lines for mark in _PROPERTIES_MARKS):
        return parsed  # `dumpsys battery` has lines of the same names
    supplies = next((found for found in map(_SUPPLIES.search, lines) if found), None)
    if supplies:
        read_fields(
            [("ac", supplies[1]), ("usb", supplies[2])],
            {"ac": FLAG_FIELD.named("ac"), "usb": FLAG_FIELD.named("usb")},
            parsed,
        )
    states = [line for line in lines if line.startswith(("status:", "level:"))]
    read_fields([(name, value) for line in states for name, value in _STATE.findall(line)], _STATE_FIELDS, parsed)
    for fact, text in zip(("current_now_first", "current_now_second"), after(lines, "current now:"), strict=False):
        _number(parsed, fact, text)
    for label, fact in (
        ("charge counter:", "charge_counter_uAh"),
        ("Full charge:", "full_charge_uAh"),
        ("cycle count:", "cycle_count"),
    ):
        for text in list(after(lines, label))[:1]:
            _number(parsed, fact, text)
    hal = [found for line in lines if "HealthInfo" in line for found in _HAL_FIELD.findall(line)]
    read_fields([(name, value.strip()) for name, value in hal if value.strip() not in _UNSET], _HAL_FIELDS, parsed)
    return parsed


def _number(parsed: Parsed, fact: str, text: str) -> None:
    value = integer(text)
    if value is not None:
        parsed.facts[fact] = value
    elif text:
        note(parsed, fact, text, "a number")


_CAPACITIES = {
    "Estimated battery capacity:": "estimated_capacity_mAh",
    "Min learned battery capacity:": "min_learned_mAh",
    "Max learned battery capacity:": "max_learned_mAh",
    "Last learned battery capacity:": "last_learned_mAh",
    "Amount discharged (upper bound):": "discharge_amount_pct",
}
_LEADING_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_POWER_USE = re.compile(r"Capacity: ([0-9.]{1,30})(?:, Computed drain: ([0-9.]{1,30}))?", re.ASCII)


@parser("batterystats")
def batterystats(data: bytes) -> Parsed:
    """Capacities that the phone learned while it charged, from `dumpsys batterystats` in words or for check-in."""
    parsed = Parsed()
    lines = [line for line in stripped_lines(data) if line]
    for label, fact in _CAPACITIES.items():
        if (text := next(after(lines, label), None)) is None:
            continue
        if number := _LEADING_NUMBER.match(plain_numbers(text)):
            parsed.facts[fact] = int(number[0])
        else:
            note(parsed, fact, text, "a number")
    for version in list(after(lines, "9,0,i,vers,"))[:1]:
        _number(parsed, "checkin_version", version.split(",")[0])
    _power_use(lines, parsed)
    return parsed


def _power_use(lines: list[str], parsed: Parsed) -> None:
    heading = next((at for at, line in enumerate(lines) if line.startswith("Estimated power use")), None)
    if heading is None:
        return
    found = _POWER_USE.match(plain_numbers(lines[heading + 1])) if heading + 1 < len(lines) else None
    if not found:
        parsed.problems.append(Problem("power_use_capacity_mAh", "no `Capacity:` below `Estimated power use`"))
        return
    for fact, text in (("power_use_capacity_mAh", found[1]), ("computed_drain_mAh", found[2])):
        if text and (value := decimal(text.rstrip("."))) is not None:
            parsed.facts[fact] = value
