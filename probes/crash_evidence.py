"""What crashes and logs say about the parts of a phone: suspects with the lines that show it, and noise named as noise.

A policy table beside this module (`crash_evidence.toml`) holds every pattern with its reason and source; here it is
read and applied to lines. Pure: it stands on text alone and knows no command, no phone and no limit. A suspect is a
place to look first, never a verdict.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

from drivers.text import Words, safe_text

__all__ = [
    "DUMP_SIGNAL",
    "SHOWN_LINES",
    "STRENGTHS",
    "Evidence",
    "LogLine",
    "Policy",
    "Rule",
    "Suspect",
    "as_facts",
    "crashed_services",
    "evidence_of",
    "is_service",
    "load_policy",
    "merged",
    "part_words",
    "policy",
    "suspect_part",
]

#: What a suspicion stands on, strongest first; see the head of the policy file.
STRENGTHS = ("hardware", "driver", "hint")
#: Lines that are kept for each suspect; `count` says how many there were.
SHOWN_LINES = 12
#: Characters of a line that patterns look at; kernel lines end at 1,024 (LOG_LINE_MAX), logcat's at some 4,000.
_LOOK = 1024
#: Frames of a backtrace, from the top, that may name the library of a part.
_FRAMES = 12


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a log.

    Attributes:
        number: its line in the file, from 1.
        text: the message, without the log's own prefix; logcat's tag stands before it as `tag: `.
        raw: the line as it stands in the file.
        kernel: whether the kernel wrote it.
        seconds: time since the kernel started; None in logs that say the time of day.
    """

    number: int
    text: str
    raw: str
    kernel: bool
    seconds: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern of the policy; `part` is empty for what is harmless."""

    id: str
    kernel: bool
    words: tuple[str, ...]
    pattern: re.Pattern[str]
    reason: Words
    source: str
    part: str = ""
    strength: str = ""
    at_least: int = 1
    at_start: bool = False
    only_at_start: bool = False

    def fits(self, lowered: str, text: str) -> bool:
        """Whether the rule fits a line, given in small letters and as it is."""
        return any(word in lowered for word in self.words) and self.pattern.search(text) is not None


@dataclass(frozen=True, slots=True)
class _Trial:
    """A part of which several drivers are tried in turn."""

    part: str
    failed: re.Pattern[str]
    came_up: re.Pattern[str]
    reason: Words


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole table."""

    parts: Mapping[str, Words]
    services: tuple[tuple[str, tuple[str, ...]], ...]
    harmless: tuple[Rule, ...]
    rules: tuple[Rule, ...]
    trials: tuple[_Trial, ...]
    start_s: Decimal


@dataclass(frozen=True, slots=True)
class Suspect:
    """A part that a log points to.

    Attributes:
        part: a code of the policy's closed list.
        rule: the rule that fits, or `crashed-service`.
        strength: one of `STRENGTHS`.
        reason: why, in every language.
        count: how many lines show it.
        lines: number and text of the first of them.
        about: the crashed process, where it is one.
    """

    part: str
    rule: str
    strength: str
    reason: Words
    count: int
    lines: tuple[tuple[int, str], ...]
    about: str = ""


@dataclass(slots=True)
class Evidence:
    """What a log showed: suspects, strongest first, and how often each harmless rule fitted."""

    suspects: list[Suspect] = field(default_factory=list)
    harmless: dict[str, int] = field(default_factory=dict)


def load_policy(text: str) -> Policy:
    """The policy of a TOML text.

    Raises:
        ValueError: a part that is not in the list, a strength that there is not, an id twice, a pattern that is none.
    """
    table = tomllib.loads(text)
    parts = {code: Words(**words) for code, words in table["parts"].items()}
    rules = tuple(_rule(row) for row in table.get("rule", ()))
    harmless = tuple(_rule(row) for row in table.get("harmless", ()))
    services = tuple((row["part"], tuple(row["names"])) for row in table.get("service", ()))
    trials = tuple(
        _Trial(row["part"], re.compile(row["failed"], re.I), re.compile(row["came_up"], re.I), Words(**row["reason"]))
        for row in table.get("trial", ())
    )
    named = [*(rule.part for rule in rules), *(part for part, _ in services), *(trial.part for trial in trials)]
    if unknown := sorted(set(named) - set(parts)):
        raise ValueError(f"parts that are not listed: {', '.join(unknown)}")
    if wrong := [rule.id for rule in rules if rule.strength not in STRENGTHS]:
        raise ValueError(f"no such strength in: {', '.join(wrong)}")
    ids = [rule.id for rule in (*rules, *harmless)]
    if twice := sorted({one for one in ids if ids.count(one) > 1}):
        raise ValueError(f"ids twice: {', '.join(twice)}")
    return Policy(parts, services, harmless, rules, trials, Decimal(table["start"]["until_s"]))


