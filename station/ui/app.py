"""The terminal screen: attaches to the engine, follows it, and shows one page at a time.

Stands on the seams (`station.ui.seams`) and on Textual. It keeps what the engine said last and nothing else: when the
engine dies it says so, attaches again, and shows what the new one says.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.binding import Binding

from reports.vocabulary import ROLES, named
from station.i18n import language, set_language, words
from station.ui.paint import Guard, OldConsole
from station.ui.seams import Attached, Bench, Feed
from station.ui.signs import STATUSES

if TYPE_CHECKING:
    from textual.filter import LineFilter
    from textual.screen import Screen

    from station.errors import Trouble
    from station.messages import Card, Command, Ok
    from station.ui.screens.page import Page
    from station.ui.seams import Signatory

__all__ = ["AssayApp"]

#: Seconds between two tries to attach to an engine that is gone.
AGAIN_S = 1.0


class AssayApp(App[int]):
    """The screen of one station."""

    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    TITLE = "Assay"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {"bench": lambda: _overview()}
    DEFAULT_MODE = "bench"  # a mode, since Textual 8.2 loads no stylesheet of a default screen
    BINDINGS = [  # noqa: RUF012 - Textual's own way
        Binding("ctrl+q", "quit", show=False, priority=True),
        Binding("ctrl+c", "ctrl_c", show=False),
        Binding("f2", "language", show=False, priority=True),
    ]

    def __init__(self, bench: Bench, ascii_only: bool = False) -> None:
        super().__init__()
        self.stand = bench
        self.feed = Feed(bench.clock)
        self.person: Signatory | None = None
        self.names: dict[str, str] = {}
        self._link: Attached | None = None
        self._watched: int | None = None
        self._statuses: dict[int, str] = {}
        self._guards: list[LineFilter] = [Guard(), *([OldConsole()] if ascii_only else [])]

    def get_line_filters(self) -> list[LineFilter]:
        """Textual's filters, and ours that lets no control character out."""
        return [*super().get_line_filters(), *self._guards]

    def on_mount(self) -> None:
        """Attach in the background; the first paint does not wait for it."""
        self.call_after_refresh(self._start_attaching)
        self.set_timer(3, _freeze_garbage)

    def _start_attaching(self) -> None:
        self.run_worker(self._keep_attached(), exclusive=True, group="attach", exit_on_error=True)

    # --- following the engine ---

    async def _keep_attached(self) -> None:
        await self._look()
        from station.errors import Trouble

        while True:
            try:
                await self._follow(await self.stand.connect())
            except* (Trouble, OSError, EOFError) as gone:
                self._lose(gone)
            await asyncio.sleep(AGAIN_S)

    async def _look(self) -> None:
        """The first snapshot at once; the client that brings all others is loaded after it is painted."""
        if self.stand.first_look is None or (seen := await self.stand.first_look()) is None:
            return
        self.feed.hear_bench(seen)
        self._spread()
        painted = asyncio.Event()
        self.call_after_refresh(painted.set)
        await painted.wait()

    async def _follow(self, link: Attached) -> None:
        from station.messages import Watch

        try:
            self._link = link
            if self.feed.lost is not None:
                self.feed.forget()
            self.run_worker(self._read_names(), exclusive=True, group="names")
            async with asyncio.TaskGroup() as both:
                both.create_task(self._follow_bench(link))
                both.create_task(self._follow_session(link))
                if self._watched is not None:
                    await link.send(Watch(slot=self._watched))
        finally:
            self._link = None
            await link.close()

    async def _read_names(self) -> None:
        """What people are called, for lists; who cannot be read stays an id."""
        from station.errors import Trouble

        try:
            people = await asyncio.to_thread(self.stand.signer.people)
        except Trouble:
            return
        self.names = {one.person: one.name for one in people}
        self._spread()

    async def _follow_bench(self, link: Attached) -> None:
        async for snapshot in link.bench():
            self.feed.hear_bench(snapshot)
            for card in snapshot.cards:
                self._ring(card)
            self._spread()
        raise _engine_lost()

    async def _follow_session(self, link: Attached) -> None:
        async for view in link.session():
            if view.slot == self._watched:
                self.feed.hear_session(view)
                self._spread()
        raise _engine_lost()

    def _lose(self, gone: BaseExceptionGroup[BaseException]) -> None:
        from station.errors import Trouble

        first: BaseException = gone
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        self.feed.lost = first if isinstance(first, Trouble) else _engine_lost()
        self._spread()

    def _spread(self) -> None:
        """Let the page on top show what is new; the others look when they come back up."""
        from station.ui.screens.page import Page

        if isinstance(self.screen, Page) and self.screen.there:
            self.screen.follow()

    def _ring(self, card: Card) -> None:
        before = self._statuses.get(card.slot)
        self._statuses[card.slot] = card.status
        if before is not None and before != card.status:
            for n in range(STATUSES[card.status].bells):
                self.set_timer(0.01 + n * 0.2, self.bell)

    # --- what pages ask for ---

    async def send(self, command: Command) -> Ok:
        """Send one command; raises `Trouble` when it is refused or there is no engine."""
        if self._link is None:
            raise _engine_lost()
        return await self._link.send(command)

    async def follow_slot(self, slot: int | None) -> None:
        """Follow one slot in detail, or none."""
        from station.errors import Trouble
        from station.messages import Watch

        self._watched = slot
        if self.feed.session is not None and self.feed.session.slot != slot:
            self.feed.session = None
        try:
            await self.send(Watch(slot=slot))
        except Trouble as trouble:
            if self.feed.lost is None and self._link is not None:
                self._page().tell(trouble)

    def who(self) -> str:
        """Who is signed on, as the header shows it."""
        if self.person is None:
            return ""
        if self.size.width < 140 or not self.person.roles:
            return self.person.name
        return f"{self.person.name} ({words(named(ROLES, self.person.roles[0]))})"

    def _page(self) -> Page:
        from station.ui.screens.page import Page

        assert isinstance(self.screen, Page)  # noqa: S101 - every screen of ours is one
        return self.screen

    # --- keys of every page ---

    def action_language(self) -> None:
        """The other language, at once, everywhere."""
        set_language("en" if language() == "zh" else "zh")
        self._page().follow()

    def action_ctrl_c(self) -> None:
        """Ctrl+C copies or kills elsewhere; here it only says how to leave."""
        from drivers.text import Words

        self._page().say(Words("Ctrl+Q leaves; the engine goes on", "Ctrl+Q 退出；检测引擎继续运行"), "text")

    async def action_quit(self) -> None:
        """Leave the screen; the engine goes on."""
        self.exit(0)

    def open_help(self) -> None:
        """Show the help page."""
        from station.ui.screens.help import Help

        self.push_screen(Help())


def _overview() -> Page:
    from station.ui.screens.overview import Overview

    return Overview()


def _engine_lost() -> Trouble:
    from drivers.api import Side
    from drivers.text import Words
    from station.errors import Trouble

    return Trouble(
        "ui.engine-lost",
        Words("the engine does not answer", "检测引擎没有响应"),
        Side.BENCH,
        Words("nothing is lost; the screen attaches again by itself", "数据没有丢失；屏幕会自动重新连接"),
    )


def _freeze_garbage() -> None:
    """Full collections were the slowest frames; what was made at start stays, and need not be looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(700, 10, 1000)
