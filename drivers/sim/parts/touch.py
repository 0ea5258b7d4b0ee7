"""The touch panel of a simulated phone, and the fingers on it.

A stroke of a finger becomes the kernel events that a panel of this kind gives: with slots (protocol B) or a report for
each finger (protocol A), nothing where it is dead, a jump where its controller is sticky. Strokes keep the panel's own
time between reports; a hand in a hurry does not have to wait for it.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from drivers.sim.parts.display import Section as Display
from drivers.sim.persona import Data

if TYPE_CHECKING:
    from drivers.sim.phone import SimulatedPhone
    from drivers.sim.state import PhoneState

__all__ = ["HANDS", "SECTION", "Section", "axes", "ghost", "touch_path"]

SECTION = "touch"
_EV_SYN, _EV_ABS = 0, 3
_SLOT, _X, _Y, _ID = 0x2F, 0x35, 0x36, 0x39
_REACH_S = 0.05
_PATIENCE_S = 1.5
#: Millimetres between two strokes of a careful finger, and between two reports at its speed.
_PITCH_MM, _STEP_MM = 3.0, 1.5
_MM = 25.4

Place = tuple[float, float]


class Section(Data):
    """The panel.

    Attributes:
        slots: contacts that it tells apart; 0 for protocol A.
        fingers: contacts that it really reports at once.
        rate_hz: reports a second.
        dead: rectangles that feel nothing: left, top, right, bottom as shares of width and height.
        sticky: a finger that crosses a dead place stays down and jumps.
        ghosts_every_s: seconds between touches by itself; 0 for none.
    """

    slots: int = 10
    fingers: int = 10
    rate_hz: float = 120.0
    dead: tuple[tuple[float, float, float, float], ...] = ()
    sticky: bool = False
    ghosts_every_s: float = 0.0


def axes(state: PhoneState) -> dict[str, tuple[int, int]]:
    """Kernel name -> code and largest value of each axis that the panel has."""
    panel, shown = state.part(Section), state.part(Display)
    found = {"ABS_MT_SLOT": (_SLOT, panel.slots - 1)} if panel.slots else {}
    return found | {
        "ABS_MT_TOUCH_MAJOR": (0x30, 255),
        "ABS_MT_POSITION_X": (_X, shown.width - 1),
        "ABS_MT_POSITION_Y": (_Y, shown.height - 1),
        "ABS_MT_TRACKING_ID": (_ID, 65535),
        "ABS_MT_PRESSURE": (0x3A, 255),
    }


def _device(state: PhoneState) -> str:
    return next(device.path for device in state.persona.inputs if device.touch)


def _feels(state: PhoneState, place: Place) -> bool:
    shown = state.part(Display)
    x, y = place[0] / shown.width, place[1] / shown.height
    return not any(left <= x <= right and top <= y <= low for left, top, right, low in state.part(Section).dead)


def _frame(state: PhoneState, at_s: float, places: Sequence[Place | None], was: Sequence[bool]) -> None:
    """Tell where the fingers are now; None is a finger that is not felt. `was` says which were felt before."""
    from drivers.sim.state import InputFrame

    events: list[tuple[int, int, int]] = []
    slots = state.part(Section).slots
    for number, (place, before) in enumerate(zip(places, was, strict=True)):
        if not slots:
            if place is not None:
                events += [(_EV_ABS, _X, round(place[0])), (_EV_ABS, _Y, round(place[1])), (_EV_SYN, 2, 0)]
            continue
        if place is None and not before:
            continue
        events.append((_EV_ABS, _SLOT, number))
        if place is None:
            events.append((_EV_ABS, _ID, -1))
            continue
        if not before:
            state.scratch["contacts"] = state.scratch.get("contacts", 0) + 1
            events.append((_EV_ABS, _ID, state.scratch["contacts"]))
        events += [(_EV_ABS, _X, round(place[0])), (_EV_ABS, _Y, round(place[1]))]
    if not slots and not events:
        events.append((_EV_SYN, 2, 0))
    state.emit(InputFrame(at_s, _device(state), (*events, (_EV_SYN, 0, 0))))


def touch_path(state: PhoneState, *fingers: Sequence[Place]) -> None:
    """Let fingers go along these ways at once, each a place for every report, and lift them."""
    panel = state.part(Section)
    fingers = fingers[: panel.fingers]
    start = max(time.monotonic(), state.scratch.get("touched_until", 0.0)) + 0.05
    was = [False] * len(fingers)
    step = 1 / panel.rate_hz
    frames = max((len(way) for way in fingers), default=0)
    for number in range(frames):
        felt: list[Place | None] = []
        for at, way in enumerate(fingers):
            place = way[min(number, len(way) - 1)]
            dead = not _feels(state, place)
            felt.append(None if dead else place)
            if dead and panel.sticky and was[at]:
                break
        else:
            if any(was) or any(place is not None for place in felt):
                _frame(state, start + number * step, felt, was)
            was = [place is not None for place in felt]
    if any(was):
        _frame(state, start + frames * step, [None] * len(fingers), was)
    state.scratch["touched_until"] = start + frames * step


def _between(a: Place, b: Place, step: float) -> list[Place]:
    count = max(2, math.ceil(math.dist(a, b) / step))
    return [(a[0] + (b[0] - a[0]) * n / count, a[1] + (b[1] - a[1]) * n / count) for n in range(count + 1)]


def _wiping(state: PhoneState) -> Iterable[list[Place]]:
    """Lines from edge to edge over the whole panel."""
    shown = state.part(Display)
    mm = shown.dpi / _MM
    right, low = shown.width - 1.0, shown.height - 1.0
    lines = math.ceil(low / (_PITCH_MM * mm))
    for line in range(lines + 1):
        y = low * line / lines
        yield _between((0.0, y), (right, y), _STEP_MM * mm)


def ghost(state: PhoneState, *, touch: bool = False) -> float | None:
    """Seconds between the touches that the panel makes by itself, None for a sound one; `touch` makes one now."""
    every_s = state.part(Section).ghosts_every_s
    if touch:
        shown = state.part(Display)
        touch_path(state, [(shown.width * 0.2, shown.height * 0.8)] * 3)
    return every_s or None


async def _wipe(phone: SimulatedPhone, prompt: str) -> str | None:
    await asyncio.sleep(_REACH_S)
    for line in _wiping(phone.state):
        touch_path(phone.state, line)
        await asyncio.sleep(0)
    if not phone.state.part(Section).dead:
        return None
    await asyncio.sleep(_PATIENCE_S)
    return "no-reaction"


async def _lay_fingers(phone: SimulatedPhone, prompt: str) -> str | None:
    await asyncio.sleep(_REACH_S)
    shown, panel = phone.state.part(Display), phone.state.part(Section)
    ways = [
        [(shown.width * (0.1 + 0.2 * (at % 5)), shown.height * (0.3 + 0.3 * (at // 5)) + n) for n in range(12)]
        for at in range(10)
    ]
    touch_path(phone.state, *ways)
    if panel.fingers >= panel.slots:
        return None
    await asyncio.sleep(_PATIENCE_S)
    return "no-reaction"


async def _draw(phone: SimulatedPhone, prompt: str) -> str | None:
    await asyncio.sleep(_REACH_S)
    shown = phone.state.part(Display)
    x = shown.width / 2
    touch_path(phone.state, _between((x, shown.height * 0.1), (x, shown.height * 0.9), shown.dpi / _MM))
    return None


async def _nothing(phone: SimulatedPhone, prompt: str) -> str | None:
    return None


HANDS = {
    r"touch-surface(-[0-9]+)?": _wipe,
    r"touch-fingers": _lay_fingers,
    r"touch-line": _draw,
    r"touch-hands-off(-again)?": _nothing,
}
