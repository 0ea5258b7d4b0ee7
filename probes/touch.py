"""The touch panel, seen as the kernel sees it while a person wipes it: coverage, holes, fingers, jitter, ghosts.

The prompt for the surface comes again, with a small picture of what is still untouched, whenever the fingers rest; it
ends by itself when all is covered. What the panel is made of comes from `getevent -lp`, its size in millimetres, its
rounded corners and notches from the display's own dump. Stands on `InputEvents`; arithmetic is in `touch_trace`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from drivers.api import Command, InputEvent, InputEvents
from drivers.text import Words
from probes.answers import hear_second_apart, why_nothing
from probes.apart import apart
from probes.api import Bench, Choice, Evidence, Measurement, Prompt, PromptKind, Reading, Skipped, Unread, probe
from probes.display_dump import display
from probes.getevent import InputDevice, devices_of
from probes.live import EventQueue, seen_by_the_phone
from probes.touch_trace import UNBROKEN, Contacts, Grid, Report, max_contacts, strokes
from probes.units import FLAG

__all__ = ["Panel", "panels_of", "touch"]

_DISPLAY = Command("display", "dumpsys display", timeout_s=10.0, limit=1024 * 1024)
#: linux/input-event-codes.h, by name and by number in four hexadecimal digits, as `getevent` lists them.
_EV_SYN, _EV_ABS = 0, 3
_X, _Y, _SLOT = ("ABS_MT_POSITION_X", "0035"), ("ABS_MT_POSITION_Y", "0036"), ("ABS_MT_SLOT", "002f")
#: INPUT_PROP_POINTER: a touchpad, no screen.
_POINTER = ("INPUT_PROP_POINTER", "0000")
#: Seconds without a finger after which the person is shown what is left.
PAUSE_S = 3.0
_TAKE_S = 0.05
_MOST_PROMPTS = 20
#: No hand has more fingers at hand than ten.
HANDS = 10
#: Cells across the short side where the panel's size in millimetres is not told: 4 mm on a phone of 68 mm.
_ACROSS = 17
#: Usual interval of reports until enough of them were seen: the slowest panels report at 60 Hz.
_SLOWEST_S = 1 / 60
_ENOUGH_REPORTS = 200
_MAP = (9, 14)
_MM = 25.4
#: No screen of a phone or tablet has a shorter or longer side; a strip is no screen, and no phone has so many screens.
_SIDES_MM, _OBLONG, _MOST_SCREENS = (20.0, 500.0), 10, 8


@dataclass(frozen=True, slots=True)
class Size:
    """A panel's width and height in millimetres, its corners' radius and cutouts as shares of width and height."""

    width_mm: float
    height_mm: float
    radius_mm: float = 0.0
    cutouts: tuple[tuple[float, float, float, float], ...] = ()


class Panel:
    """One touch device: its axes, its contacts so far, its cells.

    Attributes:
        fingers: contacts that it can tell apart, None for protocol A, which does not say.
        size: None where the phone does not tell; lengths are then not measured.
    """

    def __init__(self, device: InputDevice, size: Size | None, cell_mm: float) -> None:
        self.path, self.name = device.path, device.name
        (self.left, right), (self.top, low) = _range(device, _X), _range(device, _Y)
        self.width, self.height = right - self.left + 1.0, low - self.top + 1.0
        slots = next((device.ranges[axis] for axis in _SLOT if axis in device.ranges), None)
        has_slots = any(axis in device.axes for axis in _SLOT)
        self.fingers = slots[1] - slots[0] + 1 if slots else None
        self.contacts = Contacts(slots=has_slots)
        if size is not None and (self.width > self.height) != (size.width_mm > size.height_mm):
            size = Size(size.height_mm, size.width_mm, size.radius_mm)  # the panel's axes lie across the display's
        self.size = size
        self.reports: list[Report] = []
        self._cell_mm = cell_mm
        self._usual_s = _SLOWEST_S
        self.grid = self._new_grid()

    def _new_grid(self) -> Grid:
        if self.size is None:
            cell = min(self.width, self.height) / _ACROSS
            return Grid(self.width, self.height, cell)
        across, down = self.width / self.size.width_mm, self.height / self.size.height_mm
        grid = Grid(self.width, self.height, self._cell_mm * across, self._cell_mm * down)
        grid.leave_out(_unreachable(grid, self.size, across, down))
        return grid

    def feed(self, event: InputEvent) -> list[Report]:
        """Take one event of this device; the reports that it completes, from the panel's own corner."""
        found = []
        for one in self.contacts.feed(event.time_s, event.type, event.code, event.value):
            moved = Report(one.time_s, one.contact, one.x - self.left, one.y - self.top, one.down, one.up)
            self.reports.append(moved)
            self.grid.add(moved, UNBROKEN * self._usual_s)
            found.append(moved)
        if self._usual_s == _SLOWEST_S and len(self.reports) >= _ENOUGH_REPORTS:
            self.settle()
        return found

    def settle(self) -> None:
        """Take the cells anew, with the interval between reports as it was seen."""
        rate = strokes(self.reports).rate_hz
        if rate:
            self._usual_s = 1 / rate
        self.grid = self._new_grid()
        for one in self.reports:
            self.grid.add(one, UNBROKEN * self._usual_s)

    def in_mm(self, reports: Iterable[Report]) -> list[Report]:
        """Reports with places in millimetres; call it only where `size` is known."""
        size = self.size or Size(self.width, self.height)
        x, y = size.width_mm / self.width, size.height_mm / self.height
        return [Report(one.time_s, one.contact, one.x * x, one.y * y, one.down, one.up) for one in reports]

    def edge_gap_mm(self) -> float | None:
        """The widest strip along an edge that no report came from."""
        if self.size is None or self.grid.reached is None:
            return None
        left, top, right, low = self.grid.reached
        x, y = self.size.width_mm / self.width, self.size.height_mm / self.height
        return max(left * x, top * y, (self.width - 1 - right) * x, (self.height - 1 - low) * y, 0.0)


