"""Whether Bluetooth is alive: its state and address, how often it crashed, how long it takes to go on and off.

One parser for the dump of the Bluetooth manager in the forms of Android 5 to 16. The probe switches Bluetooth through
`bench.write`, so that it ends as it was found; what is slow is judged elsewhere.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from drivers.api import Command, CommandResult, Shell
from drivers.text import Words
from probes import getprop
from probes.air import AIRPLANE_ON, READ_AIRPLANE, airplane_mode, svc_unable
from probes.answers import Heard, hear_apart, hear_second_apart, reading, unread, why_nothing
from probes.apart import apart
from probes.api import (
    Bench,
    Measurement,
    NotApplicable,
    Parsed,
    PromptTimedOut,
    Reading,
    Skipped,
    Unread,
    Write,
    parser,
    probe,
)
from probes.captured import flag, integer, note, raw_lines
from probes.telephony import READ_FEATURES, pm_features
from probes.units import FLAG, TEXT

__all__ = ["bluetooth", "bluetooth_manager"]

_MAC = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}", re.ASCII)
#: From Android 12 on the middle of an address is hidden from dumps; its form still says that there is one.
_HIDDEN_MAC = re.compile(r"(?:XX|[0-9A-Fa-f]{2})(?::(?:XX|[0-9A-Fa-f]{2})){5}", re.ASCII)
_CRASHED = re.compile(r"Bluetooth crashed ([0-9]{1,9}) times?", re.ASCII)
_ONE_LINE = re.compile(r"Bluetooth (ON|OFF)")
_STATUS_HEADS = ("Bluetooth Status", "Bluetooth Status:")
#: Android 5 and 6 print the number of the state (android.bluetooth.BluetoothAdapter), later ones its name.
_STATE_WORD = re.compile(r"[A-Z][A-Z_]{1,30}|[0-9]{1,3}", re.ASCII)
#: Names of the block, by which one that lost its heading or its indent is known.
_STATUS_NAMES = frozenset(("enabled", "state", "address", "name", "time since enabled"))
_LEVEL = re.compile(r"\brssi[ :=]{1,3}(-[0-9]{1,3})\b", re.ASCII | re.IGNORECASE)
#: Received levels in dBm: Bluetooth Core 5.4, vol 4 part E, 7.7.65.2 (127 says that there is none).
_LEVELS = range(-126, 21)


def _status(lines: list[str]) -> dict[str, str]:
    """The `name: value` lines below the heading, names in small letters; they end with the first line that is none.

    A capture that begins behind the heading has them from its first `enabled:` on; its state is not told then, because
    every profile has one.
    """
    start = next((at + 1 for at, line in enumerate(lines) if line.strip().endswith(_STATUS_HEADS)), None)
    headed = start is not None
    if start is None:
        start = next((at for at, line in enumerate(lines) if line.strip().startswith("enabled:")), len(lines))
    found: dict[str, str] = {}
    for line in filter(str.strip, lines[start:]):
        name, colon, value = line.strip().partition(":")
        if not colon or not (line.startswith(" ") or name.lower() in _STATUS_NAMES):
            break
        found.setdefault(name.lower(), value.strip())
    if not headed:
        found.pop("state", None)
    return found


def _bonded(lines: list[str]) -> int | None:
    start = next((at for at, line in enumerate(lines) if line.strip() == "Bonded devices:"), None)
    if start is None:
        return None
    count = 0
    for line in filter(str.strip, lines[start + 1 :]):
        if not _HIDDEN_MAC.match(line.strip()):
            break
        count += 1
    return count


@parser("bluetooth_manager")
def bluetooth_manager(data: bytes) -> Parsed:
    """`dumpsys bluetooth_manager`: on or off, state, address, name, crashes and bonded devices.

    Android 16 prints `State:` with a capital and no `enabled:`; board builds may print one line, `Bluetooth ON`.
    """
    parsed = Parsed()
    facts = parsed.facts
    lines = raw_lines(data)
    found = _status(lines)
    if "enabled" in found:
        if (enabled := flag(found["enabled"])) is None:
            note(parsed, "enabled", found["enabled"], "true or false")
        else:
            facts["enabled"] = enabled
    if state := found.get("state", ""):
        if _STATE_WORD.fullmatch(state.split()[0]):
            facts["state"] = state.split()[0]
        else:
            note(parsed, "state", state, "the name of a state")
    if not found and (line := next((one for one in map(_ONE_LINE.fullmatch, map(str.strip, lines)) if one), None)):
        facts |= {"enabled": line[1] == "ON", "state": line[1]}
    if (name := found.get("name")) and name != "null":
        facts["name"] = name
    address = found.get("address", "")
    if _MAC.fullmatch(address):
        facts["address"] = address
    facts.update(_address_said(address, "address" in found))
    if crashed := next((one for one in map(_CRASHED.match, map(str.strip, lines)) if one), None):
        facts["crash_count"] = int(crashed[1])
    if (bonded := _bonded(lines)) is not None:
        facts["bonded_devices"] = bonded
    return parsed


def _address_said(address: str, said: bool) -> dict[str, object]:
    """Whether an address is there, also where the dump hides it; nothing where the dump has no such line."""
    if not said:
        return {}
    zero = address.replace(":", "").strip("0") == ""
    return {"address_present": bool(_HIDDEN_MAC.fullmatch(address)) and not zero}


# Names of paired devices are their owner's business: the phone itself picks the lines that count.
_READ = Command(
    "bluetooth",
    "dumpsys bluetooth_manager | "
    "grep -iE '^bluetooth |^ *(enabled|state|address):|rssi|permission|exception|find service' || "
    "dumpsys bluetooth_manager",
    timeout_s=10.0,
    limit=1024 * 1024,
)
#: `cmd bluetooth_manager` knows enable and disable from Android 13 on (AOSP BluetoothShellCommand).
_CMD_SDK = 33
#: Seconds between looks at the state while it changes.
_LOOK_S = 0.25
_ON, _OFF = ("ON",), ("OFF", "BLE_ON")
#: android.bluetooth.BluetoothAdapter.STATE_*, as Android 5 and 6 print them.
_STATES = {"10": "OFF", "11": "TURNING_ON", "12": "ON", "13": "TURNING_OFF", "14": "BLE_TURNING_ON", "15": "BLE_ON"}

_NO_BLUETOOTH = Words("the phone says that it is built without Bluetooth", "手机声明其出厂不带蓝牙")
_OFF_NOW = Words(
    "Bluetooth is off and the phone hides its address then; let it be switched, or turn it on and run this again",
    "蓝牙已关闭，此时手机不显示地址；请允许切换，或打开蓝牙后重测",
)
_NO_BEACON = Words("the checklist names no beacon (setting “beacon”)", "检测清单未指定信标（设置项“beacon”）")
_BEACON_UNHEARD = Words(
    "the phone's dump does not show the beacon; open the phone's Bluetooth page beside it and run this again",
    "手机的系统信息中没有该信标；请在信标旁打开手机的蓝牙页面后重测",
)
_SWITCH_OFF = Words("switches Bluetooth off and back", "关闭蓝牙后恢复")
_SWITCH_ON = Words("switches Bluetooth on and back", "打开蓝牙后恢复")
_NOT_UP = Words("Bluetooth did not come up within {seconds} s", "蓝牙在 {seconds} 秒内未能启动")
_NOT_OFF = Words("Bluetooth did not go off within {seconds} s", "蓝牙在 {seconds} 秒内未能关闭")
_CANT_SWITCH = Words(
    "this Android's shell can't switch Bluetooth; see in the settings that it goes off and on",
    "此安卓版本无法通过命令开关蓝牙；请在设置中查看能否开关",
)
_SWITCHED = ("switches_on", "on_time", "off_time")


def beacon_level(beacon: str, dump: bytes) -> int | None:
    """The strongest level in dBm in the dump's lines that name the beacon (its name or address), None without one."""
    lines = (line for line in raw_lines(dump) if beacon.lower() in line.lower())
    levels = [int(found[1]) for line in lines for found in _LEVEL.finditer(line)]
    return max((level for level in levels if level in _LEVELS), default=None)


