"""The running checklist: one line a check, with sign, word and colour, what was measured, the limit and the time.

Pure: run in, lines out. What has no verdict shows as not run, with its reason; nothing here can turn into a pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reports.vocabulary import ENDINGS, STAGES, named
from station.i18n import _, words
from station.ui.paint import Line, Span, bar, box, cells, columns, line, wrap
from station.ui.signs import ROW_STATES, SIDES, UNKNOWN, VERDICTS, Look

if TYPE_CHECKING:
    from station.messages import CheckRow, RunView

__all__ = ["checklist_box", "look_of", "row_details"]


def look_of(row: CheckRow, run: RunView | None = None) -> Look:
    """Sign, word and colour of one line; of a `run` that ended, nothing waits any more: it was not run."""
    if row.state == "waiting" and run is not None and run.state != "running":
        return VERDICTS["none"]
    if row.state != "ended":
        return ROW_STATES.get(row.state, UNKNOWN)
    return VERDICTS.get(row.verdict or "none", UNKNOWN)


def _seconds(row: CheckRow) -> str:
    if row.seconds <= 0:
        return ""
    return f"{row.seconds:.1f} s" if row.seconds < 100 else f"{row.seconds:.0f} s"


def _title(row: CheckRow) -> str:
    tries = f" ({row.attempts})" if row.attempts > 1 else ""
    return words(row.title) + tries + ("" if row.required else " °")


def _row(row: CheckRow, run: RunView, widths: tuple[int, ...], chosen: bool) -> Line:
    look = look_of(row, run)
    again = row.state == "ended" and row.failed_before and row.verdict in {"pass", "warn"}
    word = f"{look.sign} {words(look.words)}" + ("!" if again else "")
    measured = row.measured
    if not measured and row.state == "ended" and row.verdict in {None, "none"}:
        measured = words(named(ENDINGS, row.ending or "completed"))
        if row.reason is not None:
            measured = words(row.reason)
    mark = "▸ " if chosen else "  "
    name = Span(mark + _title(row), "chosen" if chosen else "text" if row.state != "waiting" else "dim")
    return columns(
        [
            (line((word, look.colour)), widths[0]),
            ([name], widths[1]),
            (" ", 1),
            (line((measured, "none" if look.colour == "none" else "text")), widths[2]),
            (" ", 1),
            (line((words(row.limit), "dim")), widths[3]),
            (line((f"{_seconds(row):>7}", "dim")), widths[4]),
        ]
    )


def _widths(inner: int) -> tuple[int, ...]:
    sign, seconds = 10, 7
    room = inner - sign - seconds - 2
    limit = max(8, room * 22 // 100)
    measured = max(10, room * 34 // 100)
    return sign, room - limit - measured, measured, limit, seconds


def checklist_box(run: RunView, width: int, height: int, cursor: int, names: Mapping[str, str]) -> list[Line]:
    """The checklist of a run in a frame; `cursor` is the line that keys act on, `names` what people are called."""
    inner = width - 4
    widths = _widths(inner)
    head = columns(
        [
            ("", widths[0]),
            (line(("  " + _("check (soft, then hard)"), "dim")), widths[1]),
            (" ", 1),
            (line((_("measured"), "dim")), widths[2]),
            (" ", 1),
            (line((_("limit"), "dim")), widths[3]),
            (line((cells(_("time"), widths[4], "right"), "dim")), widths[4]),
        ]
    )
    room = max(1, height - 6)
    first = max(0, min(cursor - room // 2, len(run.checks) - room))
    rows: list[Line] = [head, line(("─" * inner, "frame"))]
    rows += [_row(row, run, widths, first + n == cursor) for n, row in enumerate(run.checks[first : first + room])]
    rows += [()] * (height - 3 - len(rows))
    done = sum(row.state == "ended" for row in run.checks)
    rows.append(_total(done, len(run.checks), inner))
    signed = (
        _("signed by {name}").format(name=names.get(run.signed_by, run.signed_by)) if run.signed_by else _run_state(run)
    )
    title = line(
        (f"{words(named(STAGES, run.stage))} · {words(run.checklist_title)} ", "strong"), (run.checklist, "dim")
    )
    return box(title, rows, width, height, note=signed)


def _run_state(run: RunView) -> str:
    states = {"running": _("running"), "finished": _("not sealed yet"), "sealed": _("not signed yet")}
    return states[run.state]


def _total(done: int, total: int, inner: int) -> Line:
    tail = f" {done}/{total}"
    label = _("total") + " "
    return line(label, *bar(done, total, max(4, inner - len(tail) - 10), "run"), tail)


def row_details(row: CheckRow, run: RunView | None, width: int, height: int) -> list[Line]:
    """Everything that is known of one line, in a frame."""
    look = look_of(row, run)
    inner = width - 4
    rows: list[Line] = [line((f"{look.sign} {words(look.words)}", look.colour), "  ", (words(row.title), "strong"))]
    if row.ending and row.ending != "completed":
        rows.append(line((words(named(ENDINGS, row.ending)), "none")))
    if row.reason is not None:
        rows += wrap(words(row.reason), inner, most=3)
    if row.measured:
        called = words(row.measure) if row.measure is not None else _("measured")
        rows.append(line((called + " ", "dim"), row.measured))
    if row.limit:
        rows.append(line((_("limit") + " ", "dim"), words(row.limit)))
    if row.side:
        rows.append(line((_("side") + " ", "dim"), words(named(SIDES, row.side))))
    if row.finding:
        rows.append(line((_("fault code") + " ", "dim"), row.finding))
    if row.attempts > 1 or row.failed_before:
        rows.append(line((_("attempts") + " ", "dim"), str(row.attempts)))
    if row.failed_before and row.verdict in {"pass", "warn"}:
        rows.append(line(("! " + _("passed after failing"), "warn")))
    if not row.required:
        rows.append(line(("° " + _("not required for release"), "dim")))
    return box(_("Selected check"), rows[: height - 2], width, height)
