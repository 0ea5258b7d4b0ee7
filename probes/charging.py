"""Whether a phone charges: how much over a window, with the plug either way round, while it is wiggled, and on a pad.

The phone sees all of it: a plug that leaves and comes back, its orientation where the port tells it, each loss of power
while the person wiggles. What current is right is judged elsewhere, against the shop's reference.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from decimal import Decimal
from functools import partial
from typing import Literal

from drivers.api import Command, DeviceGone, OutputCut, Shell, Side
from drivers.text import Words
from probes.answers import NOT_SAID, as_value, unread, why_nothing
from probes.apart import apart
from probes.api import (
    Bench,
    Choice,
    Measurement,
    NotRun,
    Prompt,
    PromptKind,
    PromptTimedOut,
    Reading,
    Skipped,
    Unread,
    probe,
)
from probes.battery_dump import FROZEN, READ_BATTERY
from probes.captured import integer
from probes.charge_state import READ_LOOK, Look, Window, look_of, supply_name
from probes.live import seen_by_the_phone
from probes.units import FLAG, LIST, TEXT

__all__ = ["charging"]

#: Below this charge the current is the charger's and the phone's; above it the cell itself takes less and less.
_BULK_BELOW = 70
#: Seconds between looks for a plug that leaves, and while it is wiggled.
_LOOK_S = 0.25
#: Seconds that a phone gets to begin to charge after it was plugged in.
_SETTLE_S = 6.0
#: Charging is held off outside of these (JEITA/BAJ 2007), so nothing can be said of the charger then.
_COLD, _HOT = Decimal(0), Decimal(45)
#: BatteryManager.CHARGING_POLICY_*: from 2 on the phone may hold its charge on purpose.
_ADAPTIVE = 2

_UNIT = Words(
    "the phone gives {raw}; whether that is µA or mA can't be told", "手机报告 {raw}，无法判断单位是微安还是毫安"
)
_NO_CURRENT = Words("the phone does not tell the battery's current to the cable", "手机未通过数据线提供电池电流")
_NOT_BULK = Words(
    "at {level} % the cell takes less by itself; measure below {bound} %",
    "电量 {level} % 时电流自然下降，请在 {bound} % 以下测量",
)
_HELD = Words(
    "the phone stops charging on purpose ({why}); switch battery protection off or measure below its limit",
    "手机主动停止充电（{why}），请关闭电池保护，或在停充电量以下测量",
)
_TOO_WARM = Words(
    "at {temperature} °C the phone may refuse to charge; bring it to 0 to 45 °C",
    "{temperature} °C 时手机可能拒绝充电，请恢复至 0–45 °C",
)
_NO_POWER = Words(
    "the phone is not plugged in to any power; plug a charger or the bench's port in and run this again",
    "手机未接电源；请接上充电器或工位 USB 接口后重测",
)
_ONE_WAY = Words("the plug fits one way only", "插头只能单向插入")
_SAME_WAY = Words(
    "the plug came back the same way round, twice; run this again and turn it half a turn",
    "插头两次均以相同方向插回；请重测并将插头翻转半圈",
)
_NOT_SEEN = Words(
    "the phone did not see the plug leave; run this again and pull it right out",
    "手机未检测到插头拔出；请重测并完全拔出插头",
)
_NO_PAD = Words("there is no pad at this bench", "本工位没有无线充电板")
_NO_COIL = Words("the phone lists no wireless supply", "手机未列出无线充电")
_NOT_ASKED = Words("not asked for", "未要求检测")

_GONE = Words("the phone left the cable while it was measured", "测量过程中手机断开")
_PLUG_IN = Words("Plug it in and run this again", "请重新插入后重测")
_PULL = Words("Pull the plug out of the phone", "请拔出手机充电插头")
_TURN = Words("Turn the plug over and put it back in", "请将插头翻转 180° 后插回")
_BACK = Words("Turn the plug over again, as it was before", "请将插头翻转回原来的方向插入")
_TURN_STEPS = (Words("Half a turn, so that the other side is up.", "翻转半圈，另一面朝上。"),)
_WAY = Words("Which plug does the phone have?", "手机是什么插口？")
_EITHER = Words("fits either way (USB-C)", "正反均可插（Type-C）")
_SINGLE = Words("fits one way only", "只能单向插入")
_WIGGLE = Words("Wiggle the plug gently: up, down, left, right", "请轻轻晃动插头：上、下、左、右")
_WIGGLE_STEP = Words(
    "Keep on until this goes away ({seconds} s). Do not pull.", "持续至提示消失（{seconds} 秒），不要拔出。"
)
_PAD = Words("Did the phone show that it charges on the pad?", "手机在无线充电板上是否显示充电？")
_PAD_STEPS = (
    Words(
        "Pull the cable, lay the phone on the middle of the pad for ten seconds.",
        "拔出数据线，将手机居中放在充电板上十秒。",
    ),
    Words("Then plug the cable back in and answer.", "然后插回数据线并回答。"),
)
_SHOWN, _NOT_SHOWN = Words("It showed charging", "显示充电"), Words("It did not", "没有显示")
_NONE_HERE = Words("No pad here", "没有充电板")
#: How often the phone's history holds that it was put on a pad.
_PADS = Command("pads", "dumpsys batterystats --history | grep -c 'plug=wireless'", timeout_s=20.0, limit=4096)


async def _look(shell: Shell, began: float) -> Look | None:
    """The phone now; None when it is not at the cable. Raises any other trouble of the link."""
    answers = await shell.batch(READ_LOOK, deadline_s=8.0)
    for answer in answers:
        if isinstance(answer.failure, DeviceGone | OutputCut):
            return None
        if answer.failure is not None:
            raise answer.failure
    second = Decimal(str(round(time.monotonic() - began, 2)))
    return await apart(partial(look_of, second), answers[0].stdout, answers[1].stdout)


async def _window(shell: Shell, window_s: float, interval_s: float) -> Window:
    """Looks over a window; raises the DriverError of a link that breaks in it."""
    began, looks = time.monotonic(), list[Look]()
    while not looks or time.monotonic() - began < window_s:
        if looks:
            await asyncio.sleep(interval_s)
        look = await _look(shell, began)
        if look is None:
            raise DeviceGone("charging.gone", _GONE, Side.CABLE, _PLUG_IN)
        looks.append(look)
    return Window(looks)


async def _settled(shell: Shell) -> None:
    """Give the phone a moment to take up charging after it was plugged in."""
    began = time.monotonic()
    while time.monotonic() - began < _SETTLE_S:
        look = await _look(shell, began)
        if look is not None and look.status in ("charging", "full"):
            return
        await asyncio.sleep(_LOOK_S)


def _excuse(look: Look) -> Words | None:
    """Why a phone with power may rightly not charge now; None when it has no reason."""
    if look.temperature_C is not None and not _COLD <= look.temperature_C <= _HOT:
        return _TOO_WARM.fill(temperature=look.temperature_C)
    mode, threshold = look.facts.get("samsung_protect_mode"), look.facts.get("samsung_protect_threshold_pct")
    level = look.level or 0
    if mode and threshold and level >= threshold - 5:
        return _HELD.fill(why=f"{threshold} %")
    policy = look.facts.get("charging_policy") or 0
    if policy >= _ADAPTIVE and level >= _BULK_BELOW:
        return _HELD.fill(why=f"charging policy {policy}")
    return None


def _charges(window: Window) -> bool | Words:
    """Whether the phone charged through the window, or why that can't be said."""
    last = window.last
    if last.status is None:
        return NOT_SAID
    if last.powered and all(look.status in ("charging", "full") for look in window.looks):
        return True
    return _excuse(last) or False