def _command(verb: str, sdk: int | None) -> str:
    return f"cmd bluetooth_manager {verb}" if sdk is not None and sdk >= _CMD_SDK else f"svc bluetooth {verb}"


def _change(verb: str, back: str, sdk: int | None) -> Write:
    what = _SWITCH_ON if verb == "enable" else _SWITCH_OFF
    return Write(f"bluetooth-{verb}", what, do=_command(verb, sdk), undo=_command(back, sdk))


async def _until(shell: Shell, wanted: tuple[str, ...], wait_s: int) -> Decimal | None:
    """Seconds until the state is one of `wanted`, None when it is not in time; raises the DriverError of a bad link."""
    clock = asyncio.get_running_loop().time
    start = clock()
    while (now := clock()) - start < wait_s:
        said = await shell.run(_READ.script, deadline_s=_READ.timeout_s, limit=_READ.limit)
        if said.failure is not None:
            raise said.failure
        if _state((await apart(bluetooth_manager, said.stdout)).facts) in wanted:
            return Decimal(round((now - start) * 1000)) / 1000
        await asyncio.sleep(_LOOK_S)
    return None


async def _switched(bench: Bench, state: str, sdk: int | None, wait_s: int) -> AsyncIterator[Reading]:
    """Off and on again, with the time of each; what was agreed to is undone by the bench."""
    source = _command("enable", sdk)
    back = "enable" if state in _ON else "disable"
    shell = bench.capability(Shell)  # type: ignore[type-abstract]  # a protocol names the capability
    for verb, wanted, name in (("disable", _OFF, "off_time"), ("enable", _ON, "on_time")):
        told = await bench.write(_change(verb, back, sdk))
        if told.failure is not None:
            raise told.failure
        if svc_unable(told) or told.exit_code not in (0, None):
            why = _CANT_SWITCH if svc_unable(told) else why_nothing(told)
            for one in unread(_SWITCHED if verb == "disable" else ("switches_on", "on_time"), why, source):
                yield one
            return
        seconds = await _until(shell, wanted, wait_s)
        if verb == "disable" and seconds is None:  # what never went off can't show that it comes up
            for one in unread(_SWITCHED, _NOT_OFF.fill(seconds=str(wait_s)), source):
                yield one
            return
        if verb == "enable":
            yield Measurement("switches_on", seconds is not None, source)
        if seconds is not None:
            yield Measurement(name, seconds, f"{_command(verb, sdk)}, then dumpsys bluetooth_manager: state")
        else:
            yield Unread(name, _NOT_UP.fill(seconds=str(wait_s)), source)


