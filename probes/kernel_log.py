"""The kernel's log: `dmesg`, the console kept over a restart (pstore, last_kmsg), and the kernel buffer of logcat.

Pure parser: which part a line points to is said by `probes.crash_evidence`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from probes.api import Parsed, parser
from probes.captured import raw_lines
from probes.crash_evidence import LogLine, as_facts, evidence_of

__all__ = ["dmesg", "kernel_line", "kernel_lines"]

#: `<level>[seconds] [task or core] text`, each but the text optional; vendors add their own brackets before the text.
#: `dmesg -x` has facility and level in words, `dmesg -T` the time of day instead of the seconds. Kirin's kernels write
#: an `s` behind the seconds, then date, process and core: `[12.345678s][2020:01:02 03:04:05][pid:1,cpu0,x]`.
_LINE = re.compile(
    r"(?:<[0-9]{1,3}>|[a-z]{3,8}\s{0,3}:[a-z]{3,8}\s{0,3}:\s{0,2})?\s{0,4}"
    r"\[(?:\s{0,9}([0-9]{1,7}\.[0-9]{1,9})s?|\w{3} \w{3} [ 0-9][0-9] [0-9:]{8} [0-9]{4})\]\s{0,4}"
    r"(?:\[[\s]{0,8}[TC]?[0-9:]{1,8}\]\s{0,3}|I?\[[0-9]:[^\]]{1,40}\]\s{0,3}|\([0-9]{1,2}\)\[[^\]]{1,40}\]\s{0,3}"
    r"|\[[0-9]{4}:[0-9]{2}:[0-9]{2} [0-9:]{8}\]\s{0,3}|\[pid:[^\]]{1,60}\]\s{0,3}){0,3}(.*)",
    re.ASCII,
)
#: The kernel's buffer of logcat, as bug reports have it from Android 8 on: the writer's process and thread are one.
_LOGCAT = re.compile(
    r"(?:[0-9]{4}-)?[0-9]{2}-[0-9]{2} [0-9:]{8}\.[0-9]{1,9}(?: [+-][0-9]{4})?\s{1,9}(?:[\w.:-]{1,24}\s{1,9})?"
    r"([0-9]{1,8})\s{1,9}([0-9]{1,8})\s{1,3}[VDIWEFA]\s(.*)",
    re.ASCII,
)
_TAG_END = re.compile(r"\s{1,40}: ")
_PANIC = ("Kernel panic - not syncing", "Unable to handle kernel ", "Internal error: Oops", "kernel BUG at ")


def kernel_lines(data: bytes) -> Iterator[LogLine]:
    """The lines of a kernel log; those without its stamp are left out."""
    numbered = enumerate(raw_lines(data), 1)
    return (line for number, raw in numbered if (line := kernel_line(number, raw)))


def kernel_line(number: int, raw: str) -> LogLine | None:
    """One line of a kernel log, or None for a line without its stamp."""
    line = _LINE.match(raw) if "[" in raw[:40] else None
    if not line:
        return None
    return LogLine(number, line[2], raw, kernel=True, seconds=Decimal(line[1]) if line[1] else None)


def _of_logcat(data: bytes) -> list[LogLine]:
    """The lines of logcat's kernel buffer; none of a log in which threads of processes write."""
    found = [(number, line) for number, raw in enumerate(raw_lines(data), 1) if (line := _LOGCAT.match(raw))]
    if any(line[1] != line[2] for _, line in found):
        return []
    return [LogLine(number, _TAG_END.sub(": ", line[3], count=1), line[0], kernel=True) for number, line in found]


@parser("dmesg")
def dmesg(data: bytes) -> Parsed:
    """A kernel log: from when to when, whether it panicked, and the parts that it points to."""
    parsed = Parsed()
    lines = list(kernel_lines(data)) or _of_logcat(data)
    if not lines:
        return parsed
    panics = [line for line in lines if any(sign in line.text for sign in _PANIC)]
    evidence = evidence_of(lines)
    parsed.facts |= {
        "lines": len(lines),
        **{
            name: line.seconds
            for name, line in (("first_s", lines[0]), ("last_s", lines[-1]))
            if line.seconds is not None
        },
        "panics": [{"line": line.number, "text": line.text[:300]} for line in panics[:20]],
        "suspects": as_facts(evidence.suspects),
        "harmless": evidence.harmless,
    }
    return parsed
