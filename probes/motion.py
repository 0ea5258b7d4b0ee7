"""Accelerometer, gyroscope, magnetometer and barometer: alive, right way round, and what they read at rest.

A person puts the phone in poses and turns it; every prompt goes away by itself when the sensor has seen it. Values come
from the sensor service's own log of events while something holds the sensor open (`probes.sensor_watch`). The
arithmetic is in `probes.inertia`; limits are judged elsewhere.
"""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Literal

from drivers.api import SelfTestPage, Shell
from drivers.text import Words
from probes.api import Bench, Evidence, Measurement, NotRun, Reading, Unread, probe
from probes.inertia import POSES, G, Vector, axis_faults, ellipsoid, mean, norm, six_poses, spread
from probes.live import seen_by_the_phone
from probes.sensor_events import Sample
from probes.sensor_watch import POLL_S, READ, SensorWatch, dead, opened, presence, window
from probes.telephony import READ_FEATURES
from probes.units import FLAG, LIST

__all__ = ["accelerometer", "barometer", "gyroscope", "magnetometer"]

Pose = Literal["face-up", "face-down", "top-up", "top-down", "right-up", "left-up"]
ALL_POSES: tuple[Pose, ...] = ("face-up", "face-down", "top-up", "top-down", "right-up", "left-up")
Axis = Literal["x", "y", "z"]
WRITES = Words(
    "opens a page in the phone's browser, and goes back to the home screen", "在手机浏览器打开页面，随后返回桌面"
)

#: m/s2: a phone that lies or stands still is steadier than this; a hand is not.
STILL = 0.25
#: m/s2: a pose is another one when the reading has moved by this; neighbouring poses are 13.9 apart.
MOVED = 4.0
#: rad/s: a phone on a table; a person who holds it turns faster than this.
RESTS = 0.05
#: rad/s and rad: a turn by hand is clearly one.
TURN_RATE, TURN_ANGLE = 0.8, 0.5
#: Least samples for a mean and a spread that mean something.
LEAST = 5
#: Samples and octants around their middle that make up "turned in all directions".
TURNED_SAMPLES, TURNED_OCTANTS = 60, 8

_STAND: Mapping[Pose, Words] = {
    "face-up": Words("Lay the phone on the table, screen up", "将手机屏幕朝上平放桌面"),
    "face-down": Words("Lay the phone on the table, screen down", "将手机屏幕朝下平放桌面"),
    "top-up": Words("Stand the phone upright, top edge up", "将手机竖直，顶边朝上"),
    "top-down": Words("Stand the phone upside down, top edge down", "将手机倒立，顶边朝下"),
    "right-up": Words("Stand the phone on its left edge, right edge up", "将手机左侧着桌立起，右侧朝上"),
    "left-up": Words("Stand the phone on its right edge, left edge up", "将手机右侧着桌立起，左侧朝上"),
}
_HOLD_STILL = Words("Lean it against something and let go for a second.", "请靠稳后松手一秒。")
_REST = Words("Lay the phone flat on the table and take your hands off", "将手机平放桌面并松手")
_TURNS: Mapping[Axis, Words] = {
    "z": Words("Leave it flat and turn it quickly to the left, a quarter turn", "平放时快速向左（逆时针）转四分之一圈"),
    "x": Words("Lift its top edge quickly until it stands", "快速抬起顶边直到竖直"),
    "y": Words("Lift its left edge quickly until it stands on its right edge", "快速抬起左侧，直到手机以右侧立起"),
}
_TURN_AGAIN = Words("Once more, just so: {how}", "请严格按要求再做一次：{how}")
_ALL_DIRECTIONS = Words(
    "Turn the phone slowly in all directions, as if to wipe a ball from all sides",
    "将手机缓慢向各个方向翻转，如同擦拭球面",
)
_AWAY = Words("Keep away from steel, magnets and loudspeakers.", "请远离钢铁、磁铁和扬声器。")
_NOT_IN_POSE = Words(
    "the phone did not come to rest in all poses; lean it and let go, run this again",
    "手机未在所有姿态下静止；请靠稳松手后重测",
)
_TENTHS = Words("this Android prints tenths only, too coarse for noise", "此安卓版本仅输出一位小数，无法测噪声")
_NOT_TURNED = Words("the phone was not turned in all directions; run this again", "手机未向各个方向翻转；请重测")
_NOT_TURNED_AXIS = Words("the turn was not made; run this again", "未完成转动；请重测")


