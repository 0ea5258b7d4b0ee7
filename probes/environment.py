"""Proximity, light, cover and hinge: what a person covers, lights, brings near and folds shows, and goes back.

Each act is asked for a random number of times in all, so that only doing it ends the check. Proximity and light come
from the sensor service's events, the cover's magnet from a kernel switch, the hinge from the device state service.
Limits are judged elsewhere.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack
from decimal import Decimal

from drivers.api import Command, InputEvents, Shell
from drivers.text import Words
from probes.answers import Heard, hear_apart, why_nothing
from probes.apart import apart
from probes.api import (
    Bench,
    Evidence,
    Measurement,
    NotApplicable,
    Parsed,
    Reading,
    Unread,
    Write,
    parser,
    probe,
)
from probes.captured import stripped_lines
from probes.getevent import devices_of
from probes.live import EventQueue, seen_by_the_phone
from probes.sensor_watch import POLL_S, READ, SensorWatch, dead, opened, presence
from probes.telephony import READ_FEATURES, features_of
from probes.units import FLAG, LIST

__all__ = ["device_state", "fold", "hall", "light", "proximity"]

#: How often a thing is to be done at the least and at the most; the number is drawn for each run.
TIMES = (2, 3)
#: Light counts as covered below this share of the start, as a lamp above this multiple of it.
DARK_SHARE, LAMP_TIMES = 0.5, 2.0
#: Below this a bench is too dark to tell covered from not, lx: a dim corridor.
LEAST_LUX = 20.0

_COVER = Words("Cover the {sensor} at the top of the screen with your hand", "请用手遮住屏幕顶部的{sensor}")
_AWAY = Words("Take your hand away", "请移开手")
_CLEAR = Words(
    "Take everything away from the top of the screen: the sensor still reads near",
    "请移开屏幕顶部的所有物体：当前仍为靠近状态",
)
_LAMP = Words("Shine a lamp on the top of the screen", "请用灯照屏幕顶部")
_LAMP_AWAY = Words("Take the lamp away", "请移开灯")
_TOO_DARK = Words(
    "the bench is too dark for this check ({lux} lx); switch a light on and run it again",
    "环境太暗（{lux} 勒克斯），请开灯后重测",
)
_NOT_SEEN = Words("it was not tried", "未进行操作")


# -- proximity --------------------------------------------------------------------------------------------------------


async def _until(watch: SensorWatch, matches: Callable[[float], bool]) -> float:
    """Wait for a value of the sensor that matches; that value."""
    while True:
        for sample in await watch.look():
            if matches(sample.values[0]):
                return sample.values[0]
        await asyncio.sleep(POLL_S)


def _now(watch: SensorWatch) -> float:
    """The value that an on-change sensor has now: the last that it told. Not before `opened`."""
    return watch.last.values[0] if watch.last is not None else 0.0


@probe(
    "android.proximity",
    needs=Shell,
    reads=(READ, READ_FEATURES),
    measures={
        "proximity_present": FLAG,
        "proximity_alive": FLAG,
        "proximity_follows": FLAG,
        "proximity_returns": FLAG,
    },
    names={
        "proximity_alive": Words("gives values", "有数据"),
        "proximity_follows": Words("follows the hand", "随遮挡变化"),
        "proximity_returns": Words("back to far", "恢复远离"),
    },
    asks=True,
)
async def proximity(bench: Bench, *, timeout_s: float = 60.0) -> AsyncIterator[Reading]:
    """Near when covered, far again when the hand is away; a random number of times.

    Settings: `timeout_s` seconds for each prompt.
    """
    there, go_on = await presence(bench, "proximity")
    yield there
    if not go_on:
        return
    watch = SensorWatch(bench.capability(Shell), "proximity")  # type: ignore[type-abstract]
    async with AsyncExitStack() as stack:
        if not await opened(bench, stack, watch, open_s=0.0, timeout_s=timeout_s):
            for reading in dead(watch, "proximity", ("proximity_follows", "proximity_returns")):
                yield reading
            return
        async for reading in _proximity(bench, watch, timeout_s):
            yield reading


async def _proximity(bench: Bench, watch: SensorWatch, timeout_s: float) -> AsyncIterator[Reading]:
    far = _now(watch)
    if far <= 0:  # near from the start: a hand, a cover, dirt
        cleared = await seen_by_the_phone(
            bench.person, "proximity-clear", _CLEAR, _until(watch, lambda value: value > 0), timeout_s=timeout_s
        )
        if cleared is None:
            for reading in _unmoved(watch, far):
                yield reading
            return
        far = cleared
    for number in range(1, _drawn() + 1):
        cover = _COVER.fill(sensor=watch.words)
        near = await seen_by_the_phone(
            bench.person,
            f"proximity-cover-{number}",
            cover,
            _until(watch, lambda value: value < far),
            timeout_s=timeout_s,
        )
        if near is None:
            for reading in _unmoved(watch, far):
                yield reading
            return
        back = await seen_by_the_phone(
            bench.person,
            f"proximity-away-{number}",
            _AWAY,
            _until(watch, lambda value: value >= far),
            timeout_s=timeout_s,
        )
        if back is None:
            yield Measurement("proximity_alive", True, READ.script)
            yield Measurement("proximity_follows", True, READ.script)
            yield Measurement("proximity_returns", False, f"{READ.script}: stays near")
            return
    for name in ("proximity_alive", "proximity_follows", "proximity_returns"):
        yield Measurement(name, True, READ.script)


def _unmoved(watch: SensorWatch, value: float) -> Iterable[Reading]:
    """A hand came or went and the sensor did not see it; whether it told anything at all says if it is alive."""
    yield Measurement("proximity_alive", bool(watch.samples), f"{READ.script}: events while it was tried")
    yield Measurement("proximity_follows", False, f"{READ.script}: stays at {value:g}")
    yield Unread("proximity_returns", _NOT_SEEN, READ.script)


def _drawn() -> int:
    return random.SystemRandom().randint(*TIMES)


# -- light ------------------------------------------------------------------------------------------------------------

_MODE = Command("brightness-mode", "settings get system screen_brightness_mode", timeout_s=5.0, limit=4096)
_ADAPTIVE = Words("switches adaptive brightness on, and back as it was", "打开自动亮度，结束后恢复")


@parser("setting")
def setting(data: bytes) -> Parsed:
    """`settings get SPACE NAME`: the value, and whether there is one (`set`); nothing where it is no number."""
    parsed = Parsed()
    lines = [line for line in stripped_lines(data) if line]
    if lines and lines[-1] == "null":
        parsed.facts["set"] = False
    elif lines and re.fullmatch(r"-?[0-9]{1,18}(?:\.[0-9]{1,9})?", lines[-1], re.ASCII):
        parsed.facts |= {"set": True, "value": lines[-1]}
    return parsed


@probe(
    "android.light",
    needs=Shell,
    reads=(READ, READ_FEATURES, _MODE),
    measures={
        "light_present": FLAG,
        "light_alive": FLAG,
        "light_start": "lx",
        "light_covered": "lx",
        "light_lamp": "lx",
        "light_follows": FLAG,
        "light_returns": FLAG,
    },
    names={
        "light_alive": Words("gives values", "有数据"),
        "light_start": Words("at the start", "初始照度"),
        "light_covered": Words("covered", "遮挡照度"),
        "light_lamp": Words("under the lamp", "灯下照度"),
        "light_follows": Words("follows hand and lamp", "随遮挡和灯光变化"),
        "light_returns": Words("back to the start", "恢复初始状态"),
    },
    asks=True,
    writes=Words("switches adaptive brightness on while the light sensor is tested", "检测光线传感器时开启自动亮度"),
)
async def light(bench: Bench, *, lamp: bool = True, timeout_s: float = 60.0) -> AsyncIterator[Reading]:
    """Dark when covered, bright under a lamp, and back at the start.

    Settings: `lamp`, whether a lamp is asked for; `timeout_s` seconds for each prompt.
    """
    there, go_on = await presence(bench, "light")
    yield there
    if not go_on:
        return
    watch = SensorWatch(bench.capability(Shell), "light")  # type: ignore[type-abstract]
    mode = await hear_apart(bench, _MODE, setting)
    name = "system screen_brightness_mode"
    if mode.get("value") == "0" or mode.get("set") is False:
        undo = f"settings put {name} 0" if mode.get("set") else f"settings delete {name}"
        await bench.write(Write("adaptive-brightness", _ADAPTIVE, do=f"settings put {name} 1", undo=undo))
    async with AsyncExitStack() as stack:
        if not await opened(bench, stack, watch, open_s=0.0, timeout_s=timeout_s):
            for reading in dead(watch, "light", ("light_follows", "light_returns")):
                yield reading
            return
        start = _now(watch)
        yield Measurement("light_start", _lux(start), READ.script)
        if start < LEAST_LUX:
            if watch.samples:
                yield Measurement("light_alive", True, READ.script)
            else:
                yield Unread("light_alive", _TOO_DARK.fill(lux=f"{start:g}"), READ.script)
            for name in ("light_follows", "light_returns"):
                yield Unread(name, _TOO_DARK.fill(lux=f"{start:g}"), READ.script)
            return
        async for reading in _light(bench, watch, start, lamp=lamp, timeout_s=timeout_s):
            yield reading


async def _light(
    bench: Bench, watch: SensorWatch, start: float, *, lamp: bool, timeout_s: float
) -> AsyncIterator[Reading]:
    acts: list[tuple[str, str, Words, Callable[[float], bool]]] = [
        ("light_covered", "light-cover", _COVER.fill(sensor=watch.words), lambda lux: lux < start * DARK_SHARE),
        ("", "light-away", _AWAY, lambda lux: lux >= start * DARK_SHARE),
    ]
    if lamp:
        acts += [
            ("light_lamp", "light-lamp", _LAMP, lambda lux: lux > start * LAMP_TIMES),
            ("", "light-away-2", _LAMP_AWAY, lambda lux: lux < start * LAMP_TIMES),
        ]
    for number, (name, prompt, title, matches) in enumerate(acts):
        seen = await seen_by_the_phone(bench.person, prompt, title, _until(watch, matches), timeout_s=timeout_s)
        if number == 0:
            yield Measurement("light_alive", bool(watch.samples), f"{READ.script}: events while it was tried")
        if seen is None:
            yield Measurement("light_follows", not name, f"{READ.script}: {prompt}")
            if name:
                yield Unread("light_returns", _NOT_SEEN, READ.script)
            else:
                yield Measurement("light_returns", False, f"{READ.script}: {prompt}")
            return
        if name:
            yield Measurement(name, _lux(seen), READ.script)
    yield Measurement("light_follows", True, READ.script)
    yield Measurement("light_returns", True, READ.script)


def _lux(value: float) -> Decimal:
    return Decimal(f"{value:.1f}")


# -- hall -------------------------------------------------------------------------------------------------------------

#: linux/input-event-codes.h.
_EV_SW = 5
#: linux/input-event-codes.h: SW_LID, SW_TABLET_MODE, SW_KEYPAD_SLIDE, SW_FRONT_PROXIMITY, SW_MUTE_DEVICE follow parts
#: of their own; a phone's cover moves SW_LID.
_LID = {"SW_LID": 0x00, "0000": 0x00}
_NO_HALL = Words("the phone has no switch for a cover", "此手机没有保护套磁感应开关")
_NO_DEVICES = Words("the phone lists no input devices: {why}", "手机未列出输入设备：{why}")
_MAGNET = Words("Close the flip cover, or lay a magnet on the edge of the screen", "合上翻盖，或将磁铁靠近屏幕边缘")
_MAGNET_STEP = Words("Move the magnet slowly along both long edges.", "请将磁铁沿两条长边缓慢移动。")
_MAGNET_AWAY = Words("Open the cover, or take the magnet away", "打开翻盖或移开磁铁")


@probe(
    "android.hall",
    needs=InputEvents,
    measures={"hall_follows": FLAG, "hall_returns": FLAG},
    names={
        "hall_follows": Words("follows the magnet", "随磁铁变化"),
        "hall_returns": Words("back to open", "恢复打开"),
    },
    asks=True,
)
async def hall(bench: Bench, *, timeout_s: float = 60.0, total_s: float = 300.0) -> AsyncIterator[Reading]:
    """The cover's switch closes at a magnet and opens again without, as the kernel sees it.

    Settings: `timeout_s` seconds for each prompt, `total_s` for both.
    """
    inputs = bench.capability(InputEvents)  # type: ignore[type-abstract]
    listing = await inputs.describe(deadline_s=10.0)
    if listing.failure is not None:
        raise listing.failure
    devices = await apart(devices_of, listing.stdout)
    if not devices:
        for name in ("hall_follows", "hall_returns"):
            yield Unread(name, _NO_DEVICES.fill(why=why_nothing(listing)), "getevent -lp")
        return
    paths = {device.path for device in devices if set(device.switches) & _LID.keys()}
    if not paths:
        raise NotApplicable(_NO_HALL)
    async with inputs.events(deadline_s=total_s) as events:
        queue = EventQueue(events, lambda one: one.type == _EV_SW and one.code == 0 and one.device in paths)
        try:
            for number, (prompt, title, steps, wanted, name) in enumerate(
                (
                    ("hall-magnet", _MAGNET, (_MAGNET_STEP,), 1, "hall_follows"),
                    ("hall-away", _MAGNET_AWAY, (), 0, "hall_returns"),
                )
            ):
                seen = await seen_by_the_phone(
                    bench.person, prompt, title, _switched(queue, wanted), steps=steps, timeout_s=timeout_s
                )
                yield Measurement(name, seen is not None, "kernel input events: SW_LID")
                if seen is None and number == 0:
                    yield Unread("hall_returns", _NOT_SEEN, "kernel input events: SW_LID")
                    return
        finally:
            await queue.close()


async def _switched(queue: EventQueue, wanted: int) -> bool:
    while (await queue.next()).value != wanted:
        pass
    return True


# -- fold -------------------------------------------------------------------------------------------------------------

_STATE = Command("device-state", "dumpsys device_state; cmd device_state print-states", timeout_s=5.0, limit=256 * 1024)
_STATE_NAME = re.compile(r"DeviceState\{(?:identifier|id)=([0-9]{1,6}), name='?([\w ]{1,40})'?", re.ASCII)
_COMMITTED = re.compile(r"m?Committed ?[sS]tate[:=]", re.ASCII)
_NO_FOLD = Words("the phone does not fold", "此手机不可折叠")
_BUILT_WITHOUT_HINGE = Words(
    "the phone does not fold: it was built without a hinge sensor, and its Android knows no folded state",
    "此手机不可折叠：出厂未配备铰链传感器，系统也没有折叠状态",
)
_HINGE_UNTOLD = Words(
    "the phone was built with a hinge, but its Android tells no folded state: {why}",
    "此手机配有铰链，但系统未提供折叠状态：{why}",
)
#: What a phone that folds declares: android.content.pm.PackageManager.FEATURE_SENSOR_HINGE_ANGLE (Android 11), and the
#: features of makers that folded before (Huawei's posture sensor, Samsung's device category).
_HINGE_FEATURE = re.compile(r"\.hinge_angle\b|\.sensor\.posture\b|foldable", re.ASCII)
_FOLD = Words("Fold the phone shut, or open it if it is shut", "请合上手机；若已合上则打开")
_FOLD_BACK = Words("Move the hinge back as it was", "请将铰链恢复原状")
_KEEP_CABLE = Words("Keep the cable plugged in.", "请保持数据线连接。")


@parser("device_state")
def device_state(data: bytes) -> Parsed:
    """The device state service (Android 12 and later): the states that the hinge knows, and the one that holds now."""
    parsed = Parsed()
    names: dict[str, str] = {}
    for line in stripped_lines(data):
        found = _STATE_NAME.findall(line[:4096])
        names |= {number: name.strip() for number, name in found}
        if found and "state" not in parsed.facts and _COMMITTED.match(line):
            parsed.facts["state"] = found[0][1].strip()
    if names:
        parsed.facts["states"] = list(dict.fromkeys(names.values()))
    return parsed


@probe(
    "android.fold",
    needs=Shell,
    reads=(_STATE, READ_FEATURES),
    measures={"fold_states": LIST, "fold_seen": LIST, "fold_follows": FLAG, "fold_returns": FLAG},
    names={
        "fold_states": Words("states it knows", "支持的状态"),
        "fold_seen": Words("states seen", "检测到的状态"),
        "fold_follows": Words("follows the hinge", "随折叠变化"),
        "fold_returns": Words("back to the start", "恢复初始状态"),
    },
    asks=True,
    unverified=True,
)
async def fold(bench: Bench, *, timeout_s: float = 60.0) -> AsyncIterator[Reading]:
    """The device state changes when the phone is folded or opened, and comes back.

    Settings: `timeout_s` seconds for each prompt.
    """
    said = await hear_apart(bench, _STATE, device_state)
    states, start = said.get("states") or [], said.get("state")
    if start is None:
        yield Unread("fold_follows", await _why_no_state(bench, said), said.source)
        return
    if len(states) < 2:
        raise NotApplicable(_NO_FOLD)
    yield Measurement("fold_states", tuple(states), said.source)
    shell = bench.capability(Shell)  # type: ignore[type-abstract]
    seen = [start]
    moved = await seen_by_the_phone(
        bench.person,
        "fold-move",
        _FOLD,
        _other_state(shell, seen, lambda state: state != start),
        steps=(_KEEP_CABLE,),
        timeout_s=timeout_s,
    )
    yield Measurement("fold_follows", moved is not None, said.source)
    if moved is None:
        yield Unread("fold_returns", _NOT_SEEN, said.source)
    else:
        back = await seen_by_the_phone(
            bench.person,
            "fold-back",
            _FOLD_BACK,
            _other_state(shell, seen, lambda state: state == start),
            timeout_s=timeout_s,
        )
        yield Measurement("fold_returns", back is not None, said.source)
    yield Measurement("fold_seen", tuple(_short(seen)), said.source)
    yield Evidence("device-states.txt", "\n".join(seen).encode())


async def _why_no_state(bench: Bench, said: Heard) -> Words:
    """Why no folded state is told. Raises NotApplicable where the phone declares its features, and none of a hinge."""
    why, missing = said.reason("state"), not said.facts
    features = await apart(features_of, bench.answer(READ_FEATURES.name).stdout)
    if not features or not missing:
        return why
    if not any(map(_HINGE_FEATURE.search, features)):
        raise NotApplicable(_BUILT_WITHOUT_HINGE)
    return _HINGE_UNTOLD.fill(why=why)


def _short(seen: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(seen))


async def _other_state(shell: Shell, seen: list[str], matches: Callable[[str], bool]) -> str:
    """Wait for a state that matches; every state on the way is noted in `seen`."""
    while True:
        result = await shell.run(_STATE.script, deadline_s=15.0, limit=_STATE.limit)
        if result.failure is not None:
            raise result.failure
        state = (await apart(device_state, result.stdout)).facts.get("state")
        if state is not None and state != seen[-1]:
            seen.append(state)
        if state is not None and matches(state):
            return str(state)
        await asyncio.sleep(POLL_S)