def _range(device: InputDevice, names: Sequence[str]) -> tuple[int, int]:
    return next(device.ranges[name] for name in names if name in device.ranges)


def _unreachable(grid: Grid, size: Size, across: float, down: float) -> Iterable[tuple[int, int]]:
    """Cells outside rounded corners and under cutouts."""
    for row in range(grid.rows):
        for column in range(grid.columns):
            x, y = grid.centre(column, row)
            mm_x, mm_y = x / across, y / down
            in_x = min(mm_x, size.width_mm - mm_x) - size.radius_mm
            in_y = min(mm_y, size.height_mm - mm_y) - size.radius_mm
            beyond = in_x < 0 and in_y < 0 and math.hypot(in_x, in_y) > size.radius_mm
            share_x, share_y = mm_x / size.width_mm, mm_y / size.height_mm
            if beyond or any(l <= share_x <= r and t <= share_y <= b for l, t, r, b in size.cutouts):  # noqa: E741
                yield column, row


def _size(said: Mapping[str, object]) -> Size | None:
    """The first panel's size from the display's dump."""
    panels = said.get("panels")
    first = panels[0] if isinstance(panels, list) and panels else {}
    width, height, dpi = first.get("width"), first.get("height"), first.get("xdpi")
    if not width or not height or not dpi or not 50 <= dpi <= 1000:
        return None
    mm = _MM / float(dpi)
    if not all(_SIDES_MM[0] <= side * mm <= _SIDES_MM[1] for side in (width, height)):
        return None
    cutouts = tuple((a / width, b / height, c / width, d / height) for a, b, c, d in first.get("cutouts", ()))
    return Size(width * mm, height * mm, first.get("corner_radius", 0) * mm, cutouts)


