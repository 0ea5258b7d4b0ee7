"""A whole bug report through every parser: each section by the parser of its kind, and the suspects of all its logs.

Stands on the reader of `drivers.bugreport_file` and on the parsers of this folder; it knows no screen and no phone. A
fact that is found here is the fact that the same output gives alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.bugreport_file import Report, Section, read_report
from probes.api import Parsed, Parser, Problem, discover, parser

__all__ = ["bugreport", "bugreport_file", "parts_of", "read_facts"]

#: Kind -> the section it is in, where that is not the service of the same name; names of AOSP's dumpstate.
_SECTIONS: Mapping[str, str] = {
    "getprop": "SYSTEM PROPERTIES",
    "df": "FILESYSTEMS & FREE SPACE",
    "partitions": "FILESYSTEMS & FREE SPACE",
    "meminfo": "MEMORY INFO",
    "dmesg": "KERNEL LOG",
    "logcat": "SYSTEM LOG",
    "crash_log": "SYSTEM LOG",
}
#: Kind -> services that print it, the first that the report has counts.
_SERVICES: Mapping[str, tuple[str, ...]] = {
    "audio_flinger": ("media.audio_flinger",),
    "audio_policy": ("media.audio_policy",),
    "media_camera": ("media.camera",),
    "surfaceflinger": ("SurfaceFlinger",),
    "telephony_registry": ("telephony.registry",),
    "batteryproperties": ("batteryproperties", "android.hardware.health.IHealth/default"),
    "vibrator": ("vibrator", "vibrator_manager"),
    "battery_drain": ("batterystats",),
    "sensor_events": ("sensorservice",),
    "storage_health": ("android.hardware.health.IHealth/default",),
    "wifi_scan": ("wifiscanner", "wifi"),
}
#: Kernel logs of the start before this one; they are read for suspects only.
_LAST_WORDS = ("LAST KMSG", "LAST PANIC CONSOLE", "LAST PANIC THREADS")
_LAST_FILES = ("/sys/fs/pstore/", "/proc/last_kmsg")
#: Kinds whose suspects are the report's.
_EVIDENCE = frozenset(("dmesg", "logcat", "dropbox", "tombstone"))
#: Kinds that are asked of a phone alone; a report can't hold them.
_NOT_HERE = frozenset(("bugreport", "tombstone", "phone_clock"))


@dataclass(frozen=True, slots=True)
class Part:
    """One kind's piece of a report: where it stands and its bytes."""

    kind: str
    where: str
    line: int
    data: bytes


def parts_of(report: Report, parsers: Mapping[str, Parser]) -> Iterator[Part]:
    """The piece of each kind that the report holds, in the order of kinds; then the copied files."""
    for kind in sorted(parsers.keys() - _NOT_HERE):
        section = _section_of(report, kind)
        if section is not None:
            yield Part(kind, section.name, section.line, section.data)
    for section in report.sections:
        if not section.service and section.name in _LAST_WORDS and "dmesg" in parsers:
            yield Part("dmesg", section.name, section.line, section.data)
        elif not section.service and section.name == "TOMBSTONE" and "tombstone" in parsers:
            yield Part("tombstone", section.command or section.name, section.line, section.data)
    for path, data in sorted(report.files.items()):
        if path.startswith("/data/tombstones/") and "tombstone" in parsers:
            yield Part("tombstone", path, 1, data)
        elif path.startswith(_LAST_FILES) and "dmesg" in parsers:
            yield Part("dmesg", path, 1, data)


def _section_of(report: Report, kind: str) -> Section | None:
    if kind in _SECTIONS:
        return report.section(_SECTIONS[kind])
    services = _SERVICES.get(kind, (kind,))
    return next((found for name in services if (found := report.service(name))), None)


def read_facts(report: Report, parsers: Mapping[str, Parser]) -> Parsed:
    """Everything that the parsers find in a report.

    Facts: `taken` and the head of the report, `sections` (name, command, line, lines, seconds), `kinds` (each kind's
    facts and problems), `files` (the same for copied files) and `suspects` with their lines in the report's text.
    """
    parsed = Parsed(problems=[Problem(what, why.en, why.zh) for what, why in report.problems])
    if not report.sections and not report.taken:
        return parsed
    facts = parsed.facts
    facts |= {"taken": report.taken or None, "complete": report.complete, **report.header}
    facts["sections"] = [_about(section) for section in report.sections]
    kinds: dict[str, Any] = {}
    files: list[dict[str, Any]] = []
    suspects: list[dict[str, Any]] = []
    for part in parts_of(report, parsers):
        one = parsers[part.kind].parse(part.data)
        if part.kind in _EVIDENCE:
            suspects += [_placed(suspect, part) for suspect in one.facts.get("suspects", ())]
        said = {"section": part.where, "line": part.line, "facts": one.facts, "problems": _problems(one)}
        if part.kind in kinds or part.kind == "tombstone":
            files.append({"kind": part.kind, **said})
        else:
            kinds[part.kind] = said
    return _together(parsed, kinds, files, suspects)


def _together(
    parsed: Parsed, kinds: dict[str, Any], files: list[dict[str, Any]], suspects: list[dict[str, Any]]
) -> Parsed:
    strengths = {"hardware": 0, "driver": 1, "hint": 2}
    suspects.sort(key=lambda one: (strengths[one["strength"]], -one["count"]))
    parsed.facts |= {"kinds": kinds, "files": files, "suspects": suspects}
    return parsed


def _about(section: Section) -> dict[str, Any]:
    return {
        "name": section.name,
        "command": section.command or None,
        "service": section.service,
        "line": section.line,
        "lines": section.data.count(b"\n"),
        "cut_bytes": section.cut,
        "seconds": section.seconds,
    }


def _problems(parsed: Parsed) -> list[dict[str, str]]:
    return [{"what": problem.what, "why": problem.why} for problem in parsed.problems]


def _placed(suspect: Mapping[str, Any], part: Part) -> dict[str, Any]:
    """The suspect with its lines counted in the text of the whole report, or in the copied file."""
    lines = [{"line": part.line - 1 + line["line"], "text": line["text"]} for line in suspect["lines"]]
    return {**suspect, "where": part.where, "lines": lines}


def bugreport_file(path: Path) -> Parsed:
    """Everything that the parsers find in a bug report's file.

    Raises:
        OSError: the file can't be read.
    """
    return read_facts(read_report(path), discover().parsers)


@parser("bugreport")
def bugreport(data: bytes) -> Parsed:
    """A bug report, text or zip: its head, sections, the facts of every kind in it, and the suspects of its logs."""
    return read_facts(read_report(data), discover().parsers)
