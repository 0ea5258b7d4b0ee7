"""The drop box: what went wrong on a phone, kept over restarts, as `dumpsys dropbox` lists or prints it.

Pure parser: entries with time and tag; where texts are printed too, the parts that crashes and kept kernel logs in them
point to. What counts as too many is judged elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from probes.api import Parsed, parser
from probes.captured import raw_lines
from probes.crash_evidence import DUMP_SIGNAL, LogLine, Suspect, as_facts, crashed_services, evidence_of, merged
from probes.kernel_log import kernel_line

__all__ = ["SEPARATOR", "crashed_since", "dropbox", "dropped_since"]

#: What stands before each entry when texts are printed (AOSP DropBoxManagerService).
SEPARATOR = "========================================"
_ENTRY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}) ([\w.@-]{1,120}) \(", re.ASCII)
#: Tags whose text is a kernel's log of the start before (AOSP BootReceiver).
_KERNEL = frozenset(("SYSTEM_LAST_KMSG", "APANIC_CONSOLE", "SYSTEM_RECOVERY_KMSG", "SYSTEM_AUDIT"))
_PROCESS = re.compile(r"pid: [0-9]{1,10}, tid: [0-9]{1,10}\b.{0,200}>>> (.{1,200}?) <<<", re.ASCII)
_NATIVE = ("SYSTEM_TOMBSTONE", "system_server_native_crash")


@parser("dropbox")
def dropbox(data: bytes) -> Parsed:
    """`dumpsys dropbox`: time (the phone's own zone) and tag of every entry, and suspects where texts are printed."""
    parsed = Parsed()
    lines = list(enumerate(raw_lines(data), 1))
    if not any(line.startswith("Drop box contents:") for _, line in lines):
        return parsed
    parsed.facts["entries"] = [{"time": time, "tag": tag} for time, tag, _ in _entries(lines)]
    if suspects := dropped_since(data):
        parsed.facts["suspects"] = as_facts(suspects)
    return parsed


def dropped_since(data: bytes, start: str = "") -> list[Suspect]:
    """What the printed texts of entries from `start` (`YYYY-MM-DD HH:MM:SS`, the phone's own zone) on point to."""
    suspects: list[Suspect] = []
    for time, tag, text in _entries(list(enumerate(raw_lines(data), 1))):
        if time < start:
            continue
        if tag in _KERNEL:
            suspects += evidence_of(one for number, raw in text if (one := kernel_line(number, raw))).suspects
        elif tag.startswith(_NATIVE):
            suspects += crashed_services(LogLine(number, raw.strip(), raw, kernel=False) for number, raw in text)
    return merged(suspects)


def crashed_since(data: bytes, start: str = "") -> list[str]:
    """The process of each native crash whose text was printed, from `start` on; as `dropped_since`."""
    found: list[str] = []
    for time, tag, text in _entries(list(enumerate(raw_lines(data), 1))):
        if time < start or not tag.startswith(_NATIVE) or any(DUMP_SIGNAL in raw for _, raw in text):
            continue
        found += [one[1].strip() for _, raw in text if ">>> " in raw and (one := _PROCESS.search(raw))][:1]
    return found


def _entries(lines: list[tuple[int, str]]) -> Iterator[tuple[str, str, list[tuple[int, str]]]]:
    """Time, tag and the lines below of each entry. With texts, only what follows a separator opens one."""
    printed = any(line == SEPARATOR for _, line in lines)
    opened: tuple[str, str, list[tuple[int, str]]] | None = None
    before = ""
    for number, line in lines:
        found = _ENTRY.match(line) if line[:1].isdigit() and (not printed or before == SEPARATOR) else None
        if found:
            if opened:
                yield opened
            opened = (found[1], found[2], [])
        elif opened:
            opened[2].append((number, line))
        before = line
    if opened:
        yield opened