def panels_of(devices: Iterable[InputDevice], size: Size | None, cell_mm: float) -> list[Panel]:
    """The touch screens among the input devices: by their axes, never by their names."""
    found: list[Panel] = []
    for device in devices:
        ranges = [next((device.ranges[name] for name in axis if name in device.ranges), (0, 0)) for axis in (_X, _Y)]
        sides = sorted(high - low for low, high in ranges)
        screen = sides[0] > 0 and sides[1] <= _OBLONG * sides[0] and not set(device.props) & set(_POINTER)
        if screen and len(found) < _MOST_SCREENS:
            found.append(Panel(device, size, cell_mm))
    return found


_WIPE = Words("Swipe over the whole screen with one finger", "用一根手指划遍整个屏幕")
_WIPE_STEPS = (
    Words("Line by line, edges and corners too; no hurry.", "逐行划过，包括边缘和四角，不必求快。"),
    Words("Close gesture hints; what opens on the phone does not matter.", "关闭手势提示；手机上弹出什么都没有关系。"),
)
_LEFT = Words("Touched: {share} %. □ is still untouched:", "已触摸 {share} %。□ 为未触摸：")
_FINGERS = Words("Lay {count} fingers on the screen at once", "同时将 {count} 根手指放在屏幕上")
_LINE = Words("Draw one slow line from top to bottom along a ruler", "沿直尺自上而下缓慢画一条直线")
_HANDS_OFF = Words(
    "Hands off: lay the phone down and don't touch the screen for {seconds} s", "放下手机，{seconds} 秒内不要触摸屏幕"
)
_HANDS_OFF_AGAIN = Words(
    "Something touched the screen. Hands off once more, {seconds} s", "屏幕检测到触摸。请再次放手 {seconds} 秒"
)
_OTHER_SCREEN = Words(
    "Has this phone another screen (fold it or open it to see)?", "此手机是否还有另一块屏幕（折叠或展开后可见）？"
)
_OTHER_WIPE = Words(
    "Fold or open the phone, then swipe over the whole of its other screen", "折叠或展开手机，划遍另一块屏幕"
)
_YES, _NO = Words("Yes", "有"), Words("No", "没有")
_NOT_LISTED = Words("the phone lists no input devices: {why}", "手机未列出输入设备：{why}")
_NOT_DONE = Words("this step was not done; run this again", "未完成此步骤；请重测")
_NO_SIZE = Words("the phone does not tell its screen's size", "手机未提供屏幕尺寸")
_NOT_SAID = Words("the panel does not tell how many fingers it knows", "触摸屏未说明支持的触点数")
_TOO_LITTLE = Words(
    "too few movements were seen; run this again and swipe in long, slow lines", "检测到的滑动太少；请重测，慢速划长线"
)

_SOURCE = "kernel input events"
_MEASURES = {
    "touch_listed": FLAG,
    "touch_coverage": "%",
    "touch_largest_hole": "1",
    "touch_edge_gap": "mm",
    "touch_pointers": "1",
    "touch_pointers_known": "1",
    "touch_pointers_missing": "1",
    "touch_rate": "Hz",
    "touch_drops": "%",
    "touch_jitter": "mm",
    "touch_jumps": "1",
    "touch_ghosts": "1",
    "touch_screens": "1",
}


