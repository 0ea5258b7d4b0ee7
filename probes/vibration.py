"""The vibration motor: felt by the phone's own accelerometer, and counted by the person who holds it.

How often it buzzes is drawn for each run and never told, so that only who feels it can say. Playing is a change without
a state: what is undone is a buzz that is still going on. Android 8 and later play from the shell; before that nothing
does. A phone whose settings keep vibrations back is no dead motor: nothing felt is then not run. Limits are judged
elsewhere.
"""

from __future__ import annotations

import asyncio
import math
import random
import unicodedata
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal

from drivers.api import Command, SelfTestPage, Shell
from drivers.text import Words
from probes.answers import Heard, hear_apart, hear_second_apart, why_nothing
from probes.api import Bench, Measurement, NotRun, Prompt, PromptKind, Reading, Skipped, Unread, Write, probe
from probes.getprop import getprop
from probes.inertia import Vector, norm, spread
from probes.sensor_watch import POLL_S, READ, SensorWatch, listed, opened, window
from probes.units import FLAG
from probes.vibrator_dump import READ_HAPTICS, haptic_settings, vibrator, vibrator_list

__all__ = ["vibration"]

_LIST = Command("vibrators", "cmd vibrator_manager list", timeout_s=5.0, limit=4096)
_DUMP = Command("vibrator", "dumpsys vibrator", timeout_s=5.0, limit=256 * 1024)
_PROPS = Command("getprop", "getprop", timeout_s=10.0, limit=256 * 1024)
#: API levels: `cmd vibrator vibrate` came with 26, its option -f (also in Do Not Disturb) and `cancel` with 29.
_CMD_SDK, _FORCE_SDK = 26, 29
BUZZES = (2, 5)
BUZZ_MS, PAUSE_S = 250, 0.7
LONG_MS = 1500
TRIES = 2
#: m/s2: the log has hundredths, a spread below this is its rounding.
_FLOOR = 0.005
_LEAST = 6
#: A phone that does not vibrate at all shakes less than this over rest.
_SHAKES = Decimal(3)

_WHAT = Words("lets the phone vibrate", "让手机振动")
_COUNT = Words("How many times did the phone buzz?", "手机振动了几次？")
_COUNT_AGAIN = Words("That is not the number. It buzzes again: how many times?", "次数不对。手机会再次振动：几次？")
_STEPS = (
    Words("Hold it in your hand before you answer.", "请先把手机拿在手中再回答。"),
    Words("0 if you felt nothing.", "没有感觉则输入 0。"),
)
_TOO_OLD = Words("before Android 8 the shell can't let a phone vibrate", "安卓 8 之前无法通过命令让手机振动")
_REFUSED = Words("the phone did not vibrate on command: {why}", "手机未执行振动命令：{why}")
_WRONG = Words(
    "the buzzes were not counted right in {tries} tries; run this again in a quiet place",
    "{tries} 次均未数对振动次数；请在安静处重测",
)
_DND_SAID = b"Ignoring because device is on DND"
_DND = Words(
    "do not disturb keeps vibrations back; switch it off and run this again", "勿扰模式会阻止振动；请关闭后重测"
)
_SAVER = Words(
    "battery saver keeps vibrations back; switch it off and run this again", "省电模式会阻止振动；请关闭后重测"
)
_HAPTICS_OFF = Words(
    "vibration or touch feedback is switched off (Settings, Sound and vibration); switch it on and run this again",
    "振动或触感反馈已关闭（设置 > 声音与振动）；请打开后重测",
)
_FEW = Words("the accelerometer gave too few values; run this again", "加速度计数据太少；请重测")


#: From here on the shell's vibrations follow the setting of touch feedback (AOSP VibratorService of Android 11).
_FOLLOWS_TOUCH_SDK = 30


def _held_back(settings: Heard, sdk: int | None) -> Words | None:
    """Which setting may keep a vibration back without a word; None where none does."""
    if settings.get("vibrate_on") == 0:
        return _HAPTICS_OFF
    touch = (settings.get("haptic_feedback_enabled"), settings.get("haptic_feedback_intensity"))
    if sdk is not None and sdk >= _FOLLOWS_TOUCH_SDK and 0 in touch:
        return _HAPTICS_OFF
    if settings.get("low_power"):
        return _SAVER
    return _DND if settings.get("zen_mode") and sdk is not None and sdk < _FORCE_SDK else None


def _player(listed: Heard, dumped: Heard, sdk: int | None) -> tuple[str, str] | None:
    """The command that plays `{ms}` milliseconds, and the one that ends it; None where the phone has neither."""
    if listed.get("motors"):
        return "cmd vibrator_manager synced -f oneshot {ms}", "cmd vibrator_manager cancel"
    if dumped.facts and sdk is not None and sdk >= _CMD_SDK:
        if sdk < _FORCE_SDK:  # nothing ends a buzz there but its time: `cancel` is an unknown command
            return "cmd vibrator vibrate {ms} assay", ":"
        return "cmd vibrator vibrate -f {ms} assay", "cmd vibrator cancel"
    return None


