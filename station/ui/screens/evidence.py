"""The raw bytes that a check kept, as text with everything invisible made visible, or as hex. Each look is logged."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence

from textual.widget import Widget

from drivers.text import Words, safe_text
from station.i18n import N_, _, words
from station.ui.keys import Act
from station.ui.paint import Line, box, line
from station.ui.screens.page import BACK, BACK_B, LANGUAGE, Page
from station.ui.widgets.drawn import Drawn

__all__ = ["Evidence", "as_text"]

#: Lines of one piece of evidence that are shown; the rest is in the file.
MOST_LINES = 5000


def as_text(content: bytes, media_type: str) -> list[str]:
    """The bytes as inert lines: text where they are text, else 16 bytes a line in hex."""
    if media_type.startswith("text/") or media_type in {"application/json", "application/xml"}:
        lines = content.decode("utf-8", "replace").split("\n")[:MOST_LINES]
        return [safe_text(text.rstrip("\r"), limit=1000) for text in lines]
    rows = []
    for at in range(0, min(len(content), MOST_LINES * 16), 16):
        part = content[at : at + 16]
        seen = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        rows.append(f"{at:08x}  {part.hex(' '):<47}  {seen}")
    return rows


class Evidence(Page):
    """The evidence of one check."""

    CSS_PATH = "evidence.tcss"
    ACTS = (
        Act("left", "move(-1)", "←→", N_("select"), lambda s: len(s.pieces) > 1),
        Act("right", "move(1)", "", N_("select"), lambda s: len(s.pieces) > 1),
        Act("enter", "look", "Enter", N_("look (is logged)"), lambda s: bool(s.pieces)),
        Act("up", "scroll(-1)", "↑↓", N_("scroll"), lambda s: bool(s.lines)),
        Act("down", "scroll(1)", "", N_("scroll"), lambda s: bool(s.lines)),
        Act("pageup", "scroll(-20)", "", N_("scroll"), lambda s: bool(s.lines)),
        Act("pagedown", "scroll(20)", "", N_("scroll"), lambda s: bool(s.lines)),
        BACK,
        BACK_B,
        LANGUAGE,
    )

    def __init__(self, title: Words, pieces: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._of = title
        self.pieces = tuple(pieces)
        self.cursor = 0
        self.lines: list[str] = []
        self._shown = ""

    def where(self) -> str:
        """Whose evidence."""
        return _("Evidence") + f" · {words(self._of)}"

    def body(self) -> Iterable[Widget]:
        """The pieces, then the chosen one's content."""
        yield Drawn(self._list, id="list")
        yield Drawn(self.drawing, id="body")

    def _list(self, width: int, height: int) -> Sequence[Line]:
        rows: list[Line] = []
        first = max(0, min(self.cursor - 1, len(self.pieces) - (height - 2)))
        for n, (name, digest) in enumerate(self.pieces[first : first + height - 2], first):
            look = "chosen" if n == self.cursor else "text"
            rows.append(line(("▸ " if n == self.cursor else "  ", look), (name, look), (f"  {digest[:16]}…", "dim")))
        if not self.pieces:
            rows.append(line((_("this check kept no raw data"), "dim")))
        return box(_("Raw data as seen"), rows, width, height)

    def drawing(self, width: int, height: int) -> Sequence[Line]:
        """The content; every line is inert."""
        if not self.lines:
            return [line(("  " + _("Enter shows the chosen piece; the look is logged"), "dim"))] if self.pieces else []
        return [line((" " + text, "text")) for text in self.lines]

    def action_move(self, by: int) -> None:
        """Choose another piece."""
        self.cursor = max(0, min(self.cursor + by, len(self.pieces) - 1))
        self.redraw()

    def action_scroll(self, by: int) -> None:
        """Scroll the content."""
        shown = self.query_one("#body", Drawn)
        shown.scroll_to_line(shown.top + by)

    def action_look(self) -> None:
        """Ask for the chosen piece."""
        me = self.me()
        if me and self.pieces:
            self.run_worker(self._ask(self.pieces[self.cursor][1], me), group="ask", exclusive=True)

    async def _ask(self, sha256: str, me: str) -> None:
        from station.messages import EvidenceQuery

        found = await self.order(EvidenceQuery(sha256=sha256, person=me))
        if found is None:
            return
        try:
            content = base64.b64decode(str(found.data.get("base64", "")), validate=True)
        except binascii.Error:
            content = b""
        self.lines = as_text(content, str(found.data.get("media_type", ""))) or [_("(empty)")]
        self.query_one("#body", Drawn).scroll_to_line(0)
        self.redraw()
