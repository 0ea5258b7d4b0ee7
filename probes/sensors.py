"""Which sensors the phone's sensor service lists, and whether the expected ones are among them.

Being listed means that the driver found the part at boot; whether it measures is another check. A sensor is absent
only if the list is whole.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from drivers.api import Command, Shell
from drivers.text import Words
from probes.answers import Heard, as_value, hear, hear_second, reading
from probes.api import Bench, Measurement, Parsed, Problem, Reading, Unread, parser, probe
from probes.captured import is_framing, raw_lines
from probes.telephony import READ_FEATURES, pm_features
from probes.units import FLAG, LIST

__all__ = ["SENSOR_TYPES", "Entry", "Sensor", "list_entries", "sensors", "sensorservice"]

Sensor = Literal["accelerometer", "magnetometer", "gyroscope", "light", "pressure", "proximity", "step_counter"]

#: Name of a sensor -> its type number (AOSP hardware/libhardware sensors-base.h).
SENSOR_TYPES: dict[Sensor, int] = {
    "accelerometer": 1,
    "magnetometer": 2,
    "gyroscope": 4,
    "light": 5,
    "pressure": 6,
    "proximity": 8,
    "step_counter": 19,
}
#: What the name of such a sensor contains in the table of Android 2 and 3, which prints no types.
_OLD_NAMES: dict[Sensor, str] = {"magnetometer": "magnetic", "step_counter": "step counter"}

_HARDWARE = re.compile(r"\b([0-9]{1,4}) h/w sensors", re.ASCII)
_HANDLE = re.compile(r"(?:0x)?[0-9a-fA-F]{8,10}\)\s", re.ASCII)
#: The type's name is padded to 20 characters, empty for sensors that an app brings, and anything for a vendor's own.
_TYPE = re.compile(r"\|\s{0,40}type:[^|(]{0,200}\((-?[0-9]{1,10})\)", re.ASCII)
_OLD_TYPE = re.compile(r"\|\s{0,40}type=(-?[0-9]{1,10})\b", re.ASCII)
#: Sections that may follow the list without ending in a colon (sensor fusion's state, the device's own list).
_BARE_SECTION = re.compile(r"(?:[0-9]{1,4}-axis fusion|game fusion|geomag fusion|(?:Total )?[0-9]{1,4} h/w sensors)\b")
#: Headings that follow the list in AOSP's dump, known also where somebody has indented the text.
_AFTER_LIST = (
    "Fusion States:", "Recent Sensor events:", "Active sensors:", "Socket Buffer size = ", "WakeLock Status: ",
    "Mode : ", "Active connections:", "Previous Registrations:",
)  # fmt: skip
_NONE = "No Sensors on the device"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the sensor list; `row` is the whole row of the old tables, which hold the last event too."""

    name: str
    vendor: str
    type: int | None
    row: str = ""


@dataclass(slots=True)
class _List:
    entries: list[Entry]
    whole: bool


def _entry(line: str) -> Entry | None:
    """The entry on that line; a row of the tables of Android 2 to 6 has no handle in front but a bar inside."""
    text = line.strip()
    handle = _HANDLE.match(text)
    columns = [column.strip() for column in text[handle.end() if handle else 0 :].split("|")]
    if not handle and (line[:1].isspace() or len(columns) < 3):
        return None
    kind = (_TYPE if handle else _OLD_TYPE).search(line)
    vendor = columns[1] if len(columns) > 1 else ""
    return Entry(columns[0], vendor, int(kind[1]) if kind else None, "" if handle else line)


def _sensor_list(lines: list[str]) -> _List | None:
    """The first sensor list of the dump, or None if there is none."""
    heading = next((at for at, line in enumerate(lines) if line.strip() == "Sensor List:"), None)
    if heading is None:
        return _List([], whole=True) if any(line.strip() == _NONE for line in lines) else None
    entries: list[Entry] = []
    for line in lines[heading + 1 :]:
        if line.strip() == _NONE:
            return _List(entries, whole=True)
        if entry := _entry(line):
            entries.append(entry)
        elif _opens_section(line):
            return _List(entries, whole=True)
    return _List(entries, whole=False)


def list_entries(lines: list[str]) -> list[Entry]:
    """The entries of the dump's sensor list, none where it has no list."""
    found = _sensor_list(lines)
    return found.entries if found else []


def _opens_section(line: str) -> bool:
    if line.strip().startswith(_AFTER_LIST):
        return True
    if not line or line[0].isspace() or is_framing(line):
        return False
    return line.endswith(":") or bool(_BARE_SECTION.match(line))


def _first(entries: Iterable[Entry], matches: Callable[[Entry], bool]) -> str | None:
    return next((f"{entry.name}|{entry.vendor}" for entry in entries if matches(entry)), None)


