"""Text from a phone, a person or a file is only ever characters: on every page, in every field of every snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pages import PAGES, PageCase, engine_for
from pydantic import BaseModel
from rich.cells import cell_len
from textual.widgets import Input
from ui_script import scripted

from drivers.text import Words
from station.ui.paint import style
from station.ui.screens.evidence import as_text

NASTY = (
    "[/oops]",
    "[@click=app.quit]tap[/]",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b[2J\x1b[H\x9b31m\x07\x08\r\n\t",
    "a\u202eexe.gpj\u2066b\u200f\u200b",
    "全角文字很宽" * 20,
    "👨‍👩‍👧‍👦🏳️‍🌈e\u0301\u0301\u0301",
    "$(reboot) {0} {slot} %s \\x1b",
    "x" * 10_000,
)
ALL = " ".join(NASTY[:-1]) + NASTY[-1]
STEERING = {
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u061c\u200e\u200f",
    *map(chr, range(0x202A, 0x202F)),
}
STEERING |= {*map(chr, range(0x2066, 0x206A)), "\u200b", "\ufeff"}

#: What decides how a message is read, not what is shown: a changed one would be another message.
STRUCTURE = {
    "type", "status", "state", "kind", "layer", "verdict", "ending", "marks", "simulated", "run", "attempt",
    "base64", "payload", "media_type", "stage", "decision",
}  # fmt: skip


def poison(value: Any, nasty: str, key: str = "") -> Any:
    """The same message with `nasty` in every text that can be shown."""
    if key in STRUCTURE:
        return value
    if isinstance(value, Words):
        return Words(nasty, nasty)
    if isinstance(value, BaseModel):
        fields = {name: poison(getattr(value, name), nasty, name) for name in type(value).model_fields}
        return value.model_copy(update=fields)
    if isinstance(value, str):
        return nasty
    if isinstance(value, Mapping):
        kept = {"name"} if "kind" in value else set()  # a form's field is called by its own program, not by a person
        return {
            name if key != "identity" else nasty: one if name in kept else poison(one, nasty, name)
            for name, one in value.items()
        }
    if isinstance(value, tuple | list):
        return type(value)(poison(one, nasty, key) for one in value)
    return value


def poisoned_answer(answer: Any, nasty: str) -> Any:
    def give(command: Any) -> dict[str, Any]:
        given = answer(command)
        kept = {name: given[name] for name in ("state_words", "payload", "base64", "media_type") if name in given}
        return {**{name: poison(one, nasty, name) for name, one in given.items()}, **kept}

    return give


@pytest.mark.parametrize("nasty", [*NASTY, ALL], ids=lambda text: ascii(text)[:18])
async def test_nothing_nasty_steers_or_breaks_the_bench_and_a_slot(nasty: str, drive) -> None:
    engine = scripted()
    engine.bench_now = poison(engine.bench_now, nasty)
    engine.session_now = poison(engine.session_now, nasty)
    async with drive(engine, size=(100, 30)) as screen:
        check(screen, (100, 30))
        await screen.press("1", "enter")
        check(screen, (100, 30))
        await screen.press("h")
        check(screen, (100, 30))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
async def test_every_page_shows_poisoned_messages_as_characters_only(page: PageCase, drive) -> None:
    engine = engine_for(page)
    engine.bench_now = poison(engine.bench_now, ALL)
    if engine.session_now is not None:
        engine.session_now = poison(engine.session_now, ALL)
    engine.answers = {name: poisoned_answer(answer, ALL) for name, answer in engine.answers.items()}
    async with drive(engine, size=(160, 45)) as screen:
        await screen.press(*page.keys)
        check(screen, (160, 45))
        assert screen.app.is_running


def check(screen: Any, size: tuple[int, int]) -> None:
    """What reaches the terminal has no steering character, no style of its own, no action, and keeps the size."""
    strips = screen.app.screen._compositor.render_strips()
    assert len(strips) == size[1]
    for strip in strips:
        assert cell_len(strip.text) == strip.cell_length == size[0]
        assert not STEERING & set(strip.text)
        for segment in strip:
            assert segment.style is None or not segment.style.meta or "@click" not in segment.style.meta
            assert segment.style is None or segment.style.link is None


async def test_a_markup_name_is_shown_literally(drive) -> None:
    engine = scripted()
    bench = engine.bench_now
    first = bench.cards[0].model_copy(update={"model": "[b]x[/oops]"})
    engine.bench_now = bench.model_copy(update={"cards": (first, *bench.cards[1:])})
    async with drive(engine) as screen:
        assert "[b]x[/oops]" in screen.text


async def test_a_pasted_escape_sequence_in_a_field_does_not_reach_the_terminal(drive) -> None:
    async with drive(scripted()) as screen:
        await screen.press("t")
        screen.app.screen.query_one(Input).value = "\x1b]52;c;YQ==\x07\u202eabc"
        await screen.settle()
        check(screen, (160, 45))


def test_evidence_is_inert_whatever_it_holds() -> None:
    raw = bytes(range(256)) * 3 + "\u202e\u200b".encode()
    for media_type in ("text/plain", "application/json", "application/octet-stream", "", "text/html"):
        lines = as_text(raw, media_type)
        assert lines
        assert not STEERING & set("".join(lines))


def test_hex_shows_every_byte() -> None:
    [first, second] = as_text(bytes(range(0x30, 0x30 + 18)), "application/octet-stream")
    assert first.startswith("00000000  30 31 32")
    assert second.split()[1:3] == ["40", "41"]


def test_every_look_is_a_known_style() -> None:
    from station.ui.signs import COLOURS

    for look in COLOURS:
        assert style(look).color is not None


async def test_every_cell_has_its_own_background_whatever_the_terminal_has(drive) -> None:
    async with drive(scripted()) as screen:
        strips = screen.app.screen._compositor.render_strips()
        assert all(part.style is not None and part.style.bgcolor is not None for row in strips for part in row)
