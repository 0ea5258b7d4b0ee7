"""Whether the flash lights: pictures are taken with it, a person counts the flashes, EXIF says how often it was fired.

How many there will be is chosen by chance and shown nowhere, so that only who looked can answer. Stands on the camera
app as `probes.shutter` drives it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from decimal import Decimal

from drivers.api import Files, Shell
from drivers.text import Words
from probes.answers import hear_apart
from probes.api import (
    Bench,
    Choice,
    Measurement,
    NotApplicable,
    NotRun,
    Prompt,
    PromptKind,
    Reading,
    probe,
)
from probes.cameras import READ_CAMERA, media_camera
from probes.picture import Picture
from probes.shutter import Shutter
from probes.units import FLAG

__all__ = ["flash"]

#: How often it flashes is drawn from one to this many: who did not look guesses right one time in four.
_MOST = 4
#: Seconds between two of them, in which a flash charges and an eye rests.
_REST_S = 1.5

_NO_FLASH = Words("the phone says that none of its cameras has a flash", "手机声明其摄像头均无闪光灯")
_NO_BACK = Words(
    "the camera service lists no back camera, whose flash it would be; see the check “Cameras” first",
    "相机服务未列出后置摄像头，无法得知其闪光灯；请先看“摄像头”检测",
)
_SET_ON = Words("Set the flash of the camera app to “on”", "请将相机应用的闪光灯设为“开启”")
_SET_STEPS = (
    Words("“On”, not “auto”; the sign is a lightning without A", "选“开启”而非“自动”；图标为不带 A 的闪电"),
    Words("Then watch the flash and count how often it lights", "随后注视闪光灯，数出闪光次数"),
)
_IS_SET = Words("It is on, and I am watching", "已开启，正在注视")
_COUNT = Words("How many pictures did the flash light for?", "拍几张照片时闪光灯亮了？")
_COUNT_STEPS = (Words("Flickers right before a picture belong to it", "拍照前的短暂预闪与该次合计为一次"),)
_NOT_FIRED = Words(
    "the camera app took its pictures without the flash; set it to “on” and run this again",
    "相机应用拍照时未使用闪光灯；请设为“开启”后重测",
)


@probe(
    "android.flash",
    needs=(Shell, Files),
    reads=(READ_CAMERA,),
    measures={"flash_seen": FLAG, "flashes_fired": "1", "flashes_counted": "1"},
    names={
        "flash_seen": Words("flash seen", "看到闪光"),
        "flashes_fired": Words("flashes, EXIF", "闪光次数（EXIF）"),
        "flashes_counted": Words("flashes, counted", "闪光次数（目测）"),
    },
    asks=True,
    writes=Words("opens the camera app, takes pictures and removes them", "打开相机应用拍照，随后删除照片"),
)
async def flash(
    bench: Bench, *, count: int = 0, wait_s: float = 6.0, timeout_s: float = 180.0
) -> AsyncIterator[Reading]:
    """The flash fired a number of times that nobody is told, and counted by a person.

    Settings: `count`, how many times, 0 for a number by chance from 1 to 4; `wait_s`, seconds until a picture must be
    there; `timeout_s`, seconds for a person.
    """
    said = await hear_apart(bench, READ_CAMERA, media_camera)
    cameras = said.get("inventory") or ()
    if any(one.get("flash") is not None for one in cameras) and not any(one.get("flash") for one in cameras):
        # The flash is told with its camera: of a camera that died and is listed no more nothing is known.
        if any(one.get("facing") == "back" for one in cameras):
            raise NotApplicable(_NO_FLASH)
        raise NotRun(_NO_BACK)
    shutter = Shutter(bench, wait_s=wait_s, timeout_s=timeout_s)
    await shutter.open("back")
    ready = Prompt("flash-on", PromptKind.CHOICE, _SET_ON, _SET_STEPS, (Choice("on", _IS_SET, "1"),), timeout_s)
    await bench.person.ask(ready)
    wanted = count or random.SystemRandom().randint(1, _MOST)
    fired = 0
    for _ in range(wanted):
        taken = await shutter.shoot("back", by_hand=False)
        if not isinstance(taken, Picture):
            raise NotRun(taken.reason)
        if taken.flash_fired is False:
            raise NotRun(_NOT_FIRED)
        fired += bool(taken.flash_fired)
        await asyncio.sleep(_REST_S)
    choices = tuple(Choice(str(number), Words(str(number), str(number)), str(number)) for number in range(_MOST + 1))
    told = await bench.person.ask(Prompt("flash-count", PromptKind.CHOICE, _COUNT, _COUNT_STEPS, choices, timeout_s))
    yield Measurement("flashes_fired", Decimal(fired), "EXIF: Flash")
    yield Measurement("flashes_counted", Decimal(int(told.value)), f"person {told.person}")
    yield Measurement("flash_seen", int(told.value) == wanted, f"person {told.person}: counted, not told how many")
