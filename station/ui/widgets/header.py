"""The one header of every screen: bench, where I am, who is signed on, link lights, outbox, clock.

A simulated station says so here, on every screen; a lost engine too.
"""

from __future__ import annotations

from collections.abc import Sequence

from station.i18n import _, words
from station.ui.paint import Line, Span, fit, line, width_of
from station.ui.seams import Feed

__all__ = ["header"]


def header(feed: Feed, where: str, who: str, width: int) -> Sequence[Line]:
    """The header's line and its rule, `width` cells wide."""
    right = _right(feed, who, wide=width >= 140)
    left = [*_left(feed), Span(" │ ", "frame"), Span(where, "strong")]
    size = sum(width_of(text) for text, _look in right)
    while right and size > width - 24 and len(right) > 2:
        size -= width_of(right.pop(0).text)
    return [[*fit(left, width - size - 1), Span(" "), *right], line(("═" * width, "frame"))]


def _left(feed: Feed) -> list[Span]:
    bench = feed.bench
    name = bench.station if bench else "…"
    spans = [Span(" " + _("Station {name}").format(name=name), "strong")]
    if bench and bench.simulated:
        spans += [Span(" "), Span(" " + _("SIMULATED") + " ", "simulated")]
    return spans


def _right(feed: Feed, who: str, wide: bool) -> list[Span]:
    parts: list[list[Span]] = []
    if who:
        parts.append([Span(who)])
    if feed.lost is not None:
        parts.append([Span(" ? " + _("engine lost") + " ", "alarm")])
    elif feed.bench is not None:
        lights = _lights(feed, wide)
        if lights:
            parts.append(lights)
        parts.append(_outbox(feed, wide))
    if feed.bench is not None:
        form = "%m-%d %H:%M" if wide else "%H:%M"
        parts.append([Span(feed.clock.local(feed.now_ms()).strftime(form))])
    out: list[Span] = []
    for n, part in enumerate(parts):
        if n:
            out.append(Span(" │ " if wide else "│", "frame"))
        out += part
    return [*out, Span(" ")]


def _lights(feed: Feed, wide: bool) -> list[Span]:
    assert feed.bench is not None  # noqa: S101 - the caller has looked
    spans: list[Span] = []
    for name, state in feed.bench.links.items():
        good = state.en.startswith("ok")
        label = "ADB" if name == "adb" else name
        if spans:
            spans.append(Span("  " if wide else " "))
        spans.append(Span(f"{label} " if wide else label))
        spans.append(Span("●" if good else "?", "pass" if good else "lost"))
        if wide and good:  # what is wrong is among the bench's troubles; a header has no room for it
            spans.append(Span(f" {words(state)}"))
    return spans


def _outbox(feed: Feed, wide: bool) -> list[Span]:
    assert feed.bench is not None  # noqa: S101 - the caller has looked
    text = _("outbox {n}") if wide else _("out {n}")
    spans = [Span(text.format(n=feed.bench.outbox))]
    if feed.bench.rejected:
        spans.append(Span(" !" + _("{n} rejected").format(n=feed.bench.rejected), "fail"))
    return spans
