"""Cross-check and release: the inspector's own run beside the self-check, and whether the phone may go.

The self-check's verdicts stay hidden until the cross-check is judged; then both are compared. Whether the phone may be
released is the engine's `verify_release`, never this page's; its refusals are shown word for word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from drivers.text import Words
from reports.vocabulary import DECISIONS, ENDINGS, named
from station.i18n import N_, _, words
from station.ui.keys import Act
from station.ui.paint import Line, box, columns, line, wrap
from station.ui.screens.page import BACK, BACK_B, LANGUAGE, Page
from station.ui.widgets.checklist import look_of

if TYPE_CHECKING:
    from station.messages import CheckRow, RunView, TicketView

__all__ = ["Release"]

#: Decisions of `verify_release` that let the phone go.
RELEASED = frozenset({"released", "released-with-waiver"})


class Release(Page):
    """The cross-check of one ticket, and its release."""

    CSS_PATH = "release.tcss"
    ACTS = (
        Act("r", "cross", "r", N_("run the cross-check"), lambda s: s.slot() is not None, N_("cross-check")),
        Act("f9", "release", "F9", N_("ask for the release"), lambda s: s.may_ask(), N_("release")),
        Act("asterisk", "reload", "*", N_("ask again")),
        Act("f3", "person", "F3", N_("who I am")),
        BACK,
        BACK_B,
        LANGUAGE,
    )

    def __init__(self, ticket: str) -> None:
        super().__init__()
        self.ticket = ticket
        self.view: TicketView | None = None
        self.decision = ""
        self.reasons: tuple[Words, ...] = ()

    def where(self) -> str:
        """The ticket."""
        return _("Cross-check and release") + f" · {self.ticket}"

    def on_screen_resume(self) -> None:
        """It may have changed."""
        self.action_reload()

    def action_reload(self) -> None:
        """Ask the engine for the ticket again."""
        self.run_worker(self._ask(), group="ask", exclusive=True)

    async def _ask(self) -> None:
        from station.messages import TicketQuery, TicketView

        found = await self.order(TicketQuery(ticket=self.ticket))
        if found is None:
            return
        self.view = TicketView.model_validate(found.data)
        self.redraw()

    # --- what is known ---

    def run_of(self, stage: str) -> RunView | None:
        """The newest run of a stage."""
        runs = [run for run in self.view.runs if run.stage == stage] if self.view is not None else []
        return runs[-1] if runs else None

    def slot(self) -> int | None:
        """The slot that has this ticket's phone."""
        bench = self.feed.bench
        found = [card.slot for card in bench.cards if card.ticket == self.ticket] if bench and self.ticket else []
        return found[0] if found else None

    def may_ask(self) -> bool:
        """Whether there is a release to ask for; each asking is journalled, so nothing asks by itself."""
        return self.view is not None and not self.view.release and not self.busy

    # --- drawing ---

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """Rules, comparison, decision."""
        if self.view is None:
            return [line(), line(("  " + _("asking the engine for the ticket …"), "dim"))]
        rules = self._rules(width)
        decision = self._decision(width)
        room = max(5, height - len(rules) - len(decision))
        return [*rules, *self._compared(width, room), *decision]

    def _rules(self, width: int) -> list[Line]:
        own = self.run_of("self-check")
        who = self.name_of(own.signed_by or own.person) if own is not None else _("nobody yet")
        signed = own is not None and own.signed_by is not None
        rows: list[Line] = [
            line(
                (_("self-check") + " ", "dim"),
                who,
                (" ✔ " + _("signed"), "pass") if signed else (" – " + _("not signed"), "none"),
                ("   " + _("inspector: must be somebody else"), "strong"),
            ),
            line((_("the self-check's verdicts stay hidden until the cross-check is judged"), "dim")),
        ]
        if self.slot() is None:
            rows.append(line(("! " + _("plug the phone in to run the cross-check"), "warn")))
        return box(_("Rules"), rows, width)

    def _compared(self, width: int, height: int) -> list[Line]:
        own, cross = self.run_of("self-check"), self.run_of("cross-check")
        inner = width - 4
        sizes = (max(20, inner - 56), 18, 18, 18)
        heads = (_("check"), _("self-check"), _("cross-check"), "")
        parts = [(line((text, "dim")), size) for text, size in zip(heads, sizes, strict=True)]
        rows: list[Line] = [columns(parts), line(("─" * inner, "frame"))]
        open_now = cross is not None and cross.state != "running"
        mine = {row.id: row for row in own.checks} if own is not None else {}
        theirs = {row.id: row for row in cross.checks} if cross is not None else {}
        for check in [*mine, *[check for check in theirs if check not in mine]]:
            rows.append(_comparison((mine.get(check), own), (theirs.get(check), cross), open_now, sizes))
        done = sum(row.state == "ended" for row in theirs.values())
        title = _("Check and compare") + f" ({done}/{len(theirs)})"
        if len(rows) > height - 2:
            rows = [*rows[: height - 3], line(("…", "dim"))]
        return box(title, rows, width, height)

    def _decision(self, width: int) -> list[Line]:
        assert self.view is not None  # noqa: S101 - the caller has looked
        rows: list[Line] = []
        if self.view.release == "released":
            rows.append(line(("✔ " + _("released; the phone may be handed back"), "pass")))
        elif self.view.release:
            rows.append(line(("! " + words(named(DECISIONS, self.view.release)), "warn")))
        elif self.decision in RELEASED:
            rows.append(line(("! " + _("not signed: the phone is not released"), "warn")))
        elif self.reasons or self.view.release_reasons:
            rows.append(line(("✘ " + _("release refused"), "fail")))
        else:
            rows.append(line(("– " + _("not released yet; F9 asks for it"), "none")))
        if self.decision not in RELEASED and not self.view.release:
            for reason in (self.reasons or self.view.release_reasons)[:8]:
                rows += wrap("  · " + words(reason), width - 4, "fail", most=2)
        return box(_("Release"), rows, width)

    # --- keys ---

    def action_cross(self) -> None:
        """Start the cross-check on the phone's slot."""
        from station.ui.screens.start import Start

        slot = self.slot()
        if slot is not None:
            self.app.push_screen(Start(slot, self.ticket, "cross-check"), lambda stage: self._to_slot(slot, stage))

    def _to_slot(self, slot: int, stage: str | None) -> None:
        from station.ui.screens.device import Device

        if stage:
            self.app.push_screen(Device(slot))

    def action_release(self) -> None:
        """Ask whether the phone may go; sign it when it may, show every reason when it may not."""
        if me := self.me():
            self.run_worker(self._release(me), group="order", exclusive=True)

    async def _release(self, me: str) -> None:
        from station.messages import PrepareRelease
        from station.ui.screens.sign import Sign

        told = await self.order(PrepareRelease(ticket=self.ticket, person=me))
        if told is None:
            return
        self.decision, self.reasons = str(told.data.get("decision", "")), _reasons(told.data.get("reasons"))
        self.redraw()
        if self.decision in RELEASED:
            self.app.push_screen(Sign("", self.ticket, "inspector", "approved", told), self._signed)

    def _signed(self, digest: str | None) -> None:
        if digest:
            self.say(Words("released, and waiting for head office", "已放行，等待上传总部"))

    def action_person(self) -> None:
        """Say who works here."""
        from station.ui.screens.person import WhoAmI

        self.app.push_screen(WhoAmI())


