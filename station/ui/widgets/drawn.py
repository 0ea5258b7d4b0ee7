"""A widget that shows lines somebody else describes, and repaints only those that changed.

Stands on `station.ui.paint`. It keeps painted strips, so that a repaint costs nothing where nothing changed, and can be
scrolled when there are more lines than rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from station.ui.paint import Line, Span, strip

__all__ = ["Drawn"]


class Drawn(Widget):
    """Shows `draw(width, height)`. Call `redraw` when what it is drawn from may have changed."""

    DEFAULT_CSS = "Drawn { width: 1fr; height: 1fr; }"

    def __init__(self, draw: Callable[[int, int], Sequence[Line]], id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._draw = draw
        self._lines: list[tuple[Span, ...]] = []
        self._strips: list[Strip] = []
        self._drawn_for = Size(0, 0)
        self._top = 0

    @property
    def top(self) -> int:
        """The first line shown."""
        return self._top

    def scroll_to_line(self, top: int) -> None:
        """Show the lines from `top` on, as far as there are any."""
        self._top = max(0, min(top, len(self._lines) - self.size.height))
        self.refresh()

    def redraw(self) -> None:
        """Draw anew and repaint the lines that differ."""
        size = self.size
        if not size.width or not size.height:
            return
        lines = [tuple(row) for row in self._draw(size.width, size.height)]
        if size != self._drawn_for or len(lines) != len(self._lines):
            self._drawn_for, self._lines = size, lines
            self._strips = [strip(row, size.width) for row in lines]
            self._top = max(0, min(self._top, len(lines) - size.height))
            self.refresh()
            return
        changed = [n for n, row in enumerate(lines) if row != self._lines[n]]
        for n in changed:
            self._strips[n] = strip(lines[n], size.width)
        self._lines = lines
        if changed:
            self.refresh(*(Region(0, n - self._top, size.width, 1) for n in changed))

    def on_resize(self) -> None:
        """Another size is another drawing."""
        self.redraw()

    def render_line(self, y: int) -> Strip:
        """One painted line."""
        if self.size != self._drawn_for:
            self.redraw()
        n = y + self._top
        return self._strips[n] if n < len(self._strips) else strip((), self.size.width)
