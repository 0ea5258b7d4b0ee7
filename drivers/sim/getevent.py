"""`getevent`: the list of input devices and the live stream of their events.

Stands on the phone's state; layouts are those of AOSP toolbox `getevent.c`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

from drivers.sim.channel import Reply
from drivers.sim.parts.touch import axes, ghost
from drivers.sim.persona import InputDevice
from drivers.sim.state import InputFrame, KeyEvent, PhoneState

__all__ = ["getevent"]

_EV_SYN, _EV_KEY, _EV_ABS, _EV_SW = 0, 1, 3, 5
_LABEL = {_EV_SYN: "EV_SYN", _EV_KEY: "EV_KEY", _EV_ABS: "EV_ABS", _EV_SW: "EV_SW"}
_VALUE = {0: "UP", 1: "DOWN", 2: "REPEAT"}
_SWITCHES = {
    "SW_LID": 0x00,
    "SW_HEADPHONE_INSERT": 0x02,
    "SW_MICROPHONE_INSERT": 0x04,
    "SW_JACK_PHYSICAL_INSERT": 0x07,
    "SW_FRONT_PROXIMITY": 0x0B,
}
_NAMES = {
    (_EV_SYN, 0): "SYN_REPORT",
    (_EV_SYN, 2): "SYN_MT_REPORT",
    (_EV_ABS, 0x2F): "ABS_MT_SLOT",
    (_EV_ABS, 0x35): "ABS_MT_POSITION_X",
    (_EV_ABS, 0x36): "ABS_MT_POSITION_Y",
    (_EV_ABS, 0x39): "ABS_MT_TRACKING_ID",
    **{(_EV_SW, code): name for name, code in _SWITCHES.items()},
}


def getevent(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    """Answer `getevent [-l] [-t] [-p] [-q] [-c COUNT] [DEVICE]`."""
    flags, devices, count = "", [], 0
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word == "-c" and words:
            count = int(words.pop(0)) if words[0].isdigit() else 0
        elif word.startswith("-"):
            flags += word[1:]
        else:
            devices.append(word)
    present = [device for device in state.persona.inputs if not devices or device.path in devices]
    if devices and not present:
        return Reply(stderr=f"could not open {devices[0]}, No such file or directory", code=1)
    if "p" in flags or "i" in flags:
        return Reply("".join(_described(state, present, labels="l" in flags)).encode())
    head = "" if devices or "q" in flags else "".join(_listed(present))
    shown = frozenset(device.path for device in present)
    return Reply(_live(state, head, shown, flags, named=not devices, count=count))


def _listed(devices: Sequence[InputDevice]) -> Iterator[str]:
    for number, device in enumerate(devices, 1):
        yield f'add device {number}: {device.path}\n  name:     "{device.name}"\n'


def _described(state: PhoneState, devices: Sequence[InputDevice], *, labels: bool) -> Iterator[str]:
    for number, device in enumerate(devices, 1):
        yield f'add device {number}: {device.path}\n  name:     "{device.name}"\n  events:\n'
        if device.keys:
            held = {name for name in device.keys if name in state.held}
            cells = [
                (name if labels else f"{code:04x}") + ("*" if name in held else " ")
                for name, code in device.keys.items()
            ]
            yield from _rows("KEY", _EV_KEY, cells, labels=labels)
        if device.touch:
            yield from _axes(state, labels=labels)
        if device.switches:
            on = state.scratch.get("switches", set())
            cells = [
                (name if labels else f"{_SWITCHES[name]:04x}") + ("*" if name in on else " ")
                for name in device.switches
            ]
            yield from _rows("SW ", _EV_SW, cells, labels=labels)
        yield "  input props:\n"
        yield "    INPUT_PROP_DIRECT\n" if device.touch and labels else "    0001\n" if device.touch else "    <none>\n"


def _rows(kind: str, code: int, cells: Sequence[str], *, labels: bool) -> Iterator[str]:
    each, width = (4, 21) if labels else (8, 5)
    for start in range(0, len(cells), each):
        lead = f"    {kind} ({code:04x}):" if start == 0 else " " * 15
        yield lead + "".join(f" {cell:<{width}}" for cell in cells[start : start + each]) + "\n"


def _axes(state: PhoneState, *, labels: bool) -> Iterator[str]:
    for number, (name, (code, most)) in enumerate(axes(state).items()):
        lead = f"    ABS ({_EV_ABS:04x}):" if number == 0 else " " * 15
        what = f"{name:<20} " if labels else f"{code:04x} "
        yield f"{lead} {what} : value 0, min 0, max {most}, fuzz 0, flat 0, resolution 0\n"


async def _live(
    state: PhoneState, head: str, shown: frozenset[str], flags: str, *, named: bool, count: int
) -> AsyncIterator[bytes]:
    queue = state.listen()
    left = count
    try:
        if head:
            yield head.encode()
        while True:
            event = await _next(state, queue)
            if event.device not in shown:
                continue
            lines = list(_lines(event, flags, named=named))
            yield "".join(lines[:left] if count else lines).encode()
            if count:
                left -= len(lines)
                if left <= 0:
                    return
    finally:
        state.unlisten(queue)


async def _next(state: PhoneState, queue: asyncio.Queue[KeyEvent | InputFrame]) -> KeyEvent | InputFrame:
    """The next event; a panel with ghosts makes its own while nothing else happens."""
    every_s = ghost(state)
    while every_s is not None:
        try:
            return await asyncio.wait_for(queue.get(), every_s)
        except TimeoutError:
            ghost(state, touch=True)
    return await queue.get()


def _lines(event: KeyEvent | InputFrame, flags: str, *, named: bool) -> Iterator[str]:
    stamp = f"[{int(event.time_s):8d}.{int(event.time_s % 1 * 1e6):06d}] " if "t" in flags else ""
    device = f"{event.device}: " if named else ""
    own = {} if isinstance(event, InputFrame) else {(_EV_KEY, event.code): event.name}
    events = event.events if isinstance(event, InputFrame) else ((_EV_KEY, event.code, event.value), (_EV_SYN, 0, 0))
    for kind, code, signed in events:
        value = signed & 0xFFFF_FFFF
        if "l" in flags:
            name = own.get((kind, code)) or _NAMES.get((kind, code), f"{code:04x}")
            shown = _VALUE[value] if kind == _EV_KEY else f"{value:08x}"
            yield f"{stamp}{device}{_LABEL[kind]:<12.12} {name:<20.20} {shown:<20.20}\n"
        else:
            yield f"{stamp}{device}{kind:04x} {code:04x} {value:08x}\n"
