"""How bytes of a phone become lines: whatever they are, in bounded work, and the same in pieces as at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes import captured
from probes.captured import LINE_LIMIT, MOST_SHORT_LINES, SHORT_LINE, cut_line, plain_text, raw_lines, stripped_lines
from probes.cut import without_cut_value, without_cut_word

TEXTS = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.text(max_size=30).map(lambda text: text.encode("utf-16", "surrogatepass")),
)


@given(TEXTS, st.integers(1, 7))
def test_a_text_decoded_in_pieces_is_the_same_as_at_once(data: bytes, piece: int) -> None:
    whole = captured.text_of(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(captured, "_PIECE", piece)
        assert captured.text_of(data) == whole


@pytest.mark.parametrize("data", [b"\xff" * 200_000, b"\xff\xfe" + b"\x00\xd8" * 100_000, "电池".encode() * 40_000])
def test_megabytes_of_no_text_are_decoded_as_at_once(data: bytes) -> None:
    encoding = "utf-16" if data.startswith(b"\xff\xfe") else "utf-8"
    assert captured.text_of(data) == data.decode(encoding, "replace")


@given(st.one_of(TEXTS, st.text("ab=:, ;()\n\r\t ", max_size=30).map(str.encode)))
def test_the_last_line_is_found_without_the_others(data: bytes) -> None:
    assert cut_line(data) == captured.text_of(data).rpartition("\n")[2].strip()


def test_a_line_is_looked_at_up_to_its_limit() -> None:
    data = b"a" * (LINE_LIMIT + 9) + b"\nb" + b"\xe7" * (5 * LINE_LIMIT)
    assert [len(line) for line in raw_lines(data)] == [LINE_LIMIT, LINE_LIMIT]
    assert [len(line) for line in stripped_lines(data)] == [LINE_LIMIT, LINE_LIMIT]
    assert len(cut_line(data)) == LINE_LIMIT


def test_of_lines_that_are_far_too_short_only_so_many_are_looked_at() -> None:
    few, many = b"\n" * (MOST_SHORT_LINES - 2), b"\n" * 500_000
    assert len(raw_lines(few)) == len(stripped_lines(few)) == MOST_SHORT_LINES - 1
    assert len(raw_lines(many)) == len(stripped_lines(many)) == MOST_SHORT_LINES + len(many) // SHORT_LINE
    real = b"  some field=1, another=2\n" * 20_000
    assert len(raw_lines(real)) == 20_001


def test_line_ends_are_made_plain() -> None:
    assert plain_text(b"a\r\nb\r\r\nc\n") == "a\nb\nc\n"


@pytest.mark.parametrize(
    ("last", "value", "word"),
    [
        ("level: 5", "level:", "level:"),
        ("level: true", "level: true", "level: true"),
        ("no end", "no end", "no"),
        ("x" * 30_000 + ")", "x" * 30_000 + ")", "x" * 30_000 + ")"),
        ("a=" * 15_000, "a=" * 15_000, "a=" * 15_000),
        ("a=" * 15_000 + "b", "a=" * 15_000, "a=" * 15_000),
        ("word", "word", ""),
    ],
)
def test_what_may_be_half_is_left_out_however_long_the_line_is(last: str, value: str, word: str) -> None:
    data = f"first: 1\n{last}".encode()
    lines = stripped_lines(data)

    def whole(text: str) -> bool:
        return text == "true"

    assert without_cut_value(lines, data, whole) == ["first: 1", value]
    assert without_cut_word(lines, data, whole) == ["first: 1", word]
    ended = data + b"\n"
    assert without_cut_value(stripped_lines(ended), ended)[1] == last
    assert without_cut_word(stripped_lines(ended), ended)[1] == last
