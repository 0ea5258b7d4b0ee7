"""What a phone prints about its heat: `dumpsys thermalservice` (Android 10 and later) and the kernel's thermal zones.

Pure parsers. A zone's number counts as a temperature only where it can be one; what is too hot is judged elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from drivers.api import Command
from probes.api import Parsed, parser
from probes.captured import after, decimal, flag, integer, note, stripped_lines

__all__ = ["READ_SERVICE", "READ_ZONES", "STATUS_WORDS", "TYPES", "thermal_zones", "thermalservice"]

READ_SERVICE = Command("thermalservice", "dumpsys thermalservice", timeout_s=10.0, limit=256 * 1024)
#: One process for all zones: `temp` and `type` of each, in this order. A zone that doesn't answer has no `temp` line.
READ_ZONES = Command(
    "thermal-zones", "grep . /sys/class/thermal/thermal_zone*/t[ey][mp][pe]", timeout_s=10.0, limit=256 * 1024
)

#: android.os.PowerManager.THERMAL_STATUS_* (AOSP frameworks/base).
STATUS_WORDS = {0: "none", 1: "light", 2: "moderate", 3: "severe", 4: "critical", 5: "emergency", 6: "shutdown"}
#: android.os.Temperature.TYPE_* (AOSP frameworks/base). 6 to 8 are the battery's voltage, current and charge.
TYPES = {
    -1: "unknown",
    0: "CPU",
    1: "GPU",
    2: "battery",
    3: "skin",
    4: "USB port",
    5: "power amplifier",
    6: "BCL voltage",
    7: "BCL current",
    8: "BCL percentage",
    9: "NPU",
    10: "TPU",
    11: "display",
    12: "modem",
    13: "SoC",
    14: "Wi-Fi",
    15: "camera",
    16: "flashlight",
    17: "speaker",
    18: "ambient",
    19: "pogo",
}

_TEMPERATURE = re.compile(
    r"Temperature\{mValue=([^,{}]{1,40}), mType=(-?[0-9]{1,4}), mName=([^{}]{0,200}), mStatus=(-?[0-9]{1,4})\}",
    re.ASCII,
)
_COOLING = re.compile(r"CoolingDevice\{mValue=([0-9]{1,18}), mType=(-?[0-9]{1,4}), mName=([^{}]{0,200})\}", re.ASCII)


def _block(lines: Sequence[str], heading: str, item: str) -> list[str] | None:
    """The lines of `item` directly below the first `heading`; None without the heading."""
    if heading not in lines:
        return None
    found: list[str] = []
    for line in lines[lines.index(heading) + 1 :]:
        if not line.startswith(item):
            break
        found.append(line)
    return found


def _sensors(parsed: Parsed, lines: Iterable[str]) -> list[dict[str, Any]]:
    """Each sensor's name, type, status and, where it is a number, temperature."""
    sensors: list[dict[str, Any]] = []
    for line in lines:
        found = _TEMPERATURE.fullmatch(line)
        if not found:
            note(parsed, "sensors", line, "a temperature")
            continue
        sensor: dict[str, Any] = {"name": found[3], "type": int(found[2]), "status": int(found[4])}
        if (value := decimal(found[1])) is not None:
            sensor["value"] = value
        sensors.append(sensor)
    return sensors


@parser("thermalservice")
def thermalservice(data: bytes) -> Parsed:
    """The throttling status, and each sensor as the HAL has it now (as cached, where the HAL gives none)."""
    parsed = Parsed()
    lines = stripped_lines(data)
    for label, fact, read, wanted in (
        ("Thermal Status:", "thermal_status", integer, "a number"),
        ("HAL Ready:", "hal_ready", flag, "a flag"),
        ("IsStatusOverride:", "status_override", flag, "a flag"),
    ):
        text = next(after(lines, label), "")
        if text and (value := read(text.split()[0])) is not None:  # `0`, or `0 (NONE)`
            parsed.facts[fact] = value
        elif text:
            note(parsed, fact, text, wanted)
    cached = _block(lines, "Cached temperatures:", "Temperature{")
    current = _block(lines, "Current temperatures from HAL:", "Temperature{")
    for fact, block in (("cached_count", cached), ("current_count", current)):
        if block is not None:
            parsed.facts[fact] = len(block)
    if sensors := _sensors(parsed, current or cached or ()):
        parsed.facts["sensors"] = sensors
    cooling = [_COOLING.fullmatch(line) for line in _block(lines, "Current cooling devices from HAL:", "Cooling") or ()]
    if devices := [{"name": one[3], "type": int(one[2]), "value": int(one[1])} for one in cooling if one]:
        parsed.facts["cooling"] = devices
    return parsed


#: Thousandths of a degree (kernel, Documentation/ABI/testing/sysfs-class-thermal). Between these a zone of a phone on a
#: bench is a temperature; at and beyond the ends a sensor's line is open or short; what lies between is another unit.
_LEAST, _MOST, _OPEN = 10_000, 150_000, -20_000
_NAMED = re.compile(r"([A-Za-z0-9_.+-]{1,100}):[ \t]{0,8}(-?[0-9]{0,12})", re.ASCII)
_GREPPED = re.compile(r"/sys/\S{1,100}/(thermal_zone[0-9]{1,4})/(temp|type):(\S{1,100})", re.ASCII)


def _zones(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Name and number of each zone, the number empty where it gave none: as grepped, or as Pixel's dump lists them."""
    values: dict[str, str] = {}
    zones: list[tuple[str, str]] = []
    listing = False
    for line in lines:
        if line in ("Temperatures", "Cooling Device Current State"):
            listing = line == "Temperatures"
        elif (grepped := _GREPPED.fullmatch(line)) is not None:
            if grepped[2] == "temp":
                values[grepped[1]] = grepped[3]
            else:
                zones.append((grepped[3], values.get(grepped[1], "")))
        elif listing and (named := _NAMED.fullmatch(line)) is not None:
            zones.append((named[1], named[2]))
    return zones


@parser("thermal_zones")
def thermal_zones(data: bytes) -> Parsed:
    """Zones by what they say: a temperature, nothing (`silent`), a broken line (`open`), another unit (`unclear`)."""
    parsed = Parsed()
    temperatures: dict[str, Decimal] = {}
    sorted_out: dict[str, list[str]] = {"silent_zones": [], "open_zones": [], "unclear_zones": []}
    zones = dict(reversed(_zones(stripped_lines(data))))
    for name, text in reversed(zones.items()):
        value = integer(text)
        if value is None:
            sorted_out["silent_zones" if not text else "unclear_zones"].append(name)
        elif _LEAST <= value <= _MOST:
            temperatures[name] = Decimal(value) / 1000
        else:
            sorted_out["open_zones" if value <= _OPEN or value > _MOST else "unclear_zones"].append(name)
    if zones:
        parsed.facts |= {"zones": len(zones), "temperatures_C": temperatures, **sorted_out}
    return parsed
