"""From kernel events to what a touch panel did: contacts, coverage by cells, holes, drops, jitter.

Pure. `Contacts` understands both multi-touch protocols of the Linux kernel (Documentation/input/multi-touch-protocol):
B with slots, A with a report for each finger. What a report vouches for is less than its neighbourhood: coverage joins
two reports only where one follows the other without a gap, so that a controller that jumps over a dead strip does not
paint over it. Units are those of the reports; knows no phone and no limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

__all__ = ["Contacts", "Grid", "Report", "Strokes", "max_contacts", "strokes"]

#: linux/input-event-codes.h: types, codes of EV_SYN, and the ABS_MT_* that tell of a contact.
_EV_SYN, _EV_ABS = 0, 3
_SYN_REPORT, _SYN_MT_REPORT = 0, 2
_SLOT, _X, _Y, _ID = 0x2F, 0x35, 0x36, 0x39
#: Share of a cell's side that one report vouches for around it.
REACH = 0.75
#: Two reports of one contact this many usual intervals apart or less belong to one unbroken movement.
UNBROKEN = 3.5
#: Least reports of a stroke that says something of rate and jitter.
LEAST = 8


@dataclass(frozen=True, slots=True)
class Report:
    """One contact in one frame: `contact` is unique for each finger put down, `down` its first report, `up` its end."""

    time_s: float
    contact: int
    x: float
    y: float
    down: bool = False
    up: bool = False


@dataclass(slots=True)
class _Finger:
    x: int | None = None
    y: int | None = None
    contact: int | None = None
    changed: bool = False
    new: bool = False


class Contacts:
    """Makes reports from the events of one device, protocol A or B.

    Attributes:
        down: contacts that are down at this moment.
    """

    def __init__(self, *, slots: bool) -> None:
        self._slots = slots
        self._fingers: dict[int, _Finger] = {}
        self._slot = 0
        self._count = 0
        self._frame: list[_Finger] = []
        self._part = _Finger()
        self._ids: dict[int, int] = {}  # contact by the tracking id that a protocol A driver prints of itself
        self._before: dict[int, tuple[float, float]] = {}
        self.down: set[int] = set()

    def feed(self, time_s: float, kind: int, code: int, value: int) -> list[Report]:
        """Take one event; the reports that its frame makes, if it ends one."""
        if kind == _EV_ABS:
            (self._abs_b if self._slots else self._abs_a)(code, value)
        elif kind == _EV_SYN and code == _SYN_MT_REPORT and not self._slots:
            self._frame.append(self._part)
            self._part = _Finger()
        elif kind == _EV_SYN and code == _SYN_REPORT:
            return list(self._frame_b(time_s) if self._slots else self._frame_a(time_s))
        return []

    # -- protocol B ---------------------------------------------------------------------------------------------------
    def _abs_b(self, code: int, value: int) -> None:
        if code == _SLOT:
            self._slot = value
            return
        finger = self._fingers.setdefault(self._slot, _Finger())
        if code == _ID:
            if value < 0:
                finger.changed = finger.changed or finger.contact is not None
                finger.contact = None
            else:
                self._count += 1
                finger.contact, finger.new, finger.changed = self._count, True, True
        elif code == _X:
            finger.x, finger.changed = value, True
        elif code == _Y:
            finger.y, finger.changed = value, True

    def _frame_b(self, time_s: float) -> Iterator[Report]:
        before = set(self.down)
        self.down = {one.contact for one in self._fingers.values() if one.contact is not None}
        for gone in sorted(before - self.down):
            if gone in self._before:  # what never said where it was has not begun, and does not end
                x, y = self._before.pop(gone)
                yield Report(time_s, gone, x, y, up=True)
        for finger in self._fingers.values():
            if finger.changed and finger.contact is not None and finger.x is not None and finger.y is not None:
                self._before[finger.contact] = (finger.x, finger.y)
                yield Report(time_s, finger.contact, finger.x, finger.y, down=finger.new)
                finger.new = False
            finger.changed = False

    # -- protocol A ---------------------------------------------------------------------------------------------------
    def _abs_a(self, code: int, value: int) -> None:
        if code == _X:
            self._part.x = value
        elif code == _Y:
            self._part.y = value
        elif code == _ID:
            self._part.contact = value

    def _frame_a(self, time_s: float) -> Iterator[Report]:
        frame, self._frame, self._part = self._frame, [], _Finger()
        left = dict(self._before)
        now: dict[int, tuple[float, float]] = {}
        for finger in frame:
            if finger.x is None or finger.y is None:
                continue
            contact = self._follow(finger, left)
            new = contact is None
            if contact is None:
                self._count += 1
                contact = self._count
                if finger.contact is not None:
                    self._ids[finger.contact] = contact
            now[contact] = (finger.x, finger.y)
            yield Report(time_s, contact, finger.x, finger.y, down=new)
        for gone in sorted(self._before.keys() - now.keys()):
            yield Report(time_s, gone, *self._before[gone], up=True)
        self._before, self.down = now, set(now)

    def _follow(self, finger: _Finger, left: dict[int, tuple[float, float]]) -> int | None:
        """Which contact of the frame before this finger is: by its own id where it prints one, else the nearest."""
        if finger.contact is not None:
            contact = self._ids.get(finger.contact)
            return contact if contact is not None and left.pop(contact, None) is not None else None
        if not left or finger.x is None or finger.y is None:
            return None
        x, y = finger.x, finger.y
        nearest = min(left, key=lambda one: math.hypot(left[one][0] - x, left[one][1] - y))
        left.pop(nearest)
        return nearest


@dataclass(slots=True)
class Strokes:
    """What strokes of single fingers say of the panel.

    Attributes:
        rate_hz: reports a second, from the usual interval.
        drop_share: reports that are missing inside movements, over those that should be there.
        jitter: standard deviation across straight strokes, in the unit of the reports; None without a straight one.
        jumps: gaps inside one contact that are longer than unbroken movement: start and end of each.
    """

    rate_hz: float | None = None
    drop_share: float | None = None
    jitter: float | None = None
    jumps: list[tuple[Report, Report]] = field(default_factory=list)


def _by_contact(reports: Iterable[Report]) -> list[list[Report]]:
    found: dict[int, list[Report]] = {}
    for report in reports:
        if not report.up:
            found.setdefault(report.contact, []).append(report)
    return list(found.values())


def strokes(reports: Sequence[Report], *, straight: float = 0.02) -> Strokes:
    """Rate, drops, jitter and jumps. A stroke is straight when it is off its own line by `straight` of its length."""
    paths = [path for path in _by_contact(reports) if len(path) >= LEAST]
    gaps = [b.time_s - a.time_s for path in paths for a, b in pairwise(path) if b.time_s > a.time_s]
    if not gaps:
        return Strokes()
    usual = median(gaps)
    found = Strokes(rate_hz=1 / usual)
    steps = 0
    missing = 0
    for path in paths:
        typical = median(math.hypot(b.x - a.x, b.y - a.y) for a, b in pairwise(path))
        for a, b in pairwise(path):
            intervals = (b.time_s - a.time_s) / usual
            far = math.hypot(b.x - a.x, b.y - a.y)
            if intervals > UNBROKEN:
                if far > 2 * typical:
                    found.jumps.append((a, b))
                continue
            steps += 1
            if intervals > 1.5 and far > 1.5 * typical > 0:  # a finger that rests gives no reports, none is missing
                missing += round(intervals) - 1
    found.drop_share = missing / (steps + missing) if steps + missing else None
    spreads = [spread for path in paths if (spread := _across(path, straight)) is not None]
    found.jitter = median(spreads) if spreads else None
    return found


def _across(path: Sequence[Report], straight: float) -> float | None:
    """The standard deviation across the line through a stroke (total least squares); None if it is not straight."""
    count = len(path)
    mx, my = math.fsum(one.x for one in path) / count, math.fsum(one.y for one in path) / count
    xx = math.fsum((one.x - mx) ** 2 for one in path)
    yy = math.fsum((one.y - my) ** 2 for one in path)
    xy = math.fsum((one.x - mx) * (one.y - my) for one in path)
    root = math.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    along, across = (xx + yy) / 2 + root, max((xx + yy) / 2 - root, 0.0)
    length = math.hypot(path[-1].x - path[0].x, path[-1].y - path[0].y)
    spread = math.sqrt(across / max(count - 2, 1))
    return spread if length > 0 and along > 0 and spread <= straight * length else None


def max_contacts(reports: Iterable[Report]) -> int:
    """The most contacts that were down at once."""
    down: set[int] = set()
    most = 0
    for report in reports:
        down.discard(report.contact) if report.up else down.add(report.contact)
        most = max(most, len(down))
    return most


class Grid:
    """The cells of a panel, and which of them were touched.

    Args:
        width, height: of the panel, in the unit of the reports.
        cell: side of a cell; the last column and row may be narrower.
        cell_y: height of a cell where axes have different units.
    """

    def __init__(self, width: float, height: float, cell: float, cell_y: float | None = None) -> None:
        self.width, self.height, self.cell = width, height, cell
        self.cell_y = cell_y or cell
        self.columns, self.rows = max(1, math.ceil(width / cell)), max(1, math.ceil(height / self.cell_y))
        self.touched = [[False] * self.columns for _ in range(self.rows)]
        self.beyond = [[False] * self.columns for _ in range(self.rows)]
        self.reached: tuple[float, float, float, float] | None = None
        self._last: dict[int, Report] = {}

    def leave_out(self, outside: Iterable[tuple[int, int]]) -> None:
        """Cells (column, row) that no finger can reach: outside rounded corners, under a notch."""
        for column, row in outside:
            if 0 <= column < self.columns and 0 <= row < self.rows:
                self.beyond[row][column] = True

    def centre(self, column: int, row: int) -> tuple[float, float]:
        """The middle of a cell, as far as the cell lies on the panel."""
        right, low = min((column + 1) * self.cell, self.width), min((row + 1) * self.cell_y, self.height)
        return (column * self.cell + right) / 2, (row * self.cell_y + low) / 2

    def add(self, report: Report, longest_s: float) -> None:
        """Take one report; it is joined to the one before of its contact if that is not older than `longest_s`."""
        if report.up:
            self._last.pop(report.contact, None)
            return
        left, top, right, low = self.reached or (report.x, report.y, report.x, report.y)
        self.reached = min(left, report.x), min(top, report.y), max(right, report.x), max(low, report.y)
        before = self._last.get(report.contact)
        self._last[report.contact] = report
        if before is None or report.time_s - before.time_s > longest_s:
            self._touch(report.x, report.y)
            return
        for part in range(1, (parts := self._parts(before, report)) + 1):
            share = part / parts
            self._touch(before.x + (report.x - before.x) * share, before.y + (report.y - before.y) * share)

    def _parts(self, a: Report, b: Report) -> int:
        """Steps between two reports, four to a cell; no more than across all cells, wherever they say they are."""
        far = max(abs(b.x - a.x) / self.cell, abs(b.y - a.y) / self.cell_y)
        return math.ceil(4 * min(max(far, 0.25), self.columns + self.rows))

    def _touch(self, x: float, y: float) -> None:
        column, row = int(x // self.cell), int(y // self.cell_y)
        for r in range(max(row - 1, 0), min(row + 2, self.rows)):
            for c in range(max(column - 1, 0), min(column + 2, self.columns)):
                cx, cy = self.centre(c, r)
                inside = (c, r) == (min(column, self.columns - 1), min(row, self.rows - 1))
                if inside or math.hypot((cx - x) / self.cell, (cy - y) / self.cell_y) <= REACH:
                    self.touched[r][c] = True

    @property
    def coverage(self) -> float:
        """The share of reachable cells that were touched, 0 to 1."""
        cells = [(c, r) for r in range(self.rows) for c in range(self.columns) if not self.beyond[r][c]]
        return sum(self.touched[r][c] for c, r in cells) / len(cells) if cells else 1.0

    def holes(self) -> list[list[tuple[int, int]]]:
        """Untouched cells (column, row) that hang together by their sides, the largest hole first."""
        open_cells = {
            (c, r)
            for r in range(self.rows)
            for c in range(self.columns)
            if not self.touched[r][c] and not self.beyond[r][c]
        }
        holes = []
        while open_cells:
            hole, queue = [], [open_cells.pop()]
            while queue:
                c, r = queue.pop()
                hole.append((c, r))
                for near in ((c + 1, r), (c - 1, r), (c, r + 1), (c, r - 1)):
                    if near in open_cells:
                        open_cells.remove(near)
                        queue.append(near)
            holes.append(sorted(hole))
        return sorted(holes, key=len, reverse=True)

    def box(self, hole: Sequence[tuple[int, int]]) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of a hole."""
        columns, rows = [c for c, _ in hole], [r for _, r in hole]
        return (
            min(columns) * self.cell,
            min(rows) * self.cell_y,
            min((max(columns) + 1) * self.cell, self.width),
            min((max(rows) + 1) * self.cell_y, self.height),
        )

    def crosses_a_hole(self, a: Report, b: Report) -> bool:
        """Whether the straight way between two reports leads over an untouched cell."""
        parts = max(2, self._parts(a, b))
        for part in range(1, parts):
            x, y = a.x + (b.x - a.x) * part / parts, a.y + (b.y - a.y) * part / parts
            c = min(max(int(x // self.cell), 0), self.columns - 1)
            r = min(max(int(y // self.cell_y), 0), self.rows - 1)
            if not self.touched[r][c] and not self.beyond[r][c]:
                return True
        return False

    def map(self, columns: int, rows: int) -> list[str]:
        """A small picture: `□` where something of that part is still untouched, `■` where all is done."""
        lines = []
        for row in range(rows):
            line = ""
            for column in range(columns):
                part = [
                    self.touched[r][c] or self.beyond[r][c]
                    for r in range(row * self.rows // rows, max((row + 1) * self.rows // rows, 1))
                    for c in range(column * self.columns // columns, max((column + 1) * self.columns // columns, 1))
                ]
                line += "■" if all(part) else "□"
            lines.append(line)
        return lines
