"""What `dumpsys input` says of the input devices: which the kernel has, which are touch screens, how they are turned.

Pure parser of AOSP's EventHub and InputReader dumps (Android 4 to 16).
"""

from __future__ import annotations

import re
from typing import Any

from probes.api import Parsed, parser
from probes.captured import integer, raw_lines

__all__ = ["input_dump"]

_HUB_DEVICE = re.compile(r" {4}(-?[0-9]{1,6}):(?: (.*))?", re.ASCII)
_AKA = re.compile(r" \(aka device -?[0-9]{1,6} - [^()]{1,80}\)$")
_READER_DEVICE = re.compile(r" {2}Device -?[0-9]{1,6}:(?: (.{1,200}))?", re.ASCII)
_MAPPER = "Touch Input Mapper"
_AXIS = re.compile(r"(X|Y): min=(-?[0-9]{1,10}), max=(-?[0-9]{1,10})", re.ASCII)


def _hub_devices(lines: list[str]) -> list[tuple[int, str]] | None:
    """Number and name of the devices of the event hub; None without its section."""
    heading = next((at for at, line in enumerate(lines) if line.strip() == "Event Hub State:"), None)
    if heading is None:
        return None
    devices: list[tuple[int, str]] = []
    for line in lines[heading + 1 :]:
        if line and not line[0].isspace():
            break
        found = _HUB_DEVICE.fullmatch(line)
        if found and (number := integer(found[1])) is not None:
            devices.append((number, _AKA.sub("", (found[2] or "")[:200].strip())))
    return devices


def _touchscreen(lines: list[str]) -> tuple[str | None, dict[str, int]]:
    """The first reader device with a touch mapper, empty where it has no name, and its raw axes."""
    name: str | None = None
    axes: dict[str, int] = {}
    touch: str | None = None
    for line in lines:
        if found := _READER_DEVICE.match(line):
            if touch is not None:
                break
            name = _AKA.sub("", (found[1] or "").strip())
        elif line and not line[0].isspace():
            name = None
            if touch is not None:
                break
        elif touch is None and name is not None and _MAPPER in line:
            touch = name
        elif touch is not None and (axis := _AXIS.match(line.strip())):
            axes.setdefault(f"raw_{axis[1].lower()}_max", int(axis[3]))
    return touch, axes


def _outdented(lines: list[str]) -> list[str]:
    """The lines of a dump that somebody pasted indented as a whole, without that indent."""
    heading = next((line for line in lines if line.strip() == "Event Hub State:"), "")
    indent = heading[: len(heading) - len(heading.lstrip())]
    return [line.removeprefix(indent) for line in lines] if indent else lines


@parser("input")
def input_dump(data: bytes) -> Parsed:
    """`dumpsys input`: the kernel's input devices, the touch mappers and the touch screen's name and raw axes."""
    parsed = Parsed()
    facts: dict[str, Any] = parsed.facts
    lines = _outdented(raw_lines(data))
    devices = _hub_devices(lines)
    if devices is not None:
        facts["event_hub_devices"] = len(devices)
        facts["physical_devices"] = [name for number, name in devices if number > 0 and name]
    mappers = sum(line.count(_MAPPER) for line in lines)
    if devices is not None or mappers:
        facts["touch_mappers"] = mappers
    touch, axes = _touchscreen(lines)
    if touch:
        facts["touchscreen"] = touch
        facts |= axes
    return parsed