def _rounded(value: float, places: int = 4) -> Decimal:
    return Decimal(repr(round(value, places))).normalize() + Decimal(0)


def _csv(name: str, parts: Mapping[str, Sequence[Vector]]) -> Evidence:
    rows = ["part,x,y,z"]
    rows += [f"{part},{','.join(f'{value:g}' for value in one)}" for part, samples in parts.items() for one in samples]
    return Evidence(name, ("\n".join(rows) + "\n").encode(), "text/csv")


async def _settled(watch: SensorWatch, seconds: float, still: float, before: Vector | None) -> list[Vector]:
    """The readings of `seconds` at rest, elsewhere than `before`; waits for as long as it takes."""
    watch.samples.clear()
    while True:
        await watch.look()
        recent = window(watch.samples, seconds)
        if _long_enough(watch, recent, seconds) and max(spread(recent)) <= still:
            middle = mean(recent)
            if before is None or norm([middle[at] - before[at] for at in range(3)]) >= MOVED:
                return recent
        await asyncio.sleep(POLL_S)


def _long_enough(watch: SensorWatch, recent: Sequence[Vector], seconds: float) -> bool:
    if len(recent) < LEAST:
        return False
    first, last = watch.samples[0].time_s, watch.samples[-1].time_s
    return first is None or last is None or last - first >= seconds * 0.8


# -- accelerometer ----------------------------------------------------------------------------------------------------

_ACCELEROMETER = (
    "accelerometer_norm_error",
    "accelerometer_axes_right",
    "accelerometer_bias",
    "accelerometer_scale_error",
    "accelerometer_noise",
)


@probe(
    "android.accelerometer",
    needs=(Shell, SelfTestPage),
    reads=(READ, READ_FEATURES),
    measures={
        "accelerometer_present": FLAG,
        "accelerometer_alive": FLAG,
        "accelerometer_norm_error": "m/s2",
        "accelerometer_axes_right": FLAG,
        "accelerometer_faults": LIST,
        "accelerometer_bias": "m/s2",
        "accelerometer_scale_error": "%",
        "accelerometer_noise": "m/s2",
    },
    names={
        "accelerometer_alive": Words("gives values", "有数据"),
        "accelerometer_norm_error": Words("at rest, off 1 g", "静止偏离 1 g"),
        "accelerometer_axes_right": Words("axes right", "轴向正确"),
        "accelerometer_faults": Words("axis faults", "轴异常"),
        "accelerometer_bias": Words("zero offset", "零偏"),
        "accelerometer_scale_error": Words("scale error", "比例误差"),
        "accelerometer_noise": Words("noise", "噪声"),
    },
    asks=True,
    writes=WRITES,
)
async def accelerometer(
    bench: Bench,
    *,
    poses: tuple[Pose, ...] = ALL_POSES,
    rest_s: float = 1.0,
    open_s: float = 20.0,
    timeout_s: float = 60.0,
) -> AsyncIterator[Reading]:
    """Presence, life, order and sign of the axes, norm at rest, offset, scale and noise from poses.

    Settings: `poses` to take; `rest_s` seconds of rest in each; `open_s` seconds for the phone to load the page;
    `timeout_s` seconds for each prompt.
    """
    there, go_on = await presence(bench, "accelerometer")
    yield there
    if not go_on:
        return
    watch = SensorWatch(bench.capability(Shell), "accelerometer")  # type: ignore[type-abstract]
    async with AsyncExitStack() as stack:
        if not await opened(bench, stack, watch, open_s=open_s, timeout_s=timeout_s):
            for reading in dead(watch, "accelerometer", _ACCELEROMETER):
                yield reading
            return
        yield Measurement("accelerometer_alive", True, READ.script)
        taken: dict[str, list[Vector]] = {}
        before: Vector | None = None
        for pose in poses:
            settled = await seen_by_the_phone(
                bench.person,
                f"pose-{pose}",
                _STAND[pose],
                _settled(watch, rest_s, STILL, before),
                steps=(_HOLD_STILL,),
                timeout_s=timeout_s,
            )
            taken[pose] = settled if settled is not None else window(watch.samples, rest_s)
            before = mean(taken[pose]) if taken[pose] else before
    yield _csv("accelerometer.csv", taken)
    for reading in _accelerometer(taken, watch.timed):
        yield reading


