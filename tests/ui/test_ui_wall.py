"""The wall of phones: how it divides the terminal, what a card says, and how little it paints at once."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from ui_script import NOW, card, sample_bench, sample_cards, scripted

from station.i18n import set_language
from station.messages import CardStatus
from station.ui.paint import Line
from station.ui.signs import STATUSES
from station.ui.widgets.wall import CARDS_A_TICK, Wall, ago, card_lines, layout, row_line


def text_of(rows: list[Line]) -> str:
    return "\n".join("".join(span.text for span in row) for row in rows)


@pytest.mark.parametrize(
    ("size", "slots", "columns", "page"),
    [
        ((160, 45), 16, 4, 16),
        ((100, 30), 16, 4, 8),
        ((200, 60), 64, 8, 64),
        ((200, 60), 8, 4, 16),
        ((99, 30), 4, 0, 21),
    ],
)
def test_the_wall_divides_the_terminal_as_drawn(size: tuple[int, int], slots: int, columns: int, page: int) -> None:
    made = layout(*size, slots)
    assert (made.columns, made.page) == (columns, page)
    assert made.columns * made.card_width <= size[0]
    assert made.height <= size[1] - 8


def test_every_state_of_a_card_has_sign_word_and_colour() -> None:
    assert set(STATUSES) == {status.value for status in CardStatus}
    for status, look in STATUSES.items():
        assert look.words.en
        assert look.words.zh
        assert look.colour
        assert status == "empty" or look.sign.strip()


@pytest.mark.parametrize("width", [25, 40])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_card_fills_its_frame_in_every_state(width: int, lang: str) -> None:
    set_language(lang)
    for one in sample_cards():
        rows = card_lines(one, width, 7, NOW)
        assert len(rows) == 7
        assert {sum(cell_len(span.text) for span in row) for row in rows} == {width}


def test_a_failed_card_says_so_in_words_and_not_by_colour_alone() -> None:
    [failed] = [one for one in sample_cards() if one.status == "fail"]
    assert "FAIL" in text_of(card_lines(failed, 40, 7, NOW))
    assert "FAIL" in text_of([row_line(failed, 90, NOW)])


def test_a_mark_that_is_no_verdict_is_never_shown_as_a_pass() -> None:
    odd = card(1, "running", "X", "1", "x", "x", marks=("PASS", "ok", "none", "pass"), done=4, total=4)
    assert "??–✔" in text_of(card_lines(odd, 40, 7, NOW))


def test_more_done_than_there_is_does_not_break_the_bar() -> None:
    odd = card(1, "running", "X", "1", "x", "x", done=900, total=4)
    assert {sum(cell_len(span.text) for span in row) for row in card_lines(odd, 40, 7, NOW)} == {40}


def test_waiting_is_told_in_minutes_and_seconds() -> None:
    assert [ago(ms) for ms in (-5, 24_000, 160_000, 3_725_000)] == ["0:00", "0:24", "2:40", "1:02:05"]


async def test_only_changed_cards_are_painted_and_a_few_at_a_time(drive) -> None:
    engine = scripted()
    cards = [card(n, "running", f"phone {n}", str(n), "x", "x", done=0, total=9) for n in range(1, 17)]
    engine.bench_now = sample_bench(cards=tuple(cards))
    async with drive(engine) as screen:
        wall = screen.app.screen.query_one(Wall)
        painted: list[int] = []
        original = wall._paint
        wall._paint = lambda one: (painted.append(one.slot), original(one))[1]  # type: ignore[method-assign]
        cards[2] = cards[2].model_copy(update={"done": 5})
        engine.show(sample_bench(version=2, cards=tuple(cards)))
        await screen.settle()
        await screen.pilot.pause(0.1)
        assert painted == [3]
        moved = [one.model_copy(update={"done": 7}) for one in cards]
        wall._feed.hear_bench(sample_bench(version=3, cards=tuple(moved)))
        painted.clear()
        wall.follow()
        wall._flush()
        assert painted == list(range(1, CARDS_A_TICK + 1))


async def test_brackets_turn_the_page_and_a_slot_on_another_page_opens(drive) -> None:
    async with drive(scripted(), size=(100, 30)) as screen:
        assert "vivo X100" not in screen.text
        await screen.press("]")
        assert "vivo X100" in screen.text
        assert "page 2 of 2" in screen.text
        await screen.press("[")
        assert "vivo X100" not in screen.text


async def test_a_small_terminal_gets_a_list_and_is_told_what_would_be_better(drive) -> None:
    async with drive(scripted(), size=(80, 24)) as screen:
        assert "100x30" in screen.text
        assert " 3 ✘ Galaxy S24" in screen.text
        await screen.pilot.resize_terminal(160, 45)
        await screen.settle()
        assert "┌─ 3 ✘ ─" in screen.text