def _amount(window: Window) -> Iterator[Reading]:
    """The window's current and, where it is the bulk phase, the same for the limit."""
    source = f"median of {len(window.looks)} looks{', taken as mA' if window.divisor == 1 else ''}"
    current, last = window.current_mA, window.last
    if current is None:
        raw = last.raw
        yield from unread(("current", "bulk_current"), _UNIT.fill(raw=raw) if raw else _NO_CURRENT, "CURRENT_NOW")
        return
    yield Measurement("current", current, source)
    if last.level is None or last.level >= _BULK_BELOW or last.status != "charging":
        yield Unread("bulk_current", _NOT_BULK.fill(level=last.level, bound=_BULK_BELOW), source)
    else:
        yield Measurement("bulk_current", current, source)
    yield Measurement("current_span", max(window.currents_mA) - min(window.currents_mA), "highest less lowest")


def _supply(last: Look) -> Iterator[Reading]:
    """Where the power comes from, what was agreed, and what arrives."""
    if last.plugged:
        yield Measurement("supply", last.plugged, READ_BATTERY.script)
    protocol = supply_name(last.input) or str(last.supplies.get("operation_mode", ""))
    if protocol:
        yield Measurement("protocol", as_value(protocol), "sysfs usb_type, typec power_operation_mode")
    for name, value, source in (
        ("offered_current", last.facts.get("max_charging_current_uA"), "Max charging current"),
        ("offered_voltage", last.facts.get("max_charging_voltage_uV"), "Max charging voltage"),
        ("input_voltage", last.input.get("voltage_uV"), "VOLTAGE_NOW of the supply"),
    ):
        if value is not None and value > 1000:
            yield Measurement(name, (Decimal(value) / 1000).quantize(Decimal(1)), source)
    if last.supplies.get("orientation"):
        yield Measurement("orientation", last.supplies["orientation"], "/sys/class/typec")


