"""Lines of text by terminal cells: exact widths for any text, and nothing in them that could steer a terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from station.ui.paint import Guard, OldConsole, beside, box, cells, fit, line, plain, strip, wrap

TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["[/oops]", "[@click=app.quit]x[/]", "\x1b]52;c;YQ==\x07", "a\u202eb", "小米14 Ultra", "👨‍👩‍👧‍👦", "x" * 10_000]
    ),
)
STEERING = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), *map(chr, range(0x202A, 0x202F)), "\u2066", "\u2069"}


def harmless(text: str) -> bool:
    return not STEERING & set(text)


@given(TEXTS, st.integers(0, 80), st.sampled_from(["left", "right", "centre"]))
def test_cells_are_exactly_as_wide_as_asked_and_harmless(text: str, width: int, align: str) -> None:
    shown = cells(text, width, align)
    assert cell_len(shown) == width
    assert harmless(shown)


@given(st.lists(TEXTS, max_size=5), st.integers(0, 100))
def test_a_line_fits_exactly(texts: list[str], width: int) -> None:
    fitted = fit(line(*texts), width)
    assert sum(cell_len(span.text) for span in fitted) == width
    assert harmless("".join(span.text for span in fitted))


@given(TEXTS, st.integers(2, 60), st.integers(1, 6))
def test_wrapped_lines_are_never_wider_nor_more_than_asked(text: str, width: int, most: int) -> None:
    rows = wrap(text, width, most=most)
    assert len(rows) <= most
    assert all(sum(cell_len(span.text) for span in row) <= width for row in rows)


@given(st.text(alphabet="ab 小米", min_size=1, max_size=80), st.integers(4, 30))
def test_wrapping_loses_no_letter_where_there_is_room(text: str, width: int) -> None:
    together = "".join(span.text for row in wrap(text, width, most=100) for span in row)
    assert together.replace(" ", "") == text.replace(" ", "")


@given(TEXTS, st.lists(TEXTS, max_size=3), st.integers(12, 100), st.integers(3, 9), TEXTS)
def test_every_line_of_a_box_has_its_width(title: str, inside: list[str], width: int, height: int, note: str) -> None:
    rows = box(title, [line(text) for text in inside], width, height, note=note[:4])
    assert len(rows) == height
    assert {sum(cell_len(span.text) for span in row) for row in rows} == {width}


def test_blocks_beside_each_other_keep_the_right_one_in_its_column() -> None:
    rows = beside([line("a"), line("小")], [line("X"), line("Y"), line("Z")], 5, gap=1)
    assert ["".join(span.text for span in row) for row in rows] == ["a     X", "小    Y", "      Z"]


@given(TEXTS, st.integers(1, 60))
def test_a_painted_strip_is_as_wide_as_it_says(text: str, width: int) -> None:
    painted = strip(line(text), width)
    assert painted.cell_length == width == cell_len(painted.text)


def test_plain_content_keeps_markup_as_characters() -> None:
    assert plain("[/oops] [b]x[/b]").plain == "[/oops] [b]x[/b]"


@given(st.text(max_size=80))
def test_the_guard_lets_no_steering_character_out_and_keeps_the_width(text: str) -> None:
    [kept] = Guard().apply([Segment(text)], Color(0, 0, 0))
    assert harmless(kept.text)
    assert cell_len(kept.text) == cell_len(text)


def test_old_consoles_get_signs_and_frames_in_ascii() -> None:
    text = "".join(span.text for row in box("▸ ✔ ✘ – » …", [line("█░·")], 20, double=True) for span in row)
    [kept] = OldConsole().apply([Segment(text)], Color(0, 0, 0))
    assert kept.text.isascii()