@probe(
    "android.vibration",
    needs=(Shell, SelfTestPage),
    reads=(READ, _LIST, _DUMP, _PROPS, READ_HAPTICS),
    measures={"vibration_present": FLAG, "vibration_ratio": "1", "vibration_counted": FLAG},
    names={
        "vibration_present": Words("motor listed", "检测到马达"),
        "vibration_ratio": Words("shake over rest", "振动与静止之比"),
        "vibration_counted": Words("counted right", "次数正确"),
    },
    asks=True,
    writes=Words("lets the phone vibrate, with a page open in its browser", "在浏览器打开页面并让手机振动"),
)
async def vibration(
    bench: Bench, *, felt: bool = True, open_s: float = 20.0, timeout_s: float = 60.0
) -> AsyncIterator[Reading]:
    """Whether a motor is listed, how much the accelerometer shakes with it, and whether a person counts its buzzes.

    Settings: `felt`, whether the accelerometer is asked too; `open_s` seconds for the page that holds it open;
    `timeout_s` seconds for each question.
    """
    listed = await hear_second_apart(bench, _LIST, vibrator_list)
    dumped = await hear_second_apart(bench, _DUMP, vibrator)
    sdk = (await hear_apart(bench, _PROPS, getprop)).get("sdk")
    listing = bench.answer(_LIST.name)
    if listing.failure is None and listing.exit_code == 0 and not (listing.stdout + listing.stderr).strip():
        yield Measurement("vibration_present", False, f"{listed.source}: empty")
        return
    player = _player(listed, dumped, sdk)
    if player is None:
        old = isinstance(sdk, int) and sdk < _CMD_SDK
        raise NotRun(_TOO_OLD if old else dumped.reason("previous_count"))
    yield Measurement("vibration_present", True, listed.source if listed.facts else dumped.source)
    held = _held_back(await hear_second_apart(bench, READ_HAPTICS, haptic_settings, "settings"), sdk)
    if felt:
        yield _unless_held(await _felt(bench, player, open_s), held)
    yield _unless_held(await _counted(bench, player, timeout_s), held)


def _unless_held(found: Measurement | Unread, held: Words | None) -> Reading:
    """What was found, or that nothing is to be said: a motor that nobody felt may only have been kept back."""
    nothing = isinstance(found, Measurement) and (
        found.value is False or (isinstance(found.value, Decimal) and found.value < _SHAKES)
    )
    return Unread(found.name, held, found.source) if held is not None and nothing else found


async def _felt(bench: Bench, player: tuple[str, str], open_s: float) -> Measurement | Unread:
    """The accelerometer's spread while the motor runs, over its spread before."""
    name = "vibration_ratio"
    there, go_on = await listed(bench, "accelerometer")
    if not go_on:
        return Unread(name, there.reason if isinstance(there, Unread) else _FEW, READ.script)
    watch = SensorWatch(bench.capability(Shell), "accelerometer")  # type: ignore[type-abstract]
    try:
        async with AsyncExitStack() as stack:
            if not await opened(bench, stack, watch, open_s=open_s, timeout_s=0.0, ask=False):
                return Unread(name, _FEW, READ.script)
            rest = await _watched(watch, LONG_MS / 1000)
            playing = asyncio.ensure_future(_play(bench, player, "felt", 1, LONG_MS))
            try:
                # A slow cable or a person's consent lets the buzz begin late: it is over this long after the command.
                shaken = await _watched(watch, LONG_MS / 1000, after=playing)
            finally:
                await playing
    except Skipped:
        raise
    except NotRun as reason:
        return Unread(name, reason.reason, READ.script)
    if min(len(rest), len(shaken)) < _LEAST:
        return Unread(name, _FEW, READ.script)
    ratio = norm(_most(shaken, max(len(rest) // 2, _LEAST))) / max(norm(spread(rest)), _FLOOR)
    return Measurement(name, Decimal(f"{min(ratio, 9999):.1f}"), f"{READ.script}: accelerometer, spread")


def _most(samples: Sequence[Vector], count: int) -> Vector:
    """The greatest spread of that many samples in a row: the buzz may begin late."""
    starts = range(0, max(len(samples) - count, 0) + 1, max(count // 4, 1))
    return max((spread(samples[at : at + count]) for at in starts), key=norm)


async def _watched(watch: SensorWatch, seconds: float, after: asyncio.Future[None] | None = None) -> list[Vector]:
    """What comes in that many seconds, or until that long after `after` has ended, whose trouble is its owner's."""
    watch.samples.clear()
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end or (after is not None and not after.done()):
        await watch.look()
        await asyncio.sleep(POLL_S)
        if after is not None and not after.done():
            end = loop.time() + seconds
    return window(watch.samples, math.inf)


async def _play(bench: Bench, player: tuple[str, str], name: str, times: int, ms: int) -> None:
    """Let it buzz; raises `NotRun` when the phone refuses, the link's DriverError when it breaks."""
    play, cancel = player
    words = " ".join("1" * times)
    one = play.format(ms=ms)
    do = one if times == 1 else f"for n in {words}; do {one} || break; sleep {PAUSE_S}; done"
    result = await bench.write(Write(f"vibrate-{name}", _WHAT, do=do, undo=cancel))
    if result.failure is not None:
        raise result.failure
    if _DND_SAID in result.stdout:
        raise NotRun(_DND)
    if result.exit_code:
        raise NotRun(_REFUSED.fill(why=why_nothing(result)))


async def _counted(bench: Bench, player: tuple[str, str], timeout_s: float) -> Measurement | Unread:
    """True when the buzzes were counted rightly, False when none was felt; wrong numbers count for nothing."""
    source = "person: buzzes counted"
    for at in range(1, TRIES + 1):
        times = random.SystemRandom().randint(*BUZZES)
        await _play(bench, player, f"count-{at}", times, BUZZ_MS)
        title = _COUNT if at == 1 else _COUNT_AGAIN
        answer = await bench.person.ask(Prompt(f"buzz-count-{at}", PromptKind.TEXT, title, _STEPS, (), timeout_s))
        typed = unicodedata.normalize("NFKC", answer.value).strip()
        if not (typed.isascii() and typed.isdigit() and len(typed) <= 3):
            continue
        if int(typed) == times:
            return Measurement("vibration_counted", True, source)
        if int(typed) == 0 and at == TRIES:
            return Measurement("vibration_counted", False, source)
    return Unread("vibration_counted", _WRONG.fill(tries=TRIES), source)