async def _left(shell: Shell) -> bool:
    """Until the plug was pulled: the link breaks, or (adb by air) no power comes in any more."""
    while True:
        look = await _look(shell, 0.0)
        if look is None or look.powered is False:
            return True
        await asyncio.sleep(_LOOK_S)


async def _came_back(bench: Bench, within_s: float) -> bool:
    """Until the phone answers and has power again; False when it does not in time."""
    try:
        await bench.back(within_s=within_s)
    except DeviceGone:
        return False
    shell = bench.capability(Shell)  # type: ignore[type-abstract]  # a protocol names the capability
    ends = time.monotonic() + within_s
    while time.monotonic() < ends:
        look = await _look(shell, 0.0)
        if look is not None and look.powered is not False:
            return True
        await asyncio.sleep(_LOOK_S)
    return False


async def _fits_either_way(bench: Bench, look: Look, timeout_s: float) -> bool:
    """Whether the plug can be turned over: the port tells it, else the person."""
    if (
        look.supplies.get("orientation")
        or look.supplies.get("operation_mode")
        or "[C]" in str(look.input.get("usb_type"))
    ):
        return True
    choices = (Choice("either", _EITHER, "1"), Choice("single", _SINGLE, "2"))
    answer = await bench.person.ask(Prompt("plug-kind", PromptKind.CHOICE, _WAY, (), choices, timeout_s))
    return answer.value == "either"


class _DeadSide(Exception):
    """The phone did not come back with the plug turned over, and did when it was turned back."""


async def _turn_over(bench: Bench, timeout_s: float) -> bool:
    """Have the plug pulled and put back turned over; False when the phone did not see it leave.

    Raises:
        _DeadSide: that way round there was nothing.
        DeviceGone: the phone did not come back either way.
    """
    person = bench.person
    with bench.away():
        shell = bench.capability(Shell)  # type: ignore[type-abstract]
        if not await seen_by_the_phone(person, "plug-out", _PULL, _left(shell), timeout_s=timeout_s):
            return False
        coming = _came_back(bench, timeout_s)
        turned = await seen_by_the_phone(
            person, "plug-turned", _TURN, coming, steps=_TURN_STEPS, timeout_s=timeout_s + 10
        )
        if not turned:
            coming = _came_back(bench, timeout_s)
            if await seen_by_the_phone(person, "plug-back", _BACK, coming, timeout_s=timeout_s + 10):
                raise _DeadSide
            raise DeviceGone("charging.gone", _GONE, Side.CABLE, _PLUG_IN)
    return True


async def _turned(bench: Bench, before: str | None, timeout_s: float) -> Words | None:
    """Have the plug turned over; None when it was, else why not. Where the port tells, it has the last word."""
    for _ in range(2):
        if not await _turn_over(bench, timeout_s):
            return _NOT_SEEN
        shell = bench.capability(Shell)  # type: ignore[type-abstract]
        await _settled(shell)
        look = await _look(shell, 0.0)
        after = look.supplies.get("orientation") if look else None
        if before is None or after is None or before != after:
            return None
    return _SAME_WAY


