"""Text that people will read, and text that came from outside.

`Words` carries one message in every language of the bench side by side, because driver errors, probe reasons and
checklist texts cross process borders and are signed as they were shown. `safe_text` is the door through which text
from a phone, a scanner or a file enters: after it nothing can steer a terminal.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

__all__ = ["Words", "safe_text"]


class Words(NamedTuple):
    """One message in English and Simplified Chinese; both are always present."""

    en: str
    zh: str

    def to(self, lang: str) -> str:
        """The message in `lang` (`"zh"`, `"zh_CN"`, ... give Chinese, all else English)."""
        return self.zh if lang.startswith("zh") else self.en

    def fill(self, **values: object) -> Words:
        """The message with `{name}` places filled by `values`, each made safe to show first.

        A value that is `Words` itself fills each language with its own text.
        """
        return Words(
            self.en.format(**{key: _shown(value, "en") for key, value in values.items()}),
            self.zh.format(**{key: _shown(value, "zh") for key, value in values.items()}),
        )


def _shown(value: object, lang: str) -> str:
    # A message inside a message is ours and ends with what to do: only what came from outside is kept short.
    return safe_text(value.to(lang), limit=1000) if isinstance(value, Words) else safe_text(str(value), limit=200)


# Bidirectional controls, zero-width signs and other invisible formatting: they can make text read as something else.
_INVISIBLE = frozenset(
    (
        *(0x00AD, 0x034F, 0x061C, 0x180E, 0xFEFF),
        *range(0x200B, 0x2010),
        *range(0x2028, 0x202F),
        *range(0x2060, 0x2070),
        *range(0xFFF9, 0xFFFC),
        *range(0xE0000, 0xE0080),
    )
)
#: The one of them that Python calls printable: combining grapheme joiner.
_GLUE = "\u034f"


def safe_text(text: str, limit: int = 400) -> str:
    """`text` made inert for any screen, file or log: one line, nothing invisible, at most `limit` characters.

    Control characters (C0, DEL, C1) become visible signs from the Control Pictures block, so that a reader sees that
    something was there; bidirectional and zero-width signs are dropped; lone surrogates become U+FFFD. The raw bytes
    stay in the evidence. Markup is not touched here: widgets get text by type, never as markup.
    """
    if len(text) <= limit and text.isprintable() and _GLUE not in text and unicodedata.is_normalized("NFC", text):
        return text  # nearly all are so, and looking at each character took longer than reading a record
    out: list[str] = []
    for char in unicodedata.normalize("NFC", text[: limit * 4]):
        code = ord(char)
        if code < 0x20:
            out.append(chr(0x2400 + code))
        elif code == 0x7F:
            out.append("\u2421")
        elif 0x80 <= code < 0xA0 or 0xD800 <= code < 0xE000:
            out.append("\ufffd")
        elif code in _INVISIBLE:
            continue
        else:
            out.append(char)
    cut = len(out) > limit or len(text) > limit * 4
    return "".join(out[: limit - 1]) + "…" if cut else "".join(out)
