"""The one page of help: keys, signs, and what to do when a phone is not seen."""

from __future__ import annotations

from collections.abc import Sequence

from station.i18n import _, words
from station.ui.paint import Line, Span, beside, box, cells, line
from station.ui.screens.page import BACK, BACK_B, LANGUAGE, Page
from station.ui.signs import ROW_STATES, STATUSES, VERDICTS

__all__ = ["Help"]


class Help(Page):
    """Help."""

    CSS_PATH = "help.tcss"
    ACTS = (BACK, BACK_B, LANGUAGE)

    def where(self) -> str:
        """The name of the place."""
        return _("Help")

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """Keys beside each other, then rules and signs."""
        half = width // 2
        judge = _keys(
            [
                ("+", _("pass")),
                ("-", _("fail")),
                ("0", _("not applicable, with a reason")),
                ("*", _("retest: attempts are only added")),
                ("u", _("undo: tries the check again")),
                ("s", _("skip, with a reason: not run")),
                ("F9", _("sign, submit, save")),
            ]
        )
        go = _keys(
            [
                ("0-9", _("open a slot; [ and ] turn the page")),
                ("g", _("what has waited longest for me")),
                ("n", _("intake") + "   t " + _("tickets") + "   o " + _("outbox")),
                ("q", _("cross-check and release")),
                ("F3", _("who I am") + "   F2 中/EN"),
                ("b", _("back, also Esc")),
                ("^Q", _("leave; the engine goes on")),
            ]
        )
        rows = beside(box(_("Verdicts (number pad)"), judge, half - 1), box(_("Go"), go, width - half), half - 1)
        rows += box(_("Rules"), _rules(), width)
        rows += box(_("Signs"), [_signs()], width)
        rows += box(_("Phone not seen?"), _not_seen(), width)
        return rows


def _keys(rows: list[tuple[str, str]]) -> list[Line]:
    return [line((cells(key, 5), "key"), text) for key, text in rows]


def _rules() -> list[Line]:
    return [
        line(_("Enter is never a verdict: scanners send it")),
        line(_("a timeout, a lost cable or a skipped step is 'not run', never PASS")),
        line(_("forms: Enter and Tab go on, Space ticks and opens, F8 shows what it says, F9 writes and signs")),
        line(_("nothing counts unsigned; the one who repaired never makes the cross-check")),
    ]


def _signs() -> Line:
    spans: list[Span] = []
    shown = [*VERDICTS.values(), ROW_STATES["running"], STATUSES["your-turn"], ROW_STATES["waiting"], STATUSES["lost"]]
    for look in shown:
        spans += [Span(f"{look.sign} {words(look.words)}   ", look.colour)]
    return spans


def _not_seen() -> list[Line]:
    return [
        line(_("another cable → unlock, tap Trust or Allow on the phone → assay doctor says how the bench is")),
    ]
