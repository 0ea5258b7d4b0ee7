"""From the answer of a phone to readings: what was heard, and why nothing was where nothing was.

An answer that is not whole in a probe's main read ends the attempt as a trouble of the bench (its `DriverError`); in a
secondary source it is one unread measurement. A refusal, a missing service or silence is a reason in both languages,
never a zero and never a fault of the phone. Knows no check and no limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from drivers.api import Command, CommandResult, DriverError
from drivers.text import Words, safe_text
from probes.apart import apart
from probes.api import Bench, Measurement, Parsed, Reading, Unread, Value
from probes.vendors import ANY_SWITCH

__all__ = [
    "NOT_SAID",
    "Heard",
    "as_value",
    "hear",
    "hear_apart",
    "hear_live",
    "hear_live_apart",
    "hear_second",
    "hear_second_apart",
    "reading",
    "unread",
    "why_nothing",
]

NOT_SAID = Words("the phone does not say it", "手机未提供该信息")

#: The runner puts the switch of the phone's own maker in the place of the advice for any phone (`probes.vendors`).
_REFUSED = Words(f"the phone refused: “{{line}}”. {ANY_SWITCH.en}", f"手机拒绝访问：“{{line}}”。{ANY_SWITCH.zh}")
_CLOSED = Words(
    "this phone keeps the file closed to the cable (“{line}”); no setting opens it, other sources stand in",
    "此手机不通过数据线开放该文件（“{line}”）；没有可开启的设置，请参考其他来源",
)
_NO_SERVICE = Words("the phone has no such service: “{line}”", "手机没有此服务：“{line}”")
_NO_COMMAND = Words(
    "the phone's Android has no such command or file: “{line}”", "手机的安卓系统没有此命令或文件：“{line}”"
)
_HUNG = Words(
    "the phone's service did not answer its own dump: “{line}”. Restart the phone and run this again",
    "手机服务未响应：“{line}”。请重启手机后重测",
)
_SILENT = Words(
    "the phone printed nothing. Unlock it, check that USB debugging is on, and run this again",
    "手机没有输出。请解锁手机，确认 USB 调试已打开，然后重测",
)
_UNKNOWN = Words("the answer has no known format; it begins “{line}”", "无法识别的格式，开头为“{line}”")

_UNREADABLE = Words("could not be read: {en}", "无法读取：{zh}")

#: What a line says in lower case -> the reason that it means. Texts of AOSP's dumpsys, cmd, toybox and Binder.
_SIGNS: tuple[tuple[tuple[str, ...], Words], ...] = (
    (
        (
            "permission denial",
            "securityexception",
            "permission denied",
            "not permitted",
            "not allowed to",
            "requires android.permission",
            "does not have android.permission",
            "neither user ",
        ),
        _REFUSED,
    ),
    (("can't find service", "service not found", "does not exist", "is not running"), _NO_SERVICE),
    (("dump timeout", "timed out", "failed transaction"), _HUNG),
    (("not found", "no such file", "unknown command", "no shell command", "unable to open log device"), _NO_COMMAND),
)
#: Where Android's own policy decides (SELinux labels of the maker), not a switch of the user.
_CLOSED_PLACES = ("/sys/", "/proc/", "/data/")
#: How much of an answer is searched for such a sign: it stands at the beginning or nowhere.
_HEAD = 4096
#: The last words of a dump that its service never finished (AOSP dumpsys: `*** SERVICE 'x' DUMP TIMEOUT (10s) EXPIRED
#: ***`). What stands before them may lack anything, and a list that was cut reads like a short one.
_CUT = re.compile(rb"\*\*\* SERVICE .{0,200}DUMP TIMEOUT .{0,40}EXPIRED \*\*\*")
_FOOT = 1024


def why_nothing(result: CommandResult) -> Words:
    """Why an answer without the expected content has none; says first what can be mended at the phone."""
    head = result.stderr[:_HEAD].decode("utf-8", "replace") + "\n" + result.stdout[:_HEAD].decode("utf-8", "replace")
    lines = [stripped for line in head.splitlines() if (stripped := line.strip())]
    lowered = head.lower()
    for signs, reason in _SIGNS:
        said = [sign for sign in signs if sign in lowered]  # none in most answers, some of which have 2000 lines here
        for line in lines if said else ():
            if any(sign in line.lower() for sign in said):
                closed = reason is _REFUSED and any(place in line for place in _CLOSED_PLACES)
                return (_CLOSED if closed else reason).fill(line=line[:160])
    return _UNKNOWN.fill(line=lines[0][:80]) if lines else _SILENT


@dataclass(frozen=True, slots=True)
class Heard:
    """What one source said.

    Attributes:
        source: how the source is named beside a measurement.
        facts: what its parser read.
        why: by fact, why it could not be read; under `""`, why the source says nothing at all.
    """

    source: str
    facts: Mapping[str, Any]
    why: Mapping[str, Words]

    def get(self, fact: str) -> Any:
        """The fact, or None."""
        return self.facts.get(fact)

    def reason(self, fact: str) -> Words:
        """Why that fact is not there."""
        return self.why.get(fact) or (self.why.get("") if not self.facts else None) or NOT_SAID


def _unfinished(result: CommandResult, source: str) -> Heard | None:
    """What is heard of a dump that its own service cut off; None of any other."""
    cut = _CUT.search(result.stdout[-_FOOT:])
    return cut and Heard(source, {}, {"": _HUNG.fill(line=safe_text(cut[0].decode("utf-8", "replace"), 160))})


def _heard(result: CommandResult, parsed: Parsed, source: str) -> Heard:
    why = {
        problem.what: _UNREADABLE.fill(en=problem.why, zh=problem.why_zh or problem.why)
        for problem in reversed(parsed.problems)
    }
    why[""] = why_nothing(result)
    return Heard(source, parsed.facts, why)


def _nothing(failure: DriverError, source: str) -> Heard:
    why = Words(f"{failure.what.en} → {failure.next_step.en}", f"{failure.what.zh} → {failure.next_step.zh}")
    return Heard(source, {}, {"": why})


def hear(bench: Bench, command: Command, parse: Callable[[bytes], Parsed], source: str = "") -> Heard:
    """What the main read of a probe says; raises the answer's own DriverError when it is not whole."""
    return hear_live(bench.answer(command.name), parse, source or command.script)


