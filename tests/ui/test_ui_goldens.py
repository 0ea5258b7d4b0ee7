"""Every page as text, in both sizes and languages, against what is kept; `UPDATE_GOLDENS=1` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pages import PAGES, PageCase, engine_for
from rich.cells import cell_len

from station.ui.screens.page import Page

GOLDENS = Path(__file__).parent / "goldens"
SIZES = ((160, 45), (100, 30))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
async def test_a_page_looks_as_kept_and_follows_the_language(page: PageCase, size: tuple[int, int], drive) -> None:
    async with drive(engine_for(page), size=size) as screen:
        await screen.press(*page.keys)
        shown = {"en": screen.text}
        _only_keys_that_work(screen.app.screen)
        await screen.press("f2")
        shown["zh"] = screen.text
    for lang, text in shown.items():
        _compare(GOLDENS / f"{page.name}.{size[0]}.{lang}.txt", text.splitlines(), size)


def _only_keys_that_work(page: Page) -> None:
    """Every key of the footer is bound and enabled right now."""
    for act in page.shown_acts():
        for key in act.keys.split(",") if act.action else ():
            assert page.active_bindings[key].enabled, (page, act)


def _compare(kept: Path, lines: list[str], size: tuple[int, int]) -> None:
    assert len(lines) == size[1]
    assert all(cell_len(line) <= size[0] for line in lines)
    shown = "\n".join(lines) + "\n"
    if os.environ.get("UPDATE_GOLDENS"):
        kept.write_text(shown, encoding="utf-8")
    assert shown == kept.read_text(encoding="utf-8")


def test_no_golden_is_left_over() -> None:
    wanted = {f"{page.name}.{size[0]}.{lang}.txt" for page in PAGES for size in SIZES for lang in ("en", "zh")}
    assert {path.name for path in GOLDENS.glob("*.txt")} == wanted