def _reasons(given: Any) -> tuple[Words, ...]:
    """The refusal's reasons, as the reply carries them: pairs of both languages."""
    if not isinstance(given, list | tuple):
        return ()
    out: list[Words] = []
    for one in given:
        if isinstance(one, dict):
            out.append(Words(str(one.get("en", "")), str(one.get("zh", ""))))
        elif isinstance(one, list | tuple) and len(one) == 2:
            out.append(Words(str(one[0]), str(one[1])))
        else:
            out.append(Words(str(one), str(one)))
    return tuple(out)


def _comparison(
    own: tuple[CheckRow | None, RunView | None],
    cross: tuple[CheckRow | None, RunView | None],
    shown: bool,
    sizes: tuple[int, ...],
) -> Line:
    mine, theirs = own[0], cross[0]
    row = mine or theirs
    assert row is not None  # noqa: S101 - one of both gave the id
    cells = [(line((words(row.title), "text")), sizes[0])]
    cells.append((_verdict(*own) if shown or mine is None else line(("··", "dim")), sizes[1]))
    cells.append((_verdict(*cross), sizes[2]))
    differs = shown and mine is not None and theirs is not None and mine.verdict != theirs.verdict
    cells.append((line(("! " + _("differs"), "warn") if differs else ""), sizes[3]))
    return columns(cells)


def _verdict(row: CheckRow | None, run: RunView | None) -> Line:
    if row is None:
        return line(("·", "dim"))
    look = look_of(row, run)
    why = ""
    if row.state == "ended" and row.verdict in {None, "none"} and row.ending not in {None, "completed"}:
        why = f" ({words(named(ENDINGS, str(row.ending)))})"
    return line((f"{look.sign} {words(look.words)}{why}", look.colour))
