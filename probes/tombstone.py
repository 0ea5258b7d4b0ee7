"""What a native crash left: the head of a tombstone, as a file or inside a log.

Pure parser; which part a crashed service belongs to is said in `probes.crash_evidence`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from probes.api import Parsed, parser
from probes.captured import cut_line, raw_lines
from probes.crash_evidence import LogLine, as_facts, crashed_services

__all__ = ["tombstone"]

#: What logcat puts before each line of a tombstone, in the brief and the threadtime format.
_LOG_PREFIX = re.compile(
    r"[^:]{0,40}(?::[0-9]{2}:[0-9.]{2,9}[^:]{0,40})?\bDEBUG\s{0,20}(?:\([ 0-9]{1,10}\))?\s{0,20}: ?"
)
#: Android Studio's columns: time, ids, tag, package, level; and any other program's tag that a crash is logged under.
_STUDIO_PREFIX = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]{8,15}\s{1,20}[0-9]{1,10}-[0-9]{1,10}\s{1,20}"
    r"\S{1,60}\s{1,80}\S{1,200}\s{1,40}[VDIWEFA] {1,4}"
)
_ANY_TAG = re.compile(
    r"(?:[0-9-]{5,10} [0-9:.]{8,15}\s{1,20}(?:[0-9]{1,10}\s{1,10}[0-9]{1,10}\s{1,10})?)?"
    r"[VDIWEFA][/ ][\w.]{1,60}\s{0,40}"
    r"(?:\([ 0-9]{1,10}\))?\s{0,20}: ?"
)
_QUOTED = re.compile(r"(Build fingerprint|ABI|Abort message): '(.{0,8000})'")
_PROCESS = re.compile(r"pid: ([0-9]{1,10}), tid: ([0-9]{1,10})(?:, name: (.*))?", re.ASCII)
_SIGNAL = re.compile(
    r"signal ([0-9]{1,4})(?: \(([^)]{1,80})\))?(?:, code (-?[0-9]{1,10})(?: \(([^)]{1,80})\))?)?", re.ASCII
)
_LAST_NUMBER = re.compile(r",? ?(?:signal|code) -?[0-9]{0,10}$", re.ASCII)
_FACTS = {"Build fingerprint": "fingerprint", "ABI": "abi", "Abort message": "abort_message"}


def _process(text: str) -> dict[str, object]:
    """Ids and name from `pid: P, tid: T, name: N  >>> process <<<`; before Android 4 there is no thread name."""
    head, opens, rest = text.rpartition(">>> ")  # a thread may be called anything
    name, closes, _ = rest.partition(" <<<")
    ids = _PROCESS.match(head) if opens and closes else None
    named = {"process": name.strip()} if name.strip() else {}
    return {"pid": int(ids[1]), "tid": int(ids[2]), **named} if ids else {}


@parser("tombstone")
def tombstone(data: bytes) -> Parsed:
    """Who crashed, by which signal, on which build; the first crash of the file."""
    parsed = Parsed()
    facts = parsed.facts
    lines = list(_lines(data))
    if lines and cut_line(data):  # a number at the very end may lack digits
        lines[-1] = replace(lines[-1], text=_LAST_NUMBER.sub("", lines[-1].text))
    for line in lines:
        text = line.text
        if quoted := _QUOTED.match(text):
            facts.setdefault(_FACTS[quoted[1]], quoted[2])
        elif "pid" not in facts and (process := _process(text)):
            facts |= process
        elif "signal" not in facts and (signal := _SIGNAL.match(text)):
            facts["signal"] = int(signal[1])
            if signal[2]:
                facts["signal_name"] = signal[2]
            if signal[3]:
                facts["code"] = int(signal[3])
            if signal[4]:
                facts["code_name"] = signal[4]
        elif text.startswith("Cause: "):
            facts.setdefault("cause", text[len("Cause: ") :])
        elif text.startswith("Timestamp: "):
            facts.setdefault("timestamp", text[len("Timestamp: ") :])
    if suspects := crashed_services(lines):
        facts["suspects"] = as_facts(suspects)
    return parsed


def _prefix(text: str) -> re.Match[str] | None:
    """What a log puts before the line, None where there is nothing."""
    if "DEBUG" in text[:80] and (prefix := _LOG_PREFIX.match(text)):
        return prefix
    return _STUDIO_PREFIX.match(text) or _ANY_TAG.match(text)


def _lines(data: bytes) -> Iterator[LogLine]:
    for number, raw in enumerate(raw_lines(data), 1):
        text = raw.strip()
        if prefix := _prefix(text):
            text = text[prefix.end() :].strip()
        yield LogLine(number, text, raw, kernel=False)
