"""The motion and environment sensors of a simulated phone, and the hands that move, turn, cover and open things.

`dumpsys sensorservice` prints what each sensor saw while somebody listened to it: auto-rotate, a page in the browser,
adaptive brightness, an app that a hand has opened. What a hand does to the phone is kept with its time, so that every
event is what that sensor saw then. Layouts are those of AOSP's SensorService and RecentEventLogger (Android 7 and
later) and the table of Android 5.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drivers.sim.parts import Hand
from drivers.sim.persona import Data, Sensor

if TYPE_CHECKING:
    from drivers.sim.phone import SimulatedPhone
    from drivers.sim.state import PhoneState

__all__ = ["HANDS", "SECTION", "SERVICES", "Body", "Section", "body", "sensor_service"]

SECTION = "motion"
ACCELEROMETER, MAGNETOMETER, GYROSCOPE, LIGHT, PRESSURE, PROXIMITY = 1, 2, 4, 5, 6, 8
_G = 9.80665
#: Seconds that a hand needs to reach the phone.
_REACH_S = 0.05
#: Seconds that a person waits for a phone to react before saying that it does not.
_PATIENCE_S = 1.5
#: The phone's own clock when the bench was switched on, in seconds since its start.
_UPTIME_S = 1000.0
_LARGE_RING, _RING = 50, 10  # RecentEventLogger: the accelerometer and the light sensor keep more
_NO_FUSION = "disabled (0 clients), gyro-rate=  0.00Hz, q=< 0, 0, 0, 0 > (0), b=< 0, 0, 0 >\n"


class Section(Data):
    """What moves the sensors and what is wrong with them.

    Attributes:
        autorotate: auto-rotate listens to the accelerometer, at 15 Hz.
        fused_in_software: an orientation that a page asks for makes Android itself listen to the magnetometer.
        openers: apps or menus that a hand can open for sensors that nothing else listens to.
        silent: types that give no event although somebody listens.
        accelerometer_axes, gyroscope_axes: which true axis each printed one shows; `-y` reversed, `0` dead.
        gain: of the accelerometer's axes. offset: of them, m/s2. rate: offset of the gyroscope, rad/s.
        field, hard_iron: uT.
        stuck: types of on-change sensors that stay as they are, whatever covers or lights them.
    """

    autorotate: bool = True
    fused_in_software: bool = True
    openers: bool = True
    silent: tuple[int, ...] = ()
    accelerometer_axes: tuple[str, str, str] = ("x", "y", "z")
    gyroscope_axes: tuple[str, str, str] = ("x", "y", "z")
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rate: tuple[float, float, float] = (0.0, 0.0, 0.0)
    field: float = 48.0
    hard_iron: tuple[float, float, float] = (14.0, -9.0, 5.0)
    stuck: tuple[int, ...] = ()


@dataclass
class Body:
    """Where the phone is and was, in seconds of the phone's clock; the newest is last.

    Attributes:
        ups: which way is up in the phone's axes. turns: start, end, axis, rad/s. tumbles, shakes: start and end.
        levels: by sensor type, how much of its undisturbed reading arrives.
        apps: types that an app of the person listens to. since: by type, when the listening that goes on began.
    """

    ups: list[tuple[float, tuple[float, float, float]]] = field(default_factory=lambda: [(0.0, (0.0, 0.0, 1.0))])
    turns: list[tuple[float, float, int, float]] = field(default_factory=list)
    tumbles: list[tuple[float, float]] = field(default_factory=list)
    shakes: list[tuple[float, float]] = field(default_factory=list)
    levels: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    apps: set[int] = field(default_factory=set)
    since: dict[int, float] = field(default_factory=dict)

    def up(self, at_s: float) -> tuple[float, float, float]:
        """Which way was up."""
        return next(up for start, up in reversed(self.ups) if start <= at_s or start == 0.0)

    def level(self, kind: int, at_s: float) -> float:
        """How much of its reading arrived at the sensor of that type; 1 undisturbed."""
        return next((level for start, level in reversed(self.levels.get(kind, [])) if start <= at_s), 1.0)


def body(state: PhoneState) -> Body:
    """The body of this phone."""
    found: Body = state.scratch.setdefault("body", Body())
    return found


# -- who listens ------------------------------------------------------------------------------------------------------


def _listeners(state: PhoneState) -> dict[int, float]:
    """The types that somebody listens to right now, and how often they give an event, in hertz."""
    motion = state.part(Section)
    rates: dict[int, float] = {ACCELEROMETER: 15.0} if motion.autorotate else {}
    if "devicemotion" in state.scratch.get("page", ""):
        rates |= {ACCELEROMETER: 60.0, GYROSCOPE: 60.0}
        rates |= {MAGNETOMETER: 50.0} if motion.fused_in_software else {}
    if state.settings.get(("system", "screen_brightness_mode")) == "1":
        rates[LIGHT] = 5.0
    rates |= dict.fromkeys(body(state).apps, 25.0)
    return rates


def _listening(state: PhoneState) -> dict[int, tuple[float, float]]:
    """As `_listeners`, each with the moment that this began."""
    now, since, rates = state.clock.now(), body(state).since, _listeners(state)
    for kind in list(since):
        if kind not in rates:
            del since[kind]
    return {kind: (hz, since.setdefault(kind, now)) for kind, hz in rates.items()}


# -- what a sensor saw ------------------------------------------------------------------------------------------------


def _shown(true: Sequence[float], axes: Sequence[str]) -> list[float]:
    return [0.0 if one == "0" else (-1.0 if one[0] == "-" else 1.0) * true["xyz".index(one[-1])] for one in axes]


def _within(spans: Sequence[tuple[float, float]], at_s: float) -> bool:
    return any(start <= at_s <= end for start, end in spans)


def _value(state: PhoneState, sensor: Sensor, at_s: float, count: int) -> list[float]:
    motion, where = state.part(Section), body(state)
    chance = random.Random(f"{state.seed}:{sensor.handle}:{count}")  # noqa: S311 - the same again at every look

    def noisy(values: Sequence[float]) -> list[float]:
        return [value + chance.gauss(0, sensor.noise) for value in values]

    if sensor.type == ACCELEROMETER:
        shake = 2.5 if _within(where.shakes, at_s) else 0.0
        true = [value * _G + shake * chance.uniform(-1, 1) for value in where.up(at_s)]
        seen = _shown(true, motion.accelerometer_axes)
        return noisy([value * motion.gain[at] + motion.offset[at] for at, value in enumerate(seen)])
    if sensor.type == GYROSCOPE:
        rates = [0.0, 0.0, 0.0]
        for start, end, axis, rate in where.turns:
            rates[axis] += rate if start <= at_s <= end else 0.0
        return noisy([value + motion.rate[at] for at, value in enumerate(_shown(rates, motion.gyroscope_axes))])
    if sensor.type == MAGNETOMETER:
        way = _direction(count) if _within(where.tumbles, at_s) else (0.38, -0.13, -0.91)
        return noisy([value * motion.field + motion.hard_iron[at] for at, value in enumerate(way)])
    level = 1.0 if sensor.type in motion.stuck else where.level(sensor.type, at_s)
    first, *others = sensor.axes or (0.0,)
    return [max(noisy([first * level])[0], 0.0), *others]


def _direction(count: int) -> tuple[float, float, float]:
    """A direction of its own for each number, evenly over the sphere (Fibonacci lattice)."""
    z = 1 - 2 * ((count * 0.754877666) % 1)
    angle = 2 * math.pi * ((count * 0.569840291) % 1)
    flat = math.sqrt(1 - z * z)
    return flat * math.cos(angle), flat * math.sin(angle), z


def _seen(state: PhoneState, sensor: Sensor) -> list[tuple[float, list[float]]]:
    """The events in the ring of a sensor: those of now where somebody listens, else old ones."""
    if not sensor.axes:
        return []
    size = _LARGE_RING if sensor.type in (ACCELEROMETER, LIGHT) else _RING
    listening = _listening(state).get(sensor.type)
    if listening is None or sensor.type in state.part(Section).silent:
        size = size if sensor.mode == "continuous" else 1
        return [(-500.0 + at * 0.2, _value(state, sensor, 0.0, at)) for at in range(size)]
    hz, since = listening
    now = state.clock.now()
    if sensor.mode == "on-change" and sensor.type != LIGHT:
        changes = [since, *(at for at, _ in body(state).levels.get(sensor.type, []) if since < at <= now)]
        return [(at, _value(state, sensor, at, 0)) for at in changes][-size:]
    last = int(now * hz)
    first = max(math.ceil(since * hz), last - size + 1)
    return [(count / hz, _value(state, sensor, count / hz, count)) for count in range(first, last + 1)]


# -- the dump ---------------------------------------------------------------------------------------------------------


def sensor_service(state: PhoneState, arguments: Sequence[str]) -> str:
    """`dumpsys sensorservice`."""
    sensors = state.persona.sensors
    if state.persona.sensor_error:
        return state.persona.sensor_error + "\n"
    if not sensors:
        return "No Sensors on the device\n"
    if state.persona.android.sdk < 24:
        return "".join(_old_list(state, sensors))
    return "".join(_list(state, sensors))


def _list(state: PhoneState, sensors: Sequence[Sensor]) -> Iterator[str]:
    now = state.date()
    yield f"Captured at: {now:%H:%M:%S}.{now.microsecond // 1000:03d}\n"
    yield "Sensor Device:\n"
    yield f"Total {len(sensors)} h/w sensors, {len(sensors)} running 0 disabled clients:\n"
    yield "Sensor List:\n"
    for sensor in sensors:
        yield (
            f"0x{sensor.handle:08x}) {sensor.name:<26}| {sensor.vendor:<16}| ver: 1 | "
            f"type: {sensor.type_name}({sensor.type}) | perm: n/a | flags: 0x{_flags(sensor):08x}\n"
        )
        wake = "wakeUp" if sensor.wake_up else "non-wakeUp"
        if sensor.mode in ("continuous", "on-change"):
            yield f"\t{sensor.mode} | minRate={sensor.min_hz:.2f}Hz | maxRate={sensor.max_hz:.2f}Hz | "
        else:
            yield f"\t{sensor.mode} | maxDelay=0us | minDelay=0us | "
        yield f"FIFO (max,reserved) = (10000, 0) events | {wake} | \n"
    yield f"Fusion States:\n9-axis fusion {_NO_FUSION}game fusion(no mag) {_NO_FUSION}"
    yield "Recent Sensor events:\n"
    for sensor in sensors:
        yield from _events(state, sensor)
    yield "Active sensors:\n"
    listening = _listening(state)
    active = [sensor for sensor in sensors if sensor.type in listening]
    yield from (f"{sensor.name} (handle=0x{sensor.handle:08x}, connections=1)\n" for sensor in active)
    yield "Socket Buffer size = 984 events\nWakeLock Status: not held \nMode : NORMAL\nSensor Privacy: disabled\n"
    yield "0 active connections\n0 direct connections\nPrevious Registrations:\n"


def _events(state: PhoneState, sensor: Sensor) -> Iterator[str]:
    seen = _seen(state, sensor)
    if seen:
        yield f"{sensor.name}: last {len(seen)} events\n"
    for number, (at_s, values) in enumerate(seen, 1):
        moment = state.date(state.clock.now() - at_s)
        wall = f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"
        printed = ", ".join(f"{value:.2f}" for value in values)
        yield f"\t{number:2d} (ts={at_s + _UPTIME_S:.9f}, wall={wall}) {printed}, \n"


def _flags(sensor: Sensor) -> int:
    modes = {"continuous": 0, "on-change": 2, "one-shot": 4, "special-trigger": 6}
    return modes.get(sensor.mode, 0) | int(sensor.wake_up)


def _old_list(state: PhoneState, sensors: Sequence[Sensor]) -> Iterator[str]:
    """The table of Android 5."""
    yield "Sensor List:\n"
    for sensor in sensors:
        seen = _seen(state, sensor)
        last = ",".join(f"{value:5.1f}" for value in (seen[-1][1] if seen else (0.0, 0.0, 0.0)))
        yield (
            f'{sensor.name:<15}| {sensor.vendor:<10}| version=1 |{sensor.type_name:<20}| 0x{sensor.handle:08x} | "" | '
            f"type={sensor.type} | {sensor.mode} | maxRate={sensor.max_hz:.2f}Hz | no batching | "
            f"{'wakeUp' if sensor.wake_up else 'non-wakeUp'} | last=<{last}>\n"
        )
    yield f"9-axis fusion {_NO_FUSION}"
    yield f"{len(sensors)} h/w sensors:\n"
    for sensor in sensors:
        yield f"handle=0x{sensor.handle:08x}, active-count=0, sampling_period(ms)={{}}, selected=0.00 ms\n"
    yield "Active sensors:\n"
    listening = _listening(state)
    active = [sensor for sensor in sensors if sensor.type in listening]
    yield from (f"{sensor.name} (handle=0x{sensor.handle:08x}, connections=1)\n" for sensor in active)
    yield "Socket Buffer size = 984 events\nWakeLock Status: not held\n0 active connections\n"


# -- hands ------------------------------------------------------------------------------------------------------------

_UPS = {
    "face-up": (0.0, 0.0, 1.0),
    "face-down": (0.0, 0.0, -1.0),
    "top-up": (0.0, 1.0, 0.0),
    "top-down": (0.0, -1.0, 0.0),
    "right-up": (1.0, 0.0, 0.0),
    "left-up": (-1.0, 0.0, 0.0),
}
_OPENED = {"open-magnetometer": MAGNETOMETER, "open-pressure": PRESSURE, "open-proximity": PROXIMITY}
#: What each act lets through to which sensor.
_COVERS = {
    "proximity-cover": (PROXIMITY, 0.0),
    "proximity-away": (PROXIMITY, 1.0),
    "proximity-clear": (PROXIMITY, 1.0),
    "light-cover": (LIGHT, 0.0),
    "light-lamp": (LIGHT, 8.0),
    "light-away": (LIGHT, 1.0),
}


def _hand(act: Callable[[PhoneState, str, float], int | None]) -> Hand:
    """A hand that does something to the sensor of the type that `act` names; None for one that always shows.

    A person whom the phone does not react to waits a little and says so.
    """

    async def acted(phone: SimulatedPhone, prompt: str) -> str | None:
        await asyncio.sleep(_REACH_S)
        state = phone.state
        kind = act(state, prompt, state.clock.now())
        if kind is None or kind not in (*state.part(Section).silent, *state.part(Section).stuck):
            return None
        await asyncio.sleep(_PATIENCE_S)
        return "no-reaction"

    return acted


def _pose(state: PhoneState, prompt: str, now: float) -> int | None:
    body(state).ups.append((now, _UPS[prompt.removeprefix("pose-")]))
    return ACCELEROMETER


def _turn(state: PhoneState, prompt: str, now: float) -> int | None:
    body(state).turns.append((now, now + 0.8, "xyz".index(prompt.split("-")[1]), 2.0))
    return GYROSCOPE


def _tumble(state: PhoneState, prompt: str, now: float) -> int | None:
    body(state).tumbles.append((now, now + 30.0))
    return MAGNETOMETER


def _rest(state: PhoneState, prompt: str, now: float) -> int | None:
    body(state).ups.append((now, _UPS["face-up"]))
    return None


def _open(state: PhoneState, prompt: str, now: float) -> int | None:
    if state.part(Section).openers:
        body(state).apps.add(_OPENED[prompt])
    return _OPENED[prompt]


def _cover(state: PhoneState, prompt: str, now: float) -> int | None:
    kind, level = _COVERS[prompt.rstrip("-0123456789")]
    body(state).levels.setdefault(kind, []).append((now, level))
    return kind


SERVICES = {"sensorservice": sensor_service}
HANDS = {
    r"pose-(face|top|right|left)-(up|down)": _hand(_pose),
    r"turn-[xyz](-again)?": _hand(_turn),
    r"gyro-rest|mag-rest": _hand(_rest),
    r"mag-turn": _hand(_tumble),
    r"open-(magnetometer|pressure|proximity)": _hand(_open),
    r"(proximity-(cover|away|clear)|light-(cover|lamp|away))(-[0-9]+)?": _hand(_cover),
}