def _find(found: _List, sensor: Sensor, typed: bool) -> str | None:
    if typed:
        number = SENSOR_TYPES[sensor]
        return _first(found.entries, lambda entry: entry.type == number and entry.vendor != "AOSP")
    word = _OLD_NAMES.get(sensor, sensor)
    return _first(found.entries, lambda entry: word in entry.name.lower())


def _may_be_cut(found: _List, sensor: Sensor) -> bool:
    """Whether an entry of that name lost its type number, so that the sensor may be there after all."""
    word = _OLD_NAMES.get(sensor, sensor)
    return any(entry.type is None and word in entry.name.lower() for entry in found.entries)


@parser("sensorservice")
def sensorservice(data: bytes) -> Parsed:
    """`dumpsys sensorservice`: each known sensor as `name|vendor`, or `absent` if the list is whole without it."""
    parsed = Parsed()
    lines = raw_lines(data)
    total = next((found for found in map(_HARDWARE.search, lines) if found), None)
    if total:
        parsed.facts["hw_total"] = int(total[1])
    found = _sensor_list(lines)
    if found is None:
        return parsed
    facts: dict[str, Any] = parsed.facts
    none_there = found.whole and not found.entries and any(line.strip() == _NONE for line in lines)
    if none_there:
        facts["hw_total"] = 0
    if found.entries or none_there:
        facts["sensor_service_ok"] = bool(found.entries)
    facts["list_count"] = len(found.entries)
    facts["list_complete"] = found.whole
    facts["listed"] = [f"{entry.name}|{entry.vendor}" for entry in found.entries]
    if not found.whole:
        parsed.problems.append(Problem("sensor list", "it is cut: no other section follows it"))
    typed = any(entry.type is not None for entry in found.entries)
    for sensor in SENSOR_TYPES:
        if name := _find(found, sensor, typed):
            facts[sensor] = name
        elif found.whole and not _may_be_cut(found, sensor):
            facts[sensor] = "absent"
    return parsed


_READ = Command("sensorservice", "dumpsys sensorservice", timeout_s=10.0, limit=2 * 1024 * 1024)
_NONE_BUILT_IN = Words(
    "the phone declares to be built without any of the sensors that are asked for",
    "手机声明出厂未配备所要求的任何传感器",
)
_CUT = Words("the phone's sensor list is cut before its end; run this again", "手机的传感器列表不完整；请重测")


def _present(said: Heard) -> Iterator[tuple[Sensor, bool | None]]:
    for sensor in SENSOR_TYPES:
        fact = said.get(sensor)
        yield sensor, None if fact is None else fact != "absent"


def _all_expected(present: dict[Sensor, bool | None], expected: tuple[Sensor, ...], said: Heard) -> Reading:
    """True if all are there; False only if one is surely absent."""
    states = [present[sensor] for sensor in expected]
    if not states:
        return Unread("all_expected_present", _NONE_BUILT_IN, said.source)
    if False in states or None not in states:
        return Measurement("all_expected_present", False not in states, f"{said.source}: Sensor List")
    return Unread("all_expected_present", _why(said), said.source)


def _why(said: Heard) -> Words:
    return _CUT if said.get("list_complete") is False else said.reason("list_count")


@probe(
    "android.sensors",
    needs=Shell,
    reads=(_READ, READ_FEATURES),
    measures={
        "all_expected_present": FLAG,
        "missing": LIST,
        "not_built_in": LIST,
        "hw_sensors": "1",
        "listed": LIST,
        **{f"{sensor}_present": FLAG for sensor in SENSOR_TYPES},
    },
    names={"not_built_in": Words("not built in", "出厂未配备")},
)
async def sensors(
    bench: Bench, *, expected: tuple[Sensor, ...] = ("accelerometer", "gyroscope", "magnetometer", "light", "proximity")
) -> AsyncIterator[Reading]:
    """Which sensors the phone lists; a sensor is absent only if the list is whole.

    Settings: `expected`, the sensors that a phone is sold with. What this one declares to be built without, in the list
    of features that its maker wrote, is not expected of it.
    """
    said = hear(bench, _READ, sensorservice)
    features = hear_second(bench, READ_FEATURES, pm_features)
    present = dict(_present(said))
    without = tuple(one for one in expected if present[one] is False and features.get(f"has_{one}") is False)
    expected = tuple(one for one in expected if one not in without)
    yield _all_expected(present, expected, said)
    if without:
        yield Measurement("not_built_in", without, f"{features.source}: android.hardware.sensor")
    if missing := tuple(sensor for sensor in expected if present[sensor] is False):
        yield Measurement("missing", missing, f"{said.source}: Sensor List")
    for sensor, state in present.items():
        if state is None:
            yield Unread(f"{sensor}_present", _why(said), said.source)
        else:
            yield Measurement(f"{sensor}_present", state, f"{said.source}: {as_value(said.get(sensor))}")
    yield reading("hw_sensors", said, "hw_total", Decimal, "h/w sensors")
    if said.get("listed"):
        yield reading("listed", said, "listed", words="Sensor List")
