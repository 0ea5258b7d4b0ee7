"""One look at a phone that charges, and what a row of looks says: current, voltage, supply, protocol.

Pure: parsers, and arithmetic over samples. Makers differ in unit and sign of the current; both are settled here over
all samples of a window, or left in doubt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

from drivers.api import Command
from probes.api import Parsed, parser
from probes.battery_dump import READ_BATTERY, STATUS_WORDS, battery
from probes.battery_electrical import cell_millivolts
from probes.captured import flag, integer, raw_lines

__all__ = ["READ_LOOK", "Look", "Window", "charge_supplies", "look_of", "supply_name"]

#: Every supply, then the Type-C port (kernel ABI, testing/sysfs-class-typec) and Qualcomm's and MediaTek's own file.
READ_SUPPLIES = Command(
    "supplies",
    "cat /sys/class/power_supply/*/uevent 2>/dev/null; for f in /sys/class/typec/port0/orientation"
    " /sys/class/typec/port0/power_operation_mode /sys/class/power_supply/usb/typec_cc_orientation;"
    ' do [ -e "$f" ] && echo "$f=$(cat "$f" 2>/dev/null)"; done; true',
    timeout_s=5.0,
    limit=128 * 1024,
)
READ_LOOK = (READ_BATTERY, READ_SUPPLIES)

_ENTRY = re.compile(r"(?:/\S{1,200}:)?(?:POWER_SUPPLY_)?([A-Z][A-Z0-9_]{0,60})=(.{0,200})", re.ASCII)
_TYPEC = re.compile(
    r"/sys/class/(?:typec/port0|power_supply/usb)/(orientation|power_operation_mode|typec_cc_orientation)=(.{0,60})",
    re.ASCII,
)
#: Printed name -> key of a supply, and whether it is a number.
_KEYS: Mapping[str, tuple[str, bool]] = {
    "NAME": ("name", False),
    "TYPE": ("type", False),
    "USB_TYPE": ("usb_type", False),
    "REAL_TYPE": ("real_type", False),
    "CHARGE_TYPE": ("charge_type", False),
    "STATUS": ("status", False),
    "VOLTAGE_NOW": ("voltage_uV", True),
    "CURRENT_NOW": ("current_uA", True),
    "CURRENT_MAX": ("current_max_uA", True),
    "VOLTAGE_MAX": ("voltage_max_uV", True),
}
#: What the orientation files say: the class in words, Qualcomm's as a CC line (0 is none).
_ORIENTATION = {"normal": "normal", "reverse": "reverse", "1": "normal", "2": "reverse"}


@parser("charge_supplies")
def charge_supplies(data: bytes) -> Parsed:
    """Every supply in the order printed, and which way round the plug is; a repeated key counts once."""
    parsed = Parsed()
    supplies: list[dict[str, Any]] = []
    for line in raw_lines(data):
        text = line.strip()
        if port := _TYPEC.fullmatch(text):
            value = port[2].strip()
            if port[1] == "power_operation_mode" and value:
                parsed.facts.setdefault("operation_mode", value)
            elif port[1] != "power_operation_mode" and value in _ORIENTATION:
                parsed.facts.setdefault("orientation", _ORIENTATION[value])
            continue
        entry = _ENTRY.fullmatch(text)
        if not entry:
            continue
        key, number = _KEYS.get(entry[1], ("", False))
        value = entry[2].strip()
        if not supplies or entry[1] == "DEVTYPE" or (key == "name" and "name" in supplies[-1]):
            supplies.append({})
        if entry[1] in ("ONLINE", "PRESENT"):
            if (on := flag(value)) is not None:
                supplies[-1].setdefault(entry[1].lower(), on)
        elif key and (known := integer(value) if number else value) not in (None, "", "(null)"):
            supplies[-1].setdefault(key, known)
    if found := [one for one in supplies if "name" in one]:
        parsed.facts["supplies"] = list({one["name"]: one for one in reversed(found)}.values())[::-1]
    return parsed


_BRACKETS = re.compile(r"\[([A-Za-z0-9_ -]{1,40})\]", re.ASCII)


def supply_name(supply: Mapping[str, Any]) -> str:
    """The charging protocol of one supply as it tells it (`PD_PPS`, `DCP`), empty when it does not."""
    chosen = _BRACKETS.search(str(supply.get("usb_type", "")))
    for word in (supply.get("real_type"), chosen[1] if chosen else "", supply.get("type")):
        if word and str(word) not in ("Unknown", "USB", "Battery", "Mains", "Wireless", "UPS"):
            return str(word)
    return ""


@dataclass(frozen=True, slots=True)
class Look:
    """The phone's charging at one moment; what it does not tell is None.

    Attributes:
        second: when, in seconds since the first look.
        plugged: `usb`, `ac`, `wireless`, `dock`, or empty; None when the phone does not tell.
        raw: the battery's current as printed, `milli` whether the source prints mA by itself.
    """

    second: Decimal
    plugged: str | None
    status: str | None
    level: int | None
    voltage_mV: Decimal | None
    temperature_C: Decimal | None
    raw: int | None
    milli: bool
    facts: Mapping[str, Any]
    supplies: Mapping[str, Any]

    @property
    def powered(self) -> bool | None:
        """Whether power comes in; None when the phone does not tell."""
        return None if self.plugged is None else bool(self.plugged)

    @property
    def input(self) -> Mapping[str, Any]:
        """The supply that is online and no battery, empty when none is told."""
        listed = self.supplies.get("supplies") or ()
        return next((one for one in listed if one.get("type") != "Battery" and one.get("online")), {})


def look_of(second: Decimal, battery_dump: bytes, supplies_dump: bytes) -> Look:
    """A look from the answers to `READ_LOOK`."""
    said, supplies = battery(battery_dump).facts, charge_supplies(supplies_dump).facts
    listed = supplies.get("supplies") or ()
    cell: Mapping[str, Any] = next((one for one in listed if one.get("type") == "Battery"), {})
    powers = {name: said.get(name) for name in ("ac", "usb", "wireless", "dock")}
    known = [value for value in powers.values() if value is not None]
    raw = cell.get("current_uA", said.get("current_now_raw"))
    return Look(
        second=second,
        plugged=next((name for name, on in powers.items() if on), "") if known else None,
        status=STATUS_WORDS.get(said["status"]) if "status" in said else None,
        level=said.get("level"),
        voltage_mV=cell_millivolts(said.get("voltage_mV") or 0),
        temperature_C=said.get("temperature_C"),
        raw=raw,
        milli="current_uA" not in cell,
        facts=said,
        supplies=supplies,
    )


#: A phone that charges takes more than 10 mA, and no phone takes 30 A: what is between is the other unit.
_LEAST_UA, _LEAST_MA = 10_000, 30
#: From here on the charger only tops up, and little current is right.
_TOPPING_UP = 95


@dataclass(frozen=True, slots=True)
class Window:
    """A row of looks."""

    looks: Sequence[Look]

    @property
    def last(self) -> Look:
        """The last look."""
        return self.looks[-1]

    @property
    def divisor(self) -> int | None:
        """What turns the printed current into mA: 1000 or 1; None when the unit can't be told from the numbers."""
        printed = [look for look in self.looks if look.raw]
        if not printed:
            return None
        most = max(abs(look.raw or 0) for look in printed)
        if printed[0].milli:
            return 1 if most < _LEAST_UA else 1000
        if most >= _LEAST_UA:
            return 1000
        charging = all(look.status == "charging" and (look.level or 100) < _TOPPING_UP for look in printed)
        return 1 if charging and most >= _LEAST_MA else None

    @property
    def currents_mA(self) -> tuple[Decimal, ...]:
        """The battery's current at each look that has one, in mA, without its sign: makers differ in which is plus."""
        divisor = self.divisor
        if divisor is None:
            return ()
        return tuple(abs(Decimal(look.raw) / divisor) for look in self.looks if look.raw is not None)

    @property
    def current_mA(self) -> Decimal | None:
        """The median of the currents, in whole mA; None when they can't be told."""
        currents = self.currents_mA
        return median(currents).quantize(Decimal(1)) if currents else None

    @property
    def curve(self) -> tuple[str, ...]:
        """Each look in words."""
        return tuple(self._words(look) for look in self.looks)

    def _words(self, look: Look) -> str:
        parts = [f"{look.second.quantize(Decimal('0.1'))} s"]
        if look.raw is not None and (divisor := self.divisor):
            parts.append(f"{(Decimal(look.raw) / divisor).quantize(Decimal(1))} mA")
        if look.voltage_mV:
            parts.append(f"{look.voltage_mV.normalize():f} mV")
        if look.temperature_C is not None:
            parts.append(f"{look.temperature_C} °C")
        return ", ".join([*parts, look.status] if look.status else parts)
