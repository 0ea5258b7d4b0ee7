"""The last events of each sensor as `dumpsys sensorservice` prints them, and which sensors somebody listens to.

Pure: the blocks `NAME: last N events` of Android 7 and later, the rings of Android 6 and the single `last=<...>` of
Android 5, which has tenths only. Events are printed by the sensor's name, so two sensors of one name can't be told
apart and neither is read. What values mean is for the probes of the single sensors.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from probes.api import Parsed, Problem, parser
from probes.captured import integer, raw_lines
from probes.sensors import list_entries

__all__ = ["Sample", "SensorLog", "sensor_events", "sensor_log"]

_BLOCK = re.compile(r"(\S.{0,120}): last [0-9]{1,5} events", re.ASCII)
_EVENT = re.compile(r"\s{0,8}[0-9]{1,5} \(ts=([0-9]{1,12}\.[0-9]{1,9}), wall=[0-9:.]{1,20}\) (.*)", re.ASCII)
_VALUE = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,9})?(?:e[+-]?[0-9]{1,3})?", re.ASCII)
_MASKED = "[value masked]"
#: Android 6: `last 3 events = < 1)   0.1,  0.2,  9.8,123456789 12:01:02 2) ...>`.
_RING = re.compile(r"([0-9]{1,5})\)\s{0,8}((?:-?[0-9]{1,9}\.[0-9]{1,3},\s{0,8}){1,16})([0-9]{4,19})\b", re.ASCII)
_RINGED = re.compile(r"last [0-9]{1,5} events = <", re.ASCII)
#: Android 5: the last event alone, with or without its time.
_LAST = re.compile(r"last=<\s{0,8}(-?[0-9.]{1,16}(?:,\s{0,8}-?[0-9.]{1,16}){0,16})>", re.ASCII)
_ACTIVE = re.compile(r"(\S.{0,120}) \(handle=0x([0-9a-fA-F]{1,10}), connections=([0-9]{1,5})\)", re.ASCII)
_MOST_VALUES = 16
#: A time in nanoseconds has at least so many digits: a phone is on for more than a second when it is asked.
_NANOSECONDS = 10


@dataclass(frozen=True, slots=True)
class Sample:
    """One event: its time in seconds of the phone's own clock (None where it is not printed) and its values."""

    time_s: float | None
    values: tuple[float, ...]


@dataclass(slots=True)
class SensorLog:
    """What a dump says of single sensors.

    Attributes:
        listed: type number and name of each entry of the list, in its order, AOSP's own fused ones left out.
        samples: by name, the last events, oldest first.
        unclear: names whose events can't be told apart, since several sensors share the name.
        masked: names whose values the phone hides.
        active: names of sensors that somebody listens to at this moment.
    """

    listed: list[tuple[int, str]] = field(default_factory=list)
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)
    masked: set[str] = field(default_factory=set)
    active: set[str] = field(default_factory=set)

    def name_of(self, kind: int) -> str | None:
        """The name of the first sensor of that type."""
        return next((name for number, name in self.listed if number == kind), None)


def _values(text: str) -> tuple[float, ...]:
    values = (float(word) for word in _VALUE.findall(text)[:_MOST_VALUES])
    return tuple(value for value in values if math.isfinite(value))


def _old_samples(line: str) -> list[Sample]:
    """The events in one row of the list of Android 5 or 6."""
    if _RINGED.search(line):
        rings = sorted(_RING.findall(line), key=lambda one: int(one[0]))
        return [Sample(int(stamp) / 1e9, _values(values)) for _, values, stamp in rings]
    if found := _LAST.search(line):
        words = found[1].split(",")
        stamp = integer(words[-1]) if "." not in words[-1] and len(words[-1].strip()) >= _NANOSECONDS else None
        numbers = _values(",".join(words[:-1] if stamp else words))
        return [Sample(stamp / 1e9 if stamp else None, numbers)] if numbers else []
    return []


def sensor_log(lines: list[str]) -> SensorLog:
    """Everything that the dump says of single sensors; an empty log where it is no such dump."""
    log = SensorLog()
    entries = list_entries(lines)
    log.listed = [(one.type, one.name) for one in entries if one.type is not None and one.vendor != "AOSP"]
    names = [one.name for one in entries]
    name, blocks = "", dict.fromkeys(names, 0)
    for line in lines:
        if found := _BLOCK.fullmatch(line):
            name = found[1]
            blocks[name] = blocks.get(name, 0) + 1
        elif name and (event := _EVENT.match(line)):
            if event[2].startswith(_MASKED):
                log.masked.add(name)
            elif values := _values(event[2]):
                log.samples.setdefault(name, []).append(Sample(float(event[1]), values))
        elif found := _ACTIVE.fullmatch(line.strip()):
            log.active.add(found[1])
        elif line and not line[0].isspace():
            name = ""
    for entry in entries:
        if entry.row and (old := _old_samples(entry.row)):
            log.samples[entry.name] = old
    log.unclear = {name for name, count in Counter(names).items() if count > 1}
    return log


@parser("sensor_events")
def sensor_events(data: bytes) -> Parsed:
    """The last events of each sensor: `events` by name, each with its time and values; `active` names."""
    parsed = Parsed()
    log = sensor_log(raw_lines(data))
    facts: dict[str, Any] = parsed.facts
    if log.samples:
        facts["events"] = {
            name: [[one.time_s, *one.values] for one in samples]
            for name, samples in log.samples.items()
            if name not in log.unclear
        }
    if log.active:
        facts["active"] = sorted(log.active)
    if log.masked:
        facts["masked"] = sorted(log.masked)
    for name in sorted(log.unclear & log.samples.keys()):
        why_zh = "有多个同名传感器，无法区分其数据"
        why = "several sensors have this name, their events can't be told apart"
        parsed.problems.append(Problem(name, why, why_zh))
    return parsed