@dataclass(slots=True)
class _Session:
    """One go at the screens of one phone."""

    bench: Bench
    queue: EventQueue
    panels: list[Panel]
    timeout_s: float
    wiped: list[Panel] = field(default_factory=list)

    def take(self, event: InputEvent) -> list[tuple[Panel, Report]]:
        """Give an event to its panel."""
        return [(panel, one) for panel in self.panels if panel.path == event.device for one in panel.feed(event)]

    @property
    def busiest(self) -> Panel:
        """The panel under the finger: of those not yet done, the one that has said most."""
        return max((one for one in self.panels if one not in self.wiped), key=lambda one: len(one.reports))

    # -- surface ------------------------------------------------------------------------------------------------------
    async def wipe(self, title: Words, prompt: str, enough: float, small: int) -> None:
        """Ask to wipe until all is covered, or the person says that the rest does not react."""
        for number in range(1, _MOST_PROMPTS + 1):
            steps = _WIPE_STEPS if number == 1 else _picture(self.busiest)
            name = prompt if number == 1 else f"{prompt}-{number}"
            watching = self._covered(enough, small)
            done = await seen_by_the_phone(
                self.bench.person, name, title, watching, steps=steps, timeout_s=self.timeout_s
            )
            if done is not False:
                break
        self._drain()
        panel = self.busiest
        await asyncio.to_thread(panel.settle)  # a quarter of a second for each minute of wiping
        self.wiped.append(panel)

    async def _covered(self, enough: float, small: int) -> bool:
        """True once enough is covered and the finger is up; False when the fingers rest after some wiping."""
        moved = False
        while True:
            try:
                async with asyncio.timeout(PAUSE_S):
                    event = await self.queue.next()
            except TimeoutError:
                if moved and not self.busiest.contacts.down:
                    return self._enough(enough, small)
                continue
            for one in (event, *self.queue.waiting()):
                moved = bool(self.take(one)) or moved
            if not self.busiest.contacts.down and self._enough(enough, small):
                return True

    def _enough(self, enough: float, small: int) -> bool:
        grid = self.busiest.grid
        return grid.coverage * 100 >= enough and max((len(hole) for hole in grid.holes()), default=0) <= small

    def _drain(self) -> None:
        for event in self.queue.waiting():
            self.take(event)

    # -- fingers, line, ghosts ----------------------------------------------------------------------------------------
    async def fingers(self, count: int) -> int:
        """The most contacts at once, up to `count`."""
        self._drain()
        panel = self.wiped[0]
        start = len(panel.reports)

        async def all_down() -> int:
            down: set[int] = set()
            most = 0
            while most < count:
                for where, one in self.take(await self.queue.next()):
                    if where is panel:
                        down.discard(one.contact) if one.up else down.add(one.contact)
                        most = max(most, len(down))
            return count

        title = _FINGERS.fill(count=count)
        seen = await seen_by_the_phone(self.bench.person, "touch-fingers", title, all_down(), timeout_s=self.timeout_s)
        return seen if seen is not None else max_contacts(panel.reports[start:])

    async def line(self) -> list[Report]:
        """The reports of one long stroke; empty when none was made."""
        self._drain()
        panel = self.wiped[0]

        async def long_stroke() -> list[Report]:
            drawn: dict[int, list[Report]] = {}
            while True:
                for where, one in self.take(await self.queue.next()):
                    if where is not panel:
                        continue
                    if not one.up:
                        drawn.setdefault(one.contact, []).append(one)
                        continue
                    stroke = drawn.pop(one.contact, [])
                    if stroke and abs(stroke[-1].y - stroke[0].y) >= panel.height / 2:
                        return stroke

        found = await seen_by_the_phone(self.bench.person, "touch-line", _LINE, long_stroke(), timeout_s=self.timeout_s)
        return found or []

    async def ghosts(self, seconds: float) -> int | None:
        """Contacts put down while nobody touches; None when it was not waited for."""
        shown = f"{seconds:g}"
        for name, title in (("touch-hands-off", _HANDS_OFF), ("touch-hands-off-again", _HANDS_OFF_AGAIN)):
            self._drain()
            filled = title.fill(seconds=shown)
            count = await seen_by_the_phone(
                self.bench.person, name, filled, self._resting(seconds), timeout_s=self.timeout_s + seconds
            )
            if not count:  # seen once is a sleeve; seen again with hands off is the panel
                return count
        return count

    async def _resting(self, seconds: float) -> int:
        await asyncio.sleep(min(1.0, seconds / 4))  # the hand that pressed a key on the bench is not yet away
        self._drain()
        start = {panel.path: len(panel.reports) for panel in self.panels}
        await asyncio.sleep(seconds)
        self._drain()
        return sum(one.down for panel in self.panels for one in panel.reports[start[panel.path] :])

    async def another_screen(self) -> bool:
        """Whether the person sees another screen; a skipped question is a no."""
        choices = (Choice("no", _NO, "0"), Choice("yes", _YES, "1"))
        try:
            answer = await self.bench.person.ask(
                Prompt("touch-other-screen", PromptKind.CHOICE, _OTHER_SCREEN, (), choices, self.timeout_s)
            )
        except Skipped:
            return False
        return answer.value == "yes"


