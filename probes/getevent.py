"""Input devices and events as `getevent` prints them, with names (`-l`) or with numbers, listing (`-p`) or live.

Pure parser; it also says which keys each device can give and which are held down, for the probe of the keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from probes.api import Parsed, Problem, parser
from probes.captured import raw_lines, unquoted

__all__ = ["InputDevice", "devices_of", "getevent", "input_devices"]

_ADD = re.compile(r"add device [0-9]{1,6}: (/\S{1,200})", re.ASCII)
#: An event: an optional time (in brackets; before Android 4 `SECONDS-MICROSECONDS:`), an optional device, then type,
#: code and value.
_EVENT = re.compile(
    r"(?:(?:\[\s{0,16}[0-9]{1,12}[.-][0-9]{1,9}\]|[0-9]{1,12}-[0-9]{1,9}:)\s{0,16})?(?:(/dev/\S{1,200}): )?\s{0,16}"
    r"(?:(EV_[A-Z]{2,9})\s{1,40}(\w{1,60})\s{1,40}(\w{1,60})|([0-9a-fA-F]{4})\s{1,8}([0-9a-fA-F]{4})\s{1,8}([0-9a-fA-F]{8}))",
    re.ASCII,
)
_ABS = ("EV_ABS", "0003")
_POSITION_X = ("ABS_MT_POSITION_X", "0035")
_TRACKING_ID = ("ABS_MT_TRACKING_ID", "0039")
_CAPABILITY = re.compile(r"([A-Z]{2,4})\s{1,8}\(([0-9a-f]{4})\): ?(.*)", re.ASCII)
_ABS_CODE = re.compile(
    r"(\w{1,60})\*?\s{1,40}(?:: )?value (?:-?[0-9]{1,11}, min (-?[0-9]{1,11}), max (-?[0-9]{1,11}))?", re.ASCII
)
#: Input devices that Linux has room for (drivers/input/input.c, INPUT_MAX_CHAR_DEVICES), and codes of one kind that a
#: device may have (input-event-codes.h, KEY_CNT).
_MOST_DEVICES, _MOST_CODES = 1024, 0x300
_HEX = re.compile(r"(?:0x)?[0-9a-f]{1,8}", re.ASCII | re.IGNORECASE)


@dataclass(slots=True)
class InputDevice:
    """One listed device: where it is, its name, its keys, axes and switches as printed.

    `held` are keys that are down, `on` switches that are on, `ranges` the least and most value by axis, `props` the
    input properties.
    """

    path: str
    name: str = ""
    keys: list[str] = field(default_factory=list)
    axes: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    ranges: dict[str, tuple[int, int]] = field(default_factory=dict)
    switches: list[str] = field(default_factory=list)
    on: list[str] = field(default_factory=list)
    props: list[str] = field(default_factory=list)


def devices_of(data: bytes) -> list[InputDevice]:
    """The devices that `getevent -p` or `-lp` lists."""
    return input_devices(raw_lines(data))


def input_devices(lines: list[str]) -> list[InputDevice]:
    """The devices of the listing, in its order."""
    devices: list[InputDevice] = []
    kind = ""
    for line in lines:
        text = line.strip()
        if added := _ADD.match(text):
            if len(devices) == _MOST_DEVICES:
                break
            devices.append(InputDevice(added[1]))
            kind = ""
        elif not devices or _EVENT.match(text):
            continue
        elif text.startswith("name:") and not devices[-1].name:
            devices[-1].name = unquoted(text[len("name:") :])
        elif text.startswith(("events:", "input props:", "could not", "remove device")):
            kind = "PROPS" if text.startswith("input props:") else ""
        elif listed := _CAPABILITY.match(text):
            kind = listed[1]
            _capabilities(devices[-1], kind, listed[3])
        elif kind:
            _capabilities(devices[-1], kind, text)
    return devices


def _capabilities(device: InputDevice, kind: str, text: str) -> None:
    if kind == "KEY":
        for word in text.split()[: _MOST_CODES - len(device.keys)]:
            device.keys.append(word.rstrip("*"))
            if word.endswith("*"):  # getevent -p marks a key that is down at this moment
                device.held.append(word.rstrip("*"))
    elif kind == "ABS" and (axis := _ABS_CODE.match(text)):
        device.axes.append(axis[1])
        if axis[2] is not None:
            device.ranges[axis[1]] = int(axis[2]), int(axis[3])
    elif kind == "SW":
        for word in text.split()[: _MOST_CODES - len(device.switches)]:
            device.switches.append(word.rstrip("*"))
            if word.endswith("*"):
                device.on.append(word.rstrip("*"))
    elif kind == "PROPS" and text != "<none>":
        device.props += text.split()[: _MOST_CODES - len(device.props)]


def _event(text: str) -> tuple[str, str, str, str] | None:
    """Device (empty where it is not printed), type, code and value of the event on that line."""
    found = _EVENT.match(text)
    if not found:
        return None
    return found[1] or "", found[2] or found[5], found[3] or found[6], found[4] or found[7]


def _touch_device(devices: list[InputDevice], events: list[tuple[str, str, str, str]]) -> str | None:
    for path, kind, code, _ in events:
        if path and kind in _ABS and code in _POSITION_X:
            return path
    if any(path for path, *_ in events):
        return None
    return next((device.path for device in devices if set(device.axes) & set(_POSITION_X)), None)


@parser("getevent")
def getevent(data: bytes) -> Parsed:
    """The devices, the one that is the touch screen by its events or axes (never by name), and the first contact."""
    parsed = Parsed()
    lines = raw_lines(data)
    devices = input_devices(lines)
    events = [event for event in (_event(line.strip()) for line in lines) if event]
    if added := sum(line.lstrip().startswith("add device") for line in lines):
        parsed.facts["devices"] = added
    if devices:
        parsed.facts["device_list"] = [
            {"path": device.path, "name": device.name, "keys": device.keys, "held": device.held} for device in devices
        ]
    if touch := _touch_device(devices, events):
        parsed.facts["touch_device"] = touch
        if name := next((device.name for device in devices if device.path == touch), ""):
            parsed.facts["touch_name"] = name
    for _, kind, code, value in events:
        if kind in _ABS and code in _TRACKING_ID:
            if _HEX.fullmatch(value):
                parsed.facts["tracking_id"] = int(value, 16)
            else:
                parsed.problems.append(Problem("tracking_id", f"expected a hexadecimal number, found {value!r}"))
            break
    if events:
        parsed.facts["events"] = len(events)
    return parsed