def hear_second(bench: Bench, command: Command, parse: Callable[[bytes], Parsed], source: str = "") -> Heard:
    """What a secondary source says; an answer that is not whole says nothing, and why."""
    result, source = bench.answer(command.name), source or command.script
    return _nothing(result.failure, source) if result.failure is not None else hear_live(result, parse, source)


def hear_live(result: CommandResult, parse: Callable[[bytes], Parsed], source: str) -> Heard:
    """What a command says that was run while the probe was at work; raises its DriverError when it is not whole."""
    if result.failure is not None:
        raise result.failure
    return _unfinished(result, source) or _heard(result, parse(result.stdout), source)


async def hear_apart(bench: Bench, command: Command, parse: Callable[[bytes], Parsed], source: str = "") -> Heard:
    """`hear` for a probe that waits: a long answer holds up no other phone."""
    return await hear_live_apart(bench.answer(command.name), parse, source or command.script)


async def hear_second_apart(
    bench: Bench, command: Command, parse: Callable[[bytes], Parsed], source: str = ""
) -> Heard:
    """`hear_second` for a probe that waits."""
    result, source = bench.answer(command.name), source or command.script
    if result.failure is not None:
        return _nothing(result.failure, source)
    return await hear_live_apart(result, parse, source)


async def hear_live_apart(result: CommandResult, parse: Callable[[bytes], Parsed], source: str) -> Heard:
    """`hear_live` for a probe that waits."""
    if result.failure is not None:
        raise result.failure
    return _unfinished(result, source) or _heard(result, await apart(parse, result.stdout), source)


def as_value(fact: Any) -> Value:
    """A parser's fact as a measurement holds it: numbers exact, texts safe to show."""
    if isinstance(fact, bool):
        return fact
    if isinstance(fact, (int, Decimal)):
        return Decimal(fact)
    if isinstance(fact, (list, tuple)):
        return tuple(safe_text(str(item), 200) for item in fact)
    return safe_text(str(fact), 200)


def reading(
    name: str, heard: Heard, fact: str, convert: Callable[[Any], Any] = lambda value: value, words: str = ""
) -> Reading:
    """The measurement `name` from a fact, or why there is none. `words` names the fact in the source's own words."""
    value = heard.get(fact)
    source = f"{heard.source}: {words or fact}"
    if value is None:
        return Unread(name, heard.reason(fact), source)
    return Measurement(name, as_value(convert(value)), source)


def unread(names: Iterable[str], reason: Words, source: str = "") -> Iterator[Unread]:
    """All those measurements as unread, for one reason."""
    return (Unread(name, reason, source) for name in names)
