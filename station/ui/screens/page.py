"""What every screen has: one header, one footer, a line for what just happened, and keys that are also the footer.

A page draws its body from the app's feed and its own small state (a cursor, a typed reason); it never holds what the
engine knows. `order` is the one way by which a page makes the engine do something.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from reports.vocabulary import named
from station.i18n import N_, words
from station.ui.keys import Act, bindings
from station.ui.paint import Line, Span, line, wrap
from station.ui.seams import Feed
from station.ui.signs import SIDES
from station.ui.widgets.drawn import Drawn
from station.ui.widgets.footer import footer
from station.ui.widgets.header import header

if TYPE_CHECKING:
    from drivers.text import Words
    from station.errors import Trouble
    from station.messages import Command, Ok
    from station.ui.app import AssayApp

__all__ = ["BACK", "BACK_B", "HELP", "LANGUAGE", "Page"]

#: Seconds that a good word stays on the screen.
TOLD_S = 8.0

BACK = Act("escape", "back", "Esc", N_("back"))
BACK_B = Act("b", "back", "", N_("back"))
LANGUAGE = Act("f2", "app.language", "F2", N_("中/EN"))
HELP = Act("question_mark", "help", "?", N_("help"))


class Page(Screen[str | None]):
    """A screen of the bench. Subclasses give `ACTS`, `where`, `body` and `drawing`; some end with a text."""

    ACTS: ClassVar[tuple[Act, ...]] = ()
    AUTO_FOCUS = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        cls.BINDINGS = [*bindings(cls.ACTS)]
        super().__init_subclass__(**kwargs)

    def __init__(self) -> None:
        super().__init__()
        self._notice: list[Line] = []
        self._notice_of: tuple[Words, str, Words, str] | None = None
        self.busy = False

    @property
    def bench_app(self) -> AssayApp:
        """The app, by its own type."""
        return cast("AssayApp", self.app)

    @property
    def there(self) -> bool:
        """Whether its widgets are: `is_mounted` stays true while a page is taken away, widget by widget."""
        return self.is_mounted and self.display

    @property
    def feed(self) -> Feed:
        """The newest that the engine has said."""
        return self.bench_app.feed

    def name_of(self, person: object) -> str:
        """What somebody is called; who has no key on this station is known by the id alone."""
        return self.bench_app.names.get(str(person), str(person))

    # --- what a page gives ---

    def where(self) -> str:
        """The name of the place, for the header."""
        raise NotImplementedError

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """The body's lines."""
        raise NotImplementedError

    def body(self) -> Iterable[Widget]:
        """The widgets between header and footer."""
        yield Drawn(self.drawing, id="body")

    def follow(self) -> None:
        """The feed has something newer."""
        self.redraw()

    # --- what it has from here ---

    def compose(self) -> ComposeResult:
        """Header, body, notice, footer."""
        yield Drawn(lambda w, _h: header(self.feed, self.where(), self.bench_app.who(), w), id="header")
        yield from self.body()
        yield Drawn(self._notice_lines, id="notice")
        yield Drawn(lambda w, _h: footer(self.shown_acts(), w), id="footer")

    def on_mount(self) -> None:  # Textual calls this one too where a page has its own
        """Follow the clock: waiting times and countdowns move once a second."""
        self.set_interval(1, self.on_second)

    def on_second(self) -> None:
        """A second has passed."""
        if self.is_current:
            self.redraw()

    def on_screen_resume(self) -> None:
        """Back on top: show what is new."""
        self.follow()

    def redraw(self) -> None:
        """Draw everything anew; only what differs is painted."""
        for drawn in self.query(Drawn):
            drawn.redraw()
        self.refresh_bindings()

    def shown_acts(self) -> Iterable[Act]:
        """The keys of the footer: those that work now, in their order."""
        typing = isinstance(self.focused, Input)
        for act in self.ACTS:
            if act.shown and act.when(self) and not (typing and act.typed):
                yield act

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether the action works now, by the same table as the footer."""
        mine = [act for act in self.ACTS if act.action.partition("(")[0] == action]
        return any(act.when(self) for act in mine) if mine else True

    def on_descendant_focus(self) -> None:
        """A text field takes keys away; the footer says so."""
        self.redraw()

    def action_back(self) -> None:
        """Leave this screen."""
        self.dismiss()

    def action_help(self) -> None:
        """Open the help."""
        self.bench_app.open_help()

    # --- telling ---

    def tell(self, trouble: Trouble) -> None:
        """Show what went wrong, whose side it is on and what to do next, until something goes right."""
        self._notice_of = (trouble.what, trouble.side.value, trouble.next_step, "fail")
        self._show_notice()

    def say(self, text: Words, look: str = "pass") -> None:
        """Show a short good word for a while."""
        self._notice_of = told = (text, "", text, look)
        self._show_notice()

        def enough() -> None:
            if self._notice_of is told:
                self._notice_of = None
                self._show_notice()

        self.set_timer(TOLD_S, enough)

    def hush(self) -> None:
        """Something went right: take the trouble away that was shown."""
        if self._notice_of is not None and self._notice_of[1]:
            self._notice_of = None
            self._show_notice()

    def _show_notice(self) -> None:
        if not self.there:
            return
        notice = self.query_one("#notice", Drawn)
        rows = self._notice_lines(self.size.width, 4)
        notice.styles.height = len(rows)
        notice.redraw()

    def _notice_lines(self, width: int, _height: int) -> Sequence[Line]:
        if self._notice_of is None:
            return []
        what, side, next_step, look = self._notice_of
        if not side:
            return [line(Span(" "), Span(words(what), look))]
        told = f"✘ {words(what)} [{words(named(SIDES, side))}]"
        rows = wrap(told, width - 2, look, most=2) + wrap(f"→ {words(next_step)}", width - 2, "strong", most=2)
        return [[Span(" "), *row] for row in rows]

    def me(self) -> str:
        """Who acts here, or "" after asking who it is; the person presses the key again then."""
        if self.bench_app.person is not None:
            return self.bench_app.person.person
        from station.ui.screens.person import WhoAmI

        self.app.push_screen(WhoAmI())
        return ""

    def submit(self, command: Command, done: Words | None = None) -> None:
        """Have the engine do it in the background and say `done` when it did."""

        async def run() -> None:
            if await self.order(command) is not None and done is not None:
                self.say(done)

        self.run_worker(run(), group="order", exit_on_error=True)

    async def order(self, command: Command) -> Ok | None:
        """Have the engine do it. A refusal is shown here and gives None; nothing was changed then."""
        from station.errors import Trouble

        self.busy = True
        self.redraw()
        try:
            done = await self.bench_app.send(command)
        except Trouble as trouble:
            self.tell(trouble)
            return None
        finally:
            self.busy = False
            self.redraw()
        self.hush()
        return done