def _rule(row: Mapping[str, Any]) -> Rule:
    if row["log"] not in ("kernel", "log"):
        raise ValueError(f"{row['id']}: log is kernel or log, not {row['log']!r}")
    try:
        pattern = re.compile(row["pattern"])
    except re.error as error:
        raise ValueError(f"{row['id']}: {error}") from error
    flags = {name: row[name] for name in ("part", "strength", "at_least", "at_start", "only_at_start") if name in row}
    words = tuple(row["words"])
    return Rule(row["id"], row["log"] == "kernel", words, pattern, Words(**row["reason"]), row["source"], **flags)


@cache
def policy() -> Policy:
    """The policy that comes with Assay."""
    return load_policy(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def part_words(part: str) -> Words:
    """What people read for the code of a part."""
    return policy().parts.get(part) or Words(part, part)


# --- logs ------------------------------------------------------------------------------------------------------------


class _Found:
    """Lines that fit one rule."""

    def __init__(self) -> None:
        self.count = 0
        self.lines: list[tuple[int, str]] = []
        self.only_at_start = True

    def add(self, line: LogLine, starting: bool) -> None:
        self.count += 1
        self.only_at_start &= starting
        if len(self.lines) < SHOWN_LINES:
            self.lines.append(_shown(line))


def _shown(line: LogLine) -> tuple[int, str]:
    return line.number, safe_text(line.raw.strip(), 300)


def evidence_of(lines: Iterable[LogLine], table: Policy | None = None) -> Evidence:
    """The suspects of a log, and its noise."""
    table = table or policy()
    found: dict[str, _Found] = {}
    evidence = Evidence()
    trials = [_TrialOf(trial) for trial in table.trials]
    every = list(lines)
    lowered = [line.text[:_LOOK].lower() for line in every]
    rules = (*table.harmless, *table.rules)
    for at, fitting in sorted(_worth_a_look(rules, every, lowered).items()):
        line, text = every[at], every[at].text[:_LOOK]
        starting = line.seconds is not None and line.seconds < table.start_s
        rule = _fitting([rules[one] for one in sorted(fitting)], line, text, lowered[at], starting)
        if rule is not None and rule.part:
            found.setdefault(rule.id, _Found()).add(line, starting)
        elif rule is not None:
            evidence.harmless[rule.id] = evidence.harmless.get(rule.id, 0) + 1
    for line, small in zip(every, lowered, strict=True):
        if line.kernel:
            for trial in trials:
                trial.take(line, line.text[:_LOOK], small)
    evidence.suspects += [
        _suspect(rule, found[rule.id])
        for rule in table.rules
        if rule.id in found and found[rule.id].count >= rule.at_least
    ]
    evidence.suspects += [suspect for trial in trials if (suspect := trial.suspect())]
    evidence.suspects.sort(key=_rank)
    return evidence


def _worth_a_look(
    rules: Sequence[Rule], lines: Sequence[LogLine], lowered: Sequence[str]
) -> Mapping[int, Collection[int]]:
    """The places of lines that hold a word of rules, and of these rules.

    A full log has tens of thousands of lines and the table 180 words, few of which are in any line: each word is looked
    for in the whole log at once, which takes a quarter to a half of the time (measured on real logs and on 2 MB).
    """
    whole = "\n".join(lowered)
    starts = list(accumulate((len(line) + 1 for line in lowered), initial=0))
    places: dict[str, Sequence[int]] = {}
    found: dict[int, set[int]] = {}
    kinds = {line.kernel for line in lines}
    for number, rule in enumerate(rules):
        for word in rule.words if rule.kernel in kinds else ():
            if word not in places:
                places[word] = list(_lines_with(word, whole, starts))
            for at in places[word]:
                found.setdefault(at, set()).add(number)
    return found


def _lines_with(word: str, whole: str, starts: Sequence[int]) -> Iterator[int]:
    at = whole.find(word)
    while at >= 0:
        line = bisect_right(starts, at) - 1
        yield line
        at = whole.find(word, starts[line + 1])


def _fitting(rules: Iterable[Rule], line: LogLine, text: str, lowered: str, starting: bool) -> Rule | None:
    """The first rule that fits; what is harmless comes first."""
    return next(
        (
            rule
            for rule in rules
            if rule.kernel is line.kernel and (starting or not rule.only_at_start) and rule.fits(lowered, text)
        ),
        None,
    )


def _suspect(rule: Rule, found: _Found) -> Suspect:
    strength = "hint" if rule.kernel and found.only_at_start and not rule.at_start else rule.strength
    return Suspect(rule.part, rule.id, strength, rule.reason, found.count, tuple(found.lines))


def _rank(suspect: Suspect) -> tuple[int, int]:
    return STRENGTHS.index(suspect.strength), -suspect.count


class _TrialOf:
    """One part's trial as a log shows it."""

    def __init__(self, trial: _Trial) -> None:
        self._trial, self._failed = trial, _Found()
        self._whole = self._up = False

    def take(self, line: LogLine, text: str, lowered: str) -> None:
        self._whole = self._whole or lowered.startswith(("linux version ", "booting linux on "))
        if "input: " in lowered:
            self._up = self._up or self._trial.came_up.search(text) is not None
        elif ("probe" in lowered or "failed with error" in lowered) and self._trial.failed.search(text):
            self._failed.add(line, True)

    def suspect(self) -> Suspect | None:
        if not self._whole or self._up or not self._failed.count:
            return None
        trial, failed = self._trial, self._failed
        rule = f"{trial.part}-never-came-up"
        return Suspect(trial.part, rule, "hardware", trial.reason, failed.count, tuple(failed.lines))


# --- crashed services ------------------------------------------------------------------------------------------------

#: Driver services are native programs of the vendor, or named as a HAL.
_SERVICE_SIGNS = ("/vendor/bin/", "/odm/bin/", "android.hardware.", "hardware.", "/system/bin/hw/")
_PROCESS = re.compile(r"pid: [0-9]{1,10}, tid: [0-9]{1,10}\b.{0,200}>>> (.{1,200}?) <<<", re.ASCII)
_FRAME = re.compile(
    r"#[0-9]{2} pc [0-9a-f]{8,16} {1,4}/(?:vendor|odm|system/vendor)/lib(?:64)?/(?:hw/)?([\w.@-]{1,80})"
)
#: What stands for the signal of a dump that somebody asked for, of a process that goes on (AOSP debuggerd, from 10 on).
DUMP_SIGNAL = "<debuggerd signal>"
_CRASHED = Words("the driver service {process} crashed", "驱动服务 {process} 崩溃")
_IN_LIBRARY = Words("{process} crashed in the driver library {library}", "{process} 在驱动库 {library} 中崩溃")


def suspect_part(process: str) -> str | None:
    """The part that a crashed driver service drives, or None for a process that drives none."""
    name = process.lower()
    return next((part for part, words in policy().services if any(word in name for word in words)), None)


def is_service(process: str) -> bool:
    """Whether a process is a driver service: a program of the vendor, or one named as a HAL."""
    return any(sign in process for sign in _SERVICE_SIGNS) or (process.startswith("/") and bool(suspect_part(process)))


def crashed_services(lines: Iterable[LogLine]) -> list[Suspect]:
    """The parts that the native crashes of a tombstone, or of a log's lines, point to.

    A service of a part is a suspect by its name; any other process by the vendor library in the first frames of its
    backtrace, as a hint. Apps are nobody's part.
    """
    found: list[Suspect] = []
    crash: _Crash | None = None
    for line in lines:
        if opens := _PROCESS.search(line.text) if ">>> " in line.text else None:
            found += crash.suspects() if crash else ()
            crash = _Crash(opens[1].strip(), [_shown(line)])
        elif crash is not None:
            crash.take(line)
    found += crash.suspects() if crash else ()
    return merged(found)


@dataclass(slots=True)
class _Crash:
    """A native crash while its lines are read."""

    process: str
    lines: list[tuple[int, str]]
    frames: int = 0
    library: str = ""
    asked_for: bool = False

    def take(self, line: LogLine) -> None:
        text = line.text.strip()
        self.asked_for = self.asked_for or DUMP_SIGNAL in text
        if text.startswith(("signal ", "Abort message: ", "Cause: ")) and len(self.lines) < SHOWN_LINES:
            self.lines.append(_shown(line))
        elif text.startswith("#") and self.frames < _FRAMES:
            self.frames += 1
            frame = None if self.library else _FRAME.search(text)
            if frame and suspect_part(frame[1]):
                self.library = frame[1]
                self.lines.append(_shown(line))

    def _suspect(self, part: str, rule: str, strength: str, reason: Words) -> Suspect:
        about = safe_text(self.process, 200)
        return Suspect(part, rule, strength, reason, 1, tuple(self.lines), about)

    def suspects(self) -> list[Suspect]:
        if self.asked_for:
            return []
        if is_service(self.process) and (part := suspect_part(self.process)):
            return [self._suspect(part, "crashed-service", "driver", _CRASHED.fill(process=self.process))]
        if self.library and (part := suspect_part(self.library)):
            reason = _IN_LIBRARY.fill(process=self.process, library=self.library)
            return [self._suspect(part, "crashed-library", "hint", reason)]
        return []


# --- together --------------------------------------------------------------------------------------------------------


def merged(suspects: Iterable[Suspect]) -> list[Suspect]:
    """The suspects with those of one part, rule and process counted together, strongest first."""
    found: dict[tuple[str, str, str], Suspect] = {}
    for one in suspects:
        key = (one.part, one.rule, one.about)
        was = found.get(key)
        if was is None:
            found[key] = one
            continue
        strength = min(was.strength, one.strength, key=STRENGTHS.index)
        lines = (*was.lines, *one.lines)[:SHOWN_LINES]
        found[key] = Suspect(one.part, one.rule, strength, was.reason, was.count + one.count, lines, one.about)
    return sorted(found.values(), key=_rank)


def as_facts(suspects: Iterable[Suspect]) -> list[dict[str, Any]]:
    """The suspects as a parser's fact."""
    return [
        {
            "part": one.part,
            "rule": one.rule,
            "strength": one.strength,
            "reason": one.reason.en,
            "reason_zh": one.reason.zh,
            "process": one.about or None,
            "count": one.count,
            "lines": [{"line": number, "text": text} for number, text in one.lines],
        }
        for one in suspects
    ]
