"""The whole touch check on kernel events: a panel that is wiped, ten fingers, a line along a ruler, and hands off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import pytest
from probe_bench import Readings, ScriptedBench, ScriptedEvents, ScriptedPerson, result, run_on

from drivers.api import DeviceGone, InputEvent, InputEvents, Side
from drivers.text import Words
from probes import touch
from probes.api import PromptTimedOut
from probes.getevent import devices_of
from probes.live import NOTHING_HAPPENED

PANEL = "/dev/input/event2"
WIDTH, HEIGHT = 680, 1400
LISTING = f"""\
add device 1: {PANEL}
  name:     "bench_ts"
  events:
    KEY (0001): BTN_TOUCH
    ABS (0003): ABS_MT_SLOT           : value 0, min 0, max 9, fuzz 0, flat 0, resolution 0
                ABS_MT_POSITION_X     : value 0, min 0, max {WIDTH - 1}, fuzz 0, flat 0, resolution 0
                ABS_MT_POSITION_Y     : value 0, min 0, max {HEIGHT - 1}, fuzz 0, flat 0, resolution 0
                ABS_MT_TRACKING_ID    : value 0, min 0, max 65535, fuzz 0, flat 0, resolution 0
  input props:
    INPUT_PROP_DIRECT
"""
#: 254 dots per inch: a tenth of a millimetre each.
DISPLAY = f"""\
Display Devices: size=1
  DisplayDeviceInfo{{"Built-in Screen": uniqueId="local:0", {WIDTH} x {HEIGHT}, modeId 1, defaultModeId 1, \
supportedModes [{{id=1, width={WIDTH}, height={HEIGHT}, fps=60.0}}], density 420, 254.0 x 254.0 dpi, touch INTERNAL, \
rotation 0, type BUILT_IN, state ON, FLAG_DEFAULT_DISPLAY}}
"""
_SYN, _ABS = 0, 3
_SLOT, _X, _Y, _ID = 0x2F, 0x35, 0x36, 0x39
#: Seconds between two reports of the panel: 120 Hz.
_REPORT_S = 1 / 120

Place = tuple[int, int]


class Glass:
    """A panel that a hand touches; places for which `dead` holds send nothing."""

    def __init__(self, dead: Callable[[Place], bool] = lambda place: False) -> None:
        self.events = ScriptedEvents(LISTING)
        self._dead, self._next = dead, 1

    def _send(self, *codes: tuple[int, int, int]) -> None:
        self.events.clock_s += _REPORT_S
        for kind, code, value in (*codes, (_SYN, 0, 0)):
            self.events._queue.put_nowait(InputEvent(self.events.clock_s, PANEL, kind, code, value))

    def down(self, slot: int, place: Place) -> None:
        self._next += 1
        self._send((_ABS, _SLOT, slot), (_ABS, _ID, self._next), (_ABS, _X, place[0]), (_ABS, _Y, place[1]))

    def up(self, slot: int) -> None:
        self._send((_ABS, _SLOT, slot), (_ABS, _ID, -1))

    def stroke(self, places: Iterable[Place]) -> None:
        """One finger along these places; it is lost over a dead one and found behind it."""
        on = False
        for place in places:
            if self._dead(place):
                if on:
                    self.up(0)
                on = False
            elif not on:
                self.down(0, place)
                on = True
            else:
                self._send((_ABS, _SLOT, 0), (_ABS, _X, place[0]), (_ABS, _Y, place[1]))
        if on:
            self.up(0)

    def wipe(self) -> None:
        """Line by line over the whole of it, edges included."""
        for y in [*range(0, HEIGHT, 24), HEIGHT - 1]:
            self.stroke((min(x, WIDTH - 1), y) for x in range(0, WIDTH + 8, 8))

    def fingers(self, count: int) -> None:
        for slot in range(count):
            self.down(slot, (60 + 60 * slot, 400 + 40 * slot))
        for slot in range(count):
            self.up(slot)

    def line(self, wobble: int = 0) -> None:
        self.stroke((340 + (wobble if at % 2 else -wobble), y) for at, y in enumerate(range(60, 1340, 6)))

    def ghost(self) -> None:
        """Something is felt while the hands are off."""
        loop = asyncio.get_running_loop()
        loop.call_later(0.15, self.down, 0, (300, 300))
        loop.call_later(0.16, self.up, 0)


def a_hand(glass: Glass, **acts: Any) -> dict[str, Any]:
    """What a willing person does; `_` for `-`."""
    willing = {
        "touch-surface": glass.wipe,
        "touch-fingers": lambda: glass.fingers(10),
        "touch-line": glass.line,
        "touch-hands-off": lambda: None,
        "touch-hands-off-again": lambda: None,
    }
    return willing | {name.replace("_", "-"): act for name, act in acts.items()}


async def touched(glass: Glass, acts: Mapping[str, Any], display: str = DISPLAY, **settings: Any) -> Readings:
    bench = ScriptedBench({"display": result(display)}, ScriptedPerson(acts), capabilities={InputEvents: glass.events})
    async with asyncio.timeout(10):
        return await run_on("android.touch", bench, rest_s=0.2, **settings)


@pytest.fixture(autouse=True)
def _no_long_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(touch, "PAUSE_S", 0.05)


async def test_a_sound_panel_is_covered_whole_with_ten_fingers_no_ghost_and_a_straight_line() -> None:
    glass = Glass()
    readings = await touched(glass, a_hand(glass))
    assert readings.value("touch_coverage") == 100
    assert readings.value("touch_largest_hole") == 0
    assert readings.value("touch_pointers") == readings.value("touch_pointers_known") == 10
    assert (readings.value("touch_pointers_missing"), readings.value("touch_ghosts")) == (0, 0)
    assert readings.value("touch_edge_gap") == 0
    assert abs(readings.value("touch_rate") - 120) < 2
    assert readings.value("touch_jitter") < Decimal("0.05")
    assert readings.value("touch_drops") == 0
    assert b"t_s,contact,x,y,what" in readings.evidence["touch-1.csv"].data
    assert glass.events.closed


async def test_a_dead_strip_is_a_hole_that_stays_however_often_it_is_wiped() -> None:
    glass = Glass(dead=lambda place: 700 <= place[1] < 800)
    readings = await touched(glass, a_hand(glass, touch_surface_2=NOTHING_HAPPENED), line=False)
    assert 90 < readings.value("touch_coverage") < 96
    assert readings.value("touch_largest_hole") >= 17, "a whole row of cells"


async def test_what_was_left_out_is_shown_and_may_be_wiped_after() -> None:
    left_out = Glass()

    def half() -> None:
        for y in range(0, HEIGHT // 2, 24):
            left_out.stroke((x, y) for x in range(0, WIDTH, 8))

    readings = await touched(left_out, a_hand(left_out, touch_surface=half, touch_surface_2=left_out.wipe))
    assert readings.value("touch_coverage") == 100


async def test_fingers_that_the_panel_does_not_tell_apart_are_missing() -> None:
    glass = Glass()

    def four() -> None:
        glass.fingers(4)

    class Gives(ScriptedPerson):
        async def ask(self, prompt: Any) -> Any:
            answer = asyncio.ensure_future(super().ask(prompt))
            if prompt.id == "touch-fingers":
                await asyncio.sleep(0.1)
                answer.cancel()
                self.acts = {**self.acts, "touch-fingers": NOTHING_HAPPENED}
                return await super().ask(prompt)
            return await answer

    bench = ScriptedBench(
        {"display": result(DISPLAY)},
        Gives(a_hand(glass, touch_fingers=four)),
        capabilities={InputEvents: glass.events},
    )
    readings = await run_on("android.touch", bench, rest_s=0.2)
    assert (readings.value("touch_pointers"), readings.value("touch_pointers_missing")) == (4, 6)


async def test_a_touch_with_the_hands_off_counts_only_when_it_comes_again() -> None:
    sleeve, panel = Glass(), Glass()
    once = await touched(sleeve, a_hand(sleeve, touch_hands_off=sleeve.ghost))
    again = await touched(panel, a_hand(panel, touch_hands_off=panel.ghost, touch_hands_off_again=panel.ghost))
    assert (once.value("touch_ghosts"), again.value("touch_ghosts")) == (0, 1)


async def test_a_shaking_line_is_jitter() -> None:
    glass = Glass()
    readings = await touched(glass, a_hand(glass, touch_line=lambda: glass.line(wobble=10)))
    assert readings.value("touch_jitter") > Decimal("0.5")


async def test_without_the_screens_size_lengths_stay_unmeasured_and_the_surface_does_not() -> None:
    glass = Glass()
    readings = await touched(glass, a_hand(glass), display="")
    assert readings.value("touch_coverage") == 100
    for name in ("touch_edge_gap", "touch_jitter"):
        assert "size" in readings.unread[name].reason.en


@pytest.mark.parametrize("most", [30, 2_147_483_647])
async def test_a_strip_that_can_be_touched_is_no_screen_however_long_it_says_it_is(most: int) -> None:
    glass = Glass()
    strip = LISTING.replace(f"max {WIDTH - 1}", "max 1").replace(f"max {HEIGHT - 1}", f"max {most}")
    glass.events.listing = result(strip)
    readings = await touched(glass, {}, display="")
    assert {name: one.value for name, one in readings.measured.items()} == {"touch_listed": False}


async def test_a_screen_of_fifty_metres_is_one_whose_size_is_not_told() -> None:
    glass = Glass()
    readings = await touched(glass, a_hand(glass), display=DISPLAY.replace("680 x 1400", "68000 x 99999"))
    assert readings.value("touch_coverage") == 100
    assert "size" in readings.unread["touch_edge_gap"].reason.en


def test_no_more_screens_are_looked_at_than_a_phone_can_have() -> None:
    many = "".join(LISTING.replace("event2", f"event{n}") for n in range(2, 2000))
    devices = devices_of(many.encode())
    assert len(devices) == 1024
    assert len(touch.panels_of(devices, None, 4.0)) == 8


async def test_a_phone_without_a_touch_panel_is_told_so_and_nothing_else_is_said() -> None:
    glass = Glass()
    glass.events.listing = result('add device 1: /dev/input/event0\n  name:     "gpio-keys"\n  events:\n')
    readings = await touched(glass, {})
    assert {name: one.value for name, one in readings.measured.items()} == {"touch_listed": False}


async def test_nobody_who_wipes_ends_it_and_a_lost_phone_is_the_benchs_trouble() -> None:
    idle, gone = Glass(), Glass()
    with pytest.raises(PromptTimedOut):
        await touched(idle, a_hand(idle, touch_surface=PromptTimedOut(Words("nobody", "无人"))))
    trouble = DeviceGone("adb.gone", Words("gone", "断开"), Side.CABLE, Words("replug", "重插"))
    with pytest.raises(DeviceGone):
        await touched(gone, a_hand(gone, touch_surface=lambda: gone.events.break_off(trouble)))
    assert idle.events.closed
    assert gone.events.closed