def _accelerometer(taken: Mapping[str, Sequence[Vector]], timed: bool) -> Iterable[Reading]:
    if not taken or not all(taken.values()):
        yield from (Unread(name, _NOT_IN_POSE, READ.script) for name in _ACCELEROMETER)
        return
    rest = {pose: mean(samples) for pose, samples in taken.items()}
    source = f"{READ.script}: {len(rest)} poses"
    yield Measurement("accelerometer_norm_error", _rounded(max(abs(norm(one) - G) for one in rest.values())), source)
    faults = axis_faults(rest)
    yield Measurement("accelerometer_axes_right", not faults, source)
    if faults:
        yield Measurement("accelerometer_faults", tuple(faults), source)
    if timed:
        noise = math.sqrt(math.fsum(max(spread(one)) ** 2 for one in taken.values()) / len(taken))
        yield Measurement("accelerometer_noise", _rounded(noise), source)
    else:
        yield Unread("accelerometer_noise", _TENTHS, source)
    if set(POSES) <= taken.keys() and not faults:
        model = six_poses(taken)
        yield Measurement("accelerometer_bias", _rounded(max(abs(value) for value in model.bias)), source)
        errors = [abs(value - 1) * 100 for value in model.scale if value is not None]
        yield Measurement("accelerometer_scale_error", _rounded(max(errors), 3), source)
    else:
        yield from (Unread(name, _NOT_IN_POSE, source) for name in ("accelerometer_bias", "accelerometer_scale_error"))


# -- gyroscope --------------------------------------------------------------------------------------------------------

_GYROSCOPE = ("gyroscope_rest", "gyroscope_noise", "gyroscope_turns_right")


@probe(
    "android.gyroscope",
    needs=(Shell, SelfTestPage),
    reads=(READ, READ_FEATURES),
    measures={
        "gyroscope_present": FLAG,
        "gyroscope_alive": FLAG,
        "gyroscope_rest": "rad/s",
        "gyroscope_noise": "rad/s",
        "gyroscope_turns_right": FLAG,
        "gyroscope_faults": LIST,
    },
    names={
        "gyroscope_alive": Words("gives values", "有数据"),
        "gyroscope_rest": Words("at rest", "静止读数"),
        "gyroscope_noise": Words("noise", "噪声"),
        "gyroscope_turns_right": Words("turns seen right", "转动方向正确"),
        "gyroscope_faults": Words("axis faults", "轴异常"),
    },
    asks=True,
    writes=WRITES,
)
async def gyroscope(
    bench: Bench,
    *,
    turns: tuple[Axis, ...] = ("z", "x", "y"),
    rest_s: float = 1.0,
    open_s: float = 20.0,
    timeout_s: float = 60.0,
) -> AsyncIterator[Reading]:
    """Presence, life, reading and noise at rest, and whether turns show on the right axis with the right sign.

    Settings: `turns` to make; `rest_s` seconds of rest; `open_s` seconds for the page; `timeout_s` for each prompt.
    """
    there, go_on = await presence(bench, "gyroscope")
    yield there
    if not go_on:
        return
    watch = SensorWatch(bench.capability(Shell), "gyroscope")  # type: ignore[type-abstract]
    taken: dict[str, list[Vector]] = {}
    async with AsyncExitStack() as stack:
        if not await opened(bench, stack, watch, open_s=open_s, timeout_s=timeout_s):
            for reading in dead(watch, "gyroscope", _GYROSCOPE):
                yield reading
            return
        yield Measurement("gyroscope_alive", True, READ.script)
        rest = await seen_by_the_phone(
            bench.person, "gyro-rest", _REST, _settled(watch, rest_s, RESTS, None), timeout_s=timeout_s
        )
        taken["rest"] = rest if rest is not None else window(watch.samples, rest_s)
        for reading in _at_rest(taken["rest"]):
            yield reading
        seen: dict[Axis, str] = {}
        for axis in turns:
            seen[axis] = await _turned(bench, watch, axis, mean(taken["rest"] or [(0, 0, 0)]), timeout_s)
            taken[f"turn-{axis}"] = window(watch.samples, 3.0)
    yield _csv("gyroscope.csv", taken)
    for reading in _turns(seen):
        yield reading


def _at_rest(rest: Sequence[Vector]) -> Iterable[Reading]:
    if not rest:
        yield from (Unread(name, _NOT_IN_POSE, READ.script) for name in ("gyroscope_rest", "gyroscope_noise"))
        return
    yield Measurement("gyroscope_rest", _rounded(max(abs(value) for value in mean(rest))), READ.script)
    yield Measurement("gyroscope_noise", _rounded(max(spread(rest))), READ.script)


