"""Sensors, motor, biometrics and panel through their probes, on dumps in the shapes that phones print."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import outputs_screen as out
import pytest
from ports_bench import FakeShell
from probe_bench import Readings, ScriptedBench, ScriptedEvents, ScriptedPerson, result, run, run_on

from drivers.api import CommandResult, InputEvent, InputEvents, NoAnswer, SelfTestPage, Shell, Side
from drivers.text import Words
from probes import vibration
from probes.api import NotApplicable, NotRun, Write
from probes.live import NOTHING_HAPPENED

ACCELEROMETER, MAGNETOMETER, GYROSCOPE, LIGHT, PRESSURE, PROXIMITY = 1, 2, 4, 5, 6, 8
TYPES = {
    ACCELEROMETER: ("BNC220 Accelerometer", "accelerometer", "continuous"),
    MAGNETOMETER: ("BNC31 Magnetometer", "magnetic_field", "continuous"),
    GYROSCOPE: ("BNC220 Gyroscope", "gyroscope", "continuous"),
    LIGHT: ("BNC37 ALS", "light", "on-change"),
    PRESSURE: ("BNC58 Pressure", "pressure", "continuous"),
    PROXIMITY: ("BNC37 PROX", "proximity", "on-change"),
}
POSES = {
    "pose-face-up": (0.02, 0.01, 9.81),
    "pose-face-down": (0.02, 0.01, -9.80),
    "pose-top-up": (0.01, 9.82, 0.02),
    "pose-top-down": (0.01, -9.79, 0.02),
    "pose-right-up": (9.80, 0.02, 0.01),
    "pose-left-up": (-9.81, 0.02, 0.01),
}


@dataclass
class SensorPhone:
    """A phone whose sensor service is asked again and again: each look shows what has happened meanwhile.

    `flowing` sensors give new events at every look; the others only when `change` is called. `told` are the values
    that an on-change sensor had told before anybody looked.
    """

    sensors: Sequence[int]
    listened_to: set[int] = field(default_factory=set)
    flowing: dict[int, Callable[[int], tuple[float, ...]]] = field(default_factory=dict)
    told: Mapping[int, float] = field(default_factory=dict)
    other: dict[str, CommandResult] = field(default_factory=dict)
    clock_s: float = 900.0
    count: int = 0

    def __post_init__(self) -> None:
        self.rings: dict[int, list[tuple[float, tuple[float, ...]]]] = {
            kind: [(500.0, (value, 0.0, 0.0))] for kind, value in self.told.items()
        }

    def change(self, kind: int, *values: float) -> None:
        """One event of that sensor."""
        self.clock_s += 0.05
        self.rings.setdefault(kind, []).append((self.clock_s, values))

    def dump(self) -> str:
        """`dumpsys sensorservice` of Android 10 and later."""
        for kind, value in self.flowing.items():
            for _ in range(10):
                self.count += 1
                self.change(kind, *value(self.count))
        lines = ["Sensor List:"]
        for number, kind in enumerate(self.sensors, 1):
            name, word, mode = TYPES[kind]
            lines += [
                f"0x{number:08x}) {name:<25} | Bench           | ver: 1 | type: android.sensor.{word}({kind}) | "
                "perm: n/a | flags: 0x00000000",
                f"\t{mode} | minRate=1.00Hz | maxRate=100.00Hz | no batching | non-wakeUp | ",
            ]
        lines += ["Fusion States:", "9-axis fusion disabled (0 clients)", "Recent Sensor events:"]
        for kind in self.sensors:
            ring = self.rings.get(kind, [])[-10:]
            lines += [f"{TYPES[kind][0]}: last {len(ring)} events"] if ring else []
            lines += [
                f"\t{at:2} (ts={stamp:.9f}, wall=10:11:12.100) " + "".join(f"{value:.2f}, " for value in values)
                for at, (stamp, values) in enumerate(ring, 1)
            ]
        lines.append("Active sensors:")
        lines += [f"{TYPES[kind][0]} (handle=0x0000000{kind}, connections=1)" for kind in sorted(self.listened_to)]
        return "\n".join([*lines, "Socket Buffer size = 984 events", ""])

    async def run(self, script: str, *, deadline_s: float, limit: int = 0) -> CommandResult:
        await asyncio.sleep(0)
        return result(self.dump()) if script == "dumpsys sensorservice" else self.other[script]

    @asynccontextmanager
    async def show(self, html: bytes, *, deadline_s: float) -> AsyncIterator[None]:
        raise NoAnswer("page", Words("no browser", "没有浏览器"), Side.PHONE, Words("x", "x"))
        yield


@dataclass
class WritingBench(ScriptedBench):
    """A bench that notes what is written to the phone; `answered` is what the shell says to it."""

    written: list[Write] = field(default_factory=list)
    answered: Callable[[Write], CommandResult] = lambda write: result()

    async def write(self, write: Write, *, deadline_s: float = 15.0) -> CommandResult:
        self.written.append(write)
        return self.answered(write)


async def run_sensor(
    probe: str, phone: SensorPhone, acts: Mapping[str, Any], answers: Mapping[str, str] | None = None, **settings: Any
) -> tuple[Readings, WritingBench]:
    given = {"sensorservice": result(phone.dump()), **{name: result(text) for name, text in (answers or {}).items()}}
    bench = WritingBench(given, ScriptedPerson(acts), capabilities={Shell: phone, SelfTestPage: phone})
    async with asyncio.timeout(30):
        return await run_on(probe, bench, **settings), bench


def covers(phone: SensorPhone, kind: int, **acts: float) -> dict[str, Callable[[], None]]:
    """A hand that makes the sensor tell that value at that prompt (`_` for `-`)."""
    return {
        name.replace("_", "-"): lambda value=value: phone.change(kind, value, 0.0, 0.0)  # type: ignore[misc]
        for name, value in acts.items()
    }


# -- proximity --------------------------------------------------------------------------------------------------------

HAND = {f"proximity_{what}_{number}": value for number in (1, 2, 3) for what, value in (("cover", 0.0), ("away", 5.0))}


async def test_a_proximity_sensor_that_is_listened_to_and_sees_no_change_is_tried_and_not_called_dead() -> None:
    phone = SensorPhone([PROXIMITY], listened_to={PROXIMITY}, told={PROXIMITY: 5.0})
    readings, _ = await run_sensor("android.proximity", phone, covers(phone, PROXIMITY, **HAND))
    assert [readings.value(f"proximity_{what}") for what in ("alive", "follows", "returns")] == [True] * 3


async def test_a_proximity_sensor_that_a_hand_does_not_move_is_dead() -> None:
    phone = SensorPhone([PROXIMITY], listened_to={PROXIMITY}, told={PROXIMITY: 5.0})
    readings, _ = await run_sensor("android.proximity", phone, {"proximity-cover-1": NOTHING_HAPPENED})
    assert (readings.value("proximity_alive"), readings.value("proximity_follows")) == (False, False)
    assert "proximity_returns" in readings.unread


async def test_a_proximity_sensor_that_reads_near_at_the_start_is_cleared_first() -> None:
    phone = SensorPhone([PROXIMITY], listened_to={PROXIMITY}, told={PROXIMITY: 0.0})
    acts = covers(phone, PROXIMITY, proximity_clear=5.0, **HAND)
    readings, bench = await run_sensor("android.proximity", phone, acts)
    assert readings.value("proximity_returns") is True
    assert bench.person.order()[0] == "proximity-clear"  # type: ignore[attr-defined]


async def test_a_proximity_sensor_that_stays_near_fails_when_nothing_lies_on_it() -> None:
    phone = SensorPhone([PROXIMITY], listened_to={PROXIMITY}, told={PROXIMITY: 0.0})
    readings, _ = await run_sensor("android.proximity", phone, {"proximity-clear": NOTHING_HAPPENED})
    assert readings.value("proximity_follows") is False
    assert "stays at 0" in readings.measured["proximity_follows"].source


async def test_a_proximity_sensor_that_stays_covered_after_the_hand_has_gone_does_not_return() -> None:
    phone = SensorPhone([PROXIMITY], listened_to={PROXIMITY}, told={PROXIMITY: 5.0})
    acts = covers(phone, PROXIMITY, proximity_cover_1=0.0) | {"proximity-away-1": NOTHING_HAPPENED}
    readings, _ = await run_sensor("android.proximity", phone, acts)
    assert (readings.value("proximity_follows"), readings.value("proximity_returns")) == (True, False)


async def test_a_proximity_sensor_that_never_told_a_value_while_listened_to_is_dead() -> None:
    readings, _ = await run_sensor("android.proximity", SensorPhone([PROXIMITY], listened_to={PROXIMITY}), {})
    assert readings.value("proximity_alive") is False


async def test_a_proximity_sensor_that_nothing_listens_to_is_not_run() -> None:
    phone = SensorPhone([PROXIMITY], told={PROXIMITY: 5.0})
    with pytest.raises(NotRun) as caught:
        await run_sensor("android.proximity", phone, {"open-proximity": NOTHING_HAPPENED})
    assert "listens to the proximity sensor" in caught.value.reason.en


BUILT = "feature:android.hardware.nfc\nfeature:android.hardware.sensor.{}\n"


@pytest.mark.parametrize(
    ("probe", "feature", "prefix"),
    [
        ("android.proximity", "proximity", "proximity"),
        ("android.light", "light", "light"),
        ("android.magnetometer", "compass", "magnetometer"),
        ("android.barometer", "barometer", "pressure"),
        ("android.gyroscope", "gyroscope", "gyroscope"),
    ],
)
async def test_a_sensor_that_is_gone_is_told_from_one_that_the_phone_never_had(
    probe: str, feature: str, prefix: str
) -> None:
    phone = SensorPhone([ACCELEROMETER])
    readings, _ = await run_sensor(probe, phone, {}, {"features": BUILT.format(feature)})
    assert {name: one.value for name, one in readings.measured.items()} == {f"{prefix}_present": False}
    with pytest.raises(NotApplicable) as caught:
        await run_sensor(probe, phone, {}, {"features": BUILT.format("accelerometer")})
    assert "built without" in caught.value.reason.en
    unknown, _ = await run_sensor(probe, phone, {}, {"features": ""})
    assert "does not say whether" in unknown.unread[f"{prefix}_present"].reason.en


# -- light ------------------------------------------------------------------------------------------------------------


async def test_a_light_sensor_in_steady_light_is_tried_and_not_called_dead() -> None:
    phone = SensorPhone([LIGHT], listened_to={LIGHT}, told={LIGHT: 210.0})
    acts = covers(phone, LIGHT, light_cover=3.0, light_away=205.0, light_lamp=2400.0, light_away_2=208.0)
    readings, bench = await run_sensor("android.light", phone, acts, {"brightness-mode": "1\n"})
    assert [readings.value(f"light_{what}") for what in ("alive", "follows", "returns")] == [True] * 3
    assert [readings.value(f"light_{what}") for what in ("start", "covered", "lamp")] == [210, 3, 2400]
    assert not bench.written  # adaptive brightness was on already


async def test_a_light_sensor_that_no_hand_darkens_is_dead() -> None:
    phone = SensorPhone([LIGHT], listened_to={LIGHT}, told={LIGHT: 210.0})
    readings, _ = await run_sensor(
        "android.light", phone, {"light-cover": NOTHING_HAPPENED}, {"brightness-mode": "1\n"}
    )
    assert (readings.value("light_alive"), readings.value("light_follows")) == (False, False)


async def test_a_bench_that_is_too_dark_blames_no_light_sensor() -> None:
    phone = SensorPhone([LIGHT], listened_to={LIGHT}, told={LIGHT: 4.0})
    readings, _ = await run_sensor("android.light", phone, {}, {"brightness-mode": "1\n"})
    assert readings.unread.keys() >= {"light_alive", "light_follows", "light_returns"}
    assert "too dark" in readings.unread["light_alive"].reason.en


@pytest.mark.parametrize(
    ("mode", "undo"),
    [
        ("0\n", "settings put system screen_brightness_mode 0"),
        ("null\n", "settings delete system screen_brightness_mode"),
    ],
)
async def test_adaptive_brightness_goes_back_as_it_was(mode: str, undo: str) -> None:
    phone = SensorPhone([LIGHT], listened_to={LIGHT}, told={LIGHT: 4.0})
    _, bench = await run_sensor("android.light", phone, {}, {"brightness-mode": mode})
    assert [(write.do, write.undo) for write in bench.written] == [
        ("settings put system screen_brightness_mode 1", undo)
    ]


# -- motion -----------------------------------------------------------------------------------------------------------


def poses(phone: SensorPhone, shown: Callable[[tuple[float, float, float]], tuple[float, ...]]) -> dict[str, Any]:
    def put(pose: tuple[float, float, float]) -> None:
        phone.flowing[ACCELEROMETER] = lambda count: shown(pose)

    return {name: lambda pose=pose: put(pose) for name, pose in POSES.items()}


async def test_six_poses_of_a_good_accelerometer_give_its_offset_and_scale() -> None:
    phone = SensorPhone([ACCELEROMETER], listened_to={ACCELEROMETER}, flowing={ACCELEROMETER: lambda at: (1, 1, 1)})
    readings, _ = await run_sensor("android.accelerometer", phone, poses(phone, lambda pose: pose), rest_s=0.3)
    assert readings.value("accelerometer_axes_right") is True
    assert readings.value("accelerometer_norm_error") <= Decimal("0.02")
    assert readings.value("accelerometer_bias") <= Decimal("0.03")
    assert "accelerometer.csv" in readings.evidence


async def test_axes_that_are_swapped_are_named() -> None:
    phone = SensorPhone([ACCELEROMETER], listened_to={ACCELEROMETER}, flowing={ACCELEROMETER: lambda at: (1, 1, 1)})
    acts = poses(phone, lambda pose: (pose[1], pose[0], pose[2]))
    readings, _ = await run_sensor("android.accelerometer", phone, acts, rest_s=0.3)
    assert readings.value("accelerometer_axes_right") is False
    assert readings.value("accelerometer_faults") == ("x: reads y", "y: reads x")


async def test_a_continuous_sensor_that_is_listened_to_and_silent_is_dead_and_the_rest_not_measured() -> None:
    phone = SensorPhone([ACCELEROMETER], listened_to={ACCELEROMETER}, told={ACCELEROMETER: 9.8})
    readings, _ = await run_sensor("android.accelerometer", phone, {}, open_s=0.1)
    assert readings.value("accelerometer_alive") is False
    assert "accelerometer_norm_error" in readings.unread


TURNS = ("turn-z", "turn-x", "turn-y")


def turns(phone: SensorPhone, shown: Callable[[int], tuple[float, ...]]) -> dict[str, Any]:
    """A hand that lays the phone down, then turns it about each axis: `shown(axis)` is what the sensor makes of it."""

    def turn(axis: int) -> None:
        began, rate = phone.count, shown(axis)
        phone.flowing[GYROSCOPE] = lambda at: rate if at - began < 20 else (0.001, 0.0, -0.001)

    def rest() -> None:
        phone.flowing[GYROSCOPE] = lambda at: (0.001, 0.0, -0.001)

    made = {f"turn-{'xyz'[axis]}": lambda axis=axis: turn(axis) for axis in range(3)}
    return {"gyro-rest": rest, **made, **{f"{name}-again": act for name, act in made.items()}}


def about(axis: int, rate: float) -> tuple[float, ...]:
    return tuple(rate if at == axis else 0.0 for at in range(3))


def spinning() -> SensorPhone:
    return SensorPhone([GYROSCOPE], listened_to={GYROSCOPE}, flowing={GYROSCOPE: lambda at: (0.3, 0.2, 0.1)})


async def test_turns_of_a_good_gyroscope_show_on_their_axes_with_their_signs() -> None:
    phone = spinning()
    readings, bench = await run_sensor(
        "android.gyroscope", phone, turns(phone, lambda axis: about(axis, 2.0)), rest_s=0.3
    )
    assert readings.value("gyroscope_turns_right") is True
    assert readings.value("gyroscope_rest") <= Decimal("0.002")
    assert readings.value("gyroscope_noise") == 0
    assert bench.person.order() == ["gyro-rest", *TURNS]  # type: ignore[attr-defined]
    assert "gyroscope.csv" in readings.evidence


@pytest.mark.parametrize(
    ("shown", "faults"),
    [
        (lambda axis: about(axis, -2.0 if axis == 0 else 2.0), ("x: reversed",)),
        (lambda axis: about((1, 0, 2)[axis], 2.0), ("x: shows as +y", "y: shows as +x")),
    ],
    ids=["reversed", "swapped"],
)
async def test_a_turn_that_shows_wrong_twice_is_a_fault_of_its_axis(
    shown: Callable[[int], tuple[float, ...]], faults: tuple[str, ...]
) -> None:
    phone = spinning()
    readings, bench = await run_sensor("android.gyroscope", phone, turns(phone, shown), rest_s=0.3)
    assert readings.value("gyroscope_turns_right") is False
    assert readings.value("gyroscope_faults") == faults
    assert "turn-x-again" in bench.person.order()  # type: ignore[attr-defined]


async def test_a_turn_that_shows_nothing_is_a_dead_axis() -> None:
    phone = spinning()
    acts = turns(phone, lambda axis: about(axis, 2.0)) | {"turn-y": NOTHING_HAPPENED}
    readings, _ = await run_sensor("android.gyroscope", phone, acts, rest_s=0.3)
    assert readings.value("gyroscope_faults") == ("y: dead",)


def in_a_field(phone: SensorPhone, radius: float, offset: tuple[float, float, float]) -> dict[str, Any]:
    """A hand that lays the phone down, then turns it in all directions in such a field."""

    def at(count: int) -> tuple[float, ...]:
        height = 1 - 2 * ((count % 97) + 0.5) / 97
        around, angle = math.sqrt(1 - height * height), count * math.pi * (3 - math.sqrt(5))
        there = (around * math.cos(angle), around * math.sin(angle), height)
        return tuple(radius * one + off for one, off in zip(there, offset, strict=True))

    def turn() -> None:
        phone.flowing[MAGNETOMETER] = at

    def rest() -> None:
        phone.flowing[MAGNETOMETER] = lambda count: (20.0, 3.0 + (count % 2) * 0.2, -40.0)

    return {"mag-rest": rest, "mag-turn": turn}


def compass() -> SensorPhone:
    return SensorPhone([MAGNETOMETER], listened_to={MAGNETOMETER}, flowing={MAGNETOMETER: lambda at: (20, 3, -40)})


async def test_a_phone_turned_in_all_directions_tells_the_field_and_its_hard_iron() -> None:
    phone = compass()
    readings, _ = await run_sensor("android.magnetometer", phone, in_a_field(phone, 48.0, (6.0, -3.0, 2.0)), rest_s=0.3)
    assert abs(readings.value("magnetometer_field") - 48) < Decimal("0.5")
    assert abs(readings.value("magnetometer_hard_iron") - 7) < Decimal("0.5")
    assert Decimal(0) < readings.value("magnetometer_noise") < Decimal("0.3")


async def test_a_magnetised_phone_shows_as_a_large_hard_iron_and_not_as_a_strong_field() -> None:
    phone = compass()
    readings, _ = await run_sensor(
        "android.magnetometer", phone, in_a_field(phone, 45.0, (300.0, 0.0, 0.0)), rest_s=0.3
    )
    assert abs(readings.value("magnetometer_field") - 45) < 2
    assert readings.value("magnetometer_hard_iron") > 290


async def test_a_phone_that_was_not_turned_tells_no_field() -> None:
    phone = compass()
    acts = in_a_field(phone, 48.0, (0.0, 0.0, 0.0)) | {"mag-turn": NOTHING_HAPPENED}
    readings, _ = await run_sensor("android.magnetometer", phone, acts, rest_s=0.3)
    assert {"magnetometer_field", "magnetometer_hard_iron"} <= readings.unread.keys()
    assert "turned" in readings.unread["magnetometer_field"].reason.en


@pytest.mark.parametrize(("drift", "wanted"), [(0.0, Decimal(0)), (0.5, None)])
async def test_air_pressure_is_the_mean_and_its_drift_that_of_the_halves(drift: float, wanted: Decimal | None) -> None:
    phone = SensorPhone([PRESSURE], listened_to={PRESSURE}, flowing={PRESSURE: lambda at: (1000.0 + drift * at, 0, 0)})
    readings, _ = await run_sensor("android.barometer", phone, {}, watch_s=1.0)
    assert readings.value("barometer_pressure") >= 1000
    assert readings.value("barometer_drift") == wanted if wanted is not None else readings.value("barometer_drift") > 3


async def test_two_sensors_of_one_name_are_not_told_apart() -> None:
    phone = SensorPhone([LIGHT, PROXIMITY], listened_to={PROXIMITY}, told={PROXIMITY: 5.0})
    dump = phone.dump
    phone.dump = lambda: re.sub("BNC37 (ALS|PROX)", "BNC37", dump())  # type: ignore[method-assign]
    with pytest.raises(NotRun) as caught:
        await run_sensor("android.proximity", phone, {})
    assert "several sensors as “BNC37”" in caught.value.reason.en


# -- cover and hinge --------------------------------------------------------------------------------------------------

COVER = """\
add device 1: /dev/input/event4
  name:     "hall_switch"
  events:
    SW  (0005): SW_LID
