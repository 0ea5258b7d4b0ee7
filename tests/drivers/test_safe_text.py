"""What leaves `safe_text` can steer nothing, and text that is safe already is the same text."""

from __future__ import annotations

import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from drivers.text import safe_text

BELL = "\x07"
SHOWN = "\u2407"


def test_each_character_alone_becomes_what_it_becomes_among_others() -> None:
    """A text that is safe as it stands is not looked at character by character; the one beside it is."""
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        assert safe_text(char) + SHOWN == safe_text(char + BELL), hex(code)


def test_nothing_that_is_kept_is_a_control_or_invisible() -> None:
    kept = {chr(code) for code in range(sys.maxunicode + 1) if safe_text(chr(code)) == chr(code)}
    assert not {char for char in kept if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")}
    assert not kept & set("\u00ad\u034f\u061c\u200b\u200e\u200f\u202e\u2066\ufeff")


@given(st.text(), st.integers(1, 50))
def test_what_is_safe_stays_as_it_is_and_is_short_enough(text: str, limit: int) -> None:
    safe = safe_text(text, limit)
    assert len(safe) <= limit
    assert safe_text(safe, limit) == safe