def _state(facts: Mapping[str, Any]) -> str:
    """The state by its name; empty where it is not told."""
    printed = str(facts.get("state") or "")
    return _STATES.get(printed, printed)


def _at_rest(said: Heard) -> Iterable[Reading]:
    """What the dump says before anything is switched."""
    yield reading("bluetooth_state", said, "state", lambda printed: _STATES.get(printed, printed))
    if said.get("address_present") is False and _state(said.facts) not in _ON:
        yield Unread("bluetooth_address", _OFF_NOW, f"{said.source}: address")
    else:
        yield reading("bluetooth_address", said, "address_present", words="address")
    yield reading("bluetooth_crashes", said, "crash_count", words="Bluetooth crashed N times")


async def _beacon(dump: CommandResult, beacon: str, source: str) -> Reading:
    level = await apart(partial(beacon_level, beacon), dump.stdout) if beacon else None
    if level is None:
        return Unread("beacon_rssi", _BEACON_UNHEARD if beacon else _NO_BEACON, source)
    return Measurement("beacon_rssi", Decimal(level), f"{source}: {beacon}")


@probe(
    "android.bluetooth",
    needs=Shell,
    reads=(_READ, getprop.READ, READ_FEATURES, READ_AIRPLANE),
    measures={
        "bluetooth_state": TEXT,
        "bluetooth_address": FLAG,
        "bluetooth_crashes": "1",
        "switches_on": FLAG,
        "on_time": "s",
        "off_time": "s",
        "beacon_rssi": "dB[m]",
    },
    names={
        "bluetooth_state": Words("state", "状态"),
        "bluetooth_address": Words("has an address", "有蓝牙地址"),
        "bluetooth_crashes": Words("crashes of Bluetooth", "蓝牙进程崩溃次数"),
        "switches_on": Words("switches on", "可以打开"),
        "on_time": Words("time to switch on", "打开用时"),
        "off_time": Words("time to switch off", "关闭用时"),
        "beacon_rssi": Words("signal of the bench's beacon", "工位信标信号"),
    },
    repeatable=False,
    writes=Words("Bluetooth on and off", "开关蓝牙"),
    unverified=True,
)
async def bluetooth(bench: Bench, *, beacon: str = "", switch: bool = True, wait_s: int = 20) -> AsyncIterator[Reading]:
    """Whether Bluetooth is alive and how long it takes to go off and on; it is left as it was found.

    Settings: `beacon`, the name or address of the bench's beacon 1 m away; `switch`, false to only
    look; `wait_s`, the longest wait for each change in seconds.
    """
    said = await hear_apart(bench, _READ, bluetooth_manager, "dumpsys bluetooth_manager")
    sdk = (await hear_second_apart(bench, getprop.READ, getprop.getprop)).get("sdk")
    features = await hear_second_apart(bench, READ_FEATURES, pm_features)
    if features.get("has_bluetooth") is False and not said.facts:
        raise NotApplicable(_NO_BLUETOOTH)
    for one in _at_rest(said):
        yield one
    yield await _beacon(bench.answer(_READ.name), beacon, said.source)
    if not switch:
        return
    reason = AIRPLANE_ON if airplane_mode(bench) else said.reason("state") if not said.get("state") else None
    if reason is not None:
        for one in unread(_SWITCHED, reason if said.facts else said.reason("state"), said.source):
            yield one
        return
    try:
        async for one in _switched(bench, _state(said.facts), integer(str(sdk)), wait_s):
            yield one
    except (Skipped, PromptTimedOut) as declined:
        for one in unread(_SWITCHED, declined.reason, said.source):
            yield one
