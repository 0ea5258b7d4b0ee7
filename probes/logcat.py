"""Logcat in the forms that phones print: threadtime with and without year, zone and user, time, and brief.

Pure: what a line points to is said by `probes.crash_evidence`; which crashes count is judged elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from probes.api import Parsed, parser
from probes.captured import raw_lines
from probes.crash_evidence import DUMP_SIGNAL, Evidence, LogLine, as_facts, crashed_services, evidence_of, merged

__all__ = ["Entry", "crash_events", "entries", "log_evidence", "logcat"]

#: `-v threadtime`, with what `-v year`, `-v zone` and `-v uid` (bug reports) add.
_THREADTIME = re.compile(
    r"(?:[0-9]{4}-)?([0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})\.[0-9]{1,9}(?: [+-][0-9]{4})?\s{1,9}"
    r"(?:[\w.:-]{1,24}\s{1,9})?[0-9]{1,8}\s{1,9}[0-9]{1,8}\s{1,3}([VDIWEFA])\s(.*)",
    re.ASCII,
)
#: `-v time` has a date, `-v brief` none.
_BRIEF = re.compile(
    r"(?:(?:[0-9]{4}-)?([0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})\.[0-9]{1,9}\s{1,9})?"
    r"([VDIWEFA])/(.{0,80}?)\s{0,40}\(\s{0,8}[0-9]{1,8}\):(.*)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of logcat; `time` is `MM-DD HH:MM:SS` or empty, `number` its line in the file."""

    number: int
    time: str
    level: str
    tag: str
    text: str
    raw: str


def entries(data: bytes) -> Iterator[Entry]:
    """The entries of a log; what is none (headings, broken lines) is left out."""
    for number, raw in enumerate(raw_lines(data), 1):
        if line := _THREADTIME.match(raw):
            tag, colon, text = line[3].partition(": ")
            if not colon:
                tag, colon, text = line[3].partition(":")
            if colon:
                yield Entry(number, line[1], line[2], tag.strip(), text, raw)
        elif line := _BRIEF.match(raw):
            yield Entry(number, line[1] or "", line[2], line[3].strip(), line[4].lstrip(), raw)


_NATIVE = re.compile(r"pid: [0-9]{1,10}, tid: [0-9]{1,10}\b", re.ASCII)


def crash_events(log: Iterable[Entry]) -> list[dict[str, str]]:
    """Every native crash with its process and every uncaught Java exception: time, kind, process."""
    events: list[dict[str, str]] = []
    for entry in log:
        text = entry.text.strip()
        if entry.tag == "DEBUG" and _NATIVE.match(text) and ">>> " in text:
            process = text.rpartition(">>> ")[2].partition(" <<<")[0].strip()
            events.append({"time": entry.time, "kind": "native", "process": process})
        elif entry.tag == "DEBUG" and DUMP_SIGNAL in text and events and events[-1]["kind"] == "native":
            events.pop()  # nothing crashed: somebody asked for a dump
        elif entry.tag == "AndroidRuntime" and text.startswith("*** FATAL EXCEPTION IN SYSTEM PROCESS"):
            events.append({"time": entry.time, "kind": "java", "process": "system_server"})
        elif entry.tag == "AndroidRuntime" and text.startswith("Process: "):
            process = text[len("Process: ") :].partition(",")[0]
            events.append({"time": entry.time, "kind": "java", "process": process})
    return events


def _log_line(entry: Entry) -> LogLine:
    """The entry for the policy: logcat's kernel buffer has entries without a tag."""
    text = f"{entry.tag}: {entry.text}" if entry.tag else entry.text
    return LogLine(entry.number, text, entry.raw, kernel=not entry.tag)


def log_evidence(log: Iterable[Entry]) -> Evidence:
    """What warnings, errors, kernel lines and native crashes among the entries point to."""
    log = [entry for entry in log if entry.level in "WEFA" or not entry.tag]
    evidence = evidence_of(map(_log_line, log))
    dumps = (LogLine(one.number, one.text, one.raw, kernel=False) for one in log if one.tag == "DEBUG")
    evidence.suspects = merged([*evidence.suspects, *crashed_services(dumps)])
    return evidence


@parser("logcat")
def logcat(data: bytes) -> Parsed:
    """A log: from when to when, its crashes, and the parts that it points to."""
    parsed = Parsed()
    log = list(entries(data))
    if not log:
        return parsed
    evidence = log_evidence(log)
    parsed.facts |= {
        "lines": len(log),
        "first": log[0].time or None,
        "last": log[-1].time or None,
        "crashes": crash_events(log),
        "suspects": as_facts(evidence.suspects),
        "harmless": evidence.harmless,
    }
    return parsed