def _turns(seen: Mapping[Axis, str]) -> Iterable[Reading]:
    source = f"{READ.script}: turns by hand"
    if not seen or "" in seen.values():
        yield Unread("gyroscope_turns_right", _NOT_TURNED_AXIS, source)
        return
    faults = [f"{axis}: {_fault(axis, shown)}" for axis, shown in seen.items() if shown != f"+{axis}"]
    yield Measurement("gyroscope_turns_right", not faults, source)
    if faults:
        yield Measurement("gyroscope_faults", tuple(faults), source)


def _fault(axis: str, shown: str) -> str:
    return "dead" if shown == "0" else "reversed" if shown == f"-{axis}" else f"shows as {shown}"


async def _turned(bench: Bench, watch: SensorWatch, axis: Axis, rest: Vector, timeout_s: float) -> str:
    """How a turn about that axis shows: `+z`, `-x`, `0` when a person made it and nothing showed.

    A turn that shows wrong is asked for once more: hands turn the wrong way sooner than sensors do.
    """
    shown: str | None = None
    for name, title in ((f"turn-{axis}", _TURNS[axis]), (f"turn-{axis}-again", _TURN_AGAIN.fill(how=_TURNS[axis]))):
        watch.samples.clear()
        shown = await seen_by_the_phone(bench.person, name, title, _a_turn(watch, rest), timeout_s=timeout_s)
        if shown is None or shown == f"+{axis}":
            break
    return shown or "0"


async def _a_turn(watch: SensorWatch, rest: Vector) -> str:
    """Wait for a turn by hand, then for its end; the axis that turned most, with its sign."""
    while True:
        await watch.look()
        angles = _angles(list(watch.samples), rest)
        fastest = max((norm(_less(one, rest)) for one in window(watch.samples, 5.0)), default=0.0)
        now = [norm(_less(one, rest)) for one in window(list(watch.samples)[-3:], 1.0)]
        if fastest >= TURN_RATE and norm(angles) >= TURN_ANGLE and now and max(now) < TURN_RATE:
            most = max(range(3), key=lambda at: abs(angles[at]))
            return ("+" if angles[most] > 0 else "-") + "xyz"[most]
        await asyncio.sleep(POLL_S)


def _less(vector: Vector, rest: Vector) -> list[float]:
    return [vector[at] - rest[at] for at in range(3)]


def _angles(samples: Sequence[Sample], rest: Vector) -> list[float]:
    """The angle turned about each axis, rad: the sum of rate times time between the events that were printed."""
    total = [0.0, 0.0, 0.0]
    for before, after in itertools.pairwise(samples):
        step = 0.1 if before.time_s is None or after.time_s is None else after.time_s - before.time_s
        rate = _less((*after.values, 0.0, 0.0, 0.0), rest)
        total = [angle + rate[at] * min(step, 0.5) for at, angle in enumerate(total)]
    return total


# -- magnetometer -----------------------------------------------------------------------------------------------------

_MAGNETOMETER = ("magnetometer_field", "magnetometer_hard_iron", "magnetometer_noise")


@probe(
    "android.magnetometer",
    needs=(Shell, SelfTestPage),
    reads=(READ, READ_FEATURES),
    measures={
        "magnetometer_present": FLAG,
        "magnetometer_alive": FLAG,
        "magnetometer_field": "uT",
        "magnetometer_hard_iron": "uT",
        "magnetometer_noise": "uT",
    },
    names={
        "magnetometer_alive": Words("gives values", "有数据"),
        "magnetometer_field": Words("field", "磁场强度"),
        "magnetometer_hard_iron": Words("hard iron", "硬磁偏移"),
        "magnetometer_noise": Words("noise", "噪声"),
    },
    asks=True,
    writes=WRITES,
)
async def magnetometer(
    bench: Bench, *, rest_s: float = 1.0, open_s: float = 20.0, timeout_s: float = 120.0
) -> AsyncIterator[Reading]:
    """Presence, life, field and hard iron from a phone that is turned in all directions, noise at rest.

    Settings: `rest_s` seconds of rest; `open_s` seconds for the page; `timeout_s` for each prompt.
    """
    there, go_on = await presence(bench, "magnetometer")
    yield there
    if not go_on:
        return
    watch = SensorWatch(bench.capability(Shell), "magnetometer")  # type: ignore[type-abstract]
    async with AsyncExitStack() as stack:
        if not await opened(bench, stack, watch, open_s=open_s, timeout_s=timeout_s):
            for reading in dead(watch, "magnetometer", _MAGNETOMETER):
                yield reading
            return
        yield Measurement("magnetometer_alive", True, READ.script)
        rest = await seen_by_the_phone(
            bench.person, "mag-rest", _REST, _settled(watch, rest_s, 5.0, None), steps=(_AWAY,), timeout_s=timeout_s
        )
        turned = await seen_by_the_phone(
            bench.person, "mag-turn", _ALL_DIRECTIONS, _all_directions(watch), steps=(_AWAY,), timeout_s=timeout_s
        )
    everywhere = turned if turned is not None else window(watch.samples, math.inf)
    yield _csv("magnetometer.csv", {"rest": rest or [], "turned": everywhere})
    if rest and watch.timed:
        yield Measurement("magnetometer_noise", _rounded(max(spread(rest)), 3), READ.script)
    else:
        yield Unread("magnetometer_noise", _TENTHS if rest else _NOT_IN_POSE, READ.script)
    found = ellipsoid(everywhere)
    if found is None:
        yield from_unturned("magnetometer_field")
        yield from_unturned("magnetometer_hard_iron")
        return
    source = f"{READ.script}: ellipsoid through {len(everywhere)} readings"
    yield Measurement("magnetometer_field", _rounded(found.radius, 2), source)
    yield Measurement("magnetometer_hard_iron", _rounded(norm(found.centre), 2), source)


