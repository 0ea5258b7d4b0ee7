"""What the biometric services count: enrolled fingers or faces, accepted, rejected, lockouts, deaths of the HAL.

Pure parser of `dumpsys fingerprint` and `dumpsys face` (Android 6 to 16): a JSON object for each sensor, one line each.
"""

from __future__ import annotations

import json
import re
from typing import Any

from probes.api import Parsed, parser
from probes.captured import note, raw_lines

__all__ = ["fingerprint"]

#: Beginning of the object of a service; which of its keys stands first is the phone's affair.
_START = re.compile(r'\{\s{0,4}"(?:service|prints)"')
#: Android 10 prints those since its last dump, Android 11 and later those since the start.
_DEATHS = {
    "hal_deaths": re.compile(r"HAL Deaths: ?([0-9]{1,9})\b", re.ASCII),
    "hal_deaths_since_start": re.compile(r"HAL deaths since last reboot: ?([0-9]{1,9})\b", re.ASCII),
}
#: The list of users and the first of them, for a line that was cut further on.
_FIRST = re.compile(r'"prints"\s{0,4}:\s{0,4}\[\s{0,4}(?=\{)')
_COUNTS = ("count", "accept", "reject", "acquire", "lockout", "permanentLockout")
_LARGEST = 65_536


def _first_user(line: str) -> dict[str, Any]:
    """The counters of the first user in a line that was cut behind them; empty where that is not whole either."""
    if not (start := _FIRST.search(line)):
        return {}
    try:
        one, _ = json.JSONDecoder().raw_decode(line[start.end() :])
    except (ValueError, RecursionError):
        return {}
    return one if isinstance(one, dict) else {}


def _objects(parsed: Parsed, lines: list[str]) -> list[dict[str, Any]]:
    """The services' own objects, in their order."""
    found: list[dict[str, Any]] = []
    for line in lines:
        start = _START.search(line)
        if start is None:
            continue
        at = start.start()
        try:
            one, _ = json.JSONDecoder().raw_decode(line[at : at + _LARGEST])
        except (ValueError, RecursionError):
            note(parsed, "prints", line[at:], "a JSON object")
            if not found and (first := _first_user(line[at : at + _LARGEST])):
                return [{"prints": [first], "cut": True}]
            continue
        if isinstance(one, dict) and isinstance(one.get("prints"), list) and "service" in one:
            found.append(one)
    return found


def _count(value: object) -> int | None:
    """A counter; anything but a whole number from 0 is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12 else None


@parser("fingerprint")
def fingerprint(data: bytes) -> Parsed:
    """The counters of the first user of the first sensor, and how many sensors print any."""
    parsed = Parsed()
    facts = parsed.facts
    lines = raw_lines(data)
    objects = _objects(parsed, lines)
    if objects:
        prints = [one for one in objects[0]["prints"] if isinstance(one, dict)]
        if not objects[0].get("cut"):
            facts["services"] = list(dict.fromkeys(str(one["service"])[:80] for one in objects))
            facts["users"] = len(prints)
        for name in _COUNTS if prints else ():
            value = _count(prints[0].get(name))
            key = {"count": "enrolled", "permanentLockout": "permanent_lockout"}.get(name, name)
            if value is not None:
                facts[f"{key}_user0"] = value
            elif name in prints[0]:
                note(parsed, f"{key}_user0", str(prints[0][name]), "a whole number")
    for fact, pattern in _DEATHS.items():
        if deaths := next((found for found in map(pattern.search, lines) if found), None):
            facts[fact] = int(deaths[1])
    return parsed
