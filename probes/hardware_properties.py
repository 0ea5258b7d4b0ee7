"""`dumpsys hardware_properties` (Android 7 and later): temperatures of CPU, GPU, battery and skin, and their limits.

A pure parser over AOSP's HardwarePropertiesManagerService. What is too hot is judged elsewhere.
"""

from __future__ import annotations

import re
from decimal import Decimal

from drivers.api import Command
from probes.api import Parsed, parser
from probes.captured import decimal, note, stripped_lines

__all__ = ["READ", "hardware_properties"]

READ = Command("hardware-properties", "dumpsys hardware_properties", timeout_s=10.0, limit=64 * 1024)

#: AOSP HardwarePropertiesManager.UNDEFINED_TEMPERATURE is -Float.MAX_VALUE: anything that low is "not available".
_UNDEFINED = Decimal("-1e30")
_LINE = re.compile(r"(CPU|GPU|Battery|Skin) (?:(throttling|shutdown) )?temperatures: \[([^\]]{0,4000})\]", re.ASCII)


def _numbers(text: str) -> list[Decimal | None] | None:
    """The numbers of a list, None for each that is not available; None when something else is in it than NaN."""
    found: list[Decimal | None] = []
    for item in text.split(",") if text.strip() else ():
        if item.strip() == "NaN":
            continue
        if (value := decimal(item)) is None:
            return None
        found.append(value if value > _UNDEFINED else None)
    return found


@parser("hardware_properties")
def hardware_properties(data: bytes) -> Parsed:
    """Temperatures now (`skin_temp_C`; of the CPU one for each core) and where the phone throttles and shuts down."""
    parsed = Parsed()
    seen: set[tuple[str, str]] = set()
    for line in stripped_lines(data):
        found = _LINE.match(line)
        if not found or (found[1], found[2]) in seen:
            continue
        part, limit = found[1].lower(), found[2]
        seen.add((found[1], limit))
        fact = f"{part}_{limit}_C" if limit else "cpu_temps_C" if part == "cpu" else f"{part}_temp_C"
        numbers = _numbers(found[3])
        if numbers is None:
            note(parsed, fact, found[3], "a list of numbers")
        elif fact == "cpu_temps_C":
            if known := [number for number in numbers if number is not None]:
                parsed.facts[fact] = known
        elif numbers and numbers[0] is not None:
            parsed.facts[fact] = numbers[0]
    return parsed
