"""The kernel's own view of battery and chargers: `uevent` files of /sys/class/power_supply.

Units are those of the kernel's ABI (Documentation/ABI/testing/sysfs-class-power): uV, uA, uAh, tenths of a degree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from drivers.api import Command
from probes.api import Parsed, parser
from probes.captured import raw_lines
from probes.cut import without_cut_value
from probes.fields import FLAG_FIELD, NUMBER_FIELD, TENTHS_FIELD, TEXT_FIELD, Field, read_fields

__all__ = ["READ", "power_supply"]

_BATTERY = "/sys/class/power_supply/battery"
#: The battery's uevent (all supplies where none is called `battery`), then, in the same shape, the files that
#: Android 14's health service looks for (AOSP BatteryMonitor: `state_of_health`, else `health_index`).
READ = Command(
    "power-supply",
    f"cat {_BATTERY}/uevent || cat /sys/class/power_supply/*/uevent; "
    "for f in state_of_health health_index first_usage_date manufacturing_date serial_number; do "
    f'v=$(cat {_BATTERY}/$f 2>/dev/null) && echo "POWER_SUPPLY_X_$f=$v"; done; true',
    timeout_s=10.0,
    limit=256 * 1024,
)

#: `grep . /sys/class/power_supply/*/uevent` puts the file's path before each line.
_ENTRY = re.compile(r"(?:/\S{1,200}:)?(?:POWER_SUPPLY_)?([A-Za-z][A-Za-z0-9_]{0,80})=(.*)", re.ASCII)
_FIELDS: Mapping[str, tuple[str, Field]] = {
    "NAME": TEXT_FIELD.named("name"),
    "TYPE": TEXT_FIELD.named("type"),
    "STATUS": TEXT_FIELD.named("status"),
    "HEALTH": TEXT_FIELD.named("health"),
    "CAPACITY": NUMBER_FIELD.named("capacity_pct"),
    "CYCLE_COUNT": NUMBER_FIELD.named("cycle_count"),
    "CHARGE_FULL": NUMBER_FIELD.named("charge_full_uAh"),
    "CHARGE_FULL_DESIGN": NUMBER_FIELD.named("charge_full_design_uAh"),
    "CURRENT_NOW": NUMBER_FIELD.named("current_now_uA"),
    "VOLTAGE_NOW": NUMBER_FIELD.named("voltage_now_uV"),
    "TEMP": TENTHS_FIELD.named("temperature_C"),
    "PRESENT": FLAG_FIELD.named("present"),
    "ONLINE": FLAG_FIELD.named("online"),
    "TECHNOLOGY": TEXT_FIELD.named("technology"),
    "CHARGE_COUNTER": NUMBER_FIELD.named("charge_counter_uAh"),
    "CURRENT_AVG": NUMBER_FIELD.named("current_avg_uA"),
    "VOLTAGE_OCV": NUMBER_FIELD.named("voltage_ocv_uV"),
    "SERIAL_NUMBER": TEXT_FIELD.named("serial_number"),
    "X_serial_number": TEXT_FIELD.named("serial_file"),
    "X_state_of_health": NUMBER_FIELD.named("state_of_health_pct"),
    "X_health_index": NUMBER_FIELD.named("health_index_pct"),
    "X_first_usage_date": TEXT_FIELD.named("first_usage_date"),
    "X_manufacturing_date": TEXT_FIELD.named("manufacturing_date"),
}


#: Values that are whole at the end of a text that was cut: words of the kernel (power_supply_sysfs.c), and flags.
_WORDS = frozenset(
    (
        "Battery", "Mains", "UPS", "USB_DCP", "USB_CDP", "USB_ACA", "USB_PD_DRP", "BMS", "Wireless", "Charging",
        "Discharging", "Not charging", "Full", "Unknown", "Good", "Overheat", "Dead", "Over voltage", "Cold",
        "Unspecified failure", "Warm", "Cool", "Hot", "No battery", "0", "1",
    )
)  # fmt: skip


def _sections(data: bytes) -> list[list[tuple[str, str]]]:
    """The supplies in the order printed: a new one begins where `DEVTYPE` or a second `NAME` stands."""
    sections: list[list[tuple[str, str]]] = [[]]
    named = False
    for line in without_cut_value(raw_lines(data), data, lambda value: value in _WORDS):
        entry = _ENTRY.match(line.strip())
        if not entry:
            continue
        name, value = entry[1], entry[2].strip()
        if (name == "NAME" and named) or (name == "DEVTYPE" and sections[-1]):
            sections.append([])
            named = False
        named = named or name == "NAME"
        sections[-1].append((name, value))
    return sections


@parser("power_supply")
def power_supply(data: bytes) -> Parsed:
    """The supply of type `Battery`, else the first; signs untouched.

    A battery of scope `Device` is that of a pen, a keyboard or another thing that the phone is joined to, and not the
    phone's own (kernel ABI; AOSP's BatteryMonitor passes it over too).
    """
    sections = _sections(data)
    batteries = [section for section in sections if dict(reversed(section)).get("TYPE") == "Battery"]
    own = [section for section in batteries if dict(reversed(section)).get("SCOPE") != "Device"]
    chosen = (own or batteries or sections)[0]
    parsed = Parsed()
    read_fields(chosen, _FIELDS, parsed)
    return parsed
