"""Who works here. Choosing oneself attributes what one does and signs nothing: each signature asks for the PIN."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from reports.vocabulary import ROLES, named
from station.errors import Trouble
from station.i18n import N_, _, words
from station.ui.keys import Act
from station.ui.paint import Line, box, line
from station.ui.screens.page import BACK, BACK_B, LANGUAGE, Page
from station.ui.seams import Signatory

__all__ = ["WhoAmI"]


class WhoAmI(Page):
    """The list of people who have a key on this station."""

    CSS_PATH = "person.tcss"
    ACTS = (
        Act("up", "move(-1)", "↑↓", N_("select"), lambda s: bool(s.people)),
        Act("down", "move(1)", "", N_("select"), lambda s: bool(s.people)),
        Act("enter", "choose", "Enter", N_("that is me"), lambda s: bool(s.people)),
        BACK,
        BACK_B,
        LANGUAGE,
    )

    def __init__(self) -> None:
        super().__init__()
        self.people: Sequence[Signatory] = ()
        self.cursor = 0
        self.asked = False

    def where(self) -> str:
        """The name of the place."""
        return _("Who works here")

    def on_mount(self) -> None:
        """Read the people in the background."""
        self.run_worker(self._read())

    async def _read(self) -> None:
        try:
            self.people = await asyncio.to_thread(self.bench_app.stand.signer.people)
        except Trouble as trouble:
            self.tell(trouble)
        self.asked = True
        here = [n for n, one in enumerate(self.people) if one == self.bench_app.person]
        self.cursor = here[0] if here else 0
        self.redraw()

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """Names and roles."""
        rows: list[Line] = [line()]
        for n, one in enumerate(self.people):
            roles = ", ".join(words(named(ROLES, role)) for role in one.roles)
            look = "chosen" if n == self.cursor else "text"
            rows.append(line((" ▸ " if n == self.cursor else "   ", look), (one.name, look), ("   " + roles, "dim")))
        if self.asked and not self.people:
            rows.append(line((" " + _("nobody has a key on this station yet: assay person add"), "warn")))
        rows += [line(), line((" " + _("this signs nothing; every signature asks for the PIN"), "dim"))]
        return box(_("Who works here"), rows, width)

    def action_move(self, by: int) -> None:
        """Choose another."""
        self.cursor = max(0, min(self.cursor + by, len(self.people) - 1))
        self.redraw()

    def action_choose(self) -> None:
        """That is me."""
        self.bench_app.person = self.people[self.cursor]
        self.dismiss(self.people[self.cursor].person)
