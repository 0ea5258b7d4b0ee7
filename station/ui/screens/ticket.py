"""One ticket: its state, its runs, its records, and what a release still lacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.vocabulary import DECISIONS, DEEDS, ROLES, STAGES, kind_words, named
from station.i18n import N_, _, words
from station.ui.keys import Act
from station.ui.paint import Line, box, cells, columns, line, wrap
from station.ui.screens.device import run_line
from station.ui.screens.page import BACK, BACK_B, LANGUAGE, Page
from station.ui.signs import TICKET_STATES

if TYPE_CHECKING:
    from station.messages import RunView, TicketView

__all__ = ["Ticket"]


#: What a record's line tells of it, and the words for it.
_SAYS = {"role": ROLES, "meaning": DEEDS, "stage": STAGES, "decision": DECISIONS}


class Ticket(Page):
    """The page of one ticket."""

    CSS_PATH = "ticket.tcss"
    ACTS = (
        Act("up", "move(-1)", "↑↓", N_("select run"), lambda s: len(s.runs()) > 1),
        Act("down", "move(1)", "", N_("select run"), lambda s: len(s.runs()) > 1),
        Act("f9", "sign", "F9", N_("sign run"), lambda s: s.may_sign()),
        Act("q", "cross_check", "q", N_("cross-check, release"), lambda s: s.view is not None, N_("QC")),
        Act("n", "steps", "n", N_("what to do next"), lambda s: s.view is not None, N_("next")),
        Act("r", "reload", "r", N_("reload")),
        BACK,
        BACK_B,
        LANGUAGE,
    )

    def __init__(self, ticket: str) -> None:
        super().__init__()
        self.ticket = ticket
        self.view: TicketView | None = None
        self.cursor = 0

    def where(self) -> str:
        """The ticket's number."""
        return _("Ticket {n}").format(n=self.ticket)

    def on_screen_resume(self) -> None:
        """It may have changed."""
        self.action_reload()

    def action_reload(self) -> None:
        """Ask the engine again."""
        self.run_worker(self._ask(), group="ask", exclusive=True)

    async def _ask(self) -> None:
        from station.messages import TicketQuery, TicketView

        found = await self.order(TicketQuery(ticket=self.ticket))
        if found is not None:
            self.view = TicketView.model_validate(found.data)
        self.redraw()

    def runs(self) -> Sequence[RunView]:
        """The runs, newest first."""
        return tuple(reversed(self.view.runs)) if self.view is not None else ()

    def chosen(self) -> RunView | None:
        """The run that F9 signs."""
        runs = self.runs()
        return runs[min(self.cursor, len(runs) - 1)] if runs else None

    def may_sign(self) -> bool:
        """Whether the chosen run is sealed and waits for its signature."""
        run = self.chosen()
        return run is not None and run.record is not None and not run.signed_by

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """State, runs, records, release."""
        view = self.view
        if view is None:
            return [line(), line(("  " + _("asking the engine for the ticket …"), "dim"))]
        facts = [
            (_("state"), words(view.state_words) or words(named(TICKET_STATES, view.state))),
            (_("model"), view.model + (f"  …{view.imei_tail}" if view.imei_tail else "")),
            (_("complaint"), view.complaint),
            (_("opened"), self.feed.clock.local(view.opened_ms).strftime("%Y-%m-%d %H:%M")),
        ]
        rows = box(view.ticket, [line((cells(label, 14), "dim"), text) for label, text in facts], width)
        runs = [
            line(
                (" ▸ " if n == self.cursor else "   ", "chosen" if n == self.cursor else "text"),
                *run_line(run, self.bench_app.names),
            )
            for n, run in enumerate(self.runs())
        ]
        rows += box(_("Runs"), runs or [line((_("none yet"), "dim"))], width)
        rows += self._release(view, width)
        left = height - len(rows)
        records = [self._record(record, width - 4) for record in view.records]
        return rows + (box(_("Signed records"), records[-(left - 2) :], width, left) if left > 3 else [])

    def _release(self, view: TicketView, width: int) -> list[Line]:
        if view.release:
            plain = view.release == "released"
            decision = words(named(DECISIONS, view.release))
            rows: list[Line] = [line((("✔ " if plain else "! ") + decision, "pass" if plain else "warn"))]
        else:
            rows = [line(("– " + _("not released"), "none"))]
        for reason in view.release_reasons[:6]:
            rows += wrap("✘ " + words(reason), width - 4, "fail", most=2)
        return box(_("Release"), rows, width)

    def _record(self, record: dict[str, object], width: int) -> Line:
        kind = words(kind_words(str(record.get("record", ""))))
        told = [self.name_of(record.get("person") or "")]
        told += [words(named(table, str(record.get(key) or ""))) for key, table in _SAYS.items()]
        rest = " · ".join(text for text in told if text)
        return columns(
            [
                (line((f"{record.get('seq', ''):>5}  ", "dim")), 7),
                (kind, 20),
                (line((str(record.get("digest", ""))[:16], "dim")), 18),
                (rest, max(10, width - 45)),
            ]
        )

    def action_move(self, by: int) -> None:
        """Choose another run."""
        self.cursor = max(0, min(self.cursor + by, len(self.runs()) - 1))
        self.redraw()

    def action_sign(self) -> None:
        """Sign the chosen run's record."""
        from station.ui.screens.result import SIGNING
        from station.ui.screens.sign import Sign

        run = self.chosen()
        if run is not None and run.record is not None:
            role, meaning = SIGNING.get(run.stage, ("technician", "performed"))
            self.app.push_screen(Sign(run.record, self.ticket, role, meaning))

    def action_steps(self) -> None:
        """What can be done now."""
        from station.ui.screens.steps import Steps

        self.app.push_screen(Steps(self.ticket))

    def action_cross_check(self) -> None:
        """Cross-check and release."""
        from station.ui.screens.release import Release

        self.app.push_screen(Release(self.ticket))