def _picture(panel: Panel) -> tuple[Words, ...]:
    share = f"{panel.grid.coverage * 100:.1f}"
    return (_LEFT.fill(share=share), *(Words(line, line) for line in panel.grid.map(*_MAP)))


@probe(
    "android.touch",
    needs=InputEvents,
    reads=(_DISPLAY,),
    measures=_MEASURES,
    names={
        "touch_listed": Words("touch panel found", "检测到触摸屏"),
        "touch_coverage": Words("touched", "触摸覆盖率"),
        "touch_largest_hole": Words("largest hole, cells", "最大盲区格数"),
        "touch_edge_gap": Words("dead edge", "边缘盲区"),
        "touch_pointers": Words("fingers at once", "同时触点数"),
        "touch_pointers_known": Words("fingers it knows", "支持触点数"),
        "touch_pointers_missing": Words("fingers missing", "缺少触点数"),
        "touch_rate": Words("report rate", "报点率"),
        "touch_drops": Words("reports dropped", "丢点率"),
        "touch_jitter": Words("jitter of a line", "画线抖动"),
        "touch_jumps": Words("jumps over holes", "跨盲区跳点"),
        "touch_ghosts": Words("ghost touches", "自发触点（鬼触）"),
        "touch_screens": Words("screens tested", "已测屏幕数"),
    },
    asks=True,
)
async def touch(
    bench: Bench,
    *,
    pointers: int = 0,
    cell_mm: float = 4.0,
    enough: float = 99.5,
    small_hole: int = 3,
    rest_s: float = 10.0,
    line: bool = True,
    timeout_s: float = 180.0,
    total_s: float = 900.0,
) -> AsyncIterator[Reading]:
    """Coverage by cells, holes, edges, fingers at once, report rate, drops, jitter, ghosts, from kernel events.

    Settings: `pointers`, fingers that the model knows (0: as the panel says, at most ten); `cell_mm`, side of a cell;
    `enough` per cent with no hole of more than `small_hole` cells end the wiping by themselves; `rest_s` seconds of
    hands-off; `line`, whether a line along a ruler is asked for; `timeout_s` for each prompt; `total_s` for all.
    """
    inputs = bench.capability(InputEvents)  # type: ignore[type-abstract]  # a protocol names the capability
    listing = await inputs.describe(deadline_s=10.0)
    if listing.failure is not None:
        raise listing.failure
    devices = await apart(devices_of, listing.stdout)
    if not devices:
        reason = _NOT_LISTED.fill(why=why_nothing(listing))
        for name in _MEASURES:
            yield Unread(name, reason, "getevent -lp")
        return
    said = await hear_second_apart(bench, _DISPLAY, display)
    panels = panels_of(devices, _size(said.facts), cell_mm)
    yield Measurement("touch_listed", bool(panels), "getevent -lp")
    if not panels:
        return
    paths = {panel.path for panel in panels}
    async with inputs.events(deadline_s=total_s) as events:
        queue = EventQueue(events, lambda event: event.type in (_EV_SYN, _EV_ABS) and event.device in paths)
        session = _Session(bench, queue, panels, timeout_s)
        try:
            await session.wipe(_WIPE, "touch-surface", enough, small_hole)
            if len(panels) > 1 and await session.another_screen():
                await session.wipe(_OTHER_WIPE, "touch-other-surface", enough, small_hole)
            for reading in await asyncio.to_thread(lambda: list(_surface(session.wiped))):
                yield reading
            wanted = min(pointers or session.wiped[0].fingers or 0, HANDS)
            if wanted:
                yield Measurement("touch_pointers_known", Decimal(wanted), "getevent -lp: ABS_MT_SLOT")
                found = await session.fingers(wanted)
                yield Measurement("touch_pointers", Decimal(found), _SOURCE)
                yield Measurement("touch_pointers_missing", Decimal(max(wanted - found, 0)), _SOURCE)
            else:
                for name in ("touch_pointers", "touch_pointers_known", "touch_pointers_missing"):
                    yield Unread(name, _NOT_SAID, "getevent -lp")
            if line:
                yield _jitter(session.wiped[0], await session.line())
            ghosts = await session.ghosts(rest_s)
            if ghosts is None:
                yield Unread("touch_ghosts", _NOT_DONE, _SOURCE)
            else:
                yield Measurement("touch_ghosts", Decimal(ghosts), f"{_SOURCE}, {rest_s:g} s")
        finally:
            await queue.close()
    for number, panel in enumerate(session.wiped, 1):
        yield Evidence(f"touch-{number}.csv", await asyncio.to_thread(_csv, panel), "text/csv")


