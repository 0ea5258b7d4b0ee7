"""The panel of an open prompt: what to do, how long there is, and the keys that answer.

Pure: prompt in, lines out. When the time is up no key answers any more; the engine records it as not run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from station.i18n import _, words
from station.ui.paint import Line, Span, beside, box, line, wrap
from station.ui.signs import STATUSES, VERDICTS
from station.ui.widgets.wall import ago

if TYPE_CHECKING:
    from station.messages import PromptView, SessionView

__all__ = ["answers", "prompt_lines", "time_is_up"]


def time_is_up(prompt: PromptView, now_ms: int) -> bool:
    """Whether the prompt's deadline has passed; a prompt without one ends 0."""
    return 0 < prompt.ends_ms <= now_ms


def answers(prompt: PromptView) -> list[tuple[str, str, str]]:
    """The keys that answer: key, value that is sent, label. A choice without a key of its own gets the next digit."""
    if prompt.kind == "verdict":
        return [
            ("+", "good", words(VERDICTS["pass"].words)),
            ("-", "bad", words(VERDICTS["fail"].words)),
            ("0", "not-applicable", _("n/a (reason)")),
        ]
    if prompt.kind == "choice":
        own = {key for _value, _label, key in prompt.choices if key}
        free = iter([digit for digit in "123456789abcdefghijklmnop" if digit not in own])
        return [(key or next(free, ""), value, words(label)) for value, label, key in prompt.choices]
    return []


def prompt_lines(
    view: SessionView, prompt: PromptView, now_ms: int, width: int, last: str, seen: str = "", note: str = ""
) -> list[Line]:
    """The whole panel, for a body of `width` cells.

    `last` says what `u` would take back; `seen` what a simulated phone shows; `note` goes with the answer.
    """
    left_width = max(28, width * 36 // 100)
    right = _question(prompt, now_ms, width - left_width - 1)
    left = _context(view, prompt, left_width, len(right), seen)
    rows: list[Line] = [line(), *beside(left, right, left_width), line()]
    rows += _tiles(prompt, now_ms, width)
    rows.append(line())
    if note:
        rows += wrap(_("note: {text}").format(text=note), width - 2, "strong", most=3)
    if last:
        rows.append(line((" " + _("before: {check}").format(check=last), "dim"), ("   u ", "key"), _("undo")))
    rows.append(line((" " + _hint(prompt), "dim")))
    return rows


def _context(view: SessionView, prompt: PromptView, width: int, height: int, seen: str) -> list[Line]:
    rows: list[Line] = [line((words(prompt.check_title), "strong")), line()]
    rows.append(line((view.card.model, "text"), (f"  …{view.card.serial_tail}", "dim")))
    if view.card.ticket:
        rows.append(line((view.card.ticket, "dim")))
    rows.append(line((f"{view.card.done}/{view.card.total}", "dim")))
    if seen:
        rows += [line(), line((_("on the simulated phone's screen:"), "simulated")), line((seen, "strong"))]
    return box(_("Check"), rows, width, height)


def _question(prompt: PromptView, now_ms: int, width: int) -> list[Line]:
    inner = width - 4
    look = STATUSES["your-turn"]
    rows: list[Line] = [line()]
    rows += wrap(words(prompt.title), inner, "strong", most=3)
    rows.append(line())
    counted = len(prompt.steps) > 1
    for n, step in enumerate(prompt.steps, 1):
        for m, part in enumerate(wrap(words(step), inner - 4, most=3)):
            rows.append([Span((f" {n}. " if counted else "  · ") if m == 0 else "    ", "dim"), *part])
    rows += [line()] * max(1, 10 - len(rows))
    note = ""
    if time_is_up(prompt, now_ms):
        rows.append(line(("– " + _("the time is up: this is recorded as not run"), "none")))
    elif prompt.ends_ms > 0:
        note = _("{time} left").format(time=ago(prompt.ends_ms - now_ms))
    title = line((f"{look.sign} {words(look.words)}", look.colour))
    return box(title, rows, width, look=look.colour, note=note, double=True)


def _tiles(prompt: PromptView, now_ms: int, width: int) -> list[Line]:
    given = [] if time_is_up(prompt, now_ms) else answers(prompt)
    if prompt.kind == "choice":
        return [line(("    " + key, "key"), "   ", label) for key, _value, label in given]
    if not given:
        return []
    given.append(("*", "", _("retest")))
    size = (width - len(given) + 1) // len(given)
    rows: list[Line] = []
    looks = {"+": "pass", "-": "fail"}
    for key, _value, label in given:
        look = looks.get(key, "frame")
        inside: list[Line] = [
            line(),
            line((f"   {key}   ", "key"), (label, look if look != "frame" else "text")),
            line(),
        ]
        tile = box("", inside, size, look=look)
        tile[0] = line(("┌" + "─" * (size - 2) + "┐", look))
        rows = beside(rows, tile, len(rows) and sum(len(span.text) for span in rows[0])) if rows else tile
    return rows


def _hint(prompt: PromptView) -> str:
    if prompt.kind == "wait":
        return _("nothing to answer: the bench sees it itself; a timeout is 'not run', never PASS")
    if prompt.kind == "text":
        return _("type or scan, then Enter or F9; a timeout is 'not run', never PASS")
    return _("Enter is never a verdict (scanners send it); a timeout is 'not run', never PASS")
