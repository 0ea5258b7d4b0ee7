"""The steps of the screen's brightness: how often it changes is drawn for each run, and counted by who looks at it.

The shell writes the levels where the system keeps them (`Settings.System.SCREEN_BRIGHTNESS`) and puts the old one back.
That the system took a level is read back; that the screen followed is only known by who saw as many changes as there
were. A light meter would say how evenly; without one nothing is said of it. Knows no limit.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

from drivers.api import Command, CommandResult, Shell
from drivers.text import Words
from probes.answers import Heard, hear_apart, hear_second_apart, why_nothing
from probes.apart import apart
from probes.api import (
    Bench,
    Choice,
    Measurement,
    NotRun,
    Parsed,
    Prompt,
    PromptKind,
    Reading,
    Unread,
    Write,
    parser,
    probe,
)
from probes.captured import integer, stripped_lines
from probes.environment import setting
from probes.units import FLAG

__all__ = ["CHANGES", "SHARES", "TRIES", "brightness_bounds", "display_brightness", "sequence"]

_LEVEL = Command("brightness-level", "settings get system screen_brightness", timeout_s=5.0, limit=4096)
_MODE = Command("brightness-mode", "settings get system screen_brightness_mode", timeout_s=5.0, limit=4096)
_POWER = Command("brightness-bounds", "dumpsys power | grep ScreenBrightnessSetting", timeout_s=10.0, limit=16 * 1024)

#: Shares of the highest level: each is at least twice the one below, a difference that nobody misses.
SHARES = (Decimal("0.03"), Decimal("0.15"), Decimal("0.45"), Decimal(1))
#: How many changes are shown, at least and at most.
CHANGES = (3, 6)
TRIES = 2
#: Android's own scale (android.provider.Settings.System.SCREEN_BRIGHTNESS); some makers have a finer one.
_USUAL_MAX = 255
#: Seconds that a level stands; `settings put` itself takes a phone up to one more, and old ones two.
_STAND_S, _PUT_S = 1, 2.5

_BOUND = re.compile(r"mScreenBrightnessSetting(Minimum|Maximum)=([0-9]{1,6})(?![0-9.])", re.ASCII)

_WHAT = Words("changes the screen's brightness, and back as it was", "改变屏幕亮度，结束后恢复")
_MANUAL = Words("switches adaptive brightness off, and back as it was", "关闭自动亮度，结束后恢复")
_GO = Words("Unlock the phone, open a white page and look at the screen", "请解锁手机，打开白色页面并注视屏幕")
_GO_STEPS = (
    Words("Its brightness will change several times, a second apart: count", "亮度将数次变化，间隔约一秒：请计数"),
)
_READY = Words("I am looking", "我在看，开始")
_COUNT = Words("How many times did the brightness change?", "亮度变化了几次？")
_COUNT_STEPS = (Words("0 if it never changed", "没有变化则输入 0"),)
_DIM = Words(
    "The screen is at its darkest step: is it still to be read, even and without flicker?",
    "屏幕处于最暗一档：是否仍可看清、均匀且不闪烁？",
)
_BRIGHT = Words(
    "The screen is at its brightest step: is it really bright, even and without flicker?",
    "屏幕处于最亮一档：是否足够明亮、均匀且不闪烁？",
)
_WRONG = Words(
    "the changes were not counted right in {tries} tries; run this again", "{tries} 次均未数对亮度变化次数；请重测"
)
_REFUSED = Words("the phone did not take the brightness: {why}", "手机未接受亮度设置：{why}")
_KEPT = Words("the phone was set to {wanted} and stays at {found}", "设置亮度为 {wanted}，手机保持为 {found}")
_NOT_SAID = Words("nobody judged it; run this again", "检测人未作判断；请重测")


@parser("brightness_bounds")
def brightness_bounds(data: bytes) -> Parsed:
    """`dumpsys power` (until Android 10): the lowest and highest level of the brightness setting."""
    parsed = Parsed()
    for line in stripped_lines(data):
        for which, number in _BOUND.findall(line[:400]):
            parsed.facts.setdefault(which.lower(), int(number))
    return parsed


def sequence(levels: Sequence[int], changes: int, source: random.Random) -> list[int]:
    """A start and so many changes, each to another level than the one before."""
    shown = [source.choice(levels)]
    for _ in range(changes):
        shown.append(source.choice([level for level in levels if level != shown[-1]]))
    return shown


@probe(
    "android.display-brightness",
    needs=Shell,
    reads=(_LEVEL, _MODE, _POWER),
    measures={
        "brightness_scale": "1",
        "brightness_changes": "1",
        "brightness_follows": FLAG,
        "brightness_dim": FLAG,
        "brightness_bright": FLAG,
    },
    names={
        "brightness_scale": Words("highest level", "最高亮度档"),
        "brightness_changes": Words("changes shown", "亮度变化次数"),
        "brightness_follows": Words("follows each step", "随每档变化"),
        "brightness_dim": Words("darkest step good", "最暗档正常"),
        "brightness_bright": Words("brightest step good", "最亮档正常"),
    },
    asks=True,
    writes=_WHAT,
    unverified=True,
)
async def display_brightness(bench: Bench, *, timeout_s: float = 120.0) -> AsyncIterator[Reading]:
    """Whether the screen follows the steps of its brightness, and how its darkest and brightest look.

    Settings: `timeout_s` seconds for each question.
    """
    level, mode = await hear_apart(bench, _LEVEL, setting), await hear_second_apart(bench, _MODE, setting)
    bounds = await hear_second_apart(bench, _POWER, brightness_bounds)
    if "set" not in level.facts:
        raise NotRun(level.reason("value"))
    highest = max(bounds.get("maximum") or 0, integer(str(level.get("value") or "")) or 0, _USUAL_MAX)
    levels = [max(1, int(highest * share)) for share in SHARES]
    yield Measurement(
        "brightness_scale", Decimal(highest), bounds.source if bounds.facts else "android.provider.Settings"
    )
    if mode.get("value") == "1":
        name = "system screen_brightness_mode"
        await _done(bench, Write("manual-brightness", _MANUAL, f"settings put {name} 0", f"settings put {name} 1"))
    undo = _undo(level)
    async for reading in _followed(bench, levels, undo, timeout_s):
        yield reading
    for name, at, title in (("brightness_dim", levels[0], _DIM), ("brightness_bright", levels[-1], _BRIGHT)):
        await _show(bench, [at], undo, name.replace("_", "-"))
        prompt = Prompt(name.replace("_", "-"), PromptKind.VERDICT, title, (), (), timeout_s)
        answer = await bench.person.ask(prompt)
        source = f"person {answer.person}"
        if answer.value in ("good", "bad"):
            yield Measurement(name, answer.value == "good", source)
        else:
            yield Unread(name, _NOT_SAID, source)


def _undo(level: Heard) -> str:
    """The way back to what was set; a value that is no whole number was never taken from here."""
    name = "system screen_brightness"
    return f"settings put {name} {level.get('value')}" if level.get("set") else f"settings delete {name}"


async def _followed(bench: Bench, levels: Sequence[int], undo: str, timeout_s: float) -> AsyncIterator[Reading]:
    """True when the changes were counted rightly, False when none was seen; wrong numbers count for nothing."""
    source, chance = "person: changes counted", random.SystemRandom()
    for at in range(1, TRIES + 1):
        start, *shown = sequence(levels, chance.randint(*CHANGES), chance)
        await _show(bench, [start], undo, f"brightness-start-{at}")
        ready = (Choice("ready", _READY, "y"),)
        await bench.person.ask(Prompt(f"brightness-ready-{at}", PromptKind.CHOICE, _GO, _GO_STEPS, ready, timeout_s))
        await _show(bench, shown, undo, f"brightness-steps-{at}")
        count = Prompt(f"brightness-count-{at}", PromptKind.TEXT, _COUNT, _COUNT_STEPS, (), timeout_s)
        counted = integer(unicodedata.normalize("NFKC", (await bench.person.ask(count)).value).strip())
        if counted == len(shown) or (counted == 0 and at == TRIES):
            yield Measurement("brightness_changes", Decimal(len(shown)), "written by the bench")
            yield Measurement("brightness_follows", counted == len(shown), source)
            return
    yield Unread("brightness_follows", _WRONG.fill(tries=TRIES), source)


async def _show(bench: Bench, levels: Sequence[int], undo: str, name: str) -> None:
    """Let the screen go through the levels; raises `NotRun` where the phone does not take them."""
    put, get = "settings put system screen_brightness", "settings get system screen_brightness"
    do = "; ".join(f"{put} {level} && {get}; sleep {_STAND_S}" for level in levels)
    deadline_s = 5.0 + (_STAND_S + _PUT_S) * len(levels)
    result = await _done(bench, Write(name, _WHAT, do, undo), deadline_s)
    kept = [integer(line) for line in await apart(stripped_lines, result.stdout) if line]
    if kept != list(levels):
        wrong = next((pair for pair in zip(levels, kept, strict=False) if pair[0] != pair[1]), None)
        why = why_nothing(result) if wrong is None or wrong[1] is None else _KEPT.fill(wanted=wrong[0], found=wrong[1])
        raise NotRun(_REFUSED.fill(why=why))


async def _done(bench: Bench, write: Write, deadline_s: float = 15.0) -> CommandResult:
    result = await bench.write(write, deadline_s=deadline_s)
    if result.failure is not None:
        raise result.failure
    if result.exit_code or b"Exception" in result.stdout + result.stderr:
        raise NotRun(_REFUSED.fill(why=why_nothing(result)))
    return result
