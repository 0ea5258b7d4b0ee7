"""Following one sensor live through the sensor service's dump, and getting somebody to hold it open.

A sensor gives values only while something on the phone listens to it: auto-rotate, adaptive brightness, a page of ours
in the phone's browser, an app or a service menu that a person opens. Nothing here opens a sensor by force. Android 7
and later print events with their time; before that only the last values are there. Knows no limit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack

from drivers.api import Command, NoAnswer, Refused, SelfTestPage, Shell, Unsupported
from drivers.text import Words
from probes.answers import hear_apart, why_nothing
from probes.apart import apart
from probes.api import Bench, Measurement, NotApplicable, NotRun, Reading, Unread
from probes.captured import raw_lines
from probes.inertia import Vector
from probes.live import seen_by_the_phone
from probes.sensor_events import Sample, SensorLog, sensor_log
from probes.sensors import SENSOR_TYPES, Sensor, sensorservice
from probes.telephony import READ_FEATURES, features_of

__all__ = ["PAGE", "READ", "SensorWatch", "dead", "listed", "opened", "presence", "window"]

READ = Command("sensorservice", "dumpsys sensorservice", timeout_s=10.0, limit=2 * 1024 * 1024)
#: Seconds between two looks: a look costs the phone some 25 ms, and a ring of ten events at 60 Hz holds 0.17 s.
POLL_S = 0.12
#: Seconds to wait for a first event of a sensor that may be on: slower than any auto-rotate (15 Hz) or light sensor.
LISTEN_S = 1.5
_LOOK_S = 15.0
_MOST_SAMPLES = 4096

#: Sensors that a page of ours can hold: DeviceMotion listens to accelerometer and gyroscope, the absolute orientation
#: to the magnetometer where Android fuses it in software (W3C DeviceOrientation, Generic Sensor).
ON_PAGE: frozenset[Sensor] = frozenset({"accelerometer", "gyroscope", "magnetometer"})
#: Sensors that tell a value when somebody begins to listen and then only changes (AOSP, reporting modes of sensors):
#: that they are silent while nothing moves says nothing of them.
ON_CHANGE: frozenset[Sensor] = frozenset({"light", "proximity"})

PAGE = """<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><title>Assay</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<style>html,body{margin:0;height:100%;background:#000;color:#fff;font:6vmin/1.6 sans-serif;text-align:center}
p{padding:35vh 8vw 0}</style></head><body>
<p>传感器检测中，请保持此页面打开<br>Testing sensors, leave this page open</p>
<script>
"use strict";
const hold=()=>{
  addEventListener("devicemotion",()=>{});
  addEventListener("deviceorientationabsolute",()=>{});
  try{if("AbsoluteOrientationSensor" in self)new AbsoluteOrientationSensor({frequency:60}).start();}catch(e){}
};
const ask=self.DeviceMotionEvent&&DeviceMotionEvent.requestPermission;
if(ask)addEventListener("click",()=>ask.call(DeviceMotionEvent).then(hold,()=>{}),{once:true});
hold();
if(navigator.wakeLock)navigator.wakeLock.request("screen").catch(()=>{});
</script></body></html>
""".encode()

#: android.content.pm.PackageManager.FEATURE_SENSOR_*, where it has another name than the sensor.
_FEATURES: dict[Sensor, str] = {"magnetometer": "compass", "pressure": "barometer"}
_NAMES: dict[Sensor, Words] = {
    "accelerometer": Words("accelerometer", "加速度计"),
    "gyroscope": Words("gyroscope", "陀螺仪"),
    "magnetometer": Words("magnetometer", "磁力计"),
    "pressure": Words("barometer", "气压计"),
    "light": Words("light sensor", "光线传感器"),
    "proximity": Words("proximity sensor", "距离传感器"),
}
_OPEN = Words("Open something on the phone that uses the {sensor}", "请在手机上打开会使用{sensor}的功能")
_OPENERS: dict[Sensor, Words] = {
    "magnetometer": Words("a compass app", "指南针应用"),
    "pressure": Words("a barometer or altimeter app", "气压计或海拔应用"),
    "proximity": Words("a call, for example to voicemail", "拨打电话，例如语音信箱"),
    "light": Words("adaptive brightness in the display settings", "显示设置中的自动亮度"),
}
_MENU = Words(
    "Or the service menu, in the dialler: Samsung *#0*#, Xiaomi *#*#6484#*#*, OPPO *#808#, Motorola *#*#2486#*#*",
    "或拨号盘输入工程码：三星 *#0*#、小米 *#*#6484#*#*、OPPO *#808#、摩托罗拉 *#*#2486#*#*",
)
_FOR_EXAMPLE = Words("For example: {what}", "例如：{what}")
_NOT_HELD = Words(
    "nothing on the phone listens to the {sensor}, so it gives no values. Open an app or the service menu that uses "
    "it, then run this again",
    "手机上没有程序在使用{sensor}，因此没有数据。请打开使用它的应用或工程菜单后重测",
)
_SHARED_NAME = Words(
    "the phone lists several sensors as “{name}” and prints their values under that name alone",
    "手机列出多个名为“{name}”的传感器，数据无法区分",
)
_MASKED = Words("the phone hides the values of “{name}”", "手机隐藏了“{name}”的数据")
_BUILT_WITHOUT = Words(
    "this phone was built without a {sensor}: it neither lists one nor declares the feature",
    "此手机出厂即无{sensor}：未列出，也未声明该功能",
)
_BUILT_WITH = Words(
    "the phone lists no {sensor} and does not say whether it was built with one (pm list features)",
    "手机未列出{sensor}，也无法得知出厂时是否配备",
)
_GONE = Words("the phone stopped listing its sensors: {why}", "手机不再列出传感器：{why}")


async def presence(bench: Bench, sensor: Sensor) -> tuple[Reading, bool]:
    """Whether a sensor that the phone was built with is listed, and whether there is any use in going on.

    Wants the reads `READ` and `READ_FEATURES`. Raises `NotApplicable` for a phone that was built without it.
    """
    there, go_on = await listed(bench, sensor)
    if go_on or isinstance(there, Unread):
        return there, go_on
    features = await apart(features_of, bench.answer(READ_FEATURES.name).stdout)
    if not features:
        return Unread(f"{sensor}_present", _BUILT_WITH.fill(sensor=_NAMES[sensor]), READ_FEATURES.script), False
    if f"android.hardware.sensor.{_FEATURES.get(sensor, sensor)}" not in features:
        raise NotApplicable(_BUILT_WITHOUT.fill(sensor=_NAMES[sensor]))
    return there, False


async def listed(bench: Bench, sensor: Sensor) -> tuple[Reading, bool]:
    """Whether the phone lists that sensor now, and whether there is any use in going on."""
    said = await hear_apart(bench, READ, sensorservice)
    name, fact = f"{sensor}_present", said.get(sensor)
    if fact is None:
        return Unread(name, said.reason(sensor), said.source), False
    return Measurement(name, fact != "absent", f"{said.source}: {fact}"), fact != "absent"


def _log_of(data: bytes) -> SensorLog:
    return sensor_log(raw_lines(data))


class SensorWatch:
    """One sensor of one phone, looked at again and again.

    Attributes:
        samples: the newest samples, oldest first.
        last: the newest event that the phone printed, also one of before the first look; None where it printed none.
        listened_to: whether somebody listens to the sensor, as of the last look.
        timed: whether the phone prints when each event was.
    """

    def __init__(self, shell: Shell, sensor: Sensor) -> None:
        self.sensor = sensor
        self.samples: deque[Sample] = deque(maxlen=_MOST_SAMPLES)
        self.last: Sample | None = None
        self.listened_to = False
        self.timed = True
        self._shell, self._last_s, self._looked = shell, -1.0, False

    @property
    def words(self) -> Words:
        """What people call it."""
        return _NAMES[self.sensor]

    async def look(self) -> list[Sample]:
        """What is new since the last look; the first look gives nothing, for its events may be old.

        Raises the link's DriverError, and NotRun where the values can't be had or told apart.
        """
        result = await self._shell.run(READ.script, deadline_s=_LOOK_S, limit=READ.limit)
        if result.failure is not None:
            raise result.failure
        log = await apart(_log_of, result.stdout)
        name = log.name_of(SENSOR_TYPES[self.sensor])
        if name is None:
            raise NotRun(_GONE.fill(why=why_nothing(result)))
        if name in log.unclear:
            raise NotRun(_SHARED_NAME.fill(name=name))
        if name in log.masked:
            raise NotRun(_MASKED.fill(name=name))
        return self._new(log, name)

    def _new(self, log: SensorLog, name: str) -> list[Sample]:
        self.listened_to = name in log.active
        found = log.samples.get(name, [])
        self.last = found[-1] if found else self.last
        self.timed = not found or found[-1].time_s is not None
        fresh = [one for one in found if one.time_s is not None and one.time_s > self._last_s]
        if not self.timed:
            fresh = found[-1:] if self.listened_to else []
        elif fresh:
            self._last_s = fresh[-1].time_s or 0.0
        if not self._looked:
            self._looked = True
            return []
        self.samples.extend(fresh)
        return fresh

    async def until_flowing(self) -> bool:
        """Wait for new events; True when they come."""
        while True:
            if await self.look():
                return True
            await asyncio.sleep(POLL_S)

    async def flows(self, within_s: float = LISTEN_S) -> bool:
        """Whether new events come within that time."""
        try:
            async with asyncio.timeout(within_s):
                return await self.until_flowing()
        except TimeoutError:
            return False


def window(samples: Iterable[Sample], seconds: float) -> list[Vector]:
    """The values of the last `seconds`; all of them where no times are printed. Fewer than three values are padded."""
    kept = list(samples)
    end = kept[-1].time_s if kept else None
    if end is not None:
        kept = [one for one in kept if one.time_s is not None and end - one.time_s <= seconds]
    return [(*one.values, 0.0, 0.0, 0.0)[:3] for one in kept]


async def opened(
    bench: Bench, stack: AsyncExitStack, watch: SensorWatch, *, open_s: float, timeout_s: float, ask: bool = True
) -> bool:
    """See to it that the sensor gives values, until `stack` is closed; False when it is listened to and stays silent.

    What listens already is used, then a page in the phone's browser, then a person if `ask`. A sensor of `ON_CHANGE`
    that is listened to and has told a value (`SensorWatch.last`) is open too. Raises NotRun when nothing on the phone
    listens to it.
    """
    await watch.look()
    if await watch.flows():
        return True
    if watch.sensor in ON_PAGE and await _on_page(bench, stack, open_s) and await watch.flows():
        return True
    if watch.listened_to:
        return _waits_for_a_change(watch)
    if not ask:
        raise NotRun(_NOT_HELD.fill(sensor=watch.words))
    opener = _OPENERS.get(watch.sensor)
    steps = (_FOR_EXAMPLE.fill(what=opener), _MENU) if opener else (_MENU,)
    title = _OPEN.fill(sensor=watch.words)
    asked = f"open-{watch.sensor}"
    if await seen_by_the_phone(bench.person, asked, title, watch.until_flowing(), steps=steps, timeout_s=timeout_s):
        return True
    if not watch.listened_to:
        raise NotRun(_NOT_HELD.fill(sensor=watch.words))
    return _waits_for_a_change(watch)


def _waits_for_a_change(watch: SensorWatch) -> bool:
    return watch.sensor in ON_CHANGE and watch.last is not None


async def _on_page(bench: Bench, stack: AsyncExitStack, open_s: float) -> bool:
    """Whether our page is open; a phone without a browser is no trouble here, a broken link is."""
    try:
        browser = bench.capability(SelfTestPage)  # type: ignore[type-abstract]  # a protocol names the capability
        await stack.enter_async_context(browser.show(PAGE, deadline_s=open_s))
    except (Refused, NoAnswer, Unsupported):
        return False
    return True


def dead(watch: SensorWatch, prefix: str, others: Sequence[str]) -> list[Reading]:
    """What is said of a sensor that is listened to and gives no event: it is not alive, the rest is not measured."""
    reason = Words("the {sensor} gives no values", "{sensor}没有数据").fill(sensor=watch.words)
    readings: list[Reading] = [Measurement(f"{prefix}_alive", False, f"{READ.script}: listened to, no event")]
    return readings + [Unread(name, reason, READ.script) for name in others]