"""


async def test_a_cover_switch_closes_and_opens() -> None:
    events = ScriptedEvents(COVER)

    def lid(value: int) -> Callable[[], None]:
        return lambda: events._queue.put_nowait(InputEvent(100.0 + value, "/dev/input/event4", 5, 0, value))

    person = ScriptedPerson({"hall-magnet": lid(1), "hall-away": lid(0)})
    readings = await run_on("android.hall", ScriptedBench({}, person, capabilities={InputEvents: events}))
    assert (readings.value("hall_follows"), readings.value("hall_returns")) == (True, True)


async def test_a_magnet_that_moves_nothing_fails_the_cover_switch() -> None:
    person = ScriptedPerson({"hall-magnet": NOTHING_HAPPENED})
    bench = ScriptedBench({}, person, capabilities={InputEvents: ScriptedEvents(COVER)})
    assert (await run_on("android.hall", bench)).value("hall_follows") is False


async def test_a_phone_without_a_cover_switch_is_not_asked_for_a_magnet() -> None:
    listing = COVER.replace("SW_LID", "SW_HEADPHONE_INSERT")
    with pytest.raises(NotApplicable):
        await run_on("android.hall", ScriptedBench({}, capabilities={InputEvents: ScriptedEvents(listing)}))


NO_STATES = "Can't find service: device_state\n"
HINGE = "feature:android.hardware.sensor.hinge_angle\n"
FLAT = "feature:android.hardware.touchscreen\n"


class Hinge:
    """A phone that folds: its device state is what hands made of it last."""

    def __init__(self) -> None:
        self.now = "OPENED"

    def says(self, script: str) -> str:
        return out.DEVICE_STATE.replace("name='OPENED'", f"name='{self.now}'", 2)

    def to(self, state: str) -> Callable[[], None]:
        return lambda: setattr(self, "now", state)


async def fold(hinge: Hinge, hands: Mapping[str, Any]) -> Readings:
    bench = ScriptedBench(
        {"device-state": result(hinge.says(""))}, ScriptedPerson(hands), capabilities={Shell: FakeShell(hinge.says)}
    )
    return await run_on("android.fold", bench)


async def test_a_hinge_that_is_moved_and_moved_back_is_followed() -> None:
    hinge = Hinge()
    readings = await fold(hinge, {"fold-move": hinge.to("CLOSED"), "fold-back": hinge.to("OPENED")})
    assert (readings.value("fold_follows"), readings.value("fold_returns")) == (True, True)
    assert readings.value("fold_seen") == ("OPENED", "CLOSED")
    assert readings.value("fold_states") == ("OPENED", "CLOSED")


async def test_a_hinge_that_stays_where_it_was_moved_to_does_not_return() -> None:
    hinge = Hinge()
    readings = await fold(hinge, {"fold-move": hinge.to("CLOSED"), "fold-back": NOTHING_HAPPENED})
    assert (readings.value("fold_follows"), readings.value("fold_returns")) == (True, False)


async def test_a_hinge_whose_state_never_changes_fails_and_says_nothing_of_the_way_back() -> None:
    readings = await fold(Hinge(), {"fold-move": NOTHING_HAPPENED})
    assert readings.value("fold_follows") is False
    assert "fold_returns" in readings.unread


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (NO_STATES, "built without a hinge"),
        (
            out.DEVICE_STATE.replace("  DeviceState{identifier=0, name='CLOSED', app_accessible=true},\n", ""),
            "not fold",
        ),
    ],
    ids=["Android 11 and older", "one state alone"],
)
async def test_a_phone_without_a_hinge_is_not_asked_to_fold(states: str, words: str) -> None:
    with pytest.raises(NotApplicable, match=words):
        await run("android.fold", {"device-state": states, "features": FLAT})


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (HINGE, "built with a hinge"),
        ("feature:com.huawei.hardware.sensor.posture\n", "built with a hinge"),
        ("", "no such service"),
    ],
    ids=["declared by Android 11", "declared by a maker", "features are not told"],
)
async def test_without_a_folded_state_a_hinge_is_only_ruled_out_by_what_the_phone_declares(
    features: str, words: str
) -> None:
    readings = await run("android.fold", {"device-state": NO_STATES, "features": features})
    assert words in readings.unread["fold_follows"].reason.en


# -- vibration --------------------------------------------------------------------------------------------------------


async def vibrate(
    count: Callable[[int], str], answers: Mapping[str, str], written: CommandResult | None = None
) -> tuple[Readings, WritingBench]:
    """A person who answers `count` of the number of buzzes that were played last."""
    phone = SensorPhone([])
    given = {name: result(text) for name, text in answers.items()}

    class Counting(ScriptedPerson):
        async def ask(self, prompt: Any) -> Any:
            played = re.match(r"for n in ([1 ]+);", bench.written[-1].do)
            self.acts = {prompt.id: count(len(played[1].split()) if played else 1)}
            return await super().ask(prompt)

    bench = WritingBench(
        given, Counting({}), capabilities={Shell: phone, SelfTestPage: phone}, answered=lambda _: written or result()
    )
    return await run_on("android.vibration", bench, felt=False), bench


PROPS = "[ro.build.version.sdk]: [{sdk}]\n"
MANAGER = {"vibrators": "0\n", "getprop": PROPS.format(sdk=33)}


@pytest.mark.parametrize("typed", ["{}", " {} ", "full-width"])
async def test_whoever_counts_the_buzzes_rightly_passes_the_motor(typed: str) -> None:
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    readings, bench = await vibrate(
        lambda times: str(times).translate(wide) if typed == "full-width" else typed.format(times), MANAGER
    )
    assert readings.value("vibration_counted") is True
    assert bench.written[0].undo == "cmd vibrator_manager cancel"


async def test_a_wrong_count_is_neither_pass_nor_fail() -> None:
    readings, bench = await vibrate(lambda times: str(times + 1), MANAGER)
    assert "vibration_counted" in readings.unread
    assert len(bench.written) == 2  # a second try, with a number of its own


async def test_nothing_felt_twice_is_a_dead_motor() -> None:
    readings, _ = await vibrate(lambda times: "0", MANAGER)
    assert readings.value("vibration_counted") is False


@pytest.mark.parametrize(
    ("setting", "sdk", "why"),
    [
        ("vibrate_on=0", 33, "touch feedback is switched off"),
        ("haptic_feedback_enabled=0", 33, "touch feedback is switched off"),
        ("haptic_feedback_intensity=0", 33, "touch feedback is switched off"),
        ("low_power=1", 33, "battery saver"),
        ("haptic_feedback_enabled=0", 28, None),  # Android 9 asks nobody about touch feedback
        ("zen_mode=1", 33, None),  # the command overrides it
        ("vibrate_on=null", 33, None),
    ],
)
async def test_a_setting_that_keeps_vibrations_back_is_no_dead_motor(setting: str, sdk: int, why: str | None) -> None:
    phone = MANAGER | {"getprop": PROPS.format(sdk=sdk), "haptics": f"{setting}\n"}
    readings, _ = await vibrate(lambda times: "0", phone)
    if why is None:
        assert readings.value("vibration_counted") is False
    else:
        assert why in readings.unread["vibration_counted"].reason.en
    counted, _ = await vibrate(str, phone)
    assert counted.value("vibration_counted") is True  # whoever felt them all the same is believed


async def test_a_phone_that_says_it_is_not_to_be_disturbed_is_not_run() -> None:
    old = {"vibrator": out.VIBRATOR, "getprop": PROPS.format(sdk=27)}
    said = result("Ignoring because device is on DND mode ZEN_MODE_IMPORTANT_INTERRUPTIONS\n")
    with pytest.raises(NotRun, match="do not disturb"):
        await vibrate(str, old, said)


async def test_before_android_12_the_old_command_plays_and_before_8_none_does() -> None:
    old = {"vibrator": out.VIBRATOR, "getprop": PROPS.format(sdk=27)}
    _, bench = await vibrate(str, old)
    assert "cmd vibrator vibrate 250 assay" in bench.written[0].do
    assert bench.written[0].undo == ":"  # Android 8 and 9 have no `cancel`: an undo by it would be owed for ever
    _, bench = await vibrate(str, {"vibrator": out.VIBRATOR, "getprop": PROPS.format(sdk=29)})
    assert ("vibrate -f 250" in bench.written[0].do, bench.written[0].undo) == (True, "cmd vibrator cancel")
    with pytest.raises(NotRun) as caught:
        await vibrate(str, {"vibrator": out.VIBRATOR_OLD, "getprop": PROPS.format(sdk=25)})
    assert "before Android 8" in caught.value.reason.en


async def test_a_phone_that_refuses_to_vibrate_is_not_run() -> None:
    refused = result(stderr="java.lang.SecurityException: Requires android.permission.VIBRATE\n", exit_code=255)
    with pytest.raises(NotRun) as caught:
        await vibrate(str, MANAGER, refused)
    assert "android.permission.VIBRATE" in caught.value.reason.en


async def test_a_manager_without_motors_lists_none() -> None:
    readings, _ = await vibrate(str, {"vibrators": "", "getprop": PROPS.format(sdk=33)})
    assert readings.value("vibration_present") is False


async def test_a_buzz_that_begins_late_is_still_felt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vibration, "LONG_MS", 300)
    shaking = False

    def shown(count: int) -> tuple[float, float, float]:
        return (0.01 * (count % 2), 0.0, 9.81 + (2.0 * (count % 2) if shaking else 0.0))

    phone = SensorPhone([ACCELEROMETER], listened_to={ACCELEROMETER}, flowing={ACCELEROMETER: shown})

    @dataclass
    class SlowBench(WritingBench):
        async def write(self, write: Write, *, deadline_s: float = 15.0) -> CommandResult:
            nonlocal shaking
            await asyncio.sleep(0.8)  # the consent, the journal and the cable, longer than the buzz
            shaking = True
            await asyncio.sleep(0.3)
            shaking = False
            return await WritingBench.write(self, write)

    given = {name: result(text) for name, text in MANAGER.items()} | {"sensorservice": result(phone.dump())}
    person = ScriptedPerson({"buzz-count-1": "99", "buzz-count-2": "99"})
    bench = SlowBench(given, person, capabilities={Shell: phone, SelfTestPage: phone})
    async with asyncio.timeout(30):
        readings = await run_on("android.vibration", bench)
    assert readings.value("vibration_ratio") > 3


# -- biometrics -------------------------------------------------------------------------------------------------------


def prints(accept: int, reject: int = 0, acquire: int = 0, enrolled: int = 1) -> str:
    return (
        'Dumping for sensorId: 0, provider: FingerprintProvider\n{"service":"FingerprintProvider\\/default","prints":'
        f'[{{"id":0,"count":{enrolled},"accept":{accept},"reject":{reject},"acquire":{acquire},"lockout":0,'
        '"permanentLockout":0}]}\nHAL deaths since last reboot: 0\n'
    )


async def biometric(before: str, after: str, act: Any = lambda: None, *, sdk: int = 34) -> Readings:
    phone = SensorPhone([], other={"dumpsys fingerprint": result(after)})
    bench = ScriptedBench(
        {
            "fingerprint": result(before),
            "getprop": result(f"[ro.build.version.sdk]: [{sdk}]\n"),
            "pm-features": result("feature:android.hardware.fingerprint\nfeature:android.hardware.nfc\n"),
        },
        ScriptedPerson({"biometric-use": act}),
        capabilities={Shell: phone},
    )
    async with asyncio.timeout(10):
        return await run_on("android.biometrics", bench)


async def test_a_finger_that_is_accepted_moves_the_counter() -> None:
    readings = await biometric(prints(9, acquire=12), prints(10, acquire=14))
    assert (readings.value("biometric_moves"), readings.value("biometric_accepts")) == (True, True)


async def test_five_rejected_tries_show_a_sensor_that_reacts_and_does_not_accept() -> None:
    readings = await biometric(prints(9), prints(9, reject=5))
    assert (readings.value("biometric_moves"), readings.value("biometric_accepts")) == (True, False)


async def test_a_pin_moves_no_counter_and_so_passes_nothing() -> None:
    readings = await biometric(prints(9), prints(9), NOTHING_HAPPENED)
    assert (readings.value("biometric_moves"), readings.value("biometric_accepts")) == (False, False)


async def test_without_an_enrolled_finger_the_sensor_is_not_judged() -> None:
    readings = await biometric(prints(0, enrolled=0), prints(0, enrolled=0))
    assert readings.value("biometric_present") is True
    assert "enrol one" in readings.unread["biometric_accepts"].reason.en


async def test_a_service_that_starts_anew_and_counts_from_zero_accepts_nothing_by_it() -> None:
    readings = await biometric(prints(9), prints(2), NOTHING_HAPPENED)
    assert readings.value("biometric_accepts") is False


async def test_a_declared_sensor_whose_service_has_none_is_missing_and_a_refused_dump_is_unread() -> None:
    assert (await biometric("\n", "")).value("biometric_present") is False
    assert "printed nothing" in (await biometric("\n", "", sdk=29)).unread["biometric_present"].reason.en
    refused = await biometric("Permission Denial: can't dump Fingerprint from pid=1, uid=2000\n", "")
    assert "refused" in refused.unread["biometric_present"].reason.en


# -- panel ------------------------------------------------------------------------------------------------------------

WM = "Physical size: 1200x2640\nPhysical density: 440\n"


async def test_the_panel_is_told_with_its_rates_and_as_made() -> None:
    readings = await run(
        "android.display-facts", {"display": out.DISPLAY, "surfaceflinger": out.FLINGER_NAMED, "wm": WM}
    )
    assert readings.value("display_resolution") == "1200x2640"
    assert readings.value("display_fastest") == Decimal("90.0")
    assert readings.value("display_hdr") == ("HDR10", "HLG")
    assert readings.value("display_as_made") is True


@pytest.mark.parametrize("by_hand", ["Override size: 720x1584\n", "Override density: 320\n"])
async def test_a_size_that_somebody_has_set_is_not_as_made(by_hand: str) -> None:
    assert (await run("android.display-facts", {"display": out.DISPLAY, "wm": WM + by_hand})).value(
        "display_as_made"
    ) is False


async def test_a_screen_that_is_cast_to_is_none_of_the_phones() -> None:
    cast = '  DisplayDeviceInfo{"scrcpy": uniqueId="virtual:a", 720 x 1600, touch NONE, type VIRTUAL, state ON}\n'
    dump = out.DISPLAY.replace("Display Devices: size=1\n", f"Display Devices: size=2\n{cast}")
    readings = await run("android.display-facts", {"display": dump, "wm": WM})
    assert (readings.value("display_resolution"), readings.value("display_panels")) == ("1200x2640", 1)


async def test_an_override_that_equals_the_panel_is_as_made() -> None:
    wm = WM + "Override size: 1200x2640\nOverride density: 440\n"
    assert (await run("android.display-facts", {"display": out.DISPLAY, "wm": wm})).value("display_as_made") is True


async def test_where_the_display_service_says_nothing_surfaceflinger_stands_in() -> None:
    answers: dict[str, str | bytes | CommandResult] = {"display": "x\n", "surfaceflinger": out.FLINGER_POSITIONAL}
    readings = await run("android.display-facts", answers)
    assert readings.value("display_resolution") == "720x1280"
    assert "display_as_made" in readings.unread