_OTHER_WAY = ("both_ways", "current_other_way", "way_difference")


async def _other_way(
    bench: Bench, first: Window, looks: tuple[float, float], timeout_s: float
) -> AsyncIterator[Reading]:
    """The same window with the plug turned over, compared."""
    before = first.last.supplies.get("orientation")
    source = "seen by the port" if before else "the plug left and came back"
    why: Words | None = None if await _fits_either_way(bench, first.last, timeout_s) else _ONE_WAY
    try:
        why = why or await _turned(bench, before, timeout_s)
    except _DeadSide:
        yield Measurement("both_ways", False, "no power and no data that way round")
        return
    if why is not None:
        for one in unread(_OTHER_WAY, why):
            yield one
        return
    second = await _window(bench.capability(Shell), *looks)  # type: ignore[type-abstract]
    charges = _charges(second)
    if isinstance(charges, bool):
        yield Measurement("both_ways", charges, source)
    else:
        yield Unread("both_ways", charges, source)
    for found in _compared(first.current_mA, second.current_mA if charges is True else None, source):
        yield found


def _compared(one: Decimal | None, other: Decimal | None, source: str) -> Iterator[Reading]:
    if one is None or other is None:
        return
    yield Measurement("current_other_way", other, source)
    if (most := max(one, other)) > 0:
        yield Measurement("way_difference", (100 * abs(one - other) / most).quantize(Decimal("0.1")), source)


class _Wobble:
    """Counts how often the power or the link is lost while the plug is wiggled."""

    def __init__(self, bench: Bench, seconds: float) -> None:
        self._bench, self._seconds = bench, seconds
        self.drops = 0
        self.looks = 0

    async def watch(self) -> bool:
        """Look for the whole time; a link that was lost is waited for."""
        shell = self._bench.capability(Shell)  # type: ignore[type-abstract]
        ends, on = time.monotonic() + self._seconds, True
        while time.monotonic() < ends:
            look = await _look(shell, 0.0)
            self.looks += 1
            now = look is not None and look.powered is not False
            self.drops += on and not now
            on = now
            if look is None:
                await self._bench.back(within_s=15.0)
                shell, on = self._bench.capability(Shell), True  # type: ignore[type-abstract]
            await asyncio.sleep(_LOOK_S)
        return True


async def _wobble(bench: Bench, seconds: float) -> Reading:
    if seconds <= 0:
        return Unread("drops", _NOT_ASKED)
    wobble = _Wobble(bench, seconds)
    steps = (_WIGGLE_STEP.fill(seconds=f"{seconds:g}"),)
    with bench.away():
        timeout_s = seconds + 60.0
        await seen_by_the_phone(bench.person, "wiggle-plug", _WIGGLE, wobble.watch(), steps=steps, timeout_s=timeout_s)
    if not wobble.looks:
        return Unread("drops", NOT_SAID)
    return Measurement("drops", Decimal(wobble.drops), f"{wobble.looks} looks in {seconds:g} s")


async def _pads(shell: Shell) -> int | None:
    answer = await shell.run(_PADS.script, deadline_s=_PADS.timeout_s, limit=_PADS.limit)
    return integer(answer.text) if answer.failure is None else None


async def _wireless(bench: Bench, first: Window, wanted: str, timeout_s: float) -> Reading:
    """Whether the phone charges on a pad: by its own history, else as the person saw it."""
    listed = [one for one in first.last.supplies.get("supplies") or () if one.get("type") == "Wireless"]
    if wanted == "never" or (wanted == "auto" and not listed):
        return Unread("wireless", _NOT_ASKED if wanted == "never" else _NO_COIL)
    before = await _pads(bench.capability(Shell))  # type: ignore[type-abstract]
    choices = (Choice("shown", _SHOWN, "+"), Choice("not-shown", _NOT_SHOWN, "-"), Choice("no-pad", _NONE_HERE, "0"))
    with bench.away():
        answer = await bench.person.ask(Prompt("on-pad", PromptKind.CHOICE, _PAD, _PAD_STEPS, choices, timeout_s))
        await bench.back(within_s=timeout_s)
    if answer.value == "no-pad":
        return Unread("wireless", _NO_PAD)
    after = await _pads(bench.capability(Shell))  # type: ignore[type-abstract]
    if before is not None and after is not None and after > before:
        return Measurement("wireless", True, "batterystats history: plug=wireless")
    return Measurement("wireless", answer.value == "shown", f"{answer.person} saw it")