def from_unturned(name: str) -> Unread:
    """Why a value that needs a turned phone is not there."""
    return Unread(name, _NOT_TURNED, READ.script)


async def _all_directions(watch: SensorWatch) -> list[Vector]:
    """Readings until they lie on all sides of their middle."""
    watch.samples.clear()
    while True:
        await watch.look()
        seen = window(watch.samples, math.inf)
        if len(seen) >= TURNED_SAMPLES and _octants(seen) >= TURNED_OCTANTS and ellipsoid(seen) is not None:
            return seen
        await asyncio.sleep(POLL_S)


def _octants(seen: Sequence[Vector]) -> int:
    """How many of the eight corners around the middle of the extremes hold readings."""
    middle = [(max(one[at] for one in seen) + min(one[at] for one in seen)) / 2 for at in range(3)]
    return len({tuple(one[at] > middle[at] for at in range(3)) for one in seen})


# -- barometer --------------------------------------------------------------------------------------------------------


@probe(
    "android.barometer",
    needs=Shell,
    reads=(READ, READ_FEATURES),
    measures={
        "pressure_present": FLAG,
        "barometer_alive": FLAG,
        "barometer_pressure": "hPa",
        "barometer_drift": "hPa",
    },
    names={
        "barometer_alive": Words("gives values", "有数据"),
        "barometer_pressure": Words("pressure", "气压"),
        "barometer_drift": Words("drift", "漂移"),
    },
    asks=True,
)
async def barometer(bench: Bench, *, watch_s: float = 5.0, timeout_s: float = 120.0) -> AsyncIterator[Reading]:
    """Presence, life, air pressure and how far it wanders while it is watched.

    Settings: `watch_s` seconds to watch; `timeout_s` seconds for the prompt.
    """
    there, go_on = await presence(bench, "pressure")
    yield there
    if not go_on:
        return
    watch = SensorWatch(bench.capability(Shell), "pressure")  # type: ignore[type-abstract]
    async with AsyncExitStack() as stack:
        if not await opened(bench, stack, watch, open_s=0.0, timeout_s=timeout_s):
            for reading in dead(watch, "barometer", ("barometer_pressure", "barometer_drift")):
                yield reading
            return
    yield Measurement("barometer_alive", True, READ.script)
    async with asyncio.timeout(watch_s * 4 + 20.0):
        seen = await _settled_for(watch, watch_s)
    yield _csv("barometer.csv", {"watched": seen})
    values = [one[0] for one in seen]
    if len(values) < LEAST:
        raise NotRun(_NOT_IN_POSE)
    half = len(values) // 2
    first, last = math.fsum(values[:half]) / half, math.fsum(values[half:]) / (len(values) - half)
    yield Measurement("barometer_pressure", _rounded(math.fsum(values) / len(values), 2), READ.script)
    yield Measurement("barometer_drift", _rounded(abs(last - first), 2), READ.script)


async def _settled_for(watch: SensorWatch, seconds: float) -> list[Vector]:
    """The readings of that many seconds of the phone's clock."""
    watch.samples.clear()
    while True:
        await watch.look()
        recent = window(watch.samples, seconds)
        if _long_enough(watch, recent, seconds):
            return recent
        await asyncio.sleep(POLL_S)
