"""What the phone's own programs answer, from its living state.

A table from a program's name to a function of (state, arguments, user id). What these functions print has the shapes
that Android prints; what a program takes of the phone's time is in the persona (`cost_ms`) or in `COST_MS`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from drivers.sim.channel import Reply
from drivers.sim.dumpsys import dumpsys
from drivers.sim.state import PhoneState

__all__ = ["COMMANDS", "IN_SERVER", "cost_s"]

Program = Callable[[PhoneState, Sequence[str], int], Reply]

IN_SERVER = frozenset({"dumpsys", "cmd", "service", "settings", "am", "pm", "svc", "input", "wm"})
"""Programs that wait for the system server, which answers one at a time."""

COST_MS = {
    "dumpsys": 18.0,
    "dumpsys batterystats": 60.0,
    "dumpsys media.camera": 35.0,
    "dumpsys sensorservice": 25.0,
    "dumpsys telephony.registry": 25.0,
    "dumpsys wifi": 45.0,
    "dumpsys dropbox": 30.0,
    "cmd": 15.0,
    "service": 10.0,
    "settings": 25.0,
    "am": 80.0,
    "pm": 40.0,
    "svc": 60.0,
    "input": 60.0,
    "screencap": 180.0,
    "logcat": 30.0,
    "getprop": 4.0,
    "df": 5.0,
    "": 2.0,
}
"""Milliseconds of the phone's own time by first words: orders of magnitude of a mid-range phone, not measurements."""


def cost_s(words: Sequence[str], own: Mapping[str, float]) -> float:
    """Seconds that a command takes: the longest entry of the persona's own table, then of `COST_MS`, that fits."""
    for size in range(len(words), -1, -1):
        prefix = " ".join(words[:size])
        for table in (own, COST_MS):
            if prefix in table:
                return table[prefix] / 1000.0
    return 0.0


def _getprop(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    if not arguments:
        return _text("".join(f"[{name}]: [{value}]\n" for name, value in state.props.items()))
    default = arguments[1] if len(arguments) > 1 else ""
    return _text(f"{state.prop(arguments[0]) or default}\n")


def _setprop(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    if len(arguments) != 2:
        return Reply(stderr="usage: setprop NAME VALUE", code=1)
    name, value = arguments
    if uid != 0 and not name.startswith(("debug.", "log.", "persist.log.")):
        return Reply(stderr=f"Failed to set property '{name}' to '{value}'.\nSee dmesg for error reason.", code=1)
    state.set_prop(name, value)
    return Reply()


def _id(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    if uid == 0:
        return _text("uid=0(root) gid=0(root) groups=0(root) context=u:r:magisk:s0\n")
    groups = "1004(input),1007(log),1011(adb),1015(sdcard_rw),1028(sdcard_r),3001(net_bt_admin),3002(net_bt),3003(inet)"
    return _text(
        f"uid=2000(shell) gid=2000(shell) groups=2000(shell),{groups},3006(net_bw_stats) context=u:r:shell:s0\n"
    )


def _whoami(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    return _text("root\n" if uid == 0 else "shell\n")


def _uptime(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    minutes = int(time.monotonic() // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    up = f"{days} days, {hours}:{minutes % 60:02d}" if days else f"{hours}:{minutes % 60:02d}"
    return _text(f" {state.date():%H:%M:%S} up {up},  0 users,  load average: 1.21, 1.34, 1.40\n")


def _text(text: str) -> Reply:
    return Reply(text.encode("utf-8", "surrogateescape"))


COMMANDS: dict[str, Program] = {
    "dumpsys": dumpsys,
    "getprop": _getprop,
    "id": _id,
    "setprop": _setprop,
    "uptime": _uptime,
    "whoami": _whoami,
}