def _surface(wiped: Sequence[Panel]) -> Iterable[Reading]:
    """What the wiped screens say; of several the worst."""
    grids = [panel.grid for panel in wiped]
    source = f"{_SOURCE}: {', '.join(panel.name or panel.path for panel in wiped)}"
    coverage = min(grid.coverage for grid in grids) * 100
    yield Measurement("touch_coverage", Decimal(f"{math.floor(coverage * 100) / 100:.2f}"), source)
    hole = max((len(hole) for grid in grids for hole in grid.holes()), default=0)
    yield Measurement("touch_largest_hole", Decimal(hole), source)
    yield Measurement("touch_screens", Decimal(len(wiped)), source)
    gaps = [panel.edge_gap_mm() for panel in wiped]
    known = [gap for gap in gaps if gap is not None]
    if known:
        yield Measurement("touch_edge_gap", Decimal(f"{max(known):.2f}"), source)
    else:
        yield Unread("touch_edge_gap", _NO_SIZE, "dumpsys display")
    said = strokes(wiped[0].reports)
    if said.rate_hz is None or said.drop_share is None:
        yield from (Unread(name, _TOO_LITTLE, source) for name in ("touch_rate", "touch_drops", "touch_jumps"))
        return
    yield Measurement("touch_rate", Decimal(f"{said.rate_hz:.1f}"), source)
    yield Measurement("touch_drops", Decimal(f"{said.drop_share * 100:.2f}"), source)
    over = sum(wiped[0].grid.crosses_a_hole(a, b) for a, b in said.jumps)
    yield Measurement("touch_jumps", Decimal(over), source)


def _jitter(panel: Panel, stroke: Sequence[Report]) -> Reading:
    if panel.size is None:
        return Unread("touch_jitter", _NO_SIZE, "dumpsys display")
    found = strokes(panel.in_mm(stroke)).jitter
    if found is None:
        return Unread("touch_jitter", _NOT_DONE, _SOURCE)
    return Measurement("touch_jitter", Decimal(f"{found:.3f}"), f"{_SOURCE}: one line along a ruler")


def _csv(panel: Panel) -> bytes:
    rows = ["t_s,contact,x,y,what"]
    for one in panel.reports:
        what = "up" if one.up else "down" if one.down else "move"
        rows.append(f"{one.time_s:.6f},{one.contact},{one.x:g},{one.y:g},{what}")
    return ("\n".join(rows) + "\n").encode()
