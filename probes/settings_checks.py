"""Settings that look like faults: aeroplane mode, power saving, a dark screen, do not disturb, zoom, swapped colours.

Stands on `settings list`, one line a setting (Android 7), as AOSP's settings providers name them, and where that says
nothing on the provider itself (`content query`, since Android 4.2). A setting that the phone does not have is off; a
phone that lists nothing is not read. What a setting explains is for people to see.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from drivers.api import Command, Shell
from drivers.text import Words
from probes import getprop
from probes.answers import Heard, hear_apart, hear_live_apart, hear_second_apart
from probes.apart import apart
from probes.api import Bench, Measurement, Parsed, Reading, Unread, parser, probe
from probes.captured import decimal, raw_lines
from probes.units import FLAG, LIST

__all__ = ["settings_check", "settings_list", "settings_rows"]

_SPACES = ("global", "system", "secure")
READS = tuple(
    Command(f"settings-{space}", f"settings list {space}", timeout_s=10.0, limit=512 * 1024) for space in _SPACES
)
_NAME = re.compile(r"[A-Za-z][\w.\-/]{0,120}", re.ASCII)


@parser("settings_list")
def settings_list(data: bytes) -> Parsed:
    """`settings list NAMESPACE`: every `name=value`, the first of a name counts; `null` is no value."""
    parsed = Parsed()
    for line in raw_lines(data):
        name, equals, value = line.strip().partition("=")
        if equals and _NAME.fullmatch(name) and value != "null":
            parsed.facts.setdefault(name, value)
    return parsed


_ROW = re.compile(r"Row: [0-9]{1,6} name=([A-Za-z][\w.\-/]{0,120}), value=(.*)", re.ASCII)
#: API level that brought `settings list` for good (AOSP, SettingsService of Android 7).
_LIST_SDK = 24
_NO_LIST = Words(
    "before Android 7 there is no `settings list`, and the settings' provider does not answer either: {why}",
    "安卓 7 之前没有 `settings list`，设置提供程序也未应答：{why}",
)
_NEITHER = Words(
    "`settings list`: {listed}. `content query`: {why}", "`settings list`：{listed}；`content query`：{why}"
)


@parser("settings_rows")
def settings_rows(data: bytes) -> Parsed:
    """`content query --uri content://settings/NAMESPACE`: name and value of each row; the first of a name counts."""
    parsed = Parsed()
    for line in raw_lines(data):
        if (found := _ROW.fullmatch(line.strip())) and found[2] != "NULL":
            parsed.facts.setdefault(found[1], found[2])
    return parsed


async def _listed(bench: Bench, space: str, read: Command, sdk: object) -> Heard:
    """The settings of a namespace by the first of the two ways that says anything, else why neither does."""
    said = await hear_apart(bench, read, settings_list)
    if said.facts:
        return said
    script = f"content query --uri content://settings/{space} --projection name:value"
    shell = bench.capability(Shell)  # type: ignore[type-abstract]  # a protocol names the capability
    answer = await shell.run(script, deadline_s=15.0, limit=read.limit)
    rows = await hear_live_apart(answer, settings_rows, script)
    if rows.facts:
        return rows
    old = isinstance(sdk, int) and sdk < _LIST_SDK
    why = _NO_LIST.fill(why=rows.reason("")) if old else _NEITHER.fill(listed=said.reason(""), why=rows.reason(""))
    return Heard(said.source, {}, {"": why})


def _is(value: str) -> Callable[[str], bool]:
    return lambda said: said == value


def _is_not(*values: str) -> Callable[[str], bool]:
    return lambda said: said not in values


@dataclass(frozen=True, slots=True)
class _Odd:
    """A setting that a customer takes for a fault.

    Attributes:
        name: the measurement.
        space, key: where it is (android.provider.Settings).
        odd: whether a value is the odd one.
        words: what people call it.
        looks_like: whether it explains a complaint; else it is only worth knowing.
    """

    name: str
    space: str
    key: str
    odd: Callable[[str], bool]
    words: Words
    looks_like: bool = True


_ODD = (
    _Odd("airplane_mode", "global", "airplane_mode_on", _is("1"), Words("aeroplane mode", "飞行模式")),
    _Odd("power_save", "global", "low_power", _is("1"), Words("power saving", "省电模式")),
    _Odd("do_not_disturb", "global", "zen_mode", _is_not("0", ""), Words("do not disturb", "勿扰模式")),
    _Odd("silent", "global", "mode_ringer", _is_not("2", ""), Words("silent or vibrate only", "静音或仅振动")),
    _Odd("wifi_off", "global", "wifi_on", _is("0"), Words("Wi-Fi switched off", "Wi-Fi 已关闭")),
    _Odd("data_off", "global", "mobile_data", _is("0"), Words("mobile data switched off", "移动数据已关闭")),
    _Odd(
        "zoom",
        "secure",
        "accessibility_display_magnification_enabled",
        _is("1"),
        Words("screen magnified", "屏幕已放大"),
    ),
    _Odd("talkback", "secure", "touch_exploration_enabled", _is("1"), Words("screen reader", "屏幕阅读器")),
    _Odd(
        "inverted", "secure", "accessibility_display_inversion_enabled", _is("1"), Words("colours inverted", "颜色反转")
    ),
    _Odd(
        "recoloured",
        "secure",
        "accessibility_display_daltonizer_enabled",
        _is("1"),
        Words("colours corrected or grey", "色彩校正或灰度"),
    ),
    _Odd("mono", "system", "master_mono", _is("1"), Words("sound in mono", "单声道")),
    _Odd("night_tint", "secure", "night_display_activated", _is("1"), Words("night light", "护眼模式"), False),
    _Odd(
        "rotation_locked",
        "system",
        "accelerometer_rotation",
        _is("0"),
        Words("rotation locked", "屏幕方向已锁定"),
        False,
    ),
    _Odd("always_finish", "global", "always_finish_activities", _is("1"), Words("activities not kept", "不保留活动")),
    _Odd(
        "stays_awake",
        "global",
        "stay_on_while_plugged_in",
        _is_not("0", ""),
        Words("stays awake while charging", "充电时不休眠"),
        False,
    ),
    _Odd(
        "developer_options",
        "global",
        "development_settings_enabled",
        _is("1"),
        Words("developer options on", "开发者选项已开启"),
        False,
    ),
)
#: Up to this of 255 (Settings.System.SCREEN_BRIGHTNESS) people call a screen dead; text from this scale on is odd.
_DARK, _LARGE = 10, Decimal("1.5")


def _flags(said: Mapping[str, Heard]) -> Iterator[tuple[_Odd, Reading]]:
    for odd in _ODD:
        heard = said[odd.space]
        source = f"settings {odd.space}: {odd.key}"
        if not heard.facts:
            yield odd, Unread(odd.name, heard.reason(""), source)
        else:
            value = heard.get(odd.key)
            yield odd, Measurement(odd.name, value is not None and odd.odd(str(value)), source)


def _screen(system: Heard) -> Iterator[Reading]:
    """Brightness where it is set by hand, and the size of text."""
    bright = decimal(str(system.get("screen_brightness") or ""))
    if bright is not None and system.get("screen_brightness_mode") != "1":
        yield Measurement("brightness", (bright / 255 * 100).quantize(Decimal(1)), "settings system: screen_brightness")
    scale = decimal(str(system.get("font_scale") or ""))
    if scale is not None:
        yield Measurement("font_scale", scale, "settings system: font_scale")


def _dark_or_large(system: Heard) -> Iterator[str]:
    bright = decimal(str(system.get("screen_brightness") or ""))
    if bright is not None and bright <= _DARK and system.get("screen_brightness_mode") != "1":
        yield "dark screen"
    scale = decimal(str(system.get("font_scale") or ""))
    if scale is not None and scale >= _LARGE:
        yield "large text"


#: OPPO, realme, OnePlus: while permission monitoring is on, the cable may not write settings (measured by others on
#: OxygenOS 14 and 16); other makers have no such property.
_MONITORING = "persist.sys.permission.enable"


def _monitoring(props: Mapping[str, str]) -> Iterator[Reading]:
    if props.get(_MONITORING) in ("true", "false"):
        yield Measurement("permission_monitoring", props[_MONITORING] == "true", f"getprop {_MONITORING}")


@probe(
    "android.settings",
    needs=Shell,
    reads=(*READS, getprop.READ),
    measures={odd.name: FLAG for odd in _ODD}
    | {"permission_monitoring": FLAG, "brightness": "%", "font_scale": "1", "look_like_faults": LIST},
    names={odd.name: odd.words for odd in _ODD}
    | {
        "permission_monitoring": Words("permission monitoring on", "权限监控已开启"),
        "brightness": Words("screen brightness set by hand", "手动屏幕亮度"),
        "font_scale": Words("size of text", "字体缩放"),
        "look_like_faults": Words("settings that look like faults", "易被误认为故障的设置"),
    },
)
async def settings_check(bench: Bench) -> AsyncIterator[Reading]:
    """Which settings are such that a customer takes them for a fault."""
    sdk = (await hear_second_apart(bench, getprop.READ, getprop.getprop)).get("sdk")
    said = {space: await _listed(bench, space, read, sdk) for space, read in zip(_SPACES, READS, strict=True)}
    found: list[str] = []
    for odd, each in _flags(said):
        if isinstance(each, Measurement) and each.value is True and odd.looks_like:
            found.append(odd.words.en)
        yield each
    props, _, _ = await apart(getprop.properties, bench.answer(getprop.READ.name).stdout)
    for each in (*_screen(said["system"]), *_monitoring(props)):
        yield each
    if all(heard.facts for heard in said.values()):
        yield Measurement("look_like_faults", (*found, *_dark_or_large(said["system"])), said["system"].source)
    else:
        empty = next(heard for heard in said.values() if not heard.facts)
        yield Unread("look_like_faults", empty.reason(""), empty.source)