async def _or_unread(name: str, doing: Awaitable[Reading]) -> Reading:
    """What came of something that a person does; skipping it leaves the rest of the check standing."""
    try:
        return await doing
    except (Skipped, PromptTimedOut) as skipped:
        return Unread(name, skipped.reason)


@probe(
    "android.charging",
    needs=Shell,
    measures={
        "charging": FLAG,
        "current": "mA",
        "bulk_current": "mA",
        "current_span": "mA",
        "curve": LIST,
        "level": "%",
        "temperature": "Cel",
        "supply": TEXT,
        "protocol": TEXT,
        "offered_current": "mA",
        "offered_voltage": "mV",
        "input_voltage": "mV",
        "orientation": TEXT,
        "both_ways": FLAG,
        "current_other_way": "mA",
        "way_difference": "%",
        "drops": "1",
        "wireless": FLAG,
    },
    names={
        "charging": Words("charges", "充电"),
        "bulk_current": Words("current below 70 %", "70 % 以下充电电流"),
        "current_span": Words("current, highest less lowest", "电流波动"),
        "curve": Words("curve", "充电曲线"),
        "supply": Words("power from", "供电来源"),
        "protocol": Words("protocol", "充电协议"),
        "offered_current": Words("current offered", "可用电流"),
        "offered_voltage": Words("voltage offered", "可用电压"),
        "input_voltage": Words("voltage at the port", "端口电压"),
        "both_ways": Words("charges either way round", "正反插均可充电"),
        "current_other_way": Words("current, other way round", "反插电流"),
        "way_difference": Words("difference of the two ways", "正反插差异"),
        "drops": Words("power lost while wiggled", "晃动时断电次数"),
        "wireless": Words("charges on a pad", "无线充电"),
    },
    asks=True,
    unverified=True,
)
async def charging(
    bench: Bench,
    *,
    window_s: int = 12,
    interval_s: int = 1,
    turn: bool = True,
    wiggle_s: int = 8,
    wireless: Literal["auto", "ask", "never"] = "auto",
    timeout_s: int = 60,
) -> AsyncIterator[Reading]:
    """Current and voltage over a window, the plug turned over, wiggled, and a wireless pad.

    Settings: `window_s` and `interval_s`, how long and how often it is looked at; `turn`, whether the plug is turned
    over; `wiggle_s`, seconds of wiggling (0: none); `wireless`, whether a pad is asked for (`auto`: where the phone
    lists a wireless supply); `timeout_s`, seconds for each thing to do.
    """
    looks = (float(window_s), float(interval_s))
    shell = bench.capability(Shell)  # type: ignore[type-abstract]  # a protocol names the capability
    first = await _window(shell, *looks)
    last = first.last
    if not last.facts:
        raise NotRun(why_nothing(await shell.run(READ_BATTERY.script, deadline_s=10.0)))
    if last.facts.get("updates_stopped"):
        raise NotRun(FROZEN)
    if last.powered is False:
        raise NotRun(_NO_POWER)
    charges = _charges(first)
    yield Measurement("charging", charges) if isinstance(charges, bool) else Unread("charging", charges)
    for found in (*_amount(first), *_supply(last)):
        yield found
    yield Measurement("curve", first.curve, f"every {interval_s} s")
    if last.level is not None:
        yield Measurement("level", Decimal(last.level), READ_BATTERY.script)
    if last.temperature_C is not None:
        yield Measurement("temperature", last.temperature_C, READ_BATTERY.script)
    if not turn:
        for one in unread(_OTHER_WAY, _NOT_ASKED):
            yield one
    else:
        try:
            async for found in _other_way(bench, first, looks, float(timeout_s)):
                yield found
        except (Skipped, PromptTimedOut) as skipped:
            for one in unread(_OTHER_WAY, skipped.reason):
                yield one
    yield await _or_unread("drops", _wobble(bench, float(wiggle_s)))
    yield await _or_unread("wireless", _wireless(bench, first, wireless, float(timeout_s)))
